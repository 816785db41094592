//! Which call is where: waiting, with a worker, answered. Pure: time is an argument, no socket in sight.
//!
//! The promises kept here: every call ends by its deadline; an answer reaches the call that it belongs to or none; a
//! call goes to a second worker when the first is silent, and to another one when a worker is gone or breaks the
//! protocol, until it has met three such ends; calls above the bound wait their turn. The bytes to be sent gather in
//! each link's buffer; `link` moves them.

pub use super::calls::{Answer, CallKey, LinkId, Question};
use super::calls::{CallState, Calls};
use crate::{config::Relay, counters::Counters};
use std::{
    collections::VecDeque,
    mem,
    sync::Arc,
    task::{Poll, Waker},
    time::{Duration, Instant},
};
use thiserror::Error;
use wire::Hello;

/// One thread's calls and links.
#[derive(Debug)]
pub struct Switchboard {
    relay: Relay,
    calls: Calls,
    links: Vec<Link>,
    /// Calls that wait for a link or for room under the bound, oldest first. Some may have ended since.
    queue: VecDeque<CallKey>,
    /// Calls with a worker now.
    in_flight: usize,
    links_made: u64,
    /// Where the search for the least busy link begins, so that equals take turns.
    turn: usize,
    counters: Arc<Counters>,
}

/// A link as the switchboard sees it.
#[derive(Debug)]
struct Link {
    id: LinkId,
    hello: Hello,
    /// Frames to be sent.
    out: Vec<u8>,
    /// Wakes the task that sends `out`.
    sender: Option<Waker>,
    in_flight: usize,
    /// The worker has asked for no more requests.
    retiring: bool,
    /// Since when it has not kept to `patience`; `None` again as soon as it says anything.
    silent_since: Option<Instant>,
    /// A call was answered over it.
    useful: bool,
}

/// Why a link is to be left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Leave {
    /// The worker asked for it, and nothing is open with it or to be sent any more.
    #[error("asked to be left")]
    Done,
    /// The worker has long said nothing, not even to a PING.
    #[error("has said nothing for {} s", SILENCE.as_secs())]
    Silent,
    /// So much waits for the worker that it cannot be reading.
    #[error("reads nothing")]
    Unread,
}

/// Links that a call may see go before only a new one will do.
const MOST_DEATHS: u8 = 2;

/// Bytes that wait for a worker to read them, above which its PINGs are not answered.
const MOST_UNREAD: usize = 64 * 1024;
/// Bytes that wait for a worker to read them, besides all requests that may be in flight, above which it is left.
const MOST_ABANDONED: usize = 8 * 1024 * 1024;
/// Links of all generations together, however many workers they say there are: those of two generations.
const MOST_LINKS: usize = 2 * wire::MAX_SLOTS as usize;

/// Time that a silent worker has to answer a PING before its link is given up.
const SILENCE: Duration = Duration::from_secs(5);

impl Switchboard {
    /// No call and no link; retries are counted in `counters`.
    pub fn new(relay: Relay, counters: Arc<Counters>) -> Switchboard {
        Switchboard {
            relay,
            calls: Calls::default(),
            links: Vec::new(),
            queue: VecDeque::new(),
            in_flight: 0,
            links_made: 0,
            turn: 0,
            counters,
        }
    }

    /// Whether there is no call at all.
    pub fn is_empty(&self) -> bool {
        self.calls.is_empty()
    }

    /// Takes a call in and sends it to a worker, or lets it wait.
    pub fn ask(&mut self, question: Question, now: Instant) -> CallKey {
        let key = self.calls.insert(question, now + self.relay.deadline);
        if self.queue.is_empty() && self.in_flight < self.relay.in_flight {
            self.send(key, None, now);
        } else {
            self.queue.push_back(key);
        }
        key
    }

    /// The call's answer, once; until then `waker` is told. `None`: the deadline has passed.
    pub fn poll_answer(&mut self, key: CallKey, waker: &Waker) -> Poll<Option<Answer>> {
        let Some(call) = self.calls.get_mut(key) else { return Poll::Ready(None) };
        match mem::replace(&mut call.state, CallState::Over(None)) {
            CallState::Over(answer) => {
                self.calls.remove(key);
                Poll::Ready(answer)
            }
            state => {
                call.state = state;
                match &mut call.waker {
                    Some(known) => known.clone_from(waker),
                    none => *none = Some(waker.clone()),
                }
                Poll::Pending
            }
        }
    }

    /// Forgets a call, answered or not; nothing happens if it is no longer there.
    pub fn withdraw(&mut self, key: CallKey) {
        if let Some(call) = self.calls.remove(key)
            && let CallState::With { link, .. } = call.state
        {
            self.leave(link);
        }
    }

    /// A new link; the queue moves on.
    pub fn link_up(&mut self, hello: Hello, now: Instant) -> LinkId {
        self.links_made += 1;
        let id = LinkId(self.links_made);
        self.links.push(Link {
            id,
            hello,
            out: Vec::new(),
            sender: None,
            in_flight: 0,
            retiring: false,
            silent_since: None,
            useful: false,
        });
        self.advance_queue(now);
        id
    }

    /// A link is gone: what it leaves unanswered goes to another worker; what has met two deaths waits for a worker
    /// that is linked from now on, and is over with the third: it may be what they die of. Whether any call was
    /// answered over it.
    pub fn link_down(&mut self, id: LinkId, now: Instant) -> bool {
        let useful = self.link(id).is_some_and(|link| link.useful);
        self.links.retain(|link| link.id != id);
        for key in
            self.calls.keys_where(|call| matches!(call.state, CallState::With { link, .. } if link == id))
        {
            self.in_flight -= 1;
            let Some(call) = self.calls.get_mut(key) else { continue };
            if call.tries > MOST_DEATHS {
                call.end(None);
                continue;
            }
            if call.tries == MOST_DEATHS {
                // Whoever else is linked now may be as dead and not known to be.
                call.only_after = Some(LinkId(self.links_made));
            }
            call.state = CallState::Queued;
            self.queue.push_front(key);
        }
        self.advance_queue(now);
        useful
    }

    /// A worker asks for no more requests. What it has is still answered by it.
    pub fn retire(&mut self, id: LinkId) {
        if let Some(link) = self.link(id) {
            link.retiring = true;
        }
    }

    /// Why a link is to be left now, if it is.
    pub fn why_leave(&mut self, id: LinkId, now: Instant) -> Option<Leave> {
        let most = self.relay.in_flight * wire::MAX_REQUEST + MOST_ABANDONED;
        let link = self.link(id)?;
        if link.is_silent(now) {
            Some(Leave::Silent)
        } else if link.out.len() > most {
            Some(Leave::Unread)
        } else if link.retiring && link.in_flight == 0 && link.out.is_empty() {
            Some(Leave::Done)
        } else {
            None
        }
    }

    /// Whether a link has no call with its worker.
    pub fn is_quiet(&mut self, id: LinkId) -> bool {
        self.link(id).is_none_or(|link| link.in_flight == 0)
    }

    /// The worker has said something, whatever it is: it lives.
    pub fn heard(&mut self, id: LinkId) {
        if let Some(link) = self.link(id) {
            link.silent_since = None;
        }
    }

    /// An answer with this id came over this link. One that nobody waits for (any more) is dropped.
    pub fn answered(&mut self, id: LinkId, wire_id: u64, mut answer: Answer, now: Instant) {
        let Some((key, call)) = self.calls.by_wire_id(wire_id) else { return };
        if !matches!(call.state, CallState::With { link, .. } if link == id) || call.wire_id(key) != wire_id {
            return;
        }
        answer.took = self.relay.deadline.saturating_sub(call.deadline.saturating_duration_since(now));
        call.end(Some(answer));
        if let Some(link) = self.leave(id) {
            link.useful = true;
        }
        if !self.queue.is_empty() {
            self.advance_queue(now);
        }
    }

    /// The bytes that a link is to send, which takes out what it has sent; `waker` is told of further ones.
    pub fn unsent(&mut self, id: LinkId, waker: &Waker) -> Option<&mut Vec<u8>> {
        let link = self.link(id)?;
        match &mut link.sender {
            Some(known) => known.clone_from(waker),
            none => *none = Some(waker.clone()),
        }
        Some(&mut link.out)
    }

    /// Answers a worker's PING, unless it has long read nothing.
    pub fn pong(&mut self, id: LinkId, ping: u64) {
        if let Some(link) = self.link(id).filter(|link| link.out.len() < MOST_UNREAD) {
            wire::encode_pong(&mut link.out, ping);
        }
    }

    /// Ends calls whose deadline has passed and sends those that met silence to another worker.
    pub fn tick(&mut self, now: Instant) {
        let overdue = self.calls.keys_where(|call| match call.state {
            CallState::Over(_) => false,
            CallState::Queued => now >= call.deadline,
            CallState::With { at, .. } => {
                now >= call.deadline || call.tries < 2 && now.duration_since(at) >= self.relay.patience
            }
        });
        for key in overdue {
            self.overdue(key, now);
        }
        let calls = &mut self.calls;
        self.queue
            .retain(|key| calls.get_mut(*key).is_some_and(|call| matches!(call.state, CallState::Queued)));
        self.advance_queue(now);
        for link in &self.links {
            if link.is_silent(now) {
                link.wake();
            }
        }
    }

    /// Whether a worker of the newest generation is without a link, as far as the links tell.
    pub fn lacks_links(&self) -> bool {
        match self.newest() {
            _ if self.links.len() >= MOST_LINKS => false,
            None => true,
            Some(newest) => {
                let covered = self.links.iter().filter(|link| link.serves(newest.generation)).count();
                covered < usize::from(newest.slots)
            }
        }
    }

    /// Whether a link to the worker that says `hello` is of use, or one more than needed.
    pub fn wants(&self, hello: &Hello) -> bool {
        let known = |link: &Link| link.serves(hello.generation) && link.hello.slot == hello.slot;
        match self.newest() {
            _ if self.links.len() >= MOST_LINKS => false,
            None => true,
            Some(newest) => hello.generation >= newest.generation && !self.links.iter().any(known),
        }
    }

    /// Whether there is no worker to ask.
    pub fn is_cut_off(&self) -> bool {
        self.newest().is_none()
    }

    fn newest(&self) -> Option<Hello> {
        let live = self.links.iter().filter(|link| !link.retiring);
        live.map(|link| link.hello).max_by_key(|hello| hello.generation)
    }

    fn overdue(&mut self, key: CallKey, now: Instant) {
        let Some(call) = self.calls.get_mut(key) else { return };
        let (expired, state) = (now >= call.deadline, &call.state);
        let from = match *state {
            CallState::With { link, .. } => Some(link),
            _ => None,
        };
        if expired {
            call.end(None);
            if let Some(link) = from {
                self.suspect(link, now);
                self.leave(link);
            }
        } else if let Some(link) = from {
            self.suspect(link, now);
            if self.links.iter().any(|other| !other.retiring && other.id != link) {
                self.leave(link);
                self.send(key, Some(link), now);
            }
        }
    }

    /// Notes that a worker has been silent for too long, and asks whether it lives.
    fn suspect(&mut self, id: LinkId, now: Instant) {
        if let Some(link) = self.link(id)
            && link.silent_since.is_none()
        {
            link.silent_since = Some(now);
            wire::encode_ping(&mut link.out, 0);
            link.wake();
        }
    }

    /// Sends waiting calls while there is room for them.
    fn advance_queue(&mut self, now: Instant) {
        for _ in 0..self.queue.len() {
            if self.in_flight >= self.relay.in_flight || self.links.iter().all(|link| link.retiring) {
                return;
            }
            let Some(key) = self.queue.pop_front() else { return };
            let waits = self.calls.get_mut(key).is_some_and(|call| matches!(call.state, CallState::Queued));
            if waits {
                self.send(key, None, now);
            }
        }
    }

    /// Sends a call to the least busy worker but `avoid`, or lets it wait when there is none.
    fn send(&mut self, key: CallKey, avoid: Option<LinkId>, now: Instant) {
        let Some(call) = self.calls.get_mut(key) else { return };
        let usable = |link: &Link| {
            !link.retiring && Some(link.id) != avoid && call.only_after.is_none_or(|last| link.id > last)
        };
        let Some(chosen) = pick(&self.links, &mut self.turn, usable) else {
            call.state = CallState::Queued;
            self.queue.push_back(key);
            return;
        };
        let link = &mut self.links[chosen];
        call.tries += 1;
        if call.tries > 1 {
            self.counters.retries.count();
        }
        call.state = CallState::With { link: link.id, at: now };
        let wire_id = call.wire_id(key);
        call.question.encode(&mut link.out, wire_id);
        link.in_flight += 1;
        self.in_flight += 1;
        link.wake();
    }

    /// A call is no longer with the worker of this link, which is returned.
    fn leave(&mut self, id: LinkId) -> Option<&mut Link> {
        self.in_flight -= 1;
        let link = self.link(id)?;
        link.in_flight -= 1;
        if link.retiring && link.in_flight == 0 {
            link.wake();
        }
        Some(link)
    }

    fn link(&mut self, id: LinkId) -> Option<&mut Link> {
        self.links.iter_mut().find(|link| link.id == id)
    }
}

impl Link {
    fn serves(&self, generation: u64) -> bool {
        !self.retiring && self.hello.generation == generation
    }

    fn is_silent(&self, now: Instant) -> bool {
        self.silent_since.is_some_and(|since| now.duration_since(since) >= SILENCE)
    }

    fn wake(&self) {
        if let Some(sender) = &self.sender {
            sender.wake_by_ref();
        }
    }
}

/// The usable link with the fewest calls; one whose worker is silent only when there is no other.
fn pick(links: &[Link], turn: &mut usize, usable: impl Fn(&Link) -> bool) -> Option<usize> {
    *turn = turn.wrapping_add(1);
    let first = *turn % links.len().max(1);
    (first..links.len())
        .chain(0..first)
        .filter(|at| usable(&links[*at]))
        .min_by_key(|at| (links[*at].silent_since.is_some(), links[*at].in_flight))
}

#[cfg(test)]
mod tests;
