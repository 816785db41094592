//! Whether a reply is one of those that the model allows, and whether real clients could read it (SPEC.md §11).

use crate::{
    exchange::Reply,
    model::{
        Block, Blocks, Body, Expected, Global, HTML, JSON, Line, METALINK, METALINK4, Promotion, Ranks,
        file::Besides, json, page, unlisted::Reasons,
    },
};
use std::{
    collections::{BTreeSet, HashMap, HashSet},
    fmt::Debug,
    ops::RangeInclusive,
    sync::LazyLock,
};
use wire::Kind;

/// An explanation of the first difference.
pub type Difference = String;

/// Compares a reply with what the model expects.
pub fn compare(expected: &Expected, reply: &Reply) -> Result<(), Difference> {
    let head = reply.head;
    if let Body::Form = expected.body {
        return same("kind", &expected.kind, &head.kind);
    }
    same("status", &expected.status, &head.status)?;
    same("content type", &expected.content_type, &&*reply.content_type)?;
    same("kind", &expected.kind, &head.kind)?;
    same("tier", &expected.tier, &head.tier)?;
    same("counter", &expected.counted, &reply.counted)?;
    same_text("log", expected.log.as_deref().unwrap_or_default(), &reply.log)?;
    match &expected.body {
        Body::Exact(text) => {
            same_text("header lines", "", &reply.headers)?;
            same_text("body", text, &reply.body)
        }
        Body::Help(says) => match says.iter().find(|said| !reply.body.contains(&said[..])) {
            Some(unsaid) => Err(format!("not said: {unsaid:?} in {}", reply.body)),
            None => Ok(()),
        },
        Body::Json(expected) => {
            same_text("header lines", "", &reply.headers)?;
            let told = json::excluded(&reply.body);
            if let (Some(reasons), Some((told, names))) = (&expected.reasons, &told) {
                let is_told = |name: &String| told.iter().any(|(of, _)| of == name);
                let is_listed = |known: &BTreeSet<String>| names.iter().any(|name| known.contains(name));
                // What an object of 1 MiB has no room for is left out.
                let is_whole = reply.body.len() < 1 << 19;
                let mut untold =
                    reasons.iter().filter(|(name, (_, known))| !is_told(name) && !is_listed(known));
                if let Some((name, _)) = untold.next().filter(|_| is_whole) {
                    return Err(format!("{name} is neither listed nor excluded"));
                }
            }
            excluded(expected.reasons.as_ref(), told.map(|told| told.0))?;
            listed(expected, &json::lines(&reply.body)?)
        }
        Body::Page(expected) => {
            same_text("header lines", page::HEADERS, &reply.headers)?;
            let lines = page::lines(&reply.body)?;
            excluded(expected.reasons.as_ref(), page::excluded(&reply.body))?;
            // A page is cut before it is 32 KiB; one mirror of a long name may take half of that.
            let shown = lines.lines().count().saturating_sub(1);
            let limit = if reply.body.len() > 16 << 10 { expected.limit.min(shown) } else { expected.limit };
            listed(&Blocks { limit, ..expected.clone() }, &lines)
        }
        Body::Redirect(targets, besides) => redirect(targets, besides, reply),
        Body::Form => Ok(()),
        Body::Blocks(expected) => {
            same_text("header lines", "", &reply.headers)?;
            listed(expected, &reply.body)
        }
    }
}

/// Whether what is told of hosts that are not listed is what may be told of them, if it was asked for.
fn excluded(reasons: Option<&Reasons>, told: Option<Vec<(String, String)>>) -> Result<(), Difference> {
    let (Some(reasons), Some(told)) = (reasons, &told) else {
        return same("whether reasons are told", &reasons.is_some(), &told.is_some());
    };
    for (name, reason) in told {
        let Some((known, _)) = reasons.get(name) else {
            return Err(format!("{name} is not to be told: {reason}"));
        };
        if !known.iter().any(|begins| reason.starts_with(begins)) {
            return Err(format!("{name} is out for {known:?}, not {reason:?}"));
        }
    }
    Ok(())
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

fn redirect(targets: &[String], besides: &Besides, reply: &Reply) -> Result<(), Difference> {
    let lines = reply.headers.strip_prefix("Location: ").and_then(|rest| rest.split_once("\r\n"));
    let Some((location, rest)) = lines else { return Err(format!("no Location in {:?}", reply.headers)) };
    if !targets.iter().any(|target| target == location) {
        return Err(format!("redirected to {location}, not to one of {targets:?}"));
    }
    same_text("body", &format!("{location}\n"), &reply.body)?;
    let rest = rest.strip_prefix(besides.vary).ok_or_else(|| format!("no {:?} in {rest:?}", besides.vary))?;
    // "All header lines together have at most 2,816 bytes; links beyond are left out."
    let room = 2816_usize.saturating_sub("Content-Type: text/plain\r\n".len());
    let mut shown = reply.headers.len() - rest.len();
    let mut first = String::new();
    for line in besides.lines.iter().filter(|_| besides.mirrors.is_some()) {
        if shown + line.len() <= room {
            (shown, first) = (shown + line.len(), first + line);
        }
    }
    let rest = rest.strip_prefix(&first).ok_or_else(|| format!("no {first:?} in {rest:?}"))?;
    match &besides.mirrors {
        Some(mirrors) => links(mirrors, location, rest, room - shown.min(room)),
        None => same_text("header lines", "", rest),
    }
}

/// Header lines that name mirrors, within so many bytes; the first of them is `Location`.
fn links(mirrors: &Blocks, location: &str, lines: &str, room: usize) -> Result<(), Difference> {
    let mut body = String::new();
    let mut count = 0;
    for line in lines.split_terminator("\r\n") {
        count += 1;
        let parts = line.strip_prefix("Link: <").and_then(|rest| rest.split_once(">; rel=duplicate; pri="));
        let Some((url, rest)) = parts else { return Err(format!("no link to a mirror: {line:?}")) };
        let country =
            rest.strip_prefix(&format!("{count}")).map(|geo| geo.strip_prefix("; geo=").unwrap_or(geo));
        let Some(country) = country else { return Err(format!("link {count} has another pri: {line:?}")) };
        body += &format!("{url} {country}\n");
        if count == 1 {
            same_text("the first link", location, url)?;
        }
    }
    // Fewer where the longest of all mirrors would not have fitted.
    let link =
        |line: &Line| format!("Link: <{}>; rel=duplicate; pri=1; geo=\r\n", line.before.trim_end()).len();
    let all =
        mirrors.groups.iter().chain(mirrors.global.iter().map(|global| &global.group)).flatten().flatten();
    let is_full = lines.len() + all.map(link).max().unwrap_or_default() > room;
    let limit = if is_full { mirrors.limit.min(count) } else { mirrors.limit };
    if lines.len() > room {
        return Err(format!("{} bytes of links, where there was room for {room}", lines.len()));
    }
    if limit == 0 {
        return Ok(());
    }
    listed(&Blocks { limit, ..mirrors.clone() }, &body)
}

/// With the origin as the last line, or without; it is there where fewer hosts than enough are listed.
fn listed(expected: &Blocks, body: &str) -> Result<(), Difference> {
    let hosts = |expected: &Blocks, body: &str| match &expected.promotion {
        Some(promotion) => promoted(expected, promotion, body),
        None => blocks(expected, body),
    };
    let Some((line, enough)) = &expected.origin else { return hosts(expected, body) };
    let ranks = expected.ranks;
    let end = |count: usize| format!("{}{}", line.text(ranks.of(count)), expected.bottom);
    match (0..*enough).find(|count| body.ends_with(&end(*count))) {
        Some(count) => {
            let body = format!("{}{}", &body[..body.len() - end(count).len()], expected.bottom);
            // Its rank tells how many are before it, where it has one.
            let count = if line.after.is_some() { count..=count } else { 0..=enough - 1 };
            hosts(&Blocks { count, ..expected.clone() }, &body)
        }
        None => hosts(&Blocks { count: *enough..=usize::MAX, ..expected.clone() }, body),
    }
}

/// With a host moved to the front, or without: tries the orders in which it may have been before.
fn promoted(expected: &Blocks, promotion: &Promotion, body: &str) -> Result<(), Difference> {
    let listing = Listing::of(expected, body)?;
    let Promotion { front, lacking } = promotion;
    let lacks = |block: &&Block| block.iter().any(|line| lacking.contains(&line.url));
    let order = &listing.order;
    let first_able = order.iter().position(|block| !lacks(block));
    let in_front = first_able.is_some_and(|at| at < *front);
    if in_front || first_able.is_none() {
        let all = expected.groups.iter().flatten();
        let hidden = first_able.is_none() && order.len() == expected.limit && !all.clone().all(|b| lacks(&b));
        let as_it_is = blocks(expected, body);
        if as_it_is.is_ok() && !hidden && (in_front || order.iter().all(lacks)) {
            return Ok(());
        }
        if first_able != Some(front - 1) {
            return as_it_is.and_then(|()| Err("a host that could be reached was to be moved up".into()));
        }
    } else {
        return Err(format!("none of the first {front} hosts can be reached, that at {first_able:?} can"));
    }
    let mut rest = order.clone();
    let moved = rest.remove(front - 1);
    let behind = rest.iter().position(|block| !lacks(block)).unwrap_or(rest.len());
    let mut why = "no place where the host that was moved up had been".to_owned();
    for place in *front..=behind {
        let mut before = rest.clone();
        before.insert(place, moved);
        match blocks(expected, &listing.text(&before)) {
            Ok(()) => return Ok(()),
            Err(error) => why = error,
        }
    }
    // It was behind the last one that is listed: it is of the nearest group that has any that can be reached.
    let nearest = expected.groups.iter().chain(expected.global.iter().map(|global| &global.group));
    let nearest = nearest.clone().find(|group| !group.iter().all(|block| lacks(&block)));
    if order.len() == expected.limit && behind == rest.len() && nearest.is_some_and(|of| of.contains(moved)) {
        let fewer = Blocks { limit: expected.limit - 1, count: 0..=usize::MAX, ..expected.clone() };
        return blocks(&fewer, &listing.text(&rest));
    }
    Err(format!("moved up to place {front}: {why}"))
}

/// A body whose hosts share no URL, taken apart.
struct Listing<'e, 'b> {
    top: &'b str,
    order: Vec<&'e Block>,
    bottom: &'b str,
    ranks: Ranks,
}

impl<'e, 'b> Listing<'e, 'b> {
    fn of(expected: &'e Blocks, body: &'b str) -> Result<Listing<'e, 'b>, Difference> {
        let blocks =
            expected.groups.iter().chain(expected.global.iter().map(|global| &global.group)).flatten();
        let owners: HashMap<&str, &'e Block> =
            blocks.flat_map(|block| block.iter().map(move |line| (key(line), block))).collect();
        let marker = expected.ranks.marker();
        let bare = |line: &'b str| match line.split_once(marker) {
            Some((before, after)) => match after.trim_start_matches(|c: char| c.is_ascii_digit()) {
                "\n" => &line[..before.len() + marker.len()],
                after => after,
            },
            None => line,
        };
        let mut listing = Listing { top: body, order: Vec::new(), bottom: "", ranks: expected.ranks };
        let mut at = 0;
        let (mut start, mut end) = (None, 0);
        for line in body.split_inclusive('\n') {
            let from = at;
            at += line.len();
            if let Some(block) = owners.get(bare(line)) {
                start = start.or(Some(from));
                end = at;
                if listing.order.last().is_none_or(|last| !std::ptr::eq(*last, *block)) {
                    listing.order.push(*block);
                }
            }
        }
        let start = start.unwrap_or(body.len());
        (listing.top, listing.bottom) = (&body[..start], &body[end.max(start)..]);
        let order = listing.order.clone();
        same_text("blocks of hosts, in turn", &listing.text(&order), body)?;
        Ok(listing)
    }

    /// The body with these hosts in this order.
    fn text(&self, order: &[&Block]) -> String {
        let lines = order
            .iter()
            .enumerate()
            .flat_map(|(place, block)| block.iter().map(move |line| line.text(self.ranks.of(place))));
        format!("{}{}{}", self.top, lines.collect::<String>(), self.bottom)
    }
}

/// With the tier *global* or without it, whichever the body begins like.
fn blocks(expected: &Blocks, body: &str) -> Result<(), Difference> {
    let Blocks { top: (top, after_tokens), groups, bottom, limit, global, ranks, .. } = expected;
    let (ranks, limit) = ((*ranks, &expected.count), *limit);
    let everything: Vec<&[Block]> = groups.iter().map(Vec::as_slice).collect();
    let without = format!("{top}{after_tokens}");
    let Some(Global { minimum, token, group }) = global else {
        return Reading::of(&without, bottom, body, ranks, limit)?.groups(&everything, 0..=usize::MAX);
    };
    // In a metalink both begin alike.
    let with = format!("{top}{token}{after_tokens}");
    let used = Reading::of(&with, bottom, body, ranks, limit).and_then(|reading| {
        let listed = 0..=minimum.saturating_sub(1);
        reading.groups(&[&everything[..], &[group]].concat(), listed)
    });
    match used {
        Err(why) => Reading::of(&without, bottom, body, ranks, limit)
            .and_then(|reading| reading.groups(&everything, *minimum..=usize::MAX))
            .map_err(|other| format!("with the global tier: {why}\nwithout it: {other}")),
        fits => fits,
    }
}

/// The part of a body that lists hosts.
struct Reading<'a> {
    hosts: &'a str,
    /// The length of the whole body.
    body: usize,
    ranks: Ranks,
    /// How many hosts there are.
    count: &'a RangeInclusive<usize>,
    /// How many hosts there may be.
    limit: usize,
}

/// Where a reading has got to.
struct Position<'a> {
    rest: &'a str,
    /// URLs that stand before `rest`.
    shown: HashSet<&'a str>,
    listed: usize,
    ranks: Ranks,
}

impl<'a> Reading<'a> {
    fn of(
        top: &str,
        bottom: &str,
        body: &'a str,
        (ranks, count): (Ranks, &'a RangeInclusive<usize>),
        limit: usize,
    ) -> Result<Reading<'a>, Difference> {
        let Some(rest) = body.strip_prefix(top) else {
            let begins: String = body.chars().take(top.chars().count()).collect();
            return Err(same_text("the beginning", top, &begins).err().unwrap_or_default());
        };
        let hosts = rest.strip_suffix(bottom).ok_or_else(|| format!("the end: not {bottom:?}"))?;
        Ok(Reading { hosts, body: body.len(), ranks, count, limit })
    }

    /// Whether what is listed are these groups. `before_last` is how many hosts may be listed before the last group is
    /// needed, if that is the tier *global*.
    fn groups(
        &self,
        groups: &'a [&'a [Block]],
        before_last: RangeInclusive<usize>,
    ) -> Result<(), Difference> {
        // Hosts that share no URL can be found by their first line.
        let mut owners: HashMap<&str, usize> = HashMap::new();
        for line in groups.iter().copied().flatten().flatten() {
            *owners.entry(&line.url).or_default() += 1;
        }
        let is_alone = |block: &&'a Block| block.iter().all(|line| owners[&line.url[..]] == 1);
        let is_global = *before_last.start() == 0 && *before_last.end() != usize::MAX;
        let mut position = Position { rest: self.hosts, shown: HashSet::new(), listed: 0, ranks: self.ranks };
        for (number, group) in groups.iter().copied().enumerate() {
            if is_global && number + 1 == groups.len() {
                check_count(&before_last, position.listed)?;
            }
            let mut alone: HashMap<&str, &'a Block> = HashMap::new();
            for block in group.iter().filter(is_alone) {
                alone.insert(key(&block[0]), block);
            }
            let mut sharing: Vec<&'a Block> = group.iter().filter(|block| !is_alone(block)).collect();
            while position.step(&mut alone, &mut sharing) {}
            let left: Vec<String> = alone
                .into_values()
                .chain(sharing)
                .map(|block| position.text(block))
                .filter(|text| !text.is_empty())
                .collect();
            if position.listed > self.limit {
                return Err(format!("{} hosts are listed, at most {}", position.listed, self.limit));
            }
            // "as many hosts at most": whether the tier *global* is used is judged before.
            if position.rest.is_empty() && position.listed == self.limit {
                return check_count(self.count, position.listed);
            }
            // "An answer is at most 1 MiB: hosts beyond are left out, farthest first".
            if position.rest.is_empty() && left.iter().any(|text| self.body + text.len() > 1 << 20) {
                return Ok(());
            }
            if !left.is_empty() {
                let some: Vec<String> = left.iter().take(5).map(|text| cut(text)).collect();
                let (place, found) = (position.listed, cut(position.rest));
                return Err(format!(
                    "place {place}, group {number}: expected one of {some:#?}\n found {found:?}"
                ));
            }
        }
        if !is_global {
            check_count(&before_last, position.listed)?;
        }
        check_count(self.count, position.listed)?;
        same_text("the end of the hosts", "", position.rest)
    }
}

fn check_count(allowed: &RangeInclusive<usize>, listed: usize) -> Result<(), Difference> {
    if allowed.contains(&listed) {
        Ok(())
    } else {
        Err(format!("{listed} hosts are listed, not {allowed:?}"))
    }
}

/// What tells a host's first line from another's, whatever its preference.
fn key(line: &Line) -> &str {
    line.after.as_ref().filter(|after| *after != "\n").unwrap_or(&line.before)
}

impl<'a> Position<'a> {
    /// Reads the block of one of these hosts, which is then none of them any more; `false` when that of none follows.
    fn step(&mut self, alone: &mut HashMap<&str, &'a Block>, sharing: &mut Vec<&'a Block>) -> bool {
        let preference = self.preference();
        let line = self.rest.split_inclusive('\n').next().unwrap_or_default();
        let marker = self.ranks.marker();
        let first = match line.split_once(&format!("{marker}{preference}")) {
            Some((before, "\n")) => &line[..before.len() + marker.len()],
            Some((_, after)) => after,
            None => line,
        };
        // A block may begin as another one goes on: the longest that fits is meant.
        let mut best: Option<(usize, Option<usize>)> = None;
        let candidates = alone.get(first).map(|block| (*block, None));
        let candidates =
            candidates.into_iter().chain(sharing.iter().enumerate().map(|(at, block)| (*block, Some(at))));
        for (block, at) in candidates {
            let text = self.text(block);
            let longer = best.is_none_or(|(length, _)| text.len() > length);
            if !text.is_empty() && longer && self.rest.starts_with(&text) {
                best = Some((text.len(), at));
            }
        }
        let Some((length, at)) = best else { return false };
        let block = match at {
            Some(at) => sharing.swap_remove(at),
            None => match alone.remove(first) {
                Some(block) => block,
                None => return false,
            },
        };
        self.shown.extend(block.iter().map(|line| &line.url[..]));
        self.rest = &self.rest[length..];
        self.listed += 1;
        true
    }

    /// What is listed of a host, if it is the next one.
    fn text(&self, block: &Block) -> String {
        let new = block.iter().filter(|line| !self.shown.contains(&line.url[..]));
        new.map(|line| line.text(self.preference())).collect()
    }

    fn preference(&self) -> usize {
        self.ranks.of(self.listed)
    }
}

/// What every reply keeps, whatever was asked: lists as §11 wants them, metalinks that a strict parser takes.
pub fn readable(reply: &Reply) -> Result<(), Difference> {
    match &*reply.content_type {
        METALINK => readable_metalink(&reply.body, "http://www.metalinker.org/"),
        // A disabled repository is told in text, whatever the form.
        HTML if reply.head.kind == Kind::Page => page::lines(&reply.body).map(drop),
        JSON => fits_the_schema(&reply.body),
        METALINK4 => readable_metalink(&reply.body, "urn:ietf:params:xml:ns:metalink"),
        // Help is for people.
        _ if reply.head.kind == Kind::Other && reply.head.status == 200 => Ok(()),
        _ => readable_text(reply),
    }
}

/// Whether the schema has it, and every key of it.
fn fits_the_schema(body: &str) -> Result<(), Difference> {
    static SCHEMA: LazyLock<jsonschema::Validator> = LazyLock::new(|| {
        let text = include_str!("../../../../shared/answer/answer.schema.json");
        let mut schema = serde_json::from_str(text).expect("JSON");
        close(&mut schema);
        jsonschema::validator_for(&schema).expect("a schema")
    });
    let object = serde_json::from_str(body).map_err(|error| format!("{error}: {body}"))?;
    SCHEMA.validate(&object).map_err(|error| format!("{error} at {}: {body}", error.instance_path()))
}

/// Makes a schema take no key that it does not name.
fn close(schema: &mut serde_json::Value) {
    if let serde_json::Value::Object(schema) = schema {
        schema.values_mut().for_each(close);
        if schema.get("properties").is_some_and(serde_json::Value::is_object) {
            schema.insert("additionalProperties".into(), false.into());
        }
    }
}

fn readable_metalink(body: &str, namespace: &str) -> Result<(), Difference> {
    let document = roxmltree::Document::parse(body).map_err(|error| format!("{error}: {body}"))?;
    let urls = document.descendants().filter(|node| node.has_tag_name((namespace, "url")));
    for url in urls {
        let text = url.text().unwrap_or_default();
        let typed = namespace.starts_with("urn:") || url.attribute("type").is_some();
        if !typed || text.is_empty() || text.contains(char::is_whitespace) {
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
