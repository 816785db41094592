//! What a mirror's repomd.xml is: one at all, and how old. Pure.

use super::seconds::DAY;
use serde::Serialize;
use std::str::Utf8Error;
use thiserror::Error;

/// Bytes that a repomd.xml may have; the largest known has 20,000. Not many more: a reader of XML compares each attribute of
/// an element with all before it, and a mirror may have written some ten thousand of them.
pub const LONGEST: usize = 128 << 10;

/// What is in the place of a repomd.xml.
#[derive(Debug, PartialEq, Error)]
pub enum Error {
    /// Nothing.
    #[error("an empty file in its place")]
    Empty,
    /// A page, such as of somebody who wants a login.
    #[error("a page of HTML in its place")]
    Html,
    /// No UTF-8.
    #[error("something else than text in its place")]
    Text(#[from] Utf8Error),
    /// No XML.
    #[error("no repomd.xml in its place ({0})")]
    Xml(#[from] roxmltree::Error),
    /// XML of another kind.
    #[error("<{0}> in place of a repomd.xml")]
    Root(String),
}

/// The time of a repomd.xml: the largest that stands in it, 0 for none. An error says what the bytes are instead.
pub fn time(body: &[u8]) -> Result<u64, Error> {
    let head = String::from_utf8_lossy(&body[..body.len().min(512)]).to_ascii_lowercase();
    if body.is_empty() {
        return Err(Error::Empty);
    }
    if head.contains("<html") || head.contains("<!doctype html") {
        return Err(Error::Html);
    }
    let text = std::str::from_utf8(body)?;
    let document = roxmltree::Document::parse(text.trim_start_matches('\u{feff}'))?;
    let root = document.root_element();
    if root.tag_name().name() != "repomd" {
        return Err(Error::Root(root.tag_name().name().to_owned()));
    }
    let times = root.descendants().filter(|node| node.tag_name().name() == "timestamp");
    let times = times.filter_map(|node| node.text()?.trim().parse::<f64>().ok());
    // Fractions of a second are written by some.
    Ok(times.map(|time| time.max(0.0) as u64).max().unwrap_or(0))
}

/// How far a mirror is with a repository. The order is from best to worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Age {
    /// What we know as current, or something newer.
    Current,
    /// At most a day behind.
    OneDay,
    /// At most two days behind.
    TwoDays,
    /// Further behind.
    Older,
    /// It did not answer.
    NoAnswer,
}

impl Age {
    /// All, in order.
    pub const ALL: [Age; 5] = [Age::Current, Age::OneDay, Age::TwoDays, Age::Older, Age::NoAnswer];

    /// Of a repomd.xml whose own time is `time`, where the current one's is `current`, in seconds since the epoch.
    pub fn of(time: u64, current: u64) -> Age {
        match current.saturating_sub(time) {
            0 => Age::Current,
            behind if behind <= DAY => Age::OneDay,
            behind if behind <= 2 * DAY => Age::TwoDays,
            _ => Age::Older,
        }
    }

    /// As the state has it.
    pub fn number(self) -> u8 {
        self as u8
    }

    /// What a number of the state stands for.
    pub fn from_number(number: u8) -> Option<Age> {
        Age::ALL.get(usize::from(number)).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repomd_is_told_from_what_may_be_in_its_place() {
        let good = "\u{feff}<?xml version=\"1.0\"?>\n<repomd xmlns=\"http://linux.duke.edu/metadata/repo\">\
                    <data type=\"primary\"><timestamp>1700000000</timestamp></data>\
                    <data type=\"other\"><timestamp>1700000005.75</timestamp></data></repomd>";
        assert_eq!(time(good.as_bytes()), Ok(1_700_000_005));
        assert_eq!(time(b"<repomd><timestamp>never</timestamp></repomd>"), Ok(0));
        for (body, cause) in [
            (&b""[..], "an empty file"),
            (b"<!DOCTYPE html><p>Please log in", "a page of HTML"),
            (b"\n<HTML><body>moved</body></HTML>", "a page of HTML"),
            (b"<?xml version='1.0'?><error/>", "<error> in place of"),
            (b"<repomd><data>", "no repomd.xml in its place"),
            (b"gone fishing", "no repomd.xml in its place"),
            (b"\x1f\x8b\x08\xff", "something else than text"),
            // Entities that would become long.
            (b"<!DOCTYPE a [<!ENTITY b 'bbbb'>]><repomd>&b;</repomd>", "no repomd.xml in its place"),
        ] {
            let said = time(body).unwrap_err().to_string();
            assert!(said.contains(cause), "{said}");
        }
        // Wherever it is cut.
        for cut in 0..good.len() - 1 {
            assert!(time(&good.as_bytes()[..cut]).is_err(), "{cut}");
        }
    }

    #[test]
    fn an_age_is_how_far_behind_it_is_and_newer_is_current() {
        let current = 1_700_000_000;
        for (time, age) in [
            (current, Age::Current),
            (current + 5, Age::Current),
            (current - 1, Age::OneDay),
            (current - DAY, Age::OneDay),
            (current - DAY - 1, Age::TwoDays),
            (current - 2 * DAY - 1, Age::Older),
            (0, Age::Older),
        ] {
            assert_eq!(Age::of(time, current), age, "{time}");
        }
        for age in Age::ALL {
            assert_eq!(Age::from_number(age.number()), Some(age));
        }
        assert_eq!(Age::from_number(5), None);
    }
}
