//! The front end as process 1 of a container, where the kernel keeps away every signal that it does not ask for.

use super::{client::Client, eventually, program::Program, worker::Daemon};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use std::{
    fs,
    process::{Command, Stdio},
    time::Duration,
};

/// A namespace whose process 1 comes next, with a /proc of its own; it ends with whoever made it.
const CONTAINER: [&str; 4] = ["--pid", "--fork", "--mount-proc", "--kill-child"];

#[test]
fn process_one_answers_and_obeys_from_without_and_from_within() {
    let tried = Command::new("unshare").args(CONTAINER).arg("true").stderr(Stdio::null()).status();
    if !tried.is_ok_and(|status| status.success()) {
        eprintln!("skipped: no process namespace can be made here (needs root and unshare)");
        return;
    }
    for (signal, from_within) in [(Signal::SIGTERM, false), (Signal::SIGINT, false), (Signal::SIGTERM, true)]
    {
        let daemon = Daemon::new();
        let _worker = daemon.echo();
        let mut command = Command::new("unshare");
        command.args(CONTAINER).arg(env!("CARGO_BIN_EXE_mirrorlist-http"));
        let mut program = Program::run(command, &daemon, &["--listen", "127.0.0.1:0"]);
        eventually("the program listens", || program.logged("listening on"));
        assert_eq!(Client::connect(program.address()).get("/").status, 200);
        let inner = only_child(program.pid());
        if from_within {
            let mut command = Command::new("nsenter");
            command.args(["--target", &inner.to_string(), "--pid", "sh", "-c", "kill -TERM 1"]);
            // The whole container goes with process 1, this command too.
            command.status().unwrap();
        } else {
            kill(inner, signal).unwrap();
        }
        assert_eq!(program.ended(Duration::from_secs(20)).code(), Some(0), "{}", program.log());
    }
}

fn only_child(parent: Pid) -> Pid {
    let numbers =
        fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let is_child = |number: &String| {
        let stat = fs::read_to_string(format!("/proc/{number}/stat")).unwrap_or_default();
        // The name before may hold blanks and brackets; state and parent follow it.
        let parent_of = stat.rsplit_once(')').and_then(|(_, rest)| rest.split_whitespace().nth(1));
        parent_of == Some(parent.to_string().as_str())
    };
    let children: Vec<String> = numbers.filter(|name| name.parse::<u32>().is_ok()).filter(is_child).collect();
    let [child] = &children[..] else { panic!("{children:?}") };
    Pid::from_raw(child.parse().unwrap())
}
