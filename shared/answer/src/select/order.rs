//! In which order: inside a tier by chance, by prefix length or by bandwidth.
//!
//! Source: SPEC.md §5. Weighted order without replacement (first: w/Σw, then the same among the rest) is that of
//! independent exponential times with rates w, sorted: one draw a host instead of a walk for each place (Efraimidis and
//! Spirakis, 2006). A host's time and its place so far are packed into one integer, for integers sort faster than
//! records.

use super::{pick::Pick, reach::Reaches, sticky::Draw};
use cache::View;
use rand::{Rng, RngExt as _, distr::Distribution as _};
use rand_distr::Exp1;
use std::cmp::Reverse;
use wire::Tier;

/// Buffers of an arrangement, kept for the next one.
#[derive(Debug, Default)]
pub struct OrderScratch {
    keys: Vec<u64>,
    before: Vec<Pick>,
}

/// Where in a tier the host is that [`arrange`] would have before all others that fit; `None` if none does.
pub fn first(
    (view, reaches): (&View<'_>, &Reaches),
    tier: &[Pick],
    draw: Option<Draw>,
    rng: &mut impl Rng,
    fits: impl Fn(&Pick) -> bool,
) -> Option<usize> {
    let (mut first, mut length, mut least) = (None, 0, f64::INFINITY);
    for (at, pick) in tier.iter().enumerate() {
        if !fits(pick) || first.is_some() && pick.length < length {
            continue;
        }
        if pick.length > length {
            (length, least) = (pick.length, f64::INFINITY);
        }
        let weight = if has_weight(pick.tier) { f64::from(weight(reaches, pick)) } else { 1.0 };
        let time: f64 = match draw {
            None => rng.sample::<f64, _>(Exp1) / weight,
            Some(draw) => {
                let even = draw.even(view, view.placement_host(pick.placement));
                // A logarithm takes longer than all else, and no time is shorter than this.
                if (1.0 - even) / weight >= least {
                    continue;
                }
                -even.ln() / weight
            }
        };
        if time < least {
            (first, least) = (Some(at), time);
        }
    }
    first
}

/// Whether the hosts of a tier are drawn by their weights.
fn has_weight(tier: Tier) -> bool {
    !matches!(tier, Tier::Location | Tier::Netblock | Tier::Asn)
}

fn weight(reaches: &Reaches, pick: &Pick) -> u32 {
    reaches.get(pick.placement).map_or(1, |reach| reach.bandwidth)
}

/// Puts the hosts of one tier into their order.
///
/// Chance comes from `draw` where there is one, else from `rng`.
pub fn arrange(
    (view, reaches): (&View<'_>, &Reaches),
    tier: &mut [Pick],
    draw: Option<Draw>,
    rng: &mut impl Rng,
    scratch: &mut OrderScratch,
) {
    match draw {
        None => arrange_by(reaches, tier, |_| Exp1.sample(rng), scratch),
        Some(draw) => {
            arrange_by(reaches, tier, |pick| draw.time(view, view.placement_host(pick.placement)), scratch);
        }
    }
}

fn arrange_by(
    reaches: &Reaches,
    tier: &mut [Pick],
    mut time: impl FnMut(&Pick) -> f64,
    scratch: &mut OrderScratch,
) {
    match tier.first().map(|pick| pick.tier) {
        Some(of) if has_weight(of) => shuffle(tier, |pick| weight(reaches, pick), &mut time, scratch),
        _ => {
            tier.sort_unstable_by_key(|pick| Reverse(pick.length));
            for same in tier.chunk_by_mut(|a, b| a.length == b.length) {
                shuffle(same, |_| 1, &mut time, scratch);
            }
        }
    }
}

/// Draws an order: a pick of twice the weight is twice as likely to be the first, and so on among the rest.
fn shuffle(
    picks: &mut [Pick],
    weight: impl Fn(&Pick) -> u32,
    mut time: impl FnMut(&Pick) -> f64,
    scratch: &mut OrderScratch,
) {
    let OrderScratch { keys, before } = scratch;
    before.clear();
    before.extend_from_slice(picks);
    let place_bits = usize::BITS - picks.len().leading_zeros();
    let places = (1 << place_bits) - 1;
    keys.clear();
    keys.extend((0..).zip(&*picks).map(|(place, pick)| {
        let time = time(pick) / f64::from(weight(pick));
        // Bits of floats are ordered as their values are; the sign, which is free, is shifted out. What is left of
        // the time is cut by a few bits of its fraction.
        time.to_bits() << 1 & !places | place
    }));
    keys.sort_unstable();
    for (pick, key) in picks.iter_mut().zip(&*keys) {
        *pick = before[(key & places) as usize];
    }
}
