//! `mirrorlistd`, from start to end.
//!
//! Everything is in the library; here is the order in which it happens.

use daemon::{
    access_log,
    cache_file::CacheFile,
    config::{Config, MapMode},
    failure::{Failure, Fault},
    listener::{self, Listener},
    log,
    master::{self, Opened, Signals},
};
use std::{env, panic, process, process::ExitCode};

fn main() -> ExitCode {
    listener::close_strangers();
    panic::set_hook(Box::new(|panic| {
        log::error(format_args!("process {}: {panic} (a bug of this program); ending it", process::id()));
        // Here and not by unwinding, so that a worker never falls back into what it has inherited of the master.
        process::exit(Fault::Bug.code());
    }));
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            log::error(&failure);
            failure.fault.into()
        }
    }
}

fn run() -> Result<(), Failure> {
    let config = Config::load(env::args_os())?;
    if config.check {
        return CacheFile::open(&config.cache, MapMode::Seal).map(drop).map_err(Failure::cache);
    }
    let signals = Signals::open()?;
    let access_log = access_log::open_first(config.access_log.as_deref())?;
    let mut listener = Listener::open(&config.socket, config.socket_mode)?;
    match CacheFile::open(&config.cache, config.map) {
        Ok(cache) => master::run(config, cache, Opened { signals, access_log, listener }),
        Err(refusal) => {
            listener.remove_file();
            Err(Failure::cache(refusal))
        }
    }
}
