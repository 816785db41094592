//! The table of calls: what was asked, where it is, and the ids that keep answers apart.
//!
//! The id of a call on the wire holds its place in the table, the call's serial number and the number of the try. A
//! reply is accepted only when all three are those of a call that waits at that link; so a late reply to a call that
//! has ended, or that was sent to another worker since, can never become somebody's answer.

use bytes::Bytes;
use hyper::{HeaderMap, Uri};
use slab::Slab;
use std::{
    net::IpAddr,
    task::Waker,
    time::{Duration, Instant},
};
use wire::{Accept, Method, ReplyHead, UrlScheme};

/// Identifies a link for as long as the thread runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LinkId(pub(super) u64);

/// What is asked.
#[derive(Clone, Debug)]
pub struct Question {
    /// GET or HEAD.
    pub method: Method,
    /// How the client came.
    pub scheme: UrlScheme,
    /// What answers the client takes.
    pub accept: Accept,
    /// Who asks, if known.
    pub client: Option<IpAddr>,
    /// What for: path and query.
    pub uri: Uri,
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
    /// What is asked.
    pub question: Question,
    /// When it is over, answered or not.
    pub deadline: Instant,
    /// Where it is.
    pub state: CallState,
    /// How many workers it has been sent to.
    pub tries: u8,
    /// Only a link made after this one will do.
    pub only_after: Option<LinkId>,
    /// Whoever waits for its end.
    pub waker: Option<Waker>,
    serial: u32,
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

/// Finds a call in the table. A key never finds a later call in the same place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallKey {
    index: usize,
    serial: u32,
}

/// All calls of a thread.
#[derive(Debug, Default)]
pub struct Calls {
    slots: Slab<Call>,
    /// The serial number of the next call.
    next: u32,
}

/// Bits of a wire id that hold the place in the table; then 8 for the try and 32 for the serial number. Connections, of
/// which each has one call at most, are limited to far fewer places.
const INDEX_BITS: u32 = 24;

impl Question {
    /// Appends the question's frame.
    pub fn encode(&self, out: &mut Vec<u8>, wire_id: u64) {
        let request = wire::Request {
            method: self.method,
            scheme: self.scheme,
            accept: self.accept,
            client: self.client,
            path: self.uri.path().as_bytes(),
            query: self.uri.query().unwrap_or_default().as_bytes(),
        };
        wire::encode_request(out, wire_id, &request);
    }
}

impl Call {
    /// The id of the call's present try.
    pub fn wire_id(&self, key: CallKey) -> u64 {
        u64::from(key.serial) << 32 | u64::from(self.tries) << INDEX_BITS | key.index as u64
    }

    /// The call is over; who waits for it is told.
    pub fn end(&mut self, answer: Option<Answer>) {
        self.state = CallState::Over(answer);
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}

impl Calls {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// Takes a call in that nobody has been sent yet.
    pub fn insert(&mut self, question: Question, deadline: Instant) -> CallKey {
        let serial = self.next;
        self.next = serial.wrapping_add(1);
        let state = CallState::Queued;
        let call = Call { question, deadline, state, tries: 0, only_after: None, waker: None, serial };
        CallKey { index: self.slots.insert(call), serial }
    }

    /// The call with this key, if it is still there.
    pub fn get_mut(&mut self, key: CallKey) -> Option<&mut Call> {
        self.slots.get_mut(key.index).filter(|call| call.serial == key.serial)
    }

    /// Takes a call out, if it is still there.
    pub fn remove(&mut self, key: CallKey) -> Option<Call> {
        self.get_mut(key)?;
        self.slots.try_remove(key.index)
    }

    /// The call that a wire id may belong to; the caller compares the whole id.
    pub fn by_wire_id(&mut self, wire_id: u64) -> Option<(CallKey, &mut Call)> {
        let index = (wire_id & ((1 << INDEX_BITS) - 1)) as usize;
        let key = CallKey { index, serial: (wire_id >> 32) as u32 };
        self.get_mut(key).map(|call| (key, call))
    }

    /// The calls for which `condition` holds, in no particular order.
    pub fn keys_where(&self, condition: impl Fn(&Call) -> bool) -> Vec<CallKey> {
        let calls = self.slots.iter().filter(|(_, call)| condition(call));
        calls.map(|(index, call)| CallKey { index, serial: call.serial }).collect()
    }
}
