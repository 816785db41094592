//! All connections, driven from one thread until enough is answered or time is up.

use super::{
    connection::{Connection, Speech, Stream},
    questions::Question,
};
use hdrhistogram::Histogram;
use mio::{
    Events, Poll, Token,
    net::{TcpStream, UnixStream},
};
use std::{
    collections::BTreeMap,
    io,
    net::SocketAddr,
    path::PathBuf,
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

/// Where requests go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// An address, which must be a loopback one.
    Tcp(SocketAddr),
    /// A socket file.
    Unix(PathBuf),
}

/// How much load, and where.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Where requests go.
    pub target: Target,
    /// Connections at a time.
    pub connections: usize,
    /// Requests on a connection without waiting for answers.
    pub pipeline: usize,
    /// Whether a connection is kept for the next request.
    pub keep_alive: bool,
    /// Requests in all.
    pub requests: u64,
    /// When to end even if not all are answered.
    pub limit: Duration,
}

/// What came of it.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Right answers.
    pub answered: u64,
    /// Everything else, by what was wrong.
    pub failures: BTreeMap<String, u64>,
    /// Bytes received.
    pub bytes: u64,
    /// From request to whole answer, in microseconds.
    pub latency: Histogram<u64>,
    /// How long it took.
    pub took: Duration,
}

impl Outcome {
    /// How many requests were not answered rightly.
    pub fn failed(&self) -> u64 {
        self.failures.values().sum()
    }

    fn fail(&mut self, what: String, times: u64) {
        if times > 0 {
            *self.failures.entry(what).or_default() += times;
        }
    }
}

/// Asks until the plan is fulfilled, time is up or `stop` is set; whatever is open then is waited for (two seconds at
/// most, then it counts as a failure).
pub fn run(plan: &Plan, questions: &[Question], stop: &AtomicBool) -> io::Result<Outcome> {
    run_in(Speech::Http, plan, questions, stop)
}

/// As [`run`], in another speech: frames go straight to the workers.
pub fn run_in(speech: Speech, plan: &Plan, questions: &[Question], stop: &AtomicBool) -> io::Result<Outcome> {
    if matches!(plan.target, Target::Tcp(address) if !address.ip().is_loopback()) {
        return Err(io::Error::other("load goes to loopback addresses only"));
    }
    if questions.is_empty() {
        return Err(io::Error::other("nothing to ask"));
    }
    let latency = Histogram::new_with_bounds(1, 120_000_000, 3).map_err(io::Error::other)?;
    let outcome = Outcome { answered: 0, failures: BTreeMap::new(), bytes: 0, latency, took: Duration::ZERO };
    let poll = Poll::new()?;
    Crowd { speech, plan, questions, poll, connections: Vec::new(), asked: 0, next: 0, outcome }.drive(stop)
}

struct Crowd<'a> {
    speech: Speech,
    plan: &'a Plan,
    questions: &'a [Question],
    poll: Poll,
    connections: Vec<Option<Connection>>,
    /// Requests sent.
    asked: u64,
    /// The next question.
    next: usize,
    outcome: Outcome,
}

impl Crowd<'_> {
    fn drive(mut self, stop: &AtomicBool) -> io::Result<Outcome> {
        let started = Instant::now();
        let mut last = None;
        for at in 0..self.plan.connections {
            self.connections.push(None);
            self.connect(at);
        }
        let mut events = Events::with_capacity(1024);
        let mut buffer = vec![0; 1 << 18];
        loop {
            let over = self.asked >= self.plan.requests
                || started.elapsed() >= self.plan.limit
                || stop.load(Ordering::Relaxed);
            if over {
                let last = *last.get_or_insert_with(Instant::now);
                // From now on nothing new is asked.
                self.asked = self.plan.requests;
                if self.open() == 0 || last.elapsed() > Duration::from_secs(2) {
                    break;
                }
            }
            match self.poll.poll(&mut events, Some(Duration::from_millis(20))) {
                Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
                _ => {}
            }
            for event in events.iter() {
                self.serve(event.token().0, &mut buffer);
            }
            for at in 0..self.connections.len() {
                if self.connections[at].is_none() && self.asked < self.plan.requests {
                    self.connect(at);
                }
            }
        }
        let open = self.open() as u64;
        self.outcome.fail("no answer at the end".into(), open);
        self.outcome.took = started.elapsed();
        Ok(self.outcome)
    }

    fn open(&self) -> usize {
        self.connections.iter().flatten().map(Connection::open).sum()
    }

    fn connect(&mut self, at: usize) {
        let stream = match &self.plan.target {
            Target::Tcp(address) => TcpStream::connect(*address).map(|stream| {
                // Small requests go out at once; a kernel that refuses only makes them later.
                let _ = stream.set_nodelay(true);
                Stream::Tcp(stream)
            }),
            Target::Unix(path) => UnixStream::connect(path).map(Stream::Unix),
        };
        let made =
            stream.and_then(|stream| Connection::new(stream, self.speech, self.poll.registry(), Token(at)));
        match made {
            Ok(connection) => {
                self.connections[at] = Some(connection);
                self.ask(at);
            }
            Err(error) => {
                // A request that could not even be sent.
                self.asked += 1;
                self.outcome.fail(format!("not connected: {error}"), 1);
            }
        }
    }

    /// Sends as many requests on a connection as may be open on it.
    fn ask(&mut self, at: usize) {
        let Some(connection) = &mut self.connections[at] else { return };
        let most = if self.plan.keep_alive { self.plan.pipeline.max(1) } else { 1 };
        while connection.open() < most && self.asked < self.plan.requests {
            connection.ask(self.next, &self.questions[self.next], !self.plan.keep_alive);
            self.next = (self.next + 1) % self.questions.len();
            self.asked += 1;
        }
        if let Err(error) = connection.flush() {
            self.drop_connection(at, &format!("not sent: {error}"));
        }
    }

    fn serve(&mut self, at: usize, buffer: &mut [u8]) {
        let Some(connection) = &mut self.connections[at] else { return };
        let read = connection.fill(buffer);
        loop {
            let Some(connection) = &mut self.connections[at] else { return };
            match connection.next(self.questions) {
                Ok(Some(received)) => {
                    self.outcome.bytes += received.bytes as u64;
                    let waited = received.asked.elapsed().as_micros() as u64;
                    // The histogram saturates; two minutes are beyond every deadline.
                    self.outcome.latency.saturating_record(waited.max(1));
                    match received.checked {
                        Ok(()) => self.outcome.answered += 1,
                        Err(wrong) => {
                            let target = &self.questions[received.question].target;
                            self.outcome.fail(format!("{target}: {wrong}"), 1);
                        }
                    }
                    if !self.plan.keep_alive {
                        return self.drop_connection(at, "closed");
                    }
                }
                Ok(None) => break,
                Err(error) => return self.drop_connection(at, &error),
            }
        }
        match read {
            Ok(true) => self.ask(at),
            Ok(false) => self.drop_connection(at, "closed without an answer"),
            Err(error) => self.drop_connection(at, &format!("broken: {error}")),
        }
    }

    /// Forgets a connection; requests open on it have failed.
    fn drop_connection(&mut self, at: usize, why: &str) {
        let Some(mut connection) = self.connections[at].take() else { return };
        let lost = connection.take_open().count() as u64;
        self.outcome.fail(why.to_owned(), lost);
        connection.close(self.poll.registry());
    }
}
