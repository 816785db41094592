//! A slow, plain second reading of SPEC.md: what any request must get.
//!
//! It shares nothing with the code that answers but the decoded protobuf and the types of a request. Read
//! [`Model::answer`] first; each file below it cites the sections that it models. Where the order of mirrors is left to
//! chance, an [`Expected`] says which orders are right, and `compare` looks whether a reply is one of them.

pub mod apt;
pub mod client;
pub mod facts;
pub mod file;
pub mod forwarded;
pub mod json;
pub mod metalink;
pub mod metalink4;
pub mod mirrorlist;
pub mod origin;
pub mod page;
pub mod prefix;
pub mod question;
pub mod statistics;
pub mod subject;
pub mod tiers;
pub mod unlisted;

use answer::rules::Rules;
use client::Client;
use facts::{Facts, Hosts};
use file::{Besides, WEB};
use question::Question;
use std::{collections::BTreeSet, ops::RangeInclusive};
use subject::{About, Subject};
use tiers::{Candidates, Selection};
use unlisted::Reasons;
use wire::{Accept, Counter, Kind, Request, Tier};

/// The inputs and the operator's rules.
pub struct Model {
    pub facts: Facts,
    pub rules: Rules,
    /// Prefixes of the redirector, and the trees that stand for them.
    pub prefixes: Vec<(String, String)>,
}

/// What a request must get.
#[derive(Debug)]
pub struct Expected {
    pub status: u16,
    pub content_type: &'static str,
    pub kind: Kind,
    /// The tier of the first mirror.
    pub tier: Tier,
    pub body: Body,
    /// The line of the access log, LF included.
    pub log: Option<String>,
    /// What else is counted of it.
    pub counted: Option<Counter>,
}

/// The body, up to what chance decides.
#[derive(Debug)]
pub enum Body {
    /// This text.
    Exact(String),
    /// See [`Blocks`].
    Blocks(Blocks),
    /// An object that is these as [`json::lines`].
    Json(Blocks),
    /// A page that is these as [`page::lines`].
    Page(Blocks),
    /// A page of help that says these.
    Help(Vec<String>),
    /// One of these, as the value of `Location` and as the only line of the body, and what the head has besides.
    Redirect(Vec<String>, Besides),
    /// Something of this kind, which is not judged here.
    Form,
}

/// A body of `top`, then one block for each host, the groups in order and the hosts of a group in any, then `bottom`.
///
/// Of a host only lines appear whose URL no host before it shows; one without such a line is not listed. With `global`,
/// the body has those hosts too, and that end of `top`, if and only if fewer than `minimum` hosts are listed before. Hosts
/// beyond `limit` are left out of all this.
#[derive(Clone, Debug)]
pub struct Blocks {
    pub top: (String, String),
    pub groups: Vec<Vec<Block>>,
    pub bottom: String,
    pub limit: usize,
    pub promotion: Option<Promotion>,
    pub global: Option<Global>,
    pub ranks: Ranks,
    /// The last line, and below how many hosts it is there.
    pub origin: Option<(Line, usize)>,
    /// How many hosts are listed.
    pub count: RangeInclusive<usize>,
    /// Those that are not, where the form tells of them.
    pub reasons: Option<Reasons>,
}

/// How the place of a host is written on its lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ranks {
    /// As a preference, from 100 downwards, if at all.
    Preference,
    /// As an attribute `priority`, from 1 upwards.
    Priority,
    /// As apt reads it, from 1 upwards.
    Apt,
}

impl Ranks {
    /// What stands before it.
    pub fn marker(self) -> &'static str {
        match self {
            Ranks::Preference => " preference=\"",
            Ranks::Priority => " priority=\"",
            Ranks::Apt => "\tpriority:",
        }
    }

    /// That of a host before which so many are listed.
    pub fn of(self, listed: usize) -> usize {
        match self {
            Ranks::Preference => 100_usize.saturating_sub(listed).max(1),
            Ranks::Priority | Ranks::Apt => listed + 1,
        }
    }
}

/// "Of the first three hosts one shall not be known to lack the client's family": what follows from it.
#[derive(Clone, Debug)]
pub struct Promotion {
    /// How many hosts are the first.
    pub front: usize,
    /// The URLs of hosts that lack it.
    pub lacking: BTreeSet<String>,
}

/// The tier *global*, used or not.
#[derive(Clone, Debug)]
pub struct Global {
    pub minimum: usize,
    /// What it adds to the first part of `top`.
    pub token: String,
    pub group: Vec<Block>,
}

/// The lines of one host.
pub type Block = Vec<Line>;

/// A line of a host, LF included; what stands before and after its preference, where it has one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    pub url: String,
    pub before: String,
    pub after: Option<String>,
}

impl Line {
    /// The line of a host that is listed at this preference.
    pub fn text(&self, preference: usize) -> String {
        match &self.after {
            Some(after) => format!("{}{preference}{after}", self.before),
            None => self.before.clone(),
        }
    }
}

impl Blocks {
    /// The blocks of a selection; `top` is what stands before and after its tokens.
    fn of(
        selection: &Selection,
        (minimum, limit): (usize, Option<usize>),
        top: (String, String),
        bottom: String,
        block: impl Fn(Tier, &i64) -> Block,
    ) -> Blocks {
        let group = |tier: Tier, hosts: &Hosts| hosts.iter().map(|host| block(tier, host)).collect();
        let global = selection.global.as_ref();
        Blocks {
            top,
            groups: selection.groups.iter().map(|one| group(one.tier, &one.hosts)).collect(),
            bottom,
            limit: limit.unwrap_or(usize::MAX),
            promotion: None,
            global: global.map(|(hosts, token)| Global {
                minimum,
                token: token.clone(),
                group: group(Tier::Global, hosts),
            }),
            ranks: Ranks::Preference,
            origin: None,
            count: 0..=usize::MAX,
            reasons: None,
        }
    }
}

impl Model {
    /// One of a service without a redirector.
    pub fn of(facts: Facts, rules: Rules) -> Model {
        Model { facts, rules, prefixes: Vec::new() }
    }

    /// What this request must get at `now`, in seconds since the epoch.
    pub fn answer(&self, request: &Request<'_>, now: u64) -> Expected {
        let below = self.below(request.path);
        if let Some((tree, rest)) = below.filter(|(_, rest)| !rest.is_empty()) {
            return self.file(tree, rest, request, now);
        }
        if below.is_some() || matches!(request.path, b"" | b"/") {
            return self.help(request.accept.has(Accept::HTML));
        }
        let question = Question::read(request);
        let metalink = match request.path.rsplit(|b| *b == b'/').next() {
            Some(b"metalink") => true,
            Some(b"mirrorlist") => false,
            _ => return Expected::refusal(Kind::Other, (404, NOT_FOUND.to_owned()), now),
        };
        let kind = match question.format {
            Some(None) => Kind::Mirrorlist,
            _ if question.redirect && !metalink => Kind::Redirect,
            Some(Some(kind)) => kind,
            None if metalink => Kind::Metalink,
            None => Kind::Mirrorlist,
        };
        let about = About {
            metadata: match kind {
                Kind::Metalink | Kind::Metalink4 => true,
                Kind::Apt => false,
                _ => metalink,
            },
            hashes: matches!(kind, Kind::Metalink | Kind::Metalink4),
            details: matches!(kind, Kind::Json | Kind::Page),
            directory: kind == Kind::Apt,
        };
        let client = Client::of(&self.facts, question.ip.unwrap_or(request.client));
        if question.format == Some(None) {
            let text = "error: unknown format; known are text, apt, html, json, metalink4\n".to_owned();
            return Expected::refusal(kind, (400, text), now);
        }
        let mut expected = match subject::find(&self.facts, &question, about) {
            Ok(subject) => self.about(&subject, &question, &client, kind, &WEB, now),
            Err(refusal) => Expected::refusal(kind, refusal, now),
        };
        // Links are for paths below a prefix.
        if let Body::Redirect(_, besides) = &mut expected.body {
            *besides = Besides::default();
        }
        if expected.status == 200 || expected.status == 302 {
            let asked = subject::asked_repository(&self.facts, &question);
            let asked = asked.filter(|_| question.path.is_none());
            expected.log =
                asked.and_then(|asked| statistics::line(&client, asked, self.rules.log_address, now));
        }
        expected
    }

    /// SPEC.md §1: "what this is and its version, the parameters, ... numbers of mirrors and repositories".
    fn help(&self, html: bool) -> Expected {
        let facts = &self.facts;
        let repositories = facts.repositories.values().filter(|archs| !archs.is_empty()).count();
        // Thousands are set apart by a comma.
        let number = match repositories {
            0..=999 => repositories.to_string(),
            _ => format!("{},{:03}", repositories / 1000, repositories % 1000),
        };
        let noun = if repositories == 1 { "repository" } else { "repositories" };
        let counted = match html {
            true => format!("<dt>{noun}</dt><dd>{number}</dd>"),
            false => format!(", {number} {noun}"),
        };
        let mut says = vec!["Mirror list service".to_owned(), "mirrorlistd ".to_owned(), counted];
        says.extend(["repo, arch", "path", "country", "protocol", "redirect", "location"].map(String::from));
        Expected {
            status: 200,
            content_type: if html { "text/html; charset=utf-8" } else { TEXT },
            kind: Kind::Other,
            tier: Tier::None,
            body: Body::Help(says),
            log: None,
            counted: None,
        }
    }

    /// The answer with the mirrors of a subject; `web` are the schemes that forms of the web may name.
    fn about(
        &self,
        subject: &Subject<'_>,
        question: &Question,
        client: &Client,
        kind: Kind,
        web: &[&str],
        now: u64,
    ) -> Expected {
        let facts = &self.facts;
        let candidates = tiers::candidates(facts, subject, question, client, kind, web);
        let selection = tiers::select(facts, &self.rules, question, client, subject, &candidates);
        let global = selection.global.as_ref().filter(|(hosts, _)| !hosts.is_empty());
        let origin = origin::url(facts, subject, question);
        let enough = self.rules.minimum.min(question.limit.unwrap_or(usize::MAX));
        let last = origin.clone().filter(|_| !selection.whole && enough > 0);
        let tier = selection.groups.first().map(|first| first.tier).or(global.map(|_| Tier::Global));
        let Some(tier) = tier.or(last.as_ref().map(|_| Tier::Origin)) else {
            let text = mirrorlist::no_mirror(subject, question);
            return Expected::refusal(kind, (404, text), now);
        };
        let minimum = (self.rules.minimum, question.limit);
        let family = client.address.map(|address| if address.is_ipv4() { 4 } else { 6 });
        let lacks = |host: &i64| family.is_some_and(|family| facts.lacks(*host, family));
        let three = if kind == Kind::Redirect { 1 } else { 3 };
        let front = question.limit.map_or(three, |limit| limit.min(three));
        // Whoever is moved to the front comes of the nearest group that has such a host.
        let all = selection.groups.iter().map(|group| (group.tier, &group.hosts));
        let all: Vec<_> = all.chain(global.map(|(hosts, _)| (Tier::Global, hosts))).collect();
        let able = all.iter().find(|(_, hosts)| !hosts.iter().all(lacks));
        let tier = able.map_or(tier, |(of, _)| if front == 1 { *of } else { tier });
        let mut body = match kind {
            Kind::Metalink => metalink::document(facts, subject, &selection, minimum, &candidates, now),
            Kind::Redirect => {
                let nearest = able.or(all.first()).map(|(_, hosts)| (*hosts).clone()).unwrap_or_default();
                let hosts: Hosts =
                    nearest.into_iter().filter(|host| able.is_none() || !lacks(host)).collect();
                let besides =
                    Besides::of(facts, subject, question, &selection, self.rules.minimum, &candidates);
                match &last {
                    Some(origin) if hosts.is_empty() => Body::Redirect(vec![in_header(origin)], besides),
                    _ => Body::Redirect(redirect_targets(subject, &hosts, &candidates), besides),
                }
            }
            Kind::Metalink4 => metalink4::document(facts, subject, &selection, minimum, &candidates, now),
            Kind::Json => json::object(self, subject, (question, client, origin), &selection, &candidates),
            Kind::Page => page::document(self, subject, (question, client), &selection, &candidates),
            Kind::Apt => apt::list(subject, question, &selection, minimum, &candidates),
            _ => mirrorlist::list(facts, subject, question, &selection, minimum, &candidates),
        };
        let links = match &mut body {
            Body::Redirect(_, besides) => besides.mirrors.as_mut(),
            Body::Blocks(blocks) | Body::Json(blocks) | Body::Page(blocks) => Some(blocks),
            _ => None,
        };
        if let Some(blocks) = links {
            let urls = |host: &i64| candidates[host].iter().map(|url| mirrorlist::whole_url(subject, url));
            let lacking = candidates.keys().filter(|host| lacks(host)).flat_map(urls).collect();
            blocks.promotion = Some(Promotion { front, lacking }).filter(|one| !one.lacking.is_empty());
            if question.explain && matches!(kind, Kind::Json | Kind::Page) {
                blocks.reasons = Some(unlisted::reasons(self, subject, question, client));
            }
            // "nor where a host has the same URL", if that one is listed: not looked at.
            let all = blocks.groups.iter().chain(blocks.global.iter().map(|global| &global.group));
            let mut shown = all.flatten().flatten().map(|line| &line.url);
            let line =
                last.filter(|url| !shown.any(|one| one == url)).and_then(|url| origin::line(kind, url));
            blocks.origin = line.map(|line| (line, enough.min(blocks.limit)));
        }
        let (status, content_type) = match kind {
            Kind::Metalink => (200, METALINK),
            Kind::Redirect => (302, TEXT),
            Kind::Metalink4 => (200, METALINK4),
            Kind::Json => (200, JSON),
            Kind::Page => (200, HTML),
            _ => (200, TEXT),
        };
        Expected { status, content_type, kind, tier, body, log: None, counted: None }
    }
}

/// Content types of replies.
pub const HTML: &str = "text/html; charset=utf-8";
pub const JSON: &str = "application/json";
pub const TEXT: &str = "text/plain";
pub const METALINK: &str = "application/metalink+xml";
pub const METALINK4: &str = "application/metalink4+xml";
const NOT_FOUND: &str = "not found: ask for mirrorlist or metalink\nsee / for help\n";

impl Expected {
    /// SPEC.md §9: "For `metalink` it is the comment of a metalink document without files; for a redirect the same
    /// text".
    fn refusal(kind: Kind, (status, text): subject::Refusal, now: u64) -> Expected {
        let (content_type, body) = match kind {
            Kind::Metalink => (METALINK, metalink::without_files(&text, now)),
            Kind::Json => (JSON, json::refusal(&text)),
            _ => (TEXT, text),
        };
        let (tier, body) = (Tier::None, Body::Exact(body));
        Expected { status, content_type, kind, tier, body, log: None, counted: None }
    }
}

/// SPEC.md §8: "the first listed host's https URL, else its http URL; in it blanks, controls and non-ASCII bytes are
/// percent-encoded, `%` never".
fn redirect_targets(subject: &Subject<'_>, nearest: &Hosts, candidates: &Candidates<'_>) -> Vec<String> {
    let target = |host: &i64| {
        let urls = &candidates[host];
        let best = mirrorlist::best(urls).map(|url| mirrorlist::whole_url(subject, url)).unwrap_or_default();
        in_header(&best)
    };
    nearest.iter().map(target).collect()
}

/// A URL as a header's value.
fn in_header(url: &str) -> String {
    let written = |b: u8| if b.is_ascii_graphic() { (b as char).to_string() } else { format!("%{b:02X}") };
    url.bytes().map(written).collect()
}
