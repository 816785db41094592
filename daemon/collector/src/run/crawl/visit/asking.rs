//! One thing after the other is asked for, by the best URL of its category: which one gives way, and what an answer leaves.

use super::{Did, GONE, MORE, OfUnit, Visiting};
use crate::{
    check::{repomd, seconds::HOUR},
    http::{
        Answer, Error,
        content::{Came, Content},
        session::{Nothing, What},
    },
    run::crawl::{
        judge::{self, Judged},
        known::Verdict,
        plan::cost,
        way::below,
    },
};
use tokio::time::Instant;
use url::Url;

/// Failures in a row after which a category is left for this run.
const FAILURES: u32 = 5;

/// Statuses in a row that decide nothing, after which what is due of a category is left for this run, and all of the category if
/// nothing of it was found out.
const REFUSALS: u32 = 20;

/// Failures in a row after which a URL that has not spoken yet gives way.
const FIRST_FAILURES: u32 = 2;

/// Seconds between two looks at a URL that is not the best one.
const BETWEEN_LOOKS: u64 = 6 * HOUR;

impl Visiting<'_, '_> {
    /// Asks for a file by the best URL of its category; none if nobody can be asked.
    pub async fn find_out(
        &mut self,
        category: u32,
        path: &str,
        what: What,
        longest: u64,
        judge: impl Fn(&Result<Answer, Error>, &Came) -> Judged,
    ) -> Option<OfUnit> {
        let top = &self.visit.tree.categories.get(category as usize)?.top;
        loop {
            if self.is_over() {
                return None;
            }
            let way = self.ways.get(&category)?;
            let base = way.bases.get(way.at)?;
            let url = below(&base.direct, top, path)?;
            let given = base.given.to_string();
            let (said, came) = self.ask(what, &url, longest).await?;
            let judged = judge(&said, &came);
            let way = self.ways.get_mut(&category)?;
            match judged {
                Judged::Found(verdict, hash, why) => {
                    (way.has_spoken, way.failures, way.refusals) = (true, 0, 0);
                    if let Ok(answer) = &said {
                        self.found.is_packed |= what == What::Content
                            && answer.header("content-encoding").is_some()
                            && came.unpacked_sha256.is_some();
                        way.bases[way.at].learn(&url, &answer.url);
                    }
                    self.found.reached.insert(category);
                    self.found.urls.insert(given, Did::Well);
                    return Some(OfUnit::Found(verdict, hash, why));
                }
                Judged::NoHead(why) if self.found.knows_no_head => return Some(self.refused(category, why)),
                Judged::NoHead(_) => self.found.knows_no_head = true,
                Judged::Unknown(why) => return Some(self.refused(category, why)),
                Judged::Leave(why, seconds) => {
                    self.found.silent.entry(category).or_insert_with(|| why.clone());
                    self.found.left = Some((why, seconds));
                    return None;
                }
                Judged::BadTls(why) => {
                    way.give_way();
                    self.found.urls.insert(given, Did::Bad(why.clone()));
                    self.found.silent.insert(category, why);
                }
                Judged::Dead(why) | Judged::Silent(why) if way.has_spoken => {
                    return Some(self.failure(category, why));
                }
                // It may be about this one file.
                Judged::Silent(why) if way.failures + 1 < FIRST_FAILURES => {
                    return Some(self.failure(category, why));
                }
                Judged::Dead(why) | Judged::Silent(why) => {
                    way.give_way();
                    self.found.is_v6_alone = self.client.is_v6_alone(&url).await;
                    self.found.urls.insert(given, Did::Nothing(why.clone()));
                    self.found.silent.insert(category, why);
                }
            }
        }
    }

    /// Counts a status that decides nothing. It is an answer: that others are refused as well does not follow.
    fn refused(&mut self, category: u32, why: String) -> OfUnit {
        if let Some(way) = self.ways.get_mut(&category) {
            (way.has_spoken, way.failures) = (true, 0);
            way.refusals += 1;
        }
        self.found.silent.insert(category, why.clone());
        OfUnit::Unknown(why)
    }

    /// Whether a category has refused so much in a row that more is not to be asked for without need.
    pub fn refuses(&self, category: u32) -> bool {
        self.ways.get(&category).is_some_and(|way| way.refusals >= REFUSALS)
    }

    /// Counts a failure of a URL; too many in a row, and its category is left.
    fn failure(&mut self, category: u32, why: String) -> OfUnit {
        if let Some(way) = self.ways.get_mut(&category) {
            way.failures += 1;
            if way.failures >= FAILURES {
                way.at = way.bases.len();
            }
        }
        self.found.silent.insert(category, why.clone());
        OfUnit::Unknown(why)
    }

    /// Whether a unit that is not there by the URL of its category is by another one.
    ///
    /// The others are asked only if that URL has nothing of the first things that it was asked for: a server may answer for a name
    /// that it does not serve. Where one of them has something, it is asked from now on; else what was found counts.
    pub async fn is_good_elsewhere(&mut self, category: u32, unit: u32) -> bool {
        let Some(lacking) = self.lacking(category) else { return false };
        let urls = self.found.urls.clone();
        let first = self.ways.get(&category).map_or(0, |way| way.at);
        let taken = lacking.iter().filter_map(|at| self.found.units.remove_entry(at));
        let found: Vec<(u32, OfUnit)> = taken.collect();
        // Where something is: after it that URL may fail, and another one be asked.
        let mut there = None;
        while there.is_none() && self.turn_to_next(category) {
            for at in &lacking {
                self.found.units.remove(at);
                if self.unit(*at).await == Some(true) {
                    there = there.or_else(|| self.ways.get(&category).map(|way| way.at));
                }
            }
        }
        if let Some(there) = there {
            let bases = self.ways.get(&category).into_iter().flat_map(|way| &way.bases);
            let before = bases.take(there).skip(first).map(|base| &base.given);
            let is_bad = |url: &&Url| {
                self.found.urls.get(url.as_str()) == Some(&Did::Well)
                    && !self.is_asked_by_another(category, url)
            };
            let bad: Vec<String> = before.filter(is_bad).map(Url::to_string).collect();
            for url in bad {
                let why = "has nothing of it, and another URL of it has".into();
                self.found.urls.insert(url, Did::Bad(why));
            }
        } else if let Some(way) = self.ways.get_mut(&category) {
            way.turn_to(first);
            way.has_spoken = true;
            self.found.units.extend(found);
            // Who lacks the same is neither better nor worse.
            self.found.urls.retain(|url, did| *did != Did::Well || urls.contains_key(url));
        }
        if let Some(way) = self.ways.get_mut(&category) {
            way.is_compared = true;
        }
        matches!(self.found.units.get(&unit), Some(OfUnit::Found(verdict, ..)) if verdict.is_good())
    }

    /// Whether another category is asked by this URL, which may have all of that.
    fn is_asked_by_another(&self, category: u32, url: &Url) -> bool {
        let mut others = self.ways.iter().filter(|(other, _)| **other != category);
        others.any(|(_, way)| way.bases.get(way.at).is_some_and(|base| base.given == *url))
    }

    /// Units of a category that are not there by its URL, if nothing is, and there is another URL to be asked for them.
    fn lacking(&mut self, category: u32) -> Option<Vec<u32>> {
        let units = &self.visit.tree.units;
        let way = self.ways.get_mut(&category)?;
        if way.is_compared || way.at + 1 >= way.bases.len() {
            return None;
        }
        let mut lacking = Vec::new();
        for (at, found) in self.found.units.iter().filter(|(at, _)| units[**at as usize].category == category)
        {
            match found {
                OfUnit::Found(verdict, ..) if verdict.is_good() => {
                    way.is_compared = true;
                    return None;
                }
                OfUnit::Found(..) => lacking.push(*at),
                OfUnit::Unknown(_) => {}
            }
        }
        let askable = units.iter().filter(|unit| unit.category == category && cost(unit) > 0);
        (lacking.len() >= askable.take(GONE).count()).then_some(lacking)
    }

    /// Has the next URL of a category asked; whether there is one.
    fn turn_to_next(&mut self, category: u32) -> bool {
        self.ways.get_mut(&category).is_some_and(|way| {
            way.give_way();
            way.at < way.bases.len()
        })
    }

    /// One request; none when the time is over.
    async fn ask(&mut self, what: What, url: &Url, longest: u64) -> Option<(Result<Answer, Error>, Came)> {
        let whole = self.visit.limits.request;
        let patience = whole.min(self.visit.end.saturating_duration_since(Instant::now()));
        let what = if what == What::Head && self.found.knows_no_head { What::FirstByte } else { what };
        let mut content = Content::new(longest, repomd::LONGEST);
        let said = match what {
            What::Content => self.session.ask(what, url, patience, &mut content).await,
            What::Head | What::FirstByte => self.session.ask(what, url, patience, &mut Nothing).await,
        };
        match said {
            // The run's end is no fault of the mirror's.
            Err(Error::Time(_)) if patience < whole => None,
            said => Some((said, content.end())),
        }
    }

    /// Asks the other URLs of categories that were reached for something that the best one has.
    pub async fn other_urls(&mut self) {
        let visit = self.visit;
        let mut others = Vec::new();
        for (category, way) in &self.ways {
            let is_good = |at: &u32| {
                matches!(self.found.units.get(at), Some(OfUnit::Found(Verdict::Current, ..)))
                    && visit.tree.units[*at as usize].category == *category
            };
            let Some(unit) = self.found.units.keys().copied().find(is_good) else { continue };
            let is_due = |url: &Url| {
                let known = visit.urls.get(url.as_str());
                known.is_none_or(|url| {
                    !url.is_in() || url.missed > 0 || visit.now >= url.asked + BETWEEN_LOOKS
                })
            };
            let rest = way.bases.iter().skip(way.at + 1).filter(|base| is_due(&base.given));
            others.extend(rest.map(|base| (base.given.clone(), *category, unit)));
        }
        // Those of one host after each other, over one connection.
        others.sort();
        for (base, category, unit) in others {
            if self.is_over() {
                return;
            }
            if let Some(did) = self.other_url(&base, category, unit).await
                && !self.is_asked_by_another(category, &base)
            {
                self.found.urls.insert(base.to_string(), did);
            }
        }
    }

    async fn other_url(&mut self, base: &Url, category: u32, unit: u32) -> Option<Did> {
        let visit = self.visit;
        let unit = &visit.tree.units[unit as usize];
        let top = &visit.tree.categories.get(category as usize)?.top;
        let judged = match (&unit.repository, unit.newest.first()) {
            (Some(repository), _) => {
                let url = below(base, top, &repository.index)?;
                let size = repository.versions.first()?.size;
                let (said, came) = self.ask(What::Content, &url, size.saturating_mul(2) + MORE).await?;
                judge::index(repository, &said, &came, visit.now)
            }
            (None, Some(file)) => {
                let (said, _) = self.ask(What::Head, &below(base, top, &file.path)?, 0).await?;
                judge::file(file, &said)
            }
            (None, None) => return None,
        };
        Some(match judged {
            Judged::Found(verdict, ..) if verdict.is_good() => Did::Well,
            Judged::Found(_, _, why) => Did::Bad(format!("not what another URL of it has ({why})")),
            Judged::BadTls(why) => Did::Bad(why),
            Judged::Unknown(why) | Judged::Silent(why) | Judged::Dead(why) | Judged::NoHead(why) => {
                Did::Nothing(why)
            }
            Judged::Leave(why, seconds) => {
                self.found.left = Some((why, seconds));
                return None;
            }
        })
    }
}
