//! What `mirrorlist-collect check` leaves for reports: the last answers of mirrors, and how repositories have spread.
//!
//! It comes from another program, may be old, cut or absent, and is no reason to write no pages. Nothing of it says which
//! mirrors are public: one that it names counts only where the cache has it.

use cache::files;
use program::log;
use serde::{Deserialize, de::DeserializeOwned};
use std::{
    collections::BTreeMap,
    io::{self, Read as _},
    path::Path,
};

/// Bytes that a file may have: several times those of 10,000 mirrors, or of 400 days of 100 repositories.
const MOST_BYTES: u64 = 256 << 20;

/// What a file has come to.
#[derive(Debug)]
pub(super) enum Given<T> {
    /// None was named.
    Nothing,
    /// It cannot be read.
    Broken,
    /// It was read.
    Read(T),
}

impl<T> Given<T> {
    /// What was read.
    pub(super) fn read(&self) -> Option<&T> {
        match self {
            Given::Read(read) => Some(read),
            Given::Nothing | Given::Broken => None,
        }
    }

    /// Whether there is one that cannot be read.
    pub(super) fn is_broken(&self) -> bool {
        matches!(self, Given::Broken)
    }
}

/// `mirrors.json`: every host of the last round.
#[derive(Debug, Deserialize)]
pub(super) struct Round {
    /// When it began, in seconds since the epoch.
    pub(super) time: u64,
    #[serde(deserialize_with = "by_id")]
    pub(super) mirrors: BTreeMap<i64, OfHost>,
}

/// A host of it.
#[derive(Debug, Deserialize)]
pub(super) struct OfHost {
    pub(super) id: i64,
    /// What its operator calls it.
    #[serde(default)]
    pub(super) name: String,
    pub(super) urls: Vec<OfUrl>,
}

/// A URL of a host.
#[derive(Debug, Deserialize)]
pub(super) struct OfUrl {
    pub(super) url: String,
    pub(super) answer: Answer,
    /// What is wrong, where something is.
    #[serde(default)]
    pub(super) why: String,
    /// Failures in a row.
    #[serde(default)]
    pub(super) failures: u32,
    pub(super) suspended: Option<Suspension>,
}

/// What a URL answered.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(super) enum Answer {
    Good,
    Failed,
    Unknown,
    Unasked,
}

/// Since when and why a URL is suspended.
#[derive(Debug, Deserialize)]
pub(super) struct Suspension {
    pub(super) since: u64,
    pub(super) reason: String,
}

fn by_id<'de, D: serde::Deserializer<'de>>(from: D) -> Result<BTreeMap<i64, OfHost>, D::Error> {
    Vec::<OfHost>::deserialize(from).map(|hosts| hosts.into_iter().map(|host| (host.id, host)).collect())
}

/// `propagation.json`: how repositories have spread.
#[derive(Debug, Deserialize)]
pub(super) struct Spread {
    /// When it was written, in seconds since the epoch.
    pub(super) time: u64,
    pub(super) repositories: Vec<Measured>,
}

/// A repository that is measured.
#[derive(Debug, Deserialize)]
pub(super) struct Measured {
    /// `PREFIX+ARCH`.
    pub(super) name: String,
    /// By hour, the oldest first.
    pub(super) hours: Vec<Hour>,
    pub(super) hosts: Vec<AgeOfHost>,
}

/// How far hosts are, by number of hosts.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(from = "HourAsWritten")]
pub(super) struct Hour {
    /// When it begins, in seconds since the epoch.
    pub(super) begins: u64,
    /// Hosts by their age, as in [`Age::ALL`].
    pub(super) hosts: [u64; 5],
}

#[derive(Deserialize)]
struct HourAsWritten {
    hour: u64,
    current: u64,
    one_day: u64,
    two_days: u64,
    older: u64,
    no_answer: u64,
}

impl From<HourAsWritten> for Hour {
    fn from(of: HourAsWritten) -> Hour {
        // Whatever it says, the sum is a number.
        let hosts = [of.current, of.one_day, of.two_days, of.older, of.no_answer];
        Hour { begins: of.hour, hosts: hosts.map(|hosts| hosts.min(u64::from(u32::MAX))) }
    }
}

/// A host's age of a repository.
#[derive(Debug, Deserialize)]
pub(super) struct AgeOfHost {
    pub(super) id: i64,
    pub(super) age: Age,
    /// Since when it is so, in seconds since the epoch.
    pub(super) since: u64,
}

/// How far a mirror is with a repository. The order is from best to worst.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(rename_all = "snake_case")]
pub(super) enum Age {
    Current,
    OneDay,
    TwoDays,
    Older,
    NoAnswer,
}

impl Age {
    pub(super) const ALL: [Age; 5] = [Age::Current, Age::OneDay, Age::TwoDays, Age::Older, Age::NoAnswer];

    /// In words.
    pub(super) fn words(self) -> &'static str {
        match self {
            Age::Current => "current",
            Age::OneDay => "one day behind",
            Age::TwoDays => "two days behind",
            Age::Older => "further behind",
            Age::NoAnswer => "no answer",
        }
    }

    /// As a style sheet names it.
    pub(super) fn class(self) -> &'static str {
        match self {
            Age::Current => "current",
            Age::OneDay => "one-day",
            Age::TwoDays => "two-days",
            Age::Older => "older",
            Age::NoAnswer => "no-answer",
        }
    }
}

/// Reads a file that an option names; one that cannot be read is told of.
pub(super) fn read<T: DeserializeOwned>(option: &str, path: Option<&Path>) -> Given<T> {
    let Some(path) = path else { return Given::Nothing };
    match parse(path) {
        Ok(read) => Given::Read(read),
        Err(cause) => {
            log::warning(format_args!(
                "{option} {}: cannot be used ({cause}); the pages are written without it and say so",
                path.display()
            ));
            Given::Broken
        }
    }
}

fn parse<T: DeserializeOwned>(path: &Path) -> io::Result<T> {
    let mut text = Vec::new();
    files::open(path)?.take(MOST_BYTES + 1).read_to_end(&mut text)?;
    if text.len() as u64 > MOST_BYTES {
        return Err(io::Error::other(format!("longer than {MOST_BYTES} bytes")));
    }
    serde_json::from_slice(&text).map_err(io::Error::other)
}
