//! The worker's loop: waits for news, and gives everyone who has some a turn.
//!
//! Sockets are edge-triggered, so whoever has not finished is kept in a queue and gets another turn after the others.
//! Orders of the master come first, then new connections, then turns, and the logs when the answers are out.

use super::{
    Desk,
    accept::Acceptor,
    connection::{Connection, Next},
    idle,
};
use crate::{
    channel::{Order, Received, Word, WorkerEnd},
    log_file::{Log, LogFile},
};
use mio::{Events, Interest, Poll, Token, net::UnixStream, unix::SourceFd};
use slab::Slab;
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
    connections: Slab<Connection>,
    /// Connections with something to do.
    queue: VecDeque<usize>,
    /// By [`Log`].
    logs: [LogFile; Log::ALL.len()],
    retiring: bool,
}

impl<'a> EventLoop<'a> {
    /// A loop that takes no connections yet. Says to the master that it is ready.
    pub fn new(
        desk: Desk<'a>,
        hello: Hello,
        acceptor: Acceptor,
        channel: WorkerEnd,
        logs: [LogFile; Log::ALL.len()],
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
            connections: Slab::new(),
            queue: VecDeque::new(),
            logs,
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
                    Token(key) => {
                        if let Some(connection) = self.connections.get_mut(key) {
                            connection.notice(event);
                            enqueue(&mut self.queue, connection, key);
                        }
                    }
                }
            }
            if ordered && self.obey()? == Flow::Leave {
                return Ok(());
            }
            self.let_in();
            self.give_turns();
            self.write_logs();
            if self.retiring && self.connections.is_empty() {
                return Ok(());
            }
        }
    }

    /// Writes what this turn's requests have left for the logs.
    fn write_logs(&mut self) {
        let scratch = &mut self.desk.scratch;
        let requests = scratch.requests.as_mut().map(|requests| &mut requests.lines);
        for (file, lines) in self.logs.iter_mut().zip([Some(&mut scratch.log), requests]) {
            let dropped = lines.map_or(0, |lines| file.append(lines));
            if dropped > 0 {
                self.desk.counters.add(file.log.dropped(), dropped);
            }
        }
    }

    /// How long to wait for news.
    fn timeout(&self) -> Option<Duration> {
        let now = Instant::now();
        if !self.queue.is_empty() || self.acceptor.may_accept(self.connections.len(), now) {
            return Some(Duration::ZERO);
        }
        let next = self.acceptor.retry_at(self.connections.len(), now)?;
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
                Received::Message(Order::Log(log, file)) => self.logs[log as usize].replace(file),
                Received::Message(Order::Drain) => self.retire(),
            }
        }
    }

    fn retire(&mut self) {
        self.retiring = true;
        self.acceptor.close(self.poll.registry());
        for (key, connection) in &mut self.connections {
            connection.retire();
            enqueue(&mut self.queue, connection, key);
        }
    }

    /// Takes new connections.
    fn let_in(&mut self) {
        let now = Instant::now();
        self.clear_out(now);
        if !self.acceptor.may_accept(self.connections.len(), now) {
            return;
        }
        for stream in self.acceptor.take(self.connections.len(), now) {
            self.open(stream, now);
        }
    }

    /// Closes connections that ask for nothing when there are too many and others wait.
    fn clear_out(&mut self, now: Instant) {
        let wanted = self.acceptor.wants_closed(self.connections.len(), now);
        if wanted > 0 {
            let closed = idle::dispensable(&self.connections, wanted, now);
            closed.iter().for_each(|key| drop(self.connections.remove(*key)));
            self.acceptor.clear(closed.len(), now);
        }
    }

    fn open(&mut self, stream: UnixStream, now: Instant) {
        let entry = self.connections.vacant_entry();
        let (key, mut connection) = (entry.key(), Connection::new(stream, &self.hello, now));
        let interest = Interest::READABLE | Interest::WRITABLE;
        // Without registration it could never be served; closed, its peer tries another worker.
        if self.poll.registry().register(connection.stream_mut(), Token(key), interest).is_ok() {
            enqueue(&mut self.queue, &mut connection, key);
            entry.insert(connection);
            self.desk.counters.add(Counter::Connections, 1);
        }
    }

    /// One turn for each connection that has something to do.
    fn give_turns(&mut self) {
        self.desk.moment = Instant::now();
        self.desk.now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        for _ in 0..self.queue.len() {
            let Some(key) = self.queue.pop_front() else { break };
            let Some(connection) = self.connections.get_mut(key) else { continue };
            connection.queued = false;
            match connection.turn(&mut self.desk) {
                Ok(Next::Wait) => {}
                Ok(Next::Again) => enqueue(&mut self.queue, connection, key),
                Ok(Next::Close) | Err(_) => {
                    self.connections.remove(key);
                    self.acceptor.make_room();
                }
            }
        }
        if self.connections.is_empty() {
            // An idle worker is small, whatever it has been through.
            self.connections.shrink_to_fit();
        }
    }
}

fn enqueue(queue: &mut VecDeque<usize>, connection: &mut Connection, key: usize) {
    if !connection.queued {
        connection.queued = true;
        queue.push_back(key);
    }
}
