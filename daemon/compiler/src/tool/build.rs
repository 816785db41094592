//! `mirrorlist-cache build`: inputs to cache file.
//!
//! The file named as output is only ever replaced by a whole new one; whatever goes wrong leaves it, and its folder, as
//! they were.

#[cfg(test)]
mod tests;

use super::{large::LargeAnswers, summary::Summary};
use crate::{
    compile::{self, Input, InputTable, Inputs, Reason, Skipped},
    config::Config,
    failure::Failure,
    log,
};
use cache::{View, inventory::Inventory};
use program::{
    aside,
    files::folder,
    options::well,
    print::{age, printed},
};
use std::{
    fs,
    io::{self, ErrorKind, IsTerminal as _, Write as _},
    os::unix::fs::MetadataExt,
    path::Path,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

/// Builds the cache file and prints what is in it; or only looks whether that can be begun.
pub fn run(config: &Config) -> Result<(), Failure> {
    let started = Instant::now();
    let Config { inputs, output, policy, site, choice, .. } = config;
    refuse_an_input_as_output(inputs, output)?;
    warn_of_missing(inputs);
    if config.check {
        compile::find(inputs).map_err(|error| Failure::cache(error.to_string()))?;
        let files: Vec<String> =
            inputs.named().map(|(input, path)| format!("{input} {}", path.display())).collect();
        return well(format_args!("options, and the inputs are there: {}", files.join(", ")));
    }
    let (mut inventory, mut skipped) = compile::gather(inputs, policy, |input| step(input.describe()))
        .map_err(|error| Failure::cache(unchanged(&error, output)))?;
    if answers_nothing(&inventory) {
        let input = inputs.mirrormanager.display();
        let excluded = skipped.count(InputTable::Url, Reason::Excluded) > 0;
        let left = if excluded { " with a URL that exclude-protocols leaves" } else { "" };
        let message = format!("{} {input}: no directory in it has a host{left}", Input::Mirrormanager);
        return Err(Failure::cache(unchanged(&message, output)));
    }
    compile::site::lay(site, &mut inventory, &mut skipped);
    inventory.choice.clone_from(choice);
    step("laying out the cache");
    let build_time = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO).as_secs();
    let source_time = inventory.source_time;
    let (bytes, statistics) = cache::write(&inventory, build_time).map_err(|error| {
        Failure::cache(unchanged(
            &format!("{} {}: {error}", Input::Mirrormanager, inputs.mirrormanager.display()),
            output,
        ))
    })?;
    drop(inventory);
    let view = answer::taken(&bytes).map_err(|error| {
        let input = inputs.mirrormanager.display();
        let message = format!("{} {input}: its cache would be refused: {error}", Input::Mirrormanager);
        Failure::cache(unchanged(&message, output))
    })?;
    let large = LargeAnswers::find(&view);
    step("writing the cache");
    aside::put(output, &bytes, 0o444).map_err(|error| {
        let folder =
            Some(folder(output)).filter(|folder| error.kind() == ErrorKind::NotFound && !folder.is_dir());
        let why = folder.map(|folder| {
            format!("there is no folder {}; make it, or name a file elsewhere", folder.display())
        });
        let why = why.unwrap_or_else(|| format!("cannot be written ({error})"));
        Failure::system(unchanged(&format!("cache {}: {why}", output.display()), output))
    })?;
    warn_of_odd_inputs(&skipped);
    warn_of_old(&view, inputs, build_time);
    warn_of_idle_aliases(&view);
    if let Some(large) = large {
        log::warning(large);
    }
    let summary = Summary::new(output, build_time, source_time, &statistics, started.elapsed(), &skipped);
    printed(config.json, &summary, || summary.to_string())
        .map_err(|failure| Failure::system(format!("{failure}; {} is new all the same", output.display())))
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
    match inputs.named().find(|(_, path)| identity(path) == Some(taken)) {
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

/// Says which inputs are older than they may be.
fn warn_of_old(view: &View<'_>, inputs: &Inputs, now: u64) {
    for ((input, path), source) in inputs.named().zip(view.sources()).filter(|(_, source)| source.is_old(now))
    {
        let (old, most) = (source.age(now).unwrap_or_default(), source.max_age.unwrap_or_default());
        log::warning(format_args!(
            "{input} {}: what it says is {} old, more than its max-age of {}; it is built from all the same",
            path.display(),
            age(old),
            age(most)
        ));
    }
}

/// What a path is beats what else it could stand for.
fn warn_of_idle_aliases(view: &View<'_>) {
    for (name, path) in view.aliases().filter(|(name, _)| view.find(name.as_bytes()).is_some()) {
        log::warning(format_args!(
            "alias {name}: is a path that mirrors have, so it never stands for {path}"
        ));
    }
}

fn answers_nothing(inventory: &Inventory) -> bool {
    !inventory.directories.values().any(|directory| inventory.carriers(directory).next().is_some())
}

/// A failure's message, with what it means for the file that may be in use.
fn unchanged(message: &impl std::fmt::Display, output: &Path) -> String {
    if output.exists() {
        format!("{message}; {} is left as it was", output.display())
    } else {
        format!("{message}; {} is not written", output.display())
    }
}

/// Says what goes on to whoever looks on from a terminal.
fn step(what: &str) {
    if io::stderr().is_terminal() {
        // Who has closed it does not look on.
        let _ = writeln!(io::stderr(), "{what}");
    }
}
