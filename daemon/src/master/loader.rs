//! A new cache is read and checked in a process of its own, the loader, while the master goes on with its work.
//!
//! A disk may be slow, a file large, and memory short. The loader is a child of the master with nothing but the path and
//! the memory that the master has made: it copies the file, seals the copy, shuts itself in as a worker does, checks what
//! it has copied, and prepares what answers are made of. That last is thrown away, and is a rehearsal: the child holds on
//! to the caches that the master has in memory, so what finds no room there ends the child and not the daemon. When it has
//! ended well the master maps the sealed copy. What follows then is in `reload`.

use super::Master;
use crate::{
    cache_file::{self, CacheFile, SealedFile},
    config::SandboxMode,
    control,
    failure::Failure,
    log, sandbox,
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
    time::{Duration, Instant},
};

/// After this time the operator is told that a cache is still being read.
const SLOW: Duration = Duration::from_secs(10);
/// Bytes of a refusal that are read, at most.
const LONGEST_REFUSAL: u64 = 4096;

/// What the master knows of its loader.
#[derive(Debug)]
pub(super) struct Loading {
    pid: Pid,
    since: Instant,
    /// What the cache is copied into.
    memory: File,
    /// Where the loader says why it refuses the file.
    refusal: PipeReader,
    ended: Option<ExitStatus>,
    /// That it takes long has been said.
    told: bool,
}

/// What a loader is given before it is forked.
#[derive(Debug)]
pub(super) struct Ends {
    memory: File,
    reader: PipeReader,
    writer: PipeWriter,
}

/// All that a loader has.
#[derive(Debug)]
pub(super) struct Kit {
    path: PathBuf,
    memory: File,
    refusal: PipeWriter,
    sandbox: SandboxMode,
    /// The process that must not die before it.
    master: Pid,
    /// The master's caches, with what was prepared for them: they take the room that they take there.
    _held: Vec<Rc<CacheFile>>,
}

/// Forks the loader.
pub(super) fn fork() -> io::Result<(Ends, Fork)> {
    let (reader, writer) = io::pipe()?;
    let ends = Ends { memory: cache_file::memory()?, reader, writer };
    Ok((ends, sys::fork()?))
}

/// Loads a cache and ends the process: with 0, or with what it has said is why not.
pub(super) fn run(kit: Kit) -> ! {
    let mut refusal = &kit.refusal;
    let code = match load(&kit) {
        Ok(()) => 0,
        Err(failure) => {
            // Nobody reads it any more if the master is gone, and then this process is about to end as well.
            let _ = refusal.write_all(failure.to_string().as_bytes());
            failure.fault.code()
        }
    };
    process::exit(code)
}

fn load(kit: &Kit) -> Result<(), Failure> {
    worker::part_from_master(kit.master, "mirrorlistd/new")
        .map_err(|errno| Failure::system(format!("loader: cannot set up its process ({errno})")))?;
    // If somebody has to die for want of memory, then who has nothing to answer. Without /proc the kernel chooses.
    let _ = fs::write("/proc/self/oom_score_adj", "1000");
    let copy = SealedFile::copy(&kit.path, &kit.memory).map_err(Failure::cache)?;
    sandbox::shut_in(kit.sandbox)?;
    copy.check().map(drop).map_err(Failure::cache)
}

impl Loading {
    /// Whether the loader is no more.
    pub(super) fn has_ended(&self) -> bool {
        self.ended.is_some()
    }

    /// What it has come to, once it has ended. The error is a line for the operator.
    pub(super) fn outcome(self, path: &Path) -> Result<CacheFile, String> {
        let status = self.ended.unwrap_or_default();
        if status.success() {
            return SealedFile::of(path, &self.memory).and_then(SealedFile::trust);
        }
        let mut refusal = String::new();
        let told = status.code().is_some()
            && self.refusal.take(LONGEST_REFUSAL).read_to_string(&mut refusal).is_ok_and(|length| length > 0);
        if told {
            return Err(refusal);
        }
        let path = path.display();
        Err(format!("cache {path}: the process that read it was lost ({status}; out of memory?)"))
    }

    /// Ends the loader, whose cache is no longer wanted.
    pub(super) fn kill(&self) {
        if !self.has_ended()
            && let Err(error) = kill(self.pid, Signal::SIGKILL)
        {
            log::warning(format_args!("loader {}: not killed ({error}); it ends with the master", self.pid));
        }
    }

    /// When to say that it takes long.
    pub(super) fn next_word(&self) -> Option<Instant> {
        (!self.told && !self.has_ended()).then(|| self.since + SLOW)
    }

    /// What the operator is told of it.
    pub(super) fn status(&self, now: Instant) -> control::Loader {
        control::Loader { pid: self.pid.as_raw() as u32, age: now.duration_since(self.since).as_secs() }
    }
}

impl Master {
    /// Whether a loader is to be forked.
    pub(super) fn wants_loader(&self) -> bool {
        self.reload_wanted
            && self.starting.is_none()
            && self.loading.is_none()
            && self.stopping.is_none()
            && self.has_room()
    }

    /// A loader has been forked: a reload has begun.
    pub(super) fn load(&mut self, pid: Pid, ends: Ends) {
        self.reload_begins();
        let Ends { memory, reader, .. } = ends;
        let since = Instant::now();
        self.loading = Some(Loading { pid, since, memory, refusal: reader, ended: None, told: false });
    }

    /// No loader could be forked.
    pub(super) fn not_loading(&mut self, cause: &io::Error) {
        self.reload_begins();
        let path = self.config.cache.display();
        self.refuse(
            &format!("cache {path}: not read, for no process could be started ({cause})"),
            Instant::now(),
        );
    }

    /// What a loader needs of all this. Everything else is dropped here, in the child, as in a worker.
    pub(super) fn into_loader(self, ends: Ends) -> Kit {
        let Ends { memory, writer, .. } = ends;
        let mut held: Vec<_> = self.generations().map(|generation| Rc::clone(&generation.cache)).collect();
        held.extend(self.previous.iter().map(|previous| Rc::clone(&previous.cache)));
        Kit {
            _held: held,
            path: self.config.cache,
            memory,
            refusal: writer,
            sandbox: self.config.sandbox,
            master: self.pid,
        }
    }

    /// A child has ended. Whether it was the loader.
    pub(super) fn loader_ended(&mut self, pid: Pid, status: ExitStatus) -> bool {
        let loading = self.loading.as_mut().filter(|loading| loading.pid == pid && !loading.has_ended());
        loading.map(|loading| loading.ended = Some(status)).is_some()
    }

    /// Says, once for each reload, that the cache is still being read.
    pub(super) fn tell_of_slow_loader(&mut self, now: Instant) {
        let Some(loading) = &mut self.loading else { return };
        if loading.next_word().is_none_or(|when| now < when) {
            return;
        }
        loading.told = true;
        let (path, pid, number) = (self.config.cache.display(), loading.pid, self.current.number);
        log::warning(format_args!(
            "cache {path}: still being read after {} s (process {pid}); generation {number} answers meanwhile; \
             is the disk slow?",
            SLOW.as_secs()
        ));
        self.notify_status();
    }
}
