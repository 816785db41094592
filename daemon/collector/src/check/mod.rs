//! `mirrorlist-collect check`: one round of asking mirrors whether they answer.
//!
//! [`inventory`]: who is asked for what; [`ask`] and [`answer`]: what they say; [`mod@judge`]: what follows; [`outputs`]: what
//! others are told. What one round leaves to the next is in the [`store`], written before anything is
//! told: whatever goes wrong, the next round goes on from a whole state, and what was told before ends by itself.

pub mod answer;
pub mod ask;
pub mod inventory;
pub mod judge;
pub mod outputs;
pub mod repomd;
pub mod seconds;
mod summary;

pub use summary::Summary;

use crate::{
    config::check::Config,
    http::{Client, address::Addresses},
    store::{
        self, Store,
        rounds::{Figures, Kept, Spread},
    },
};
use ask::{Answers, Asking, LIMITS, Limits};
use inventory::Inventory;
use judge::{Judgement, Outcome, Round, What, judge};
use outputs::{Mirrors, OfHost, Propagation, Repository};
use program::{
    failure::Failure,
    log,
    options::well,
    print::{counted, printed},
};
use seconds::HOUR;
use std::{
    collections::BTreeMap,
    time::{Instant, SystemTime, UNIX_EPOCH},
};
use tokio::runtime;

/// Runs a round now and prints what it came to; or only looks whether one could be run.
pub fn run(config: &Config) -> Result<(), Failure> {
    if config.check {
        let inventory = inventory_of(config)?;
        client(config)?;
        warn_of_unknown(config, &inventory);
        if !config.output.is_dir() {
            let output = config.output.display();
            return Err(Failure::system(format!(
                "output {output}: is no folder that is there; make it, or name another"
            )));
        }
        let (hosts, files) = (inventory.places.len(), inventory.files.len());
        let hosts = counted(hosts, "host in categories", "hosts in categories");
        return well(format_args!("{hosts}, {} to ask for", counted(files, "file", "files")));
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let summary = round(config, now, LIMITS)?;
    printed(config.json, &summary, || summary.to_string())
}

/// Runs a round; `now` is in seconds since the epoch.
pub fn round(config: &Config, now: u64, limits: Limits) -> Result<Summary, Failure> {
    let _lock = store::lock(&config.state, "check")?;
    let started = Instant::now();
    let inventory = inventory_of(config)?;
    let client = client(config)?;
    let mut store = Store::open(&config.state)?;
    let before = store.state()?;
    let last = store.figures()?;
    let number = last.as_ref().map_or(0, |last| last.number) + 1;
    if last.is_none_or(|last| last.time / HOUR != now / HOUR) {
        warn_of_unknown(config, &inventory);
    }
    let named: Vec<String> = config.propagation.clone();
    let due = store.due(&named, now)?;
    let measured = due.into_iter().find_map(|name| Some((name.to_owned(), index_of(&inventory, name)?)));
    let asking = Asking {
        inventory: &inventory,
        number,
        now,
        measured: measured.as_ref().map(|(_, file)| *file),
        control: config.control.as_ref(),
        limits,
    };
    let runtime = runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::system(format!("no runtime ({error})")))?;
    let answers = runtime.block_on(ask::ask(&client, &asking));
    // Look-ups of names that never end are left behind.
    runtime.shutdown_background();

    let Answers { seen, control, ahead, families, ages, also_https, hosts } = answers;
    let round = Round { now, seen, control, ahead, families, categories: inventory.categories.clone() };
    let judgement = judge(before.clone(), &round);
    let count = |is: fn(&Outcome) -> bool| {
        round.seen.iter().filter(|seen| seen.outcome.as_ref().is_some_and(is)).count() as u64
    };
    let figures = Figures {
        number,
        time: now,
        seconds: (started.elapsed().as_secs_f64() * 1000.0).round() / 1000.0,
        hosts,
        good: count(|outcome| matches!(outcome, Outcome::Good)),
        failed: count(|outcome| matches!(outcome, Outcome::Failed(_))),
        unknown: count(|outcome| matches!(outcome, Outcome::Unknown(_))),
        brakes: judgement.brakes.said(&inventory.categories),
    };
    // Of a round that is not believed nothing is measured: its repository's turn comes again.
    let spread = measured
        .filter(|(_, file)| !judgement.brakes.holds_category(inventory.files[*file as usize].category));
    let spread = spread.map(|(repository, _)| Spread { repository, ages });
    let names: BTreeMap<i64, String> =
        inventory.places.iter().map(|place| (place.host, place.name.clone())).collect();
    store.keep(&Kept {
        figures: &figures,
        before: &before,
        judgement: &judgement,
        spread: spread.as_ref(),
        also_https: &also_https,
        names: &names,
    })?;
    tell(&judgement, &figures);
    let is_new = write(config, &store, &inventory, &round, &judgement, &figures, spread.is_some())?;
    Ok(Summary::new(figures, &judgement, is_new))
}

fn inventory_of(config: &Config) -> Result<Inventory, Failure> {
    let path = config.interchange();
    Inventory::read(&path).map_err(|error| {
        let path = path.display();
        Failure::cache(format!("interchange {path}: cannot be read ({error}); nobody is asked, and what is suspended stays so until it ends"))
    })
}

/// The place of a repository's repomd.xml among the files; `None` if it is not known, or of what time it is.
fn index_of(inventory: &Inventory, repository: &str) -> Option<u32> {
    let file = *inventory.repositories.get(repository)?;
    (inventory.files[file as usize].time > 0).then_some(file)
}

/// Says which repositories cannot be measured; rounds do so once an hour.
fn warn_of_unknown(config: &Config, inventory: &Inventory) {
    for name in config.propagation.iter().filter(|name| index_of(inventory, name).is_none()) {
        log::warning(format_args!(
            "propagation {name}: the interchange file has no repomd.xml of it, or not its time; it is not measured; correct the name, or remove it"
        ));
    }
}

fn client(config: &Config) -> Result<Client, Failure> {
    Client::new(&config.contact, Addresses::new(config.allow_addresses.clone()))
}

/// Says what has changed.
fn tell(judgement: &Judgement, figures: &Figures) {
    for change in &judgement.changes {
        let judge::Change { name, url, why, .. } = change;
        match change.what {
            What::Suspended => log::warning(format_args!("mirror {name}: {url} is suspended ({why})")),
            What::Back => log::info(format_args!("mirror {name}: {url} answers again, no longer suspended")),
            What::Expired => {
                log::info(format_args!(
                    "mirror {name}: {url} is no longer suspended, for nobody has confirmed it"
                ));
            }
            What::Last => {
                log::warning(format_args!(
                    "mirror {name}: {url} is no longer suspended, for its category has no other"
                ));
            }
            What::Family => log::info(format_args!("mirror {name}: its families have changed: it {why}")),
        }
    }
    for brake in &figures.brakes {
        log::warning(format_args!("round {}: {brake}; its failures do not count", figures.number));
    }
}

/// Writes what others read; whether the list is another one.
fn write(
    config: &Config,
    store: &Store,
    inventory: &Inventory,
    round: &Round,
    judgement: &Judgement,
    figures: &Figures,
    is_measured: bool,
) -> Result<bool, Failure> {
    let folder = &config.output;
    let failed = |error| {
        let folder = folder.display();
        Failure::system(format!(
            "output {folder}: cannot be written ({error}); what was written before stays"
        ))
    };
    let list = outputs::list(&judgement.state, &round.seen);
    let is_new = outputs::put_list(folder, &list).map_err(failed)?;
    let also_https = store.also_https()?;
    Mirrors::new(figures, inventory, &round.seen, &judgement.state, &also_https)
        .put(folder)
        .map_err(failed)?;
    if is_measured {
        propagation(config, store, round.now)?.put(folder).map_err(failed)?;
    }
    Ok(is_new)
}

fn propagation(config: &Config, store: &Store, now: u64) -> Result<Propagation, Failure> {
    let names = store.names()?;
    let from = now.saturating_sub(store::rounds::KEPT);
    let repositories = config.propagation.iter().map(|name| {
        let hosts = store.ages(name)?.into_iter().map(|(id, (age, since))| OfHost {
            id,
            name: names.get(&id).cloned().unwrap_or_default(),
            age,
            since,
        });
        Ok(Repository { name: name.clone(), hours: store.hours(name, from)?, hosts: hosts.collect() })
    });
    Ok(Propagation { time: now, repositories: repositories.collect::<Result<_, Failure>>()? })
}
