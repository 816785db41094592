//! The JSON object: SPEC.md §12.
//!
//! An object is read as lines: one of all that is not a mirror, then one for each mirror, so that `compare` finds chance in
//! it as in other forms.

use super::{
    Blocks, Body, Line, Model, Ranks,
    client::Client,
    facts::Url,
    mirrorlist::whole_url,
    question::{Question, SCHEMES},
    subject::Subject,
    tiers::{Candidates, Selection},
};
use serde_json::{Map, Value, json};

/// The object about a directory or file.
pub fn object(
    model: &Model,
    subject: &Subject<'_>,
    (question, client, origin): (&Question, &Client, Option<String>),
    selection: &Selection,
    candidates: &Candidates<'_>,
) -> Body {
    let facts = &model.facts;
    let mut top = Map::new();
    let mut path = subject.path.clone();
    if let Some(name) = &subject.file {
        path = format!("{path}/{name}");
        let mut file = Map::new();
        file.insert("name".into(), name.clone().into());
        if let Some(newest) = subject.versions.first() {
            let numbers = [("size", newest.size), ("mtime", newest.timestamp)];
            file.extend(numbers.into_iter().filter(|one| one.1 != 0).map(|one| (one.0.into(), one.1.into())));
            file.extend(newest.hashes.iter().map(|one| (one.0.into(), one.1.clone().into())));
        }
        top.insert("file".into(), file.into());
    }
    top.insert("path".into(), path.into());
    let mut asks = Map::new();
    if let Some(address) = client.address {
        asks.insert("ip".into(), address.to_string().into());
    }
    let continent = |country: &String| facts.continents.get(country);
    if let Some(country) = &client.country {
        asks.insert("country".into(), country.clone().into());
        asks.extend(continent(country).map(|code| ("continent".into(), code.clone().into())));
    }
    // "its AS, if mirrors serve it".
    if let Some(number) = client.asn.filter(|number| facts.as_hosts.contains_key(number)) {
        asks.insert("asn".into(), number.into());
    }
    top.insert("client".into(), asks.into());
    top.extend(origin.map(|url| ("origin".into(), url.into())));
    top.insert("cache_time".into(), facts.time.into());
    let block = |tier, host: &i64| {
        let urls = &candidates[host];
        let first = |scheme: &&str| urls.iter().copied().find(|url| url.scheme == *scheme);
        let asked: Vec<&str> = question.protocols.clone().unwrap_or_else(|| SCHEMES[..3].to_vec());
        let best: Option<&Url> = asked.iter().find_map(first);
        let line = |url: &Url| {
            let mut mirror = Map::new();
            let of_scheme =
                |scheme: &&str| Some(((*scheme).to_owned(), whole_url(subject, first(scheme)?).into()));
            mirror.insert("urls".into(), SCHEMES.iter().filter_map(of_scheme).collect::<Map<_, _>>().into());
            let authority = url.text.split('/').nth(2).unwrap_or_default();
            let port = authority.rfind(':').filter(|at| authority[at + 1..].parse::<u16>().is_ok());
            mirror.insert("hostname".into(), authority[..port.unwrap_or(authority.len())].into());
            if let Some(country) = facts.host_country.get(host) {
                mirror.insert("country".into(), country.clone().into());
                mirror.extend(continent(country).map(|code| ("continent".into(), code.clone().into())));
            }
            if let Some((north, east)) = facts.own_place(*host) {
                mirror.insert("lat".into(), north.into());
                mirror.insert("lon".into(), east.into());
            }
            mirror.extend(facts.km(client, *host).map(|km| ("distance_km".into(), km.into())));
            if let Some(families) = facts.families.get(host) {
                mirror.insert("families".into(), families.iter().copied().collect::<Vec<_>>().into());
            }
            if !subject.directory.global.contains(host) {
                mirror.insert("private".into(), true.into());
            }
            mirror.insert("tier".into(), wire::Tier::name(tier).into());
            let url = whole_url(subject, url);
            mirror.insert("url".into(), url.clone().into());
            Line { before: format!("{}\tpriority:", Value::from(mirror)), after: Some("\n".to_owned()), url }
        };
        best.into_iter().map(line).collect()
    };
    let selection = selection.without_tokens();
    let top = (format!("{}\n", Value::from(top)), String::new());
    let blocks = Blocks::of(&selection, (model.rules.minimum, question.limit), top, String::new(), block);
    Body::Json(Blocks { ranks: Ranks::Apt, ..blocks })
}

/// The object that says why there is none.
pub fn refusal(text: &str) -> String {
    format!("{}\n", json!({ "error": text.trim_end() }))
}

/// Hosts that are not listed, each with the reason, and the names of those that are.
type Told = (Vec<(String, String)>, Vec<String>);

/// What an object tells of them, if it was asked to.
pub fn excluded(body: &str) -> Option<Told> {
    let object: Value = serde_json::from_str(body).ok()?;
    let text = |value: &Value, name: &str| value[name].as_str().unwrap_or_default().to_owned();
    let pairs =
        object.get("excluded")?.as_array()?.iter().map(|one| (text(one, "hostname"), text(one, "reason")));
    let names = object["mirrors"].as_array()?.iter().map(|one| text(one, "hostname"));
    Some((pairs.collect(), names.collect()))
}

/// An object as such lines.
pub fn lines(body: &str) -> Result<String, String> {
    let line = body.strip_suffix('\n').filter(|line| !line.contains('\n'));
    let line = line.ok_or_else(|| format!("not one line: {body:?}"))?;
    let mut top: Map<String, Value> =
        serde_json::from_str(line).map_err(|error| format!("{error}: {line}"))?;
    top.remove("excluded");
    let Some(Value::Array(mirrors)) = top.remove("mirrors") else {
        return Err(format!("no mirrors: {line}"));
    };
    let mut lines = format!("{}\n", Value::from(top));
    for mut mirror in mirrors {
        let prio = mirror.as_object_mut().and_then(|mirror| mirror.remove("prio")).unwrap_or_default();
        lines += &format!("{mirror}\tpriority:{prio}\n");
    }
    Ok(lines)
}
