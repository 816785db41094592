//! What a build made, for people and as JSON.

use crate::compile::{Row, Skipped};
use cache::Statistics;
use program::print::{counted, date, grouped};
use serde::Serialize;
use std::{fmt, path::Path, time::Duration};

/// The summary of one build. The field names are those of the JSON form.
#[derive(Debug, Serialize)]
pub struct Summary<'a> {
    output: &'a Path,
    bytes: usize,
    build_time: u64,
    source_time: u64,
    seconds: f64,
    hosts: usize,
    urls: usize,
    directories: usize,
    carrier_sets: usize,
    bytes_per_directory: f64,
    repositories: usize,
    files: usize,
    file_versions: usize,
    client_classes: usize,
    ranges_v4: usize,
    ranges_v6: usize,
    address_bytes: usize,
    skipped_in_all: u64,
    skipped: &'a Skipped,
    /// Records that are kept, but are worth a second look.
    noted: Vec<Row<'a>>,
}

impl<'a> Summary<'a> {
    /// Puts the figures of a build together; times are in seconds since the epoch.
    pub fn new(
        output: &'a Path,
        build_time: u64,
        source_time: u64,
        statistics: &Statistics,
        took: Duration,
        skipped: &'a Skipped,
    ) -> Summary<'a> {
        let per_directory = statistics.directory_bytes as f64 / statistics.directories.max(1) as f64;
        Summary {
            output,
            bytes: statistics.bytes,
            build_time,
            source_time,
            seconds: (took.as_secs_f64() * 1000.0).round() / 1000.0,
            hosts: statistics.hosts,
            urls: statistics.urls,
            directories: statistics.directories,
            carrier_sets: statistics.carrier_sets,
            bytes_per_directory: (per_directory * 10.0).round() / 10.0,
            repositories: statistics.repositories,
            files: statistics.files,
            file_versions: statistics.file_versions,
            client_classes: statistics.client_classes,
            ranges_v4: statistics.ranges_v4,
            ranges_v6: statistics.ranges_v6,
            address_bytes: statistics.address_bytes,
            skipped_in_all: skipped.total(),
            skipped,
            noted: skipped.notes().collect(),
        }
    }
}

impl fmt::Display for Summary<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let made = date(self.source_time).map_or("of unknown time".to_owned(), |date| format!("of {date}"));
        let output = self.output.display();
        writeln!(
            f,
            "cache {output}: {} bytes, built in {:.2} s from data {made}",
            grouped(self.bytes),
            self.seconds
        )?;
        writeln!(f, "  hosts           {} with {}", grouped(self.hosts), counted(self.urls, "URL", "URLs"))?;
        writeln!(
            f,
            "  directories     {}, {:.1} bytes each",
            grouped(self.directories),
            self.bytes_per_directory
        )?;
        writeln!(f, "  carrier sets    {}", grouped(self.carrier_sets))?;
        writeln!(f, "  repositories    {}", grouped(self.repositories))?;
        let versions = counted(self.file_versions, "version", "versions");
        writeln!(f, "  files           {} in {versions}", grouped(self.files))?;
        writeln!(f, "  client classes  {}", grouped(self.client_classes))?;
        writeln!(
            f,
            "  ranges          {} of IPv4, {} of IPv6, {} bytes",
            grouped(self.ranges_v4),
            grouped(self.ranges_v6),
            grouped(self.address_bytes)
        )?;
        writeln!(f, "  skipped         {}", grouped(self.skipped_in_all))?;
        for row in self.skipped.rows() {
            writeln!(f, "    {row}")?;
        }
        if !self.noted.is_empty() {
            let kept: u64 = self.noted.iter().map(|row| row.count).sum();
            writeln!(f, "  kept, but odd   {}", grouped(kept))?;
        }
        for row in &self.noted {
            writeln!(f, "    {row}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compile::{InputTable, Reason};

    fn skipped() -> Skipped {
        let mut skipped = Skipped::default();
        skipped.add(InputTable::Url, Reason::UnknownScheme, || "gopher://mirror.example.org");
        skipped
    }

    #[test]
    fn people_read_grouped_numbers_and_what_was_skipped() {
        let statistics = Statistics {
            hosts: 1,
            directories: 1000,
            directory_bytes: 21_340,
            bytes: 1_234_567,
            ..Default::default()
        };
        let skipped = skipped();
        let summary = Summary::new(
            Path::new("x.mlc"),
            0,
            1_784_160_000,
            &statistics,
            Duration::from_millis(1234),
            &skipped,
        );
        let text = summary.to_string();
        assert!(text.starts_with(
            "cache x.mlc: 1,234,567 bytes, built in 1.23 s from data of 2026-07-16T00:00:00Z\n"
        ));
        assert!(text.contains("  directories     1,000, 21.3 bytes each\n"), "{text}");
        assert!(text.ends_with(
            "  skipped         1\n    HCUrlCache: URL without a known scheme: 1, first gopher://mirror.example.org\n"
        ));
    }

    #[test]
    fn what_is_kept_but_odd_is_named_apart() {
        let mut skipped = skipped();
        skipped.note(InputTable::HostNetblock, Reason::WidePrefix, || "0.0.0.0/1");
        let statistics = Statistics::default();
        let summary = Summary::new(Path::new("x.mlc"), 0, 0, &statistics, Duration::ZERO, &skipped);
        let expected = "  kept, but odd   1\n    HostNetblockCache: prefix wider than a /8 (IPv6: a /16): 1, first 0.0.0.0/1\n";
        assert!(summary.to_string().ends_with(expected), "{summary}");
        let value = serde_json::to_value(&summary).unwrap();
        assert_eq!(
            (value["skipped_in_all"].as_u64(), value["skipped"].as_array().map(Vec::len)),
            (Some(1), Some(1))
        );
        assert_eq!(value["noted"][0]["count"], 1);
    }

    #[test]
    fn the_json_form_has_the_same_figures() {
        let skipped = skipped();
        let statistics = Statistics { hosts: 7, ..Default::default() };
        let summary = Summary::new(Path::new("x.mlc"), 5, u64::MAX, &statistics, Duration::ZERO, &skipped);
        let value = serde_json::to_value(&summary).unwrap();
        assert_eq!((value["hosts"].as_u64(), value["source_time"].as_u64()), (Some(7), Some(u64::MAX)));
        assert_eq!(value["skipped"][0]["count"], 1);
        assert!(summary.to_string().contains("from data of unknown time"));
    }
}
