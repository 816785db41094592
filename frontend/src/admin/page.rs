//! The text that metrics are written into, and the labels that they have in common.

use prometheus_client::{
    encoding::{DescriptorEncoder, NoLabelSet},
    metrics::MetricType,
};
use std::fmt;
use wire::{Kind, Tier, Unit};

/// The labels of a count of requests.
pub(super) fn labels(kind: Kind, status: &str, tier: Tier) -> [(&'static str, String); 3] {
    let tier = match tier {
        Tier::CountryContinent => "country_continent",
        other => other.name(),
    };
    [("kind", kind.name().into()), ("status", status.into()), ("tier", tier.into())]
}

/// Where metrics are written down.
pub(super) struct Page<'a>(pub(super) DescriptorEncoder<'a>);

impl Page<'_> {
    /// A number without labels.
    pub(super) fn number(&mut self, unit: Unit, name: &str, help: &str, value: u64) -> fmt::Result {
        match unit {
            Unit::Count => self.counter(name, help, value),
            Unit::Gauge | Unit::Time | Unit::Span => self.gauge(name, help, value),
        }
    }

    /// A count without labels.
    pub(super) fn counter(&mut self, name: &str, help: &str, value: u64) -> fmt::Result {
        let mut metric = self.0.encode_descriptor(name, help, None, MetricType::Counter)?;
        metric.encode_counter::<NoLabelSet, u64, u64>(&value, None)
    }

    /// Counters that labels tell apart.
    pub(super) fn counters<const N: usize>(
        &mut self,
        name: &str,
        help: &str,
        values: impl Iterator<Item = ([(&'static str, String); N], u64)>,
    ) -> fmt::Result {
        let mut family = self.0.encode_descriptor(name, help, None, MetricType::Counter)?;
        for (labels, value) in values {
            family.encode_family(&labels)?.encode_counter::<NoLabelSet, u64, u64>(&value, None)?;
        }
        Ok(())
    }

    /// Values that may rise and fall and that labels tell apart.
    pub(super) fn gauges<const N: usize>(
        &mut self,
        name: &str,
        help: &str,
        values: impl Iterator<Item = ([(&'static str, String); N], u64)>,
    ) -> fmt::Result {
        let mut family = self.0.encode_descriptor(name, help, None, MetricType::Gauge)?;
        for (labels, value) in values {
            family.encode_family(&labels)?.encode_gauge(&value)?;
        }
        Ok(())
    }

    /// A value that may rise and fall.
    pub(super) fn gauge(&mut self, name: &str, help: &str, value: u64) -> fmt::Result {
        self.0.encode_descriptor(name, help, None, MetricType::Gauge)?.encode_gauge(&value)
    }
}
