//! The schemes by which mirrors are reached.

use std::iter;

/// A URL scheme that clients of a mirrorlist understand, best first.
///
/// The discriminant is the rank in which lists prefer them, and their number in the cache file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Scheme {
    /// HTTP over TLS.
    Https = 0,
    /// Plain HTTP.
    Http = 1,
    /// FTP.
    Ftp = 2,
    /// The rsync daemon protocol: never in a list unless asked for by name.
    Rsync = 3,
}

impl Scheme {
    /// All schemes, in the order in which lists and headers name them.
    pub const ALL: [Scheme; 4] = [Scheme::Https, Scheme::Http, Scheme::Ftp, Scheme::Rsync];

    /// The scheme's name, lower case, as in a URL.
    pub fn name(self) -> &'static str {
        match self {
            Scheme::Https => "https",
            Scheme::Http => "http",
            Scheme::Ftp => "ftp",
            Scheme::Rsync => "rsync",
        }
    }

    /// Reads a scheme's name of any case.
    pub fn parse(name: &[u8]) -> Option<Scheme> {
        Scheme::ALL.into_iter().find(|scheme| scheme.name().as_bytes().eq_ignore_ascii_case(name))
    }

    /// The scheme of a URL: what stands before `://`.
    pub fn of_url(url: &str) -> Option<Scheme> {
        url.split_once("://").and_then(
            |(name, rest)| {
                if rest.is_empty() { None } else { Scheme::parse(name.as_bytes()) }
            },
        )
    }

    /// The scheme of this number in the cache file.
    pub fn from_number(number: u8) -> Option<Scheme> {
        Scheme::ALL.get(usize::from(number)).copied()
    }
}

/// A set of schemes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Schemes(u8);

impl Schemes {
    /// No scheme at all.
    pub const NONE: Schemes = Schemes(0);
    /// Every scheme.
    pub const ALL: Schemes = Schemes(0b1111);
    /// What counts when the client names none: https, http and ftp.
    pub const USUAL: Schemes = Schemes(0b0111);
    /// What a redirect may point at: https and http.
    pub const WEB: Schemes = Schemes(0b0011);

    /// The set with `scheme` added.
    #[must_use]
    pub fn with(self, scheme: Scheme) -> Schemes {
        Schemes(self.0 | 1 << scheme as u8)
    }

    /// The set without `scheme`.
    #[must_use]
    pub fn without(self, scheme: Scheme) -> Schemes {
        Schemes(self.0 & !(1 << scheme as u8))
    }

    /// The set of the best scheme alone; empty as it is.
    #[must_use]
    #[inline]
    pub fn best(self) -> Schemes {
        Schemes(self.0 & self.0.wrapping_neg())
    }

    /// Whether `scheme` is in the set.
    pub fn contains(self, scheme: Scheme) -> bool {
        self.0 & (1 << scheme as u8) != 0
    }

    /// Schemes in both sets.
    #[must_use]
    pub fn and(self, other: Schemes) -> Schemes {
        Schemes(self.0 & other.0)
    }

    /// Whether no scheme is in the set.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The schemes of the set, in the order of [`Scheme::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Scheme> {
        let mut left = self.0;
        iter::from_fn(move || {
            let scheme = Scheme::from_number(left.trailing_zeros() as u8)?;
            left &= left - 1;
            Some(scheme)
        })
    }

    /// The set as bits, bit n for the scheme numbered n; for the cache file.
    pub fn bits(self) -> u8 {
        self.0
    }

    /// The set of these bits; bits that name no scheme are dropped.
    pub fn from_bits(bits: u8) -> Schemes {
        Schemes(bits & 0b1111)
    }
}

impl FromIterator<Scheme> for Schemes {
    fn from_iter<I: IntoIterator<Item = Scheme>>(schemes: I) -> Schemes {
        schemes.into_iter().fold(Schemes::NONE, Schemes::with)
    }
}

/// The host part of a URL of the cache, without port: none of them names a user.
pub fn host_name(url: &str) -> &str {
    // Bytes: this is asked for each mirror of an answer, and all of these are ASCII.
    let from = url.as_bytes().windows(3).position(|three| three == b"://").map_or(0, |at| at + 3);
    let authority = &url[from..];
    let end = authority.bytes().position(|byte| matches!(byte, b'/' | b'?'));
    let authority = &authority[..end.unwrap_or(authority.len())];
    match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => host,
        _ => authority,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_is_the_host_part_without_port() {
        let urls = [
            "https://mirror.example.org/pub",
            "http://mirror.example.org:8080",
            "rsync://[2001:db8::1]/a",
            "http://[2001:db8::1]:81/a",
        ];
        let names = ["mirror.example.org", "mirror.example.org", "[2001:db8::1]", "[2001:db8::1]"];
        assert_eq!(urls.map(host_name), names);
    }
}
