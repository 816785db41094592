//! The metrics as Prometheus reads them: OpenMetrics text, or its own older one where only that is taken.
//!
//! Names follow Prometheus' conventions: `mirrorlist_http_` is what the front end counts, `mirrorlist_daemon_` and
//! `mirrorlist_cache_` what a worker tells of the whole daemon; times in seconds, sizes in bytes. Without a worker the
//! front end's own metrics are all there is, and `mirrorlist_daemon_up` is 0.

use super::{
    Desk, daemon,
    page::{Page, labels},
};
use crate::{
    backend::probe,
    config::Relay,
    counters::{self, BOUNDS, Cell, Counters, REFUSED, STATUSES, TOLD},
    thread::Process,
};
use hyper::header::HeaderValue;
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, NoLabelSet, text::encode},
    metrics::MetricType,
    registry::Registry,
};
use std::{collections::HashSet, fmt, sync::Arc, time::Duration};
use wire::{Key, Kind, Tier};

/// What the text is.
pub(super) const CONTENT_TYPE: HeaderValue =
    HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");

/// What the older text is.
pub(super) const PLAIN_TYPE: HeaderValue =
    HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");

/// Time for the daemon's metrics; whoever collects metrics waits for ten seconds or so.
const DAEMON: Duration = Duration::from_secs(1);

/// All metrics at one moment.
#[derive(Debug)]
struct Metrics {
    counters: Vec<Arc<Counters>>,
    most_connections: usize,
    daemon: Option<Vec<(Key, u64)>>,
}

impl Desk {
    /// All metrics as text.
    pub(super) async fn metrics(&self) -> Result<String, fmt::Error> {
        let Process { config, gate, counters, .. } = &*self.process;
        let relay = Relay { deadline: DAEMON.min(config.relay.deadline), ..config.relay };
        let metrics = Metrics {
            counters: counters.clone(),
            most_connections: gate.limit,
            daemon: probe::counters(&config.daemon, relay).await.ok(),
        };
        let mut registry = Registry::default();
        registry.register_collector(Box::new(metrics));
        let mut text = String::new();
        encode(&mut text, &registry)?;
        Ok(text)
    }
}

/// The same in Prometheus' older text format (0.0.4): a counter is described by the whole name of its samples, and the
/// text ends without a mark. Source: Prometheus, exposition formats.
pub(super) fn plain(text: &str) -> String {
    let counter = |line: &str| Some(line.strip_prefix("# TYPE ")?.strip_suffix(" counter")?.to_owned());
    let counters: HashSet<String> = text.lines().filter_map(counter).collect();
    let lines = text.lines().filter(|line| *line != "# EOF");
    lines.fold(String::with_capacity(text.len() * 2), |mut plain, line| {
        let words: Vec<&str> = line.splitn(4, ' ').collect();
        match words[..] {
            ["#", what, name, said] if counters.contains(name) => {
                plain.extend(["# ", what, " ", name, "_total ", said]);
            }
            _ => plain.push_str(line),
        }
        plain.push('\n');
        plain
    })
}

impl Collector for Metrics {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut page = Page(encoder);
        self.program(&mut page)?;
        self.requests(&mut page)?;
        self.connections(&mut page)?;
        for (name, help, cell) in TOLD {
            page.counter(name, help, self.sum(|counters| cell(counters).get()))?;
        }
        daemon::write(&mut page, self.daemon.as_deref())
    }
}

impl Metrics {
    fn sum(&self, cell: impl Fn(&Counters) -> u64) -> u64 {
        self.counters.iter().map(|counters| cell(counters)).sum()
    }

    fn program(&self, page: &mut Page<'_>) -> fmt::Result {
        page.0
            .encode_descriptor(
                "mirrorlist_http_build_info",
                "The front end's version.",
                None,
                MetricType::Gauge,
            )?
            .encode_family(&[("version", env!("CARGO_PKG_VERSION"))])?
            .encode_gauge(&1_u64)?;
        page.gauge("mirrorlist_http_threads", "Threads that serve.", self.counters.len() as u64)
    }

    fn requests(&self, page: &mut Page<'_>) -> fmt::Result {
        let statuses: Vec<String> = STATUSES.iter().map(u16::to_string).chain(["other".into()]).collect();
        let of_kind = |kind: Kind| {
            let places = (0..statuses.len()).flat_map(|status| Tier::ALL.map(|tier| (status, tier)));
            places.map(move |(status, tier)| (kind, status, tier))
        };
        let counted = Kind::ALL.into_iter().flat_map(of_kind).filter_map(|(kind, status, tier)| {
            let count = self.sum(|counters| counters.answers(kind, status, tier));
            (count > 0).then_some((labels(kind, &statuses[status], tier), count))
        });
        page.counters(
            "mirrorlist_http_requests",
            "Answered requests, by what was asked, status and tier of the first mirror; kind is other where the front \
             end has answered by itself.",
            counted,
        )?;
        let shed = STATUSES.iter().position(|status| *status == 503).unwrap_or_default();
        page.counter(
            "mirrorlist_http_shed",
            "Requests that were answered with 503 because no worker answered in time.",
            self.sum(|counters| counters.answers(Kind::Other, shed, Tier::None)),
        )?;
        self.times(page)
    }

    fn times(&self, page: &mut Page<'_>) -> fmt::Result {
        let mut family = page.0.encode_descriptor(
            "mirrorlist_http_request_duration_seconds",
            "Time from a request's whole head to its answer from a worker.",
            None,
            MetricType::Histogram,
        )?;
        for kind in Kind::ALL {
            let bound = |place| if place < BOUNDS { counters::bound(place) } else { f64::INFINITY };
            let held = |place| self.sum(|counters| counters.times[kind as usize].bucket(place));
            let buckets: Vec<(f64, u64)> = (0..=BOUNDS).map(|place| (bound(place), held(place))).collect();
            let count = buckets.iter().map(|(_, count)| count).sum();
            let sum: Duration =
                self.counters.iter().map(|counters| counters.times[kind as usize].sum()).sum();
            family.encode_family(&[("kind", kind.name())])?.encode_histogram::<NoLabelSet>(
                sum.as_secs_f64(),
                count,
                &buckets,
                None,
            )?;
        }
        Ok(())
    }

    fn connections(&self, page: &mut Page<'_>) -> fmt::Result {
        let refused = REFUSED.into_iter().enumerate().map(|(at, status)| {
            let count = self.sum(|counters| counters.refused.get(at).map_or(0, Cell::get));
            ([("status", status.to_string())], count)
        });
        page.counters("mirrorlist_http_heads_refused", "Heads that were no request, by status.", refused)?;
        let closed = self.sum(|counters| counters.closed.get());
        let accepted = self.sum(|counters| counters.connections.get());
        page.gauge(
            "mirrorlist_http_connections",
            "Connections of clients, now.",
            accepted.saturating_sub(closed),
        )?;
        page.gauge(
            "mirrorlist_http_connections_limit",
            "Connections that there may be; at this number one is accepted when another one closes.",
            self.most_connections as u64,
        )
    }
}
