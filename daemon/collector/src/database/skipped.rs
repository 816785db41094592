//! What of a database was left out, and why.
//!
//! Odd rows never end a reading: a row is left out, counted here by its table and what was wrong with it, and the first
//! of each kind is kept as an example. What is taken as it is but worth a second look is noted here too.

use serde::{Serialize, Serializer};
use std::{collections::BTreeMap, fmt};

/// What was wrong with a row, or with one value in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// NULL, where something is needed.
    Null,
    /// A text that is not UTF-8.
    NotUtf8,
    /// Nothing where a name is needed.
    Empty,
    /// It refers to a row that is not there.
    Dangling,
    /// A host without a site: nobody says whether it is private.
    NoSite,
    /// The same thing twice; the first counts.
    Repeated,
    /// Not two letters or digits.
    BadCountry,
    /// Zero or negative.
    BadAsn,
    /// Neither an address, a prefix nor a name.
    BadNetblock,
    /// A prefix wider than anyone holds.
    WideNetblock,
    /// A name among netblocks that has no address now and never had one.
    NoAddress,
    /// A directory that is not below the top of a category that it is in.
    OutsideCategory,
    /// A category that no directory is the top of.
    NoTop,
    /// An active host without a public URL for a category.
    NoUrl,
    /// A negative time or size.
    Negative,
    /// A place that is none on earth.
    BadPlace,
    /// Kept: the category with the longest top counts.
    SeveralCategories,
    /// Kept: a name among netblocks that has no address now; those of its last good answer count.
    LastAnswer,
    /// Countries that the host's page names and MirrorManager's cache has never known.
    NotApplied,
}

impl Reason {
    /// Whether the row counts all the same.
    pub fn is_kept(self) -> bool {
        matches!(self, Reason::SeveralCategories | Reason::LastAnswer)
    }

    /// The reason in words, to stand after the table.
    pub fn words(self) -> &'static str {
        match self {
            Reason::Null => "NULL",
            Reason::NotUtf8 => "not UTF-8",
            Reason::Empty => "empty",
            Reason::Dangling => "refers to a row that is not there",
            Reason::NoSite => "host without a site",
            Reason::Repeated => "given twice, the first counts",
            Reason::BadCountry => "not a country code",
            Reason::BadAsn => "not an AS number",
            Reason::BadNetblock => "neither a prefix nor a name",
            Reason::WideNetblock => "prefix wider than a /8 (IPv6: a /16)",
            Reason::NoAddress => "name without an address",
            Reason::OutsideCategory => "directory not below the top of its category",
            Reason::NoTop => "category without a top directory",
            Reason::NoUrl => "host without a public URL for its category",
            Reason::Negative => "negative number",
            Reason::BadPlace => "not a place on earth",
            Reason::SeveralCategories => {
                "directory in several categories, the one with the longest top counts"
            }
            Reason::LastAnswer => "name without an address now, those of its last answer count",
            Reason::NotApplied => {
                "countries of the host's page, which MirrorManager's cache has never known (host_country_allowed has)"
            }
        }
    }
}

impl Serialize for Reason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.words())
    }
}

/// One kind of odd rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Kind<'a> {
    /// The table.
    pub table: &'static str,
    /// What was wrong.
    pub reason: Reason,
    /// How many there were.
    pub count: u64,
    /// The first of them, in printable form.
    pub first: &'a str,
}

impl fmt::Display for Kind<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.table, self.reason.words(), self.count)?;
        if self.first.is_empty() { Ok(()) } else { write!(f, ", first {}", self.first) }
    }
}

/// Everything odd.
#[derive(Clone, Debug, Default)]
pub struct Skipped(BTreeMap<(&'static str, Reason), (u64, String)>);

/// Examples are cut at this many characters.
const EXAMPLE_LENGTH: usize = 100;

impl Skipped {
    /// Counts one row; `example` names it and is only asked for the first of its kind.
    pub fn add<T: fmt::Display>(&mut self, table: &'static str, reason: Reason, example: impl FnOnce() -> T) {
        let (count, first) = self.0.entry((table, reason)).or_default();
        if *count == 0 {
            *first = printable(&example().to_string());
        }
        *count += 1;
    }

    /// How many rows there were of one kind.
    #[cfg(test)]
    pub fn count(&self, table: &'static str, reason: Reason) -> u64 {
        self.0.get(&(table, reason)).map_or(0, |(count, _)| *count)
    }

    /// Everything, kind by kind.
    pub fn kinds(&self) -> impl Iterator<Item = Kind<'_>> {
        self.0.iter().map(|(&(table, reason), (count, first))| Kind { table, reason, count: *count, first })
    }
}

/// The beginning of a text, with control characters escaped.
fn printable(text: &str) -> String {
    let beginning = text.chars().take(EXAMPLE_LENGTH);
    beginning.flat_map(|c| if c.is_control() { c.escape_debug().collect() } else { vec![c] }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_counted_and_the_first_example_is_kept_in_printable_form() {
        let mut skipped = Skipped::default();
        skipped.add("host_netblock", Reason::BadNetblock, || "a\n");
        skipped.add("host_netblock", Reason::BadNetblock, || "b");
        skipped.add("category", Reason::NoTop, || 7);
        let kinds: Vec<String> = skipped.kinds().map(|kind| kind.to_string()).collect();
        assert_eq!(
            kinds,
            [
                "category: category without a top directory: 1, first 7",
                "host_netblock: neither a prefix nor a name: 2, first a\\n"
            ]
        );
        assert_eq!(skipped.count("host_netblock", Reason::BadNetblock), 2);
    }
}
