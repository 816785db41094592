//! The daemon's counters under the names that they have outside.

use super::page::{Page, labels};
use std::fmt;
use wire::{Counter, Key, OTHER_STATUS, Unit};

/// Writes what a worker has told, or that none has.
pub(super) fn write(page: &mut Page<'_>, told: Option<&[(Key, u64)]>) -> fmt::Result {
    let up = u64::from(told.is_some());
    page.gauge("mirrorlist_daemon_up", "Whether a worker has told what follows.", up)?;
    let Some(told) = told else { return Ok(()) };
    let value = |counter: Counter| {
        let value = told.iter().find(|(key, _)| *key == Key::Counter(counter)).map(|(_, value)| *value);
        let unset = matches!((counter.unit(), value), (Unit::Time | Unit::Span, Some(0)));
        value.filter(|_| !unset)
    };
    for (at, counter) in Counter::ALL.into_iter().enumerate() {
        let name = counter.name();
        if counter.input().is_some() {
            // Those of all inputs are one metric, told where its first one stands.
            if Counter::ALL[..at].iter().all(|earlier| earlier.name() != name) {
                let of_inputs = Counter::ALL.into_iter().filter(|other| other.name() == name);
                let values = of_inputs.filter_map(|of| Some(([("input", of.input()?.into())], value(of)?)));
                page.gauges(name, counter.help(), values)?;
            }
            continue;
        }
        match (counter.unit(), value(counter)) {
            (_, None) => {}
            (unit, Some(value)) => page.number(unit, name, counter.help(), value)?,
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
