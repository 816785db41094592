//! `cargo demo` as someone tries it: start it, run the commands that it prints, press Ctrl-C.

use crate::support::{Client, is_there, wait_until};
use nix::{
    sys::signal::{Signal, killpg},
    unistd::Pid,
};
use std::{
    io::{BufRead, BufReader},
    os::unix::process::CommandExt as _,
    process::{Child, Command, Stdio},
};
use testkit::stack::{self, children};

/// The program, ended if the test fails.
struct Demo(Child);

impl Drop for Demo {
    fn drop(&mut self) {
        // The programs that it has started are in its group, and none of them outlives a failed test.
        let _ = killpg(Pid::from_raw(self.0.id() as i32), Signal::SIGKILL);
        let _ = self.0.wait();
    }
}

#[test]
fn the_commands_that_the_demo_prints_work_and_ctrl_c_ends_it_all() {
    // A group of its own, to which Ctrl-C goes as it does from a terminal.
    let mut command = Command::new(stack::tool("demo").unwrap());
    command.args(["--listen", "127.0.0.2:0"]);
    command.process_group(0).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut demo = Demo(command.spawn().unwrap());
    let mut lines = BufReader::new(demo.0.stdout.take().unwrap()).lines().map(Result::unwrap);
    let printed: Vec<String> = lines.by_ref().take_while(|line| !line.contains("Ctrl-C ends it")).collect();
    let commands: Vec<&str> = printed.iter().filter_map(|line| line.strip_prefix("    ")).collect();
    let [
        list,
        campus,
        metalink,
        redirect,
        dnf,
        status,
        worker,
        metrics,
        collected,
        behind,
        excluded,
        explain,
        inspect,
        mirrors,
        catch_up,
    ] = commands[..]
    else {
        panic!("{printed:?}")
    };
    let curls = [list, campus, metalink, redirect];
    assert!(curls.iter().all(|line| line.contains("http://127.0.0.2:")), "where it was told to: {printed:?}");

    let list_command = list;
    let [list, campus, metalink, redirect] = curls.map(ask);
    assert!(list.starts_with("# repo = fedora-42 arch = x86_64 Using ASN 64496 country = DE "), "{list}");
    // Mirrors have addresses of their own in the order of their files: elbe, isar, campus, ..., the tenth is dead.
    let (of_elbe, of_isar, of_campus, of_hudson) =
        ("http://127.0.1.1:", "http://127.0.1.2:", "http://127.0.1.3:", "http://127.0.1.6:");
    assert!(list.contains(&format!("\n{of_elbe}")) && list.contains(of_isar), "{list}");
    assert!(campus.contains(of_campus) && !list.contains(of_campus), "{campus}");
    assert!(metalink.starts_with("<?xml ") && metalink.trim_end().ends_with("</metalink>"), "{metalink}");
    assert!(
        redirect.contains(of_hudson) && redirect.contains("/pub/fedora/linux/releases/42/"),
        "{redirect}"
    );
    for (command, shown) in [
        (dnf, "found-by-way-of-mirrorlistd-0:1.0-1.noarch"),
        (status, "  generation                1 with 2 of 2 workers ready"),
        (worker, "\n# repo = fedora-42 arch = x86_64 Using ASN 64496 country = DE "),
        (metrics, "mirrorlist_http_requests_total{kind=\"redirect\",status=\"302\",tier=\"geoip\"} 1"),
        (collected, "http://127.0.1.10:"),
        (behind, "updates-released-f42+x86_64  out since "),
        (excluded, "\"reason\":\"suspended\""),
        (explain, of_elbe),
        (inspect, "  mirrors       12 hosts "),
        (mirrors, of_hudson),
    ] {
        let tool = command.split(' ').next().unwrap();
        if !is_installed(tool) {
            eprintln!("skipped: not installed: {tool}");
            continue;
        }
        let said = run(command);
        assert!(said.contains(shown), "{command}: {said}");
    }
    let updates = || ask(&list_command.replace("repo=fedora-42", "repo=updates-released-f42&limit=50"));
    assert!(!updates().contains(of_isar), "{}", updates());
    run(catch_up);
    assert!(updates().contains(of_isar), "{}", updates());

    let site =
        printed.iter().find_map(|line| line.split_once("figures: http://")).expect("where pages are").1;
    let client = |path: &str| Client::connect(site.trim_end_matches('/').parse().unwrap()).get(path);
    for (path, shown) in [
        ("/", "requests on"),
        ("/style.css", "--paper"),
        ("/statistics/", "Countries"),
        ("/mirrors.json", of_hudson),
        ("/map/index.html", ">hudson.example.com <tspan x=\"0\" dy=\"1.2em\">answers "),
        ("/map/index.html", ">mekong.example.net <tspan"),
        ("/mirrors/127.0.1.10.html", "onnection refused"),
        ("/mirrors/127.0.1.2.html", "fedora-42"),
        ("/propagation/epel-10~2bx86_64.html", "mirrors/127.0.1.2.html"),
    ] {
        let answer = client(path);
        assert!(answer.status == 200 && answer.body.contains(shown), "{path}: {answer:?}");
    }
    for path in ["/../figures.db", "/.mirrorlist-report", "/nothing.html", "//etc/passwd"] {
        assert_eq!(client(path).status, 404, "{path}");
    }

    let own = demo.0.id();
    let programs = children(own).unwrap();
    let workers: Vec<u32> = programs.iter().flat_map(|pid| children(*pid).unwrap()).collect();
    assert_eq!((programs.len(), workers.len()), (2, 2));
    killpg(Pid::from_raw(own as i32), Signal::SIGINT).unwrap();
    let mut status = None;
    wait_until("the demo ends", || {
        status = demo.0.try_wait().unwrap();
        status.is_some()
    });
    assert_eq!(status.and_then(|status| status.code()), Some(0));
    for pid in programs.into_iter().chain(workers) {
        assert!(!is_there(pid), "process {pid} is still there");
    }
}

#[test]
fn the_demo_tells_its_options_and_refuses_others_before_it_starts_anything() {
    let run = |argument| Command::new(stack::tool("demo").unwrap()).arg(argument).output().unwrap();
    let help = run("--help");
    assert_eq!(help.status.code(), Some(0));
    assert!(String::from_utf8_lossy(&help.stdout).contains("--listen"), "{help:?}");
    assert_eq!(run("--nonsense").status.code(), Some(2));
}

fn is_installed(tool: &str) -> bool {
    Command::new(tool).arg("--version").output().is_ok()
}

/// Runs a printed command as it is and returns what it prints.
fn run(line: &str) -> String {
    let output = Command::new("sh").args(["-c", line]).output().unwrap();
    assert!(output.status.success(), "{line}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// Runs a printed `curl`; where there is none, asks for its URL ourselves.
fn ask(line: &str) -> String {
    if is_installed("curl") {
        return run(&line.replacen("curl ", "curl --silent --show-error --fail --max-time 20 ", 1));
    }
    let url = line.split('\'').nth(1).and_then(|url| url.strip_prefix("http://")).unwrap();
    let (address, target) = url.split_once('/').unwrap();
    let answer = Client::connect(address.parse().unwrap()).get(&format!("/{target}"));
    assert!(answer.status < 400, "{answer:?}");
    format!("{}{}", answer.header("location"), answer.body)
}
