//! `mirrorlistd`, from start to end.
//!
//! Everything is in the library; here is the order in which it happens.

use daemon::{
    cache_file::CacheFile,
    config::Task,
    control::callers::Callers,
    failure::{self, Failure, Fault},
    listener::{self, Listener},
    log, log_file,
    master::{self, Opened, Signals},
    sandbox,
    suspended::Suspension,
};
use program::{options::well, signals};
use std::{env, panic, process, process::ExitCode};

fn main() -> ExitCode {
    signals::survive_file_size_limit();
    listener::close_inherited_fds();
    panic::set_hook(Box::new(|panic| {
        log::error(format_args!("process {}: {panic} (a bug of this program); ending it", process::id()));
        // Here and not by unwinding, so that a worker never falls back into what it has inherited of the master.
        process::exit(Fault::Bug.code());
    }));
    failure::end(run())
}

fn run() -> Result<(), Failure> {
    let config = match Task::load(env::args_os())? {
        Task::Serve(config) => *config,
        Task::Ask(errand) => return errand.run(),
        Task::Query(query, socket) => return query.run(&socket),
    };
    if config.check {
        // What is wrong with the list of suspended URLs is said and, as at a start, no failure.
        let cache = CacheFile::open(&config.cache, &Suspension::open(config.suspended.as_deref()))?;
        return well(format_args!("options, and cache {} ({})", cache.path().display(), cache.facts()));
    }
    sandbox::set_no_new_privs()?;
    let signals = Signals::open()?;
    let logs = log_file::open_first(config.logs())?;
    let mut listener = Listener::open(&config.socket, config.socket_access())?;
    let suspension = Suspension::open(config.suspended.as_deref());
    let opened = CacheFile::open(&config.cache, &suspension)
        .and_then(|cache| sandbox::announce(config.sandbox).map(|()| cache))
        .and_then(|cache| Ok((cache, Callers::open(&config.control())?)));
    match opened {
        Ok((cache, callers)) => {
            master::run(config, cache, Opened { signals, logs, listener, callers, suspension })
        }
        Err(failure) => {
            listener.remove_file();
            Err(failure)
        }
    }
}
