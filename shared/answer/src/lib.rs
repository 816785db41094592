//! The whole service as one pure function: a request in, a reply out.
//!
//! What is asked, which mirrors, in which order, in which form: each step is a module of `select` or `render`. Time and
//! chance are arguments, so an answer can be repeated.
#![forbid(unsafe_code)]

mod file;
pub mod redirector;
pub mod render;
pub mod rules;
pub mod select;
pub mod suspended;

pub use crate::render::fragments::Fragments;
use crate::{
    redirector::{Below, Redirector},
    render::{
        apt, escape, hash, help,
        help::Help,
        json,
        links::Links,
        log_line, metalink, metalink4, mirrorlist, page, redirect, refusal, request_line,
        unlisted::{Excluded, Reasons},
    },
    rules::{LogAddress, Rules},
    select::{
        explain::{self, Verdict},
        file::Leads,
        form::{Format, PLAIN},
        ignored::ignored,
        pick::Pick,
        query::{FileQuery, Query},
        target::Target,
        tiers::{self, Candidates, Source, TierScratch},
    },
};
use cache::View;
use rand::Rng;
use std::error::Error;
use time::{Date, OffsetDateTime};
use wire::{Accept, Counter, Kind, ReplyHead, Tier};

/// A view of a cache that is good to answer from: it passes every check, and what is prepared for its answers is bounded.
/// The one judge of a file, for whoever starts, reloads, verifies or builds; the error is the cause: a `CacheError`, or
/// how much more the answers would take than they may.
pub fn taken(bytes: &[u8]) -> Result<View<'_>, Box<dyn Error + Send + Sync>> {
    let view = View::check(bytes)?;
    Fragments::fit(&view)?;
    Ok(view)
}

/// Buffers that outlive a request, so that the next one allocates little.
#[derive(Debug, Default)]
pub struct Scratch {
    /// Access log lines of the requests answered since the owner last emptied it.
    pub log: Vec<u8>,
    /// Lines of all requests likewise; none are written unless it is there.
    pub requests: Option<RequestLines>,
    candidates: Candidates,
    /// What became of all hosts, where the answer tells it.
    verdicts: Vec<Verdict>,
    tiers: TierScratch,
    clock: Clock,
}

/// Lines of the request log.
#[derive(Debug)]
pub struct RequestLines {
    /// What of clients' addresses they have.
    pub address: LogAddress,
    /// The lines.
    pub lines: Vec<u8>,
}

/// A cache and the rules by which it answers.
#[derive(Clone, Copy, Debug)]
pub struct Service<'a> {
    /// The checked cache.
    pub view: View<'a>,
    /// What was prepared for it.
    pub fragments: &'a Fragments,
    /// The operator's rules.
    pub rules: Rules,
    /// Paths that lead to files; none unless the operator wants them.
    pub redirector: Option<&'a Redirector>,
    /// The version that it tells who asks for help.
    pub version: &'static str,
}

/// What [`Service::answer`] has appended to `out`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Status and outcome.
    pub head: ReplyHead,
    /// The first so many bytes appended are header lines, the rest is the body.
    pub headers_len: usize,
    /// What else is counted of it.
    pub counted: Option<Counter>,
}

impl Service<'_> {
    /// Answers one request: appends header lines and body to `out`.
    ///
    /// `now` is in seconds since the epoch. Same request, `now` and dice: same answer.
    pub fn answer(
        &self,
        request: &wire::Request<'_>,
        now: u64,
        rng: &mut impl Rng,
        scratch: &mut Scratch,
        out: &mut Vec<u8>,
    ) -> Answer {
        scratch.clock.set(now);
        let below = self.below(request.path);
        let (query, answer) = if let Some((redirector, below)) = below.filter(|(_, below)| !below.is_empty())
        {
            let (mut query, file) = Query::of_file(&self.view, request, below.path(), redirector.sticky, now);
            let answer = self.below_a_prefix(&mut query, &file, rng, scratch, out);
            (Some(query), answer)
        } else if below.is_some() || matches!(request.path, b"/" | b"") {
            (None, self.help(request, now, out))
        } else if let Some(query) = Query::resolve(&self.view, request) {
            let answer = self.listed(&query, rng, scratch, out);
            (Some(query), answer)
        } else {
            (None, not_found(out))
        };
        if let Some(RequestLines { address, lines }) = &mut scratch.requests {
            let asked = (request, query.as_ref());
            request_line::render(&self.view, asked, &answer.head, &scratch.clock.published, *address, lines);
        }
        answer
    }

    /// Answers who asks for a file or a directory below a prefix of the redirector.
    fn below_a_prefix(
        &self,
        query: &mut Query<'_>,
        file: &FileQuery<'_>,
        rng: &mut impl Rng,
        scratch: &mut Scratch,
        out: &mut Vec<u8>,
    ) -> Answer {
        if query.format == Format::Redirect {
            return self.file(query, file, rng, scratch, out);
        }
        // What the origin alone has is told as the redirect would go.
        let at_origin = matches!(file.leads, Leads::Origin(_));
        let chosen = at_origin || query.is_web() && query.format.hash().is_none();
        if at_origin {
            scratch.candidates.clear();
            scratch.candidates.origin = true;
            scratch.verdicts.clear();
        } else if chosen && let Ok(target) = query.target.clone() {
            self.choose(query, &target, rng, scratch);
        }
        self.reply(query, chosen, rng, scratch, out)
    }

    /// Answers who asks for a list, a metalink or a redirect, and notes it for the statistics.
    fn listed(
        &self,
        query: &Query<'_>,
        rng: &mut impl Rng,
        scratch: &mut Scratch,
        out: &mut Vec<u8>,
    ) -> Answer {
        let answer = self.reply(query, false, rng, scratch, out);
        if self.rules.log_address != LogAddress::Off && matches!(answer.head.status, 200 | 302) {
            log_line::render(&self.view, query, self.rules.log_address, scratch.clock.date, &mut scratch.log);
        }
        answer
    }

    /// What a path as sent is to the redirector, if it is below a prefix.
    pub fn below<'q>(&self, path: &'q [u8]) -> Option<(&Redirector, Below<'_, 'q>)> {
        let redirector = self.redirector?;
        Some((redirector, redirector.below(path)?))
    }

    fn help(&self, request: &wire::Request<'_>, now: u64, out: &mut Vec<u8>) -> Answer {
        // As if the same had been asked of a list.
        let list = wire::Request { path: b"/mirrorlist", ..*request };
        let query = Some(list).filter(|list| !list.query.is_empty());
        let query = query.and_then(|list| Query::resolve(&self.view, &list));
        let ignored = query.map(|query| ignored(&self.view, list.query, &query, help::MOST_IGNORED));
        let ignored = &ignored.unwrap_or_default();
        let help = Help { view: &self.view, fragments: self.fragments, version: self.version, now, ignored };
        let headers_len = help.render(request.accept.has(Accept::HTML), out);
        Answer {
            head: ReplyHead { status: 200, kind: Kind::Other, tier: Tier::None },
            headers_len,
            counted: None,
        }
    }

    /// Appends the answer in the form asked for; with `chosen`, of the mirrors that the scratch has already.
    fn reply(
        &self,
        query: &Query<'_>,
        chosen: bool,
        rng: &mut impl Rng,
        scratch: &mut Scratch,
        out: &mut Vec<u8>,
    ) -> Answer {
        let from = out.len();
        let (status, text) = match &query.target {
            Err(refusal) => {
                let mut text = Vec::new();
                refusal::text(&self.view, self.fragments, query, *refusal, &mut text);
                (refusal::status(*refusal), text)
            }
            Ok(target) if query.format.needs_details() && target.details.is_none() => {
                let mut text = Vec::new();
                refusal::no_details(&self.view, query, &mut text);
                (404, text)
            }
            Ok(target) if let Some(hash) = query.format.hash() => {
                let mut text = Vec::new();
                (hash::render(&self.view, target, hash, &mut text), text)
            }
            Ok(target) => {
                out.extend_from_slice(query.format.content_type());
                if !chosen {
                    self.select(query, target, rng, scratch);
                }
                if let Some(answer) = self.render(query, target, scratch, out) {
                    return answer;
                }
                out.truncate(from);
                let mut text = Vec::new();
                refusal::no_candidate(query, &mut text);
                (404, text)
            }
        };
        let from = out.len();
        out.extend_from_slice(query.format.content_type_of_refusal());
        if query.negotiated {
            out.extend_from_slice(VARY);
        }
        let headers_len = out.len() - from;
        match query.format {
            Format::Metalink => metalink::comment(&scratch.clock.pubdate, &text, out),
            Format::Json => json::refusal(&text, out),
            _ => out.extend_from_slice(&text),
        }
        let head = ReplyHead { status, kind: query.format.kind(), tier: Tier::None };
        Answer { head, headers_len, counted: None }
    }

    /// The mirrors that answer a query about its target, in order, as its form has them chosen; the origin is not among them,
    /// and what does not fit into an answer is.
    pub fn picks<'s>(
        &self,
        query: &Query<'_>,
        target: &Target<'_>,
        rng: &mut impl Rng,
        scratch: &'s mut Scratch,
    ) -> &'s [Pick] {
        self.select(query, target, rng, scratch);
        &scratch.candidates.picks
    }

    /// Fills the scratch with the mirrors that answer a query, in order.
    fn select(&self, query: &Query<'_>, target: &Target<'_>, rng: &mut impl Rng, scratch: &mut Scratch) {
        let source = Source {
            view: &self.view,
            rules: &self.rules,
            shared: self.fragments.shared(),
            usable: self.fragments.usable(),
            below: self.fragments.below(),
            reaches: self.fragments.reaches(),
        };
        if query.explain {
            (scratch.candidates, scratch.verdicts) = explain::explain(source, query, target, rng);
        } else {
            tiers::collect(source, query, target, rng, &mut scratch.tiers, &mut scratch.candidates);
        }
    }

    /// The answer with the mirrors selected, behind its content type; `None` when there are none.
    fn render(
        &self,
        query: &Query<'_>,
        target: &Target<'_>,
        scratch: &Scratch,
        out: &mut Vec<u8>,
    ) -> Option<Answer> {
        let (view, fragments, candidates) = (&self.view, self.fragments, &scratch.candidates);
        let tier = match candidates.picks.first() {
            Some(nearest) => nearest.tier,
            None if candidates.origin => Tier::Origin,
            None => return None,
        };
        let head = ReplyHead { status: 200, kind: query.format.kind(), tier };
        let mut headers_len = query.format.content_type().len();
        if query.negotiated {
            out.extend_from_slice(VARY);
            headers_len += VARY.len();
        }
        Some(match query.format {
            Format::Redirect => {
                let location = redirect::render(view, fragments, query, target, candidates, out)?;
                Answer {
                    head: ReplyHead { status: 302, ..head },
                    headers_len: headers_len + location,
                    counted: None,
                }
            }
            Format::Metalink => {
                metalink::render(view, fragments, query, target, candidates, &scratch.clock.pubdate, out);
                Answer { head, headers_len, counted: None }
            }
            Format::Hash(_) => return None,
            Format::Text => {
                mirrorlist::render(view, fragments, query, target, candidates, out);
                Answer { head, headers_len, counted: None }
            }
            Format::Apt => {
                apt::render(view, fragments, query, target, candidates, out);
                Answer { head, headers_len, counted: None }
            }
            Format::Page => {
                for line in page::HEADERS {
                    out.extend_from_slice(line);
                    headers_len += line.len();
                }
                let (path, written) = query.written;
                let links = Links::of(path, written);
                let version = self.version;
                let excluded = self.excluded(query, scratch);
                page::Page { view, fragments, query, target, candidates, excluded, links, version }
                    .render(out);
                Answer { head, headers_len, counted: None }
            }
            Format::Json => {
                let excluded = self.excluded(query, scratch);
                json::Object { view, fragments, query, target, candidates, excluded }.render(out);
                Answer { head, headers_len, counted: None }
            }
            Format::Metalink4 => {
                let document =
                    metalink4::Document { version: self.version, published: &scratch.clock.published };
                document.render(view, fragments, query, target, candidates, out);
                Answer { head, headers_len, counted: None }
            }
        })
    }

    /// Why hosts are not listed, if the client asks for that.
    fn excluded<'s>(&'s self, query: &'s Query<'_>, scratch: &'s Scratch) -> Option<Vec<Excluded<'s>>> {
        let reasons = Reasons { view: &self.view, query, rules: &self.rules };
        query.explain.then(|| reasons.excluded(&scratch.verdicts).collect())
    }
}

/// The answer to whoever asks for what there is not.
fn not_found(out: &mut Vec<u8>) -> Answer {
    out.extend_from_slice(PLAIN);
    out.extend_from_slice(b"not found: ask for mirrorlist or metalink\nsee / for help\n");
    Answer {
        head: ReplyHead { status: 404, kind: Kind::Other, tier: Tier::None },
        headers_len: PLAIN.len(),
        counted: None,
    }
}

/// The header line of an answer whose form the client's Accept has chosen.
const VARY: &[u8] = b"Vary: Accept\r\n";

/// The time as answers spell it, worked out once a second.
#[derive(Debug)]
struct Clock {
    now: u64,
    date: Date,
    /// RFC 1123, in GMT.
    pubdate: String,
    /// RFC 3339, in UTC.
    published: String,
}

impl Default for Clock {
    fn default() -> Clock {
        let mut clock = Clock {
            now: u64::MAX,
            date: OffsetDateTime::UNIX_EPOCH.date(),
            pubdate: String::new(),
            published: String::new(),
        };
        clock.set(0);
        clock
    }
}

impl Clock {
    /// Sets the time in seconds since the epoch; one beyond the year 9999 is the epoch.
    fn set(&mut self, now: u64) {
        if now == self.now {
            return;
        }
        self.now = now;
        let seconds = i64::try_from(now).unwrap_or_default();
        let time = OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH);
        self.date = time.date();
        let (weekday, month) = (time.weekday().to_string(), time.month().to_string());
        self.pubdate = format!(
            "{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT",
            &weekday[..3],
            time.day(),
            &month[..3],
            time.year(),
            time.hour(),
            time.minute(),
            time.second()
        );
        self.published = escape::utc(time);
    }
}
