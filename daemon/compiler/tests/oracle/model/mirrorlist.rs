//! The text list, its URLs, and what it says when it is empty: SPEC.md §6 and §9.

use super::{
    Block, Blocks, Body, Line,
    facts::{Facts, Url, code},
    question::{Question, SCHEMES},
    subject::Subject,
    tiers::{Candidates, Selection},
};

/// "One header line, then one URL a line, LF only".
pub fn list(
    facts: &Facts,
    subject: &Subject<'_>,
    question: &Question,
    selection: &Selection,
    minimum: (usize, Option<usize>),
    candidates: &Candidates<'_>,
) -> Body {
    let mut after_tokens = format!("{}{}\n", protocol_token(question), exclude_token(question));
    if question.time {
        after_tokens += &format!("# database creation time: {}\n", facts.time);
    }
    let block = |_, host: &i64| -> Block {
        let urls = &candidates[host];
        let chosen: Vec<&Url> = match &question.protocols {
            // "with `protocol`, one per listed protocol in the order https, http, ftp, rsync".
            Some(kept) => kept
                .iter()
                .filter_map(|scheme| urls.iter().copied().find(|url| url.scheme == *scheme))
                .collect(),
            None => best(urls).into_iter().collect(),
        };
        let line = |url: &Url| {
            let url = whole_url(subject, url);
            Line { before: format!("{url}\n"), after: None, url }
        };
        chosen.into_iter().map(line).collect()
    };
    let top = (format!("{}{}", subject.header, selection.header), after_tokens);
    Body::Blocks(Blocks::of(selection, minimum, top, String::new(), block))
}

/// "the best of https, http, ftp in that order. Of several URLs of one scheme the first in the cache counts".
pub fn best<'a>(urls: &[&'a Url]) -> Option<&'a Url> {
    SCHEMES[..3].iter().find_map(|scheme| urls.iter().copied().find(|url| url.scheme == *scheme))
}

/// "host URL without trailing slashes, `/` + subpath if any, then `/` for a directory or `/` + file".
pub fn whole_url(subject: &Subject<'_>, url: &Url) -> String {
    let mut appended = String::new();
    if !subject.directory.subpath.is_empty() {
        appended = format!("/{}", subject.directory.subpath);
    }
    appended += "/";
    appended += subject.file.as_deref().unwrap_or_default();
    url.text.clone() + &percent_encoded(&appended)
}

/// "What we append is percent-encoded outside RFC 3986 `pchar` and `/`".
pub fn percent_encoded(text: &str) -> String {
    let stays = |b: u8| b.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/".contains(&b);
    text.bytes().map(|b| if stays(b) { (b as char).to_string() } else { format!("%{b:02X}") }).collect()
}

/// "`protocol = LIST`, the names kept, lower case, ... joined by commas".
pub fn protocol_token(question: &Question) -> String {
    match &question.protocols {
        Some(kept) if !kept.is_empty() => format!("protocol = {} ", kept.join(",")),
        _ => String::new(),
    }
}

/// "with what of it counts".
pub fn exclude_token(question: &Question) -> String {
    question.excluded().map_or(String::new(), |list| format!("exclude = {list} "))
}

/// "header, `error: no mirror` and why (protocol, country)".
pub fn no_mirror(subject: &Subject<'_>, question: &Question) -> String {
    let (protocols, exclude) = (protocol_token(question), exclude_token(question));
    let mut text = format!("{}{protocols}{exclude}error: no mirror", subject.header);
    if let Some(kept) = &question.protocols {
        let names = if kept.is_empty() { "none".to_owned() } else { kept.join(",") };
        text += &format!(" for protocol = {names}");
    }
    if let Some(items) = &question.countries {
        // Codes as requested, then global; what is neither can have no mirror.
        let mut names: Vec<String> =
            items.iter().filter_map(|item| code(std::str::from_utf8(item).ok()?)).collect();
        if items.iter().any(|item| item == b"GLOBAL") {
            names.push("global".to_owned());
        }
        let names = if names.is_empty() { "none".to_owned() } else { names.join(",") };
        text += &format!(" for country = {names}");
    }
    if let Some(family) = question.family {
        text += &format!(" for family = {family}");
    }
    if let Some(list) = question.excluded() {
        text += &format!(" with exclude = {list}");
    }
    text + "\n"
}

#[test]
fn only_what_a_path_segment_cannot_hold_is_encoded() {
    assert_eq!(
        percent_encoded("/libstdc++/a^b~c/x y/100%/\u{fc}#&?"),
        "/libstdc++/a%5Eb~c/x%20y/100%25/%C3%BC%23&%3F"
    );
}
