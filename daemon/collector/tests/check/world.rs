//! Mirrors, the file that tells of them, and rounds in a folder of their own.

use crate::server::{Manner, Server};
use answer::suspended::{Line, Suspended};
use collector::{
    check::{self, Summary, ask::Limits},
    config::check::Config,
};
use interchange::message::{
    FileDetails, FileDetailsDirectory, FileDetailsFile, Host, IntInts, IntString, MirrorList,
    MirrorListDirectory, StringString,
};
use program::failure::Failure;
use prost::Message as _;
use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use tempfile::TempDir;

/// The time of the current repomd.xml.
pub const CURRENT: u64 = 1_790_000_000;

/// When the first round is, in seconds since the epoch.
pub const BEGIN: u64 = 1_800_000_000;

/// Seconds between rounds.
pub const RHYTHM: u64 = 180;

/// Directories with a repomd.xml, below `pub/linux`.
pub const REPOSITORIES: [&str; 3] = ["9/a/os", "9/b/os", "9/c/os"];

/// Long enough for a server that answers, also on a machine that has much to do.
const LIMITS: Limits = Limits { host: Duration::from_secs(10), round: Duration::from_secs(60) };

pub struct World {
    folder: TempDir,
    pub servers: Vec<Arc<Server>>,
    pub list: MirrorList,
    pub config: Config,
    pub now: u64,
    pub limits: Limits,
}

impl World {
    /// A world of so many good mirrors in one category, each at 127.0.0.1 with an http URL.
    pub fn new(mirrors: usize) -> World {
        let servers = (0..mirrors).map(|_| Server::start(Manner::Has(CURRENT))).collect();
        World::of(servers)
    }

    /// A world of these mirrors; host N is the N-th, from 1 on.
    pub fn of(servers: Vec<Arc<Server>>) -> World {
        let folder = tempfile::tempdir().unwrap();
        let output = folder.path().join("out");
        fs::create_dir(&output).unwrap();
        let urls: Vec<(i64, String)> = (1..).zip(servers.iter().map(|server| server.url("linux"))).collect();
        let config = Config {
            contact: "https://example.org/about".into(),
            state: folder.path().join("state.db"),
            output,
            allow_addresses: vec!["127.0.0.1/32".parse().unwrap()],
            interchange: None,
            control: None,
            propagation: Vec::new(),
            check: false,
            json: false,
        };
        let world = World { folder, servers, list: list(&urls), config, now: BEGIN - RHYTHM, limits: LIMITS };
        world.publish();
        world
    }

    /// Writes the interchange file.
    pub fn publish(&self) {
        fs::write(self.config.interchange(), self.list.encode_to_vec()).unwrap();
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn output(&self, name: &str) -> PathBuf {
        self.config.output.join(name)
    }

    /// The URL of a server, as it is in the list.
    pub fn url(&self, server: usize) -> String {
        self.servers[server].url("linux")
    }

    /// URLs of servers, in the order of texts.
    pub fn urls(&self, servers: impl IntoIterator<Item = usize>) -> Vec<String> {
        let mut urls: Vec<String> = servers.into_iter().map(|server| self.url(server)).collect();
        urls.sort();
        urls
    }

    /// The next round.
    pub fn round(&mut self) -> Summary {
        self.try_round().unwrap()
    }

    pub fn try_round(&mut self) -> Result<Summary, Failure> {
        self.now += RHYTHM;
        check::round(&self.config, self.now, self.limits)
    }

    /// So many rounds; what the last one came to.
    pub fn rounds(&mut self, count: usize) -> Summary {
        (0..count).map(|_| self.round()).last().unwrap()
    }

    /// The lines of the list, which has to be whole.
    pub fn lines(&self) -> Vec<Line> {
        let bytes = fs::read(self.output("suspended")).unwrap();
        Suspended::parse(&bytes).unwrap().lines().to_vec()
    }

    /// The URLs of the list that have not ended, in the order of texts.
    pub fn suspended(&self) -> Vec<String> {
        let lines = self.lines().into_iter().filter(|line| line.until > self.now);
        let mut urls: Vec<String> = lines.map(|line| line.url).collect();
        urls.sort();
        urls
    }

    pub fn json(&self, name: &str) -> serde_json::Value {
        serde_json::from_slice(&fs::read(self.output(name)).unwrap()).unwrap()
    }

    pub fn connections(&self) -> u64 {
        self.servers.iter().map(|server| server.connections()).sum()
    }
}

pub fn url(id: i64, url: &str) -> IntString {
    IntString { key: Some(id), value: Some(url.into()) }
}

/// A directory that each of these hosts carries, by the URL of its number.
pub fn directory(top: &str, below: &str, hosts: &[i64]) -> MirrorListDirectory {
    MirrorListDirectory {
        directory: Some([top, below].join("/").trim_end_matches('/').into()),
        subpath: Some(below.into()),
        global: hosts.to_vec(),
        by_host_id: hosts.iter().map(|host| IntInts { key: Some(*host), value: vec![*host] }).collect(),
        ..MirrorListDirectory::default()
    }
}

pub fn details(directory: String, name: &str, times: &[u64]) -> FileDetailsDirectory {
    let version = |time: &u64| FileDetails { timestamp: Some(*time), ..FileDetails::default() };
    let details = times.iter().map(version).collect();
    let file = FileDetailsFile { filename: Some(name.into()), details };
    FileDetailsDirectory { directory: Some(directory.into()), files: vec![file] }
}

/// All hosts carry all repositories.
fn list(urls: &[(i64, String)]) -> MirrorList {
    let hosts: Vec<i64> = urls.iter().map(|(host, _)| *host).collect();
    let below = REPOSITORIES.map(|repository| format!("{repository}/repodata"));
    let name = |(host, _): &(i64, String)| Host {
        id: Some(*host),
        name: Some(format!("mirror {host}").into()),
        ..Host::default()
    };
    let repository = |(at, repository): (usize, &&str)| StringString {
        key: Some(format!("linux-{at}+x86_64").into()),
        value: Some(format!("pub/linux/{repository}").into()),
    };
    MirrorList {
        time: Some(CURRENT),
        hcurl: urls.iter().map(|(host, text)| url(*host, text)).collect(),
        host: urls.iter().map(name).collect(),
        mirror_list: below.iter().map(|below| directory("pub/linux", below, &hosts)).collect(),
        file_details: below
            .iter()
            .map(|below| details(format!("pub/linux/{below}"), "repomd.xml", &[CURRENT, CURRENT - 86_400]))
            .collect(),
        repo_arch_to_directory: REPOSITORIES.iter().enumerate().map(repository).collect(),
        ..MirrorList::default()
    }
}
