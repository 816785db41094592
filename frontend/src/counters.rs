//! The front end's counters: for each thread cells of its own, added up when somebody asks.
//!
//! A cell has one writer, its thread, so that counting is a load and a store without a lock; a reader sees every value
//! as it was a moment ago. What is told of them, and under which names, is in [`crate::admin`].

use std::{
    sync::{
        LazyLock,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};
use wire::{Kind, ReplyHead, Tier};

/// Statuses of answers that are told apart; the last place is for all others.
pub const STATUSES: [u16; 6] = [200, 302, 400, 404, 405, 503];
/// Statuses of heads that are not taken.
pub const REFUSED: [u16; 3] = [400, 414, 431];
const STATUS_PLACES: usize = STATUSES.len() + 1;

/// Bounds of the time that an answer takes, in microseconds: from 64 µs to 4.2 s, each twice the one before.
pub const BOUNDS: usize = 17;
const FIRST_BOUND_LOG2: u32 = 6;

/// When somebody first wanted to know of a moment.
static START: LazyLock<Instant> = LazyLock::new(Instant::now);

/// A counter of one thread.
#[derive(Debug, Default)]
pub struct Cell(AtomicU64);

/// A counter as it is told: its name outside, what it tells, where it is.
pub type Told = (&'static str, &'static str, fn(&Counters) -> &Cell);

macro_rules! counters {
    (told { $($told:ident, $name:literal, $help:literal;)* } others { $($others:tt)* }) => {
        /// The counters of one thread. They have cache lines of its own.
        #[derive(Debug, Default)]
        #[repr(align(128))]
        pub struct Counters { $(#[doc = $help] pub $told: Cell,)* $($others)* }

        /// Those that the metrics tell as they stand, summed over the threads.
        pub const TOLD: &[Told] = &[$(($name, $help, |counters| &counters.$told)),*];
    };
}

counters! {
    // A count is declared here alone: its cell, its name outside, what it tells. The metrics follow.
    told {
        retries, "mirrorlist_http_retries",
            "Requests that were sent to another worker because the first was silent or gone.";
        connections, "mirrorlist_http_connections_accepted", "Connections of clients, ever.";
        made_room, "mirrorlist_http_connections_closed_for_room",
            "Idle connections that were closed at the limit so that others got in.";
        slow_readers, "mirrorlist_http_connections_cut_off",
            "Connections that were cut off because unread answers were more than max-unsent allows.";
    }
    // What is told with labels, as part of another figure, or not at all.
    others {
        /// Answers by kind, status and tier of the first mirror; the place after the last of [`STATUSES`] is for all
        /// other statuses.
        pub answers: [[[Cell; Tier::ALL.len()]; STATUS_PLACES]; Kind::ALL.len()],
        /// Times that answers took, by kind.
        pub times: [Times; Kind::ALL.len()],
        /// Connections that have ended.
        pub closed: Cell,
        /// Times that one has been idle for a while, and gave up what was held for its requests.
        pub rested: Cell,
        /// Connections that could make room, as of the last sweep. No counter but a gauge.
        pub dispensable: Cell,
        /// Heads that were not taken, by status.
        pub refused: [Cell; REFUSED.len()],
        /// When the loop turned last, in nanoseconds since [`START`].
        turned: Cell,
    }
}

/// How long answers took: how many each bound held, and all together.
#[derive(Debug, Default)]
pub struct Times {
    /// How many there were up to a bound and above the one before; the last are those above all bounds.
    pub buckets: [Cell; BOUNDS + 1],
    microseconds: Cell,
}

impl Cell {
    /// One more. By the thread alone that the cell belongs to.
    pub fn count(&self) {
        self.add(1);
    }

    /// What was counted.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    /// Sets a gauge.
    pub fn set(&self, value: u64) {
        self.0.store(value, Ordering::Relaxed);
    }

    fn add(&self, more: u64) {
        self.0.store(self.get().wrapping_add(more), Ordering::Relaxed);
    }
}

impl Counters {
    /// A worker has answered after this time.
    pub fn answered(&self, head: &ReplyHead, took: Duration) {
        self.answers[head.kind as usize][status_place(head.status)][head.tier as usize].count();
        self.times[head.kind as usize].add(took);
    }

    /// The front end has answered by itself: a request, or a head that it has not taken for one.
    pub fn refused(&self, status: u16) {
        let at = REFUSED.iter().position(|known| *known == status);
        let answers = &self.answers[Kind::Other as usize][status_place(status)][Tier::None as usize];
        at.map_or(answers, |at| &self.refused[at]).count();
    }

    /// A sign of life: the thread's loop has turned once more.
    pub fn turned(&self, now: Instant) {
        self.turned.set(now.saturating_duration_since(*START).as_nanos() as u64);
    }

    /// For how long the loop has not turned; before its first turn, since somebody first asked this of any thread.
    pub fn since_turn(&self, now: Instant) -> Duration {
        now.saturating_duration_since(*START + Duration::from_nanos(self.turned.get()))
    }
}

fn status_place(status: u16) -> usize {
    STATUSES.iter().position(|known| *known == status).unwrap_or(STATUSES.len())
}

impl Times {
    fn add(&self, took: Duration) {
        let microseconds = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let log2 = u64::BITS - microseconds.saturating_sub(1).leading_zeros();
        let place = log2.saturating_sub(FIRST_BOUND_LOG2) as usize;
        self.buckets[place.min(BOUNDS)].count();
        self.microseconds.add(microseconds);
    }

    /// All times together.
    pub fn sum(&self) -> Duration {
        Duration::from_micros(self.microseconds.get())
    }
}

/// The bound at this place, in seconds.
pub fn bound(place: usize) -> f64 {
    (1_u64 << (FIRST_BOUND_LOG2 as usize + place)) as f64 / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_counted_below_the_smallest_bound_that_holds_it() {
        for (microseconds, place) in [
            (0, 0),
            (1, 0),
            (64, 0),
            (65, 1),
            (128, 1),
            (129, 2),
            (4_194_304, 16),
            (4_194_305, 17),
            (u64::MAX, 17),
        ] {
            let times = Times::default();
            times.add(Duration::from_micros(microseconds));
            let places: Vec<usize> = (0..=BOUNDS).filter(|place| times.buckets[*place].get() > 0).collect();
            assert_eq!(places, [place], "{microseconds}");
            assert!(place == BOUNDS || microseconds as f64 / 1e6 <= bound(place), "{microseconds}");
            assert!(place == 0 || microseconds as f64 / 1e6 > bound(place - 1), "{microseconds}");
        }
    }

    #[test]
    fn an_answer_is_counted_under_its_status_or_under_the_others() {
        let counters = Counters::default();
        counters.refused(405);
        counters.refused(418);
        let answers =
            counters.answers[Kind::Other as usize].each_ref().map(|by_tier| &by_tier[Tier::None as usize]);
        let place = |status| STATUSES.iter().position(|known| *known == status).unwrap();
        assert_eq!(answers[place(405)].get(), 1);
        assert_eq!(answers[STATUSES.len()].get(), 1);
        assert_eq!(answers[place(200)].get(), 0);
    }
}
