//! Chance with a seed: the same seed gives the same caches, requests and orders.

use rand::{RngExt, SeedableRng, rngs::Xoshiro256PlusPlus};

/// A source of chance.
pub struct Dice(pub Xoshiro256PlusPlus);

impl Dice {
    /// The dice of this seed.
    pub fn new(seed: u64) -> Dice {
        Dice(Xoshiro256PlusPlus::seed_from_u64(seed))
    }

    /// A number below `end`.
    pub fn below(&mut self, end: usize) -> usize {
        self.0.random_range(0..end)
    }

    /// True in `percent` of 100 cases.
    pub fn percent(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// One of these.
    pub fn one<'a, T: ?Sized>(&mut self, choices: &[&'a T]) -> &'a T {
        choices[self.below(choices.len())]
    }

    /// One of these.
    pub fn pick<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        &choices[self.below(choices.len())]
    }

    /// Each of these with the same chance.
    pub fn some<T: Copy>(&mut self, choices: &[T], percent: usize) -> Vec<T> {
        choices.iter().copied().filter(|_| self.percent(percent)).collect()
    }

    /// These in another order.
    pub fn shuffle<T>(&mut self, order: &mut [T]) {
        for last in (1..order.len()).rev() {
            order.swap(last, self.below(last + 1));
        }
    }

    /// Random bits.
    pub fn bits(&mut self) -> u128 {
        self.0.random()
    }
}
