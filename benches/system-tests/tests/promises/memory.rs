//! What the daemon's memory comes to, against the same data copied into every worker.

use crate::support::{
    Figures, Service, alone, by_profile, cache,
    figures::kilobytes,
    load::{about, ask_about},
    proc::shmem,
    service::Setup,
};
use std::{
    env, fs, hint,
    io::{BufRead as _, BufReader, Read as _},
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
};
use testkit::process::Memory;

/// Tells this program, started by itself, to be a process with a copy of this file.
const COPY_OF: &str = "MIRRORLIST_PROMISES_COPY_OF";
const NAME: &str = "memory::promise_17_one_copy_of_the_cache_serves_all_workers";
const WORKERS: usize = 4;

#[test]
fn promise_17_one_copy_of_the_cache_serves_all_workers() {
    if let Some(file) = env::var_os(COPY_OF) {
        return hold_a_copy(Path::new(&file));
    }
    let _turn = alone();
    let mut figures = Figures::of(17, "one copy of the cache serves all workers");
    let file = cache::of_size(by_profile(20_000, 120_000));
    let archive = fs::metadata(&file).unwrap().len();
    let shmem_before = shmem();
    let service = Service::start_on(&file, Setup::default());
    let shared = shmem() as i64 - shmem_before as i64;
    // Nobody but the master has looked at it yet: pages of the archive that one process has are not counted with it too.
    let alone = Memory::of(service.daemon.pid()).unwrap();
    assert!(alone.pss_of_cache > archive / 2, "{alone:?}, the archive is {archive}");
    assert!(alone.uss < archive / 2, "{alone:?}, the archive is {archive}");
    let outcome = ask_about(&about(&file), &service, 16, by_profile(20_000, 1_000_000));
    let of = |pids: &[u32]| {
        let all: Vec<Memory> = pids.iter().map(|pid| Memory::of(*pid).unwrap()).collect();
        (
            all.iter().map(|memory| memory.uss).sum::<u64>(),
            all.iter().map(|memory| memory.pss).sum::<u64>(),
            all.iter().map(|memory| memory.page_tables).sum::<u64>(),
        )
    };
    let workers = service.workers();
    let (uss, pss, tables) = of(&[vec![service.daemon.pid()], workers.clone()].concat());
    let ours = archive + uss + tables;
    let copies: Vec<(Child, BufReader<ChildStdout>)> = (0..WORKERS).map(|_| start_copy(&file)).collect();
    let (copied_uss, copied_pss, copied_tables) =
        of(&copies.iter().map(|(child, _)| child.id()).collect::<Vec<_>>());
    let theirs = copied_uss + copied_tables;
    copies.into_iter().for_each(|(child, out)| end_copy(child, out));
    figures.load(&outcome);
    figures.remark(format!(
        "{WORKERS} workers, archive {} kB: {} kB in all (USS {} kB, page tables {} kB; PSS {} kB; shared memory {:+} kB); \
         a copy in each: {} kB (USS {} kB, page tables {} kB; PSS {} kB)",
        kilobytes(archive), kilobytes(ours), kilobytes(uss), kilobytes(tables), kilobytes(pss), shared / 1024,
        kilobytes(theirs), kilobytes(copied_uss), kilobytes(copied_tables), kilobytes(copied_pss)
    ));
    figures.print();
    let allowed = (2 << 20) + (256 << 10) * WORKERS as u64;
    assert!(ours < archive + 10 * allowed, "{ours} bytes, {archive} of them the archive");
    for worker in workers {
        let own = Memory::of(worker).unwrap().uss;
        assert!(own < archive / 2, "worker {worker} has {own} bytes of its own, the archive is {archive}");
    }
    assert!(theirs >= archive * WORKERS as u64, "{theirs} bytes, {WORKERS} copies of {archive}");
    assert!(ours < theirs, "{ours} bytes, {theirs} with a copy in each");
}

/// Starts this very program as a process that has the file in its own memory.
fn start_copy(file: &Path) -> (Child, BufReader<ChildStdout>) {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args([NAME, "--exact", "--nocapture", "--test-threads", "1"]).env(COPY_OF, file);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    assert!((&mut out).lines().map_while(Result::ok).any(|line| line.contains("copied")));
    (child, out)
}

fn end_copy(mut child: Child, mut out: BufReader<ChildStdout>) {
    drop(child.stdin.take());
    // What the test harness still has to say.
    std::io::copy(&mut out, &mut std::io::sink()).unwrap();
    child.wait().unwrap();
}

/// Keeps a copy until nobody holds the other end of standard input.
fn hold_a_copy(file: &Path) {
    let copy = hint::black_box(fs::read(file).unwrap());
    println!("copied {} bytes", copy.len());
    let mut nothing = Vec::new();
    std::io::stdin().read_to_end(&mut nothing).unwrap();
    hint::black_box(copy);
}
