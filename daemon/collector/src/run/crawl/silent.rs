//! What becomes of mirrors and URLs that did not answer, when all have been asked: each counts, unless it seems to be our own
//! fault. That is believed for some runs in a row, and then no longer.

use super::{
    Crawl, is_https,
    known::{self, Record},
    settle, tell,
    visit::{Did, Found},
};
use crate::{run::mirrors::Mirror, store::Store};
use program::{failure::Failure, log, print::grouped};
use std::collections::BTreeMap;

/// Mirrors that are silent before it may be our own network, and runs in a row for which that is believed.
const MANY: usize = 3;
const BRAKED: u64 = 3;

/// What a mirror is not to be blamed for before all have been asked.
pub struct Held {
    /// Its place among those that are asked.
    pub mirror: usize,
    /// Categories that were asked in vain, and why.
    pub categories: BTreeMap<u32, String>,
    /// URLs that are not well.
    pub urls: BTreeMap<String, Did>,
    /// Whether one of these is of https and was well before, and none of https is well now.
    pub has_lost_https: bool,
    /// Whether it has addresses of IPv6 alone.
    pub is_v6_alone: bool,
    /// Whether it has said nothing at all.
    pub is_whole: bool,
    /// Whether it counted until now.
    pub was_in: bool,
    /// Whether it was asked, and no connection to it was made.
    pub is_dead: bool,
    /// Whether it was not asked.
    pub is_paused: bool,
}

impl Crawl<'_> {
    /// Counts the run for mirrors and URLs that did not answer, unless it seems to be our own fault.
    pub fn count_silent(&mut self, mirrors: &[&Mirror], store: &mut Store) -> Result<(), Failure> {
        let held = std::mem::take(&mut self.held);
        let whole = held.iter().filter(|held| held.is_whole);
        let why = |held: &Held| held.categories.values().next().cloned().unwrap_or_default();
        self.summary.silent =
            whole.clone().map(|held| (mirrors[held.mirror].name.clone(), why(held))).collect();
        self.summary.silent.sort();
        // Those that have long been out, or were not asked, say nothing about our network; a status is an answer.
        let is_out = |held: &&Held| !held.was_in || held.is_paused;
        let all = mirrors.len() - whole.clone().filter(is_out).count();
        let is_lost = |held: &Held| held.is_whole && held.was_in && held.is_dead;
        let lost = held.iter().filter(|held| is_lost(held)).count();
        let are_most = lost >= MANY && lost * 2 > all;
        self.summary.braked = if are_most { (self.summary.braked + 1).min(BRAKED + 1) } else { 0 };
        let is_held = are_most && self.summary.braked <= BRAKED;
        if is_held {
            let (lost, all) = (grouped(lost), grouped(all));
            let brake = format!("{lost} of {all} mirrors did not answer, which seems to be our own network");
            log::warning(format_args!("run {}: {brake}; none of them counts as silent", self.summary.number));
            self.summary.brake = Some(format!("{brake}; none of them counts as silent"));
            let names = held.iter().filter(|held| is_lost(held)).map(|held| &mirrors[held.mirror].name);
            self.summary.held = names.cloned().collect();
        } else if are_most {
            log::warning(format_args!(
                "run {}: {} of {} mirrors did not answer, for more than {BRAKED} runs in a row; each of them counts as silent",
                self.summary.number,
                grouped(lost),
                grouped(all)
            ));
        }
        let is_https_held = self.brake_https(&held);
        let mut records = Vec::new();
        for held in held.iter().filter(|held| !(is_held && is_lost(held))) {
            let Held { mirror, categories, urls, is_v6_alone, is_whole, .. } = held;
            let mirror = mirrors[*mirror];
            let mut record = store.record(&mirror.name)?;
            let mut changes = settle::Changes::default();
            let mut urls = urls.clone();
            urls.retain(|url, _| !(is_https_held && is_https(url)));
            settle::urls(&mut record, &urls, !is_whole, self.now, &mut changes);
            tell(mirror, &Found::default(), &changes);
            if *is_v6_alone && !self.has_v6 && !categories.is_empty() {
                log::warning(format_args!(
                    "mirror {}: has addresses of IPv6 alone, by which nobody answers us; it counts as before",
                    mirror.name
                ));
            } else {
                self.miss(mirror, &mut record, categories);
            }
            self.judge(mirror, &record);
            records.push((&*mirror.name, record));
        }
        store.keep_records(records.iter().map(|(name, record)| (*name, record)), self.now)
    }

    /// Whether URLs of https that fail are not to blame for it, this run: those of so many mirrors do that it seems to be our own
    /// fault. However many a mirror has, it is one; who has long been out says nothing.
    fn brake_https(&mut self, held: &[Held]) -> bool {
        let is_out = |held: &Held| held.is_whole && !held.was_in;
        let lost = held.iter().filter(|held| held.has_lost_https && !is_out(held)).count() as u64;
        let are_most = lost >= MANY as u64 && lost > self.well;
        let runs = if are_most { (self.summary.braked_https + 1).min(BRAKED + 1) } else { 0 };
        self.summary.braked_https = runs;
        if !are_most {
            return false;
        }
        let (number, lost, all) = (self.summary.number, grouped(lost), grouped(lost + self.well));
        if runs > BRAKED {
            log::warning(format_args!(
                "run {number}: {lost} of {all} mirrors fail by https, for more than {BRAKED} runs in a row; their URLs of it are left out until they do not"
            ));
            return false;
        }
        let brake = format!(
            "{lost} of {all} mirrors fail by https, which seems to be our own clock, network or trusted certificates"
        );
        log::warning(format_args!("run {number}: {brake}; no URL is left out for that"));
        self.summary.brake.get_or_insert(format!("{brake}; no URL is left out for that"));
        true
    }

    /// Counts the run for categories of a mirror that did not answer.
    fn miss(&self, mirror: &Mirror, record: &mut Record, categories: &BTreeMap<u32, String>) {
        for (category, why) in categories {
            let name = self.tree.categories.get(*category as usize).map_or("", |of| &of.name);
            if settle::missed(record, name, why, self.now) {
                log::warning(format_args!(
                    "mirror {}: {name} has not answered for {} runs ({why}); it is left out until it does",
                    mirror.name,
                    known::PATIENCE + 1
                ));
            }
        }
    }
}
