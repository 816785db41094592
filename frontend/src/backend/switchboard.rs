//! Which call is where: waiting, with a worker, answered. Pure: time is an argument, no socket in sight.
//!
//! The promises kept here: every call ends by its deadline; an answer reaches the call that it belongs to or none; a
//! call goes to a second worker when the first is silent, and to another one when a worker is gone or breaks the
//! protocol, until it has met three such ends, the third alone; calls above the bound wait their turn. The bytes to be sent
//! gather in each link's buffer; `link` moves them.

use super::{
    calls::{self, Call, CallState, Calls},
    end::End,
    links::Link,
};
pub use super::{
    calls::{Answer, CallKey},
    links::LinkId,
};
use crate::{config::Relay, counters::Counters};
use slotmap::SlotMap;
use std::{
    collections::VecDeque,
    sync::Arc,
    task::{Poll, Waker},
    time::Instant,
};
use wire::{Hello, Request};

/// Links that a call may see go before only a new one will do, and no other call goes with it: it may be what workers die of.
/// One more is its end. Were it two more, a single call could make the only worker die three times just after its start, even if
/// the first one had long been there, and the daemon would take that for the fault of a cache that it has just loaded.
const MOST_DEATHS: u8 = 2;

/// Calls of one turn of the loop that a worker gets together, before another one is woken: what wakes cost is more than
/// what these take.
const TOGETHER: usize = 8;

/// Bytes that wait for a worker to read them, besides all requests that may be in flight, above which it is left.
const MOST_ABANDONED: usize = 8 * 1024 * 1024;
/// Links of all generations together, however many workers they say there are: those of two generations.
pub const MOST_LINKS: usize = 2 * wire::MAX_SLOTS as usize;

/// One thread's calls and links.
#[derive(Debug)]
pub struct Switchboard {
    relay: Relay,
    calls: Calls,
    /// A link is here for as long as its task runs, and calls are with none but these.
    links: SlotMap<LinkId, Link>,
    /// Calls that wait for a link or for room under the bound, oldest first. Some may have ended since.
    queue: VecDeque<CallKey>,
    /// The same of calls that are to be alone with a worker. They come first: the links that they wait for are for nobody else
    /// until the last of them is answered.
    lone: VecDeque<CallKey>,
    /// Calls with a worker now.
    in_flight: usize,
    links_made: u64,
    /// How many links there may be; see [`MOST_LINKS`].
    most_links: usize,
    /// Where the search for the least busy link begins, so that equals take turns.
    turn: usize,
    counters: Arc<Counters>,
}

impl Switchboard {
    /// No call, and no link yet of `most_links`; retries are counted in `counters`.
    pub fn new(relay: Relay, most_links: usize, counters: Arc<Counters>) -> Switchboard {
        Switchboard {
            relay,
            calls: Calls::default(),
            links: SlotMap::default(),
            queue: VecDeque::new(),
            lone: VecDeque::new(),
            in_flight: 0,
            links_made: 0,
            most_links,
            turn: 0,
            counters,
        }
    }

    /// Whether there is no call at all.
    pub fn is_empty(&self) -> bool {
        self.calls.is_empty()
    }

    /// Takes a call in and sends it to a worker, or lets it wait.
    pub fn ask(&mut self, question: &Request<'_>, now: Instant) -> CallKey {
        let key = calls::insert(&mut self.calls, question, now + self.relay.deadline);
        self.queue.push_back(key);
        self.advance_queue(now);
        key
    }

    /// The call's answer, once; until then `waker` is told. `None`: the deadline has passed.
    pub fn poll_answer(&mut self, key: CallKey, waker: &Waker) -> Poll<Option<Answer>> {
        let Some(call) = self.calls.get_mut(key) else { return Poll::Ready(None) };
        if let CallState::Over(answer) = &mut call.state {
            let answer = answer.take();
            self.calls.remove(key);
            return Poll::Ready(answer);
        }
        call.waker.clone_from(waker);
        Poll::Pending
    }

    /// Forgets a call, answered or not; nothing happens if it is no longer there.
    pub fn withdraw(&mut self, key: CallKey) {
        if let Some(link) = self.calls.remove(key).and_then(|call| call.link()) {
            self.leave(link);
        }
    }

    /// A new link; the queue moves on.
    pub fn link_up(&mut self, hello: Hello, now: Instant) -> LinkId {
        self.links_made += 1;
        let id = self.links.insert(Link::new(self.links_made, hello));
        self.advance_queue(now);
        id
    }

    /// A link is gone: what it leaves unanswered goes to another worker; what has met two deaths waits for a worker
    /// that is linked from now on and that it has for itself, and is over with the third. Whether any call was answered
    /// over it.
    pub fn link_down(&mut self, id: LinkId, now: Instant) -> bool {
        for (key, call) in self.calls.iter_mut().filter(|(_, call)| call.link() == Some(id)) {
            self.in_flight -= 1;
            call.deaths += 1;
            if call.deaths > MOST_DEATHS {
                call.end(None);
                continue;
            }
            call.state = CallState::Queued;
            if call.deaths == MOST_DEATHS {
                // Whoever else is linked now may be as dead and not known to be.
                call.alone_after = Some(self.links_made);
                self.lone.push_back(key);
            } else {
                self.queue.push_front(key);
            }
        }
        let link = self.links.remove(id);
        self.advance_queue(now);
        link.is_some_and(|link| link.useful)
    }

    /// The link, to be told what comes over it.
    pub fn link(&mut self, id: LinkId) -> &mut Link {
        &mut self.links[id]
    }

    /// Why a link is to be left now, if it is.
    pub fn may_stay(&self, id: LinkId, now: impl Fn() -> Instant) -> Result<(), End> {
        let link = &self.links[id];
        if link.silent_since.is_some() && link.is_silent(now()) {
            return Err(End::Silent);
        }
        if link.out.len() > self.relay.in_flight * wire::MAX_REQUEST + MOST_ABANDONED {
            return Err(End::Unread);
        }
        if link.retiring && link.in_flight == 0 && link.out.is_empty() {
            return Err(End::Retired);
        }
        Ok(())
    }

    /// An answer with this id came over this link. One that nobody waits for (any more) is dropped.
    pub fn answered(&mut self, id: LinkId, wire_id: u64, mut answer: Answer, now: Instant) {
        let call = calls::by_wire_id(&mut self.calls, wire_id);
        let Some(call) = call.filter(|call| call.link() == Some(id)) else { return };
        answer.took = self.relay.deadline.saturating_sub(call.deadline.saturating_duration_since(now));
        call.end(Some(answer));
        self.leave(id);
        self.links[id].useful = true;
        self.advance_queue(now);
    }

    /// Ends calls whose deadline has passed and sends those that met silence to another worker.
    pub fn tick(&mut self, now: Instant) {
        let is_overdue = |call: &Call| match call.state {
            CallState::Over(_) => false,
            CallState::Queued => now >= call.deadline,
            CallState::With { at, .. } => {
                now >= call.deadline || call.tries < 2 && now.duration_since(at) >= self.relay.patience
            }
        };
        let overdue = self.calls.iter().filter(|(_, call)| is_overdue(call));
        for key in overdue.map(|(key, _)| key).collect::<Vec<_>>() {
            self.overdue(key, now);
        }
        for queue in [&mut self.queue, &mut self.lone] {
            queue.retain(|key| self.calls.get(*key).is_some_and(Call::is_queued));
        }
        self.advance_queue(now);
        for link in self.links.values().filter(|link| link.is_silent(now)) {
            link.sender.wake_by_ref();
        }
    }

    /// Whether a worker of the newest generation is without a link, as far as the links tell.
    pub fn lacks_links(&self) -> bool {
        let (generation, slots) = self.newest().map_or((0, 1), |newest| (newest.generation, newest.slots));
        let covered = self.links.values().filter(|link| link.serves(generation)).count();
        self.links.len() < self.most_links && covered < usize::from(slots)
    }

    /// Whether a link to the worker that says `hello` is of use, or one more than needed.
    pub fn wants(&self, hello: &Hello) -> bool {
        let known = |link: &Link| link.serves(hello.generation) && link.hello.slot == hello.slot;
        let is_old = self.newest().is_some_and(|newest| newest.generation > hello.generation);
        self.links.len() < self.most_links && !is_old && !self.links.values().any(known)
    }

    /// Whether there is no worker to ask.
    pub fn is_cut_off(&self) -> bool {
        self.newest().is_none()
    }

    fn newest(&self) -> Option<Hello> {
        let live = self.links.values().filter(|link| !link.retiring);
        live.map(|link| link.hello).max_by_key(|hello| hello.generation)
    }

    /// Ends a call, or has it asked again of a worker other than the one that is silent.
    fn overdue(&mut self, key: CallKey, now: Instant) {
        let call = &mut self.calls[key];
        let (is_over, silent) = (now >= call.deadline, call.link());
        if is_over {
            call.end(None);
        }
        let Some(silent) = silent else { return };
        self.links[silent].suspect(now);
        if is_over {
            self.leave(silent);
        } else if let Some(other) = self.choose(key, Some(silent)) {
            self.leave(silent);
            self.send(key, other, now);
        }
    }

    /// Sends waiting calls while there is room for them.
    fn advance_queue(&mut self, now: Instant) {
        self.advance(|board| &mut board.lone, now);
        self.advance(|board| &mut board.queue, now);
    }

    /// Sends the calls of one queue until there is no room, or no link for the first of them; then there is none for the others.
    fn advance(&mut self, queue: fn(&mut Switchboard) -> &mut VecDeque<CallKey>, now: Instant) {
        while self.in_flight < self.relay.in_flight
            && let Some(key) = queue(self).front().copied()
        {
            if self.calls.get(key).is_some_and(Call::is_queued) {
                let Some(link) = self.choose(key, None) else { return };
                self.send(key, link, now);
            }
            queue(self).pop_front();
        }
    }

    /// The link for a call, if there is one: where others are that have not gone out yet, else that of the least busy worker; not
    /// `avoid`. One that is silent is it only when there is no other. A call that is sent once more may be what its first worker
    /// ended of, and those that were with it are not to go with it again.
    fn choose(&mut self, key: CallKey, avoid: Option<LinkId>) -> Option<LinkId> {
        let (call, reserved) = (&self.calls[key], self.reserved_after());
        let may = |link: &Link| match call.alone_after {
            Some(after) => link.in_flight == 0 && link.number > after,
            None => !link.is_alone && reserved.is_none_or(|after| link.number <= after),
        };
        self.turn = self.turn.wrapping_add(1);
        let first = self.turn % self.links.len().max(1);
        let (before, after) = (self.links.iter().take(first), self.links.iter().skip(first));
        let usable =
            after.chain(before).filter(|(id, link)| !link.retiring && Some(*id) != avoid && may(link));
        let chosen = usable.min_by_key(|(_, link)| {
            let along = call.tries == 0 && !link.out.is_empty() && link.in_flight < TOGETHER;
            (link.silent_since.is_some(), !along, link.in_flight)
        });
        chosen.map(|(id, _)| id)
    }

    /// Links made after this one are for calls that are to be alone, since one waits for them.
    fn reserved_after(&self) -> Option<u64> {
        let mut waiting =
            self.lone.iter().filter_map(|key| self.calls.get(*key)).filter(|call| call.is_queued());
        waiting.find_map(|call| call.alone_after)
    }

    /// Sends a call over this link.
    fn send(&mut self, key: CallKey, id: LinkId, now: Instant) {
        let (call, link) = (&mut self.calls[key], &mut self.links[id]);
        call.tries += 1;
        if call.tries > 1 {
            self.counters.retries.count();
        }
        call.state = CallState::With { link: id, at: now };
        link.out.extend_from_slice(&call.frame);
        link.in_flight += 1;
        link.is_alone = call.alone_after.is_some();
        self.in_flight += 1;
        link.sender.wake_by_ref();
    }

    /// A call is no longer with the worker of this link.
    fn leave(&mut self, id: LinkId) {
        self.in_flight -= 1;
        let link = &mut self.links[id];
        link.in_flight -= 1;
        link.is_alone = false;
        if link.retiring && link.in_flight == 0 {
            link.sender.wake_by_ref();
        }
    }
}

#[cfg(test)]
mod tests;
