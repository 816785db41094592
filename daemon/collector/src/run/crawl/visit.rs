//! A visit to one mirror: asks it for what is planned, by the best of its URLs, and brings home what was found.
//!
//! A category is asked by https first. After a URL with a bad certificate, or without an answer, the next one is tried. A URL
//! that has answered and then fails too often in a row is not asked again in this run, nor is a mirror that says 429 or 503.
//! One that refuses what is due is asked for something that it had, which tells these from the whole. What was not asked is
//! among the first in the next run. How one thing is asked for: [`asking`]. What findings mean is for [`super::settle`] to say.

mod asking;

use super::{
    Limits,
    judge::{self, Judged},
    known::{OfUrl, Verdict},
    plan::{Plan, cost},
    way::Way,
};
use crate::{
    check::repomd,
    http::{
        Answer, Client, Error,
        content::Came,
        session::{Counts, Session, What},
    },
    run::{
        mirrors::Mirror,
        tree::{File, Tree},
    },
};
use std::collections::{BTreeMap, BTreeSet};
use tokio::time::Instant;

/// Units in a row that a mirror has not even though it seemed to have caught up.
const DISAPPOINTMENTS: u32 = 10;

/// Things of a category that were there and have gone, which make the others of it doubtful while nothing is there; and its URL, if
/// it has another one.
const GONE: usize = 3;

/// Bytes that a marker may have, and what an index may have more than twice those that are known.
const LONGEST_MARKER: u64 = 64 << 10;
const MORE: u64 = repomd::LONGEST as u64;

/// Who is visited, and what for.
pub struct Visit<'a> {
    /// What it should have.
    pub tree: &'a Tree,
    /// The mirror.
    pub mirror: &'a Mirror,
    /// What to ask for.
    pub plan: Plan,
    /// What is known of its URLs.
    pub urls: BTreeMap<String, OfUrl>,
    /// What it may be asked.
    pub limits: Limits,
    /// When it has to be over.
    pub end: Instant,
    /// When the run began, in seconds since the epoch.
    pub now: u64,
}

/// What was found of a unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OfUnit {
    /// What it is, the beginning of an earlier version's hash, and why.
    Found(Verdict, u64, String),
    /// It could not be found out, and why.
    Unknown(String),
}

/// What a URL did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Did {
    /// It has what it should have.
    Well,
    /// It said nothing of use.
    Nothing(String),
    /// Clients cannot use it.
    Bad(String),
}

/// What is brought home.
#[derive(Debug, Default)]
pub struct Found {
    /// Units that were asked for, by their place in the tree.
    pub units: BTreeMap<u32, OfUnit>,
    /// Units that were to be asked for because they had changed, and were not.
    pub missed: Vec<u32>,
    /// Categories whose marker is the primary's.
    pub marked: BTreeSet<u32>,
    /// Categories in which something was found out.
    pub reached: BTreeSet<u32>,
    /// Categories that were asked in vain, and why.
    pub silent: BTreeMap<u32, String>,
    /// Categories of which nothing was there any longer that was.
    pub gone: BTreeSet<u32>,
    /// Base URLs.
    pub urls: BTreeMap<String, Did>,
    /// Why it was left before everything was done, and for how many seconds it wants to be left.
    pub left: Option<(String, u64)>,
    /// Whether it was not visited, for it has asked not to be.
    pub is_paused: bool,
    /// What it took.
    pub counts: Counts,
    /// Whether its silent hosts have addresses of IPv6 alone.
    pub is_v6_alone: bool,
    /// Whether it has to be asked by GET for what others say by HEAD.
    pub knows_no_head: bool,
    /// Whether it packs what nobody has asked it to.
    pub is_packed: bool,
}

struct Visiting<'a, 'v> {
    visit: &'v Visit<'a>,
    client: &'v Client,
    session: Session<'v>,
    begun: Instant,
    ways: BTreeMap<u32, Way>,
    /// Categories in which something that was not good has become so.
    caught_up: BTreeSet<u32>,
    /// Categories that were asked for one thing that they had, for nothing of them had been found out.
    looked_at: BTreeSet<u32>,
    found: Found,
}

/// Visits a mirror. What a session comes to never fails as a whole: whatever is in the way is found.
pub async fn visit(client: &Client, visit: &Visit<'_>) -> Found {
    let ways = visit.mirror.urls.iter().map(|(category, urls)| (*category, Way::of(urls)));
    let session = Session::new(client, visit.limits.pause);
    let mut visiting = Visiting {
        visit,
        client,
        session,
        begun: Instant::now(),
        ways: ways.collect(),
        caught_up: BTreeSet::new(),
        looked_at: BTreeSet::new(),
        found: Found::default(),
    };
    visiting.markers().await;
    for at in &visit.plan.due {
        visiting.due(*at).await;
    }
    visiting.again().await;
    visiting.doubts().await;
    visiting.other_urls().await;
    visiting.end().await
}

impl Visiting<'_, '_> {
    /// Whether nobody is to be asked any longer.
    fn is_over(&self) -> bool {
        self.found.left.is_some()
            || Instant::now() >= self.visit.end
            || self.session.counts.requests >= self.visit.limits.requests
            || self.is_slow()
    }

    /// Whether it has had the time that a slow mirror may have: others wait for what a run comes to.
    fn is_slow(&self) -> bool {
        let limits = &self.visit.limits;
        let requests = u32::try_from(self.session.counts.requests).unwrap_or(u32::MAX);
        let took = self.begun.elapsed();
        took > limits.visit && took > limits.slow.saturating_mul(requests)
    }

    async fn markers(&mut self) {
        let visit = self.visit;
        for (category, _) in &visit.mirror.urls {
            let Some(of) = visit.tree.categories.get(*category as usize) else { continue };
            let Some(marker) = of.marker.as_ref().filter(|marker| marker.sha256.is_some()) else { continue };
            let good = || Judged::Found(Verdict::Current, 0, String::new());
            let judge = |said: &Result<Answer, Error>, came: &Came| match judge::is_marker(marker, said, came)
            {
                true => good(),
                // An old marker says that units are to be asked for, and nothing else.
                false => match judge::file(marker, said) {
                    Judged::Found(..) => Judged::Found(Verdict::Wrong, 0, String::new()),
                    judged => judged,
                },
            };
            let found = self.find_out(*category, &marker.path, What::Content, LONGEST_MARKER, judge).await;
            if let Some(OfUnit::Found(Verdict::Current, ..)) = found {
                self.found.marked.insert(*category);
            }
        }
    }

    /// The category of a unit.
    fn category_of(&self, at: u32) -> u32 {
        self.visit.tree.units[at as usize].category
    }

    /// Asks for a unit that is due, unless its category refuses one after the other. If nothing of that has been found out then,
    /// something that it had is asked for, once: the mirror may say nothing of what is due alone.
    async fn due(&mut self, at: u32) {
        let category = self.category_of(at);
        if self.refuses(category) {
            return;
        }
        self.unit_and_what_follows(at).await;
        let has_failed = self.found.silent.contains_key(&category);
        if has_failed && !self.found.reached.contains(&category) && self.looked_at.insert(category) {
            let good = self.one_that_was_good(category);
            if let Some(at) = good {
                self.unit(at).await;
            }
        }
    }

    /// A unit of a category that was good the last time, is not due, and has not been asked for.
    fn one_that_was_good(&self, category: u32) -> Option<u32> {
        let Plan { passing, settled, bad, .. } = &self.visit.plan;
        let bad = bad.get(&category).map_or(&[][..], |bad| bad);
        let was_good = |at: &&u32| self.category_of(**at) == category && !bad.contains(at);
        let mut good = settled.iter().chain(passing).filter(was_good);
        good.find(|at| !self.found.units.contains_key(*at)).copied()
    }

    /// Whether a category has refused too much, and nothing of it has been found out.
    fn says_nothing(&self, category: u32) -> bool {
        self.refuses(category) && !self.found.reached.contains(&category)
    }

    /// Asks for a unit; if it has become good, what else the mirror lacked may have come, too.
    async fn unit_and_what_follows(&mut self, at: u32) {
        let visit = self.visit;
        if self.is_over() {
            return;
        }
        let category = self.category_of(at);
        let is_good = match self.unit(at).await {
            Some(false) => self.is_good_elsewhere(category, at).await,
            found => found == Some(true),
        };
        if !is_good {
            return;
        }
        let bad = visit.plan.bad.get(&category).map_or(&[][..], |bad| bad);
        if bad.contains(&at) && self.caught_up.insert(category) {
            self.rest_of(bad).await;
        }
    }

    /// Asks for what was not good, as long as that pays.
    async fn rest_of(&mut self, bad: &[u32]) {
        let mut disappointments = 0;
        for at in bad {
            let is_enough = disappointments >= DISAPPOINTMENTS || self.refuses(self.category_of(*at));
            if self.is_over() || is_enough {
                return;
            }
            match self.unit(*at).await {
                Some(true) => disappointments = 0,
                Some(false) => disappointments += 1,
                None => {}
            }
        }
    }

    /// Looks again at what has not changed.
    async fn again(&mut self) {
        let visit = self.visit;
        let begun = self.session.counts.requests;
        let Plan { passing, settled, .. } = &visit.plan;
        let mut first: Vec<&u32> = Vec::new();
        for (category, _) in &visit.mirror.urls {
            // A category that has said nothing so far may have died.
            let is_reached = self.found.reached.contains(category);
            let of_it =
                |at: &&u32| self.category_of(**at) == *category && !self.found.units.contains_key(*at);
            first.extend(settled.iter().chain(passing).find(of_it).filter(|_| !is_reached));
        }
        for at in first {
            self.unit_and_what_follows(*at).await;
        }
        let most = visit.limits.unchanged;
        for (units, most) in [(passing, most * 2 / 3), (settled, most)] {
            for at in units {
                let spent = self.session.counts.requests - begun;
                if self.is_over() || spent + cost(&visit.tree.units[*at as usize]) as u64 > most {
                    break;
                }
                if !self.says_nothing(self.category_of(*at)) {
                    self.unit_and_what_follows(*at).await;
                }
            }
        }
    }

    /// Asks for all that was there of a category that seems to have gone, until something is there.
    async fn doubts(&mut self) {
        let visit = self.visit;
        for (category, _) in &visit.mirror.urls {
            let bad: BTreeSet<u32> = visit.plan.bad.get(category).into_iter().flatten().copied().collect();
            let is_of_it = |at: &&u32| visit.tree.units[**at as usize].category == *category;
            let was_there: Vec<u32> =
                visit.plan.settled.iter().filter(is_of_it).filter(|at| !bad.contains(at)).copied().collect();
            for at in &was_there {
                if self.is_over() || self.refuses(*category) || !self.is_gone(*category, &was_there) {
                    break;
                }
                self.unit(*at).await;
            }
            if self.is_gone(*category, &was_there) {
                self.found.gone.insert(*category);
            }
        }
    }

    /// Whether some things that were there have gone, and nothing of the category is there.
    fn is_gone(&self, category: u32, was_there: &[u32]) -> bool {
        let is = |at: &u32, is_good: bool| matches!(self.found.units.get(at), Some(OfUnit::Found(verdict, ..)) if verdict.is_good() == is_good);
        let is_of_it = |at: &&u32| self.visit.tree.units[**at as usize].category == category;
        !self.found.marked.contains(&category)
            && was_there.iter().filter(|at| is(at, false)).take(GONE).count() == GONE
            && !self.found.units.keys().filter(is_of_it).any(|at| is(at, true))
    }

    /// Finds out about a unit, once; whether it is good, if it was found out.
    async fn unit(&mut self, at: u32) -> Option<bool> {
        let visit = self.visit;
        let unit = &visit.tree.units[at as usize];
        if self.found.marked.contains(&unit.category) || self.found.units.contains_key(&at) {
            return None;
        }
        let found = self.unit_found(at).await?;
        let is_good = match &found {
            OfUnit::Found(verdict, ..) => Some(verdict.is_good()),
            OfUnit::Unknown(_) => None,
        };
        self.found.units.insert(at, found);
        is_good
    }

    async fn unit_found(&mut self, at: u32) -> Option<OfUnit> {
        let visit = self.visit;
        let unit = &visit.tree.units[at as usize];
        let is_current = |found: &OfUnit| matches!(found, OfUnit::Found(Verdict::Current, ..));
        let repository = unit.repository.as_ref().filter(|repository| !repository.versions.is_empty());
        if let Some(repository) = repository {
            let known = repository.versions.iter().map(|version| version.size).max().unwrap_or(0);
            let judge =
                |said: &Result<Answer, Error>, came: &Came| judge::index(repository, said, came, visit.now);
            let longest = known.saturating_mul(2).saturating_add(MORE);
            let found =
                self.find_out(unit.category, &repository.index, What::Content, longest, judge).await?;
            // Packages of another version are others.
            if !is_current(&found) {
                return Some(found);
            }
        }
        for file in &unit.newest {
            let found = self.file(unit.category, file).await?;
            if !is_current(&found) {
                return Some(found);
            }
        }
        Some(OfUnit::Found(Verdict::Current, 0, String::new()))
    }

    async fn file(&mut self, category: u32, file: &File) -> Option<OfUnit> {
        let judge = |said: &Result<Answer, Error>, _: &Came| judge::file(file, said);
        self.find_out(category, &file.path, What::Head, 0, judge).await
    }

    async fn end(self) -> Found {
        let Visiting { visit, session, mut found, .. } = self;
        found.counts = session.counts;
        let reached = &found.reached;
        found.silent.retain(|category, _| !reached.contains(category));
        if let Some((why, _)) = &found.left {
            for (category, _) in visit.mirror.urls.iter().filter(|(category, _)| !reached.contains(category))
            {
                found.silent.entry(*category).or_insert_with(|| why.clone());
            }
        }
        let unasked = visit.plan.due.iter().take(visit.plan.changed);
        found.missed = unasked.copied().filter(|at| !found.units.contains_key(at)).collect();
        found
    }
}
