//! `mirrorlist-cache build`: inputs to cache file.
//!
//! The file named as output is only ever replaced by a whole new one; whatever goes wrong leaves it, and its folder, as
//! they were.

use super::{printed, summary::Summary};
use crate::{
    compile::{self, Input, Inputs},
    failure::Failure,
    log,
};
use indicatif::{ProgressBar, ProgressStyle};
use shared::cache::{self, inventory::Inventory};
use std::{
    io::{self, IsTerminal},
    path::{Path, PathBuf},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

/// What to build from, and where to.
#[derive(Debug, clap::Args)]
pub struct Options {
    /// MirrorManager's mirrorlist cache (protobuf)
    #[arg(long, value_name = "FILE")]
    mirrormanager: PathBuf,
    /// Routing table, `PREFIX ASN` a line; plain, .gz or .zst
    #[arg(long, value_name = "FILE")]
    netblocks: Option<PathBuf>,
    /// Continents of countries, `US,NA` a line
    #[arg(long, value_name = "FILE")]
    continents: Option<PathBuf>,
    /// MaxMind database of countries, such as GeoLite2-Country.mmdb
    #[arg(long, value_name = "FILE")]
    geoip: Option<PathBuf>,
    /// The cache file to write
    #[arg(long, value_name = "FILE")]
    output: PathBuf,
    /// Print the summary as JSON
    #[arg(long)]
    json: bool,
}

/// Builds the cache file and prints what is in it.
pub fn run(options: &Options) -> Result<(), Failure> {
    let started = Instant::now();
    let inputs = Inputs {
        mirrormanager: options.mirrormanager.clone(),
        netblocks: options.netblocks.clone(),
        continents: options.continents.clone(),
        geoip: options.geoip.clone(),
    };
    warn_of_missing(&inputs);
    let progress = Progress::start();
    let (inventory, skipped) = compile::gather(&inputs, |input| progress.step(input.describe()))
        .map_err(|error| Failure::cache(unchanged(&error, &options.output)))?;
    warn_of_empty(&inputs, &inventory);
    if answers_nothing(&inventory) {
        let input = options.mirrormanager.display();
        let message = format!("{} {input}: no directory in it has a host", Input::Mirrormanager);
        return Err(Failure::cache(unchanged(&message, &options.output)));
    }
    progress.step("laying out the cache");
    let build_time = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO).as_secs();
    let source_time = inventory.source_time;
    let (bytes, statistics) = cache::write(&inventory, build_time).map_err(|error| {
        Failure::cache(unchanged(
            &format!("{} {}: {error}", Input::Mirrormanager, options.mirrormanager.display()),
            &options.output,
        ))
    })?;
    drop(inventory);
    progress.step("writing the cache");
    cache::publish(&options.output, &bytes).map_err(|error| {
        Failure::system(unchanged(
            &format!("cache {}: cannot be written ({error})", options.output.display()),
            &options.output,
        ))
    })?;
    drop(progress);
    let summary =
        Summary::new(&options.output, build_time, source_time, &statistics, started.elapsed(), &skipped);
    printed(options.json, &summary, || summary.to_string())
}

impl Input {
    /// What reading it is called while it goes on.
    fn describe(self) -> &'static str {
        match self {
            Input::Mirrormanager => "reading directories and hosts",
            Input::Netblocks => "reading routes",
            Input::Continents => "reading continents",
            Input::Geoip => "reading countries of networks",
        }
    }
}

/// Says which answers no longer come out as they could.
fn warn_of_missing(inputs: &Inputs) {
    let consequences = [
        (&inputs.netblocks, "netblocks", "no client's AS is known, so mirrors for an AS are not preferred"),
        (
            &inputs.continents,
            "continents",
            "where a country has no mirror, those of the whole world are listed",
        ),
        (&inputs.geoip, "geoip", "clients' countries are unknown, so mirrors near them are not preferred"),
    ];
    for (_, option, consequence) in consequences.iter().filter(|(file, ..)| file.is_none()) {
        log::warning(format_args!("{option}: no file given; {consequence}"));
    }
}

/// Says which files were given for nothing.
fn warn_of_empty(inputs: &Inputs, inventory: &Inventory) {
    let empty = [
        (&inputs.netblocks, inventory.routes.is_empty(), "route", "no client's AS is known"),
        (&inputs.continents, inventory.continents.is_empty(), "continent", "no country's continent is known"),
        (&inputs.geoip, inventory.geoip.is_empty(), "country", "clients' countries are unknown"),
    ];
    for (file, is_empty, what, consequence) in empty {
        if let (Some(file), true) = (file, is_empty) {
            log::warning(format_args!(
                "{}: not one {what} can be read from it; {consequence}",
                file.display()
            ));
        }
    }
}

fn answers_nothing(inventory: &Inventory) -> bool {
    let has_host =
        |set: u32| inventory.carrier_sets.get_index(set as usize).is_some_and(|set| !set.members.is_empty());
    !inventory.directories.values().any(|directory| has_host(directory.carriers))
}

/// A failure's message, with what it means for the file that may be in use.
fn unchanged(message: &impl std::fmt::Display, output: &Path) -> String {
    if output.exists() {
        format!("{message}; {} is left as it was", output.display())
    } else {
        format!("{message}; {} is not written", output.display())
    }
}

/// A line on the terminal that says what goes on; nothing where standard error is no terminal.
struct Progress(ProgressBar);

impl Progress {
    fn start() -> Progress {
        if !io::stderr().is_terminal() {
            return Progress(ProgressBar::hidden());
        }
        let bar = ProgressBar::new_spinner().with_style(
            ProgressStyle::with_template("{spinner} {msg} ({elapsed})")
                .unwrap_or_else(|_| ProgressStyle::default_spinner()),
        );
        bar.enable_steady_tick(Duration::from_millis(100));
        Progress(bar)
    }

    fn step(&self, what: &'static str) {
        self.0.set_message(what);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        compile::mirrormanager::message::{IntInts, IntString, MirrorList, MirrorListDirectory},
        failure::Fault,
    };
    use prost::Message;
    use std::fs;
    use tempfile::TempDir;

    fn small_cache() -> Vec<u8> {
        let directory = MirrorListDirectory {
            directory: Some("pub/a".into()),
            by_host_id: vec![IntInts { key: Some(1), value: vec![10] }],
            ..Default::default()
        };
        let url = IntString { key: Some(10), value: Some("https://mirror.example.org".into()) };
        MirrorList { hcurl: vec![url], mirror_list: vec![directory], ..Default::default() }.encode_to_vec()
    }

    fn options(folder: &TempDir, input: &[u8]) -> Options {
        let mirrormanager = folder.path().join("input");
        fs::write(&mirrormanager, input).unwrap();
        let output = folder.path().join("cache.mlc");
        Options { mirrormanager, netblocks: None, continents: None, geoip: None, output, json: false }
    }

    fn names(folder: &TempDir) -> Vec<String> {
        let entries = fs::read_dir(folder.path()).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_cache_is_built_checked_and_put_in_place_of_the_old_one() {
        let folder = TempDir::new().unwrap();
        let options = options(&folder, &small_cache());
        fs::write(&options.output, "old").unwrap();
        run(&options).unwrap();
        let bytes = cache::CacheBytes::read(&options.output).unwrap();
        cache::View::check(&bytes).unwrap();
        assert_eq!(names(&folder), ["cache.mlc", "input"]);
    }

    #[test]
    fn whatever_is_refused_leaves_the_old_cache_and_nothing_else() {
        let cut = small_cache()[..20].to_vec();
        let hostless = MirrorList { mirror_list: vec![], ..MirrorList::decode(&*small_cache()).unwrap() };
        for (input, cause) in [
            (cut, "damaged or cut short at byte 0 of 20"),
            (b"<html>".to_vec(), "damaged or cut short at byte"),
            (hostless.encode_to_vec(), "no directory in it has a host"),
            (vec![], "no directory in it has a host"),
        ] {
            let folder = TempDir::new().unwrap();
            let options = options(&folder, &input);
            fs::write(&options.output, "old").unwrap();
            let failure = run(&options).unwrap_err();
            let message = failure.to_string();
            assert_eq!(failure.fault, Fault::Cache, "{message}");
            assert!(message.contains(cause) && message.ends_with("cache.mlc is left as it was"), "{message}");
            assert!(!message.contains('\n'), "{message}");
            assert_eq!(fs::read(&options.output).unwrap(), b"old");
            assert_eq!(names(&folder), ["cache.mlc", "input"]);
        }
    }

    #[test]
    fn a_refused_further_input_is_named_by_its_option() {
        let folder = TempDir::new().unwrap();
        let options = options(&folder, &small_cache());
        let missing = Some(folder.path().join("missing"));
        for (name, options) in [
            ("netblocks", Options { netblocks: missing.clone(), ..copy(&options) }),
            ("continents", Options { continents: missing.clone(), ..copy(&options) }),
            ("geoip", Options { geoip: missing.clone(), ..copy(&options) }),
            ("geoip", Options { geoip: Some(options.mirrormanager.clone()), ..copy(&options) }),
        ] {
            let failure = run(&options).unwrap_err();
            assert_eq!(failure.fault, Fault::Cache);
            assert!(failure.to_string().starts_with(&format!("{name} ")), "{failure}");
            assert!(failure.to_string().ends_with("cache.mlc is not written"), "{failure}");
        }
        assert_eq!(names(&folder), ["input"]);
    }

    fn copy(options: &Options) -> Options {
        let Options { mirrormanager, output, .. } = options;
        let (mirrormanager, output) = (mirrormanager.clone(), output.clone());
        Options { mirrormanager, netblocks: None, continents: None, geoip: None, output, json: true }
    }

    #[test]
    fn an_output_that_cannot_be_written_is_the_systems_fault() {
        let folder = TempDir::new().unwrap();
        let options = Options {
            output: folder.path().join("no/such/folder/cache.mlc"),
            ..options(&folder, &small_cache())
        };
        let failure = run(&options).unwrap_err();
        assert_eq!(failure.fault, Fault::System);
        assert!(failure.to_string().contains("cache.mlc: cannot be written ("), "{failure}");
        assert_eq!(names(&folder), ["input"]);
    }
}
