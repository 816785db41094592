//! What the operator is told of a generation's workers.

use super::Generation;
use crate::control::{State, Worker};
use std::time::Instant;

impl Generation {
    /// Its workers, for the operator.
    pub fn status(&self, now: Instant) -> impl Iterator<Item = Worker> {
        let number = self.number;
        let places = self.slots.iter().zip(0..);
        let workers = places.filter_map(|(slot, place)| Some((slot.worker.as_ref()?, place)));
        workers.map(move |(worker, slot)| Worker {
            generation: number,
            slot,
            pid: worker.pid.as_raw() as u32,
            state: match worker.ready {
                _ if worker.draining => State::Draining,
                Some(_) => State::Ready,
                None => State::Starting,
            },
            age: now.duration_since(worker.started).as_secs(),
            requests: worker.counters.requests().wrapping_sub(worker.requests_before),
            private_kb: None,
        })
    }
}
