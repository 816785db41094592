//! `mirrorlist-cache build`: inputs to cache file.
//!
//! The file named as output is only ever replaced by a whole new one; whatever goes wrong leaves it, and its folder, as
//! they were.

#[cfg(test)]
mod tests;

use super::{large::LargeAnswers, summary::Summary};
use crate::{
    compile::{self, Input, Inputs, Skipped},
    failure::Failure,
    log,
};
use cache::inventory::Inventory;
use indicatif::{ProgressBar, ProgressStyle};
use program::print::printed;
use std::{
    fs,
    io::{self, IsTerminal},
    os::unix::fs::MetadataExt,
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
    refuse_an_input_as_output(&inputs, &options.output)?;
    warn_of_missing(&inputs);
    let progress = Progress::start();
    let (inventory, skipped) = compile::gather(&inputs, |input| progress.step(input.describe()))
        .map_err(|error| Failure::cache(unchanged(&error, &options.output)))?;
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
    let view = answer::taken(&bytes).map_err(|error| {
        let input = options.mirrormanager.display();
        let message = format!("{} {input}: its cache would be refused: {error}", Input::Mirrormanager);
        Failure::cache(unchanged(&message, &options.output))
    })?;
    let large = LargeAnswers::find(&view);
    progress.step("writing the cache");
    cache::publish(&options.output, &bytes).map_err(|error| {
        Failure::system(unchanged(
            &format!("cache {}: cannot be written ({error})", options.output.display()),
            &options.output,
        ))
    })?;
    drop(progress);
    warn_of_odd_inputs(&skipped);
    if let Some(large) = large {
        log::warning(large);
    }
    let summary =
        Summary::new(&options.output, build_time, source_time, &statistics, started.elapsed(), &skipped);
    printed(options.json, &summary, || summary.to_string()).map_err(|failure| {
        Failure::system(format!("{failure}; {} is new all the same", options.output.display()))
    })
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

/// An input would be lost, or is the wrong file.
fn refuse_an_input_as_output(inputs: &Inputs, output: &Path) -> Result<(), Failure> {
    let identity = |path: &Path| fs::metadata(path).ok().map(|found| (found.dev(), found.ino()));
    let Some(taken) = identity(output) else { return Ok(()) };
    let named = [
        (Input::Mirrormanager, Some(&inputs.mirrormanager)),
        (Input::Netblocks, inputs.netblocks.as_ref()),
        (Input::Continents, inputs.continents.as_ref()),
        (Input::Geoip, inputs.geoip.as_ref()),
    ];
    match named.into_iter().find(|(_, path)| path.and_then(|path| identity(path)) == Some(taken)) {
        None => Ok(()),
        Some((input, _)) => {
            let output = output.display();
            Err(Failure::config(format!(
                "output {output}: is the file that is given as {input}; nothing is built"
            )))
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

/// Says at once what changes answers, however few records it concerns.
fn warn_of_odd_inputs(skipped: &Skipped) {
    for row in skipped.all() {
        if let Some(consequence) = row.reason.consequence() {
            log::warning(format_args!("{row}; {consequence}"));
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
