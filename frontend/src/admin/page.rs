//! The text that metrics are written into, in Prometheus' own format: every reader of OpenMetrics takes it too.
//!
//! What is described and how labels are called is not of clients' choice, so nothing has to be escaped. Source: Prometheus,
//! exposition formats 0.0.4.

use hyper::header::HeaderValue;
use std::fmt::Display;
use wire::{Kind, Tier, Unit};

/// What the text is.
pub(super) const CONTENT_TYPE: HeaderValue =
    HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");

/// Metrics as they are written down. Each metric is described, and then come its samples.
#[derive(Debug, Default)]
pub(super) struct Page(pub String);

impl Page {
    /// Describes a metric by its name, its type and its meaning, a sentence.
    pub(super) fn describe(&mut self, name: &str, kind: &str, help: &str) {
        self.0 += &format!("# HELP {name} {help}\n# TYPE {name} {kind}\n");
    }

    /// A sample, by its whole name.
    pub(super) fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: impl Display) {
        let labels: Vec<String> = labels.iter().map(|(name, value)| format!("{name}=\"{value}\"")).collect();
        let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
        self.0 += &format!("{name}{labels} {value}\n");
    }

    /// A number without labels; the name of one that counts gets its end here.
    pub(super) fn number(&mut self, unit: Unit, name: &str, help: &str, value: u64) {
        let (name, kind) = match unit {
            Unit::Count => (&*format!("{name}_total"), "counter"),
            Unit::Gauge | Unit::Time | Unit::Span => (name, "gauge"),
        };
        self.describe(name, kind, help);
        self.sample(name, &[], value);
    }
}

/// The labels of a count of requests.
pub(super) fn labels(kind: Kind, status: &str, tier: Tier) -> [(&'static str, &str); 3] {
    let tier = if tier == Tier::CountryContinent { "country_continent" } else { tier.name() };
    [("kind", kind.name()), ("status", status), ("tier", tier)]
}
