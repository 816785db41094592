//! What a request asks for: SPEC.md §1, and `ip=` of §2.

use super::facts::code;
use std::{
    collections::BTreeMap,
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};
use wire::{Kind, Request};

/// Bytes as the client sent them, percent-decoded; not always text.
pub type Bytes = Vec<u8>;

/// The parameters of a request that count, each as the spec reads it.
#[derive(Debug, Default)]
pub struct Question {
    pub repo: Option<Bytes>,
    pub arch: Option<Bytes>,
    /// As given: slashes are still as the client wrote them.
    pub path: Option<Bytes>,
    /// `country`, or else `cc`: the distinct items, at most 16.
    pub countries: Option<Vec<Bytes>>,
    /// The schemes kept, best first; `Some` and empty when only unknown ones were given.
    pub protocols: Option<Vec<&'static str>>,
    /// Whether the netblock and ASN tiers count, as far as `netblock` decides.
    pub netblock: bool,
    /// `None` when not given, `Some(None)` when unreadable.
    pub ip: Option<Option<IpAddr>>,
    /// The distinct items that have one of the forms, at most 16.
    pub exclude: Vec<Excluded>,
    /// Only with `country`.
    pub strict: bool,
    pub limit: Option<usize>,
    /// 4 or 6.
    pub family: Option<u32>,
    pub redirect: bool,
    pub time: bool,
    pub explain: bool,
    pub version: Option<Bytes>,
    pub location: Option<Bytes>,
    /// `Some(None)` when there is no such form.
    pub format: Option<Option<Kind>>,
    /// The flags of forms below a prefix that are there and not `0`, in the order in which they count.
    pub flags: Vec<&'static str>,
}

/// The names of `format`, and what answers of these forms are counted as.
pub const FORMATS: [(&[u8], Kind); 5] = [
    (b"text", Kind::Mirrorlist),
    (b"apt", Kind::Apt),
    (b"html", Kind::Page),
    (b"json", Kind::Json),
    (b"metalink4", Kind::Metalink4),
];

/// What a client does not want.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Excluded {
    Country(String),
    Continent(String),
    As(u32),
    Name(String),
    Origin,
}

impl fmt::Display for Excluded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Excluded::Country(code) => f.write_str(code),
            Excluded::Continent(code) => write!(f, "continent:{code}"),
            Excluded::As(number) => write!(f, "AS{number}"),
            Excluded::Name(name) => f.write_str(name),
            Excluded::Origin => f.write_str("origin"),
        }
    }
}

impl Question {
    /// Whether another form than the redirect is asked for.
    pub fn is_of_a_form(&self) -> bool {
        self.format.is_some() || !self.flags.is_empty()
    }

    /// What is excluded, as the header and the refusal have it.
    pub fn excluded(&self) -> Option<String> {
        let names: Vec<String> = self.exclude.iter().map(Excluded::to_string).collect();
        (!names.is_empty()).then(|| names.join(","))
    }
}

/// Schemes in the order in which lists and headers name them.
pub const SCHEMES: [&str; 4] = ["https", "http", "ftp", "rsync"];

impl Question {
    /// Reads the query of a request.
    pub fn read(request: &Request<'_>) -> Question {
        let given = parameters(request.query);
        // "Blanks, tabs, CR and LF around values ... are trimmed, blanks not in `path`. An empty value counts as not given".
        let value = |name: &str| {
            given.get(name.as_bytes()).map(|value| trim(value).to_vec()).filter(|v| !v.is_empty())
        };
        let flag = |name: &str| given.get(name.as_bytes()).is_some_and(|value| trim(value) != b"0");
        let list = |name: &str| value(name).map(|value| items(&value)).filter(|items| !items.is_empty());
        let countries = list("country").or_else(|| list("cc")).map(distinct_countries);
        Question {
            strict: flag("strict") && countries.is_some(),
            exclude: list("exclude").map(|items| excluded(&items)).unwrap_or_default(),
            family: value("family").and_then(|value| match &value[..] {
                b"4" => Some(4),
                b"6" => Some(6),
                _ => None,
            }),
            limit: value("limit").and_then(|value| limit(&value)),
            repo: value("repo"),
            arch: value("arch"),
            path: given
                .get(&b"path"[..])
                .map(|path| without(path, b"\t\r\n").to_vec())
                .filter(|p| !p.is_empty()),
            countries,
            protocols: list("protocol").map(|names| known_schemes(&names)),
            netblock: value("netblock").is_none_or(|value| value == b"1"),
            ip: value("ip").map(|value| hop(&value)),
            redirect: flag("redirect"),
            time: flag("time"),
            explain: flag("explain"),
            version: value("version"),
            location: value("location"),
            flags: ["mirrorlist", "json", "meta4", "metalink", "sha256", "sha512"]
                .into_iter()
                .filter(|name| flag(name))
                .collect(),
            format: value("format").map(|name| FORMATS.iter().find(|form| form.0 == name).map(|form| form.1)),
        }
    }
}

/// Names and values, percent-decoded. "all after the first `=` is the value; of a name given twice the last counts".
fn parameters(query: &[u8]) -> BTreeMap<Bytes, Bytes> {
    let pieces = query.split(|b| *b == b'&');
    let pairs = pieces.map(|piece| {
        let equals = piece.iter().position(|b| *b == b'=');
        let (name, value) = equals.map_or((piece, &b""[..]), |at| (&piece[..at], &piece[at + 1..]));
        (decoded(name), decoded(value))
    });
    pairs.collect()
}

/// Percent-decoding; "an invalid `%` escape stays as written; `+` stays a plus sign everywhere".
pub fn decoded(text: &[u8]) -> Bytes {
    let digit = |byte: Option<&u8>| (*byte? as char).to_digit(16);
    let mut bytes = Vec::new();
    let mut rest = text;
    while let [first, after @ ..] = rest {
        match (first, digit(after.first()), digit(after.get(1))) {
            (b'%', Some(high), Some(low)) => {
                bytes.push((high * 16 + low) as u8);
                rest = &after[2..];
            }
            _ => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    bytes
}

/// "each told by its form ... items of no known form and those after the sixteenth distinct are ignored".
fn excluded(items: &[Bytes]) -> Vec<Excluded> {
    let mut distinct: Vec<Excluded> = Vec::new();
    for item in items {
        let Some(item) = std::str::from_utf8(item).ok().and_then(excluded_item) else { continue };
        if !distinct.contains(&item) && distinct.len() < 16 {
            distinct.push(item);
        }
    }
    distinct
}

fn excluded_item(item: &str) -> Option<Excluded> {
    let item = item.to_ascii_lowercase();
    if item == "origin" {
        return Some(Excluded::Origin);
    }
    if let Some(country) = code(&item) {
        return Some(Excluded::Country(country));
    }
    if let Some(continent) = item.strip_prefix("continent:") {
        let good = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
        return (continent.len() == 2 && continent.bytes().all(good))
            .then(|| Excluded::Continent(continent.to_ascii_uppercase()));
    }
    let digits = item.strip_prefix("as").filter(|rest| rest.bytes().all(|b| b.is_ascii_digit()));
    if let Some(digits) = digits {
        return digits.parse().ok().map(Excluded::As);
    }
    let of_a_name = |b: u8| b.is_ascii_alphanumeric() || b"._-".contains(&b);
    (item.contains('.') && item.len() <= 100 && item.bytes().all(of_a_name)).then_some(Excluded::Name(item))
}

/// "a number from 1 to 255".
fn limit(value: &[u8]) -> Option<usize> {
    let text = std::str::from_utf8(value).ok().filter(|text| text.bytes().all(|b| b.is_ascii_digit()))?;
    text.parse().ok().filter(|number| (1..=255).contains(number))
}

/// Without blanks, tabs, CR and LF at either end.
pub fn trim(value: &[u8]) -> &[u8] {
    without(value, b" \t\r\n")
}

fn without<'v>(value: &'v [u8], blanks: &[u8]) -> &'v [u8] {
    let blank = |b: &&u8| blanks.contains(b);
    let value = &value[value.iter().take_while(blank).count()..];
    &value[..value.len() - value.iter().rev().take_while(blank).count()]
}

/// The items of a comma list, trimmed; empty ones do not count.
fn items(list: &[u8]) -> Vec<Bytes> {
    list.split(|b| *b == b',').map(|item| trim(item).to_vec()).filter(|item| !item.is_empty()).collect()
}

/// "codes after the sixteenth distinct one are ignored", compared without case; what is no code is passed over.
fn distinct_countries(items: Vec<Bytes>) -> Vec<Bytes> {
    let mut distinct: Vec<Bytes> = Vec::new();
    for item in items {
        // "(`UK` is `GB`, `EL` is `GR`, here as in every input)"
        let item = match &item.to_ascii_uppercase()[..] {
            b"UK" => b"GB".to_vec(),
            b"EL" => b"GR".to_vec(),
            other => other.to_vec(),
        };
        if item != b"GLOBAL" && (item.len() != 2 || !item.iter().all(u8::is_ascii_alphanumeric)) {
            continue;
        }
        if !distinct.contains(&item) && distinct.len() < 16 {
            distinct.push(item);
        }
    }
    distinct
}

fn known_schemes(names: &[Bytes]) -> Vec<&'static str> {
    let named = |scheme: &&str| names.iter().any(|name| name.eq_ignore_ascii_case(scheme.as_bytes()));
    SCHEMES.into_iter().filter(named).collect()
}

/// One hop of a forwarded header: "blanks, ports, `[v6]:port` and `%zone` are tolerated".
pub fn hop(text: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(trim(text)).ok()?;
    let is_port = |port: &str| port.parse::<u16>().is_ok() && port.bytes().all(|b| b.is_ascii_digit());
    let v6 = |address: &str| match address.split_once('%') {
        Some((_, "")) => None,
        Some((address, _zone)) => address.parse::<Ipv6Addr>().ok().map(IpAddr::V6),
        None => address.parse::<Ipv6Addr>().ok().map(IpAddr::V6),
    };
    if let Some(bracketed) = text.strip_prefix('[') {
        let (address, after) = bracketed.split_once(']')?;
        let port_is_good = after.is_empty() || after.strip_prefix(':').is_some_and(is_port);
        return v6(address).filter(|_| port_is_good);
    }
    if let Some(address) = v6(text) {
        return Some(address);
    }
    let address = match text.split_once(':') {
        Some((address, port)) if is_port(port) => address,
        Some(_) => return None,
        None => text,
    };
    address.parse::<Ipv4Addr>().ok().map(IpAddr::V4)
}

/// "A `repo`, `arch`, `path` or `location` that holds a control character or invalid UTF-8 after decoding, or is longer
/// than 1,024 bytes, is unknown": what is not, as text.
pub fn could_be_known(value: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(value).ok()?;
    (value.len() <= 1024 && !text.chars().any(char::is_control)).then_some(text)
}

/// "where a text repeats what the client sent, such bytes appear as `?`, and it is cut at 200 characters".
pub fn repeated(value: &[u8]) -> String {
    let mut shown = String::new();
    for chunk in value.utf8_chunks() {
        shown.extend(chunk.valid().chars().map(|c| if c.is_control() { '?' } else { c }));
        shown.extend(chunk.invalid().iter().map(|_| '?'));
    }
    shown.chars().take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::{Accept, Method, UrlScheme};

    fn question(query: &str) -> Question {
        Question::read(&Request {
            method: Method::Get,
            scheme: UrlScheme::Http,
            accept: Accept::default(),
            client: None,
            path: b"/mirrorlist",
            query: query.as_bytes(),
        })
    }

    #[test]
    fn values_are_decoded_trimmed_and_the_last_one_counts() {
        let q = question("repo=a&re%70o=%20gtk+%3D1=2%2%zz%20&path=%20/x&arch=&countme=3");
        assert_eq!(q.repo.as_deref(), Some(&b"gtk+=1=2%2%zz"[..]));
        assert_eq!(q.path.as_deref(), Some(&b" /x"[..]));
        assert_eq!(q.arch, None);
        assert_eq!(question("repo=a&repo=").repo, None);
    }

    #[test]
    fn flags_count_by_presence() {
        assert!(question("redirect").redirect && question("redirect=").redirect && question("time=1").time);
        assert!(!question("redirect=0").redirect && !question("time=%200").time && !question("").time);
        assert!(
            question("netblock=").netblock
                && question("netblock=1").netblock
                && !question("netblock=0").netblock
        );
    }

    #[test]
    fn lists_lose_what_does_not_count() {
        assert_eq!(question("protocol=RSYNC,%20gopher,https").protocols, Some(vec!["https", "rsync"]));
        assert_eq!(question("protocol=gopher").protocols, Some(vec![]));
        assert_eq!(question("protocol=,%20,").protocols, None);
        assert_eq!(
            question("country=,&cc=de,DE,global").countries,
            Some(vec![b"DE".to_vec(), b"GLOBAL".to_vec()])
        );
        let many: Vec<String> = (10..40).map(|n| n.to_string()).collect();
        assert_eq!(question(&format!("country={}", many.join(","))).countries.map(|c| c.len()), Some(16));
        assert_eq!(question("country=x,abc,d%20e").countries, Some(vec![]));
    }

    #[test]
    fn a_hop_is_an_address_with_or_without_port_and_zone() {
        let good = [
            "192.0.2.1",
            " 192.0.2.1 ",
            "192.0.2.1:80",
            "::ffff:192.0.2.1",
            "[::1]",
            "[::1]:80",
            "fe80::1%eth0",
        ];
        assert!(good.iter().all(|text| hop(text.as_bytes()).is_some()));
        let bad = ["", "192.0.2", "192.0.2.1:x", "[::1", "[::1]x", "unknown", "192.0.2.1, 192.0.2.2", "::1%"];
        assert!(bad.iter().all(|text| hop(text.as_bytes()).is_none()));
    }

    #[test]
    fn what_a_text_repeats_is_made_harmless() {
        assert_eq!(repeated(b"a\n\xc3\xa9\xe2\x82\x7f"), "a?\u{e9}???");
        assert_eq!(repeated(&[b'x'; 300]).len(), 200);
        assert_eq!(could_be_known(b"x\x7f"), None);
        assert_eq!(could_be_known("\u{85}".as_bytes()), None);
    }
}
