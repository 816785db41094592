//! Configuration files of the three programs: any bytes are taken, or refused in one line.
#![no_main]

use clap::{Args as _, Command, FromArgMatches as _};
use compiler::config::Options;
use daemon::config::Task;
use libfuzzer_sys::fuzz_target;
use program::options;
use std::{env, ffi::OsString, fs, path::PathBuf, process, sync::LazyLock};

static PATH: LazyLock<PathBuf> =
    LazyLock::new(|| env::temp_dir().join(format!("mirrorlist-fuzz-{}.toml", process::id())));

fuzz_target!(|bytes: &[u8]| {
    fs::write(&*PATH, bytes).expect("a temporary file can be written");
    let arguments: [OsString; 3] = ["program".into(), "--config".into(), PATH.clone().into()];
    match Task::load(arguments.clone().into_iter()) {
        Ok(Task::Serve(config)) => assert!((1..=256).contains(&config.slots())),
        Ok(other) => panic!("nobody has asked for {other:?}"),
        Err(failure) => is_one_line(&failure.to_string()),
    }
    match frontend::config::Config::load(arguments.clone().into_iter()) {
        Ok(config) => assert!(config.thread_count() >= 1 && config.limits.connections >= 1),
        Err(failure) => is_one_line(&failure.to_string()),
    }
    let build = Options::augment_args(Command::new("build"));
    let flags = options::flags(build, arguments.into_iter()).expect("these are flags");
    // Settling reads the file, with the sections whose keys are free.
    let options = Options::from_arg_matches(&flags).expect("flags are options");
    match options.settle(&flags) {
        Ok(config) => assert_ne!(config.policy.exclude_protocols, cache::scheme::Schemes::ALL),
        Err(failure) => is_one_line(&failure.to_string()),
    }
});

fn is_one_line(message: &str) {
    assert!(!message.is_empty() && !message.contains(char::is_control), "{message:?}");
}
