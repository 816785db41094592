//! The clients connected to one thread: what each is doing, since when, and for how long it may.
//!
//! A connection has no timer of its own: it notes what it waits for, and [`Clients::sweep`] looks at all of them now
//! and then. That is exact to a sweep, costs nothing per request and a few words per connection.

use crate::{backend::BLOCK, config::Limits, counters::Counters};
use slab::Slab;
use std::{
    cell::{Cell, RefCell},
    cmp::Reverse,
    collections::{BTreeSet, HashMap},
    net::{IpAddr, Ipv6Addr},
    rc::{Rc, Weak},
    sync::Arc,
    task::Waker,
    time::{Duration, Instant},
};
use tokio::sync::Notify;
use wire::net::Peer;

/// A client that says nothing for this long after its answer will hardly say something soon.
const RESTLESS: Duration = Duration::from_secs(1);
/// For how long it is good who has how many connections and who could make room. Shorter than [`RESTLESS`]: who comes meanwhile,
/// perhaps with the key of one that has gone, is not to be dispensable by then.
const GOOD_FOR: Duration = Duration::from_millis(100);
/// Bytes a second that a client is supposed to read of which nothing is known yet: a slow line.
const SUPPOSED: u64 = 8 * 1024;
/// For how long that counts as much as what is known.
const UNKNOWN: Duration = Duration::from_secs(1);

/// What a connection waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// The rest of a head, or the first head of all.
    Head,
    /// The next request.
    Idle,
    /// Us: its request is being answered.
    Served,
    /// Its client to read its answer.
    Unread,
}

/// What a connection is told to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// To go on.
    GoOn,
    /// To be idle in as little memory as possible.
    Rest,
    /// To end unless its client asks for something at this very moment: its place is needed.
    MakeRoom,
    /// To end: its time is up.
    End,
}

/// All connections of one thread.
#[derive(Debug)]
pub struct Clients {
    limits: Limits,
    /// Bytes of unread answers that there may be.
    most_unread: usize,
    all: RefCell<Slab<Weak<Client>>>,
    /// The keys of those that read their answers.
    readers: RefCell<BTreeSet<usize>>,
    /// Bytes of unread answers that there are, those that are about to be cut off among them.
    unread: Cell<usize>,
    /// When it was counted who has how many.
    counted: Cell<Option<Instant>>,
    /// The keys of those that could make room then, the next one last.
    spare: RefCell<Vec<usize>>,
    stopping: Cell<bool>,
    /// The thread's.
    pub counters: Arc<Counters>,
    /// Tells that a connection has ended.
    ended: Notify,
}

/// One connection; it ends when it is dropped.
#[derive(Debug)]
pub struct Client {
    /// All of its thread.
    pub clients: Rc<Clients>,
    key: usize,
    /// The other end.
    pub peer: Peer,
    phase: Cell<Phase>,
    since: Cell<Instant>,
    order: Cell<Order>,
    /// Nothing of a request has come, and nothing but its socket is held for it.
    waits: Cell<bool>,
    /// The last request has a body, so that the connection ends with its answer.
    pub sends_body: Cell<bool>,
    /// Bytes of the answer in work, 0 if there is none.
    answer: Cell<usize>,
    /// Of an answer that does not fit, what was the client's to take: in the socket at first, and written since.
    offered: Cell<usize>,
    /// What of that it had taken when it was looked at last.
    taken: Cell<usize>,
    waker: RefCell<Waker>,
}

impl Clients {
    /// Nobody yet; one of `threads` threads that share the limits.
    pub fn new(limits: Limits, threads: usize, counters: Arc<Counters>) -> Clients {
        Clients {
            limits,
            most_unread: limits.unsent / threads.max(1),
            all: RefCell::default(),
            readers: RefCell::default(),
            unread: Cell::new(0),
            counted: Cell::new(None),
            spare: RefCell::default(),
            stopping: Cell::new(false),
            counters,
            ended: Notify::new(),
        }
    }

    /// A new connection, and its other end.
    pub fn enter(self: &Rc<Clients>, peer: Peer) -> Rc<Client> {
        self.counters.connections.count();
        let mut all = self.all.borrow_mut();
        let place = all.vacant_entry();
        let client = Rc::new(Client {
            clients: Rc::clone(self),
            key: place.key(),
            peer,
            phase: Cell::new(Phase::Head),
            since: Cell::new(Instant::now()),
            order: Cell::new(Order::GoOn),
            waits: Cell::new(false),
            sends_body: Cell::new(false),
            answer: Cell::new(0),
            offered: Cell::new(0),
            taken: Cell::new(0),
            waker: RefCell::new(Waker::noop().clone()),
        });
        place.insert(Rc::downgrade(&client));
        client
    }

    /// Ends the connections that wait for longer than they may, and has it looked at what the others read.
    pub fn sweep(&self, now: Instant) {
        self.counters.turned(now);
        let all = self.everybody();
        let dispensable = all.iter().filter(|client| client.is_dispensable(now)).count();
        self.counters.dispensable.set(dispensable as u64);
        for client in all {
            let phase = client.phase.get();
            let time = now.duration_since(client.since.get());
            let rests = client.order() != Order::GoOn || client.waits.get();
            if time > self.patience(phase) {
                client.told(Order::End);
            } else if phase == Phase::Idle && time > RESTLESS && !rests {
                self.counters.rested.count();
                client.told(Order::Rest);
            } else if phase == Phase::Unread {
                client.wake();
            }
        }
    }

    /// Has a connection closed that wants nothing at the moment, so that another one gets in: of those who have most the
    /// one that has been idle for the longest, so that whoever takes all places loses his own.
    ///
    /// Cost: all connections are looked at once within [`GOOD_FOR`], however many want to get in.
    pub fn make_room(&self, now: Instant) {
        if self.counted.get().is_none_or(|counted| now.duration_since(counted) >= GOOD_FOR) {
            self.counted.set(Some(now));
            self.find_spare(now);
        }
        let mut spare = self.spare.borrow_mut();
        while let Some(key) = spare.pop() {
            // Some have asked for something meanwhile, or are gone.
            if let Some(client) = self.client(key).filter(|client| client.is_dispensable(now)) {
                self.counters.made_room.count();
                return client.told(Order::MakeRoom);
            }
        }
    }

    /// Counts who has how many connections, and notes those that could make room.
    fn find_spare(&self, now: Instant) {
        let (all, mut counts) = (self.everybody(), HashMap::<_, usize>::new());
        all.iter().for_each(|client| *counts.entry(whose(client.peer)).or_default() += 1);
        let mut spare: Vec<_> = all.iter().filter(|client| client.is_dispensable(now)).collect();
        spare.sort_by_cached_key(|client| (counts[&whose(client.peer)], Reverse(client.since.get())));
        self.spare.replace(spare.iter().map(|client| client.key).collect());
    }

    /// Cuts off those that read slowest while there are more unread answers than there may be, of equals the one that is
    /// here for the longest. One is always left: a limit below a single answer cuts nobody off who is alone.
    fn cut_off_slowest(&self, now: Instant) {
        if self.unread.get() <= self.most_unread {
            return;
        }
        let readers = self.readers.borrow();
        let unread = readers.iter().filter_map(|key| self.client(*key));
        let mut unread: Vec<_> = unread.filter(|client| client.order.get() != Order::End).collect();
        unread.sort_by_key(|client| Reverse(client.pace(now)));
        let mut bytes = 0;
        for (faster, client) in unread.iter().enumerate() {
            bytes += client.answer.get();
            if bytes > self.most_unread && faster > 0 {
                self.counters.slow_readers.count();
                client.told(Order::End);
            }
        }
    }

    /// How often to sweep: a fraction of the shortest time that a client may have, and some times a second.
    pub fn sweep_interval(&self) -> Duration {
        let limits = &self.limits;
        let shortest = limits.header_timeout.min(limits.idle_timeout).min(limits.write_timeout);
        (shortest / 8).clamp(Duration::from_millis(10), Duration::from_millis(250))
    }

    /// Tells all connections that the program stops: the idle ones end, the others after their answer. Waits until the
    /// last one has ended.
    pub async fn stop(&self) {
        self.stopping.set(true);
        self.everybody().iter().for_each(|client| client.wake());
        while !self.all.borrow().is_empty() {
            self.ended.notified().await;
        }
    }

    fn client(&self, key: usize) -> Option<Rc<Client>> {
        self.all.borrow().get(key).and_then(Weak::upgrade)
    }

    fn everybody(&self) -> Vec<Rc<Client>> {
        self.all.borrow().iter().filter_map(|(_, client)| client.upgrade()).collect()
    }

    fn patience(&self, phase: Phase) -> Duration {
        match phase {
            Phase::Head => self.limits.header_timeout,
            Phase::Idle => self.limits.idle_timeout,
            Phase::Served => Duration::MAX,
            Phase::Unread => self.limits.write_timeout,
        }
    }
}

/// Whose connections are counted together: an IPv4 address, the first half of an IPv6 address, which is what one customer
/// has at least, or nobody for all who come over a socket file.
fn whose(peer: Peer) -> Option<IpAddr> {
    match peer {
        Peer::Address(IpAddr::V6(address)) => Some(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into()),
        Peer::Address(address) => Some(address),
        Peer::Unix => None,
    }
}

impl Client {
    /// Whether it has neither asked nor begun to ask for a while: kept after its answer, or silent from the beginning.
    fn is_dispensable(&self, now: Instant) -> bool {
        self.waits.get() && self.order() == Order::GoOn && now.duration_since(self.since.get()) > RESTLESS
    }

    /// Bytes that it reads in a second, and for how long it has not been here. What counts is what it has taken since its
    /// answer did not fit, not whether it has just taken a sip. One that has only just come counts as a slow reader,
    /// above those that hardly read and below those that have been seen to.
    fn pace(&self, now: Instant) -> (u64, Reverse<Duration>) {
        let time = now.saturating_duration_since(self.since.get());
        let known = self.taken.get() as u64 * 1000 + SUPPOSED * UNKNOWN.as_millis() as u64;
        (known / (time + UNKNOWN).as_millis() as u64, Reverse(time))
    }

    fn told(&self, order: Order) {
        self.order.set(order);
        self.wake();
    }

    fn wake(&self) {
        self.waker.borrow().wake_by_ref();
    }

    fn enter(&self, phase: Phase) {
        self.stay();
        self.no_longer_unread();
        self.phase.set(phase);
        self.since.set(Instant::now());
    }

    fn no_longer_unread(&self) {
        if self.phase.get() == Phase::Unread {
            self.clients.unread.update(|bytes| bytes - self.answer.get());
            self.clients.readers.borrow_mut().remove(&self.key);
        }
    }

    /// It has asked for something in time: only the end of its time is still its end.
    fn stay(&self) {
        if self.order.get() != Order::End {
            self.order.set(Order::GoOn);
        }
    }

    /// Bytes have come.
    pub fn on_read(&self) {
        if self.phase.get() == Phase::Idle {
            self.enter(Phase::Head);
        }
    }

    /// A request has come, all but its body if it has one.
    pub fn on_request(&self, sends_body: bool) {
        self.stay();
        self.no_longer_unread();
        self.phase.set(Phase::Served);
        self.sends_body.set(sends_body);
    }

    /// An answer of so many bytes is about to be written. It holds the block that it lies in, however short it is.
    pub fn on_answered(&self, bytes: usize) {
        self.answer.set(bytes.max(BLOCK));
    }

    /// Whether an answer is there of which not all is written.
    pub fn has_answer(&self) -> bool {
        self.answer.get() > 0
    }

    /// A part of the answer was written.
    pub fn on_written(&self, bytes: usize) {
        self.offered.update(|offered| offered + bytes);
    }

    /// The answer does not fit into the socket, which holds so many bytes that nobody has taken. If it is one too many,
    /// those that read slowest are cut off.
    pub fn on_unread(&self, untaken: usize) {
        if self.phase.get() == Phase::Unread {
            self.taken.set(self.offered.get().saturating_sub(untaken).max(self.taken.get()));
            return;
        }
        self.enter(Phase::Unread);
        self.clients.unread.update(|bytes| bytes + self.answer.get());
        self.clients.readers.borrow_mut().insert(self.key);
        self.offered.set(untaken);
        self.taken.set(0);
        self.clients.cut_off_slowest(self.since.get());
    }

    /// All that was to be written is written: if it was an answer, the next request may come.
    pub fn on_flushed(&self) {
        if self.has_answer() {
            self.enter(Phase::Idle);
            self.answer.set(0);
        }
    }

    /// It waits with nothing but its socket, or no longer does: it has come to an end, or asked for something.
    pub fn waits(&self, waits: bool) {
        self.waits.set(waits);
        self.stay();
    }

    /// What it is told to do.
    pub fn order(&self) -> Order {
        self.order.get()
    }

    /// Whom to wake when it is told something or the program stops.
    pub fn wakes(&self, waker: &Waker) {
        self.waker.borrow_mut().clone_from(waker);
    }

    /// Whether the program stops and the connection is to end, after its answer if it is about to get one.
    ///
    /// A client whose head is under way, or which has only just connected, is answered first.
    pub fn may_stop(&self) -> bool {
        self.clients.stopping.get() && self.phase.get() != Phase::Head
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.no_longer_unread();
        self.clients.counters.closed.count();
        self.clients.all.borrow_mut().remove(self.key);
        self.clients.ended.notify_one();
    }
}

#[cfg(test)]
mod tests;
