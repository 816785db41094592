//! Cache files that are no good, or that someone lays hands on: what is answered stays right.

use crate::support::{
    Figures, Load, Service, alone, by_profile, cache,
    load::at_work,
    service::{Setup, folder, give, programs},
    until,
};
use ::cache::{CacheBytes, FILE_HEADER_LEN, View};
use nix::{sys::signal::Signal, sys::stat::Mode, unistd::mkfifo};
use std::{
    fs::{self, File, Permissions},
    io::Read as _,
    os::unix::fs::PermissionsExt as _,
    process::{Command, Stdio},
    thread,
    time::Instant,
};
use testkit::inputs;

/// What is put in place of the cache.
enum Bad {
    Nothing,
    Folder,
    Pipe,
    Unreadable,
    Bytes(Vec<u8>),
}

/// Every kind, each with a word of what is to be said of it.
fn bad_caches(good: &[u8]) -> Vec<(Bad, &'static str)> {
    let mut all = vec![
        (Bad::Nothing, "No such file"),
        (Bad::Folder, "not a regular file"),
        (Bad::Pipe, "not a regular file"),
        (Bad::Bytes(vec![]), "is empty"),
    ];
    if nix::unistd::geteuid().is_root() {
        all.push((Bad::Unreadable, "Permission denied"));
    }
    let step = 4096;
    all.extend((step..good.len()).step_by(step).map(|length| (Bad::Bytes(good[..length].to_vec()), "bytes")));
    let changed = |at: usize, by: u8| {
        let mut bytes = good.to_vec();
        bytes[at] ^= by;
        Bad::Bytes(bytes)
    };
    // Magic, format (an older one too), length, times, checksum and what is reserved.
    let older = changed(8, good[8]);
    all.push((older, "format 0"));
    let header = [(0, "not a"), (7, "not a"), (8, "format"), (12, ""), (16, "bytes"), (23, "bytes")];
    all.extend(header.map(|(at, said)| (changed(at, 0x40), said)));
    all.extend(
        [(24, "checksum"), (39, "checksum"), (40, "checksum"), (55, "checksum"), (56, ""), (63, "")]
            .map(|(at, said)| (changed(at, 1), said)),
    );
    let flips = by_profile(200, 5000);
    let payload = good.len() - FILE_HEADER_LEN;
    let places =
        (0..flips).map(|number: usize| FILE_HEADER_LEN + number.wrapping_mul(2_654_435_761) % payload);
    all.extend(places.map(|at| (changed(at, 1 << (at % 8)), "checksum")));
    all.push((Bad::Bytes([good, b"more"].concat()), "bytes"));
    all
}

impl Bad {
    fn take_place(&self, service: &Service) {
        let path = service.cache();
        let _not_there = fs::remove_dir(&path).or_else(|_| fs::remove_file(&path));
        match self {
            Bad::Nothing => {}
            Bad::Folder => fs::create_dir(&path).unwrap(),
            Bad::Pipe => mkfifo(&path, Mode::from_bits_truncate(0o666)).unwrap(),
            Bad::Unreadable => {
                fs::write(&path, fs::read(cache::usual()).unwrap()).unwrap();
                fs::set_permissions(&path, Permissions::from_mode(0o000)).unwrap();
            }
            Bad::Bytes(bytes) => service.publish(bytes),
        }
    }
}

#[test]
fn promise_01_a_bad_cache_never_replaces_a_good_one() {
    let _turn = alone();
    let mut figures = Figures::of(1, "a bad cache never replaces a good one");
    let good = fs::read(cache::usual()).unwrap();
    let mut refused = 0;
    let service = Service::start(Setup { daemon: &["--workers", "2"], ..Setup::default() });
    let workers = service.workers();
    let load = Load::start(&service);
    for (number, (bad, said)) in bad_caches(&good).iter().enumerate() {
        bad.take_place(&service);
        service.daemon.signal(Signal::SIGHUP);
        service.daemon.says("; keeping generation 1 ", number + 1);
        let log = service.daemon.log();
        let last = log.lines().rfind(|line| line.contains("; keeping generation 1 ")).unwrap();
        assert!(last.contains(said), "number {number}, expected `{said}`: {last}");
        assert!(last.contains("cache.mlc: "), "{last}");
        assert_eq!(service.workers(), workers, "{last}");
        refused += 1;
    }
    at_work(&service);
    figures.load(&load.finish());
    assert_eq!(service.daemon.said("generation 2"), 0);
    service.publish(&good);
    service.reload();
    assert_eq!(service.daemon.said("generation 2 is ready"), 1, "the next good one is taken");
    figures.remark(format!("{refused} bad files refused; {} builds failed or killed", failed_builds(&good)));
    figures.print();
}

/// Builds that cannot write their file, or are killed while they do; none may harm the file that is there.
fn failed_builds(good: &[u8]) -> usize {
    let inputs_folder = tempfile::tempdir().unwrap();
    cache::write_inputs(300, inputs_folder.path());
    let place = folder(crate::support::NOBODY);
    let target = place.path().join("cache.mlc");
    fs::write(&target, good).unwrap();
    let build = |preparation: &str| {
        let mut shell = Command::new("sh");
        shell.arg("-c").arg(format!("{preparation}\nexec \"$0\" \"$@\"")).arg(&programs().cache);
        shell.args(["build", "--mirrormanager"]).arg(inputs_folder.path().join(inputs::MIRRORMANAGER));
        shell.arg("--netblocks").arg(inputs_folder.path().join(inputs::NETBLOCKS));
        shell.arg("--output").arg(&target).stdout(Stdio::null()).stderr(Stdio::piped());
        shell
    };
    // No file may grow beyond a few blocks, as on a full disk.
    let full = build("trap '' XFSZ; ulimit -f 20").output().unwrap();
    let said = String::from_utf8_lossy(&full.stderr).into_owned();
    assert!(!full.status.success() && said.contains("cache.mlc"), "{said}");
    assert_eq!(fs::read(&target).unwrap(), good);
    assert_eq!(fs::read_dir(place.path()).unwrap().count(), 1, "something is left beside it");
    let started = Instant::now();
    let mut old = File::open(&target).unwrap();
    let whole = build(":").output().unwrap();
    assert!(whole.status.success(), "{}", String::from_utf8_lossy(&whole.stderr));
    let takes = started.elapsed();
    let built = fs::read(&target).unwrap();
    let mut read_late = Vec::new();
    old.read_to_end(&mut read_late).unwrap();
    assert!(read_late == good, "whoever has the old file open does not find the old bytes in it");
    let kills = by_profile(20, 200);
    for number in 0..kills {
        fs::write(place.path().join("other"), good).unwrap();
        fs::rename(place.path().join("other"), &target).unwrap();
        let mut child = build(":").spawn().unwrap();
        thread::sleep(takes * number / kills);
        let _ended_already = child.kill();
        child.wait().unwrap();
        let now = fs::read(&target).unwrap();
        // It may have been built in another second: that is in the header, and in the checksum there.
        let is_whole = || View::check(&CacheBytes::copy_of(&now)).is_ok();
        let is_built = || now[FILE_HEADER_LEN..] == built[FILE_HEADER_LEN..] && is_whole();
        assert!(now == good || is_built(), "kill {number} left half a cache");
    }
    kills as usize + 1
}

/// What is done to the file in place, and what the file then is.
const DEEDS: [&str; 5] = ["cp over", "cp of another", "truncate", "cut to nothing", "unlink"];

fn lay_hands_on(path: &std::path::Path, deed: &str, good: &[u8]) {
    let open = || File::options().write(true).open(path).unwrap();
    match deed {
        "cp over" => fs::write(path, good).unwrap(),
        "cp of another" => fs::write(path, vec![0xff; good.len() * 2]).unwrap(),
        "truncate" => open().set_len(good.len() as u64 / 3).unwrap(),
        "cut to nothing" => open().set_len(0).unwrap(),
        _ => fs::remove_file(path).unwrap(),
    }
}

#[test]
fn promise_11_whatever_happens_to_the_file_answers_go_on() {
    let _turn = alone();
    let mut figures = Figures::of(11, "whatever happens to the file, answers go on");
    let good = fs::read(cache::usual()).unwrap();
    let service = Service::start(Setup { daemon: &["--workers", "2"], ..Setup::default() });
    let load = Load::start(&service);
    for _ in 0..by_profile(2, 20) {
        for deed in DEEDS {
            let before = service.workers();
            lay_hands_on(&service.cache(), deed, &good);
            at_work(&service);
            assert_eq!(service.daemon.said("lost"), 0, "{deed}");
            assert_eq!(service.workers(), before, "{deed}");
            service.publish(&good);
            give(&service.cache(), service.user());
            service.reload();
            service.settles(2);
            figures.reloads += 1;
        }
    }
    at_work(&service);
    figures.load(&load.finish());
    let log = service.daemon.log();
    assert!(!log.contains("lost"), "{log}");
    until("one generation", || service.workers().len() == 2);
    figures.print();
}
