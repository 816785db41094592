//! Asks mirrors: every URL of every host that is listed for everybody, for one file a round.
//!
//! Which file it is changes from round to round; or it is the index of a repository whose propagation is measured. All URLs
//! of a host are asked at once and have the same ten seconds. A round has a minute; a host that is not reached in it counts
//! as not asked. What an answer means is for [`answer`] to say, and for the judge what follows from it.

use super::{
    answer::{self, Heard},
    inventory::{Inventory, Place, Wanted},
    judge::{ControlError, Outcome, Seen, families},
    repomd::{self, Age},
};
use crate::http::{Client, Error};
use futures_util::{StreamExt as _, future::join_all, stream};
use hyper::Method;
use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};
use url::Url;

/// How long things may take.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// A host's answer.
    pub host: Duration,
    /// A round.
    pub round: Duration,
}

/// What mirrors and the timer's rhythm leave room for.
pub const LIMITS: Limits = Limits { host: Duration::from_secs(10), round: Duration::from_secs(60) };

/// Hosts that are asked at a time.
const AT_ONCE: usize = 96;

/// A mirror of http alone is asked by https once in so many rounds: a day's.
const ROUNDS_BETWEEN: u64 = 480;

/// What a round is to find out.
pub struct Asking<'a> {
    /// Who is asked for what.
    pub inventory: &'a Inventory,
    /// The number of the round.
    pub number: u64,
    /// When it began, in seconds since the epoch.
    pub now: u64,
    /// The file of a repository that is to be measured.
    pub measured: Option<u32>,
    /// A URL that has to answer.
    pub control: Option<&'a Url>,
    /// How long it may take.
    pub limits: Limits,
}

/// What a round has found out.
#[derive(Debug, Default)]
pub struct Answers {
    /// Every URL.
    pub seen: Vec<Seen>,
    /// What the URL that has to answer has said.
    pub control: Option<Result<(), ControlError>>,
    /// Seconds by which clocks of others are ahead, one a host at most.
    pub ahead: Vec<i64>,
    /// By host.
    pub families: BTreeMap<i64, families::Seen>,
    /// By host: how far it is with the repository that is measured.
    pub ages: BTreeMap<i64, Age>,
    /// http URLs that were asked by https, and whether that gave the same.
    pub also_https: BTreeMap<String, bool>,
    /// Hosts that were asked.
    pub hosts: u64,
}

/// Runs a round.
pub async fn ask(client: &Client, asking: &Asking<'_>) -> Answers {
    let round = Ask { client, asking, started: Instant::now() };
    let mut hosts: BTreeMap<i64, Vec<&Place>> = BTreeMap::new();
    asking.inventory.places.iter().for_each(|place| hosts.entry(place.host).or_default().push(place));
    let mut hosts: Vec<_> = hosts.into_iter().collect();
    if !hosts.is_empty() {
        // Whoever was not reached in time is among the first the next time.
        let first = asking.number.wrapping_mul(AT_ONCE as u64) % hosts.len() as u64;
        hosts.rotate_left(first as usize);
    }
    let asked = stream::iter(hosts.into_iter().map(|(host, places)| round.host(host, places)));
    let (control, asked) =
        tokio::join!(round.control(), asked.buffer_unordered(AT_ONCE).collect::<Vec<OfHost>>());
    let mut answers = Answers { control, ..Answers::default() };
    for mut of_host in asked {
        answers.hosts += u64::from(of_host.seen.iter().any(|seen| seen.outcome.is_some()));
        answers.seen.append(&mut of_host.seen);
        answers.ahead.extend(of_host.ahead);
        answers.families.extend(of_host.families.map(|families| (of_host.host, families)));
        answers.ages.extend(of_host.age.map(|age| (of_host.host, age)));
        answers.also_https.append(&mut of_host.also_https);
    }
    answers.seen.sort_by(|a, b| a.url.cmp(&b.url));
    answers
}

/// What one host has answered.
struct OfHost {
    host: i64,
    seen: Vec<Seen>,
    ahead: Option<i64>,
    families: Option<families::Seen>,
    age: Option<Age>,
    also_https: BTreeMap<String, bool>,
}

struct Ask<'a> {
    client: &'a Client,
    asking: &'a Asking<'a>,
    started: Instant,
}

/// One URL and the file that it is asked for.
struct Question<'a> {
    place: &'a Place,
    url: &'a str,
    file: Option<u32>,
}

impl Ask<'_> {
    /// Whether the URL that has to answer does.
    async fn control(&self) -> Option<Result<(), ControlError>> {
        let url = self.asking.control?;
        // A body of any length will do.
        Some(match self.client.ask(&Method::GET, url, 1, self.asking.limits.host).await {
            Ok(answer) if answer.status < 400 => Ok(()),
            Err(Error::Length(_)) => Ok(()),
            Ok(answer) => Err(ControlError::Status(answer.status)),
            Err(error) => Err(error.into()),
        })
    }

    async fn host(&self, host: i64, places: Vec<&Place>) -> OfHost {
        let questions = places.iter().flat_map(|place| {
            let file = self.file(place);
            place.urls.iter().map(move |url| Question { place, url, file })
        });
        let questions: Vec<Question<'_>> = questions.collect();
        let is_asked = |place: &&Place| !place.is_up_to_date && self.file(place).is_some();
        let first = places.iter().copied().find(is_asked);
        let (heard, families, also_https) = tokio::join!(
            join_all(questions.iter().map(|question| self.url(question))),
            self.families(first),
            self.by_https(first),
        );
        let mut of_host = OfHost { host, seen: Vec::new(), ahead: None, families, age: None, also_https };
        for (question, heard) in questions.iter().zip(heard) {
            let Question { place, url, .. } = question;
            let outcome = heard.map(|heard| {
                of_host.ahead = of_host.ahead.or(heard.date.map(|date| self.ahead(date)));
                of_host.age = of_host.age.into_iter().chain(heard.age).min();
                heard.outcome
            });
            of_host.seen.push(Seen {
                url: (*url).to_owned(),
                host,
                name: place.name.clone(),
                category: place.category,
                outcome,
            });
        }
        of_host
    }

    /// The file that a host is asked for in this round.
    fn file(&self, place: &Place) -> Option<u32> {
        let files = &self.asking.inventory.files;
        let measured = self.asking.measured.filter(|file| files[*file as usize].category == place.category);
        measured.or_else(|| {
            let turn = self.asking.number.wrapping_add(place.host.unsigned_abs());
            let at = turn.checked_rem(place.files.len() as u64)?;
            place.files.get(at as usize).copied()
        })
    }

    fn wanted(&self, file: u32) -> &Wanted {
        &self.asking.inventory.files[file as usize]
    }

    /// What a URL answers; nothing if it is not asked.
    async fn url(&self, question: &Question<'_>) -> Option<Heard> {
        if question.place.is_up_to_date {
            return None;
        }
        let Some(file) = question.file else {
            return Some(Heard::unknown("no file is known that it should have"));
        };
        let wanted = self.wanted(file);
        let mut heard = self.ask(question.url, wanted, question.place.files.contains(&file)).await;
        heard.age = heard.age.filter(|_| self.asking.measured == Some(file));
        Some(heard)
    }

    async fn ask(&self, base: &str, wanted: &Wanted, is_said_to_have_it: bool) -> Heard {
        let Some(left) = self.asking.limits.round.checked_sub(self.started.elapsed()) else {
            return Heard::unknown("not asked, for the round was over");
        };
        let Ok(url) = Url::parse(&format!("{base}/{}", encoded(&wanted.path))) else {
            return Heard::unknown("no URL that can be asked");
        };
        let method = if wanted.is_repomd { Method::GET } else { Method::HEAD };
        let patience = self.asking.limits.host.min(left);
        let said = self.client.ask(&method, &url, repomd::LONGEST, patience).await;
        match said {
            // The round's end is no fault of his.
            Err(Error::Time(_)) if patience < self.asking.limits.host => {
                Heard::unknown("not done when the round was over")
            }
            said => answer::heard(wanted, is_said_to_have_it, said),
        }
    }

    async fn families(&self, place: Option<&Place>) -> Option<families::Seen> {
        let url = Url::parse(place?.urls.first()?).ok()?;
        if self.started.elapsed() > self.asking.limits.round {
            return None;
        }
        Some(self.client.families(&url).await)
    }

    /// Asks a mirror of http alone by https, now and then.
    async fn by_https(&self, place: Option<&Place>) -> BTreeMap<String, bool> {
        let mut found = BTreeMap::new();
        let Some(place) = place else { return found };
        let turn = self.asking.number.wrapping_add(place.host.unsigned_abs());
        let Some(file) = self.file(place).filter(|file| place.files.contains(file)) else { return found };
        let is_http = |url: &String| url.to_ascii_lowercase().starts_with("http://");
        if !turn.is_multiple_of(ROUNDS_BETWEEN) || !place.urls.iter().all(is_http) {
            return found;
        }
        for url in &place.urls {
            let other = format!("https{}", &url["http".len()..]);
            let heard = self.ask(&other, self.wanted(file), true).await;
            found.insert(url.clone(), heard.outcome == Outcome::Good);
        }
        found
    }

    /// Seconds by which a clock that says `date` is ahead.
    fn ahead(&self, date: u64) -> i64 {
        date.cast_signed() - (self.asking.now + self.started.elapsed().as_secs()).cast_signed()
    }
}

/// A path with what may not stand in a URL as it is written there.
fn encoded(path: &str) -> String {
    path.replace('%', "%25").replace('?', "%3F").replace('#', "%23")
}
