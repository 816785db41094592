//! Load in the background while a test does something to the service.

use cache::{CacheBytes, View};
use std::{
    io,
    path::Path,
    sync::{
        Arc,
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

/// Requests that go on until [`Load::finish`], or for three minutes.
pub struct Load {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<io::Result<Outcome>>,
}

impl Load {
    /// Asks about all that is in the cache, over a few connections.
    pub fn start(target: Target, cache: &Path, keep_alive: bool) -> Load {
        let plan = Plan {
            target,
            connections: 16,
            pipeline: 2,
            keep_alive,
            requests: u64::MAX,
            limit: Duration::from_secs(180),
        };
        let asked = about(cache);
        let stop = Arc::new(AtomicBool::new(false));
        let until = Arc::clone(&stop);
        Load { stop, thread: thread::spawn(move || run(&plan, &asked, &until)) }
    }

    /// Ends it; fails if any request was not answered as it should be.
    pub fn finish(self) -> Outcome {
        self.stop.store(true, Ordering::Relaxed);
        let outcome = self.thread.join().unwrap().unwrap();
        assert_eq!((outcome.failed(), &outcome.failures), (0, &Default::default()));
        outcome
    }
}

/// The same mix of questions about a cache every time.
pub fn about(cache: &Path) -> Vec<Question> {
    let bytes = CacheBytes::read(cache).unwrap();
    questions(&View::check(&bytes).unwrap(), Kind::Mix, 1024, 1)
}

/// Waits until a process is at work: has used some milliseconds of processor time since this call.
pub fn wait_until_at_work(pid: u32) {
    let before = cpu_ns(pid).unwrap();
    super::wait_until("a process is at work", || cpu_ns(pid).is_ok_and(|now| now > before + 10_000_000));
}
