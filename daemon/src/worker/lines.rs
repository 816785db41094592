//! JSON lines, so that a person can ask a worker with socat what it answers.
//!
//! A question is `{"query": "/metalink?repo=…&arch=…", "client": "192.0.2.1", "method": "GET", "scheme": "https"}`,
//! all but the first left out at will; the answer is one line too. Questions are not written to the access log.

use super::Desk;
use serde::{Deserialize, Serialize};
use std::{borrow::Cow, collections::BTreeMap, net::IpAddr};
use wire::{Accept, Counter, Method, NO_REPOSITORY, ReplyHead, Request, UrlScheme};

/// Longest line that is read.
pub const LONGEST: usize = 8 * 1024;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Question<'a> {
    #[serde(borrow)]
    query: Cow<'a, str>,
    client: Option<IpAddr>,
    #[serde(default)]
    method: QuestionMethod,
    #[serde(default)]
    scheme: QuestionScheme,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
enum QuestionMethod {
    #[default]
    Get,
    Head,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum QuestionScheme {
    #[default]
    Http,
    Https,
}

#[derive(Serialize)]
struct Reply<'a> {
    status: u16,
    kind: &'static str,
    content_type: &'static str,
    headers: BTreeMap<&'a str, &'a str>,
    tier: &'static str,
    country: Option<String>,
    repository: Option<u32>,
    body: Cow<'a, str>,
}

#[derive(Serialize)]
struct Complaint<'a> {
    error: &'a str,
}

/// The first line of `input` and how far it reaches; the last one of all (`ended`) needs no line feed.
///
/// The error is a line longer than [`LONGEST`].
pub fn next(input: &[u8], ended: bool) -> Result<Option<(&[u8], usize)>, &'static str> {
    let (line, reach) = match input.iter().position(|byte| *byte == b'\n') {
        Some(at) => (&input[..at], at + 1),
        None if ended && !input.is_empty() => (input, input.len()),
        None => (input, 0),
    };
    if line.len() > LONGEST {
        return Err("the line is longer than 8192 bytes");
    }
    Ok((reach > 0).then_some((line, reach)))
}

/// Answers one line. Whether it asked for anything.
pub fn answer(line: &[u8], desk: &mut Desk<'_>, output: &mut Vec<u8>) -> bool {
    let asked = !line.trim_ascii().is_empty();
    if asked {
        answer_question(line, desk, output);
    }
    asked
}

fn answer_question(line: &[u8], desk: &mut Desk<'_>, output: &mut Vec<u8>) {
    let question: Question<'_> = match serde_json::from_slice(line) {
        Ok(question) => question,
        Err(error) => return complain(output, &error.to_string()),
    };
    let (path, query) = question.query.split_once('?').unwrap_or((&question.query, ""));
    let request = Request {
        method: match question.method {
            QuestionMethod::Get => Method::Get,
            QuestionMethod::Head => Method::Head,
        },
        scheme: match question.scheme {
            QuestionScheme::Http => UrlScheme::Http,
            QuestionScheme::Https => UrlScheme::Https,
        },
        accept: Accept::default(),
        deadline_ms: 0,
        client: question.client,
        path: path.as_bytes(),
        query: query.as_bytes(),
    };
    let logged = desk.scratch.log.len();
    // Made anew each time: questions of persons are rare, and an idle worker shall be small.
    let mut page = Vec::new();
    let answer = desk.service.answer(&request, desk.now, &mut desk.dice, &mut desk.scratch, &mut page);
    desk.scratch.log.truncate(logged);
    desk.counters.add(Counter::Questions, 1);
    let (headers, body) = page.split_at(answer.headers_len);
    write(output, &reply(&answer.head, std::str::from_utf8(headers).unwrap_or_default(), body));
}

/// Answers with an error.
pub fn complain(output: &mut Vec<u8>, error: &str) {
    write(output, &Complaint { error });
}

fn reply<'a>(head: &ReplyHead, headers: &'a str, body: &'a [u8]) -> Reply<'a> {
    Reply {
        status: head.status,
        kind: head.kind.name(),
        content_type: head.content_type.as_str(),
        headers: headers.lines().filter_map(|line| line.split_once(": ")).collect(),
        tier: head.tier.name(),
        country: head.country.map(|country| country.to_string()),
        repository: (head.repository != NO_REPOSITORY).then_some(head.repository),
        body: String::from_utf8_lossy(body),
    }
}

fn write(output: &mut Vec<u8>, value: &impl Serialize) {
    // Strings and numbers always serialize, and a Vec takes every write.
    if serde_json::to_writer(&mut *output, value).is_ok() {
        output.push(b'\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_ends_with_a_line_feed_or_with_the_stream() {
        assert_eq!(next(b"{}\n{", false), Ok(Some((&b"{}"[..], 3))));
        assert_eq!(next(b"{", false), Ok(None));
        assert_eq!(next(b"{", true), Ok(Some((&b"{"[..], 1))));
        assert_eq!(next(b"", true), Ok(None));
    }

    #[test]
    fn a_line_without_end_is_refused_before_it_is_read() {
        assert_eq!(next(&[b'{'; LONGEST], false), Ok(None));
        assert!(next(&[b'{'; LONGEST + 1], false).is_err());
        assert!(next(&[&[b'{'; LONGEST + 1][..], b"\n"].concat(), false).is_err());
    }
}
