//! The query string, taken apart; nothing is looked up here.
//!
//! Source: SPEC.md §1. Values keep their bytes; what they mean is for `query` to find out.

use super::form::{Format, Hash};
use std::borrow::Cow;
use wire::net::trim_blanks;

/// Longest `repo`, `arch`, `path` or `location` in bytes; a longer one is unknown.
pub const LONGEST_NAME: usize = 1024;

/// A request's parameters; `None` where one is absent or empty.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Params<'q> {
    /// `repo`
    pub repo: Option<Cow<'q, [u8]>>,
    /// `arch`
    pub arch: Option<Cow<'q, [u8]>>,
    /// `path`; blanks at its ends belong to it.
    pub path: Option<Cow<'q, [u8]>>,
    /// `country`, or else `cc`; a list with something on it.
    pub country: Option<Cow<'q, [u8]>>,
    /// `protocol`
    pub protocol: Option<Cow<'q, [u8]>>,
    /// `netblock`
    pub netblock: Option<Cow<'q, [u8]>>,
    /// `ip`
    pub ip: Option<Cow<'q, [u8]>>,
    /// `version`
    pub version: Option<Cow<'q, [u8]>>,
    /// `location`
    pub location: Option<Cow<'q, [u8]>>,
    /// `exclude`
    pub exclude: Option<Cow<'q, [u8]>>,
    /// `family`
    pub family: Option<Cow<'q, [u8]>>,
    /// `limit`
    pub limit: Option<Cow<'q, [u8]>>,
    /// `format`
    pub format: Option<Cow<'q, [u8]>>,
    /// `again`
    pub again: Option<Cow<'q, [u8]>>,
    /// The form that a flag of a path of the redirector asks for: the first of these that is there and not `0`.
    pub flag: Option<Flag>,
    /// `redirect` is there and not `0`.
    pub redirect: bool,
    /// `time` is there and not `0`.
    pub time: bool,
    /// `strict` is there and not `0`.
    pub strict: bool,
    /// `explain` is there and not `0`.
    pub explain: bool,
}

/// Of each parameter the last value, as sent: only these are decoded, however often a name comes again.
pub struct Written<'q>([Option<&'q [u8]>; Name::COUNT]);

impl<'q> Written<'q> {
    /// Reads a query string, once for all questions.
    #[inline]
    pub fn read(query: &'q [u8]) -> Written<'q> {
        let mut last = [None; Name::COUNT];
        // Empty ones are passed over before anything is done with them: eight kilobytes may hold as many.
        for pair in query.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()) {
            let at = pair.iter().position(|byte| *byte == b'=').unwrap_or(pair.len());
            if let Some(name) = Name::read(&pair[..at]) {
                last[name as usize] = Some(pair.get(at + 1..).unwrap_or_default());
            }
        }
        Written(last)
    }

    #[inline]
    fn value(&self, name: Name) -> Option<Cow<'q, [u8]>> {
        self.0[name as usize].map(decode)
    }

    /// The last value of a parameter, decoded, as sent; `None` if it is not there.
    pub fn given(&self, name: &str) -> Option<Cow<'q, [u8]>> {
        self.value(Name::of(name.as_bytes())?)
    }

    /// The flags that are there and not `0`, in the order in which they count.
    pub fn flags(&self) -> impl Iterator<Item = (&'static str, Flag)> {
        let is_set = |name| self.value(name).is_some_and(|value| *trim_blanks(&value) != *b"0");
        FLAGS.into_iter().filter(move |(_, name, _)| is_set(*name)).map(|(name, _, flag)| (name, flag))
    }
}

impl<'q> Params<'q> {
    /// Reads a query string, as sent. Total: whatever is not understood is ignored.
    pub fn parse(query: &'q [u8]) -> Params<'q> {
        if query.is_empty() {
            return Params::default();
        }
        Params::of(&Written::read(query))
    }

    /// The parameters of a query string.
    #[inline]
    pub fn of(written: &Written<'q>) -> Params<'q> {
        let value = |name: Name| written.value(name);
        let word = |name| value(name).map(|text| trim(text, trim_blanks)).filter(|value| !value.is_empty());
        let flag = |name| value(name).is_some_and(|value| *trim_blanks(&value) != *b"0");
        let list = |name| word(name).filter(|list| items(list).next().is_some());
        Params {
            repo: word(Name::Repo),
            arch: word(Name::Arch),
            path: value(Name::Path).map(|path| trim(path, trim_line_ends)).filter(|path| !path.is_empty()),
            country: list(Name::Country).or_else(|| list(Name::Cc)),
            protocol: word(Name::Protocol),
            netblock: word(Name::Netblock),
            ip: word(Name::Ip),
            version: word(Name::Version),
            location: word(Name::Location),
            exclude: word(Name::Exclude),
            family: word(Name::Family),
            limit: word(Name::Limit),
            format: word(Name::Format),
            again: word(Name::Again),
            flag: FLAGS.into_iter().find(|(_, name, _)| flag(*name)).map(|(.., asked)| asked),
            redirect: flag(Name::Redirect),
            time: flag(Name::Time),
            strict: flag(Name::Strict),
            explain: flag(Name::Explain),
        }
    }
}

/// A form of the answer to a path of the redirector.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flag {
    /// `mirrorlist`: a page, an object or a list, by what the client takes.
    Mirrorlist,
    /// Of this form alone.
    Of(Format),
}

const FLAGS: [(&str, Name, Flag); 6] = [
    ("mirrorlist", Name::Mirrorlist, Flag::Mirrorlist),
    ("json", Name::Json, Flag::Of(Format::Json)),
    ("meta4", Name::Meta4, Flag::Of(Format::Metalink4)),
    ("metalink", Name::Metalink, Flag::Of(Format::Metalink)),
    ("sha256", Name::Sha256, Flag::Of(Format::Hash(Hash::Sha256))),
    ("sha512", Name::Sha512, Flag::Of(Format::Hash(Hash::Sha512))),
];

/// The parameters that mean something.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Name {
    Repo,
    Arch,
    Path,
    Country,
    Cc,
    Protocol,
    Netblock,
    Ip,
    Version,
    Location,
    Again,
    Format,
    Redirect,
    Time,
    Exclude,
    Family,
    Limit,
    Strict,
    Explain,
    Mirrorlist,
    Json,
    Meta4,
    Metalink,
    Sha256,
    Sha512,
}

impl Name {
    const COUNT: usize = Name::Sha512 as usize + 1;
    /// The longest name in bytes.
    const LONGEST: usize = 10;

    /// The name that is written there, encoded or not.
    fn read(written: &[u8]) -> Option<Name> {
        // Nearly always.
        if !written.contains(&b'%') {
            return Name::of(written);
        }
        let mut decoded = [0; Name::LONGEST];
        let mut length = 0;
        for byte in Decoded(written) {
            *decoded.get_mut(length)? = byte;
            length += 1;
        }
        Name::of(&decoded[..length])
    }

    fn of(decoded: &[u8]) -> Option<Name> {
        Some(match decoded {
            b"repo" => Name::Repo,
            b"arch" => Name::Arch,
            b"path" => Name::Path,
            b"country" => Name::Country,
            b"cc" => Name::Cc,
            b"protocol" => Name::Protocol,
            b"netblock" => Name::Netblock,
            b"ip" => Name::Ip,
            b"version" => Name::Version,
            b"location" => Name::Location,
            b"again" => Name::Again,
            b"format" => Name::Format,
            b"redirect" => Name::Redirect,
            b"time" => Name::Time,
            b"exclude" => Name::Exclude,
            b"family" => Name::Family,
            b"limit" => Name::Limit,
            b"strict" => Name::Strict,
            b"explain" => Name::Explain,
            b"mirrorlist" => Name::Mirrorlist,
            b"json" => Name::Json,
            b"meta4" => Name::Meta4,
            b"metalink" => Name::Metalink,
            b"sha256" => Name::Sha256,
            b"sha512" => Name::Sha512,
            _ => return None,
        })
    }
}

/// Whether a name, encoded or not, is one that means something.
pub fn is_known(written: &[u8]) -> bool {
    Name::read(written).is_some()
}

/// The names in a query string that mean nothing, decoded, in the order in which they stand there.
pub fn unknown(query: &[u8]) -> impl Iterator<Item = Cow<'_, [u8]>> {
    let names = query.split(|byte| *byte == b'&').filter_map(|pair| pair.split(|byte| *byte == b'=').next());
    names.filter(|name| !name.is_empty() && Name::read(name).is_none()).map(decode)
}

/// Items of a comma list, without blanks around them; empty ones left out.
pub fn items(list: &[u8]) -> impl Iterator<Item = &[u8]> {
    list.split(|byte| *byte == b',').map(trim_blanks).filter(|item| !item.is_empty())
}

/// Whether a name can be one of the cache at all: UTF-8 without control characters, not too long.
pub fn acceptable(name: &[u8]) -> bool {
    // Nearly always; without a branch for each byte.
    let plain = name.iter().fold(true, |all, byte| all & matches!(byte, b' '..=b'~'));
    let text = || std::str::from_utf8(name).is_ok_and(|text| !text.contains(|c: char| c.is_control()));
    name.len() <= LONGEST_NAME && (plain || text())
}

/// Decodes `%XX`; an invalid escape stays as written, `+` is a plus sign.
pub fn decode(text: &[u8]) -> Cow<'_, [u8]> {
    if text.contains(&b'%') { Cow::Owned(Decoded(text).collect()) } else { Cow::Borrowed(text) }
}

/// The bytes of a text whose escapes are decoded.
struct Decoded<'q>(&'q [u8]);

impl Iterator for Decoded<'_> {
    type Item = u8;

    fn next(&mut self) -> Option<u8> {
        let digit = |byte: &u8| char::from(*byte).to_digit(16);
        let (byte, rest) = self.0.split_first()?;
        if let (b'%', [high, low, rest @ ..]) = (byte, rest)
            && let (Some(high), Some(low)) = (digit(high), digit(low))
        {
            self.0 = rest;
            return Some((high << 4 | low) as u8);
        }
        self.0 = rest;
        Some(*byte)
    }
}

fn trim(text: Cow<'_, [u8]>, trim: fn(&[u8]) -> &[u8]) -> Cow<'_, [u8]> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(trim(text)),
        Cow::Owned(text) => match trim(&text) {
            trimmed if trimmed.len() == text.len() => Cow::Owned(text),
            trimmed => Cow::Owned(trimmed.to_vec()),
        },
    }
}

/// The text without tabs and line ends around it.
fn trim_line_ends(mut text: &[u8]) -> &[u8] {
    while let [b'\t' | b'\r' | b'\n', rest @ ..] | [rest @ .., b'\t' | b'\r' | b'\n'] = text {
        text = rest;
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text<'a>(value: &'a Option<Cow<'_, [u8]>>) -> Option<&'a str> {
        value.as_ref().map(|value| std::str::from_utf8(value).unwrap())
    }

    #[test]
    fn values_are_decoded_and_trimmed_but_plus_stays() {
        let params = Params::parse(b"repo=%20gtk+%20&arch=x86%5F64&path=%20a%20&countme=3");
        assert_eq!(text(&params.repo), Some("gtk+"));
        assert_eq!(text(&params.arch), Some("x86_64"));
        assert_eq!(text(&params.path), Some(" a "));
    }

    #[test]
    fn line_ends_and_tabs_are_trimmed_like_blanks() {
        let params =
            Params::parse(b"repo=%0D%0Afedora-42%0A&arch=%09x86_64%0D&ip=192.0.2.7%0A&country=de%0D,%0Afr");
        assert_eq!(text(&params.repo), Some("fedora-42"));
        assert_eq!(text(&params.arch), Some("x86_64"));
        assert_eq!(text(&params.ip), Some("192.0.2.7"));
        let countries: Vec<&[u8]> = items(params.country.as_deref().unwrap()).collect();
        assert_eq!(countries, [&b"de"[..], b"fr"]);
        assert_eq!(text(&Params::parse(b"path=%0A%20pub/x%20%0D%0A").path), Some(" pub/x "));
        assert_eq!(Params::parse(b"path=%0D%0A&repo=%09").path, None);
        assert!(!Params::parse(b"redirect=0%0D%0A").redirect);
    }

    #[test]
    fn an_invalid_escape_stays_as_written() {
        assert_eq!(&*decode(b"100%"), b"100%");
        assert_eq!(&*decode(b"%zz%4"), b"%zz%4");
        assert_eq!(&*decode(b"%%41"), b"%A");
    }

    #[test]
    fn the_last_of_a_name_counts_and_an_empty_one_is_none() {
        assert_eq!(text(&Params::parse(b"repo=a&repo=b").repo), Some("b"));
        assert_eq!(Params::parse(b"repo=a&repo=").repo, None);
        assert_eq!(Params::parse(b"repo=a&repo").repo, None);
        assert_eq!(text(&Params::parse(b"repo=a=b").repo), Some("a=b"));
    }

    #[test]
    fn flags_count_by_presence_unless_zero() {
        for (query, expected) in [
            ("redirect", true),
            ("redirect=", true),
            ("redirect=0", false),
            ("redirect=%200", false),
            ("", false),
        ] {
            assert_eq!(Params::parse(query.as_bytes()).redirect, expected, "{query}");
        }
        assert!(!Params::parse(b"time=1&time=0").time);
    }

    #[test]
    fn country_beats_cc_wherever_it_stands() {
        assert_eq!(text(&Params::parse(b"country=fr&cc=de").country), Some("fr"));
        assert_eq!(text(&Params::parse(b"cc=de&country=fr").country), Some("fr"));
        assert_eq!(text(&Params::parse(b"cc=de&country=,").country), Some("de"));
        assert_eq!(Params::parse(b"cc=,&country=").country, None);
    }

    #[test]
    fn names_are_case_sensitive_and_may_be_encoded() {
        assert_eq!(Params::parse(b"Repo=a").repo, None);
        assert_eq!(text(&Params::parse(b"%72epo=a").repo), Some("a"));
    }

    #[test]
    fn lists_drop_blanks_and_empty_items() {
        let found: Vec<&[u8]> = items(b" de ,, fr,\t").collect();
        assert_eq!(found, [&b"de"[..], b"fr"]);
    }
}
