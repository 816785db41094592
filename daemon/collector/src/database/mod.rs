//! `mirrorlist-collect database`: MirrorManager's PostgreSQL in, the interchange file out.
//!
//! One snapshot, read table by table ([`select`]) and turned into records by rules that know of no database ([`rules`]).
//! The file named as output is only ever replaced by a whole new one; whatever goes wrong leaves it as it was.

mod catalog;
mod copy;
mod directories;
mod names;
mod rows;
mod rules;
mod select;
mod skipped;
mod summary;
mod values;

use crate::{config::Config, connection::Error, progress::Progress, store::Store};
use catalog::Catalog;
use interchange::{
    message::IntString,
    write::{self, Table, Writer},
};
use program::{aside::Aside, failure::Failure, log, print::printed};
use prost::Message;
use rules::{
    carriers::Carriers, clients, details::Details, hosts::Hosts, netblocks::Netblocks, repositories,
    tree::Tree,
};
use select::Reader;
use skipped::{Reason, Skipped};
use std::{
    collections::BTreeMap,
    io::{self, BufWriter},
    path::Path,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};
use summary::{Counts, Summary};
use tokio::runtime;

/// Whoever compiles reads it through its group.
const MODE: u32 = 0o640;

/// Bytes that are written at a time.
const BUFFER: usize = 1 << 20;

/// Writes the file and prints what is in it; or only looks whether that could be done.
pub fn run(config: &Config) -> Result<(), Failure> {
    let started = Instant::now();
    let (database, output) = (config.url.to_string(), config.output.display().to_string());
    // One thread: what waits is the network's.
    let runtime = runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::system(format!("no runtime ({error})")))?;
    let outcome = runtime.block_on(async {
        if config.check { check(config).await.map(|()| None) } else { read(config).await.map(Some) }
    });
    let outcome = outcome.map_err(|error| error.into_failure(&database, &output, &consequence(config)))?;
    let Some(Done { bytes, time, counts, skipped }) = outcome else { return Ok(()) };
    let summary = Summary::new(&config.output, bytes, time, started.elapsed(), &counts, &skipped);
    printed(config.json, &summary, || summary.to_string())
        .map_err(|failure| Failure::system(format!("{failure}; {output} is new all the same")))
}

/// What a failure means for the file that may be in use.
fn consequence(config: &Config) -> String {
    let output = config.output.display();
    match (config.check, config.output.exists()) {
        (true, _) => "nothing is written by a check".into(),
        (_, true) => format!("{output} is left as it was"),
        (_, false) => format!("{output} is not written"),
    }
}

/// Looks whether the database has what is to be read, and the output a folder.
async fn check(config: &Config) -> Result<(), Error> {
    let folder = program::files::folder(&config.output);
    if !folder.is_dir() {
        return Err(Error::System(format!("its folder {} is not there", folder.display())));
    }
    let mut client = config.url.connect().await?;
    let transaction = select::begin(&mut client, config.lock_timeout, config.statement_timeout).await?;
    Catalog::read(&transaction).await.map(drop)
}

/// What a reading came to.
struct Done {
    bytes: u64,
    time: u64,
    counts: Counts,
    skipped: Skipped,
}

type Out = Writer<BufWriter<Aside>>;

async fn read(config: &Config) -> Result<Done, Error> {
    let progress = Progress::start();
    progress.step("connecting");
    let (mut counts, mut skipped) = (Counts::default(), Skipped::default());
    let aside = Aside::create(&config.output).map_err(|error| Error::writing(&error))?;
    let mut client = config.url.connect().await?;
    let time = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO).as_secs();
    let transaction = select::begin(&mut client, config.lock_timeout, config.statement_timeout).await?;
    let catalog = Catalog::read(&transaction).await?;
    let mut reader = Reader {
        transaction: &transaction,
        catalog: &catalog,
        skipped: &mut skipped,
        progress: &progress,
        patience: config.statement_timeout + config.lock_timeout,
    };

    let rows = reader.rows().await?;
    let directories = reader.directories().await?;
    let mut writer =
        Writer::new(BufWriter::with_capacity(BUFFER, aside), time).map_err(|error| Error::writing(&error))?;
    let mut details = Details::new(&directories);
    reader.details(|row, skipped| add(&mut writer, write::FILE_DETAILS, details.add(row, skipped))).await?;
    let (last, files, versions) = details.finish();
    add(&mut writer, write::FILE_DETAILS, last)?;
    (counts.files, counts.file_versions) = (files, versions);

    let hosts = Hosts::new(&rows, reader.skipped);
    let mut tree = Tree::new(&rows.categories, &directories, reader.skipped);
    reader
        .category_directories(|category, directory, skipped| tree.add(category, directory, skipped))
        .await?;
    let numbers = tree.number();
    let mut carriers = Carriers::new(&rows, &hosts, &tree, &numbers, reader.skipped)?;
    reader
        .up_to_date(|host_category, directory, skipped| {
            counts.up_to_date += 1;
            carriers.add(host_category, directory, skipped);
        })
        .await?;
    // From here on the database is of no use.
    transaction.commit().await.map_err(|error| Error::of("its snapshot cannot be ended", &error))?;
    drop(client);

    progress.step("looking up names");
    let netblocks = Netblocks::new(&rows, &hosts, &mut skipped);
    let answers = names::look_up(netblocks.names(), &config.output);
    progress.step("writing");
    let to = &mut writer;
    add(
        to,
        write::NETBLOCK_COUNTRY,
        clients::pairs("netblock_country", &rows.netblock_countries, &mut skipped),
    )?;
    let urls = urls(&rows, &mut skipped);
    counts.urls = urls.len() as u64;
    add(to, write::URL, urls)?;
    add(to, write::DISABLED_REPOSITORY, repositories::disabled(&rows))?;
    let table = "country_continent_redirect";
    add(to, write::CONTINENT_REDIRECT, clients::pairs(table, &rows.continent_redirects, &mut skipped))?;
    add(to, write::REPOSITORY_REDIRECT, repositories::redirects(&rows.repository_redirects, &mut skipped))?;
    let repo_arches = repositories::repo_arches(&rows, &directories, &mut skipped);
    counts.repositories = repo_arches.len() as u64;
    add(to, write::REPO_ARCH, repo_arches)?;
    add(to, write::HOST_ASN, hosts.asns(&rows, &mut skipped))?;
    add(to, write::HOST_MAX_CONNECTION, hosts.max_connections())?;
    add(to, write::HOST_COUNTRY, hosts.countries())?;
    add(to, write::HOST_BANDWIDTH, hosts.bandwidths(&mut skipped))?;
    add(to, write::HOST_COUNTRY_ALLOWED, hosts.countries_allowed(&rows, &mut skipped))?;
    add(to, write::HOST_NETBLOCK, netblocks.records(&answers, &mut skipped))?;
    let mut carried = false;
    let records = carriers.records().inspect(|record| {
        counts.directories += 1;
        carried |= !record.by_host_id.is_empty();
    });
    add(to, write::MIRROR_LIST, records)?;
    if !carried {
        return Err(Error::Refused("no directory in it has a host".into()));
    }
    let others = hosts.others(&families(&config.state), &mut skipped);
    counts.hosts = others.len() as u64;
    counts.active_hosts = hosts.active_ones() as u64;
    add(to, write::HOST, others)?;
    let bytes = finish(writer)?;
    Ok(Done { bytes, time, counts, skipped })
}

/// By host, the versions of IP by which it answers, as `check` has measured where it runs.
fn families(state: &Path) -> BTreeMap<i64, Vec<u32>> {
    if !state.exists() {
        return BTreeMap::new();
    }
    Store::open_to_read(state).and_then(|store| store.families()).unwrap_or_else(|failure| {
        log::warning(format_args!("{failure}; the versions of IP of hosts are left out"));
        BTreeMap::new()
    })
}

/// `HCUrlCache`: every public URL, of inactive and private hosts too.
fn urls(rows: &rows::Rows, skipped: &mut Skipped) -> Vec<IntString> {
    let mut records = Vec::new();
    for row in &rows.urls {
        match &row.url {
            Some(url) => {
                records.push(IntString { key: Some(row.id.into()), value: Some(url.clone().into()) });
            }
            None => skipped.add("host_category_url", Reason::Null, || format!("row {}", row.id)),
        }
    }
    records
}

/// Adds records to a table.
fn add<M: Message>(
    writer: &mut Out,
    table: Table<M>,
    records: impl IntoIterator<Item = M>,
) -> Result<(), Error> {
    let mut records = records.into_iter();
    records.try_for_each(|record| writer.add(&table, &record)).map_err(|error| Error::writing(&error))
}

/// Puts the file in its place; how long it is.
fn finish(writer: Out) -> Result<u64, Error> {
    let bytes = writer.bytes();
    let publish = || -> io::Result<()> { writer.finish()?.into_inner()?.publish(MODE) };
    publish().map_err(|error| Error::writing(&error))?;
    Ok(bytes)
}
