//! The worker's loop: waits for news, and gives everyone who has some a turn.
//!
//! Sockets are edge-triggered, so whoever has not finished is kept in a queue and gets another turn after the others.
//! Orders of the master come first, then new connections, then turns, and the access log when the answers are out.

use super::{
    Desk,
    accept::Acceptor,
    connection::{Connection, Next},
    table::Table,
};
use crate::{
    access_log::AccessLog,
    channel::{Order, Received, Word, WorkerEnd},
};
use mio::{Events, Interest, Poll, Token, net::UnixStream, unix::SourceFd};
use std::{
    collections::VecDeque,
    io,
    os::fd::AsRawFd as _,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};
use wire::{Counter, Hello};

const LISTENER: Token = Token(usize::MAX);
const CHANNEL: Token = Token(usize::MAX - 1);
/// News taken at a time.
const EVENTS: usize = 128;
/// How long a silent peer waits for HELLO; see [`Connection::greet`].
const GREETING_DELAY: Duration = Duration::from_millis(100);

/// Whether the loop goes on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Flow {
    GoOn,
    Leave,
}

/// A worker's loop and all that it serves.
pub struct EventLoop<'a> {
    desk: Desk<'a>,
    hello: Hello,
    poll: Poll,
    channel: WorkerEnd,
    acceptor: Acceptor,
    table: Table,
    /// Connections with something to do.
    queue: VecDeque<usize>,
    /// Connections that may be waiting for HELLO: since when, their places and numbers, oldest first.
    silent: VecDeque<(Instant, usize, u64)>,
    last_number: u64,
    access_log: AccessLog,
    retiring: bool,
}

impl<'a> EventLoop<'a> {
    /// A loop that takes no connections yet. Says to the master that it is ready.
    pub fn new(
        desk: Desk<'a>,
        hello: Hello,
        acceptor: Acceptor,
        channel: WorkerEnd,
        access_log: AccessLog,
    ) -> io::Result<EventLoop<'a>> {
        let poll = Poll::new()?;
        poll.registry().register(&mut SourceFd(&channel.as_raw_fd()), CHANNEL, Interest::READABLE)?;
        channel.say(Word::Ready)?;
        Ok(EventLoop {
            desk,
            hello,
            poll,
            channel,
            acceptor,
            table: Table::default(),
            queue: VecDeque::new(),
            silent: VecDeque::new(),
            last_number: 0,
            access_log,
            retiring: false,
        })
    }

    /// Serves until the master says to leave and the peers have gone, or until the master is gone.
    pub fn run(mut self) -> io::Result<()> {
        let mut events = Events::with_capacity(EVENTS);
        loop {
            match self.poll.poll(&mut events, self.timeout()) {
                Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
                _ => {}
            }
            let mut ordered = false;
            for event in &events {
                match event.token() {
                    CHANNEL => ordered = true,
                    LISTENER => self.acceptor.on_readable(Instant::now()),
                    Token(place) => {
                        if let Some(connection) = self.table.get_mut(place) {
                            connection.notice(event);
                            enqueue(&mut self.queue, connection, place);
                        }
                    }
                }
            }
            if ordered && self.obey()? == Flow::Leave {
                return Ok(());
            }
            self.let_in();
            self.give_turns();
            self.greet();
            let dropped = self.access_log.append(&mut self.desk.scratch.log);
            if dropped > 0 {
                self.desk.counters.add(Counter::LogLinesDropped, dropped);
            }
            if self.retiring && self.table.is_empty() {
                return Ok(());
            }
        }
    }

    /// How long to wait for news.
    fn timeout(&self) -> Option<Duration> {
        let now = Instant::now();
        if !self.queue.is_empty() || self.acceptor.may_accept(self.table.len(), now) {
            return Some(Duration::ZERO);
        }
        let greeting = self.silent.front().map(|(since, ..)| *since + GREETING_DELAY);
        let next = [greeting, self.acceptor.retry_at(self.table.len(), now)].into_iter().flatten().min()?;
        Some(next.saturating_duration_since(now))
    }

    /// Does what the master says.
    fn obey(&mut self) -> io::Result<Flow> {
        loop {
            match self.channel.receive()? {
                Received::Nothing => return Ok(Flow::GoOn),
                Received::Closed => return Ok(Flow::Leave),
                // A full socket means that the master has plenty of answers to read already.
                Received::Message(Order::Ping) => self.channel.say(Word::Alive).unwrap_or_default(),
                Received::Message(Order::Serve) => self.acceptor.open(self.poll.registry(), LISTENER)?,
                Received::Message(Order::AccessLog(file)) => self.access_log.replace(file),
                Received::Message(Order::Drain) => self.retire(),
            }
        }
    }

    fn retire(&mut self) {
        self.retiring = true;
        self.acceptor.close(self.poll.registry());
        let open: Vec<usize> = self.table.open().collect();
        for place in open {
            if let Some(connection) = self.table.get_mut(place) {
                connection.retire(&self.hello);
                enqueue(&mut self.queue, connection, place);
            }
        }
    }

    /// Takes new connections.
    fn let_in(&mut self) {
        let now = Instant::now();
        self.clear_out(now);
        if !self.acceptor.may_accept(self.table.len(), now) {
            return;
        }
        for stream in self.acceptor.take(self.table.len(), now) {
            self.open(stream, now);
        }
    }

    /// Closes connections that ask for nothing when there are too many and others wait.
    fn clear_out(&mut self, now: Instant) {
        let wanted = self.acceptor.wants_closed(self.table.len(), now);
        if wanted > 0 {
            let closed = self.table.dispensable(wanted, now);
            closed.iter().for_each(|place| self.table.remove(*place));
            self.acceptor.clear(closed.len(), now);
        }
    }

    fn open(&mut self, stream: UnixStream, now: Instant) {
        let place = self.table.next_place();
        self.last_number += 1;
        let mut connection = Connection::new(stream, self.last_number, now);
        let interest = Interest::READABLE | Interest::WRITABLE;
        // Without registration it could never be served; closed, its peer tries another worker.
        if self.poll.registry().register(connection.stream_mut(), Token(place), interest).is_ok() {
            enqueue(&mut self.queue, &mut connection, place);
            self.table.insert(connection);
            self.desk.counters.add(Counter::Connections, 1);
            self.silent.push_back((now, place, self.last_number));
        }
    }

    /// Says HELLO to those who have been waiting for it.
    fn greet(&mut self) {
        while let Some((since, place, number)) = self.silent.front().copied() {
            if since.elapsed() < GREETING_DELAY {
                return;
            }
            self.silent.pop_front();
            // It may have gone, and another one have come in its place.
            if let Some(connection) = self.table.get_mut(place).filter(|now| now.number == number) {
                connection.greet(&self.hello);
                enqueue(&mut self.queue, connection, place);
            }
        }
    }

    /// One turn for each connection that has something to do.
    fn give_turns(&mut self) {
        self.desk.moment = Instant::now();
        self.desk.now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        for _ in 0..self.queue.len() {
            let Some(place) = self.queue.pop_front() else { return };
            let Some(connection) = self.table.get_mut(place) else { continue };
            connection.queued = false;
            match connection.turn(&mut self.desk, &self.hello) {
                Ok(Next::Wait) => {}
                Ok(Next::Again) => enqueue(&mut self.queue, connection, place),
                Ok(Next::Close) | Err(_) => {
                    self.table.remove(place);
                    self.acceptor.make_room();
                }
            }
        }
    }
}

fn enqueue(queue: &mut VecDeque<usize>, connection: &mut Connection, place: usize) {
    if !connection.queued {
        connection.queued = true;
        queue.push_back(place);
    }
}
