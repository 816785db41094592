//! What clients notice of processes that die, stop and come back: nothing, or only a delay.

use crate::support::{
    Client, Load, is_there, load::wait_until_at_work, programs, sample_cache, sample_stack, wait_until,
    workers,
};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use std::{fs, process::Command};
use testkit::{
    load::Target,
    stack::{Running, Stack},
};

const LIST: &str = "/mirrorlist?repo=fedora-42&arch=x86_64";

/// Starts the daemon of a stack anew, after the old one has ended.
fn start_daemon_again(stack: &mut Stack) {
    let mut command = Command::new(programs().daemon);
    command.arg("--cache").arg(sample_cache()).arg("--socket").arg(&stack.socket).args(["--workers", "2"]);
    let mut daemon = Running::start(&mut command).unwrap();
    daemon.expect("is ready").unwrap();
    stack.daemon = daemon;
}

#[test]
fn workers_killed_under_load_cost_no_answer_and_are_replaced() {
    const KILLS: usize = 10;
    // Nothing but a worker's death is to send a request to another one, which happens once only.
    let stack = sample_stack(&["--deadline", "25", "--patience", "25"]);
    let load = Load::start(Target::Tcp(stack.http), sample_cache(), true);
    for number in 0..KILLS {
        let before = workers(&stack);
        let victim = before[number % before.len()];
        // Both have answered what the last death has left to them.
        before.iter().for_each(|worker| wait_until_at_work(*worker));
        kill(Pid::from_raw(victim as i32), Signal::SIGKILL).unwrap();
        wait_until("the lost worker is replaced", || {
            let now = workers(&stack);
            now.len() == before.len() && !now.contains(&victim)
        });
    }
    for worker in workers(&stack) {
        wait_until_at_work(worker);
    }
    assert!(load.finish().answered > 1000);
    stack.stop().unwrap();
}

#[test]
fn without_a_daemon_clients_are_told_to_come_back_and_later_find_it_again() {
    let mut stack = sample_stack(&["--deadline", "0.2"]);
    let mut client = Client::connect(stack.http);
    assert_eq!(client.get(LIST).status, 200);
    stack.daemon.stop().unwrap();
    for _ in 0..3 {
        let answer = client.get(LIST);
        assert_eq!((answer.status, answer.header("retry-after")), (503, "1"), "{answer:?}");
        assert_eq!(answer.header("cache-control"), "private, no-cache");
        assert!(answer.body.ends_with('\n'));
    }
    start_daemon_again(&mut stack);
    wait_until("the front end finds the daemon", || client.get(LIST).status == 200);
    stack.stop().unwrap();
}

#[test]
fn a_request_waits_for_a_daemon_that_starts_anew() {
    let mut stack = sample_stack(&["--deadline", "25"]);
    let mut clients: Vec<Client> = (0..8).map(|_| Client::connect(stack.http)).collect();
    assert!(clients.iter_mut().all(|client| client.get(LIST).status == 200));
    stack.daemon.stop().unwrap();
    for client in &mut clients {
        client.ask("GET", LIST, "");
    }
    start_daemon_again(&mut stack);
    assert!(clients.iter_mut().all(|client| client.answer().status == 200));
}

#[test]
fn a_daemon_that_is_killed_is_replaced_by_the_next_start() {
    let mut stack = sample_stack(&["--deadline", "25"]);
    let orphans = workers(&stack);
    stack.daemon.signal(Signal::SIGKILL).unwrap();
    wait_until("the workers of a dead master end", || orphans.iter().all(|pid| !is_running(*pid)));
    assert!(stack.socket.exists());
    start_daemon_again(&mut stack);
    assert_eq!(Client::connect(stack.http).get(LIST).status, 200);
}

/// Whether a process runs: is there and not only waiting to be waited for.
fn is_running(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit(')').next().is_some_and(|rest| !rest.is_empty() && !rest.trim_start().starts_with('Z'))
}

#[test]
fn a_stop_leaves_no_process_and_no_socket() {
    let mut stack = sample_stack(&[]);
    let mut idle = Client::connect(stack.http);
    assert_eq!(idle.get(LIST).status, 200);
    let processes = stack.processes().unwrap();
    assert_eq!(processes.len(), 4);
    // An idle client does not hold the service up.
    stack.frontend.stop().unwrap();
    assert!(idle.is_closed());
    stack.daemon.stop().unwrap();
    assert!(!stack.socket.exists());
    for (role, pid) in processes {
        assert!(!is_there(pid), "the {role} is still there");
    }
}

#[test]
fn a_restart_of_the_daemon_under_load_costs_time_and_no_answer() {
    let mut stack = sample_stack(&["--deadline", "25"]);
    let load = Load::start(Target::Tcp(stack.http), sample_cache(), true);
    for worker in workers(&stack) {
        wait_until_at_work(worker);
    }
    stack.daemon.stop().unwrap();
    start_daemon_again(&mut stack);
    for worker in workers(&stack) {
        wait_until_at_work(worker);
    }
    assert!(load.finish().answered > 100);
}
