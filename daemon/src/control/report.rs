//! What people read of a status. Scripts take the JSON.

use super::{Loader, Source, State, Status, Suspended, Worker};
use program::print::{age, date, grouped};
use std::time::{SystemTime, UNIX_EPOCH};
use wire::{Counter, Unit};

/// A status in a few lines, one for each counter, and one for each worker.
pub fn text(status: &Status) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    lines(status, now).into_iter().map(|line| line + "\n").collect()
}

fn lines(status: &Status, now: u64) -> Vec<String> {
    let moment = |seconds| {
        let date = date(seconds).unwrap_or_else(|| "an unknown time".into());
        format!("{date} ({} ago)", age(now.saturating_sub(seconds)))
    };
    let number = |counter| grouped(status.counter(counter));
    let of_workers = format!("with {} of {} workers ready", status.workers_ready, status.workers_wanted);
    let holds = [
        format!("{} hosts", number(Counter::Hosts)),
        format!("{} directories", number(Counter::Directories)),
        format!("{} repositories", number(Counter::Repositories)),
    ];
    let mut told = vec![
        ("started", moment(status.counter(Counter::Started))),
        ("generation", format!("{} {of_workers}", status.generation)),
        ("cache", format!("{} of {} bytes", status.cache, number(Counter::CacheBytes))),
        ("built", moment(status.counter(Counter::CacheBuilt))),
        ("data of", moment(status.counter(Counter::CacheSource))),
        ("holds", holds.join(", ")),
    ];
    if let Some(Suspended { file, urls, hosts, until }) = &status.suspended {
        let first = until
            .map_or(String::new(), |until| format!("; the first ends in {}", age(until.saturating_sub(now))));
        told.push((
            "suspended",
            format!("{} URLs, {} hosts without another ({file}){first}", grouped(*urls), grouped(*hosts)),
        ));
    }
    told.extend(status.sources.iter().map(|source| (source.name.as_str(), source_text(source, now))));
    if let Some(last) = &status.last_reload {
        let how = last.error.as_deref().unwrap_or("went well");
        told.push(("last reload", format!("{}: {how}", moment(last.time))));
    }
    if let Some(Loader { pid, age: since }) = status.loader {
        let reading = format!("has been reading the cache for {} (process {pid})", age(since));
        told.push(("reload", reading));
    }
    told.push(("requests", grouped(status.requests)));
    let stopping = if status.stopping { ", stopping" } else { "" };
    let head = format!("mirrorlistd {}, process {}{stopping}", status.version, status.pid);
    let told = told.into_iter().map(|(what, value)| line(what, &value));
    let counts = Counter::ALL.into_iter().filter(|counter| counter.unit() == Unit::Count);
    let counts = counts.map(|counter| line(&label(counter), &number(counter)));
    let columns = row(["worker", "generation", "process", "state", "age", "requests", "private kB"]);
    let workers = status.workers.iter().map(worker_row);
    [head].into_iter().chain(told).chain(counts).chain([columns]).chain(workers).collect()
}

/// How old a source is, and whether that is too old.
fn source_text(source: &Source, now: u64) -> String {
    let Some((time, date)) = source.time.and_then(|time| Some((time, date(time)?))) else {
        return "of unknown time".into();
    };
    let told = format!("of {date} ({} ago)", age(now.saturating_sub(time)));
    match source.max_age {
        Some(most) if source.too_old => format!("{told}; too old: warning, its max-age is {}", age(most)),
        _ => told,
    }
}

fn line(what: &str, value: &str) -> String {
    format!("  {what:<25} {value}")
}

/// A counter's name without what all have in common.
fn label(counter: Counter) -> String {
    counter.name().trim_start_matches("mirrorlist_").trim_start_matches("daemon_").replace('_', " ")
}

fn worker_row(worker: &Worker) -> String {
    let state = match worker.state {
        State::Starting => "starting",
        State::Ready => "ready",
        State::Draining => "draining",
    };
    let private = worker.private_kb.map_or("unknown".into(), grouped);
    row([
        &worker.slot.to_string(),
        &worker.generation.to_string(),
        &worker.pid.to_string(),
        state,
        &age(worker.age),
        &grouped(worker.requests),
        &private,
    ])
}

fn row(cells: [&str; 7]) -> String {
    format!("  {}", cells.map(|cell| format!("{cell:>10}")).join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::Reloaded;

    fn source(name: &str, time: Option<u64>, max_age: Option<u64>) -> Source {
        Source { name: name.into(), time, max_age, too_old: max_age == Some(1000) }
    }

    fn status() -> Status {
        let counters = [
            (Counter::Started, 1_700_000_000),
            (Counter::CacheBuilt, 1_700_003_000),
            (Counter::CacheSource, 1_700_002_000),
            (Counter::CacheBytes, 11_800_000),
            (Counter::Hosts, 600),
            (Counter::Directories, 120_000),
            (Counter::WorkersRestarted, 5),
            (Counter::Reloads, 2),
            (Counter::ReloadsFailed, 1),
            (Counter::Connections, 12),
            (Counter::BytesSent, 1_000_000),
            (Counter::LogLinesDropped, 7),
        ];
        Status {
            version: "1.2.3".into(),
            pid: 4711,
            stopping: false,
            generation: 3,
            cache: "/var/lib/mirrorlist/cache.mlc".into(),
            suspended: Some(Suspended {
                file: "/var/lib/S".into(),
                urls: 1003,
                hosts: 2,
                until: Some(1_700_003_720),
            }),
            sources: vec![
                source("mirrormanager", Some(1_700_002_000), Some(1000)),
                source("netblocks", None, Some(1000)),
                source("continents", Some(1_600_000_000), None),
                source("geoip", Some(1_700_000_000), Some(86_400)),
            ],
            workers_wanted: 2,
            workers_ready: 1,
            last_reload: Some(Reloaded { time: 1_700_003_600, error: Some("cache X: is empty".into()) }),
            loader: Some(Loader { pid: 4720, age: 12 }),
            requests: 1_234_567,
            counters: counters.map(|(counter, value)| (counter.name().into(), value)).into(),
            workers: vec![Worker {
                generation: 3,
                slot: 1,
                pid: 4713,
                state: State::Ready,
                age: 100,
                requests: 5000,
                private_kb: Some(180),
            }],
        }
    }

    #[test]
    fn people_read_every_number_with_its_unit() {
        let expected = "\
mirrorlistd 1.2.3, process 4711
  started                   2023-11-14T22:13:20Z (1 h 1 min ago)
  generation                3 with 1 of 2 workers ready
  cache                     /var/lib/mirrorlist/cache.mlc of 11,800,000 bytes
  built                     2023-11-14T23:03:20Z (11 min 0 s ago)
  data of                   2023-11-14T22:46:40Z (27 min 40 s ago)
  holds                     600 hosts, 120,000 directories, 0 repositories
  suspended                 1,003 URLs, 2 hosts without another (/var/lib/S); the first ends in 1 min 0 s
  mirrormanager             of 2023-11-14T22:46:40Z (27 min 40 s ago); too old: warning, its max-age is 16 min 40 s
  netblocks                 of unknown time
  continents                of 2020-09-13T12:26:40Z (1157 d 10 h ago)
  geoip                     of 2023-11-14T22:13:20Z (1 h 1 min ago)
  last reload               2023-11-14T23:13:20Z (1 min 0 s ago): cache X: is empty
  reload                    has been reading the cache for 12 s (process 4720)
  requests                  1,234,567
      worker generation    process      state        age   requests private kB
           1          3       4713      ready 1 min 40 s      5,000        180";
        let told = lines(&status(), 1_700_003_660);
        let (counts, others): (Vec<_>, Vec<_>) = told.into_iter().partition(|line| {
            let mut counts = Counter::ALL.into_iter().filter(|counter| counter.unit() == Unit::Count);
            counts.any(|counter| line.starts_with(&format!("  {} ", label(counter))))
        });
        assert_eq!(others.join("\n"), expected);
        for line in [
            "  worker restarts           5",
            "  reloads failed            1",
            "  frames refused            0",
            "  sent bytes                1,000,000",
            "  access log lines dropped  7",
        ] {
            assert!(counts.iter().any(|told| told == line), "{line}: {counts:?}");
        }
    }
}
