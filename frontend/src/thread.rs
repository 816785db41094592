//! The threads that serve: each has its listeners, its connections and its links to all workers.

use crate::{
    accept::{Gate, Listener, accept},
    backend::{Backend, Daemon},
    clients::Clients,
    config::Config,
    connection,
    counters::Counters,
    failure::Failure,
    request::Requests,
    sys,
};
use socket2::Socket;
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
    /// Becomes true when the program is told to stop.
    pub stop: watch::Receiver<bool>,
}

/// Starts a thread with a runtime of its own, in which `serve` is called, and waits for that. What it returns is then run
/// to its end, which is the thread's.
pub fn start<F: Future<Output = ()>>(
    name: &str,
    serve: impl FnOnce() -> io::Result<F> + Send + 'static,
) -> Result<JoinHandle<()>, Failure> {
    let refused = |error: io::Error| Failure::system(format!("thread {name}: {error}"));
    let (report, reports) = mpsc::channel();
    let thread = thread::Builder::new().name(name.into()).spawn(move || {
        let begin = || {
            let mut runtime = runtime::Builder::new_current_thread();
            let runtime = runtime.enable_all().build_local(LocalOptions::default())?;
            let serving = runtime.block_on(async { serve() })?;
            Ok((runtime, serving))
        };
        // Whoever starts the thread waits for what is reported.
        match begin() {
            Ok((runtime, serving)) => {
                let _ = report.send(Ok(()));
                runtime.block_on(serving);
            }
            Err(error) => drop(report.send(Err(error))),
        }
    });
    let thread = thread.map_err(refused)?;
    let started = reports.recv();
    started.map_err(|_| Failure::bug(format!("thread {name}: ended at its start")))?.map_err(refused)?;
    Ok(thread)
}

/// Starts one of the threads that serve clients, over these listeners.
///
/// It ends when the program is told to stop, once its requests in flight are answered or the limit for that has passed.
pub fn serve_clients(
    process: &Arc<Process>,
    number: usize,
    listeners: Vec<Socket>,
) -> Result<JoinHandle<()>, Failure> {
    let process = Arc::clone(process);
    start(&format!("http-{number}"), move || {
        let clients = serve(&process, number, listeners)?;
        Ok(async move {
            if process.stop.clone().wait_for(|stop| *stop).await.is_err() {
                return;
            }
            clients.stop();
            let ended =
                poll_fn(|cx| if clients.is_empty(cx.waker()) { Poll::Ready(()) } else { Poll::Pending });
            // Whoever is not done by then is cut off.
            let _ = timeout(process.config.stop_limit, ended).await;
        })
    })
}

/// Starts all that runs on a thread.
fn serve(process: &Arc<Process>, number: usize, listeners: Vec<Socket>) -> io::Result<Rc<Clients>> {
    let (config, threads, counters) = (&process.config, process.counters.len(), &process.counters[number]);
    let limits = config.limits;
    let clients = Rc::new(Clients::new(limits, threads, Arc::clone(counters)));
    let daemon = Arc::clone(&process.daemon);
    let backend = Backend::start(daemon, config.relay, threads, Arc::clone(counters));
    let trusted = Rc::new(Trusted::new(config.trusted_proxy.iter().copied()));
    let make_room = |clients: &Rc<Clients>| {
        let clients = Rc::clone(clients);
        move || clients.make_room(Instant::now())
    };
    for listener in listeners {
        let (clients, backend, trusted) = (Rc::clone(&clients), Rc::clone(&backend), Rc::clone(&trusted));
        let make_room = make_room(&clients);
        let serve = move |socket, peer, place| {
            let requests = Rc::new(Requests {
                backend: Rc::clone(&backend),
                trusted: Rc::clone(&trusted),
                longest_target: limits.uri,
                peer,
                guest: Rc::new(clients.enter(peer)),
            });
            spawn_local(async move {
                connection::serve(socket, limits.head, requests).await;
                drop(place);
            });
        };
        let (listener, gate) = (Listener::new(listener)?, Arc::clone(&process.gate));
        spawn_local(accept(listener, gate, process.stop.clone(), make_room, serve));
    }
    let (gate, make_room) = (Arc::clone(&process.gate), make_room(&clients));
    spawn_local(async move { gate.answer_calls(make_room).await });
    let interval = clients.sweep_interval().min(process.turn);
    spawn_local(sweep(Rc::clone(&clients), backend, interval));
    if number == 0 {
        spawn_local(give_memory_back(process.counters.clone()));
    }
    Ok(clients)
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
