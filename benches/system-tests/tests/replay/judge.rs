//! Whether an answer over HTTP is one of those that the model allows: SPEC.md §1, §9 and §11, and `compare` for the
//! rest.

use crate::{
    compare::{self, Difference},
    exchange::Reply,
    http::Answer,
    model::{Block, Blocks, Body, Expected, Model, metalink::rfc_1123, metalink4::rfc_3339},
    request::Written,
};
use std::{
    fmt::Debug,
    ops::RangeInclusive,
    time::{SystemTime, UNIX_EPOCH},
};
use wire::ReplyHead;

/// Header lines that are compared, in the order in which a worker writes them.
const HEADERS: [&str; 4] =
    ["Location", "Content-Security-Policy", "X-Content-Type-Options", "Referrer-Policy"];

/// How far the server's clock may be from ours, in seconds.
const CLOCKS: u64 = 120;

/// "URI over 8 KiB" (SPEC.md §9).
const LONGEST_TARGET: usize = 8 * 1024;

/// Judges an answer. What the model expected, unless no worker was to be asked.
pub fn judge(model: &Model, written: &Written, answer: &Answer) -> Result<Option<Expected>, Difference> {
    every_answer(written, answer)?;
    if written.target.len() > LONGEST_TARGET {
        refused(answer, 414)?;
        return Ok(None);
    }
    if !matches!(written.verb, "GET" | "HEAD") {
        refused(answer, 405)?;
        same("Allow", &vec!["GET, HEAD"], &answer.values("allow"))?;
        return Ok(None);
    }
    let body = std::str::from_utf8(&answer.body).map_err(|error| format!("the body is no UTF-8: {error}"))?;
    let expected = model.answer(&written.asked.wire(), published(body)?);
    if written.verb == "HEAD" {
        head_only(&expected, answer)?;
    } else {
        let reply = reply(&expected, answer, body)?;
        compare::compare(&expected, &reply)?;
        compare::readable(&reply)?;
    }
    Ok(Some(expected))
}

/// "Every answer carries `Cache-Control: private, no-cache`"; its length is that of its body, and it is not encoded.
fn every_answer(written: &Written, answer: &Answer) -> Result<(), Difference> {
    same("Cache-Control", &vec!["private, no-cache"], &answer.values("cache-control"))?;
    same("Content-Encoding", &vec![], &answer.values("content-encoding"))?;
    same("Transfer-Encoding", &vec![], &answer.values("transfer-encoding"))?;
    let lengths = answer.values("content-length");
    match written.verb {
        "HEAD" => same("number of Content-Length", &1, &lengths.len()),
        _ => same("Content-Length", &vec![&answer.body.len().to_string()[..]], &lengths),
    }
}

/// An answer that no worker has given: one line of text.
fn refused(answer: &Answer, status: u16) -> Result<(), Difference> {
    same("status", &status, &answer.status)?;
    same("Content-Type", &vec!["text/plain"], &answer.values("content-type"))?;
    let lines = answer.body.iter().filter(|byte| **byte == b'\n').count();
    // A HEAD that is refused has no body.
    if answer.body.is_empty() { Ok(()) } else { same("lines of the body", &1, &lines) }
}

/// The headers that GET would give.
fn head_only(expected: &Expected, answer: &Answer) -> Result<(), Difference> {
    same("status", &expected.status, &answer.status)?;
    same("Content-Type", &vec![expected.content_type], &answer.values("content-type"))?;
    let length: usize = answer.values("content-length")[0].parse().map_err(|error| format!("{error}"))?;
    let locations = answer.values("location");
    let lengths = match &expected.body {
        Body::Redirect(targets, _) => match locations[..] {
            [location] if targets.iter().any(|target| target == location) => {
                location.len() + 1..=location.len() + 1
            }
            _ => return Err(format!("Location: {locations:?}, not one of {targets:?}")),
        },
        body => lengths(body),
    };
    match lengths.contains(&length) {
        true => Ok(()),
        false => Err(format!("Content-Length: {length}, not in {lengths:?}")),
    }
}

/// How long a body can be: a preference has one digit to three, whatever host it belongs to.
fn lengths(body: &Body) -> RangeInclusive<usize> {
    match body {
        Body::Exact(text) => text.len()..=text.len(),
        // Of hosts with URLs in common, of the tier global and beyond the limit, some may be missing.
        Body::Blocks(Blocks { top, groups, bottom, global, .. }) => {
            let lines = |blocks: &[Block]| -> usize {
                blocks.iter().flatten().map(|line| line.text(100).len()).sum()
            };
            let all = top.0.len()
                + top.1.len()
                + bottom.len()
                + groups.iter().map(|group| lines(group)).sum::<usize>();
            let more = global.as_ref().map_or(0, |global| global.token.len() + lines(&global.group));
            top.0.len() + top.1.len() + bottom.len()..=all + more
        }
        Body::Json(_) | Body::Page(_) => 1..=1 << 20,
        Body::Help(_) => 1..=1 << 16,
        Body::Redirect(..) | Body::Form => 0..=0,
    }
}

/// The answer as the oracle compares it; what HTTP does not show is taken to be right.
fn reply(expected: &Expected, answer: &Answer, body: &str) -> Result<Reply, Difference> {
    let [content_type] = answer.values("content-type")[..] else {
        return Err(format!("Content-Type: {:?}, not one", answer.values("content-type")));
    };
    let head = ReplyHead { status: answer.status, kind: expected.kind, tier: expected.tier };
    let lines = |name: &str| -> String {
        let values = answer.values(&name.to_ascii_lowercase());
        values.iter().map(|value| format!("{name}: {value}\r\n")).collect()
    };
    let headers = HEADERS.map(lines).concat();
    let log = expected.log.clone().unwrap_or_default();
    let counted = expected.counted;
    Ok(Reply { head, content_type: content_type.into(), headers, body: body.to_owned(), log, counted })
}

/// When a metalink says that it was made, which must be about now; of another text, now.
fn published(body: &str) -> Result<u64, Difference> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_secs());
    let said = |before, after| Some(body.split_once(before)?.1.split_once(after).unwrap_or_default().0);
    let (date, form): (_, fn(u64) -> String) = match (said(" pubdate=\"", '"'), said(" <published>", '<')) {
        (Some(date), _) => (date, rfc_1123),
        (None, Some(date)) => (date, rfc_3339),
        (None, None) => return Ok(now),
    };
    let about_now = (0..=CLOCKS).flat_map(|seconds| [now - seconds, now + seconds]);
    about_now
        .into_iter()
        .find(|second| form(*second) == date)
        .ok_or_else(|| format!("made at {date:?}, not about {:?}", form(now)))
}

fn same<T: PartialEq + Debug>(what: &str, expected: &T, found: &T) -> Result<(), Difference> {
    if expected == found { Ok(()) } else { Err(format!("{what}: expected {expected:?}, found {found:?}")) }
}
