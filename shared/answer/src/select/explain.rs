//! Why a request gets the mirrors it gets: every host that carries the directory, and its tier or why it is out.
//!
//! Runs the collection that answers, then asks the same judge about the hosts that were not listed.

use super::{
    order::{self, OrderScratch},
    query::Query,
    target::Target,
    tiers::{Candidates, Collector, Exclusion, Pick, TierScratch},
};
use crate::rules::Rules;
use cache::{Member, View};
use rand::Rng;

/// A host that carries the directory, and what became of it.
#[derive(Clone, Copy, Debug)]
pub struct Verdict {
    /// The host and its URLs.
    pub member: Member,
    /// Listed at this place (from 0), or why not.
    pub outcome: Result<(usize, Pick), Unlisted>,
}

/// Why a host that carries the directory is not listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unlisted {
    /// It is no candidate.
    Excluded(Exclusion),
    /// It would be one, but is in none of the tiers that were used.
    NotNeeded,
}

/// Every host that carries the directory, those listed first and in their order.
pub fn explain(
    view: &View<'_>,
    rules: &Rules,
    query: &Query<'_>,
    target: &Target<'_>,
    rng: &mut impl Rng,
) -> (Candidates, Vec<Verdict>) {
    let (mut scratch, mut candidates) = (TierScratch::default(), Candidates::default());
    let mut collector =
        Collector::new(view, rules, query, target.directory, target.also, &mut scratch, &mut candidates);
    collector.run();
    let set = view.set(view.carriers(target.directory));
    let judged: Vec<(Member, Option<Exclusion>)> =
        set.iter().enumerate().map(|(position, member)| (member, collector.judge(position, true))).collect();
    order::arrange(view, &mut candidates.picks, rng, &mut OrderScratch::default());
    let mut verdicts: Vec<Verdict> = Vec::with_capacity(judged.len());
    let mut listed = vec![false; judged.len()];
    for (place, pick) in candidates.picks.iter().enumerate() {
        listed[pick.position as usize] = true;
        verdicts.push(Verdict { member: judged[pick.position as usize].0, outcome: Ok((place, *pick)) });
    }
    let unlisted = judged.iter().zip(&listed).filter(|(_, listed)| !**listed);
    verdicts.extend(unlisted.map(|((member, exclusion), _)| Verdict {
        member: *member,
        outcome: Err(exclusion.map_or(Unlisted::NotNeeded, Unlisted::Excluded)),
    }));
    (candidates, verdicts)
}
