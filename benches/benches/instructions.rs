//! How many instructions the parts of an answer take: figures that do not depend on how busy the machine is.
//!
//! Every function of `benches/src/functions/` is run under callgrind and compared with
//! `benches/figures/instructions.json`; more than 5 % above or below fails. What answers are made of is counted on an
//! unfriendly cache too, in which each directory has a set of hosts of its own. Compiler, libc and what the processor can do
//! at a time decide on instructions too: where they are not those of the file, the figures are printed and not compared.
//! Run with `cargo bench --package benches --bench instructions`, with `-- --write` to write the file anew, with `-- WORD` for
//! the functions alone in whose names the word is.

use benches::{
    functions::{ALL, Parts},
    machine::Machine,
};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    env, fs,
    path::{Path, PathBuf},
    process::{Command, ExitCode, Stdio},
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};
use testkit::synthetic::Options;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/figures/instructions.json");
/// Directories of the synthetic caches.
const DIRECTORIES: usize = 10_000;
/// Calls whose mean counts, after as many that do not.
const CALLS: u64 = 500;
/// Calls that take milliseconds.
const LONG_CALLS: u64 = 2;
/// How far a figure may be off, in percent.
const TOLERANCE: f64 = 5.0;

#[derive(Serialize, Deserialize)]
struct Figures {
    compiler: String,
    libc: String,
    /// Whether the processor has AVX2: of newer instructions callgrind hides that it has them.
    avx2: bool,
    /// Instructions of a call, by function.
    instructions: BTreeMap<String, u64>,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let ended = match &arguments[..] {
        [call, name, cache] if call == "--call" => call_only(name, Path::new(cache)).map(|()| true),
        _ => {
            // What begins with dashes else is cargo's.
            let word = arguments.iter().find(|argument| !argument.starts_with("--"));
            compare(arguments.iter().any(|argument| argument == "--write"), word.map(String::as_str))
        }
    };
    match ended {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: instructions: {error}");
            ExitCode::FAILURE
        }
    }
}

/// A function to count on a cache.
struct Job {
    name: &'static str,
    unfriendly: bool,
    cache: PathBuf,
}

impl Job {
    /// What the figure is called.
    fn figure(&self) -> String {
        format!("{}{}", self.name, if self.unfriendly { ", unfriendly" } else { "" })
    }
}

/// Calls a function; what callgrind is to count is in [`measured`].
fn call_only(name: &str, cache: &Path) -> Result<(), String> {
    let parts = Parts::open(cache)?;
    let make = ALL.iter().find(|function| function.0 == name).ok_or("no such function")?.1;
    let mut call = make(&parts);
    (0..calls(name)).for_each(|_| call());
    measured(&mut *call, calls(name));
    Ok(())
}

/// The function whose instructions are counted.
#[inline(never)]
fn measured(call: &mut dyn FnMut(), times: u64) {
    for _ in 0..times {
        call();
    }
}

/// Functions that go through a whole cache take long; a few calls tell enough.
fn calls(name: &str) -> u64 {
    if name.contains(" cache") && !name.starts_with("open") || name.starts_with("prepare") {
        LONG_CALLS
    } else {
        CALLS
    }
}

/// Counts the functions with `word` in their names, or all, and compares with the file or writes it. Whether all is as it was.
fn compare(write: bool, word: Option<&str>) -> Result<bool, String> {
    if let (true, Some(word)) = (write, word) {
        return Err(format!("{FILE} is written as a whole: leave out `{word}`"));
    }
    if !Command::new("valgrind").arg("--version").stdout(Stdio::null()).status().is_ok_and(|s| s.success()) {
        println!("skipped: valgrind is not installed");
        return Ok(true);
    }
    let folder = tempfile::tempdir().map_err(|error| format!("folder: {error}"))?;
    let mut jobs = Vec::new();
    for (unfriendly, name) in [(false, "friendly"), (true, "unfriendly")] {
        let parts = Parts::synthetic(&Options { unfriendly, ..Options::new(DIRECTORIES) })?;
        let place = folder.path().join(name);
        let cache = fs::create_dir(&place).and_then(|()| parts.save(&place));
        let cache = cache.map_err(|error| format!("cache: {error}"))?;
        let of_carriers =
            |name: &str| ["answer", "select", "check"].iter().any(|what| name.starts_with(what));
        let names = ALL.iter().map(|function| function.0).filter(|name| !unfriendly || of_carriers(name));
        jobs.extend(names.map(|name| Job { name, unfriendly, cache: cache.clone() }));
    }
    jobs.retain(|job| word.is_none_or(|word| job.figure().contains(word)));
    let known: Option<Figures> = match fs::read(FILE) {
        Ok(bytes) if !write => {
            Some(serde_json::from_slice(&bytes).map_err(|error| format!("{FILE}: {error}"))?)
        }
        _ => None,
    };
    let Machine { compiler, libc, .. } = Machine::this();
    let cpus = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let avx2 = cpus.split_whitespace().any(|flag| flag == "avx2");
    let known = known.filter(|known| {
        let same = (&known.compiler, &known.libc, known.avx2) == (&compiler, &libc, avx2);
        if !same {
            println!(
                "not compared: the figures are for {}, {}, AVX2 {}; here are {compiler}, {libc}, AVX2 {avx2}",
                known.compiler, known.libc, known.avx2
            );
        }
        same
    });
    let mut instructions = BTreeMap::new();
    let mut good = true;
    for (job, count) in jobs.iter().zip(count_all(&jobs, folder.path())?) {
        let name = job.figure();
        let before = known.as_ref().map(|known| known.instructions.get(&name).copied());
        good &= print(&name, count, before);
        instructions.insert(name, count);
    }
    if write {
        let figures = Figures { compiler, libc, avx2, instructions };
        let text = serde_json::to_string_pretty(&figures).map_err(|error| error.to_string())? + "\n";
        fs::write(FILE, text).map_err(|error| format!("{FILE}: {error}"))?;
    } else if !good {
        println!("what was meant goes into the file with `-- --write`");
    }
    Ok(good)
}

/// Prints a figure; whether it is within what is allowed. `before`: `None` if nothing is compared, `Some(None)` if the
/// file does not know the function.
fn print(name: &str, count: u64, before: Option<Option<u64>>) -> bool {
    let (remark, good) = match before {
        None => (String::new(), true),
        Some(None) => ("not in the file".into(), false),
        Some(Some(before)) => {
            let percent = (count as f64 / before as f64 - 1.0) * 100.0;
            let good = percent.abs() <= TOLERANCE;
            (format!("{percent:+.1} %{}", if good { "" } else { "  DRIFTED" }), good)
        }
    };
    println!("{name:<44} {count:>12}  {remark}");
    good
}

/// Instructions of a call, for each job. They are counted side by side, which changes nothing about them.
fn count_all(jobs: &[Job], folder: &Path) -> Result<Vec<u64>, String> {
    let (next, counts) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let Some(job) = jobs.get(at) else { return };
                    let count = count(job.name, &job.cache, &folder.join(format!("callgrind-{at}")));
                    counts.lock().expect("nobody panics").push((at, count));
                }
            });
        }
    });
    let mut counts = counts.into_inner().expect("nobody panics");
    counts.sort_unstable_by_key(|(at, _)| *at);
    counts.into_iter().map(|(_, count)| count).collect()
}

/// Instructions of a call of a function; callgrind writes to `out`.
fn count(name: &str, cache: &Path, out: &Path) -> Result<u64, String> {
    let this = env::current_exe().map_err(|error| format!("own program: {error}"))?;
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--collect-atstart=no", "--toggle-collect=*instructions::measured*"])
        .arg(format!("--callgrind-out-file={}", out.display()))
        .arg(this)
        .args(["--call", name])
        .arg(cache)
        .output()
        .map_err(|error| format!("valgrind: cannot be started ({error})"))?;
    if !output.status.success() {
        return Err(format!("{name}: {}", String::from_utf8_lossy(&output.stderr)));
    }
    let text = fs::read_to_string(out).map_err(|error| format!("{}: {error}", out.display()))?;
    let total =
        text.lines().find_map(|line| line.strip_prefix("totals: ").or(line.strip_prefix("summary: ")));
    let total: u64 = total.and_then(|total| total.trim().parse().ok()).ok_or("callgrind counted nothing")?;
    if total == 0 {
        return Err(format!("{name}: callgrind counted nothing"));
    }
    Ok(total / calls(name))
}
