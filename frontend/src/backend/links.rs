//! The links as the switchboard sees them: one connection to one worker each.

use slotmap::new_key_type;
use std::{
    task::Waker,
    time::{Duration, Instant},
};
use wire::Hello;

/// Bytes that wait for a worker to read them, above which its PINGs are not answered.
pub const MOST_UNREAD: usize = 64 * 1024;

/// Time that a silent worker has to answer a PING before its link is given up.
const SILENCE: Duration = Duration::from_secs(5);

new_key_type! {
    /// Identifies a link for as long as the thread runs.
    pub struct LinkId;
}

/// A link.
#[derive(Debug)]
pub struct Link {
    /// Which of all links of the thread this is.
    pub number: u64,
    /// Who the worker is.
    pub hello: Hello,
    /// Frames to be sent.
    pub out: Vec<u8>,
    /// Wakes the task that sends `out`.
    pub sender: Waker,
    /// Calls with the worker.
    pub in_flight: usize,
    /// There is one, and no other may join it.
    pub is_alone: bool,
    /// The worker has asked for no more requests. What it has is still answered by it.
    pub retiring: bool,
    /// Since when it has not kept to `patience`; `None` again as soon as it says anything.
    pub silent_since: Option<Instant>,
    /// A call was answered over it.
    pub useful: bool,
}

impl Link {
    /// A new one to the worker that says `hello`.
    pub fn new(number: u64, hello: Hello) -> Link {
        Link {
            number,
            hello,
            out: Vec::new(),
            sender: Waker::noop().clone(),
            in_flight: 0,
            is_alone: false,
            retiring: false,
            silent_since: None,
            useful: false,
        }
    }

    /// Whether its worker takes requests, and is of this generation.
    pub fn serves(&self, generation: u64) -> bool {
        !self.retiring && self.hello.generation == generation
    }

    /// Whether its worker has had its time to answer a PING.
    pub fn is_silent(&self, now: Instant) -> bool {
        self.silent_since.is_some_and(|since| now.duration_since(since) >= SILENCE)
    }

    /// Notes that the worker has been silent for too long, and asks whether it lives.
    pub fn suspect(&mut self, now: Instant) {
        if self.silent_since.is_none() {
            self.silent_since = Some(now);
            wire::encode_ping(&mut self.out, 0);
            self.sender.wake_by_ref();
        }
    }

    /// Answers the worker's PING, unless it has long read nothing.
    pub fn pong(&mut self, ping: u64) {
        if self.out.len() < MOST_UNREAD {
            wire::encode_pong(&mut self.out, ping);
        }
    }
}
