//! The table of calls: what was asked, where it is, and the ids that keep answers apart.
//!
//! The id of a call on the wire holds its place in the table, the call's serial number and the number of the try. A
//! reply is accepted only when all three are those of a call that waits at that link; so a late reply to a call that
//! has ended, or that was sent to another worker since, can never become somebody's answer.

use bytes::Bytes;
use hyper::{HeaderMap, Uri};
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
    index: u32,
    serial: u32,
}

/// All calls of a thread.
#[derive(Debug, Default)]
pub struct Calls {
    slots: Vec<Slot>,
    free: Vec<u32>,
    /// The serial number of the next call.
    next: u32,
}

#[derive(Debug)]
struct Slot {
    serial: u32,
    call: Option<Call>,
}

/// Bits of a wire id that hold the place in the table; then 8 for the try and 32 for the serial number.
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
    /// A call that nobody has been sent yet.
    pub fn new(question: Question, deadline: Instant) -> Call {
        Call { question, deadline, state: CallState::Queued, tries: 0, only_after: None, waker: None }
    }

    /// The id of the call's present try.
    pub fn wire_id(&self, key: CallKey) -> u64 {
        u64::from(key.serial) << 32 | u64::from(self.tries) << INDEX_BITS | u64::from(key.index)
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
        self.slots.len() == self.free.len()
    }

    /// Takes a call in.
    pub fn insert(&mut self, call: Call) -> CallKey {
        let serial = self.next;
        self.next = serial.wrapping_add(1);
        let slot = Slot { serial, call: Some(call) };
        if let Some(index) = self.free.pop() {
            self.slots[index as usize] = slot;
            return CallKey { index, serial };
        }
        // Connections, of which each has one call at most, are limited to far fewer than the 2^24 that an id can hold.
        let index = self.slots.len() as u32;
        self.slots.push(slot);
        CallKey { index, serial }
    }

    /// The call with this key, if it is still there.
    pub fn get_mut(&mut self, key: CallKey) -> Option<&mut Call> {
        let slot = self.slots.get_mut(key.index as usize).filter(|slot| slot.serial == key.serial)?;
        slot.call.as_mut()
    }

    /// Takes a call out, if it is still there.
    pub fn remove(&mut self, key: CallKey) -> Option<Call> {
        let slot = self.slots.get_mut(key.index as usize).filter(|slot| slot.serial == key.serial)?;
        let call = slot.call.take()?;
        self.free.push(key.index);
        Some(call)
    }

    /// The call that a wire id may belong to; the caller compares the whole id.
    pub fn by_wire_id(&mut self, wire_id: u64) -> Option<(CallKey, &mut Call)> {
        let index = (wire_id & ((1 << INDEX_BITS) - 1)) as u32;
        let key = CallKey { index, serial: (wire_id >> 32) as u32 };
        self.get_mut(key).map(|call| (key, call))
    }

    /// The calls for which `condition` holds, in no particular order.
    pub fn keys_where(&self, condition: impl Fn(&Call) -> bool) -> Vec<CallKey> {
        let calls = self.slots.iter().enumerate();
        calls
            .filter(|(_, slot)| slot.call.as_ref().is_some_and(&condition))
            .map(|(index, slot)| CallKey { index: index as u32, serial: slot.serial })
            .collect()
    }
}
