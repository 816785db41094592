//! What people read of a status. Scripts take the JSON.

use super::{State, Status, Worker};
use program::print::{age, date, grouped};
use std::{
    fmt::Write as _,
    time::{SystemTime, UNIX_EPOCH},
};

/// A status in a few lines, and one for each worker.
pub fn text(status: &Status) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let mut text = String::new();
    // A String takes every write.
    write(&mut text, status, now).unwrap_or_default();
    text
}

fn write(text: &mut String, status: &Status, now: u64) -> std::fmt::Result {
    let moment = |seconds| {
        let date = date(seconds).unwrap_or_else(|| "an unknown time".into());
        format!("{date} ({} ago)", age(now.saturating_sub(seconds)))
    };
    let Status { cache, .. } = status;
    let version = &status.version;
    let stopping = if status.stopping { ", stopping" } else { "" };
    writeln!(text, "mirrorlistd {version}, process {}{stopping}", status.pid)?;
    writeln!(text, "  started         {}", moment(status.started))?;
    writeln!(
        text,
        "  generation      {} with {} of {} workers ready",
        status.generation, status.workers_ready, status.workers_wanted
    )?;
    writeln!(text, "  cache           {} of {} bytes", cache.file, grouped(cache.bytes))?;
    writeln!(text, "  built           {}", moment(cache.built))?;
    writeln!(text, "  data of         {}", moment(cache.source))?;
    writeln!(
        text,
        "  holds           {} hosts, {} directories, {} repositories",
        grouped(cache.hosts),
        grouped(cache.directories),
        grouped(cache.repositories)
    )?;
    writeln!(text, "  reloads         {}, {} failed", status.reloads, status.reloads_failed)?;
    if let Some(last) = &status.last_reload {
        let how = last.error.as_deref().unwrap_or("went well");
        writeln!(text, "  last reload     {}: {how}", moment(last.time))?;
    }
    if let Some(loader) = &status.loader {
        writeln!(
            text,
            "  reload          has been reading the cache for {} (process {})",
            age(loader.age),
            loader.pid
        )?;
    }
    writeln!(text, "  restarts        {} of workers", status.workers_restarted)?;
    writeln!(
        text,
        "  requests        {} over {} connections, {} bytes sent",
        grouped(status.requests),
        grouped(status.connections),
        grouped(status.bytes_sent)
    )?;
    writeln!(text, "  frames refused  {}", status.frames_refused)?;
    writeln!(text, "  log lines lost  {}", status.log_lines_dropped)?;
    writeln!(
        text,
        "  {}",
        row(["worker", "generation", "process", "state", "age", "requests", "private kB"])
    )?;
    status.workers.iter().try_for_each(|worker| writeln!(text, "  {}", worker_row(worker)))
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
    cells.map(|cell| format!("{cell:>10}")).join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::{Cache, Loader, Reloaded};

    fn status() -> Status {
        Status {
            version: "1.2.3".into(),
            pid: 4711,
            started: 1_700_000_000,
            stopping: false,
            generation: 3,
            cache: Cache {
                file: "/var/lib/mirrorlist/cache.mlc".into(),
                built: 1_700_003_000,
                source: 1_700_002_000,
                bytes: 11_800_000,
                hosts: 600,
                directories: 120_000,
                repositories: 0,
            },
            workers_wanted: 2,
            workers_ready: 1,
            workers_restarted: 5,
            reloads: 2,
            reloads_failed: 1,
            last_reload: Some(Reloaded { time: 1_700_003_600, error: Some("cache X: is empty".into()) }),
            loader: Some(Loader { pid: 4720, age: 12 }),
            requests: 1_234_567,
            connections: 12,
            bytes_sent: 1_000_000,
            frames_refused: 0,
            log_lines_dropped: 7,
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
        let mut text = String::new();
        write(&mut text, &status(), 1_700_003_660).unwrap();
        let expected = "\
mirrorlistd 1.2.3, process 4711
  started         2023-11-14T22:13:20Z (1 h 1 min ago)
  generation      3 with 1 of 2 workers ready
  cache           /var/lib/mirrorlist/cache.mlc of 11,800,000 bytes
  built           2023-11-14T23:03:20Z (11 min 0 s ago)
  data of         2023-11-14T22:46:40Z (27 min 40 s ago)
  holds           600 hosts, 120,000 directories, 0 repositories
  reloads         2, 1 failed
  last reload     2023-11-14T23:13:20Z (1 min 0 s ago): cache X: is empty
  reload          has been reading the cache for 12 s (process 4720)
  restarts        5 of workers
  requests        1,234,567 over 12 connections, 1,000,000 bytes sent
  frames refused  0
  log lines lost  7
      worker generation    process      state        age   requests private kB
           1          3       4713      ready 1 min 40 s      5,000        180
";
        assert_eq!(text, expected);
    }
}
