//! Two-letter codes: countries and continents.
//!
//! The format does not care whether a code is assigned: `A1` (an anonymous proxy in old GeoIP files) or `EU` as a
//! country are codes like any other. What is not two ASCII letters or digits is not a code.

use std::fmt;

/// A country as ISO 3166-1 alpha-2 spells it, upper case.
///
/// GeoIP databases also use codes that ISO has not assigned (`EU`, `A1`, `XK`); they are kept.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Country([u8; 2]);

/// A continent as MirrorManager's CSV spells it: `AF AN AS EU NA OC SA`, or `--` for none in particular.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Continent([u8; 2]);

impl Country {
    /// Reads a code of any case; `None` unless it is exactly two ASCII letters or digits.
    ///
    /// `UK` is `GB` and `EL` is `GR`: the European Union writes them so (Interinstitutional Style Guide §7.1.1), and
    /// with them whoever copies from its tables.
    pub fn parse(text: &[u8]) -> Option<Country> {
        match text {
            [a, b] if a.is_ascii_alphanumeric() && b.is_ascii_alphanumeric() => {
                Some(Country(match &[a.to_ascii_uppercase(), b.to_ascii_uppercase()] {
                    b"UK" => *b"GB",
                    b"EL" => *b"GR",
                    code => *code,
                }))
            }
            _ => None,
        }
    }

    /// The two upper-case bytes.
    pub fn bytes(self) -> [u8; 2] {
        self.0
    }

    /// The code as text.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or("??")
    }
}

impl Continent {
    /// Reads a code of any case; `None` unless it is exactly two ASCII letters, digits or dashes.
    pub fn parse(text: &[u8]) -> Option<Continent> {
        let good = |b: &u8| b.is_ascii_alphanumeric() || *b == b'-';
        match text {
            [a, b] if good(a) && good(b) => Some(Continent([a.to_ascii_uppercase(), b.to_ascii_uppercase()])),
            _ => None,
        }
    }

    /// The two upper-case bytes.
    pub fn bytes(self) -> [u8; 2] {
        self.0
    }

    /// The code as text.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or("??")
    }
}

impl fmt::Display for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Continent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Continent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_country_is_two_letters_of_any_case() {
        assert_eq!(Country::parse(b"de"), Country::parse(b"DE"));
        assert_eq!(Country::parse(b"De").map(|c| c.to_string()), Some("DE".into()));
        for bad in [&b""[..], b"D", b"DEU", b"d\xc3", b"d ", b"--"] {
            assert_eq!(Country::parse(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn a_country_has_one_code() {
        assert_eq!(Country::parse(b"uk"), Country::parse(b"GB"));
        assert_eq!(Country::parse(b"EL"), Country::parse(b"gr"));
        assert_eq!(Country::parse(b"UK").map(|c| c.to_string()), Some("GB".into()));
    }

    #[test]
    fn the_continent_of_proxies_is_kept() {
        assert_eq!(Continent::parse(b"--").map(|c| c.to_string()), Some("--".into()));
    }
}
