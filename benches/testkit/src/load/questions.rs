//! Requests as Fedora's clients send them, and what a right answer to each looks like.
//!
//! The skew is that of Fedora's own counts (week of 2020-11-16): eight repositories of the current releases have 85 %
//! of all requests, two of EPEL 14 %, and hundreds share the rest. One client in five has an IPv6 address.

use answer::rules::Rules;
use answer::{Fragments, Scratch, Service};
use cache::{RepoArchId, View};
use rand::{RngExt, SeedableRng, rngs::Xoshiro256PlusPlus};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use wire::{Accept, Method, Request, UrlScheme};

/// Share of requests of the first eight repositories, the next two, and all others together.
const SKEW: [(usize, f64); 3] = [(8, 0.85), (2, 0.14), (usize::MAX, 0.01)];
/// Upper 32 bits of address blocks that registries have given out; below them all is as good as random.
const V6_BLOCKS: [u32; 6] = [0x2001_0470, 0x2400_cb00, 0x2600_1700, 0x2804_14c0, 0x2a02_0810, 0x2a00_1450];

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Kind {
    /// Nine metalinks, nine lists and two redirects of twenty requests.
    Mix,
    /// Metalinks only.
    Metalink,
    /// Lists only.
    Mirrorlist,
    /// Redirects only.
    Redirect,
    /// Files below `/dl/`, a prefix of the redirector; only of a daemon that has it.
    #[value(skip)]
    File,
}

/// A request and what its answer must be.
#[derive(Clone, Debug)]
pub struct Question {
    /// Path and query.
    pub target: String,
    /// Who asks.
    pub client: IpAddr,
    /// What must come back.
    pub expected: Expected,
}

/// What a right answer looks like: enough to tell it from the answer to any other repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expected {
    /// A metalink whose URLs all end so.
    Metalink(String),
    /// A list with this beginning, whose URLs all end so.
    Mirrorlist(String, String),
    /// A redirect to a URL that ends so.
    Redirect(String),
    /// This status, whatever the body.
    Status(u16),
}

/// An answer as HTTP has it.
#[derive(Clone, Copy, Debug)]
pub struct Answer<'a> {
    /// The status.
    pub status: u16,
    /// `Content-Type`.
    pub content_type: &'a [u8],
    /// `Location`, if there is one.
    pub location: Option<&'a [u8]>,
    /// The body.
    pub body: &'a [u8],
}

/// `count` requests about the repositories of a cache; the same seed makes the same ones.
pub fn questions(view: &View<'_>, kind: Kind, count: usize, seed: u64) -> Vec<Question> {
    let mut dice = Xoshiro256PlusPlus::seed_from_u64(seed);
    let mut known: Vec<Known> = (0..view.repo_arch_count() as u32)
        .filter_map(|repo_arch| Known::of(view, RepoArchId(repo_arch)))
        .collect();
    // Which repositories are the busy ones is a matter of the seed, not of the alphabet.
    for at in (1..known.len()).rev() {
        known.swap(at, dice.random_range(0..=at));
    }
    if known.is_empty() {
        return Vec::new();
    }
    (0..count)
        .map(|_| {
            let repo_arch = &known[pick(known.len(), &mut dice)];
            let kind = match (kind, dice.random_range(0..20)) {
                (Kind::Mix, 0..9) => Kind::Metalink,
                (Kind::Mix, 9..18) => Kind::Mirrorlist,
                (Kind::Mix, _) => Kind::Redirect,
                (kind, _) => kind,
            };
            repo_arch.ask(kind, client(&mut dice))
        })
        .collect()
}

/// Those questions whose answers have about so many bytes (a tenth more or less), as the service itself makes them.
pub fn of_size(view: View<'_>, rules: Rules, questions: Vec<Question>, bytes: usize) -> Vec<Question> {
    where_answer(view, rules, questions, |page| page.len().abs_diff(bytes) <= bytes / 10)
}

/// Those questions whose answers, as the service itself makes them, are to be kept.
pub fn where_answer(
    view: View<'_>,
    rules: Rules,
    mut questions: Vec<Question>,
    mut keep: impl FnMut(&[u8]) -> bool,
) -> Vec<Question> {
    // Of a cache that is too large nothing is asked.
    let fragments = Fragments::prepare(&view).unwrap_or_default();
    let service =
        Service { view, fragments: &fragments, rules, redirector: None, version: env!("CARGO_PKG_VERSION") };
    let (mut scratch, mut page) = (Scratch::default(), Vec::new());
    let mut dice = Xoshiro256PlusPlus::seed_from_u64(1);
    questions.retain(|question| {
        page.clear();
        service.answer(&question.request(), 0, &mut dice, &mut scratch, &mut page);
        keep(&page)
    });
    questions
}

impl Question {
    /// The question as a worker gets it, without a deadline.
    pub fn request(&self) -> Request<'_> {
        let (path, query) = self.target.split_once('?').unwrap_or((&self.target, ""));
        Request {
            method: Method::Get,
            scheme: UrlScheme::Http,
            accept: Accept::default(),
            client: Some(self.client),
            path: path.as_bytes(),
            query: query.as_bytes(),
        }
    }
}

/// A repository that every kind of request can be answered for.
struct Known {
    repo: String,
    arch: String,
    subpath: String,
    path: String,
}

impl Known {
    fn of(view: &View<'_>, id: RepoArchId) -> Option<Known> {
        let repo_arch = view.repo_arch(id)?;
        let directory = repo_arch.directory?;
        let repository = view.repository(view.repository_of(id))?;
        // Those that lead elsewhere, are turned away or stand for another architecture are for other tests.
        if repository.disabled || repository.redirect.is_some() || repository.name.contains("source") {
            return None;
        }
        repo_arch.repomd?;
        let public = |directory| {
            view.set(view.carriers(directory)).iter().any(|(_, member)| {
                let web = view.placement_schemes(member.placement).and(cache::scheme::Schemes::WEB);
                member.public
                    && !web.is_empty()
                    && view.countries_allowed(view.placement_host(member.placement)).is_none()
            })
        };
        if !public(directory) || !public(repo_arch.repodata?) {
            return None;
        }
        let (mut subpath, mut path) = (Vec::new(), Vec::new());
        view.subpath(directory, &mut subpath);
        view.directory_path(directory, &mut path);
        Some(Known {
            repo: encoded(repository.name.as_bytes()),
            arch: encoded(view.arch_of(id).as_bytes()),
            subpath: encoded(&subpath),
            path: encoded(&path),
        })
    }

    fn ask(&self, kind: Kind, client: IpAddr) -> Question {
        let Known { repo, arch, subpath, path } = self;
        let slash = if subpath.is_empty() { "" } else { "/" };
        let (target, expected) = match kind {
            Kind::Metalink | Kind::Mix => {
                let end = format!("{slash}{subpath}/repodata/repomd.xml</url>").replace('&', "&amp;");
                (format!("/metalink?repo={repo}&arch={arch}"), Expected::Metalink(end))
            }
            Kind::Mirrorlist => {
                let named = |text: &str| text.replace("%2B", "+").replace("%20", " ");
                let start = format!("# repo = {} arch = {} ", named(repo), named(arch));
                let end = format!("{slash}{subpath}/");
                (format!("/mirrorlist?repo={repo}&arch={arch}"), Expected::Mirrorlist(start, end))
            }
            Kind::File => {
                let file = "kernel-6.17.1-300.fc43.x86_64.rpm";
                (format!("/dl/{path}/{file}"), Expected::Redirect(format!("{slash}{subpath}/{file}")))
            }
            Kind::Redirect => {
                let target = format!("/mirrorlist?path={}&redirect=1", path.replace('&', "%26"));
                (target, Expected::Redirect(format!("{slash}{subpath}/")))
            }
        };
        Question { target, client, expected }
    }
}

/// What the service appends to URLs is encoded so; in a query it is understood too.
fn encoded(text: &[u8]) -> String {
    let mut out = Vec::with_capacity(text.len());
    answer::render::escape::url_path(text, &mut out);
    String::from_utf8(out).unwrap_or_default()
}

/// A position by the skew of real requests.
fn pick(count: usize, dice: &mut Xoshiro256PlusPlus) -> usize {
    let mut chance: f64 = dice.random();
    let mut first = 0;
    for (width, share) in SKEW {
        let width = width.min(count - first);
        if chance < share || first + width == count {
            return first + dice.random_range(0..width.max(1)).min(count - 1);
        }
        chance -= share;
        first += width;
    }
    count - 1
}

fn client(dice: &mut Xoshiro256PlusPlus) -> IpAddr {
    if dice.random_range(0..5) == 0 {
        let block = V6_BLOCKS[dice.random_range(0..V6_BLOCKS.len())];
        let below: u128 = dice.random::<u128>() >> 32;
        IpAddr::V6(Ipv6Addr::from_bits(u128::from(block) << 96 | below))
    } else {
        IpAddr::V4(Ipv4Addr::from_bits(dice.random_range(0x0100_0000..0xdfff_ffff)))
    }
}

impl Expected {
    /// Whether this is what must come back; the error says what is wrong.
    pub fn check(&self, answer: &Answer<'_>) -> Result<(), String> {
        let text = |bytes: &[u8]| String::from_utf8_lossy(&bytes[..bytes.len().min(200)]).into_owned();
        let is = |good: bool, what: &str| {
            if good {
                Ok(())
            } else {
                Err(format!("{what}: status {}, {}", answer.status, text(answer.body)))
            }
        };
        match self {
            Expected::Status(status) => is(answer.status == *status, "another status"),
            Expected::Metalink(end) => {
                is(answer.status == 200, "no metalink")?;
                is(answer.content_type == b"application/metalink+xml", "another content type")?;
                is(
                    answer.body.starts_with(b"<?xml ") && answer.body.ends_with(b"</metalink>\n"),
                    "a cut metalink",
                )?;
                let mut urls =
                    answer.body.split(|byte| *byte == b'\n').filter(|line| line.starts_with(b"    <url "));
                is(urls.clone().next().is_some(), "no URL")?;
                is(urls.all(|line| line.ends_with(end.as_bytes())), "a URL of another repository")
            }
            Expected::Mirrorlist(start, end) => {
                is(answer.status == 200 && answer.content_type == b"text/plain", "no list")?;
                is(
                    answer.body.starts_with(start.as_bytes()) && answer.body.ends_with(b"\n"),
                    "another list",
                )?;
                let mut urls =
                    answer.body.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).skip(1);
                is(urls.clone().next().is_some(), "no URL")?;
                is(urls.all(|line| line.ends_with(end.as_bytes())), "a URL of another repository")
            }
            Expected::Redirect(end) => {
                is(answer.status == 302, "no redirect")?;
                is(answer.location.is_some_and(|url| url.ends_with(end.as_bytes())), "another location")
            }
        }
    }
}
