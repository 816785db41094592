//! Why hosts are not listed: SPEC.md §4, "a host is out by the first of these that applies", and who may be told (§12).

use super::{
    Model,
    client::Client,
    question::{Question, SCHEMES},
    subject::Subject,
    tiers,
};
use std::collections::{BTreeMap, BTreeSet};

/// For each name of a public host that carries the directory: how the reasons may begin that it is not listed for, and the
/// names by which it may be listed.
pub type Reasons = BTreeMap<String, (BTreeSet<String>, BTreeSet<String>)>;

/// How reasons begin that have to do with other hosts.
const FOR_OTHERS: [&str; 5] = [
    "only the exclusive",
    "only mirrors for the client's netblock",
    "not in the country",
    "not on the continent",
    "farther: ",
];
/// And those of hosts that a tier had.
const OF_LISTED: [&str; 2] = ["behind the first ", "same URLs as a host above"];

/// The reasons that a client may hear.
pub fn reasons(model: &Model, subject: &Subject<'_>, question: &Question, client: &Client) -> Reasons {
    let mut reasons = Reasons::new();
    for (host, urls) in &subject.directory.carriers {
        if !subject.directory.global.contains(host) {
            continue;
        }
        let best = SCHEMES.iter().find_map(|scheme| urls.iter().find(|url| url.scheme == *scheme));
        let Some(best) = best else { continue };
        let (why, names) = reasons.entry(name(&best.text)).or_default();
        why.extend(of(model, subject, question, client, *host));
        names.extend(urls.iter().map(|url| name(&url.text)));
    }
    reasons
}

fn name(url: &str) -> String {
    let authority = url.split('/').nth(2).unwrap_or_default();
    let port = authority.rfind(':').filter(|at| authority[at + 1..].parse::<u16>().is_ok());
    authority[..port.unwrap_or(authority.len())].to_owned()
}

fn of(model: &Model, subject: &Subject<'_>, question: &Question, client: &Client, host: i64) -> Vec<String> {
    let facts = &model.facts;
    let asked: Vec<&str> = question.protocols.clone().unwrap_or_else(|| SCHEMES[..3].to_vec());
    let urls = &subject.directory.carriers[&host];
    if !urls.iter().any(|url| asked.contains(&url.scheme)) {
        return vec![match asked[..] {
            [] => "no URL with a protocol that was asked for".to_owned(),
            _ => format!("no URL with a protocol that counts: {}", asked.join(", ")),
        }];
    }
    if subject.fresh.as_ref().is_some_and(|fresh| !fresh.contains(&host)) {
        return vec!["stale: ".to_owned()];
    }
    let mut reasons: Vec<String> = Vec::new();
    let allowed = facts.allowed.get(&host);
    if let Some(allowed) = allowed.filter(|all| !client.country.as_ref().is_some_and(|own| all.contains(own)))
    {
        let codes: Vec<&str> = allowed.iter().map(String::as_str).collect();
        reasons.push(format!("not for the client's country, only for {}", codes.join(", ")));
    } else if !tiers::is_inside(facts, client, host) {
        reasons.push("only for clients of its country or continent".to_owned());
    }
    // Both count in open tiers alone: nearer ones may have it.
    let listed = || OF_LISTED.map(str::to_owned);
    if let Some(exclude) = question.excluded().filter(|_| tiers::is_excluded(facts, subject, question, host))
    {
        reasons.push(format!("excluded by the request (exclude = {exclude})"));
    } else if tiers::is_avoided(facts, subject, question, client, host) {
        reasons.push("kept from clients of this country".to_owned());
    } else if question.family.is_some_and(|family| facts.lacks(host, family)) {
        reasons.push("does not answer by the version of IP".to_owned());
    } else if question.strict && !tiers::is_requested(subject, facts, question, host) {
        reasons.push("outside the countries asked for".to_owned());
    } else {
        let is_candidate = reasons.is_empty();
        reasons.extend(listed());
        if is_candidate {
            reasons.extend(FOR_OTHERS.map(str::to_owned));
        }
        return reasons;
    }
    reasons.truncate(1);
    reasons
}
