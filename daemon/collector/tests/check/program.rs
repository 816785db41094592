//! The built program, run to its end.

use crate::world::World;
use collector::check::seconds::HOUR;
use std::{
    fs,
    process::{Command, Output, Stdio},
    time::{SystemTime, UNIX_EPOCH},
};

pub const PROGRAM: &str = env!("CARGO_BIN_EXE_mirrorlist-collect");

/// How a run ended.
#[derive(Debug)]
pub struct Ended {
    pub code: Option<i32>,
    /// Standard output.
    pub printed: String,
    /// Standard error.
    pub said: String,
}

pub fn ended(output: Output) -> Ended {
    Ended {
        code: output.status.code(),
        printed: String::from_utf8(output.stdout).unwrap(),
        said: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Has a program know of no proxy but those that a test names.
pub fn without_proxies(command: &mut Command) -> &mut Command {
    for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"] {
        command.env_remove(name).env_remove(name.to_ascii_lowercase());
    }
    command.stdin(Stdio::null())
}

impl World {
    /// Writes the options of this world into a file; its path.
    pub fn options(&self) -> String {
        let path = self.folder().join("collect.toml");
        let allow: Vec<String> =
            self.config.allow_addresses.iter().map(|prefix| format!("'{prefix}'")).collect();
        let text = format!(
            "contact = '{}'\nstate = '{}'\noutput = '{}'\nallow-addresses = [{}]\n[check]\npropagation = {:?}\n",
            self.config.contact,
            self.config.state.display(),
            self.config.output.display(),
            allow.join(", "),
            self.config.propagation
        );
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }

    /// The program with a subcommand and this world's options, to be told more.
    pub fn command(&self, subcommand: &str) -> Command {
        let mut command = Command::new(PROGRAM);
        command.args([subcommand, "--config", &self.options()]);
        without_proxies(&mut command);
        command
    }

    pub fn run(&self, subcommand: &str, more: &[&str]) -> Ended {
        ended(self.command(subcommand).args(more).output().unwrap())
    }
}

#[test]
fn a_repository_that_cannot_be_measured_is_told_of_once_an_hour() {
    let mut world = World::new(6);
    world.config.propagation = vec!["linux-1+x86_64".into(), "linux-1+riscv64".into()];
    let said = "warning: propagation linux-1+riscv64: the interchange file has no repomd.xml of it, or not its time; it is not measured; \
                correct the name, or remove it\n";
    let check = world.run("check", &["--check"]);
    assert_eq!((check.code, &*check.said), (Some(0), said));
    let times = |ended: Ended| ended.said.matches(said).count();
    let hour = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() / HOUR;
    loop {
        let begin = hour();
        let _ = fs::remove_file(&world.config.state);
        let rounds = [(); 3].map(|()| times(world.run("check", &[])));
        // Unless an hour has begun meanwhile.
        if hour() == begin {
            break assert_eq!(rounds, [1, 0, 0]);
        }
    }
}

#[test]
fn the_program_checks_and_tells() {
    let world = World::new(6);
    let status = world.run("status", &[]);
    assert_eq!((status.code, &*status.printed), (Some(66), ""));
    assert!(status.said.contains("is not there; no round has been yet"), "{status:?}");
    let well = world.run("check", &["--check"]);
    assert_eq!((well.code, &*well.printed), (Some(0), "well: 6 hosts in categories, 3 files to ask for\n"));
    assert!(!world.config.state.exists());
    let absent = world.folder().join("absent");
    let no_folder = world.run(
        "check",
        &[
            "--check",
            "--output",
            absent.to_str().unwrap(),
            "--interchange",
            world.config.interchange().to_str().unwrap(),
        ],
    );
    assert_eq!((no_folder.code, &*no_folder.printed), (Some(71), ""));
    assert!(
        no_folder.said.contains("absent: is no folder that is there; make it, or name another"),
        "{no_folder:?}"
    );

    world.servers[0].die();
    let check = world.run("check", &[]);
    assert!(check.printed.starts_with("round 1: 6 hosts asked in "), "{check:?}");
    assert_eq!(check.said.matches("answers by IPv4\n").count(), 5, "{check:?}");
    world.run("check", &[]);
    let check = world.run("check", &["--json"]);
    let summary: serde_json::Value = serde_json::from_str(&check.printed).unwrap();
    assert_eq!(summary["suspended"], serde_json::json!([world.url(0)]));
    assert_eq!((&summary["number"], &summary["good"], &summary["failed"]), (&3.into(), &5.into(), &1.into()));
    let line = format!("warning: mirror mirror 1: {} is suspended (no connection (127.0.0.1: ", world.url(0));
    assert!(check.said.starts_with(&line), "{check:?}");

    let status = world.run("status", &[]);
    assert_eq!((status.code, &*status.said), (Some(0), ""));
    for part in [
        "round        3 of ",
        "suspended    1\n",
        "failing      0\n",
        "5 good, 1 failed, 0 without a verdict",
    ] {
        assert!(status.printed.contains(part), "{part}: {}", status.printed);
    }
    let status: serde_json::Value = serde_json::from_str(&world.run("status", &["--json"]).printed).unwrap();
    assert!(status["urls"][world.url(0)]["suspended"]["reason"].as_str().unwrap().contains("no connection"));
}

#[test]
fn a_proxy_for_http_is_asked_for_whole_urls() {
    let world = World::new(1);
    let proxy = crate::server::Server::start(crate::server::Manner::Has(crate::world::CURRENT));
    let mut command = world.command("check");
    command.env("http_proxy", proxy.url(""));
    let ended = ended(command.args(["--json"]).output().unwrap());
    assert!(ended.printed.contains("\"good\": 1"), "{ended:?}");
    assert_eq!((world.connections(), proxy.connections()), (0, 1));
    assert!(proxy.requests()[0].starts_with(&format!("GET {}/9/", world.url(0))), "{:?}", proxy.requests());
}
