//! The daemon's figures under the names that they have outside.

use super::page::{Page, labels};
use std::fmt;
use wire::{Figure, Key, OTHER_STATUS};

/// How a figure is told.
#[derive(Clone, Copy)]
enum Told {
    /// As a count, which only rises.
    Counter,
    /// As it stands.
    Gauge,
    /// As it stands; 0 means that there is none.
    Time,
}

const FIGURES: [(Figure, Told, &str, &str); Figure::ALL.len()] = [
    (
        Figure::Generation,
        Told::Gauge,
        "mirrorlist_daemon_generation",
        "Number of the generation that answers.",
    ),
    (
        Figure::CacheBuilt,
        Told::Time,
        "mirrorlist_cache_built_timestamp_seconds",
        "When the cache file was built.",
    ),
    (
        Figure::CacheSource,
        Told::Time,
        "mirrorlist_cache_source_timestamp_seconds",
        "When the data in the cache was made; its age is time() minus this.",
    ),
    (Figure::CacheBytes, Told::Gauge, "mirrorlist_cache_size_bytes", "Size of the cache."),
    (Figure::Hosts, Told::Gauge, "mirrorlist_cache_hosts", "Hosts in the cache."),
    (Figure::Directories, Told::Gauge, "mirrorlist_cache_directories", "Directories in the cache."),
    (Figure::Repositories, Told::Gauge, "mirrorlist_cache_repositories", "Repositories in the cache."),
    (Figure::WorkersWanted, Told::Gauge, "mirrorlist_daemon_workers_wanted", "Workers that there should be."),
    (
        Figure::WorkersReady,
        Told::Gauge,
        "mirrorlist_daemon_workers_ready",
        "Workers that are ready to answer.",
    ),
    (
        Figure::WorkersRestarted,
        Told::Counter,
        "mirrorlist_daemon_worker_restarts",
        "Workers started in place of lost ones.",
    ),
    (Figure::Reloads, Told::Counter, "mirrorlist_daemon_reloads", "Reloads whose cache came to answer."),
    (
        Figure::ReloadsFailed,
        Told::Counter,
        "mirrorlist_daemon_reloads_failed",
        "Reloads that were given up or taken back.",
    ),
    (
        Figure::LastReload,
        Told::Gauge,
        "mirrorlist_daemon_last_reload_outcome",
        "How the last reload went: 0 there was none, 1 well, 2 it failed.",
    ),
    (
        Figure::LastReloadTime,
        Told::Time,
        "mirrorlist_daemon_last_reload_timestamp_seconds",
        "When the last reload was over.",
    ),
    (
        Figure::Started,
        Told::Time,
        "mirrorlist_daemon_start_timestamp_seconds",
        "When the daemon was started.",
    ),
    (
        Figure::Connections,
        Told::Counter,
        "mirrorlist_daemon_connections_accepted",
        "Connections that workers have taken.",
    ),
    (
        Figure::FramesRefused,
        Told::Counter,
        "mirrorlist_daemon_frames_refused",
        "Frames that were refused, each with its connection.",
    ),
    (Figure::BytesSent, Told::Counter, "mirrorlist_daemon_sent_bytes", "Bytes sent to front ends."),
    (
        Figure::LogLinesDropped,
        Told::Counter,
        "mirrorlist_daemon_access_log_lines_dropped",
        "Lines of the access log that could not be written.",
    ),
    (Figure::Questions, Told::Counter, "mirrorlist_daemon_json_questions", "JSON lines answered."),
];

/// Writes what a worker has told, or that none has.
pub(super) fn write(page: &mut Page<'_>, told: Option<&[(Key, u64)]>) -> fmt::Result {
    let up = u64::from(told.is_some());
    page.gauge("mirrorlist_daemon_up", "Whether a worker has told what follows.", up)?;
    let Some(told) = told else { return Ok(()) };
    for (figure, as_what, name, help) in FIGURES {
        let value = told.iter().find(|(key, _)| *key == Key::Figure(figure)).map(|(_, value)| *value);
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
    fn every_figure_has_one_name_of_the_right_form() {
        let mut names: Vec<&str> = Vec::new();
        for figure in Figure::ALL {
            let row = FIGURES.iter().find(|row| row.0 == figure);
            let (_, told, name, help) = row.unwrap_or_else(|| panic!("{figure:?} has no name"));
            // The encoder ends counts with `_total`.
            assert!(name.starts_with("mirrorlist_") && !name.ends_with("_total"), "{name}");
            assert_eq!(matches!(told, Told::Time), name.ends_with("_timestamp_seconds"), "{name}");
            assert!(help.ends_with('.'), "{help}");
            names.push(name);
        }
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Figure::ALL.len());
    }
}
