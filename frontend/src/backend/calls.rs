//! The table of calls: what was asked, and where it is.
//!
//! A call's key is its id on the wire. A reply is accepted only when that is the id of a call that waits at the link over
//! which it came; so a late reply to a call that has ended, or that was sent to another worker since, can never become
//! somebody's answer.

use super::links::LinkId;
use bytes::Bytes;
use hyper::HeaderMap;
use slotmap::{Key as _, KeyData, SlotMap, new_key_type};
use std::{
    task::Waker,
    time::{Duration, Instant},
};
use wire::{ReplyHead, Request};

new_key_type! {
    /// Finds a call in the table, and never a later one in the same place.
    pub struct CallKey;
}

/// What a worker answered.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Status and outcome.
    pub head: ReplyHead,
    /// Header lines besides those that the front end sets.
    pub headers: HeaderMap,
    /// The body, a part of the buffer that it was read into.
    pub body: Bytes,
    /// How long it took, from the question on; the switchboard knows.
    pub took: Duration,
}

/// A call from question to answer.
#[derive(Debug)]
pub struct Call {
    /// What is asked, as a frame.
    pub frame: Vec<u8>,
    /// When it is over, answered or not.
    pub deadline: Instant,
    /// Where it is.
    pub state: CallState,
    /// How many workers it has been sent to.
    pub tries: u8,
    /// How many of them were gone before they had answered it.
    pub deaths: u8,
    /// It is to be alone with a worker, and only a link made after this one will do.
    pub alone_after: Option<u64>,
    /// Whoever waits for its end.
    pub waker: Waker,
}

/// How far a call has come.
#[derive(Debug)]
pub enum CallState {
    /// In the queue.
    Queued,
    /// With the worker of this link since then.
    With { link: LinkId, at: Instant },
    /// Answered, or not in time.
    Over(Option<Answer>),
}

/// All calls of a thread.
pub type Calls = SlotMap<CallKey, Call>;

impl Call {
    /// The link over which it waits for its answer.
    pub fn link(&self) -> Option<LinkId> {
        match self.state {
            CallState::With { link, .. } => Some(link),
            CallState::Queued | CallState::Over(_) => None,
        }
    }

    /// Whether it waits to be sent.
    pub fn is_queued(&self) -> bool {
        matches!(self.state, CallState::Queued)
    }

    /// The call is over; who waits for it is told.
    pub fn end(&mut self, answer: Option<Answer>) {
        self.state = CallState::Over(answer);
        self.waker.wake_by_ref();
    }
}

/// Takes a call in that nobody has been sent yet.
pub fn insert(calls: &mut Calls, question: &Request<'_>, deadline: Instant) -> CallKey {
    calls.insert_with_key(|key| {
        let mut frame = Vec::new();
        wire::encode_request(&mut frame, key.data().as_ffi(), question);
        let waker = Waker::noop().clone();
        Call { frame, deadline, state: CallState::Queued, tries: 0, deaths: 0, alone_after: None, waker }
    })
}

/// The call that has this id on the wire.
pub fn by_wire_id(calls: &mut Calls, wire_id: u64) -> Option<&mut Call> {
    let key = KeyData::from_ffi(wire_id);
    // Some numbers are read as the nearest one that can be a key.
    calls.get_mut(key.into()).filter(|_| key.as_ffi() == wire_id)
}
