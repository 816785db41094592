//! What figures were measured on.

use serde::Serialize;
use std::{fs, process::Command, thread};

/// A machine, in words.
#[derive(Clone, Debug, Serialize)]
pub struct Machine {
    /// The processor's name.
    pub processor: String,
    /// How many of them there are.
    pub cores: usize,
    /// The kernel's release.
    pub kernel: String,
    /// `rustc --version`.
    pub compiler: String,
    /// `getconf GNU_LIBC_VERSION`; empty where libc is another.
    pub libc: String,
}

impl Machine {
    /// The machine that this runs on; what cannot be found out is empty.
    pub fn this() -> Machine {
        let cpus = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let processor = cpus.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
        Machine {
            processor: processor.map(|(_, name)| name.to_owned()).unwrap_or_default(),
            cores: thread::available_parallelism().map_or(1, usize::from),
            kernel: fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default().trim().to_owned(),
            compiler: output("rustc", "--version"),
            libc: output("getconf", "GNU_LIBC_VERSION"),
        }
    }
}

fn output(program: &str, argument: &str) -> String {
    let output = Command::new(program).arg(argument).output();
    output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap_or_default()
}
