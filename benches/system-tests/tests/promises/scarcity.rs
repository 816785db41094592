//! What the system denies: descriptors, processes, room on the disk; and a clock that jumps. Answers go on, and all is
//! well again afterwards.

use crate::support::{
    Figures, Load, NOBODY, Service, alone,
    http::Client,
    load::{ask, at_work},
    proc,
    service::{Setup, folder},
    signal, until,
};
use nix::{sys::signal::Signal, unistd::geteuid};
use std::{
    fs,
    os::unix::{fs::symlink, net::UnixStream, process::CommandExt as _},
    process::Command,
};

const LIST: &str = "/mirrorlist?path=pub/fedora/linux";
const METALINK: &str = "/metalink?repo=epel-10&arch=x86_64";

#[test]
fn promise_12_scarcity_costs_no_answer_and_passes() {
    let _turn = alone();
    let mut figures = Figures::of(12, "scarcity costs no answer and passes");
    few_descriptors_for_workers(&mut figures);
    few_descriptors_for_the_front_end(&mut figures);
    a_full_disk_under_the_log(&mut figures);
    forks_that_fail(&mut figures);
    memory_for_a_second_cache(&mut figures);
    messages_that_nobody_reads(&mut figures);
    a_clock_that_jumps(&mut figures);
    figures.print();
}

fn few_descriptors_for_workers(figures: &mut Figures) {
    let daemon = &["--workers", "2"];
    let service = Service::start(Setup { daemon, daemon_after: "ulimit -n 20", ..Setup::default() });
    let load = Load::start(&service);
    let crowd: Vec<UnixStream> = (0..60).map(|_| UnixStream::connect(service.socket()).unwrap()).collect();
    service.daemon.says("not accepted (Too many open files", 1);
    at_work(&service);
    drop(crowd);
    service.reload();
    service.settles(2);
    at_work(&service);
    figures.load(&load.finish()).remark("descriptors of workers");
    figures.reloads += 1;
}

fn few_descriptors_for_the_front_end(figures: &mut Figures) {
    let service = Service::start(Setup::default());
    let load = Load::start(&service);
    let open = proc::descriptors(service.frontend.pid());
    if !set_limit(service.frontend.pid(), NOBODY, "nofile", open as u64 + 4) {
        figures.load(&load.finish()).remark("front end's descriptors not tried: no prlimit");
        return;
    }
    let mut crowd: Vec<Client> = (0..60).map(|_| Client::connect(&service)).collect();
    service.frontend.says("cannot accept (", 1);
    at_work(&service);
    set_limit(service.frontend.pid(), NOBODY, "nofile", 1024);
    let waited = crowd.last_mut().unwrap().get(LIST, "192.0.2.1");
    assert_eq!(waited.status, 200);
    figures.load(&load.finish()).remark("descriptors of the front end");
}

fn a_full_disk_under_the_log(figures: &mut Figures) {
    let place = folder(NOBODY);
    let log = place.path().join("access.log");
    symlink("/dev/full", &log).unwrap();
    let options = ["--workers", "2", "--log-address", "full", "--access-log", log.to_str().unwrap()];
    let service = Service::start(Setup { daemon: &options, ..Setup::default() });
    let load = Load::start(&service);
    service.daemon.says(" lost (No space left on device", 2);
    at_work(&service);
    fs::remove_file(&log).unwrap();
    service.daemon.signal(Signal::SIGUSR1);
    until("the log is written to", || fs::metadata(&log).is_ok_and(|log| log.len() > 0));
    figures.load(&load.finish()).remark("full disk under the log");
    assert!(fs::read_to_string(&log).unwrap().lines().all(|line| line.starts_with("IP: ")), "a broken line");
}

fn forks_that_fail(figures: &mut Figures) {
    if !geteuid().is_root() {
        figures.remark("failing forks not tried: needs a user of its own");
        return;
    }
    let user = 61_000 + std::process::id() % 1000;
    let daemon = &["--workers", "2", "--socket-mode", "0666"];
    let service = Service::start(Setup { daemon, user, ..Setup::default() });
    let load = Load::start(&service);
    let master = service.daemon.pid();
    if !set_limit(master, user, "nproc", 1) {
        figures.load(&load.finish()).remark("failing forks not tried: no prlimit");
        return;
    }
    service.daemon.signal(Signal::SIGHUP);
    service.daemon.says("; keeping generation 1", 1);
    let [victim, survivor] = service.workers()[..] else { panic!("two workers") };
    let failures = service.daemon.said("not started (");
    assert!(signal(victim, Signal::SIGKILL));
    service.daemon.says("not started (", failures + 3);
    assert_eq!(service.workers(), [survivor]);
    at_work(&service);
    set_limit(master, user, "nproc", 100);
    service.settles(2);
    service.reload();
    service.settles(2);
    at_work(&service);
    figures.load(&load.finish()).remark("failing forks");
    figures.kills += 1;
    figures.reloads += 1;
}

/// There is room for what the master does all the time, but not for another cache beside the first.
fn memory_for_a_second_cache(figures: &mut Figures) {
    let service = Service::start(Setup { daemon: &["--workers", "2"], ..Setup::default() });
    let load = Load::start(&service);
    let (master, workers) = (service.daemon.pid(), service.workers());
    let room = fs::metadata(service.cache()).unwrap().len() / 2;
    if !set_limit(master, NOBODY, "as", proc::address_space(master) + room) {
        figures.load(&load.finish()).remark("lack of memory not tried: no prlimit");
        return;
    }
    service.daemon.signal(Signal::SIGHUP);
    // Whether the map of the copy finds no room or a part of the check.
    service.daemon.says("; keeping generation 1 ", 1);
    at_work(&service);
    assert_eq!(service.workers(), workers);
    set_limit(master, NOBODY, "as", 1 << 40);
    service.reload();
    service.settles(2);
    figures.load(&load.finish()).remark("no memory for another cache");
    figures.reloads += 1;
}

fn messages_that_nobody_reads(figures: &mut Figures) {
    // A pipe that is all but full, and has nobody but the daemon itself at its reading end.
    let daemon_after = "rm -f pipe; mkfifo pipe; exec 2<>pipe; head -c 60000 /dev/zero >&2";
    let service =
        Service::start_quietly(Setup { daemon: &["--workers", "2"], daemon_after, ..Setup::default() });
    let load = Load::start(&service);
    for _ in 0..60 {
        let old = service.workers();
        service.daemon.signal(Signal::SIGHUP);
        until("new workers", || {
            let now = service.workers();
            now.len() == 2 && now.iter().all(|pid| !old.contains(pid) && proc::slot(*pid).is_some())
        });
        figures.reloads += 1;
    }
    figures.load(&load.finish()).remark("messages that nobody reads");
    figures.load(&ask(&service, 1000));
}

/// Decades forth and back: what is answered has the new time in it, and nothing that is due is put off or rushed.
fn a_clock_that_jumps(figures: &mut Figures) {
    let Some(library) = libfaketime() else {
        println!("skipped: a clock that jumps needs Debian's libfaketime");
        figures.remark("clock not tried: no libfaketime");
        return;
    };
    // The library has the time from a file, anew whenever it is asked. A monotonic clock never jumps.
    let daemon_after = format!(
        "export LD_PRELOAD={library} FAKETIME_TIMESTAMP_FILE=$PWD/clock FAKETIME_NO_CACHE=1 FAKETIME_DISABLE_SHM=1 \
         FAKETIME_DONT_FAKE_MONOTONIC=1 TZ=UTC; echo +0 > clock"
    );
    // Confined workers could not read that file.
    let daemon = &["--workers", "2", "--sandbox", "off"];
    let service = Service::start(Setup { daemon, daemon_after: &daemon_after, ..Setup::default() });
    let load = Load::start(&service);
    let mut client = Client::connect(&service);
    for (clock, year) in
        [("1970-01-01 00:00:00", 1970), ("2037-12-31 23:59:59", 2038), ("2112-02-29 12:00:00", 2112)]
    {
        fs::write(service.path("clock"), format!("@{clock}\n")).unwrap();
        until("a metalink of the new time", || {
            client.get(METALINK, "192.0.2.1").body.contains(&format!(" {year} "))
        });
        assert!(signal(service.workers()[0], Signal::SIGKILL));
        service.settles(2);
        service.reload();
        service.settles(2);
        at_work(&service);
        figures.kills += 1;
        figures.reloads += 1;
    }
    assert_eq!(service.daemon.said("silent for"), 0, "{}", service.daemon.log());
    figures.load(&load.finish()).remark("a clock that jumps");
}

fn libfaketime() -> Option<String> {
    let folders = fs::read_dir("/usr/lib").ok()?.filter_map(Result::ok);
    let paths = folders.map(|folder| folder.path().join("faketime/libfaketime.so.1"));
    paths.filter(|path| path.exists()).find_map(|path| path.to_str().map(str::to_owned))
}

/// Sets a soft limit of a running process; whether that can be done here.
fn set_limit(pid: u32, user: u32, what: &str, limit: u64) -> bool {
    let mut command = Command::new("prlimit");
    command.args([format!("--pid={pid}"), format!("--{what}={limit}:")]);
    if geteuid().is_root() {
        // In a container even root may set the limits of its own processes only.
        command.uid(user).gid(user);
    }
    command.status().is_ok_and(|status| status.success())
}
