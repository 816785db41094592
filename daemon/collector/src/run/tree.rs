//! What mirrors should have: the tree that they copy, as it was found at its source.
//!
//! A mirror is judged by [`Unit`], which is a repository with everything below its directory, or a single directory
//! outside of repositories.

/// The tree, found at one time. What is numbered is numbered by its place in its list.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tree {
    /// When it was read, in seconds since the epoch.
    pub time: u64,
    /// The categories, as they are configured.
    pub categories: Vec<Category>,
    /// Directories of categories, by path.
    pub directories: Vec<Directory>,
    /// What mirrors are judged by.
    pub units: Vec<Unit>,
    /// Files of directories, by path, of which a list beside them says the hashes, such as images.
    pub images: Vec<Image>,
}

/// A file whose hashes are known without it having been read.
#[derive(Clone, Debug, PartialEq)]
pub struct Image {
    /// Its full path.
    pub path: String,
    /// Its hashes, as far as they are known; size and time are 0 if unknown.
    pub version: Version,
}

/// A part of the tree that mirrors copy or leave out as a whole.
#[derive(Clone, Debug, PartialEq)]
pub struct Category {
    /// Its name, which mirrors' files use.
    pub name: String,
    /// The path of its topmost directory, without slashes at its ends.
    pub top: String,
    /// Where its files are to be had when no mirror has them.
    pub origin: Option<String>,
    /// A file below its top that says how old a copy is.
    pub marker: Option<File>,
}

/// A directory of a category.
#[derive(Clone, Debug, PartialEq)]
pub struct Directory {
    /// Its full path, without slashes at its ends.
    pub path: String,
    /// Its category.
    pub category: u32,
    /// The unit that it belongs to.
    pub unit: u32,
}

/// What a mirror is judged by.
#[derive(Clone, Debug, PartialEq)]
pub struct Unit {
    /// The full path of its directory, which names it from run to run.
    pub path: String,
    /// Its category.
    pub category: u32,
    /// What it is as a repository, if it is one.
    pub repository: Option<Repository>,
    /// The newest three of its packages, or files, newest first; their contents are not known.
    pub newest: Vec<File>,
}

/// A repository.
#[derive(Clone, Debug, PartialEq)]
pub struct Repository {
    /// The name that clients ask for.
    pub name: String,
    /// The architecture that clients ask for.
    pub arch: String,
    /// The full path of its index.
    pub index: String,
    /// Versions of the index with which a copy is good, the current one first.
    pub versions: Vec<Version>,
}

/// A version of an index.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Version {
    /// Of a repomd.xml the largest time stamp inside, else of the file; in seconds since the epoch, 0 if unknown.
    pub time: u64,
    /// In bytes.
    pub size: u64,
    /// Hashes in hexadecimal.
    pub md5: String,
    /// SHA-1.
    pub sha1: String,
    /// SHA-256, by which it is recognised.
    pub sha256: String,
    /// SHA-512.
    pub sha512: String,
}

/// A file of the tree.
#[derive(Clone, Debug, PartialEq)]
pub struct File {
    /// Its full path.
    pub path: String,
    /// In bytes, if known.
    pub size: Option<u64>,
    /// When it was changed, in seconds since the epoch; 0 if unknown.
    pub time: u64,
    /// The SHA-256 of its content in hexadecimal, of a file that is small and read as a whole, such as a marker.
    pub sha256: Option<String>,
}
