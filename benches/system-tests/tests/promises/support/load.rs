//! Load in the background while a test does something to the service. Every answer is checked.

use super::{PATIENCE, Service, by_profile, cache, proc, until};
use ::cache::{CacheBytes, View};
use std::{
    collections::BTreeMap,
    io::{self, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    path::Path,
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};
use testkit::{
    load::{
        Outcome, Plan, Target,
        questions::{Kind, Question, questions},
        run,
    },
    process::cpu_ns,
};

/// Longer than any test: load ends when it is told to, or has been answered. What has not by then is a failure.
fn limit() -> Duration {
    Duration::from_secs(by_profile(300, 3600))
}

/// Requests that go on until they are told to end.
pub struct Load {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<io::Result<Outcome>>,
    admin: SocketAddr,
}

/// What each front end has told last of requests that it sent to a second worker.
static RETRIED: Mutex<BTreeMap<SocketAddr, u64>> = Mutex::new(BTreeMap::new());

/// Requests that all front ends since the last call have sent to a second worker, as far as load has ended at them.
pub fn take_retried() -> u64 {
    std::mem::take(&mut *RETRIED.lock().unwrap_or_else(PoisonError::into_inner)).into_values().sum()
}

impl Load {
    /// Clients that keep their connections, about the usual cache; returns when the service is at work.
    pub fn start(service: &Service) -> Load {
        Load::of(service, 8, true)
    }

    /// Clients that connect for every request.
    pub fn connecting(service: &Service) -> Load {
        Load::of(service, 8, false)
    }

    /// So many clients.
    pub fn of(service: &Service, connections: usize, keep_alive: bool) -> Load {
        let plan = Plan {
            target: Target::Tcp(service.http),
            connections,
            pipeline: 2,
            keep_alive,
            requests: u64::MAX,
            limit: limit(),
        };
        let stop = Arc::new(AtomicBool::new(false));
        let until_told = Arc::clone(&stop);
        let thread = thread::spawn(move || run(&plan, about_usual(), &until_told));
        let load = Load { stop, thread, admin: service.admin };
        at_work(service);
        load
    }

    /// Ends it, whatever came of it.
    pub fn end(self) -> Outcome {
        self.stop.store(true, Ordering::Relaxed);
        let outcome = self.thread.join().unwrap().unwrap();
        let name = "\nmirrorlist_http_retries_total ";
        let page = figures(self.admin);
        let (_, rest) = page.split_once(name).unwrap_or_else(|| panic!("no retries in {page}"));
        let retried = rest.lines().next().unwrap().parse().unwrap();
        RETRIED.lock().unwrap_or_else(PoisonError::into_inner).insert(self.admin, retried);
        outcome
    }

    /// Ends it; fails if any request was not answered as it should be.
    pub fn finish(self) -> Outcome {
        let outcome = self.end();
        assert_eq!(outcome.failures, BTreeMap::new(), "of {} requests", outcome.answered + outcome.failed());
        assert!(outcome.answered > 0);
        outcome
    }
}

/// The figures that a front end tells.
fn figures(admin: SocketAddr) -> String {
    let mut stream = TcpStream::connect(admin).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
    let mut page = String::new();
    stream.read_to_string(&mut page).unwrap();
    page
}

/// So many answered requests, all of them right.
pub fn ask(service: &Service, requests: u64) -> Outcome {
    ask_about(about_usual(), service, 8, requests)
}

/// As [`ask`], of other questions and by so many clients.
pub fn ask_about(questions: &[Question], service: &Service, connections: usize, requests: u64) -> Outcome {
    let plan = Plan {
        target: Target::Tcp(service.http),
        connections,
        pipeline: 2,
        keep_alive: true,
        requests,
        limit: limit(),
    };
    let outcome = run(&plan, questions, &AtomicBool::new(false)).unwrap();
    assert_eq!(outcome.failures, BTreeMap::new());
    assert_eq!(outcome.answered, requests, "answered in {:?}", outcome.took);
    outcome
}

/// Waits until the front end and every worker have done something since this call.
pub fn at_work(service: &Service) {
    let pids = [vec![service.frontend.pid()], service.workers()].concat();
    let before: Vec<_> = pids.into_iter().map(|pid| (pid, cpu_ns(pid).unwrap_or(0))).collect();
    until("all processes are at work", || {
        let worked =
            |(pid, before)| !proc::is_alive(pid) || cpu_ns(pid).is_ok_and(|now| now > before + 2_000_000);
        before.iter().copied().all(worked)
    });
}

/// The same mix of questions about the usual cache every time.
pub fn about_usual() -> &'static [Question] {
    static QUESTIONS: OnceLock<Vec<Question>> = OnceLock::new();
    QUESTIONS.get_or_init(|| about(cache::usual()))
}

/// A mix of questions about a cache.
pub fn about(cache: &Path) -> Vec<Question> {
    let bytes = CacheBytes::read(cache).unwrap();
    questions(&View::check(&bytes).unwrap(), Kind::Mix, 1024, 1)
}
