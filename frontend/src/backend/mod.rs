//! The way to the workers: a question goes in, an answer or nothing comes out before the deadline.
//!
//! One [`Backend`] belongs to one thread and is shared by its tasks, never by threads, so there is no lock. What is
//! decided (which worker, what again, what is given up) is decided by the [`switchboard`], which knows no socket;
//! [`link`] is one connection to one worker; [`connect`] keeps a link to every worker. Per request there is no task
//! and no timer: a slot in a table, bytes in a link's buffer, and a tick that looks at the table.

mod blocks;
mod calls;
mod connect;
mod end;
pub mod link;
mod links;
pub mod probe;
pub mod switchboard;

pub use blocks::BLOCK;
pub use connect::Daemon;
pub use end::End;
pub use switchboard::{Answer, MOST_LINKS};

use crate::{config::Relay, counters::Counters};
use blocks::Blocks;
use std::{
    cell::{Cell, RefCell},
    pin::Pin,
    rc::Rc,
    sync::Arc,
    task::{Context, Poll},
    time::{Duration, Instant},
};
use switchboard::{CallKey, Switchboard};
use tokio::{sync::Notify, task::spawn_local, time::sleep};
use wire::Request;

/// How often the table is looked through for silence and deadlines while it is not empty.
const TICK: Duration = Duration::from_millis(50);

/// One thread's way to the workers.
#[derive(Debug)]
pub struct Backend {
    board: RefCell<Switchboard>,
    blocks: RefCell<Blocks>,
    /// Wakes the ticking task when the table stops being empty.
    busy: Notify,
    /// Wakes the connecting task when a worker may be without a link.
    lacking: Notify,
    /// Links in a row that were of no use.
    wasted: Cell<u32>,
}

impl Backend {
    /// Starts the tasks that keep links to all workers of `daemon`, or to `most_links` of them, as one of `threads` threads that
    /// share the bound.
    ///
    /// Must be called within a tokio runtime that takes local tasks; the tasks end with it.
    pub fn start(
        daemon: Arc<Daemon>,
        relay: Relay,
        threads: usize,
        most_links: usize,
        counters: Arc<Counters>,
    ) -> Rc<Backend> {
        let relay = Relay { in_flight: relay.in_flight.div_ceil(threads.max(1)), ..relay };
        let backend = Rc::new(Backend {
            board: RefCell::new(Switchboard::new(relay, most_links, counters)),
            blocks: RefCell::default(),
            busy: Notify::new(),
            lacking: Notify::new(),
            wasted: Cell::default(),
        });
        spawn_local(connect::keep_connected(daemon, Rc::clone(&backend)));
        spawn_local(tick(Rc::clone(&backend)));
        backend
    }

    /// Gives spare buffers back while nobody asks anything.
    pub fn rest(&self) {
        if self.board.borrow().is_empty() {
            self.blocks.take();
        }
    }

    /// Asks the workers. Dropping what is returned withdraws the question.
    pub fn ask(self: &Rc<Backend>, question: &Request<'_>) -> Asked {
        let mut board = self.board.borrow_mut();
        if board.is_empty() {
            self.busy.notify_one();
        }
        let key = board.ask(question, Instant::now());
        Asked { backend: Rc::clone(self), key }
    }
}

/// A question that was asked; resolves to its answer, or to `None` when its deadline has passed.
#[derive(Debug)]
pub struct Asked {
    backend: Rc<Backend>,
    key: CallKey,
}

impl Future for Asked {
    type Output = Option<Answer>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Answer>> {
        self.backend.board.borrow_mut().poll_answer(self.key, cx.waker())
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        self.backend.board.borrow_mut().withdraw(self.key);
    }
}

/// Looks after calls that wait too long.
async fn tick(backend: Rc<Backend>) {
    loop {
        if backend.board.borrow().is_empty() {
            backend.busy.notified().await;
        }
        sleep(TICK).await;
        backend.board.borrow_mut().tick(Instant::now());
    }
}
