//! The threads that serve: each has its listeners, its connections and its links to all workers.

use crate::{
    accept::{Gate, Listener, accept},
    backend::{Backend, Daemon},
    clients::Clients,
    config::Config,
    connection,
    counters::Counters,
    failure::Failure,
    log,
    request::Requests,
    sys, watchdog,
};
use program::notify;
use socket2::Socket;
use std::{
    io, process,
    rc::Rc,
    sync::Arc,
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};
use tokio::{
    runtime::{self, LocalOptions},
    sync::watch,
    task::spawn_local,
    time::{sleep, timeout},
};
use wire::net::Trusted;

/// How long memory of connections that have ended is kept for others.
const KEPT: Duration = Duration::from_secs(5);

/// What all threads share.
#[derive(Debug)]
pub struct Process {
    /// All options.
    pub config: Config,
    /// Connections, counted.
    pub gate: Arc<Gate>,
    /// How many links to workers each thread may have.
    pub most_links: usize,
    /// Whether the daemon can be reached.
    pub daemon: Arc<Daemon>,
    /// The counters of each thread.
    pub counters: Vec<Arc<Counters>>,
    /// Becomes true when the program is told to stop.
    pub stop: watch::Receiver<bool>,
}

/// Starts a thread with a runtime of its own, in which `serve` runs to its end. The process ends if the system refuses
/// what that takes.
pub fn start<F: Future<Output = io::Result<()>>>(
    name: String,
    serve: impl FnOnce() -> F + Send + 'static,
) -> Result<JoinHandle<()>, Failure> {
    let builder = thread::Builder::new().name(name.clone());
    let refused = move |error: io::Error| Failure::system(format!("thread {name}: {error}"));
    let inside = refused.clone();
    let thread = builder.spawn(move || {
        let runtime =
            runtime::Builder::new_current_thread().enable_all().build_local(LocalOptions::default());
        let served = runtime.and_then(|runtime| runtime.block_on(serve()));
        if let Err(failure) = served.map_err(inside) {
            log::error(&failure);
            process::exit(failure.fault.code());
        }
    });
    thread.map_err(refused)
}

/// Serves clients on the calling thread, over these listeners.
///
/// It ends when the program is told to stop, once its requests in flight are answered or the limit for that has passed.
pub async fn serve(process: Arc<Process>, number: usize, listeners: Vec<Socket>) -> io::Result<()> {
    let Process { config, gate, most_links, daemon, counters: all, stop } = &*process;
    let (threads, counters) = (all.len(), &all[number]);
    let clients = Rc::new(Clients::new(config.limits, threads, Arc::clone(counters)));
    let backend =
        Backend::start(Arc::clone(daemon), config.relay, threads, *most_links, Arc::clone(counters));
    let trusted = Trusted::new(config.trusted_proxy.iter().copied());
    let requests = Rc::new(Requests { backend: Rc::clone(&backend), trusted, limits: config.limits });
    for listener in listeners {
        let (clients, requests) = (Rc::clone(&clients), Rc::clone(&requests));
        let serve = move |socket, peer, place| {
            let (client, requests) = (clients.enter(peer), Rc::clone(&requests));
            spawn_local(async move {
                connection::serve(socket, client, requests).await;
                drop(place);
            });
        };
        spawn_local(accept(Listener::new(listener)?, Arc::clone(gate), stop.clone(), serve));
    }
    spawn_local(make_room(Arc::clone(gate), Rc::clone(&clients)));
    spawn_local(sweep(Rc::clone(&clients), backend));
    if number == 0 {
        spawn_local(give_memory_back(all.clone()));
        if let Some(within) = notify::watchdog() {
            spawn_local(watchdog::watch(all.clone(), within));
        }
    }
    if stop.clone().wait_for(|stop| *stop).await.is_ok() {
        // Whoever is not done by then is cut off.
        let _ = timeout(config.stop_limit, clients.stop()).await;
    }
    Ok(())
}

/// Makes room whenever a thread is without a place for who waits.
async fn make_room(gate: Arc<Gate>, clients: Rc<Clients>) {
    loop {
        gate.full.notified().await;
        clients.make_room(Instant::now());
    }
}

/// Gives the memory of a wave of connections back to the system, for all threads: the allocator keeps what was freed.
async fn give_memory_back(counters: Vec<Arc<Counters>>) {
    let mut given = 0;
    loop {
        sleep(KEPT).await;
        let ended = counters.iter().map(|counters| counters.closed.get() + counters.rested.get()).sum();
        if given != ended {
            given = ended;
            sys::give_memory_back();
        }
    }
}

/// Looks after connections that wait too long, and after memory that waits for nothing.
async fn sweep(clients: Rc<Clients>, backend: Rc<Backend>) {
    loop {
        sleep(clients.sweep_interval()).await;
        clients.sweep(Instant::now());
        backend.rest();
    }
}
