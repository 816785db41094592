//! What a cache knows of paths: directories, what follows a host's URL, files and their hashes.

use super::{DirectoryId, FileId, SetId, View, part, some};
use crate::{
    limits::{MOST_COMPONENTS, MOST_PATH, MOST_VERSIONS},
    schema::{NO_CATEGORY, NONE},
};

/// What a path is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// A directory that mirrors carry.
    Directory(DirectoryId),
    /// A file whose hashes are known.
    File(FileId),
}

/// One version of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Version<'a> {
    /// Modification time in seconds since the epoch, 0 when unknown.
    pub timestamp: u64,
    /// Size in bytes, 0 when unknown.
    pub size: u64,
    /// Its hashes: md5, sha1, sha256, sha512; `None` where unknown.
    pub hashes: [Option<&'a [u8]>; 4],
}

impl<'a> View<'a> {
    /// What a path is, if the cache knows it. `path` has single slashes between its components and none at its ends.
    pub fn find(&self, path: &[u8]) -> Option<Found> {
        let node = self.schema.paths.find(path, |node| self.is_path(node, path))?;
        if let Some(directory) = self.directory_of(node) {
            Some(Found::Directory(directory))
        } else {
            self.file_of(node).map(Found::File)
        }
    }

    fn is_path(&self, mut node: u32, path: &[u8]) -> bool {
        let mut rest = path;
        for _ in 0..MOST_COMPONENTS {
            let Some(row) = self.schema.nodes.get(node as usize) else { return false };
            let Some(before) = rest.strip_suffix(self.bytes(row.name)) else { return false };
            match some(row.parent) {
                None => return before.is_empty(),
                Some(parent) => node = parent,
            }
            let Some(before) = before.strip_suffix(b"/") else { return false };
            rest = before;
        }
        false
    }

    pub(super) fn directory_of(&self, node: u32) -> Option<DirectoryId> {
        ((node as usize) < self.schema.directories.len()).then_some(DirectoryId(node))
    }

    pub(super) fn file_of(&self, node: u32) -> Option<FileId> {
        (node as usize).checked_sub(self.first_file()?).map(|at| FileId(at as u32))
    }

    fn first_file(&self) -> Option<usize> {
        self.schema.nodes.len().checked_sub(self.schema.file_versions.len().checked_sub(1)?)
    }

    /// How many directories there are; they are numbered from 0.
    pub fn directory_count(&self) -> usize {
        self.schema.directories.len()
    }

    /// Appends a directory's path.
    pub fn directory_path(&self, directory: DirectoryId, out: &mut Vec<u8>) {
        self.node_path(directory.0, out);
    }

    /// Appends the path of a node, at most [`MOST_PATH`] bytes in at most [`MOST_COMPONENTS`] steps.
    fn node_path(&self, node: u32, out: &mut Vec<u8>) {
        let mut names = Vec::with_capacity(16);
        let (mut at, mut length) = (Some(node), 0);
        for _ in 0..MOST_COMPONENTS {
            let Some(row) = at.and_then(|at| self.schema.nodes.get(at as usize)) else { break };
            let name = self.bytes(row.name);
            length += name.len() + 1;
            if length > MOST_PATH {
                break;
            }
            names.push(name);
            at = some(row.parent);
        }
        for (number, name) in names.iter().rev().enumerate() {
            if number > 0 {
                out.push(b'/');
            }
            out.extend_from_slice(name);
        }
    }

    /// The directories around a directory, the nearest first; what is only on the way to one is passed over.
    pub fn above(&self, directory: DirectoryId) -> impl Iterator<Item = DirectoryId> + 'a {
        let view = *self;
        let parent = move |node: &u32| view.schema.nodes.get(*node as usize).and_then(|row| some(row.parent));
        let nodes = std::iter::successors(Some(directory.0), parent).take(MOST_COMPONENTS).skip(1);
        nodes.filter_map(move |node| view.directory_of(node))
    }

    /// Who carries a directory.
    pub fn carriers(&self, directory: DirectoryId) -> SetId {
        SetId(self.schema.directories.get(directory.0 as usize).map_or(NONE, |set| set.to_native()))
    }

    /// Appends what follows a host's URL to reach a directory; nothing for a top directory.
    pub fn subpath(&self, directory: DirectoryId, out: &mut Vec<u8>) {
        let Some(&category) = self.schema.directory_category.get(directory.0 as usize) else { return };
        if category == NO_CATEGORY {
            let rows = &self.schema.subpath_exceptions;
            if let Ok(at) = rows.binary_search_by(|row| row.directory.to_native().cmp(&directory.0)) {
                out.extend_from_slice(self.bytes(rows[at].text));
            }
            return;
        }
        let top =
            self.schema.categories.get(usize::from(category)).map_or(0, |row| self.bytes(row.top).len());
        let from = out.len();
        self.node_path(directory.0, out);
        let path_len = out.len() - from;
        // The top directory and the slash behind it.
        let cut = if top == 0 { 0 } else { (top + 1).min(path_len) };
        out.drain(from..from + cut);
    }

    /// How many files there are whose hashes are known; they are numbered from 0.
    pub fn file_count(&self) -> usize {
        self.schema.file_versions.len().saturating_sub(1)
    }

    /// A file's directory and name.
    pub fn file(&self, file: FileId) -> Option<(DirectoryId, &'a str)> {
        let row = self.schema.nodes.get(self.first_file()? + file.0 as usize)?;
        Some((self.directory_of(some(row.parent)?)?, self.text(row.name)))
    }

    /// The versions of a file, the current one first; at least one in a valid cache, at most [`MOST_VERSIONS`].
    pub fn versions(&self, file: FileId) -> impl ExactSizeIterator<Item = Version<'a>> + Clone + 'a {
        let starts = &self.schema.file_versions;
        let at = file.0 as usize;
        let range = match (starts.get(at), starts.get(at + 1)) {
            (Some(from), Some(to)) => from.to_native() as usize..to.to_native() as usize,
            _ => 0..0,
        };
        let hashes = &self.schema.hashes;
        part(&self.schema.versions, range, MOST_VERSIONS).iter().map(move |row| {
            let mut at = row.hashes.to_native() as usize;
            let mut bit = 1;
            let hashes = [16, 20, 32, 64].map(|length| {
                let there = row.kinds & bit != 0;
                bit <<= 1;
                let hash = there.then(|| hashes.get(at..at + length)).flatten();
                at += if there { length } else { 0 };
                hash
            });
            Version { timestamp: row.timestamp.to_native(), size: row.size.to_native(), hashes }
        })
    }
}
