//! A new cache is read and checked in a process of its own, the loader, while the master goes on with its work.
//!
//! A disk may be slow, a file large, and memory short. The loader is a child of the master with nothing but the path and
//! the memory that the master has made: it copies the file, seals the copy, shuts itself in as a worker does, checks what
//! it has copied, and prepares what answers are made of. That last is thrown away, and is a rehearsal: the child holds on
//! to the caches that the master has in memory, so what finds no room there ends the child and not the daemon. When it has
//! ended well the master maps the sealed copy.

use crate::{
    cache_file::{self, CacheFile, SealedFile},
    config::SandboxMode,
    failure::Failure,
    log, sandbox,
    suspended::{self, Suspension},
    sys::{self, Fork},
    worker,
};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use std::{
    fs::{self, File},
    io::{self, PipeReader, PipeWriter, Read as _, Write as _},
    path::{Path, PathBuf},
    process::{self, ExitStatus},
    rc::Rc,
};

/// Bytes of a refusal that are read, at most.
const LONGEST_REFUSAL: u64 = 4096;

/// What the master has of its loader.
#[derive(Debug)]
pub struct Loader {
    pid: u32,
    /// What the cache is copied into.
    memory: File,
    /// What the list of suspended URLs is copied into.
    suspended: File,
    /// Where the loader says why it refuses the file; or, if it has taken it, what is wrong with the list.
    refusal: PipeReader,
}

/// What a loader is given before it is forked.
#[derive(Debug)]
pub struct Ends {
    memory: File,
    suspended: File,
    reader: PipeReader,
    writer: PipeWriter,
}

/// All that a loader has.
#[derive(Debug)]
pub struct Kit {
    /// What it has been given.
    pub ends: Ends,
    /// The file to read.
    pub path: PathBuf,
    /// The list of suspended URLs, if there is one.
    pub suspended: Option<PathBuf>,
    /// Whether it shuts itself in.
    pub sandbox: SandboxMode,
    /// The process that must not die before it.
    pub master: Pid,
    /// The master's caches, with what was prepared for them: they take the room that they take there.
    pub _held: Vec<Rc<CacheFile>>,
}

/// Forks the loader.
pub fn fork() -> io::Result<(Ends, Fork)> {
    let (reader, writer) = io::pipe()?;
    let (memory, suspended) = (cache_file::memory()?, cache_file::memory()?);
    let ends = Ends { memory, suspended, reader, writer };
    Ok((ends, sys::fork()?))
}

/// Loads a cache and ends the process: with 0, or with what it has said is why not.
pub fn run(kit: Kit) -> ! {
    let mut refusal = &kit.ends.writer;
    let (code, said) = match load(&kit) {
        Ok(list) => (0, list.map_or_else(|cause| cause.to_string(), |()| String::new())),
        Err(failure) => (failure.fault.code(), failure.to_string()),
    };
    // Nobody reads it any more if the master is gone, and then this process is about to end as well.
    let _ = refusal.write_all(said.as_bytes());
    process::exit(code)
}

/// What is wrong with the list of suspended URLs is no failure.
fn load(kit: &Kit) -> Result<Result<(), answer::suspended::Error>, Failure> {
    worker::part_from_master(kit.master, "mirrorlistd/new")
        .map_err(|errno| Failure::system(format!("loader: cannot set up its process ({errno})")))?;
    // If somebody has to die for want of memory, then who has nothing to answer. Without /proc the kernel chooses.
    let _ = fs::write("/proc/self/oom_score_adj", "1000");
    let copy = SealedFile::copy(&kit.path, &kit.ends.memory)?;
    let list = kit.suspended.as_ref().map_or(Ok(()), |path| suspended::copy(path, &kit.ends.suspended));
    sandbox::shut_in(kit.sandbox)?;
    copy.check(&Suspension::default())?;
    Ok(list)
}

impl Loader {
    /// A loader that has been forked.
    pub fn new(pid: u32, Ends { memory, suspended, reader, .. }: Ends) -> Loader {
        Loader { pid, memory, suspended, refusal: reader }
    }

    /// What it has come to, now that it has ended like this.
    pub fn outcome(
        self,
        path: &Path,
        status: ExitStatus,
        suspension: &mut Suspension,
    ) -> Result<CacheFile, Failure> {
        let mut said = String::new();
        let has_said = status.code().is_some()
            && self.refusal.take(LONGEST_REFUSAL).read_to_string(&mut said).is_ok_and(|length| length > 0);
        if status.success() {
            match has_said {
                true => suspension.refuse(said),
                false => suspension.take_copy(&self.suspended),
            }
            return SealedFile::of(path, &self.memory)?.trust(suspension);
        }
        let lost = || format!("the process that read it was lost ({status}; out of memory?)");
        Err(if has_said { Failure::cache(said) } else { cache_file::refused(path, &lost()) })
    }

    /// Ends it; its cache is no longer wanted.
    pub fn kill(self) {
        if let Err(error) = kill(Pid::from_raw(self.pid as i32), Signal::SIGKILL) {
            log::warning(format_args!("loader {}: not killed ({error}); it ends with the master", self.pid));
        }
    }
}
