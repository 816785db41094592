//! A slow, plain second reading of spec.md: what any request must get.
//!
//! It shares nothing with the code that answers but the decoded protobuf and the types of a request. Read
//! [`Model::answer`] first; each file below it cites the sections that it models. Where the order of mirrors is left to
//! chance, an [`Expected`] says which orders are right, and `compare` looks whether a reply is one of them.

pub mod client;
pub mod facts;
pub mod forwarded;
pub mod metalink;
pub mod mirrorlist;
pub mod prefix;
pub mod question;
pub mod statistics;
pub mod subject;
pub mod tiers;

use answer::rules::Rules;
use client::Client;
use facts::Facts;
use question::Question;
use subject::Subject;
use tiers::{Candidates, Selection};
use wire::{ContentType, Kind, Request, Tier};

/// The inputs and the operator's rules.
pub struct Model {
    pub facts: Facts,
    pub rules: Rules,
}

/// What a request must get.
#[derive(Debug)]
pub struct Expected {
    pub status: u16,
    pub content_type: ContentType,
    pub kind: Kind,
    /// The tier of the first mirror.
    pub tier: Tier,
    /// The client's country; `None` also where the request did not get as far as that.
    pub country: Option<String>,
    pub body: Body,
    /// The line of the access log, LF included.
    pub log: Option<String>,
}

/// The body, up to what chance decides.
#[derive(Debug)]
pub enum Body {
    /// This text.
    Exact(String),
    /// `top`, then one block for each host, the groups in order and the hosts of a group in any, then `bottom`.
    Blocks { top: String, groups: Vec<Vec<Block>>, bottom: String },
    /// One of these, as the value of `Location` and as the only line of the body.
    Redirect(Vec<String>),
}

/// The lines of one host, LF included; what stands before and after its preference, where it has one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block(pub Vec<(String, Option<String>)>);

impl Block {
    /// The lines of a host that is listed at this preference.
    pub fn text(&self, preference: usize) -> String {
        let line = |(before, after): &(String, Option<String>)| match after {
            Some(after) => format!("{before}{preference}{after}"),
            None => before.clone(),
        };
        self.0.iter().map(line).collect()
    }
}

impl Model {
    /// What this request must get at `now`, in seconds since the epoch.
    pub fn answer(&self, request: &Request<'_>, now: u64) -> Expected {
        let question = Question::read(request);
        let kind = match request.path.rsplit(|b| *b == b'/').next() {
            Some(b"metalink") => Kind::Metalink,
            Some(b"mirrorlist") if question.redirect => Kind::Redirect,
            Some(b"mirrorlist") => Kind::Mirrorlist,
            _ => return Expected::refusal(Kind::Other, (404, NOT_FOUND.to_owned()), now),
        };
        let client = Client::of(&self.facts, question.ip.unwrap_or(request.client));
        let mut expected = match subject::find(&self.facts, &question, kind == Kind::Metalink) {
            Ok(subject) => self.about(&subject, &question, &client, kind, now),
            Err(refusal) => Expected::refusal(kind, refusal, now),
        };
        if expected.status == 200 || expected.status == 302 {
            let asked = subject::asked_repository(&self.facts, &question);
            expected.log =
                asked.and_then(|asked| statistics::line(&client, asked, self.rules.log_address, now));
        }
        expected
    }

    fn about(
        &self,
        subject: &Subject<'_>,
        question: &Question,
        client: &Client,
        kind: Kind,
        now: u64,
    ) -> Expected {
        let facts = &self.facts;
        let candidates = tiers::candidates(subject, question, kind == Kind::Metalink);
        let selection = tiers::select(facts, &self.rules, question, client, subject, &candidates);
        let Some(first) = selection.groups.first() else {
            let text = mirrorlist::no_mirror(subject, question);
            return Expected { country: client.country.clone(), ..Expected::refusal(kind, (404, text), now) };
        };
        let tier = first.tier;
        let body = match kind {
            Kind::Metalink => metalink::document(facts, subject, &selection, &candidates, now),
            Kind::Redirect => Body::Redirect(redirect_targets(subject, &selection, &candidates)),
            _ => mirrorlist::list(facts, subject, question, &selection, &candidates),
        };
        let (status, content_type) = match kind {
            Kind::Metalink => (200, ContentType::Metalink),
            Kind::Redirect => (302, ContentType::Text),
            _ => (200, ContentType::Text),
        };
        Expected { status, content_type, kind, tier, country: client.country.clone(), body, log: None }
    }
}

const NOT_FOUND: &str = "not found: ask for mirrorlist or metalink\n";

impl Expected {
    /// spec.md §9: "For `metalink` it is the comment of a metalink document without files; for a redirect the same
    /// text".
    fn refusal(kind: Kind, (status, text): subject::Refusal, now: u64) -> Expected {
        let (content_type, body) = match kind {
            Kind::Metalink => (ContentType::Metalink, metalink::without_files(&text, now)),
            _ => (ContentType::Text, text),
        };
        Expected {
            status,
            content_type,
            kind,
            tier: Tier::None,
            country: None,
            body: Body::Exact(body),
            log: None,
        }
    }
}

/// spec.md §8: "the first listed host's https URL, else its http URL; in it blanks, controls and non-ASCII bytes are
/// percent-encoded, `%` never".
fn redirect_targets(
    subject: &Subject<'_>,
    selection: &Selection,
    candidates: &Candidates<'_>,
) -> Vec<String> {
    let target = |host: &i64| {
        let urls = &candidates[host];
        let best = mirrorlist::best(urls).map(|url| mirrorlist::whole_url(subject, url)).unwrap_or_default();
        best.bytes()
            .map(|b| if b.is_ascii_graphic() { (b as char).to_string() } else { format!("%{b:02X}") })
            .collect()
    };
    selection.groups[0].hosts.iter().map(target).collect()
}
