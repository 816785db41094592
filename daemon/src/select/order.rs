//! In which order: inside a tier by chance, by prefix length or by bandwidth.
//!
//! Source: spec.md §5. Weighted order without replacement (first: w/Σw, then the same among the rest) is that of
//! independent exponential times with rates w, sorted: one draw a host instead of a walk for each place (Efraimidis and
//! Spirakis, 2006).

use super::tiers::Pick;
use rand::{Rng, RngExt};
use shared::{cache::View, wire::Tier};

/// Buffer of an arrangement, kept for the next one.
#[derive(Debug, Default)]
pub struct OrderScratch {
    keyed: Vec<(f64, Pick)>,
}

/// Puts the listed hosts of each tier into their order. Tiers stay as they are.
pub fn arrange(view: &View<'_>, picks: &mut [Pick], rng: &mut impl Rng, scratch: &mut OrderScratch) {
    for tier in picks.chunk_by_mut(|a, b| a.tier == b.tier) {
        let weighted = !matches!(tier[0].tier, Tier::Location | Tier::Netblock | Tier::Asn);
        let keyed = &mut scratch.keyed;
        keyed.clear();
        keyed.extend(tier.iter().map(|pick| {
            let weight = if weighted { view.bandwidth(view.placement_host(pick.placement)) } else { 1 };
            (exponential(rng) / f64::from(weight), *pick)
        }));
        // Prefix lengths differ in the netblock tier only.
        keyed.sort_unstable_by(|a, b| b.1.length.cmp(&a.1.length).then(a.0.total_cmp(&b.0)));
        for (pick, (_, arranged)) in tier.iter_mut().zip(keyed) {
            *pick = *arranged;
        }
    }
}

/// A draw from the exponential distribution of rate 1.
fn exponential(rng: &mut impl Rng) -> f64 {
    // (0, 1]: the logarithm of 0 would put a host last for ever.
    let unit = 1.0 - rng.random::<f64>();
    -unit.ln()
}
