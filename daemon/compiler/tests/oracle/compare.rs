//! Whether a reply is one of those that the model allows, and whether real clients could read it (spec.md §11).

use crate::{
    exchange::Reply,
    model::{Block, Body, Expected},
};
use std::{collections::HashMap, fmt::Debug};
use wire::{ContentType, Kind};

/// An explanation of the first difference.
pub type Difference = String;

/// Compares a reply with what the model expects.
pub fn compare(expected: &Expected, reply: &Reply) -> Result<(), Difference> {
    let head = reply.head;
    same("status", &expected.status, &head.status)?;
    same("content type", &expected.content_type, &head.content_type)?;
    same("kind", &expected.kind, &head.kind)?;
    same("tier", &expected.tier, &head.tier)?;
    if let Some(country) = &expected.country {
        same("country", country, &head.country.map(|country| country.to_string()).unwrap_or_default())?;
    }
    same_text("log", expected.log.as_deref().unwrap_or_default(), &reply.log)?;
    match &expected.body {
        Body::Exact(text) => {
            same_text("header lines", "", &reply.headers)?;
            same_text("body", text, &reply.body)
        }
        Body::Redirect(targets) => redirect(targets, reply),
        Body::Blocks { top, groups, bottom } => {
            same_text("header lines", "", &reply.headers)?;
            blocks(top, groups, bottom, &reply.body)
        }
    }
}

fn same<T: PartialEq + Debug>(what: &str, expected: &T, found: &T) -> Result<(), Difference> {
    if expected == found { Ok(()) } else { Err(format!("{what}: expected {expected:?}, found {found:?}")) }
}

/// As [`same`], of long texts only the part around the first difference.
fn same_text(what: &str, expected: &str, found: &str) -> Result<(), Difference> {
    if expected == found {
        return Ok(());
    }
    let pairs = expected.char_indices().zip(found.chars());
    let common =
        pairs.take_while(|((_, one), other)| one == other).last().map_or(0, |((at, c), _)| at + c.len_utf8());
    let start = expected[..common].rfind('\n').map_or(0, |at| at + 1);
    let (expected, found) = (cut(&expected[start..]), cut(&found[start..]));
    Err(format!("{what} from byte {start}:\n expected {expected:?}\n found    {found:?}"))
}

fn cut(text: &str) -> String {
    text.chars().take(300).collect()
}

fn redirect(targets: &[String], reply: &Reply) -> Result<(), Difference> {
    let location = reply.headers.strip_prefix("Location: ").and_then(|rest| rest.strip_suffix("\r\n"));
    let Some(location) = location else { return Err(format!("no Location in {:?}", reply.headers)) };
    if !targets.iter().any(|target| target == location) {
        return Err(format!("redirected to {location}, not to one of {targets:?}"));
    }
    same_text("body", &format!("{location}\n"), &reply.body)
}

/// `top`, then the groups in order, the hosts of each in any order, then `bottom`.
fn blocks(top: &str, groups: &[Vec<Block>], bottom: &str, body: &str) -> Result<(), Difference> {
    let Some(mut rest) = body.strip_prefix(top) else {
        let begins: String = body.chars().take(top.chars().count()).collect();
        return same_text("the beginning", top, &begins);
    };
    let mut listed = 0_usize;
    for (number, group) in groups.iter().enumerate() {
        // By what tells a host's first line from another's.
        let mut left: HashMap<&str, Vec<&Block>> = HashMap::new();
        for block in group {
            let (before, after) = &block.0[0];
            left.entry(after.as_ref().unwrap_or(before)).or_default().push(block);
        }
        for _ in group {
            let preference = 100_usize.saturating_sub(listed).max(1);
            let line = rest.split_inclusive('\n').next().unwrap_or_default();
            let key =
                line.split_once(&format!(" preference=\"{preference}")).map_or(line, |(_, after)| after);
            let alike = left.get_mut(key).map(Vec::as_mut_slice).unwrap_or_default();
            // A block may begin as another one goes on: the longest that fits is meant.
            let fitting =
                alike.iter().enumerate().filter(|(_, block)| rest.starts_with(&block.text(preference)));
            let Some((at, block)) = fitting.max_by_key(|(_, block)| block.0.len()) else {
                let texts: Vec<String> =
                    left.values().flatten().take(5).map(|block| block.text(preference)).collect();
                let found = cut(rest);
                return Err(format!(
                    "place {listed}, group {number}: expected one of {texts:#?}\n found {found:?}"
                ));
            };
            rest = &rest[block.text(preference).len()..];
            left.get_mut(key).map(|alike| alike.remove(at));
            listed += 1;
        }
    }
    same_text("the end", bottom, rest)
}

/// What every reply keeps, whatever was asked: lists as §11 wants them, metalinks that a strict parser takes.
pub fn readable(reply: &Reply) -> Result<(), Difference> {
    match reply.head.content_type {
        ContentType::Metalink => readable_metalink(&reply.body),
        ContentType::Text => readable_text(reply),
    }
}

fn readable_metalink(body: &str) -> Result<(), Difference> {
    let document = roxmltree::Document::parse(body).map_err(|error| format!("{error}: {body}"))?;
    let urls = document.descendants().filter(|node| node.has_tag_name(("http://www.metalinker.org/", "url")));
    for url in urls {
        let text = url.text().unwrap_or_default();
        if url.attribute("type").is_none() || text.is_empty() || text.contains(char::is_whitespace) {
            return Err(format!("a URL that clients stumble over: {text:?}"));
        }
    }
    Ok(())
}

fn readable_text(reply: &Reply) -> Result<(), Difference> {
    let body = reply.body.strip_suffix('\n').ok_or_else(|| format!("no LF at the end: {:?}", reply.body))?;
    let bad =
        |line: &&str| line.is_empty() || line.len() >= 4096 || line.contains('\r') || line.starts_with(' ');
    if let Some(line) = body.split('\n').find(bad) {
        return Err(format!("a line that clients stumble over: {line:?}"));
    }
    let is_list = reply.head.kind == Kind::Mirrorlist && reply.head.status == 200;
    let after_header = body.split('\n').skip_while(|line| line.starts_with('#'));
    if is_list && after_header.filter(|line| line.starts_with('#')).count() > 0 {
        return Err(format!("a comment after the URLs: {body}"));
    }
    Ok(())
}
