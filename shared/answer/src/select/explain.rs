//! Why a request gets the mirrors it gets: every host that carries the directory, and its tier or why it is out.
//!
//! Runs the collection that answers, then asks the same judge about the hosts that were not listed.

use super::{
    pick::Pick,
    query::Query,
    target::Target,
    tiers::{Candidates, Collector, Exclusion, Source, TierScratch},
};
use crate::rules::NetblockMode;
use cache::Member;
use rand::Rng;
use wire::Tier;

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
    /// It would be one, but mirrors for the client's netblock are the only ones.
    NetblockOnly,
    /// Exclusive mirrors for the client's network are the only ones.
    ExclusiveOnly,
    /// It is private, and in none of the tiers that may list such hosts.
    Private,
    /// It is not in the countries that were asked for, of which there are candidates.
    OtherCountry,
    /// It is neither in those countries nor on their continents, on which there are candidates.
    OtherContinent,
    /// Nearer hosts are as many as a list must have.
    Farther,
    /// All its URLs are those of hosts listed before it.
    Repeated,
    /// As many hosts as were asked for are listed before it.
    BeyondLimit,
}

/// Every host that carries the directory, those listed first and in their order.
pub fn explain(
    source: Source<'_>,
    query: &Query<'_>,
    target: &Target<'_>,
    rng: &mut impl Rng,
) -> (Candidates, Vec<Verdict>) {
    let (mut scratch, mut candidates) = (TierScratch::default(), Candidates::default());
    let mut collector = Collector::new(source, query, target, &mut scratch, &mut candidates);
    collector.run(rng);
    collector.promote();
    collector.origin();
    let beyond = collector.beyond_limit();
    let set = source.view.set(source.view.carriers(target.directory));
    let judge = |(position, member)| {
        let unlisted = match collector.judge(position, true) {
            _ if beyond.contains(&position) => Unlisted::BeyondLimit,
            _ if collector.is_added(position) => Unlisted::Repeated,
            Some(exclusion) => Unlisted::Excluded(exclusion),
            None => not_used(source, &collector, member),
        };
        (position, member, unlisted)
    };
    let judged: Vec<(usize, Member, Unlisted)> = set.iter().map(judge).collect();
    collector.limit();
    let mut listed = vec![false; set.width()];
    let mut verdicts: Vec<Verdict> = Vec::with_capacity(judged.len());
    for (place, pick) in candidates.picks.iter().enumerate() {
        listed[pick.position as usize] = true;
        let member = Member { placement: pick.placement, public: pick.public };
        verdicts.push(Verdict { member, outcome: Ok((place, *pick)) });
    }
    let unlisted = judged.into_iter().filter(|(position, ..)| !listed[*position]);
    verdicts.extend(unlisted.map(|(_, member, unlisted)| Verdict { member, outcome: Err(unlisted) }));
    (candidates, verdicts)
}

/// Why no tier that was used has this candidate.
fn not_used(source: Source<'_>, collector: &Collector<'_>, member: Member) -> Unlisted {
    if collector.is_exclusive() {
        Unlisted::ExclusiveOnly
    } else if source.rules.netblock == NetblockMode::Only && collector.gave(Tier::Netblock) {
        Unlisted::NetblockOnly
    } else if !member.public {
        Unlisted::Private
    } else if collector.gave(Tier::Country) {
        Unlisted::OtherCountry
    } else if collector.gave(Tier::CountryContinent) {
        Unlisted::OtherContinent
    } else {
        Unlisted::Farther
    }
}
