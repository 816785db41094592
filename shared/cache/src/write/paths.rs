//! Directories and files: one tree of path components, a hash table over whole paths, and what is known of each.

use super::{WriteError, Writer, limit};
use crate::schema::{CategoryRow, HashIndex, NO_CATEGORY, NONE, NodeRow, SubpathRow, VersionRow};
use indexmap::IndexMap;

/// The node of every path written so far.
#[derive(Default)]
pub(super) struct Nodes {
    /// Whole paths, in node order.
    paths: IndexMap<Box<str>, NodeRow>,
}

impl Nodes {
    fn get(&self, path: &str) -> Option<u32> {
        self.paths.get_index_of(path).map(|at| at as u32)
    }
}

impl Writer<'_> {
    /// Writes directories first, so that a node below their count is one; then what is on the way to them or is only
    /// named by a repository.
    pub(super) fn paths(&mut self) -> Result<(), WriteError> {
        let inventory = self.inventory;
        for path in inventory.directories.keys() {
            self.nodes.paths.insert(path.as_str().into(), NodeRow { parent: NONE, name: NONE });
        }
        let mut at = 0;
        while let Some((path, _)) = self.nodes.paths.get_index(at) {
            let path = path.clone();
            self.link(at, &path);
            at += 1;
        }
        let named = inventory.repositories.values().flat_map(|repository| repository.archs.values());
        for directory in named {
            self.node(directory);
        }
        let mut categories: IndexMap<String, u8> = IndexMap::new();
        for (number, (path, directory)) in inventory.directories.iter().enumerate() {
            let category = match top_of(path, &directory.subpath) {
                Some(top) if categories.contains_key(top) || categories.len() < usize::from(NO_CATEGORY) => {
                    let next = categories.len() as u8;
                    *categories.entry(top.to_owned()).or_insert(next)
                }
                _ => {
                    let text = self.string(&directory.subpath);
                    self.schema.subpath_exceptions.push(SubpathRow { directory: number as u32, text });
                    NO_CATEGORY
                }
            };
            self.schema.directories.push(directory.carriers);
            self.schema.directory_category.push(category);
        }
        for top in categories.keys() {
            let top = self.string(top);
            self.schema.categories.push(CategoryRow { top, origin: NONE });
        }
        Ok(())
    }

    /// Gives node `at` its name and parent; a parent that is not there yet becomes a node at the end.
    fn link(&mut self, at: usize, path: &str) {
        let (parent, name) = match path.rsplit_once('/') {
            Some((parent, name)) => {
                let row = NodeRow { parent: NONE, name: NONE };
                let parent = match self.nodes.get(parent) {
                    Some(parent) => parent,
                    None => self.nodes.paths.insert_full(parent.into(), row).0 as u32,
                };
                (parent, name)
            }
            None => (NONE, path),
        };
        let name = self.string(name);
        self.nodes.paths[at] = NodeRow { parent, name };
    }

    /// The node of a path, made with those on the way to it when it is new.
    fn node(&mut self, path: &str) -> u32 {
        if let Some(node) = self.nodes.get(path) {
            return node;
        }
        let first = self.nodes.paths.insert_full(path.into(), NodeRow { parent: NONE, name: NONE }).0;
        let mut at = first;
        while let Some((path, _)) = self.nodes.paths.get_index(at) {
            let path = path.clone();
            self.link(at, &path);
            at += 1;
        }
        first as u32
    }

    /// Writes files behind all other nodes. A file whose path is already a node cannot be asked for and is left out;
    /// one without versions too.
    pub(super) fn files(&mut self) -> Result<(), WriteError> {
        let inventory = self.inventory;
        for ((directory, name), versions) in &inventory.files {
            let Some((directory, _)) = inventory.directories.get_index(*directory as usize) else { continue };
            let path = format!("{directory}/{name}");
            if versions.is_empty() || self.nodes.get(&path).is_some() {
                continue;
            }
            let at =
                self.nodes.paths.insert_full(path.as_str().into(), NodeRow { parent: NONE, name: NONE }).0;
            self.link(at, &path);
            self.schema.file_versions.push(self.schema.versions.len() as u32);
            for version in versions {
                let hashes = self.schema.hashes.len() as u32;
                let mut kinds = 0;
                let all: [Option<&[u8]>; 4] = [
                    version.md5.as_ref().map(|hash| &hash[..]),
                    version.sha1.as_ref().map(|hash| &hash[..]),
                    version.sha256.as_ref().map(|hash| &hash[..]),
                    version.sha512.as_ref().map(|hash| &hash[..]),
                ];
                for (bit, hash) in all.iter().enumerate() {
                    if let Some(hash) = hash {
                        kinds |= 1 << bit;
                        self.schema.hashes.extend_from_slice(hash);
                    }
                }
                let (timestamp, size) = (version.timestamp, version.size);
                self.schema.versions.push(VersionRow { timestamp, size, hashes, kinds, reserved: [0; 3] });
            }
        }
        self.schema.file_versions.push(self.schema.versions.len() as u32);
        limit("paths", self.nodes.paths.len(), i32::MAX as usize)?;
        self.schema.nodes = self.nodes.paths.values().copied().collect();
        let paths = &self.nodes.paths;
        self.schema.paths = HashIndex::build(paths.len(), |at, buffer| {
            buffer.extend_from_slice(paths.get_index(at).map_or(&b""[..], |(path, _)| path.as_bytes()));
        });
        Ok(())
    }

    /// The node of a directory that mirrors carry.
    pub(super) fn carried(&self, path: &str) -> Option<u32> {
        self.inventory.directories.get_index_of(path).map(|at| at as u32)
    }

    /// The node of any path that has one.
    pub(super) fn known(&self, path: &str) -> Option<u32> {
        self.nodes.get(path)
    }

    /// The node of a file with known hashes.
    pub(super) fn file(&self, path: &str) -> Option<u32> {
        let files = self.schema.file_versions.len() - 1;
        self.nodes.get(path).filter(|node| *node as usize >= self.schema.nodes.len() - files)
    }
}

/// What a directory's path begins with when its subpath is the end of it.
fn top_of<'a>(path: &'a str, subpath: &str) -> Option<&'a str> {
    if subpath.is_empty() {
        return Some(path);
    }
    let top = path.strip_suffix(subpath)?;
    if top.is_empty() { Some("") } else { top.strip_suffix('/') }
}
