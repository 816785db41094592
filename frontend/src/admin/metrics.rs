//! The metrics as Prometheus reads them.
//!
//! Names follow Prometheus' conventions: `mirrorlist_http_` is what the front end counts, `mirrorlist_daemon_` and
//! `mirrorlist_cache_` what a worker tells of the whole daemon; times in seconds, sizes in bytes. Without a worker the
//! front end's own metrics are all there is, and `mirrorlist_daemon_up` is 0.

use super::{
    daemon,
    page::{Page, labels},
};
use crate::{
    backend::probe,
    config::Relay,
    counters::{self, BOUNDS, Counters, REFUSED, STATUSES, TOLD},
    thread::Process,
};
use std::{sync::Arc, time::Duration};
use wire::{Kind, Tier, Unit};

/// Time for the daemon's metrics; whoever collects metrics waits for ten seconds or so.
const DAEMON: Duration = Duration::from_secs(1);

/// All metrics at this moment.
pub(super) async fn write(Process { config, counters, gate, .. }: &Process) -> String {
    let relay = Relay { deadline: DAEMON.min(config.relay.deadline), ..config.relay };
    let told = probe::counters(&config.daemon, relay).await.ok();
    let mut page = Page::default();
    page.describe("mirrorlist_http_build_info", "gauge", "The front end's version.");
    page.sample("mirrorlist_http_build_info", &[("version", env!("CARGO_PKG_VERSION"))], 1);
    let mut gauge = |name, help, value: usize| page.number(Unit::Gauge, name, help, value as u64);
    gauge("mirrorlist_http_threads", "Threads that serve.", counters.len());
    gauge("mirrorlist_http_connections", "Connections of clients, now.", gate.taken());
    gauge("mirrorlist_http_connections_limit", "Connections that there may be at a time.", gate.limit);
    for (name, help, cell) in TOLD {
        page.number(Unit::Count, name, help, sum(counters, |counters| cell(counters).get()));
    }
    requests(&mut page, counters);
    times(&mut page, counters);
    daemon::write(&mut page, told.as_deref());
    page.0
}

fn requests(page: &mut Page, counters: &[Arc<Counters>]) {
    const REQUESTS: &str = "mirrorlist_http_requests_total";
    const HEADS: &str = "mirrorlist_http_heads_refused_total";
    page.describe(
        REQUESTS,
        "counter",
        "Answered requests, by what was asked, status and tier of the first mirror; kind is other where the front end \
         has answered by itself.",
    );
    let statuses: Vec<String> = STATUSES.iter().map(u16::to_string).chain(["other".into()]).collect();
    for kind in Kind::ALL {
        for (place, status) in statuses.iter().enumerate() {
            for tier in Tier::ALL {
                let count =
                    sum(counters, |counters| counters.answers[kind as usize][place][tier as usize].get());
                if count > 0 {
                    page.sample(REQUESTS, &labels(kind, status, tier), count);
                }
            }
        }
    }
    let shed = STATUSES.iter().position(|status| *status == 503).unwrap_or_default();
    page.number(
        Unit::Count,
        "mirrorlist_http_shed",
        "Requests that were answered with 503: no worker answered in time, or three have died with them.",
        sum(counters, |counters| counters.answers[Kind::Other as usize][shed][Tier::None as usize].get()),
    );
    page.describe(HEADS, "counter", "Heads that were no request, by status.");
    for (at, status) in REFUSED.iter().enumerate() {
        let count = sum(counters, |counters| counters.refused[at].get());
        page.sample(HEADS, &[("status", &status.to_string())], count);
    }
}

fn times(page: &mut Page, counters: &[Arc<Counters>]) {
    const NAME: &str = "mirrorlist_http_request_duration_seconds";
    page.describe(NAME, "histogram", "Time from a request's whole head to its answer from a worker.");
    for kind in Kind::ALL {
        let times = || counters.iter().map(|counters| &counters.times[kind as usize]);
        let mut held = 0;
        for place in 0..=BOUNDS {
            let bound = if place < BOUNDS { counters::bound(place).to_string() } else { "+Inf".into() };
            held += times().map(|times| times.buckets[place].get()).sum::<u64>();
            page.sample(&format!("{NAME}_bucket"), &[("kind", kind.name()), ("le", &bound)], held);
        }
        let sum: Duration = times().map(|times| times.sum()).sum();
        page.sample(&format!("{NAME}_sum"), &[("kind", kind.name())], sum.as_secs_f64());
        page.sample(&format!("{NAME}_count"), &[("kind", kind.name())], held);
    }
}

fn sum(counters: &[Arc<Counters>], cell: impl Fn(&Counters) -> u64) -> u64 {
    counters.iter().map(|counters| cell(counters)).sum()
}
