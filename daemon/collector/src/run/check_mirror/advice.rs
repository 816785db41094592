//! What to do about what was found of a mirror: a sentence for each finding. Pure.

use super::OfCategory;
use crate::run::{
    crawl::{
        known::Verdict,
        visit::{Did, Found, OfUnit},
    },
    mirrors::Mirror,
    tree::Tree,
};
use program::print::grouped;
use serde::Serialize;
use std::collections::BTreeMap;
use url::Url;

/// Units that are named of each kind.
const MOST_NAMED: usize = 10;

/// Something that is to be said of a mirror.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Whether the mirror, a URL of it, or something that it has is not listed because of it.
    pub is_wrong: bool,
    /// What was found.
    pub what: String,
    /// What to do about it.
    pub advice: String,
}

fn wrong(what: String, advice: &str) -> Finding {
    Finding { is_wrong: true, what, advice: advice.into() }
}

fn note(what: String, advice: &str) -> Finding {
    Finding { is_wrong: false, what, advice: advice.into() }
}

/// All findings, the worst first.
pub fn findings(
    tree: &Tree,
    mirror: &Mirror,
    found: &Found,
    families: &[(Url, [Option<bool>; 2])],
    categories: &BTreeMap<String, OfCategory>,
) -> Vec<Finding> {
    let mut findings = whole(tree, mirror, found, categories);
    findings.extend(found.urls.iter().filter_map(|(url, did)| of_url(url, did)));
    findings.extend(units(tree, found));
    findings.extend(manners(mirror, found, families));
    findings.sort_by_key(|finding| !finding.is_wrong);
    findings
}

/// What is about the mirror as a whole, or a category of it.
fn whole(
    tree: &Tree,
    mirror: &Mirror,
    found: &Found,
    categories: &BTreeMap<String, OfCategory>,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    if mirror.disabled {
        let advice = "take `disabled` out of its file when it is to be listed";
        findings.push(note("it is disabled".into(), advice));
    }
    if mirror.private {
        let advice = "nobody asks it but you now; say `up-to-date` in its file, as a trusted mirror, if it is to be listed for its networks";
        findings.push(note("it is private".into(), advice));
    }
    if let Some((why, seconds)) = &found.left {
        let advice = "let the address of whoever asks send ten requests a second over one connection; until then it is asked for a \
                      part of what it has, or nothing";
        let until = if *seconds > 0 { format!(", and wants {seconds} s of peace") } else { String::new() };
        findings.push(wrong(format!("it refuses to be asked any further ({why}){until}"), advice));
    }
    for (category, urls) in &mirror.urls {
        let of = &tree.categories[*category as usize];
        if !urls.iter().any(|url| ["https", "http"].contains(&url.scheme())) {
            let advice = "name one of https or http, by which clients can be led to it";
            findings.push(wrong(format!("{}: it has no https or http URL", of.name), advice));
        } else if let Some(why) = found.silent.get(category) {
            let advice = "see that its name has an address, that its web server runs, and that nothing in between keeps us out";
            findings.push(wrong(format!("{}: nothing is found out ({why})", of.name), advice));
        } else if categories.get(&of.name).is_some_and(|of| of.good == 0) {
            let advice = format!("its URL has to be that of what is {} on the primary", of.top);
            findings.push(wrong(format!("{}: it has nothing of it as it should be", of.name), &advice));
        }
    }
    findings
}

fn of_url(url: &str, did: &Did) -> Option<Finding> {
    match did {
        Did::Well => None,
        Did::Bad(why) if why.starts_with("TLS") => Some(wrong(
            format!("{url}: {why}"),
            "give it a certificate for this name by an authority that clients trust, with the whole chain, and renew it in time; until then the \
             URL is left out",
        )),
        Did::Bad(why) => Some(wrong(
            format!("{url}: {why}"),
            "all URLs of a category have to lead to the same files; until then the URL is left out",
        )),
        Did::Nothing(why) => Some(wrong(
            format!("{url}: {why}"),
            "have it answer as the other URL does, or take it out of the mirror's file",
        )),
    }
}

/// Kinds of what is not good in a unit, with what to do.
const KINDS: [(&str, bool, &str); 9] = [
    ("is packed", true, "switch compression off for who has not asked for it in Accept-Encoding"),
    (
        "an old version",
        true,
        "it copies too seldom, or no longer: see when its last synchronisation was, and what it said",
    ),
    (
        "HTML",
        true,
        "have the server answer with status 404 what it has not, and no page for guests to accept",
    ),
    ("of the same time", true, "its files have been changed, or cut: copy them again, and compare checksums"),
    ("bytes, not", true, "it is copied half: copy again, and let a synchronisation that fails be repeated"),
    ("status 404", false, "copy it, or leave it out: the mirror is not listed for it"),
    ("status 410", false, "copy it, or leave it out: the mirror is not listed for it"),
    ("status 403", true, "see that the web server may read it, and that nothing keeps us out"),
    ("", true, "see in the server's log what it did with that request"),
];

/// What is not good, by kind.
fn units(tree: &Tree, found: &Found) -> Vec<Finding> {
    let mut kinds: BTreeMap<usize, Vec<String>> = BTreeMap::new();
    for (at, of) in &found.units {
        let why = match of {
            OfUnit::Found(Verdict::Current | Verdict::Kept | Verdict::Newer, ..) => continue,
            OfUnit::Found(_, _, why) | OfUnit::Unknown(why) => why,
        };
        let kind = KINDS.iter().position(|(part, ..)| why.contains(part)).unwrap_or(KINDS.len() - 1);
        kinds.entry(kind).or_default().push(format!("{} ({why})", tree.units[*at as usize].path));
    }
    let finding = |(kind, named): (usize, Vec<String>)| {
        let (_, is_wrong, advice) = KINDS[kind];
        let more = named.len().saturating_sub(MOST_NAMED);
        let mut what = named[..named.len().min(MOST_NAMED)].join("; ");
        if more > 0 {
            what.push_str(&format!("; and {} more like these", grouped(more)));
        }
        Finding { is_wrong, what, advice: advice.into() }
    };
    kinds.into_iter().map(finding).collect()
}

/// How it answers.
fn manners(mirror: &Mirror, found: &Found, families: &[(Url, [Option<bool>; 2])]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let counts = found.counts;
    if counts.elsewhere > 0 {
        let (some, all) = (grouped(counts.elsewhere), grouped(counts.requests));
        let advice = "clients are led there, too; a host that has everything itself can be named instead";
        findings.push(note(format!("other hosts gave {some} answers, with {all} requests in all"), advice));
    }
    if found.knows_no_head {
        findings.push(note(
            "it knows no HEAD".into(),
            "allow that method; each file is asked for by GET otherwise",
        ));
    }
    if found.is_packed {
        let advice = "switch compression off for who has not asked for it in Accept-Encoding: there are clients that take it for damage";
        findings.push(note("it sends packed what nobody has asked to be packed".into(), advice));
    }
    if counts.requests > 20 && counts.connections * 2 > counts.requests {
        let advice = "switch keep-alive on; it saves both sides most of the work";
        let (connections, requests) = (grouped(counts.connections), grouped(counts.requests));
        findings.push(note(format!("it takes {connections} connections for {requests} requests"), advice));
    }
    let has = |scheme: &str| mirror.urls.iter().flat_map(|(_, urls)| urls).any(|url| url.scheme() == scheme);
    if has("http") && !has("https") {
        let advice = "offer the same by https; clients that ask for it get only such mirrors";
        findings.push(note("it has no https URL".into(), advice));
    }
    let mut told = std::collections::BTreeSet::new();
    for (url, [four, six]) in families {
        let host = url.host_str().unwrap_or_default().to_owned();
        let lacks = match (four, six) {
            (Some(true), Some(false)) => "IPv6",
            (Some(false), Some(true)) => "IPv4",
            _ => continue,
        };
        if told.insert(host.clone()) {
            let advice =
                format!("clients that have {lacks} alone get other mirrors; or this machine has none itself");
            findings.push(note(format!("{host} does not answer by {lacks}"), &advice));
        }
    }
    findings
}
