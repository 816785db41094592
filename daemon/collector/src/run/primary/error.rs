//! Why the primary is not believed, or a file of it is not read.

use super::listing::MOST_DIRECTORIES;
use crate::{check::repomd, http};
use std::{io, path::PathBuf, process::ExitStatus, time::Duration};
use url::Url;

/// Why the primary is not believed, or a file of it is not read, as an operator reads it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file or folder on this machine.
    #[error("{} cannot be read ({})", .0.display(), .1)]
    Unreadable(PathBuf, io::Error),
    /// What is to be walked through is something else.
    #[error("{} is no folder", .0.display())]
    NoFolder(PathBuf),
    /// What a file over HTTP is answered with.
    #[error("{0}: status {1}")]
    Status(Url, u16),
    /// A file over HTTP has no answer.
    #[error("{0}: {1}")]
    Request(Url, Box<http::Error>),

    /// The directories are more than anybody has.
    #[error("more than {} directories", MOST_DIRECTORIES)]
    Directories,
    /// They are with what links lead to.
    #[error("more than {} directories, links counted as what they lead to", MOST_DIRECTORIES)]
    Links,

    /// The list of files at a path.
    #[error("file-list {0} {1}")]
    FileList(String, Box<Error>),
    /// A list of files without any.
    #[error("has no section [Files] with lines in it")]
    NoFiles,
    /// A list of files without its end.
    #[error("has no [End]: it is cut short")]
    NoEnd,
    /// A list of files with a line that begins like this.
    #[error("has a line that is none of [Files]: `{0}`")]
    Line(String),

    /// There is no rsync.
    #[error("there is no program rsync; install it, or use file-list")]
    NoRsync,
    /// It does not start.
    #[error("rsync cannot be started ({0})")]
    Start(io::Error),
    /// It has no end that can be read from.
    #[error("rsync has no output")]
    NoOutput,
    /// What it says breaks off.
    #[error("rsync's listing cannot be read ({0})")]
    Output(io::Error),
    /// It says more than anybody has.
    #[error("rsync's listing is too long")]
    Length,
    /// It says something that begins like this.
    #[error("rsync lists what cannot be read: `{0}`")]
    Listed(String),
    /// It takes longer than this.
    #[error("no end of the listing within {} s", .0.as_secs_f64())]
    Late(Duration),
    /// Nobody knows how it has ended.
    #[error("rsync is lost ({0})")]
    Lost(io::Error),
    /// It ends like this, and what it says of it.
    #[error("rsync fails, {0}: {1}")]
    Rsync(ExitStatus, String),

    /// A category of this name is to have its topmost directory at this path.
    #[error("category `{0}`: there is no directory {1}, or nobody may read it")]
    NoCategory(String, String),
    /// A name or an architecture that a repository cannot have.
    #[error("the [[repository]] of {place} yields the {what} `{}` for {path}", text.escape_debug())]
    Name {
        /// Where the pattern is that yields it.
        place: String,
        /// `name` or `arch`.
        what: &'static str,
        /// It.
        text: String,
        /// The directory.
        path: String,
    },
    /// Two directories that would be one repository.
    #[error("{} and {} would both be {name} of {arch}; see {}", paths[0], paths[1], patterns(places))]
    Alike {
        /// The directories.
        paths: Box<[String; 2]>,
        /// The repository's name.
        name: String,
        /// Its architecture.
        arch: String,
        /// Where the pattern of each is.
        places: Box<[String; 2]>,
    },

    /// An index that is not listed.
    #[error("is not there")]
    Gone,
    /// There was no time for a list of hashes.
    #[error("not read")]
    Unread,
    /// An index with nothing in it.
    #[error("is empty")]
    Empty,
    /// An index that is not what its name says.
    #[error(transparent)]
    Repomd(#[from] repomd::Error),
    /// Too many indexes cannot be read.
    #[error("{failed} of its {all} indexes cannot be read, such as index {index}: {cause}")]
    Indexes {
        /// How many.
        failed: usize,
        /// Of how many.
        all: usize,
        /// One of them.
        index: String,
        /// Why it cannot.
        cause: Box<Error>,
    },
}

fn patterns([first, second]: &[String; 2]) -> String {
    if first == second {
        format!("the [[repository]] of {first}")
    } else {
        format!("those of {first} and {second}")
    }
}
