//! From `make install` to the first answer, by nothing but the commands that it prints.
//!
//! On a copy of the machine, with the stand-in for systemd; users and folders are made by systemd's own tools, and
//! systemd-analyze reads the installed units.

use super::{
    TOP, eventually, has, machine,
    made::Make,
    manager::{self, Manager},
    outcome, run,
    unit::{OPTIONAL, UNITS},
};
use std::{fs, path::Path, process::Command};
use testkit::sample;

const TEST: &str = "first_start::what_make_install_prints_ends_in_a_service_that_answers";

/// The commands in what `make install` prints: the lines that are set in.
fn commands(said: &str) -> Vec<&str> {
    said.lines().filter_map(|line| line.strip_prefix("    ")).collect()
}

#[test]
fn what_make_install_prints_ends_in_a_service_that_answers() {
    let tools =
        ["curl", "make", "setpriv", "systemd-analyze", "systemd-sysusers", "systemd-tmpfiles", "unshare"];
    if !has(&tools) {
        return;
    }
    if !machine::is_inside() {
        drop(Make::all());
        assert!(!machine::entered(TEST, &[]));
        return;
    }
    let manager = Manager::take_over(&UNITS);
    let said = Make::made_before().run(&["install"]);
    let commands = commands(&said);
    let [sysusers, tmpfiles, daemon_reload, compile, enable, enable_compiler, asked @ ..] = &commands[..]
    else {
        panic!("{said}")
    };
    let shell = |line: &str| outcome(Command::new("sh").args(["-c", line]));
    for line in [sysusers, tmpfiles, daemon_reload] {
        let (said, well) = shell(line);
        assert!(well, "{line}: {said}");
    }
    let verified =
        run(Command::new("systemd-analyze").args(["verify", "--man=no"]).args(UNITS).args(OPTIONAL));
    assert_eq!(verified, "");

    // An input that is not there: the unit fails, and its log says which and what to do.
    assert!(!shell(compile).1);
    let log = fs::read_to_string(manager::log("mirrorlist-cache.service")).unwrap();
    assert!(log.contains("/var/lib/mirrorlist/input/") && log.contains("; put the file there, "), "{log}");
    assert!(!shell(enable).1, "a daemon without a cache does not come up");

    sample::write(Path::new("/var/lib/mirrorlist/input")).unwrap();
    for line in [compile, enable, enable_compiler] {
        let (said, well) = shell(line);
        assert!(well, "{line}: {said}");
    }
    for unit in ["mirrorlistd.socket", "mirrorlistd.service", "mirrorlist-http.service"] {
        assert!(manager.is_active(unit), "{unit}");
    }
    let [status, list, curl, ..] = asked else { panic!("{said}") };
    assert!(run(Command::new("sh").args(["-c", status])).contains("generation"));
    assert!(run(Command::new("sh").args(["-c", list])).contains("\nepel-10 "));
    // The sample has another release of EPEL than the commands name.
    let curl = curl.replace("epel-9", "epel-10").replace("curl ", "curl --silent --fail --noproxy '*' ");
    let answer = eventually("an answer", || {
        let (said, well) = shell(&curl);
        well.then_some(said)
    });
    assert!(answer.contains("https://elbe.example.org/pub/epel/10/"), "{answer}");
}

#[test]
fn the_documents_have_the_commands_that_make_install_prints() {
    let makefile = fs::read_to_string(Path::new(TOP).join("Makefile")).unwrap();
    let (_, next) = makefile.split_once("define next\n").unwrap();
    let (next, _) = next.split_once("\nendef").unwrap();
    let folders = [
        ("$(sysusersdir)", "/usr/local/lib/sysusers.d"),
        ("$(tmpfilesdir)", "/usr/local/lib/tmpfiles.d"),
        ("$(localstatedir)", "/var"),
        ("$(bindir)/", ""),
    ];
    let next = folders.iter().fold(next.to_owned(), |text, (name, folder)| text.replace(name, folder));
    let commands = commands(&next);
    assert_eq!(commands.len(), 9, "{commands:?}");
    // The short document leaves out how to look around.
    for (document, all) in [("systemd/README.md", true), ("README.md", false)] {
        let text = fs::read_to_string(Path::new(TOP).join(document)).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        for command in &commands {
            let is_there = lines.iter().any(|line| line.split(" #").next().unwrap().trim() == *command);
            let may_lack = !all
                && ["mirrorlistd status", "mirrorlist-cache list"]
                    .iter()
                    .any(|begin| command.starts_with(begin));
            assert!(is_there || may_lack, "{document}: lacks {command}");
        }
    }
}
