//! A site in a folder of its own: a tree, files of mirrors, the configuration, whole runs, and the file that they write.

use crate::world::LIMITS;
use collector::{
    config,
    run::{self, summary::Summary},
};
use interchange::message::MirrorList;
use program::{failure::Failure, options};
use prost::Message as _;
use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsString,
    fs,
    path::PathBuf,
    time::{Duration, UNIX_EPOCH},
};
use tempfile::TempDir;

/// When runs are, in seconds since the epoch.
pub const NOW: u64 = 1_800_000_000;

pub struct Site {
    folder: TempDir,
    /// What stands above `[primary]`, beside what each site has.
    pub options: String,
    /// What stands in `[primary]`.
    pub primary: String,
    /// Categories and repositories.
    pub sections: String,
}

impl Site {
    /// One whose tree is the folder `pub`.
    pub fn new(sections: &str) -> Site {
        let folder = tempfile::tempdir().unwrap();
        let primary = format!("path = '{}'\n", folder.path().join("pub").display());
        let site = Site { folder, options: String::new(), primary, sections: sections.into() };
        ["pub", "out", "mirrors.d"].iter().for_each(|name| fs::create_dir(site.at(name)).unwrap());
        site
    }

    pub fn at(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    /// Puts a file into the tree, of this time.
    pub fn put(&self, path: &str, content: &[u8], time: u64) {
        let path = self.at("pub").join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        let time = UNIX_EPOCH + Duration::from_secs(time);
        fs::File::options().write(true).open(&path).unwrap().set_modified(time).unwrap();
    }

    /// Puts the file of a mirror.
    pub fn mirror(&self, name: &str, text: &str) {
        fs::write(self.at("mirrors.d").join(format!("{name}.toml")), text).unwrap();
    }

    /// A run at this time.
    pub fn run(&self, now: u64) -> Result<Summary, Failure> {
        let path = self.at("collect.toml");
        let top = self.folder.path().display();
        let text = format!(
            "contact = 'https://example.org/about'\nstate = '{top}/state.db'\noutput = '{top}/out'\n\
             mirrors = '{top}/mirrors.d'\nallow-addresses = ['127.0.0.0/8']\n{}\n[primary]\n{}\n{}",
            self.options, self.primary, self.sections
        );
        fs::write(&path, text).unwrap();
        let arguments = ["mirrorlist-collect".into(), "run".into(), OsString::from("--config"), path.into()];
        let flags = options::flags(collector::command::command(), arguments.into_iter()).unwrap();
        let flags = flags.subcommand_matches("run").unwrap();
        let options = <config::run::Options as clap::FromArgMatches>::from_arg_matches(flags).unwrap();
        run::collect(&options.settle(flags).unwrap(), LIMITS, now)
    }

    /// The file that runs write.
    pub fn list(&self) -> MirrorList {
        MirrorList::decode(&*fs::read(self.at("out/mirrorlist.proto-cache")).unwrap()).unwrap()
    }

    /// By directory, who is listed for it.
    pub fn listed(&self) -> BTreeMap<String, BTreeSet<String>> {
        let list = self.list();
        let names: BTreeMap<i64, String> =
            list.host.iter().map(|host| (host.id.unwrap(), text(&host.name))).collect();
        let record = |record: &interchange::message::MirrorListDirectory| {
            let hosts = record.by_host_id.iter().map(|host| names[&host.key.unwrap()].clone());
            (text(&record.directory), hosts.collect())
        };
        list.mirror_list.iter().map(record).collect()
    }
}

pub fn text(bytes: &Option<Vec<u8>>) -> String {
    String::from_utf8(bytes.clone().unwrap_or_default()).unwrap()
}
