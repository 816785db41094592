//! Mirrors and the tree that they copy, and runs in a folder of their own.

use crate::{
    primary::{BEGIN, Files, Primary},
    server::Server,
};
use collector::{
    http::address::Addresses,
    run::{
        crawl::{Limits, Settings, Summary, crawl},
        mirrors::Mirror,
        verdicts::Verdicts,
    },
    store::Store,
};
use program::failure::Failure;
use std::{path::PathBuf, sync::Arc, time::Duration};
use tempfile::TempDir;

/// Seconds between runs.
pub const RHYTHM: u64 = 3600;

/// Long enough for a server that answers, also on a machine that has much to do.
pub const LIMITS: Limits = Limits {
    run: Duration::from_secs(120),
    request: Duration::from_secs(20),
    pause: Duration::ZERO,
    visit: Duration::from_secs(120),
    slow: Duration::from_secs(20),
    requests: 2_000,
    unchanged: 150,
};

pub struct World {
    folder: TempDir,
    pub primary: Primary,
    pub servers: Vec<Arc<Server>>,
    pub mirrors: Vec<Mirror>,
    pub limits: Limits,
    pub now: u64,
}

impl World {
    /// Mirrors that have everything, each with an http URL.
    pub fn new(primary: Primary, mirrors: usize) -> World {
        let files = primary.files();
        World::of(primary, (0..mirrors).map(|_| Server::start(&files)).collect())
    }

    pub fn of(primary: Primary, servers: Vec<Arc<Server>>) -> World {
        let mirrors = servers.iter().enumerate().map(|(at, server)| mirror(at, &[server.url()]));
        let mirrors = mirrors.collect();
        let folder = tempfile::tempdir().unwrap();
        World { folder, primary, servers, mirrors, limits: LIMITS, now: BEGIN + 86_400 }
    }

    pub fn state(&self) -> PathBuf {
        self.folder.path().join("state.db")
    }

    pub fn store(&self) -> Store {
        Store::open(&self.state()).unwrap()
    }

    /// The next run.
    pub fn run(&mut self) -> (Verdicts, Summary) {
        self.try_run().unwrap()
    }

    pub fn try_run(&mut self) -> Result<(Verdicts, Summary), Failure> {
        self.now += RHYTHM;
        let settings = settings();
        let mut store = Store::open(&self.state())?;
        crawl(&self.primary.tree(), &self.mirrors, &mut store, &settings, self.limits, self.now)
    }

    /// Has all mirrors copy what is there now.
    pub fn copy(&self) -> Arc<Files> {
        let files = self.primary.files();
        self.servers.iter().for_each(|server| server.set(&files));
        files
    }

    /// By server: the number of requests since this was asked the last time.
    pub fn requests(&self) -> Vec<usize> {
        self.servers.iter().map(|server| server.requests().len()).collect()
    }

    /// By server: connections since this was asked the last time.
    pub fn connections(&self) -> Vec<u64> {
        self.servers.iter().map(|server| server.connections()).collect()
    }
}

/// What may be contacted: the addresses of servers, and not 127.0.0.1.
pub fn settings() -> Settings {
    let allowed = ["127.77.0.0/16", "::1/128"].map(|prefix| prefix.parse().unwrap());
    Settings { contact: "https://example.org/about".into(), addresses: Addresses::new(allowed.into()) }
}

pub fn name(at: usize) -> String {
    format!("mirror-{at:03}.example")
}

pub fn mirror(at: usize, urls: &[String]) -> Mirror {
    let urls = urls.iter().map(|url| url.parse().unwrap()).collect();
    Mirror { name: name(at), disabled: false, private: false, up_to_date: false, urls: vec![(0, urls)] }
}

/// What is said of a mirror.
pub fn has(verdicts: &Verdicts, at: usize) -> &[bool] {
    &verdicts.mirrors[&name(at)].has
}
