//! Directories and files: one tree of path components, a hash table over whole paths, and what is known of each.

use super::{WriteError, Writer, limit};
use crate::{
    inventory::{SetPosition, top_of},
    limits::{MOST_NODES, MOST_PATH, MOST_VERSIONS},
    schema::{CategoryRow, HashIndex, NO_CATEGORY, NONE, NodeRow, SubpathRow, VersionRow},
};
use indexmap::IndexMap;
use std::collections::HashMap;

/// The node of every path written so far, by what it hangs on and its name: a path of many components has as many nodes,
/// and keeping each as a whole path would take the square of its length.
#[derive(Default)]
pub(super) struct Nodes {
    by_row: HashMap<(u32, u32), u32>,
    rows: Vec<NodeRow>,
}

impl Writer<'_> {
    /// Writes directories first, so that a node below their count is one; then what is on the way to them or is only
    /// named by a repository.
    pub(super) fn paths(&mut self) -> Result<(), WriteError> {
        let inventory = self.inventory;
        let unknown = NodeRow { parent: NONE, name: NONE };
        self.nodes.rows.resize(inventory.directories.len(), unknown);
        let named = inventory.repositories.values().flat_map(|repository| repository.archs.values());
        for path in inventory.directories.keys().chain(named) {
            self.node(path)?;
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
            let SetPosition { roster, set } = directory.carriers;
            self.schema.directories.push(self.schema.rosters[roster as usize].sets + set);
            self.schema.directory_category.push(category);
        }
        for top in categories.keys() {
            let top = self.string(top);
            self.schema.categories.push(CategoryRow { top });
        }
        Ok(())
    }

    /// The node of a path, made with those on the way to it where they are new.
    fn node(&mut self, path: &str) -> Result<u32, WriteError> {
        limit("bytes of a path", path.len(), MOST_PATH)?;
        let mut parent = NONE;
        let ends = path.match_indices('/').map(|(at, _)| at).chain([path.len()]);
        let mut start = 0;
        for end in ends {
            let name = self.string(&path[start..end]);
            parent = match self.nodes.by_row.get(&(parent, name)) {
                Some(node) => *node,
                None => {
                    // Directories have their numbers already.
                    let number = self.carried(&path[..end]);
                    let number = number.unwrap_or(self.nodes.rows.len() as u32);
                    self.add(number, NodeRow { parent, name })?
                }
            };
            start = end + 1;
        }
        Ok(parent)
    }

    /// Makes a node, refused where there are too many.
    fn add(&mut self, number: u32, row: NodeRow) -> Result<u32, WriteError> {
        let Nodes { by_row, rows } = &mut self.nodes;
        match rows.get_mut(number as usize) {
            Some(place) => *place = row,
            None => rows.push(row),
        }
        limit("path components", rows.len(), MOST_NODES)?;
        by_row.insert((row.parent, row.name), number);
        Ok(number)
    }

    /// The node of any path that has one.
    pub(super) fn known(&self, path: &str) -> Option<u32> {
        let mut parent = NONE;
        for name in path.split('/') {
            let name = self.strings.get_index_of(name)? as u32;
            parent = *self.nodes.by_row.get(&(parent, name))?;
        }
        Some(parent)
    }

    /// Writes files behind all other nodes. A file whose path is already a node cannot be asked for and is left out;
    /// one without versions too.
    pub(super) fn files(&mut self) -> Result<(), WriteError> {
        let inventory = self.inventory;
        for ((directory, name), versions) in &inventory.files {
            if *directory as usize >= inventory.directories.len() || versions.is_empty() {
                continue;
            }
            let row = NodeRow { parent: *directory, name: self.string(name) };
            if self.nodes.by_row.contains_key(&(row.parent, row.name)) {
                continue;
            }
            limit("versions of one file", versions.len(), MOST_VERSIONS)?;
            self.add(self.nodes.rows.len() as u32, row)?;
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
                self.schema.versions.push(VersionRow { timestamp, size, hashes, kinds, padding: [0; 3] });
            }
        }
        self.schema.file_versions.push(self.schema.versions.len() as u32);
        limit("bytes of hashes", self.schema.hashes.len(), u32::MAX as usize)?;
        let nodes = std::mem::take(&mut self.nodes.rows);
        self.schema.paths = HashIndex::build(nodes.len(), |at, buffer| {
            let mut next = nodes.get(at);
            // From the end to the front, then turned around.
            while let Some(NodeRow { parent, name }) = next {
                if !buffer.is_empty() {
                    buffer.push(b'/');
                }
                let name = self.strings.get_index(*name as usize).map_or("", |name| name);
                buffer.extend(name.bytes().rev());
                next = nodes.get(*parent as usize);
            }
            buffer.reverse();
        })
        .ok_or(WriteError::Colliding { what: "paths" })?;
        self.schema.nodes = nodes;
        Ok(())
    }

    /// The node of a directory that mirrors carry.
    pub(super) fn carried(&self, path: &str) -> Option<u32> {
        self.inventory.directories.get_index_of(path).map(|at| at as u32)
    }

    /// The node of a file with known hashes.
    pub(super) fn file(&self, path: &str) -> Option<u32> {
        let files = self.schema.file_versions.len() - 1;
        self.known(path).filter(|node| *node as usize >= self.schema.nodes.len() - files)
    }
}
