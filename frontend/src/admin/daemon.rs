//! The daemon's counters under the names that they have outside.

use super::page::{Page, labels};
use std::fmt;
use wire::{Counter, Key, OTHER_STATUS};

/// How a counter is told.
#[derive(Clone, Copy)]
enum Told {
    /// As a count, which only rises.
    Counter,
    /// As it stands.
    Gauge,
    /// As it stands; 0 means that there is none.
    Time,
}

const METRICS: [(Counter, Told, &str, &str); Counter::ALL.len()] = [
    (
        Counter::Generation,
        Told::Gauge,
        "mirrorlist_daemon_generation",
        "Number of the generation that answers.",
    ),
    (
        Counter::CacheBuilt,
        Told::Time,
        "mirrorlist_cache_built_timestamp_seconds",
        "When the cache file was built.",
    ),
    (
        Counter::CacheSource,
        Told::Time,
        "mirrorlist_cache_source_timestamp_seconds",
        "When the data in the cache was made; its age is time() minus this.",
    ),
    (Counter::CacheBytes, Told::Gauge, "mirrorlist_cache_size_bytes", "Size of the cache."),
    (Counter::Hosts, Told::Gauge, "mirrorlist_cache_hosts", "Hosts in the cache."),
    (Counter::Directories, Told::Gauge, "mirrorlist_cache_directories", "Directories in the cache."),
    (Counter::Repositories, Told::Gauge, "mirrorlist_cache_repositories", "Repositories in the cache."),
    (
        Counter::WorkersWanted,
        Told::Gauge,
        "mirrorlist_daemon_workers_wanted",
        "Workers that there should be.",
    ),
    (
        Counter::WorkersReady,
        Told::Gauge,
        "mirrorlist_daemon_workers_ready",
        "Workers that are ready to answer.",
    ),
    (
        Counter::WorkersRestarted,
        Told::Counter,
        "mirrorlist_daemon_worker_restarts",
        "Workers started in place of lost ones.",
    ),
    (Counter::Reloads, Told::Counter, "mirrorlist_daemon_reloads", "Reloads whose cache came to answer."),
    (
        Counter::ReloadsFailed,
        Told::Counter,
        "mirrorlist_daemon_reloads_failed",
        "Reloads that were given up or taken back.",
    ),
    (
        Counter::LastReload,
        Told::Gauge,
        "mirrorlist_daemon_last_reload_outcome",
        "How the last reload went: 0 there was none, 1 well, 2 it failed.",
    ),
    (
        Counter::LastReloadTime,
        Told::Time,
        "mirrorlist_daemon_last_reload_timestamp_seconds",
        "When the last reload was over.",
    ),
    (
        Counter::Started,
        Told::Time,
        "mirrorlist_daemon_start_timestamp_seconds",
        "When the daemon was started.",
    ),
    (
        Counter::Connections,
        Told::Counter,
        "mirrorlist_daemon_connections_accepted",
        "Connections that workers have taken.",
    ),
    (
        Counter::FramesRefused,
        Told::Counter,
        "mirrorlist_daemon_frames_refused",
        "Frames that were refused, each with its connection.",
    ),
    (Counter::BytesSent, Told::Counter, "mirrorlist_daemon_sent_bytes", "Bytes sent to front ends."),
    (
        Counter::LogLinesDropped,
        Told::Counter,
        "mirrorlist_daemon_access_log_lines_dropped",
        "Lines of the access log that could not be written.",
    ),
];

/// Writes what a worker has told, or that none has.
pub(super) fn write(page: &mut Page<'_>, told: Option<&[(Key, u64)]>) -> fmt::Result {
    let up = u64::from(told.is_some());
    page.gauge("mirrorlist_daemon_up", "Whether a worker has told what follows.", up)?;
    let Some(told) = told else { return Ok(()) };
    for (counter, as_what, name, help) in METRICS {
        let value = told.iter().find(|(key, _)| *key == Key::Counter(counter)).map(|(_, value)| *value);
        match (as_what, value) {
            (_, None) | (Told::Time, Some(0)) => {}
            (Told::Counter, Some(value)) => page.counter(name, help, value)?,
            (Told::Gauge | Told::Time, Some(value)) => page.gauge(name, help, value)?,
        }
    }
    let requests = told.iter().filter_map(|(key, value)| match key {
        Key::Requests(outcome) if *value > 0 => {
            let status = match outcome.status() {
                OTHER_STATUS => "other".to_owned(),
                status => status.to_string(),
            };
            Some((labels(outcome.kind(), &status, outcome.tier()), *value))
        }
        _ => None,
    });
    page.counters(
        "mirrorlist_daemon_requests",
        "Requests that workers have answered, by what was asked, status and tier of the first mirror.",
        requests,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_counter_has_one_name_of_the_right_form() {
        let mut names: Vec<&str> = Vec::new();
        for counter in Counter::ALL {
            let row = METRICS.iter().find(|row| row.0 == counter);
            let (_, told, name, help) = row.unwrap_or_else(|| panic!("{counter:?} has no name"));
            // The encoder ends counters with `_total`.
            assert!(name.starts_with("mirrorlist_") && !name.ends_with("_total"), "{name}");
            assert_eq!(matches!(told, Told::Time), name.ends_with("_timestamp_seconds"), "{name}");
            assert!(help.ends_with('.'), "{help}");
            names.push(name);
        }
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Counter::ALL.len());
    }
}
