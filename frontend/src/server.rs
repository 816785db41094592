//! The process: opens what is listened on, starts a thread a core, waits for the signal to stop.
//!
//! Threads share the count of connections and the knowledge whether the daemon can be reached, nothing else (see
//! [`crate::thread`]). Before they start, the process gives up what it no longer needs.

use crate::{
    accept::Gate,
    admin,
    backend::{Daemon, MOST_LINKS},
    config::{Config, Listen},
    failure::Failure,
    listen::{self, Opened},
    log, sandbox,
    thread::{self, Process},
};
use nix::sys::{
    resource::{Resource, getrlimit, setrlimit},
    wait::{WaitPidFlag, WaitStatus, waitpid},
};
use program::{notify, passed, sandbox::set_no_new_privs};
use signal_hook::{
    consts::{SIGCHLD, SIGHUP, SIGINT, SIGTERM, SIGUSR1},
    flag,
    iterator::Signals,
    low_level::signal_name,
};
use std::{
    io,
    sync::{Arc, atomic::AtomicBool},
};
use tokio::sync::watch;

/// Descriptors that a thread has besides its clients' connections, its listeners and its links: the runtime's own, and its
/// share of the process's.
const OWN: usize = 8;
/// Links that a thread counts on where descriptors are scarce: those to sixty workers, and to as many new ones at a reload.
const USUAL_LINKS: usize = 120;

/// Serves until SIGTERM or SIGINT, and a little longer for the requests in flight.
pub fn run(config: Config) -> Result<(), Failure> {
    let mut signals = Signals::new([SIGTERM, SIGINT, SIGCHLD, SIGHUP, SIGUSR1]).map_err(signals_refused)?;
    // Those that had ended before anyone listened.
    reap();
    let (clients, askers) = open(&config)?;
    let threads = clients.threads.len();
    let (connections, most_links) = shares(&config, threads, clients.places.len())?;
    let gate = Arc::new(Gate::new("connections", connections));
    let folders: Vec<_> = [&clients, &askers].into_iter().flat_map(Opened::folders).collect();
    set_no_new_privs()?;
    log::info(format_args!("sandbox: {}", sandbox::enter(&folders)));

    let (stop, stopped) = watch::channel(false);
    let process = Arc::new(Process {
        gate,
        most_links,
        daemon: Arc::new(Daemon::new(config.daemon.clone())),
        counters: (0..threads).map(|_| Arc::default()).collect(),
        config,
        stop: stopped,
    });
    let mut running = Vec::new();
    for (number, listeners) in clients.threads.into_iter().enumerate() {
        let process = Arc::clone(&process);
        let serve = move || thread::serve(process, number, listeners);
        running.push(thread::start(format!("http-{number}"), serve)?);
    }
    if !askers.places.is_empty() {
        admin::start(&process, askers.threads.into_iter().flatten().collect())?;
    }
    tell(&clients.places, &askers.places);

    wait_for_the_end(&mut signals)?;
    // Threads that are gone need not be told, nor waited for.
    let _ = stop.send(true);
    for thread in running {
        let _ = thread.join();
    }
    drop((clients.files, askers.files));
    log::info("stopped");
    Ok(())
}

/// Opens where clients connect, or takes what systemd has opened, and where health and metrics can be asked for.
fn open(config: &Config) -> Result<(Opened, Opened), Failure> {
    let passed = passed::take()?;
    let clients = if passed.is_empty() {
        listen::open(&config.listen, config.socket_mode, config.thread_count())?
    } else {
        log::info(format_args!("sockets: {} passed by systemd; the option listen is not used", passed.len()));
        listen::adopt(passed, config.thread_count())?
    };
    let askers = listen::open(config.admin.as_slice(), config.socket_mode, 1)?;
    Ok((clients, askers))
}

/// Tells the operator and systemd that we serve, and where.
fn tell(clients: &[Listen], askers: &[Listen]) {
    for place in askers {
        log::info(format_args!("health and metrics on {place}"));
        if let Listen::Tcp(address) = place
            && !address.ip().is_loopback()
        {
            log::warning(format_args!(
                "admin {address}: not a loopback address; other machines may ask there too"
            ));
        }
    }
    for place in clients {
        log::info(format_args!("listening on {place}"));
    }
    notify::ready();
}

/// Waits for SIGTERM or SIGINT; from then on either ends the process at once.
fn wait_for_the_end(signals: &mut Signals) -> Result<(), Failure> {
    let signal = signals.forever().find(|signal| {
        match *signal {
            SIGCHLD => reap(),
            // What the daemon takes for a reload and a new log must not be the end of its neighbour.
            SIGHUP | SIGUSR1 => {
                let name = signal_name(*signal).unwrap_or_default();
                log::info(format_args!("{name}: ignored, the front end has nothing to reload or reopen"));
            }
            _ => return true,
        }
        false
    });
    log::info(format_args!("{}: stopping", signal.and_then(signal_name).unwrap_or_default()));
    notify::stopping();
    let armed = Arc::new(AtomicBool::new(true));
    for signal in [SIGTERM, SIGINT] {
        flag::register_conditional_shutdown(signal, 0, Arc::clone(&armed)).map_err(signals_refused)?;
    }
    Ok(())
}

fn signals_refused(error: io::Error) -> Failure {
    Failure::system(format!("signals: {error}"))
}

/// Takes leave of ended children. This program starts none, but as process 1 of a container it is everyone's last
/// parent.
fn reap() {
    while waitpid(None, Some(WaitPidFlag::WNOHANG)).is_ok_and(|status| status != WaitStatus::StillAlive) {}
}

/// How many connections there may be, and how many links to workers a thread may have: as configured, or what the limit of
/// descriptors allows, raised as far as it goes.
///
/// An error when that leaves room for no connection.
fn shares(config: &Config, threads: usize, places: usize) -> Result<(usize, usize), Failure> {
    let wanted = config.limits.connections;
    let all = wanted + threads * (OWN + MOST_LINKS + places);
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap_or((u64::MAX, u64::MAX));
    let raised = soft.max(hard.min(all as u64));
    let has_room = raised == soft || setrlimit(Resource::RLIMIT_NOFILE, raised, hard).is_ok();
    let limit = usize::try_from(if has_room { raised } else { soft }).unwrap_or(usize::MAX);
    let possible = possible(limit, threads, places).map_err(|needed| {
        Failure::system(format!(
            "descriptors: {limit} are too few for {threads} threads; more than {needed} are needed"
        ))
    })?;
    if possible < wanted {
        log::warning(format_args!(
            "max-connections: {wanted}, but the limit of {limit} descriptors allows {possible}; keeping to {possible}"
        ));
    }
    let connections = possible.min(wanted);
    Ok((connections, links(limit, connections, threads, places)))
}

/// How many links to workers each of the threads may have beside so many connections.
fn links(limit: usize, connections: usize, threads: usize, places: usize) -> usize {
    let of_a_thread = limit.saturating_sub(connections) / threads.max(1);
    of_a_thread.saturating_sub(OWN + places).clamp(1, MOST_LINKS)
}

/// How many connections so many descriptors allow, if each of the threads has a listener at so many places. For all else the
/// threads keep half of them at most, unless they cannot do with that.
///
/// An error when nothing is left: how many the threads cannot do without.
fn possible(limit: usize, threads: usize, places: usize) -> Result<usize, usize> {
    let least = threads * (OWN + places + 1);
    let others = (least + threads * (USUAL_LINKS - 1)).min(limit / 2).max(least);
    limit.checked_sub(others).filter(|possible| *possible > 0).ok_or(least)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Limits;
    use program::options;

    /// The limit that the unit gives us.
    fn of_the_unit() -> usize {
        let unit = include_str!("../../systemd/mirrorlist-http.service");
        unit.lines().find_map(|line| line.strip_prefix("LimitNOFILE=")).unwrap().parse().unwrap()
    }

    #[test]
    fn the_unit_has_descriptors_for_all_connections_and_links_of_the_largest_machines() {
        let Limits { connections, .. } = options::defaults();
        // The most that the option allows.
        let threads = 256;
        assert!(of_the_unit() >= connections + threads * (OWN + MOST_LINKS + 1));
        for threads in [1, 64, threads] {
            assert!(possible(of_the_unit(), threads, 1).unwrap() >= connections, "{threads}");
        }
    }

    #[test]
    fn however_scarce_descriptors_are_half_of_them_are_for_clients_unless_threads_would_have_none() {
        for (limit, threads, expected) in [
            (8192, 1, Ok(8192 - 129)),
            (8192, 48, Ok(4096)),
            (8192, 64, Ok(4096)),
            (4096, 4, Ok(4096 - 4 * 129)),
            (1024, 2, Ok(1024 - 2 * 129)),
            (1024, 16, Ok(512)),
            (1024, 32, Ok(512)),
            (1024, 64, Ok(1024 - 64 * 10)),
            (641, 64, Ok(1)),
            (640, 64, Err(640)),
            (20, 64, Err(640)),
        ] {
            assert_eq!(possible(limit, threads, 1), expected, "{limit} for {threads}");
            // Links take no descriptor of those.
            if let Ok(connections) = expected {
                let links = links(limit, connections, threads, 1);
                assert!(
                    links >= 1 && connections + threads * (OWN + 1 + links) <= limit,
                    "{limit} for {threads}"
                );
            }
        }
        assert_eq!(links(of_the_unit(), 4096, 256, 1), MOST_LINKS);
        assert_eq!(links(1024, 512, 32, 1), 7);
    }
}
