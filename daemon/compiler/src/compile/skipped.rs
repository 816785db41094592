//! What an import left out, and why.
//!
//! Odd input never ends a build: the record is left out, counted here by where it stood and what was wrong with it, and
//! the first of each kind is kept as an example. The order is that of [`InputTable`] and [`Reason`]. What is taken as
//! it is, but is worth a second look, is noted here too.

use serde::{Serialize, Serializer};
use std::{collections::BTreeMap, fmt};

/// Where a skipped record stood: a table of MirrorManager's cache, or another input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum InputTable {
    /// Prefixes whose country the operators correct.
    NetblockCountry,
    /// Named locations.
    Location,
    /// Host URLs.
    Url,
    /// Hashes of files.
    FileDetails,
    /// Repositories that are turned away.
    DisabledRepository,
    /// Corrections of the continents.
    ContinentRedirect,
    /// Repositories that another one answers for.
    RepositoryRedirect,
    /// Repositories and architectures.
    RepoArch,
    /// Hosts of an AS.
    HostAsn,
    /// A host's country.
    HostCountry,
    /// A host's weight.
    HostBandwidth,
    /// Countries that a host is for.
    HostCountryAllowed,
    /// Hosts of an address range.
    HostNetblock,
    /// Directories and who carries them.
    MirrorList,
    /// What is known of hosts beyond MirrorManager's tables.
    Host,
    /// Where the originals of trees are.
    Origin,
    /// Other names of paths.
    Alias,
    /// The same, in the site file.
    SiteHost,
    /// The routing table.
    Netblocks,
    /// Countries and their continents.
    Continents,
    /// The country database.
    Geoip,
}

impl InputTable {
    /// The table's name in the source, or the option that named the file.
    pub fn name(self) -> &'static str {
        match self {
            InputTable::NetblockCountry => "NetblockCountryCache",
            InputTable::Location => "LocationCache",
            InputTable::Url => "HCUrlCache",
            InputTable::FileDetails => "FileDetailsCache",
            InputTable::DisabledRepository => "DisabledRepositoryCache",
            InputTable::ContinentRedirect => "CountryContinentRedirectCache",
            InputTable::RepositoryRedirect => "RepositoryRedirectCache",
            InputTable::RepoArch => "RepoArchToDirectoryName",
            InputTable::HostAsn => "HostAsnCache",
            InputTable::HostCountry => "HostCountryCache",
            InputTable::HostBandwidth => "HostBandwidthCache",
            InputTable::HostCountryAllowed => "HostCountryAllowedCache",
            InputTable::HostNetblock => "HostNetblockCache",
            InputTable::MirrorList => "MirrorListCache",
            InputTable::Host => "Host",
            InputTable::Origin => "Origin",
            InputTable::Alias => "Alias",
            InputTable::SiteHost => "[hosts]",
            InputTable::Netblocks => "netblocks",
            InputTable::Continents => "continents",
            InputTable::Geoip => "geoip",
        }
    }
}

/// What was wrong with a skipped record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// A key/value pair without a key.
    NoKey,
    /// Nothing where a name is needed.
    Empty,
    /// A string that is not UTF-8.
    NotUtf8,
    /// A string with a control character.
    Control,
    /// A string that no request could hold.
    TooLong,
    /// A path with a `.` or `..` segment.
    DotSegment,
    /// A file name with a slash, or a name of a directory.
    NotAFileName,
    /// A repository key without its `+`.
    NoArch,
    /// Not two letters or digits.
    BadCountry,
    /// Not a continent's code.
    BadContinent,
    /// Neither an address nor a prefix.
    BadPrefix,
    /// Negative, too large or no number.
    BadAsn,
    /// A time or size above the largest signed number.
    Negative,
    /// Not hexadecimal, or of the wrong length.
    BadHash,
    /// A version of a file of which no hash can be read: clients would take whatever a mirror sends.
    NoHash,
    /// No scheme that a mirrorlist knows.
    UnknownScheme,
    /// A URL without a host, with a port that is none, with user information, or with a blank or control character.
    BadUrl,
    /// A URL of a scheme that the site does not want in its lists.
    Excluded,
    /// A host that no directory names.
    UnknownHost,
    /// A URL that is not in the source, or was itself skipped.
    UnknownUrl,
    /// A directory that is not in the source, or was itself skipped.
    UnknownDirectory,
    /// A host of a set that is not among the directory's hosts.
    NotACarrier,
    /// A host that carries a directory, but has no usable URL for it.
    NoUsableUrl,
    /// The same thing twice; the last counts.
    Repeated,
    /// An empty list of versions.
    NoVersion,
    /// More URLs of a host for one directory, or versions of one file, than a cache holds; the first count.
    TooMany,
    /// A prefix of length 0.
    DefaultRoute,
    /// A blank line, a comment or a heading.
    NotARecord,
    /// A line that is not what the file should hold.
    Unparsable,
    /// A line of another form than those before it.
    AnotherForm,
    /// A network without a country.
    NoCountry,
    /// A route whose origin cannot be read: its prefix has no AS.
    NoOrigin,
    /// A record of a database that is not of the shape of the others.
    BadRecord,
    /// No place, version of IP, network or weight.
    BadFact,
    /// An origin below the URL of the service itself, or an alias without an end.
    Loop,
    /// Kept: a prefix wider than anyone holds, a /8 of IPv4 or a /16 of IPv6.
    WidePrefix,
}

impl Reason {
    /// Whether the record was taken all the same.
    pub fn is_kept(self) -> bool {
        matches!(self, Reason::WidePrefix | Reason::NoOrigin)
    }

    /// How many of such records are named: the first as an example, or those that somebody has to go through.
    fn named(self) -> u64 {
        if self == Reason::WidePrefix { 20 } else { 1 }
    }

    /// What an operator must know of at once, whatever the count: what follows from it.
    pub fn consequence(self) -> Option<&'static str> {
        match self {
            Reason::NoHash => {
                Some("a metalink of the file does not offer them, and is refused where no other is left")
            }
            Reason::WidePrefix => Some("their hosts or countries are preferred for all clients in them"),
            _ => None,
        }
    }

    /// The reason in words, to stand after the table.
    pub fn words(self) -> &'static str {
        match self {
            Reason::NoKey => "no key",
            Reason::Empty => "empty name",
            Reason::NotUtf8 => "not UTF-8",
            Reason::Control => "control character",
            Reason::TooLong => "too long",
            Reason::DotSegment => "`.` or `..` in a path",
            Reason::NotAFileName => "not a file name",
            Reason::NoArch => "no `+` before an architecture",
            Reason::BadCountry => "not a country code",
            Reason::BadContinent => "not a continent code",
            Reason::BadPrefix => "not a prefix",
            Reason::BadAsn => "not an AS number",
            Reason::Negative => "negative number",
            Reason::BadHash => "not a hash",
            Reason::NoHash => "version without a readable hash",
            Reason::UnknownScheme => "URL without a known scheme",
            Reason::BadUrl => "not a URL that clients can use",
            Reason::Excluded => "excluded by policy",
            Reason::BadFact => "not a place, version of IP, network or weight",
            Reason::Loop => "leads round and round",
            Reason::UnknownHost => "unknown host",
            Reason::UnknownUrl => "unknown or skipped URL",
            Reason::UnknownDirectory => "unknown or skipped directory",
            Reason::NotACarrier => "host not among those of the directory",
            Reason::NoUsableUrl => "host without a usable URL",
            Reason::Repeated => "given twice, the last counts",
            Reason::NoVersion => "file without details",
            Reason::TooMany => "too many, the first count",
            Reason::DefaultRoute => "prefix of length 0",
            Reason::NotARecord => "blank line, comment or heading",
            Reason::Unparsable => "does not parse",
            Reason::AnotherForm => "of another form than the lines before",
            Reason::NoCountry => "network without a country",
            Reason::NoOrigin => "route without a readable AS, which hides wider ones",
            Reason::BadRecord => "record of another shape",
            Reason::WidePrefix => "prefix wider than a /8 (IPv6: a /16)",
        }
    }
}

impl Serialize for InputTable {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl Serialize for Reason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.words())
    }
}

/// One kind of skipped record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Row<'a> {
    /// Where the records stood.
    pub place: InputTable,
    /// What was wrong with them.
    pub reason: Reason,
    /// How many there were.
    pub count: u64,
    /// The first of them, in printable form; of some kinds the first few.
    pub first: &'a str,
}

impl fmt::Display for Row<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.place.name(), self.reason.words(), self.count)?;
        if self.first.is_empty() { Ok(()) } else { write!(f, ", first {}", self.first) }
    }
}

#[derive(Clone, Debug, Default)]
struct Counted {
    count: u64,
    first: String,
}

/// Everything that was left out.
#[derive(Clone, Debug, Default)]
pub struct Skipped {
    kinds: BTreeMap<(InputTable, Reason), Counted>,
    total: u64,
}

/// Examples are cut at this many characters.
const EXAMPLE_LENGTH: usize = 100;

impl Skipped {
    /// Counts one record; `example` names it and is only asked for the first of its kind.
    pub fn add<T: fmt::Display>(&mut self, table: InputTable, reason: Reason, example: impl FnOnce() -> T) {
        self.total += 1;
        self.note(table, reason, example);
    }

    /// Counts one record that is kept.
    pub fn note<T: fmt::Display>(&mut self, table: InputTable, reason: Reason, example: impl FnOnce() -> T) {
        let counted = self.kinds.entry((table, reason)).or_default();
        if counted.count < reason.named() {
            let separator = if counted.count == 0 { "" } else { "; " };
            counted.first = format!("{}{separator}{}", counted.first, printable(&example().to_string()));
        }
        counted.count += 1;
    }

    /// Counts all that `other` counted as well; its examples serve where there are none yet.
    pub fn merge(&mut self, other: &Skipped) {
        self.total += other.total;
        for (&kind, counted) in &other.kinds {
            self.kinds
                .entry(kind)
                .and_modify(|known| known.count += counted.count)
                .or_insert_with(|| counted.clone());
        }
    }

    /// How many records were left out in all.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// How many records of one kind were left out, or noted.
    pub fn count(&self, table: InputTable, reason: Reason) -> u64 {
        self.kinds.get(&(table, reason)).map_or(0, |counted| counted.count)
    }

    /// What was left out, kind by kind.
    pub fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        self.all().filter(|row| !row.reason.is_kept())
    }

    /// What was kept and noted, kind by kind.
    pub fn notes(&self) -> impl Iterator<Item = Row<'_>> {
        self.all().filter(|row| row.reason.is_kept())
    }

    /// Both, kind by kind.
    pub fn all(&self) -> impl Iterator<Item = Row<'_>> {
        self.kinds.iter().map(|(&(table, reason), counted)| Row {
            place: table,
            reason,
            count: counted.count,
            first: &counted.first,
        })
    }
}

/// The beginning of a text, with control characters escaped.
fn printable(text: &str) -> String {
    let mut printable = String::new();
    for character in text.chars().take(EXAMPLE_LENGTH) {
        if character.is_control() {
            printable.extend(character.escape_debug());
        } else {
            printable.push(character);
        }
    }
    printable
}

impl Serialize for Skipped {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.rows())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_counted_and_the_first_example_is_kept_in_printable_form() {
        let mut skipped = Skipped::default();
        skipped.add(InputTable::Url, Reason::UnknownScheme, || "gopher://a\n");
        skipped.add(InputTable::Url, Reason::UnknownScheme, || "gopher://b");
        skipped.add(InputTable::Location, Reason::Empty, || 7);
        let rows: Vec<String> = skipped.rows().map(|row| row.to_string()).collect();
        assert_eq!(
            rows,
            [
                "LocationCache: empty name: 1, first 7",
                "HCUrlCache: URL without a known scheme: 2, first gopher://a\\n"
            ]
        );
        assert_eq!(skipped.total(), 3);
        assert_eq!(
            serde_json::to_string(&skipped).unwrap(),
            r#"[{"place":"LocationCache","reason":"empty name","count":1,"first":"7"},"#.to_owned()
                + r#"{"place":"HCUrlCache","reason":"URL without a known scheme","count":2,"first":"gopher://a\\n"}]"#
        );
    }
}
