//! The threads that serve: each has its listeners, its connections and its links to all workers.

use crate::{
    accept::{Gate, accept},
    backend::{Backend, Daemon},
    clients::Clients,
    config::Config,
    connection,
    counters::Counters,
    failure::Failure,
    head::HeadLimits,
    listen::Prepared,
    request::Requests,
    sys,
};
use std::{
    future::poll_fn,
    io,
    rc::Rc,
    sync::{Arc, mpsc},
    task::Poll,
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
    /// Whether the daemon can be reached.
    pub daemon: Arc<Daemon>,
    /// The counters of each thread.
    pub counters: Vec<Arc<Counters>>,
    /// How often each thread is to turn at least.
    pub turn: Duration,
}

/// Starts a thread for each of `listeners`, and waits until all of them serve.
///
/// They end when `stop` becomes true, each once its requests in flight are answered or the limit for that has passed.
pub fn start_all(
    process: &Arc<Process>,
    listeners: Vec<Vec<Prepared>>,
    stop: &watch::Receiver<bool>,
) -> Result<Vec<JoinHandle<()>>, Failure> {
    let refused = |error: io::Error| Failure::system(format!("thread: {error}"));
    let (report, reports) = mpsc::channel();
    let mut running = Vec::new();
    for (number, listeners) in listeners.into_iter().enumerate() {
        let (process, stop, report) = (Arc::clone(process), stop.clone(), report.clone());
        let thread = thread::Builder::new().name(format!("http-{number}"));
        let started = thread.spawn(move || serve(&process, number, listeners, stop, &report));
        running.push(started.map_err(refused)?);
    }
    drop(report);
    for started in &running {
        let name = started.thread().name().unwrap_or_default();
        let reported = reports.recv();
        reported.map_err(|_| Failure::bug(format!("thread {name}: ended at its start")))?.map_err(refused)?;
    }
    Ok(running)
}

/// One thread, from its start to its end.
fn serve(
    process: &Arc<Process>,
    number: usize,
    listeners: Vec<Prepared>,
    mut stop: watch::Receiver<bool>,
    report: &mpsc::Sender<io::Result<()>>,
) {
    let runtime =
        match runtime::Builder::new_current_thread().enable_all().build_local(LocalOptions::default()) {
            Ok(runtime) => runtime,
            Err(error) => return drop(report.send(Err(error))),
        };
    runtime.block_on(async {
        let clients = match start(process, number, listeners, &stop) {
            Ok(clients) => clients,
            Err(error) => return drop(report.send(Err(error))),
        };
        if report.send(Ok(())).is_err() || stop.wait_for(|stop| *stop).await.is_err() {
            return;
        }
        clients.stop();
        let ended = poll_fn(|cx| if clients.is_empty(cx.waker()) { Poll::Ready(()) } else { Poll::Pending });
        // Whoever is not done by then is cut off.
        let _ = timeout(process.config.stop_limit, ended).await;
    });
}

/// Starts all that runs on a thread.
fn start(
    process: &Arc<Process>,
    number: usize,
    listeners: Vec<Prepared>,
    stop: &watch::Receiver<bool>,
) -> io::Result<Rc<Clients>> {
    let (config, threads, counters) = (&process.config, process.counters.len(), &process.counters[number]);
    let clients = Rc::new(Clients::new(config.limits, threads, Arc::clone(counters)));
    let daemon = Arc::clone(&process.daemon);
    let backend = Backend::start(daemon, config.relay, threads, Arc::clone(counters));
    let trusted = Rc::new(Trusted::new(config.trusted_proxy.iter().copied()));
    let limits = HeadLimits { uri: config.limits.uri, head: config.limits.head };
    for listener in listeners {
        let (clients, backend, trusted) = (Rc::clone(&clients), Rc::clone(&backend), Rc::clone(&trusted));
        let room = room_maker(&clients, &process.gate);
        let serve = move |socket, peer, place| {
            let guest = Rc::new(clients.enter(peer));
            let requests =
                Requests { backend: Rc::clone(&backend), trusted: Rc::clone(&trusted), peer, guest };
            spawn_local(async move {
                connection::serve(socket, limits, requests).await;
                drop(place);
            });
        };
        spawn_local(accept(listener.start()?, Arc::clone(&process.gate), stop.clone(), room, serve));
    }
    let (gate, asked) = (Arc::clone(&process.gate), Rc::clone(&clients));
    spawn_local(async move { gate.answer_calls(|| asked.make_room(Instant::now())).await });
    let interval = clients.sweep_interval().min(process.turn);
    spawn_local(sweep(Rc::clone(&clients), backend, interval));
    if number == 0 {
        spawn_local(give_memory_back(process.counters.clone()));
    }
    Ok(clients)
}

/// Makes room for one more connection: on this thread if it can, for the client that waits is there; else on another one.
fn room_maker(clients: &Rc<Clients>, gate: &Arc<Gate>) -> impl Fn() -> bool + use<> {
    let (clients, gate) = (Rc::clone(clients), Arc::clone(gate));
    move || {
        let made = clients.make_room(Instant::now());
        if !made {
            gate.call();
        }
        made
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
async fn sweep(clients: Rc<Clients>, backend: Rc<Backend>, interval: Duration) {
    loop {
        sleep(interval).await;
        clients.sweep(Instant::now());
        backend.rest();
    }
}
