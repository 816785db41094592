//! What an answer of a mirror means. Pure.
//!
//! It fails where clients would not get there what they look for, and for no other reason: an old file is a good answer,
//! and so is one that is newer than ours. What can be our own fault, or be meant for us alone, says nothing.

use super::{
    inventory::Wanted,
    judge::Outcome,
    repomd::{self, Age},
};
use crate::http::{Answer, Error};

/// Characters of a cause that are kept.
const LONGEST: usize = 300;

/// What was heard of a URL.
#[derive(Debug, PartialEq)]
pub struct Heard {
    /// For the judge.
    pub outcome: Outcome,
    /// How far it is with the repository whose index was asked for; none where it need not have that, or nobody knows.
    pub age: Option<Age>,
    /// When the answer was made, by the mirror's clock.
    pub date: Option<u64>,
}

impl Heard {
    /// Nothing, and why.
    pub fn unknown(why: &str) -> Heard {
        Heard { outcome: Outcome::Unknown(why.into()), age: None, date: None }
    }
}

/// Reads an answer, or why there is none.
pub fn heard(wanted: &Wanted, is_said_to_have_it: bool, said: Result<Answer, Error>) -> Heard {
    let date = said.as_ref().ok().and_then(Answer::date);
    let failed = |cause: String| (Outcome::Failed(plain(&cause)), Some(Age::NoAnswer));
    let (outcome, age) = match said {
        Err(error) if error.is_for_clients_too() => failed(error.to_string()),
        Err(error) => (Outcome::Unknown(plain(&error.to_string())), None),
        Ok(answer) => match answer.status {
            200 if answer.header("content-encoding").is_some_and(|coding| coding != "identity") => {
                (Outcome::Unknown("the answer is encoded, which nobody has asked for".into()), None)
            }
            200 if wanted.is_repomd => match repomd::time(&answer.body) {
                Ok(time) => (Outcome::Good, (wanted.time > 0).then(|| Age::of(time, wanted.time))),
                Err(cause) => failed(cause.to_string()),
            },
            200 if is_page(wanted, &answer) => failed("a page of HTML in its place".into()),
            200 => (Outcome::Good, None),
            status @ (404 | 410) if is_said_to_have_it => {
                failed(format!("status {status} for {}", wanted.path))
            }
            status @ (404 | 410) => (Outcome::Unknown(format!("status {status}, as may be")), None),
            // Who does not know HEAD may know GET.
            501 if !wanted.is_repomd => (Outcome::Unknown("status 501 to HEAD".into()), None),
            status if status >= 500 => failed(format!("status {status}")),
            // Meant for us, it may be: refused, too many requests.
            status => (Outcome::Unknown(format!("status {status}")), Some(Age::NoAnswer)),
        },
    };
    Heard { outcome, age, date }
}

/// A cause that has something of the mirror's in it, as a line of bounded length that no terminal obeys.
fn plain(cause: &str) -> String {
    cause.chars().map(|c| if c.is_control() { '?' } else { c }).take(LONGEST).collect()
}

/// Whether a file that is no page is answered with one; its size speaks for it.
fn is_page(wanted: &Wanted, answer: &Answer) -> bool {
    let is_html = |name: &str| name.ends_with(".html") || name.ends_with(".htm");
    let length = answer.header("content-length").and_then(|length| length.parse().ok());
    answer.header("content-type").is_some_and(|kind| kind.to_ascii_lowercase().contains("text/html"))
        && !is_html(&wanted.path)
        && (wanted.size == 0 || length != Some(wanted.size))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use url::Url;

    fn wanted(path: &str) -> Wanted {
        let is_repomd = path.ends_with("repomd.xml");
        Wanted { path: path.into(), category: 0, is_repomd, time: 1_700_000_000, size: 9 }
    }

    fn answer(status: u16, headers: &[(&'static str, &'static str)], body: &str) -> Result<Answer, Error> {
        let headers = headers.iter().map(|(name, value)| {
            (hyper::header::HeaderName::from_static(name), hyper::header::HeaderValue::from_static(value))
        });
        let url = Url::parse("http://mirror.example/").unwrap();
        Ok(Answer { status, headers: headers.collect(), body: body.into(), url })
    }

    fn repomd(time: u64) -> String {
        format!("<repomd><timestamp>{time}</timestamp></repomd>")
    }

    #[test]
    fn what_is_asked_for_is_good_however_old_or_new() {
        let index = wanted("os/repodata/repomd.xml");
        for (time, age) in [
            (1_700_000_000, Age::Current),
            (1_800_000_000, Age::Current),
            (1_699_990_000, Age::OneDay),
            (1_000_000_000, Age::Older),
        ] {
            let heard = heard(&index, true, answer(200, &[], &repomd(time)));
            assert_eq!((heard.outcome, heard.age), (Outcome::Good, Some(age)));
        }
        let date = [("date", "Tue, 14 Nov 2023 22:13:20 GMT")];
        assert_eq!(heard(&index, true, answer(404, &date, "")).date, Some(1_700_000_000));
        // Of a repository whose own time nobody knows.
        let heard = heard(&Wanted { time: 0, ..index }, true, answer(200, &[], &repomd(5)));
        assert_eq!((heard.outcome, heard.age), (Outcome::Good, None));
    }

    #[test]
    fn what_clients_do_not_get_fails_and_what_may_be_meant_for_us_says_nothing() {
        let index = wanted("os/repodata/repomd.xml");
        let local = || Error::Address("a".into(), "127.0.0.1".parse().unwrap());
        for (said, is_said_to_have_it, expected) in [
            (answer(404, &[], ""), true, Some("status 404 for os/repodata/repomd.xml")),
            (answer(410, &[], ""), true, Some("status 410 for")),
            (answer(404, &[], ""), false, None),
            (answer(500, &[], ""), false, Some("status 500")),
            (answer(503, &[], ""), true, Some("status 503")),
            (answer(403, &[], ""), true, None),
            (answer(429, &[], ""), true, None),
            (answer(304, &[], ""), true, None),
            (answer(200, &[], "<html>Welcome"), true, Some("a page of HTML")),
            (answer(200, &[], ""), true, Some("an empty file")),
            (answer(200, &[("content-encoding", "gzip")], "\u{1f}"), true, None),
            (Err(Error::Connection("refused".into())), false, Some("no connection (refused)")),
            (Err(Error::Tls("expired".into())), true, Some("TLS fails (expired)")),
            (Err(Error::Time(Duration::from_secs(10))), true, Some("no answer within 10 s")),
            (Err(Error::Name("a".into(), "none".into())), true, Some("its name a has no address")),
            (Err(Error::Redirects(5)), true, Some("more than 5 redirects")),
            (Err(Error::Length(9)), true, Some("more than 9 bytes")),
            (Err(Error::Redirect("ftp://a".into())), true, None),
            (Err(local()), true, None),
            (Err(Error::Proxy("proxy".into(), "gone".into())), true, None),
        ] {
            let case = format!("{said:?}");
            match (heard(&index, is_said_to_have_it, said).outcome, expected) {
                (Outcome::Failed(cause), Some(part)) => assert!(cause.contains(part), "{cause}"),
                (Outcome::Unknown(_), None) => {}
                (outcome, _) => panic!("{case}: {outcome:?}"),
            }
        }
    }

    #[test]
    fn a_file_that_is_only_looked_for_is_told_from_a_page() {
        let html = ("content-type", "text/html; charset=utf-8");
        let outcome = |path: &str, headers: &[(&'static str, &'static str)]| {
            heard(&wanted(path), true, answer(200, headers, "")).outcome
        };
        assert_eq!(outcome("a.iso", &[("content-type", "application/octet-stream")]), Outcome::Good);
        assert_eq!(outcome("a.iso", &[]), Outcome::Good);
        assert!(matches!(outcome("a.iso", &[html]), Outcome::Failed(_)));
        assert!(matches!(outcome("a.iso", &[html, ("content-length", "8")]), Outcome::Failed(_)));
        // As long as it should be, and said to be what it is not.
        assert_eq!(outcome("README", &[html, ("content-length", "9")]), Outcome::Good);
        assert_eq!(outcome("index.html", &[html]), Outcome::Good);
        assert!(matches!(heard(&wanted("a.iso"), true, answer(501, &[], "")).outcome, Outcome::Unknown(_)));
    }
}
