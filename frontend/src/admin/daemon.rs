//! The daemon's counters under the names that they have outside.

use super::page::{Page, labels};
use wire::{Counter, Key, OTHER_STATUS, Unit};

/// Writes what a worker has told, or that none has.
pub(super) fn write(page: &mut Page, told: Option<&[(Key, u64)]>) {
    let up = u64::from(told.is_some());
    page.number(Unit::Gauge, "mirrorlist_daemon_up", "Whether a worker has told what follows.", up);
    let Some(told) = told else { return };
    let mut described = "";
    for counter in Counter::ALL {
        let value = told.iter().find(|(key, _)| *key == Key::Counter(counter)).map(|(_, value)| *value);
        let value = value.filter(|value| *value > 0 || !matches!(counter.unit(), Unit::Time | Unit::Span));
        let Some(value) = value else { continue };
        let (name, help) = (counter.name(), counter.help());
        let Some(input) = counter.input() else {
            page.number(counter.unit(), name, help, value);
            continue;
        };
        // Those of all inputs are one metric, and stand together.
        if described != name {
            page.describe(name, "gauge", help);
            described = name;
        }
        page.sample(name, &[("input", input)], value);
    }
    page.describe(
        "mirrorlist_daemon_requests_total",
        "counter",
        "Requests that workers have answered, by what was asked, status and tier of the first mirror.",
    );
    for (key, value) in told {
        if let Key::Requests(outcome) = key
            && *value > 0
        {
            let status = match outcome.status() {
                OTHER_STATUS => "other".to_owned(),
                status => status.to_string(),
            };
            let labels = labels(outcome.kind(), &status, outcome.tier());
            page.sample("mirrorlist_daemon_requests_total", &labels, value);
        }
    }
}
