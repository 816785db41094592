//! The process: opens what is listened on, starts a thread a core, waits for the signal to stop.
//!
//! Threads share the count of connections and the knowledge whether the daemon can be reached, nothing else. Each has
//! its own listeners, its own connections and its own links to all workers.

use crate::{
    accept::{Gate, accept},
    backend::{Backend, Daemon},
    clients::Clients,
    config::Config,
    connection,
    failure::Failure,
    head::HeadLimits,
    listen::{self, Prepared},
    log,
    request::Requests,
};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use signal_hook::{
    consts::{SIGINT, SIGTERM},
    flag,
    iterator::Signals,
};
use std::{
    future::poll_fn,
    io,
    rc::Rc,
    sync::{Arc, atomic::AtomicBool, mpsc},
    task::Poll,
    thread,
    time::Instant,
};
use tokio::{
    runtime::{self, LocalOptions},
    sync::watch,
    task::spawn_local,
    time::{sleep, timeout},
};

/// Descriptors that a thread needs besides its clients' connections: listeners, links, the runtime's own.
const DESCRIPTORS_PER_THREAD: usize = 128;

/// What all threads share.
#[derive(Debug)]
struct Process {
    config: Config,
    threads: usize,
    gate: Arc<Gate>,
    daemon: Arc<Daemon>,
}

/// Serves until SIGTERM or SIGINT, and a little longer for the requests in flight.
pub fn run(config: Config) -> Result<(), Failure> {
    let system = |what: &'static str| move |error: io::Error| Failure::system(format!("{what}: {error}"));
    let mut signals = Signals::new([SIGTERM, SIGINT]).map_err(system("signals"))?;
    let threads = config.thread_count();
    let opened = listen::open(&config.listen, config.socket_mode, threads)?;
    let process = Arc::new(Process {
        gate: Arc::new(Gate::new(connections(&config, threads)?)),
        daemon: Arc::new(Daemon::new(config.daemon.clone())),
        threads,
        config,
    });
    let (stop, stopped) = watch::channel(false);
    let (report, reports) = mpsc::channel();
    let mut running = Vec::new();
    for (number, listeners) in opened.threads.into_iter().enumerate() {
        let (process, stopped, report) = (Arc::clone(&process), stopped.clone(), report.clone());
        let name = format!("http-{number}");
        let started =
            thread::Builder::new().name(name).spawn(move || serve(&process, listeners, stopped, &report));
        running.push(started.map_err(system("thread"))?);
    }
    drop(report);
    for started in &running {
        let name = started.thread().name().unwrap_or_default();
        reports
            .recv()
            .map_err(|_| Failure::bug(format!("thread {name}: ended at its start")))?
            .map_err(system("thread"))?;
    }
    for place in &opened.places {
        log::info(format_args!("listening on {place}"));
    }

    let signal = signals.forever().next();
    log::info(format_args!("stopping ({})", if signal == Some(SIGINT) { "SIGINT" } else { "SIGTERM" }));
    end_at_next_signal().map_err(system("signals"))?;
    // Threads that are gone need not be told.
    let _ = stop.send(true);
    let died = running.into_iter().filter_map(|thread| thread.join().err()).count();
    drop(opened.files);
    if died > 0 {
        return Err(Failure::bug(format!("{died} of {threads} threads ended before they were told to")));
    }
    log::info("stopped");
    Ok(())
}

/// How many connections there may be: as configured, or what the limit of descriptors allows, raised as far as it goes.
///
/// An error when that leaves room for none.
fn connections(config: &Config, threads: usize) -> Result<usize, Failure> {
    let wanted = config.limits.connections;
    let others = threads * (DESCRIPTORS_PER_THREAD + config.listen.len());
    let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) else { return Ok(wanted) };
    let needed = (wanted + others) as u64;
    if soft >= needed {
        return Ok(wanted);
    }
    let raised = needed.min(hard);
    let limit = if setrlimit(Resource::RLIMIT_NOFILE, raised, hard).is_ok() { raised } else { soft };
    let possible = usize::try_from(limit).unwrap_or(usize::MAX).saturating_sub(others).min(wanted);
    if possible == 0 {
        let text =
            format!("descriptors: {limit} are too few for {threads} threads; more than {others} are needed");
        return Err(Failure::system(text));
    }
    if possible < wanted {
        log::warning(format_args!(
            "max-connections: {wanted}, but the limit of {limit} descriptors allows {possible}; keeping to {possible}"
        ));
    }
    Ok(possible)
}

/// From now on SIGTERM and SIGINT end the process at once.
fn end_at_next_signal() -> io::Result<()> {
    let armed = Arc::new(AtomicBool::new(true));
    for signal in [SIGTERM, SIGINT] {
        flag::register_conditional_shutdown(signal, 0, Arc::clone(&armed))?;
    }
    Ok(())
}

/// One thread, from its start to its end.
fn serve(
    process: &Arc<Process>,
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
        let clients = match start(process, listeners, &stop) {
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
    listeners: Vec<Prepared>,
    stop: &watch::Receiver<bool>,
) -> io::Result<Rc<Clients>> {
    let config = &process.config;
    let clients = Rc::new(Clients::new(config.limits, process.threads));
    let backend = Backend::start(Arc::clone(&process.daemon), config.relay, process.threads);
    let trusted = Rc::new(config.trusted.clone());
    let limits = HeadLimits { uri: config.limits.uri, head: config.limits.head };
    for listener in listeners {
        let (clients, backend, trusted) = (Rc::clone(&clients), Rc::clone(&backend), Rc::clone(&trusted));
        let serve = move |socket, peer, place| {
            let guest = Rc::new(clients.enter());
            let requests =
                Requests { backend: Rc::clone(&backend), trusted: Rc::clone(&trusted), peer, guest };
            spawn_local(async move {
                connection::serve(socket, limits, requests).await;
                drop(place);
            });
        };
        spawn_local(accept(listener.start()?, Arc::clone(&process.gate), stop.clone(), serve));
    }
    spawn_local(sweep(Rc::clone(&clients), backend));
    Ok(clients)
}

/// Looks after connections that wait too long, and after memory that waits for nothing.
async fn sweep(clients: Rc<Clients>, backend: Rc<Backend>) {
    loop {
        sleep(clients.sweep_interval()).await;
        clients.sweep(Instant::now());
        backend.rest();
    }
}
