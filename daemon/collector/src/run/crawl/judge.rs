//! What a mirror's answer says of the file that it was asked for. Pure.
//!
//! The index of a repository is compared by hash with every version that counts; one that is not known may be newer, or
//! old, or something else, and only what is inside can tell. Other files are there, or not, or of another size. What may
//! be our own fault, meant for us alone, or over soon says nothing.

use super::known::Verdict;
use crate::{
    check::{
        repomd,
        seconds::{DAY, HOUR},
    },
    http::{Answer, Error, content::Came},
    run::tree::{File, Repository},
};
use program::characters::is_hidden;

/// Characters of a cause that are kept.
const LONGEST: usize = 160;

/// Seconds that a mirror may be asked to be left alone for.
pub const LONGEST_PAUSE: u64 = DAY;

/// What an answer comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Judged {
    /// It is found out. The hash is that of an earlier version, else 0.
    Found(Verdict, u64, String),
    /// Nothing is; the host speaks, however.
    Unknown(String),
    /// Nothing is, and it has broken off, or taken too long.
    Silent(String),
    /// There is no connection.
    Dead(String),
    /// It cannot prove who it is.
    BadTls(String),
    /// It wants to be left alone, for so many seconds.
    Leave(String, u64),
    /// It knows no HEAD.
    NoHead(String),
}

impl Judged {
    fn no(verdict: Verdict, why: String) -> Judged {
        Judged::Found(verdict, 0, plain(&why))
    }

    fn good() -> Judged {
        Judged::Found(Verdict::Current, 0, String::new())
    }
}

/// The beginning of a hash in hexadecimal, by which an earlier version is remembered.
pub fn beginning(sha256: &str) -> u64 {
    sha256.get(..16).and_then(|text| u64::from_str_radix(text, 16).ok()).unwrap_or(0)
}

/// Judges what a repository's index was answered with; `now` is in seconds since the epoch.
pub fn index(repository: &Repository, said: &Result<Answer, Error>, came: &Came, now: u64) -> Judged {
    let answer = match succeeded(said, "index") {
        Ok(answer) => answer,
        Err(judged) => return judged,
    };
    if let Some(at) = repository.versions.iter().position(|version| came.is(&version.sha256)) {
        let version = &repository.versions[at];
        return match at {
            0 => Judged::good(),
            _ => Judged::Found(
                Verdict::Kept,
                beginning(&version.sha256),
                "index: an earlier version, which is good still".into(),
            ),
        };
    }
    if let Some(coding) = coding(answer).filter(|_| came.unpacked_sha256.is_none()) {
        return Judged::Unknown(plain(&format!("index: is packed ({coding}), which nobody has asked for")));
    }
    let current = repository.versions.first().map_or(0, |version| version.time);
    match repository.index.ends_with("repomd.xml") {
        true => repomd_unknown_to_us(current, came, now),
        false => other_unknown_to_us(current, answer, came),
    }
}

/// A repomd.xml that is none of the versions that count.
fn repomd_unknown_to_us(current: u64, came: &Came, now: u64) -> Judged {
    match repomd::time(&came.head) {
        Err(what) => Judged::no(Verdict::Wrong, format!("index: {what}")),
        Ok(time) if time > now + HOUR => Judged::no(Verdict::Wrong, "index: of a time to come".into()),
        Ok(_) if current == 0 => {
            Judged::Unknown("index: none of the versions that are known, whose times are not".into())
        }
        Ok(time) if time > current => {
            Judged::Found(Verdict::Newer, 0, "index: newer than the primary's when it was read".into())
        }
        Ok(time) if time == current => {
            Judged::no(Verdict::Wrong, "index: another content than the primary's of the same time".into())
        }
        Ok(time) => {
            let behind = program::print::age(current - time);
            Judged::no(Verdict::Wrong, format!("index: an old version, {behind} behind"))
        }
    }
}

/// Another index that is none of the versions: it may be newer if its file is.
fn other_unknown_to_us(current: u64, answer: &Answer, came: &Came) -> Judged {
    let head = String::from_utf8_lossy(&came.head[..came.head.len().min(512)]).to_ascii_lowercase();
    if head.contains("<html") || head.contains("<!doctype html") {
        return Judged::no(Verdict::Wrong, "index: a page of HTML in its place".into());
    }
    let changed = answer.header("last-modified").and_then(|text| httpdate::parse_http_date(text).ok());
    let changed = changed.and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
    match changed.is_some_and(|since| since.as_secs() > current) {
        true => Judged::Unknown("index: none of the versions that are known, maybe a newer one".into()),
        false => Judged::no(Verdict::Wrong, "index: none of the versions that are known".into()),
    }
}

/// Judges what a category's marker was answered with: whether it is the primary's.
pub fn is_marker(marker: &File, said: &Result<Answer, Error>, came: &Came) -> bool {
    let is_there = said.as_ref().is_ok_and(|answer| answer.status == 200);
    is_there && marker.sha256.as_deref().is_some_and(|sha256| came.is(sha256))
}

/// Judges what a file was answered with that was only looked for.
pub fn file(file: &File, said: &Result<Answer, Error>) -> Judged {
    let name = file.path.rsplit('/').next().unwrap_or_default();
    if let Ok(answer) = said
        && matches!(answer.status, 405 | 501)
    {
        return Judged::NoHead(plain(&format!("{name}: status {} to HEAD", answer.status)));
    }
    // Of an empty file there is no first byte. Source: RFC 9110 §14.1.2.
    if let Ok(answer) = said
        && (answer.status, file.size) == (416, Some(0))
    {
        return Judged::good();
    }
    let answer = match succeeded(said, name) {
        Ok(answer) => answer,
        Err(judged) => return judged,
    };
    let length = length(answer);
    let is_same = file.size.zip(length).map(|(size, length)| size == length);
    let is_html = |name: &str| name.ends_with(".html") || name.ends_with(".htm");
    let is_page = !is_html(name)
        && answer.header("content-type").is_some_and(|kind| kind.to_ascii_lowercase().contains("text/html"));
    match is_same {
        // As long as it should be, whatever it is said to be.
        Some(true) => Judged::good(),
        _ if is_page => Judged::no(Verdict::Wrong, format!("{name}: a page of HTML in its place")),
        Some(false) => {
            let (size, length) = (file.size.unwrap_or(0), length.unwrap_or(0));
            Judged::no(Verdict::Wrong, format!("{name}: {length} bytes, not {size}"))
        }
        None => Judged::good(),
    }
}

/// How long the file is said to be; of one that is packed nobody knows.
fn length(answer: &Answer) -> Option<u64> {
    if coding(answer).is_some() {
        return None;
    }
    match answer.status {
        206 => answer.header("content-range")?.rsplit_once('/')?.1.trim().parse().ok(),
        _ => answer.header("content-length")?.parse().ok(),
    }
}

/// How a body is packed, if it is said to be.
fn coding(answer: &Answer) -> Option<&str> {
    answer.header("content-encoding").filter(|coding| !coding.eq_ignore_ascii_case("identity"))
}

/// The answer, if it has the file; else what that means.
fn succeeded<'a>(said: &'a Result<Answer, Error>, name: &str) -> Result<&'a Answer, Judged> {
    let answer = match said {
        Ok(answer) => answer,
        Err(Error::Tls(_)) => return Err(Judged::BadTls(plain(&told(said)))),
        Err(Error::Length(_) | Error::Redirects(_)) => {
            return Err(Judged::no(Verdict::Wrong, format!("{name}: {}", told(said))));
        }
        Err(Error::Address(..) | Error::Redirect(_)) => {
            return Err(Judged::Unknown(plain(&format!("{name}: {}", told(said)))));
        }
        Err(Error::Time(_) | Error::Answer(_)) => {
            return Err(Judged::Silent(plain(&format!("{name}: {}", told(said)))));
        }
        Err(_) => return Err(Judged::Dead(plain(&told(said)))),
    };
    let why = format!("{name}: status {}", answer.status);
    match answer.status {
        200 | 206 => Ok(answer),
        404 | 410 => Err(Judged::no(Verdict::Absent, why)),
        429 | 503 => {
            let seconds = answer.header("retry-after").map_or(0, |text| pause(text, answer));
            Err(Judged::Leave(plain(&why), seconds.min(LONGEST_PAUSE)))
        }
        _ => Err(Judged::Unknown(plain(&why))),
    }
}

/// Seconds of a `Retry-After`, which may be a date. Source: RFC 9110 §10.2.3.
fn pause(text: &str, answer: &Answer) -> u64 {
    let text = text.trim();
    text.parse().ok().unwrap_or_else(|| {
        let until = httpdate::parse_http_date(text).ok();
        let until = until.and_then(|until| until.duration_since(std::time::UNIX_EPOCH).ok());
        until.zip(answer.date()).map_or(0, |(until, now)| until.as_secs().saturating_sub(now))
    })
}

fn told(said: &Result<Answer, Error>) -> String {
    said.as_ref().err().map_or_else(String::new, ToString::to_string)
}

/// A cause that has something of the mirror's in it, as a line of bounded length that no terminal obeys.
fn plain(cause: &str) -> String {
    cause.chars().map(|c| if is_hidden(c) { '?' } else { c }).take(LONGEST).collect()
}

#[cfg(test)]
mod tests;
