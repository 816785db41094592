//! `mirrorlist-collect run`: a site that has a folder of mirrors and a tree that they copy, and nothing else.
//!
//! [`mirrors`]: the mirrors, as their files describe them; [`primary`] reads what they should have, the [`tree`], with
//! [`versions`] of indexes; [`mod@crawl`] asks the mirrors; [`verdicts`]: who has what of it; [`mod@interchange`]: the file of all that. What is found is kept
//! step by step, so that a run which is killed goes on where it was; the file is only ever replaced by a whole new one.

pub mod check_mirror;
pub mod crawl;
pub mod interchange;
pub mod mirrors;
pub mod primary;
pub mod summary;
pub mod tree;
pub mod verdicts;
pub mod versions;

use self::interchange::{Facts, text_of};
use crate::{
    config::{run::Config, site::Contents},
    http::{Client, address::Addresses},
    progress::Progress,
    store::{
        self, Store,
        tree::{Kept, Listed, Size, Text},
    },
};
use crawl::{LIMITS, Limits, Settings, crawl};
use mirrors::{
    Mirror,
    file::{Described, Reading},
    folder::{self, Folder},
    together::Earlier,
};
use primary::{Before, again};
use program::{
    aside::Aside,
    failure::Failure,
    log,
    options::well,
    print::{counted, date, grouped, printed},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    io::BufWriter,
    path::Path,
    time::{Instant, SystemTime, UNIX_EPOCH},
};
use summary::Summary;
use tokio::runtime;

/// Whoever compiles reads it through its group.
const MODE: u32 = 0o640;

/// Bytes that are written at a time.
const BUFFER: usize = 1 << 20;

/// Of how many there were, so many have to be there still, or nothing is believed.
const LEAST: (u64, u64) = (1, 2);

/// Lists in a row that lose too much before one is believed, as with the other brakes.
const MOST_REFUSED: u64 = 3;

/// Mirrors that may vanish from the list at once however few there are: so many die by themselves.
const MAY_VANISH: u64 = 2;

/// Runs now and prints what it came to; or only looks at the configuration and at the files of mirrors.
pub fn run(config: &Config) -> Result<(), Failure> {
    if config.check {
        return check(config);
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let summary = collect(config, LIMITS, now)?;
    printed(config.json, &summary, || summary.to_string())
}

/// Tells of every file that is wrong.
fn check(config: &Config) -> Result<(), Failure> {
    client(config)?;
    let tree = config.site.primary.as_ref().and_then(|primary| match &primary.contents {
        Contents::Path(path) => Some(("primary", path.as_path())),
        Contents::Web(_) => None,
    });
    are_there(written(config).into_iter().chain(tree))?;
    let mut folder = folder::read(&config.mirrors, &reading(config))?;
    folder.refuse_together(&mut Earlier::new());
    let Folder { good, wrong } = folder;
    let (count, all) = (wrong.len(), wrong.len() + good.len());
    for failure in wrong.into_values() {
        log::error(&failure);
    }
    if count > 0 {
        let folder = config.mirrors.display();
        let are = if count == 1 { "is" } else { "are" };
        return Err(Failure::config(format!("mirrors {folder}: {count} of {all} files {are} wrong")));
    }
    let (categories, patterns) = (config.site.categories.len(), config.site.repositories.len());
    well(format_args!(
        "{}, {}, {}",
        counted(good.len(), "mirror", "mirrors"),
        counted(categories, "category", "categories"),
        counted(patterns, "pattern of repositories", "patterns of repositories")
    ))
}

/// The folders that are written to.
fn written(config: &Config) -> [(&'static str, &Path); 2] {
    [("output", &config.output), ("state", program::files::folder(&config.state))]
}

/// Whether folders are there; before anybody is asked.
fn are_there<'c>(folders: impl IntoIterator<Item = (&'static str, &'c Path)>) -> Result<(), Failure> {
    match folders.into_iter().find(|(_, folder)| !folder.is_dir()) {
        None => Ok(()),
        Some((what, folder)) => {
            let folder = folder.display();
            Err(Failure::config(format!(
                "{what} {folder}: is no folder that is there; make it, or name another"
            )))
        }
    }
}

fn reading(config: &Config) -> Reading<'_> {
    Reading { categories: &config.site.categories, trusted: &config.trusted }
}

fn client(config: &Config) -> Result<Client, Failure> {
    Client::new(&config.contact, Addresses::new(config.allow_addresses.clone()))
}

/// The mirrors of a run.
struct Mirrors {
    /// By name.
    described: Vec<Described>,
    /// By name, the texts of files that are good.
    texts: BTreeMap<String, String>,
    as_before: Vec<String>,
    left_out: Vec<String>,
}

impl Mirrors {
    /// The names of all that have a file.
    fn names(&self) -> BTreeSet<&str> {
        let described = self.described.iter().map(|described| &*described.mirror.name);
        described.chain(self.left_out.iter().map(|name| &**name)).collect()
    }
}

/// Runs; mirrors are asked within `limits`, and `now` is in seconds since the epoch.
pub fn collect(config: &Config, limits: Limits, now: u64) -> Result<Summary, Failure> {
    are_there(written(config))?;
    let _lock = store::lock(&config.state, "run")?;
    let started = Instant::now();
    let progress = Progress::start();
    let client = client(config)?;
    let mut store = Store::open(&config.state)?;
    let output = config.interchange();
    let before = store.size()?;
    let mirrors = mirrors(config, &store)?;
    let count = (mirrors.described.len() + mirrors.left_out.len()) as u64;
    refuse_loss(
        config,
        "mirrors",
        &config.mirrors.display().to_string(),
        ("file", "files"),
        before.as_ref().map(|size| size.mirrors),
        count,
    )?;
    store.forget_texts(&mirrors.names())?;

    let runtime = runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::system(format!("no runtime ({error})")))?;
    let Some(primary) = &config.site.primary else { return Err(Failure::bug("no primary")) };
    let indexes = store.indexes()?;
    let mut known = Before { indexes: indexes.clone(), lists: store.lists()? };
    if config.accept_loss {
        // What has gone is not waited for.
        known.indexes.values_mut().for_each(|index| index.missed = primary::MOST_MISSED);
    }
    let read = primary::read(&config.site, primary, &client, &known, now, &progress);
    let mut read = runtime
        .block_on(read)
        .map_err(|cause| Failure::unavailable(format!("primary: {cause}; {}", left(config))))?;
    let directories = read.there.iter().sum();
    refuse_loss(
        config,
        "primary",
        "its tree",
        ("directory", "directories"),
        before.as_ref().map(|size| size.directories),
        directories,
    )?;
    let repositories = before.as_ref().map(|size| size.repositories);
    refuse_loss(
        config,
        "primary",
        "its tree",
        ("repository", "repositories"),
        repositories,
        read.repositories,
    )?;
    let mut by_category = BTreeMap::new();
    for (category, count) in read.tree.categories.iter().zip(read.there.iter().copied()) {
        let whose = format!("category `{}`", category.name);
        let before = before.as_ref().and_then(|size| size.by_category.get(&category.name)).copied();
        refuse_loss(config, "primary", &whose, ("directory", "directories"), before, count)?;
        by_category.insert(category.name.clone(), count);
    }
    for line in &read.odd {
        log::warning(format_args!("primary: {line}; the rest of it counts"));
    }
    let texts: BTreeMap<&str, &str> =
        mirrors.texts.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let urls: BTreeSet<&str> = mirrors
        .described
        .iter()
        .flat_map(|described| &described.mirror.urls)
        .flat_map(|(_, urls)| urls)
        .map(text_of)
        .collect();
    let size = Size { time: now, directories, by_category, repositories: read.repositories, mirrors: count };
    let kept = Kept { size, before: &indexes, indexes: &read.indexes, texts: &texts, urls: &urls };
    let numbers = store.keep_tree(&kept)?;
    store.keep_lists(&known.lists, &read.lists)?;

    let asked: Vec<Mirror> = mirrors.described.iter().map(|described| described.mirror.clone()).collect();
    let addresses = Addresses::new(config.allow_addresses.clone());
    let settings = Settings { contact: config.contact.clone(), addresses };
    let (verdicts, crawl) = crawl(&read.tree, &asked, &mut store, &settings, limits, now)?;
    if !verdicts.newer.is_empty() {
        progress.step("reading again what mirrors have newer");
        let before = read.indexes.clone();
        runtime.block_on(read.again(primary, &client, &verdicts.newer, again::PATIENCE, now));
        store.keep_indexes(&before, &read.indexes)?;
    }
    let families = store.families()?;
    progress.step("writing");
    let facts = Facts {
        tree: &read.tree,
        mirrors: &mirrors.described,
        verdicts: &verdicts,
        numbers: &numbers,
        families: &families,
        aliases: &config.site.aliases,
    };
    let failed = |error: std::io::Error| {
        Failure::system(format!("output {}: cannot be written ({error}); {}", output.display(), left(config)))
    };
    let aside = Aside::create(&output).map_err(failed)?;
    let (writer, counts) = facts.write(BufWriter::with_capacity(BUFFER, aside)).map_err(failed)?;
    if counts.listed == 0 {
        let cause = "no mirror is good for any directory";
        return Err(Failure::unavailable(format!("mirrors: {cause}; {}", left(config))));
    }
    let names = read.tree.categories.iter().map(|category| category.name.clone());
    let by_category = names.zip(counts.by_category.iter().copied()).collect();
    let listed = Listed { mirrors: counts.listed, by_category, refused: 0 };
    refuse_collapse(config, &mut store, &listed)?;
    let bytes = writer.bytes();
    let aside = writer.finish().and_then(|out| out.into_inner().map_err(|error| error.into_error()));
    aside.and_then(|aside| aside.publish(MODE)).map_err(failed)?;
    store.keep_listed(&listed)?;
    let disabled = mirrors.described.iter().filter(|described| described.mirror.disabled).count() as u64;
    let summary = Summary {
        output,
        bytes: 0,
        time: now,
        seconds: (started.elapsed().as_secs_f64() * 1000.0).round() / 1000.0,
        mirrors: count,
        listed: 0,
        disabled,
        as_before: mirrors.as_before,
        left_out: mirrors.left_out,
        directories: 0,
        bare: 0,
        repositories: 0,
        files: 0,
        odd: read.odd,
        crawl,
    };
    Ok(summary.with(&counts, bytes))
}

/// What a failure means for the file that may be in use.
fn left(config: &Config) -> String {
    let output = config.interchange();
    let shown = output.display();
    if output.exists() { format!("{shown} is left as it was") } else { format!("{shown} is not written") }
}

/// A tree or a folder of which most has gone is likelier half there than smaller.
fn refuse_loss(
    config: &Config,
    object: &str,
    whose: &str,
    names: (&str, &str),
    before: Option<u64>,
    now: u64,
) -> Result<(), Failure> {
    loss(config, whose, names, before, now).map_or(Ok(()), |what| Err(not_believed(config, object, &what)))
}

/// What is lost, if it is too much.
fn loss(
    config: &Config,
    whose: &str,
    (one, many): (&str, &str),
    before: Option<u64>,
    now: u64,
) -> Option<String> {
    let before = before.unwrap_or(0);
    let is_too_much = !config.accept_loss && now * LEAST.1 < before * LEAST.0;
    let told =
        || format!("{whose} has {}, the last time there were {}", counted(now, one, many), grouped(before));
    is_too_much.then(told)
}

fn not_believed(config: &Config, object: &str, what: &str) -> Failure {
    Failure::unavailable(format!(
        "{object}: {what}; {}; if it is so, run once with --accept-loss",
        left(config)
    ))
}

/// A list that loses most of its mirrors at once, or those of a category, tells more of us than of them, but not for ever: all may
/// lack what is new, and nobody would learn of it.
fn refuse_collapse(config: &Config, store: &mut Store, now: &Listed) -> Result<(), Failure> {
    let before = store.listed()?;
    let lost = |whose: &str, before: u64, now: u64| {
        let before = Some(before).filter(|before| now + MAY_VANISH < *before);
        loss(config, whose, ("mirror", "mirrors"), before, now)
    };
    let of_category = |(name, count): (&String, &u64)| {
        let before = before.by_category.get(name).copied().unwrap_or(0);
        lost(&format!("the list of category `{name}`"), before, *count)
    };
    let all = lost("the list", before.mirrors, now.mirrors);
    let Some(what) = all.or_else(|| now.by_category.iter().find_map(of_category)) else { return Ok(()) };
    if before.refused >= MOST_REFUSED {
        log::warning(format_args!(
            "mirrors: {what}; it was so in {MOST_REFUSED} runs before this one, and is believed now"
        ));
        return Ok(());
    }
    store.keep_listed(&Listed { refused: before.refused + 1, ..before })?;
    Err(not_believed(config, "mirrors", &what))
}

/// Reads the folder; of files that are wrong what they said when they were good.
fn mirrors(config: &Config, store: &Store) -> Result<Mirrors, Failure> {
    let reading = reading(config);
    let mut folder = folder::read(&config.mirrors, &reading)?;
    let mut earlier = earlier(config, store, &reading, &folder)?;
    folder.refuse_together(&mut earlier);
    let Folder { good, wrong } = folder;
    let mut mirrors = Mirrors {
        described: Vec::new(),
        texts: BTreeMap::new(),
        as_before: Vec::new(),
        left_out: Vec::new(),
    };
    for (name, (described, text)) in good {
        mirrors.described.push(described);
        mirrors.texts.insert(name, text);
    }
    for (name, failure) in wrong {
        match earlier.remove(&name) {
            Some((described, time)) => {
                let since = date(time).unwrap_or_default();
                log::warning(format_args!("{failure}; the mirror stays as its file of {since} had it"));
                mirrors.described.push(described);
                mirrors.as_before.push(name);
            }
            None => {
                log::warning(format_args!("{failure}; the mirror is left out until that is mended"));
                mirrors.left_out.push(name);
            }
        }
    }
    mirrors.described.sort_by(|a, b| a.mirror.name.cmp(&b.mirror.name));
    Ok(mirrors)
}

/// What the files said when they were good, as far as that is still good.
fn earlier(
    config: &Config,
    store: &Store,
    reading: &Reading<'_>,
    folder: &Folder,
) -> Result<Earlier, Failure> {
    let mut earlier = Earlier::new();
    for (name, Text { text, time }) in store.texts()? {
        let described = match folder.good.get(&name) {
            Some((described, now)) if *now == text => Some(described.clone()),
            None if !folder.wrong.contains_key(&name) => None,
            _ => reading.read(&name, &config.mirrors.join(format!("{name}.toml")), &text).ok(),
        };
        if let Some(described) = described {
            earlier.insert(name, (described, time));
        }
    }
    Ok(earlier)
}
