//! What the master has to tell: to counters, to the operator, to the service manager.

use super::{Master, supervisor::ReloadError};
use crate::{
    control::{Loader, Reloaded, Source, Status, Suspended, Worker},
    suspended::seconds,
};
use program::notify;
use std::time::Instant;
use wire::{Counter, Unit};

impl Master {
    /// Counts a reload that is over, or (an error) one that is taken back.
    pub(super) fn note_reload(&mut self, error: Option<&ReloadError>) {
        self.counters.count(if error.is_none() { Counter::Reloads } else { Counter::ReloadsFailed });
        self.counters.set(Counter::LastReload, if error.is_none() { 1 } else { 2 });
        self.counters.set(Counter::LastReloadTime, seconds());
        self.last_reload = Some(Reloaded { time: seconds(), error: error.map(ToString::to_string) });
    }

    /// Tells the counters what the current generation is.
    pub(super) fn publish(&self) {
        let current = self.supervisor.current();
        let (counters, cache) = (self.counters, &current.cache);
        counters.set(Counter::Generation, current.number);
        counters.set(Counter::CacheBytes, cache.size());
        // It has been checked when it was opened.
        if let Ok(view) = cache.view() {
            counters.set(Counter::CacheBuilt, view.header().build_time);
            counters.set(Counter::CacheSource, view.source_time());
            counters.set(Counter::Hosts, view.host_count() as u64);
            counters.set(Counter::Directories, view.directory_count() as u64);
            counters.set(Counter::Repositories, view.repository_count() as u64);
            for counter in Counter::ALL {
                let Some(input) = counter.input() else { continue };
                let source = view.sources().find(|source| source.name == input);
                let told = source.and_then(|source| match counter.unit() {
                    Unit::Time => source.time,
                    _ => source.max_age,
                });
                counters.set(counter, told.unwrap_or_default());
            }
        }
        let usable = cache.fragments.usable();
        counters.set(Counter::SuspendedUrls, usable.urls() as u64);
        counters.set(Counter::SuspendedHosts, usable.hosts() as u64);
        counters.set(Counter::WorkersWanted, self.config.slots().into());
    }

    /// Tells systemd, for people, what answers and how the last reload went.
    pub(super) fn notify_status(&self) {
        let current = self.supervisor.current();
        let (number, workers, facts) = (current.number, self.config.slots(), current.cache.facts());
        let failed = self.last_reload.as_ref().and_then(|last| last.error.as_ref());
        let failed = failed.map_or(String::new(), |error| format!("; the last reload failed: {error}"));
        let loading = if self.loader.is_some() { "; a reload is reading the cache" } else { "" };
        notify::status(&format!(
            "generation {number} of {workers} workers answers ({facts}){failed}{loading}"
        ));
    }

    /// How everything is.
    pub(super) fn status(&self, now: Instant) -> Status {
        let age = |since| now.duration_since(since).as_secs();
        let current = self.supervisor.current();
        let workers = self.supervisor.generations().iter().flat_map(|generation| {
            generation.workers().map(move |(slot, pid, state, forked)| Worker {
                generation: generation.number,
                slot,
                pid,
                state,
                age: age(forked),
                requests: self
                    .worker(pid)
                    .map_or(0, |worker| worker.counters.requests().wrapping_sub(worker.requests_before)),
                private_kb: None,
            })
        });
        Status {
            version: env!("CARGO_PKG_VERSION").into(),
            pid: self.pid.as_raw() as u32,
            stopping: self.supervisor.is_stopping(),
            generation: current.number,
            cache: current.cache.path().display().to_string(),
            suspended: self.config.suspended.as_ref().map(|path| {
                let usable = current.cache.fragments.usable();
                let file = path.display().to_string();
                Suspended {
                    file,
                    urls: usable.urls() as u64,
                    hosts: usable.hosts() as u64,
                    until: usable.until(),
                }
            }),
            sources: current.cache.view().map_or(Vec::new(), |view| Source::all(&view)),
            workers_wanted: self.config.slots().into(),
            workers_ready: current.ready() as u64,
            last_reload: self.last_reload.clone(),
            loader: self.supervisor.loader().map(|loader| Loader { pid: loader.pid, age: age(loader.since) }),
            requests: self.counters.requests(),
            counters: self.counters.named(),
            workers: workers.collect(),
        }
    }
}
