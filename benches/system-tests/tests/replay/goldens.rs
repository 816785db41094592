//! The goldens, by the cache that they are asked of.

use crate::{
    cache_toml, input_files,
    script::{self, Step},
    world::World,
};
use std::{collections::BTreeMap, fs, path::Path};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/answer/golden");

/// A cache and the goldens that are asked of it.
pub struct Goldens {
    /// `base`, or the name of the only golden of that cache.
    pub name: String,
    pub world: World,
    pub steps: Vec<Step>,
}

/// All of them.
pub fn all() -> Vec<Goldens> {
    let read = |path: &Path| fs::read_to_string(path).expect("a golden can be read");
    let folder = Path::new(FOLDER);
    let entries = fs::read_dir(folder).expect("the folder of goldens can be read");
    let mut by_cache: BTreeMap<String, (String, Vec<Step>)> = BTreeMap::new();
    for golden in entries.map(|entry| entry.expect("an entry").path()) {
        if !golden.join("request").exists() {
            continue;
        }
        let own = golden.join("cache.toml");
        let name = golden.file_name().expect("a folder has a name").to_string_lossy().into_owned();
        let (name, cache) =
            if own.exists() { (name, own) } else { ("base".to_owned(), folder.join("base.toml")) };
        let (_, steps) = by_cache.entry(name).or_insert_with(|| (read(&cache), Vec::new()));
        steps.extend(script::read(&read(&golden.join("request"))));
    }
    // Services that are asked here have no redirector.
    by_cache.values_mut().for_each(|(_, steps)| steps.retain(|step| step.prefixes.is_empty()));
    by_cache.retain(|_, (_, steps)| !steps.is_empty());
    let goldens = by_cache.into_iter();
    goldens.map(|(name, (cache, steps))| Goldens { name, world: cache_toml::world(&cache), steps }).collect()
}

/// `GOLDEN_WRITE_INPUTS=FOLDER` writes the inputs of each cache into `FOLDER/NAME`, for a server to be started on.
#[test]
fn inputs_are_written_where_they_are_wanted() {
    let Some(folder) = std::env::var_os("GOLDEN_WRITE_INPUTS") else {
        eprintln!("skipped: GOLDEN_WRITE_INPUTS=FOLDER is not set");
        return;
    };
    for goldens in all() {
        input_files::write(&goldens.world, &Path::new(&folder).join(goldens.name));
    }
}
