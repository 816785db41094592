//! The clients connected to one thread: what each is doing, since when, and for how long it may.
//!
//! A connection has no timer of its own: it notes what it waits for, and [`Clients::sweep`] looks at all of them now
//! and then. That is exact to a sweep, costs nothing per request and a few words per connection.

mod room;
mod unread;

use crate::{backend::BLOCK, config::Limits, counters::Counters};
use room::Room;
use slab::Slab;
use std::{
    cell::{Cell, RefCell},
    ops::Deref,
    rc::Rc,
    sync::Arc,
    task::Waker,
    time::{Duration, Instant},
};
use unread::{Progress, Unread};
use wire::net::Peer;

/// A client that says nothing for this long after its answer will hardly say something soon.
const RESTLESS: Duration = Duration::from_secs(1);

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
    unread: RefCell<Unread>,
    room: RefCell<Room>,
    all: RefCell<Slab<Rc<Client>>>,
    stopping: Cell<bool>,
    counters: Arc<Counters>,
    /// Whoever waits for the last connection to end.
    ended: RefCell<Option<Waker>>,
}

/// One connection.
#[derive(Debug)]
pub struct Client {
    /// The other end.
    peer: Peer,
    phase: Cell<Phase>,
    since: Cell<Instant>,
    order: Cell<Order>,
    /// Nothing of a request has come, and nothing but its socket is held for it.
    waits: Cell<bool>,
    /// The last request has a body.
    sends_body: Cell<bool>,
    /// Bytes of the answer in work, 0 if there is none.
    answer: Cell<usize>,
    /// What it has read of an answer that did not fit.
    progress: Progress,
    waker: RefCell<Option<Waker>>,
}

/// A connection's place among all; its end is the connection's end.
#[derive(Debug)]
pub struct Guest {
    client: Rc<Client>,
    clients: Rc<Clients>,
    key: usize,
}

impl Clients {
    /// Nobody yet; one of `threads` threads that share the limits.
    pub fn new(limits: Limits, threads: usize, counters: Arc<Counters>) -> Clients {
        Clients {
            limits,
            unread: RefCell::new(Unread::new(limits.unsent / threads.max(1))),
            room: RefCell::default(),
            all: RefCell::default(),
            stopping: Cell::new(false),
            counters,
            ended: RefCell::new(None),
        }
    }

    /// A new connection, and its other end.
    pub fn enter(self: &Rc<Clients>, peer: Peer) -> Guest {
        self.counters.connections.count();
        let client = Rc::new(Client::new(peer));
        let key = self.all.borrow_mut().insert(Rc::clone(&client));
        Guest { client, clients: Rc::clone(self), key }
    }

    /// Ends the connections that wait for longer than they may, and has it looked at what the others read.
    pub fn sweep(&self, now: Instant) {
        self.counters.turned(now);
        let dispensable = self.all.borrow().iter().filter(|(_, client)| client.is_dispensable(now)).count();
        self.counters.dispensable.set(dispensable as u64);
        for (_, client) in self.all.borrow().iter() {
            let phase = client.phase.get();
            let time = now.duration_since(client.since.get());
            if time > self.patience(phase) {
                client.told(Order::End);
            } else if phase == Phase::Idle && time > RESTLESS && client.goes_on() && !client.waits.get() {
                self.counters.rested.count();
                client.told(Order::Rest);
            } else if phase == Phase::Unread {
                client.wake();
            }
        }
    }

    /// Has a connection closed that nobody needs, so that another one gets in. Whether there is any.
    pub fn make_room(&self, now: Instant) -> bool {
        let mut room = self.room.borrow_mut();
        let Some(client) =
            room.next(now, || self.all.borrow().iter().map(|(_, client)| Rc::clone(client)).collect())
        else {
            return false;
        };
        self.counters.made_room.count();
        client.told(Order::MakeRoom);
        true
    }

    /// How often to sweep: a fraction of the shortest time that a client may have.
    pub fn sweep_interval(&self) -> Duration {
        let limits = &self.limits;
        let shortest = limits.header_timeout.min(limits.idle_timeout).min(limits.write_timeout);
        (shortest / 8).clamp(Duration::from_millis(10), Duration::from_millis(500))
    }

    /// Tells all connections that the program stops: the idle ones end, the others after their answer.
    pub fn stop(&self) {
        self.stopping.set(true);
        self.all.borrow().iter().for_each(|(_, client)| client.wake());
    }

    /// Whether no connection is left; if some are, `waker` is told when the last one ends.
    pub fn is_empty(&self, waker: &Waker) -> bool {
        let empty = self.all.borrow().is_empty();
        if !empty {
            self.ended.replace(Some(waker.clone()));
        }
        empty
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

impl Client {
    fn new(peer: Peer) -> Client {
        Client {
            peer,
            phase: Cell::new(Phase::Head),
            since: Cell::new(Instant::now()),
            order: Cell::new(Order::GoOn),
            waits: Cell::new(false),
            sends_body: Cell::new(false),
            answer: Cell::new(0),
            progress: Progress::default(),
            waker: RefCell::new(None),
        }
    }

    /// Whether it has neither asked nor begun to ask for a while: kept after its answer, or silent from the beginning.
    fn is_dispensable(&self, now: Instant) -> bool {
        self.waits.get() && self.goes_on() && now.duration_since(self.since.get()) > RESTLESS
    }

    fn told(&self, order: Order) {
        self.order.set(order);
        self.wake();
    }

    fn goes_on(&self) -> bool {
        self.order.get() == Order::GoOn
    }

    fn wake(&self) {
        if let Some(waker) = &*self.waker.borrow() {
            waker.wake_by_ref();
        }
    }

    fn enter(&self, phase: Phase) {
        self.stay();
        self.phase.set(phase);
        self.since.set(Instant::now());
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
        self.phase.set(Phase::Served);
        self.sends_body.set(sends_body);
    }

    /// Whether a body comes after the request, so that the connection ends with its answer.
    pub fn sends_body(&self) -> bool {
        self.sends_body.get()
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
        if self.phase.get() == Phase::Unread {
            self.progress.written(bytes);
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
        let mut known = self.waker.borrow_mut();
        if !known.as_ref().is_some_and(|known| known.will_wake(waker)) {
            *known = Some(waker.clone());
        }
    }
}

impl Guest {
    /// The answer does not fit into the socket, which holds so many bytes that nobody has taken. If it is one too many,
    /// those that read slowest are cut off.
    pub fn on_unread(&self, untaken: usize) {
        if self.phase.get() == Phase::Unread {
            self.progress.look(untaken);
            return;
        }
        self.enter(Phase::Unread);
        self.progress.begin(untaken);
        let mut unread = self.clients.unread.borrow_mut();
        unread.enter(Rc::clone(&self.client));
        while let Some(surplus) = unread.surplus(self.since.get()) {
            self.clients.counters.slow_readers.count();
            surplus.told(Order::End);
        }
    }

    /// All that was to be written is written: if it was an answer, the next request may come.
    pub fn on_flushed(&self) {
        if self.has_answer() {
            if self.phase.get() == Phase::Unread {
                self.clients.unread.borrow_mut().leave(&self.client);
            }
            self.answer.set(0);
            self.enter(Phase::Idle);
        }
    }

    /// Whether the program stops and the connection is to end, after its answer if it is about to get one.
    ///
    /// A client whose head is under way, or which has only just connected, is answered first.
    pub fn may_stop(&self) -> bool {
        self.clients.stopping.get() && self.phase.get() != Phase::Head
    }

    /// The thread's counters.
    pub fn counters(&self) -> &Counters {
        &self.clients.counters
    }
}

impl Deref for Guest {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        self.clients.unread.borrow_mut().leave(&self.client);
        self.clients.counters.closed.count();
        let mut all = self.clients.all.borrow_mut();
        all.remove(self.key);
        if all.is_empty()
            && let Some(waker) = self.clients.ended.borrow_mut().take()
        {
            waker.wake();
        }
    }
}
