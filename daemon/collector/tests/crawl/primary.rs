//! The tree that mirrors copy: repositories that are updated, directories, and what a mirror has of it.

use collector::run::tree::{Category, Directory, File, Repository, Tree, Unit, Version};
use sha2::{Digest as _, Sha256};
use std::{collections::BTreeMap, sync::Arc};

/// Contents by path below the top.
pub type Files = BTreeMap<String, Vec<u8>>;

/// The time of the first versions.
pub const BEGIN: u64 = 1_790_000_000;

/// The top of the one category.
pub const TOP: &str = "pub/linux";

/// A tree whose repositories have versions.
#[derive(Clone, Debug)]
pub struct Primary {
    /// By repository: the times of its versions, the first one first.
    pub repositories: Vec<Vec<u64>>,
    /// Directories besides.
    pub others: usize,
    /// Versions that count, the current one too.
    pub kept: usize,
    /// What the marker says, if there is one.
    pub marker: Option<String>,
}

impl Primary {
    pub fn new(repositories: usize, others: usize) -> Primary {
        Primary { repositories: vec![vec![BEGIN]; repositories], others, kept: 2, marker: None }
    }

    /// Has a repository updated.
    pub fn update(&mut self, repository: usize) {
        let versions = &mut self.repositories[repository];
        versions.push(versions[versions.len() - 1] + 3600);
    }

    /// What is to be copied now.
    pub fn files(&self) -> Arc<Files> {
        let mut files = Files::new();
        for (at, versions) in self.repositories.iter().enumerate() {
            let last = versions[versions.len() - 1];
            files.insert(format!("{at}/os/repodata/repomd.xml"), repomd(at, last).into_bytes());
            for name in packages(versions) {
                files.insert(format!("{at}/os/Packages/{name}"), format!("package {at} {name}").into_bytes());
            }
        }
        for at in 0..self.others {
            for name in ["a.iso", "b.iso"] {
                files.insert(format!("images/{at}/{name}"), format!("image {at} {name}").into_bytes());
            }
        }
        files.extend(self.marker.as_ref().map(|marker| ("TIME".to_owned(), marker.clone().into_bytes())));
        Arc::new(files)
    }

    /// The tree as it is now: repositories, then directories.
    pub fn tree(&self) -> Tree {
        let files = self.files();
        let file = |below: &str| {
            let size = Some(files[below].len() as u64);
            File { path: format!("{TOP}/{below}"), size, time: 0, sha256: None }
        };
        let repositories = self.repositories.iter().enumerate().map(|(at, versions)| {
            let kept = versions.iter().rev().take(self.kept);
            let repository = Repository {
                name: format!("repo-{at}"),
                arch: "x86_64".into(),
                index: format!("{TOP}/{at}/os/repodata/repomd.xml"),
                versions: kept.map(|time| version(&repomd(at, *time), *time)).collect(),
            };
            let newest = packages(versions);
            let newest = newest.iter().rev().take(3).map(|name| file(&format!("{at}/os/Packages/{name}")));
            let path = format!("{TOP}/{at}/os");
            Unit { path, category: 0, repository: Some(repository), newest: newest.collect() }
        });
        let others = (0..self.others).map(|at| {
            let newest = ["a.iso", "b.iso"].map(|name| file(&format!("images/{at}/{name}")));
            Unit { path: format!("{TOP}/images/{at}"), category: 0, repository: None, newest: newest.into() }
        });
        let units: Vec<Unit> = repositories.chain(others).collect();
        let directories =
            (0..).zip(&units).map(|(at, unit)| Directory { path: unit.path.clone(), category: 0, unit: at });
        let marker = self.marker.as_ref().map(|text| File {
            path: format!("{TOP}/TIME"),
            size: Some(text.len() as u64),
            time: 0,
            sha256: Some(sha256(text.as_bytes())),
        });
        let (name, top) = ("Linux".into(), TOP.into());
        let categories = vec![Category { name, top, origin: None, marker }];
        Tree { time: BEGIN, categories, directories: directories.collect(), units, ..Tree::default() }
    }
}

pub fn repomd(repository: usize, time: u64) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<repomd xmlns=\"http://linux.duke.edu/metadata/repo\">\n\
         <revision>{repository}</revision><data type=\"primary\"><timestamp>{time}</timestamp></data></repomd>\n"
    )
}

/// Names of packages, the oldest first.
fn packages(versions: &[u64]) -> Vec<String> {
    let first = ["a-1.rpm", "b-1.rpm", "c-1.rpm"].map(str::to_owned);
    first.into_iter().chain(versions[1..].iter().map(|time| format!("p-{time}.rpm"))).collect()
}

fn version(content: &str, time: u64) -> Version {
    let (size, sha256) = (content.len() as u64, sha256(content.as_bytes()));
    Version { time, size, sha256, ..Version::default() }
}

pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
