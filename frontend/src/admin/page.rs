//! The text that metrics are written into: OpenMetrics, or Prometheus' older format where only that is taken.
//!
//! They differ in two things: the older one describes a counter by the whole name of its samples, and ends without a
//! mark. What is described and how labels are called is not of clients' choice, so nothing has to be escaped. Source:
//! OpenMetrics 1.0; Prometheus, exposition formats 0.0.4.

use hyper::header::HeaderValue;
use std::fmt::Display;
use wire::{Kind, Tier, Unit};

const OPEN_METRICS: HeaderValue =
    HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");
const OLDER: HeaderValue = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");

/// Metrics as they are written down. Each metric is described, and then come its samples.
#[derive(Debug)]
pub(super) struct Page {
    text: String,
    is_older: bool,
}

impl Page {
    /// An empty page.
    pub(super) fn new(is_older: bool) -> Page {
        Page { text: String::new(), is_older }
    }

    /// What the text is, and the text.
    pub(super) fn end(mut self) -> (HeaderValue, String) {
        if self.is_older {
            return (OLDER, self.text);
        }
        self.text.push_str("# EOF\n");
        (OPEN_METRICS, self.text)
    }

    /// Describes a metric by its name without suffix, its type and its meaning, a sentence.
    pub(super) fn describe(&mut self, name: &str, kind: &str, help: &str) {
        let suffix = if self.is_older && kind == "counter" { "_total" } else { "" };
        self.text += &format!("# HELP {name}{suffix} {help}\n# TYPE {name}{suffix} {kind}\n");
    }

    /// A sample, by its whole name.
    pub(super) fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: impl Display) {
        let labels: Vec<String> = labels.iter().map(|(name, value)| format!("{name}=\"{value}\"")).collect();
        let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
        self.text += &format!("{name}{labels} {value}\n");
    }

    /// A number without labels.
    pub(super) fn number(&mut self, unit: Unit, name: &str, help: &str, value: u64) {
        let (kind, suffix) = match unit {
            Unit::Count => ("counter", "_total"),
            Unit::Gauge | Unit::Time | Unit::Span => ("gauge", ""),
        };
        self.describe(name, kind, help);
        self.sample(&format!("{name}{suffix}"), &[], value);
    }
}

/// The labels of a count of requests.
pub(super) fn labels(kind: Kind, status: &str, tier: Tier) -> [(&'static str, &str); 3] {
    let tier = match tier {
        Tier::CountryContinent => "country_continent",
        other => other.name(),
    };
    [("kind", kind.name()), ("status", status), ("tier", tier)]
}
