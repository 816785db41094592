//! URLs that a list says are suspended are out of all answers, and whatever is wrong with the list harms nothing.

use crate::{
    reload::ask_until,
    support::{Daemon, folder, until, write_cache},
};
use nix::sys::signal::Signal;
use program::aside;
use std::{
    fs,
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{SystemTime, UNIX_EPOCH},
};

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// Puts a list of these hosts' URLs in place, whose lines end in so many seconds.
fn put(path: &Path, hosts: &[u32], lasts: u64) {
    let mut text = "# mirrorlist-suspended 1\n".to_owned();
    for host in hosts {
        let (name, since) = (format!("{host}.first.example.org"), now() - 60);
        text += &format!("https://{name}/pub/\t{name}\t{since}\t{}\tno answer: refused\n", now() + lasts);
    }
    text += &format!("# end {}\n", hosts.len());
    aside::put(path, text.as_bytes(), 0o644).unwrap();
}

/// Hosts in the answer of the generation that answers now.
fn answered(daemon: &Daemon, generation: u64) -> Vec<u32> {
    let body = daemon.connect_to_generation(generation).answer(1).unwrap();
    let host = |line: &str| line.strip_prefix("https://")?.split('.').next()?.parse().ok();
    let mut hosts: Vec<u32> = body.lines().filter_map(host).collect();
    hosts.sort_unstable();
    hosts
}

fn reloaded(daemon: &Daemon, generation: u64) {
    daemon.signal(Signal::SIGHUP);
    until("the new generation", || daemon.log().contains(&format!("generation {generation} is ready")));
}

fn all_but(hosts: &[u32]) -> Vec<u32> {
    (0..20).filter(|host| !hosts.contains(host)).collect()
}

#[test]
fn what_is_suspended_is_out_of_answers_and_told() {
    let folder = folder();
    write_cache(&folder.path().join("cache.mlc"), "first");
    put(&folder.path().join("list"), &[3], 3600);
    let daemon = Daemon::spawn_in(folder, &["--suspended", "list"]);
    until("ready", || daemon.log().contains("generation 1 is ready"));
    assert_eq!(answered(&daemon, 1), all_but(&[3]));
    put(&daemon.path("list"), &[3, 7, 9, 99], 3600);
    reloaded(&daemon, 2);
    assert_eq!(answered(&daemon, 2), all_but(&[3, 7, 9]));
    let status = daemon.status();
    let suspended = status.suspended.unwrap();
    assert_eq!((&*suspended.file, suspended.urls, suspended.hosts), ("list", 3, 3));
    assert!(suspended.until.is_some_and(|until| until > now()), "{suspended:?}");
    assert_eq!(status.counters["mirrorlist_suspended_urls"], 3);
    assert_eq!(status.counters["mirrorlist_suspended_hosts"], 3);
    let told = daemon.errand(&["status"]).out;
    assert!(told.contains("3 URLs, 3 hosts without another (list); the first ends in "), "{told}");
    // Back again.
    put(&daemon.path("list"), &[], 3600);
    reloaded(&daemon, 3);
    assert_eq!(answered(&daemon, 3), all_but(&[]));
    assert!(!daemon.log().contains("warning"), "{}", daemon.log());
}

#[test]
fn lists_that_come_and_go_under_load_lose_nothing() {
    let daemon = Daemon::start(&["--suspended", "list"]);
    let over = AtomicBool::new(false);
    let generations = thread::scope(|scope| {
        let clients: Vec<_> = (0..3).map(|_| scope.spawn(|| ask_until(&daemon, &over))).collect();
        for generation in 2..12_u32 {
            let hosts: Vec<u32> = (0..generation % 4).map(|host| host + generation % 7).collect();
            put(&daemon.path("list"), &hosts, 3600);
            reloaded(&daemon, generation.into());
            assert_eq!(answered(&daemon, generation.into()), all_but(&hosts));
        }
        over.store(true, Ordering::Relaxed);
        clients.into_iter().map(|client| client.join().unwrap()).collect::<Vec<_>>()
    });
    assert!(generations.iter().all(|reached| *reached >= 10), "{generations:?}");
}

#[test]
fn whatever_is_wrong_with_the_list_a_new_cache_answers() {
    let daemon = Daemon::start(&["--suspended", "list"]);
    let log = daemon.log();
    assert!(
        log.contains("suspended list: No such file or directory (os error 2); what was suspended before"),
        "{log}"
    );
    assert_eq!(answered(&daemon, 1), all_but(&[]));
    put(&daemon.path("list"), &[1, 2], 3600);
    reloaded(&daemon, 2);
    assert_eq!(answered(&daemon, 2), all_but(&[1, 2]));
    let good = fs::read(daemon.path("list")).unwrap();
    let mut generation = 2;
    let mut warned = |bytes: &[u8], cause: &str| {
        generation += 1;
        aside::put(&daemon.path("list"), bytes, 0o644).unwrap();
        reloaded(&daemon, generation);
        let said = format!("suspended list: {cause}");
        assert!(daemon.log().contains(&said), "{said}: {}", daemon.log());
        // Those of the list before.
        assert_eq!(answered(&daemon, generation), all_but(&[1, 2]));
    };
    warned(b"", "is empty;");
    warned(&good[..good.len() - 10], "is cut: ");
    warned(&good[..50], "line 2: is not URL, host, since, until and reason");
    warned(b"<html>\n", "does not begin with");
    warned(&vec![b'x'; 2 << 20], "is longer than 1048576 bytes;");
    fs::remove_file(daemon.path("list")).unwrap();
    fs::create_dir(daemon.path("list")).unwrap();
    reloaded(&daemon, 8);
    assert!(daemon.log().contains("suspended list: not a regular file;"), "{}", daemon.log());
    fs::remove_dir(daemon.path("list")).unwrap();
    // One that would leave hardly anybody, and one that nobody has renewed.
    put(&daemon.path("list"), &(0..11).collect::<Vec<_>>(), 3600);
    reloaded(&daemon, 9);
    let said =
        "suspended list: would leave out 11 of 20 hosts, which is more than half; nothing is suspended";
    assert!(daemon.log().contains(said), "{}", daemon.log());
    assert_eq!(answered(&daemon, 9), all_but(&[]));
    put(&daemon.path("list"), &[5], 0);
    reloaded(&daemon, 10);
    assert!(daemon.log().contains("nothing is suspended; is it still written?"), "{}", daemon.log());
    assert_eq!(answered(&daemon, 10), all_but(&[]));
}

#[test]
fn what_is_suspended_comes_back_by_itself() {
    let folder = folder();
    write_cache(&folder.path().join("cache.mlc"), "first");
    put(&folder.path().join("list"), &[4], 3);
    let daemon = Daemon::spawn_in(folder, &["--suspended", "list"]);
    until("ready", || daemon.log().contains("generation 1 is ready"));
    until("a generation that nobody has ordered", || daemon.log().contains("generation 2 is ready"));
    assert_eq!(answered(&daemon, 2), all_but(&[]));
}

#[test]
fn a_check_says_what_is_wrong_with_the_list() {
    let daemon = Daemon::start(&[]);
    put(&daemon.path("list"), &[1], 3600);
    let options = ["--check", "--suspended", "list"];
    assert_eq!(daemon.run_beside(&options).0, Some(0));
    fs::write(daemon.path("list"), "nonsense").unwrap();
    let (code, said) = daemon.run_beside(&options);
    // No reason to compile a cache anew, which is what 66 tells the unit.
    assert_eq!(code, Some(0), "{said}");
    assert!(said.starts_with("warning: suspended list: does not begin with"), "{said}");
}
