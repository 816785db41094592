//! The example for logrotate, run by logrotate itself while requests are logged.

use crate::support::{curl::curl, example::Example, folder::Folder, has, programs, run, tool, wait_until};
use nix::unistd::{Group, User, getegid, geteuid};
use std::{
    cell::Cell,
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};
use testkit::stack::Stack;

const TOOLS: [&str; 3] = ["logrotate", "curl", "gzip"];
const LIST: &str = "http://mirrors.example.org/mirrorlist?repo=fedora-42&arch=x86_64&ip=192.0.2.10";

/// The example for an access log of this daemon, as the user that the test runs as.
pub fn example(log: &Path, daemon: u32) -> Example {
    let user = User::from_uid(geteuid()).unwrap().unwrap().name;
    let group = Group::from_gid(getegid()).unwrap().unwrap().name;
    Example::read("logrotate")
        .with("/var/log/mirrorlist/access.log", log.display())
        .with("su mirrorlist mirrorlist", format!("su {user} {group}"))
        .with(
            "systemctl kill --kill-who=main --signal=USR1 mirrorlistd.service",
            format!("kill -USR1 {daemon}"),
        )
}

/// The variant that its comment tells of.
pub fn copytruncate(example: &Example) -> String {
    let text = example.text();
    assert!(text.contains("copytruncate in the place of"), "{text}");
    let (start, rest) = text.split_once("    create").unwrap();
    let (_, end) = rest.split_once("endscript\n").unwrap();
    format!("{start}    copytruncate\n{end}")
}

/// Runs logrotate on a configuration, due or not.
pub fn rotate(folder: &Path, config: &str) {
    let file = folder.join("logrotate.conf");
    fs::write(&file, config).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    let said =
        run(tool("logrotate").arg("--force").arg("--state").arg(folder.join("state")).arg(&file)).unwrap();
    assert_eq!(said, "");
}

/// How many lines a log has; each is whole.
pub fn whole_lines(log: &Path) -> usize {
    let text = fs::read_to_string(log).unwrap();
    let is_whole = |line: &str| line.starts_with("IP: ") && line.contains("; ARCH: ") && !line.contains('\0');
    assert!(text.is_empty() || text.ends_with('\n'), "{}: {text:?}", log.display());
    assert_eq!(text.lines().find(|line| !is_whole(line)), None, "{}", log.display());
    text.lines().count()
}

struct Logged {
    stack: Stack,
    folder: Folder,
    log: PathBuf,
    asked: Cell<usize>,
}

impl Logged {
    fn start() -> Logged {
        let folder = Folder::new();
        let (cache, log) = (folder.join("cache.mlc"), folder.join("access.log"));
        super::service::compile(&cache);
        let options = ["--workers", "2", "--log-address", "short", "--access-log", log.to_str().unwrap()];
        let stack = Stack::start(&programs(), &cache, &options, &[]).unwrap();
        Logged { stack, folder, log, asked: Cell::new(0) }
    }

    fn ask(&self, times: usize) {
        for _ in 0..times {
            assert_eq!(curl(self.stack.http, LIST, &[]).status, 200);
        }
        self.asked.set(self.asked.get() + times);
    }

    fn has(&self, name: &str, lines: usize) {
        let file = self.folder.join(name);
        wait_until(name, || file.exists() && whole_lines(&file) == lines);
    }
}

#[test]
fn after_a_rotation_lines_go_to_the_new_file_and_none_is_lost() {
    if !has(&TOOLS) {
        return;
    }
    let logged = Logged::start();
    let config = example(&logged.log, logged.stack.daemon.pid());
    logged.ask(5);
    logged.has("access.log", 5);
    rotate(logged.folder.path(), config.text());
    // Whoever still has the old file writes into that one.
    wait_until("lines come into the new file", || {
        logged.ask(1);
        fs::metadata(&logged.log).unwrap().len() > 0
    });
    let before = whole_lines(&logged.folder.join("access.log.1"));
    logged.ask(3);
    logged.has("access.log", logged.asked.get() - before);
    logged.has("access.log.1", before);
    let mode = fs::metadata(&logged.log).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o640);
    rotate(logged.folder.path(), config.text());
    assert!(logged.folder.join("access.log.2.gz").is_file());
    logged.stack.stop().unwrap();
}

#[test]
fn a_log_that_is_copied_and_cut_goes_on_from_its_beginning() {
    if !has(&TOOLS) {
        return;
    }
    let logged = Logged::start();
    let config = copytruncate(&example(&logged.log, logged.stack.daemon.pid()));
    logged.ask(5);
    logged.has("access.log", 5);
    rotate(logged.folder.path(), &config);
    assert_eq!(fs::metadata(&logged.log).unwrap().len(), 0);
    logged.ask(3);
    logged.has("access.log", 3);
    logged.has("access.log.1", 5);
    logged.stack.stop().unwrap();
}
