//! Why an input was refused: which one, and the cause.
//!
//! Only what makes a whole input unusable ends up here; odd records are skipped and counted (`skipped.rs`).

use std::{fmt, io, path::PathBuf};

/// An input of a build, by the option that names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// MirrorManager's protobuf cache.
    Mirrormanager,
    /// The routing table.
    Netblocks,
    /// Countries and their continents.
    Continents,
    /// The MaxMind country database.
    Geoip,
}

impl Input {
    /// All of them, in the order in which they are named.
    pub const ALL: [Input; 4] = [Input::Mirrormanager, Input::Netblocks, Input::Continents, Input::Geoip];
}

impl fmt::Display for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Input::Mirrormanager => "mirrormanager",
            Input::Netblocks => "netblocks",
            Input::Continents => "continents",
            Input::Geoip => "geoip",
        })
    }
}

/// What is wrong with an input.
#[derive(Debug)]
pub enum Cause {
    /// It could not be read to its end.
    Unreadable(io::Error),
    /// It is not what it should be.
    Refused(String),
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Cause::Unreadable(error) => write!(f, "cannot be read ({error})"),
            Cause::Refused(why) => f.write_str(why),
        }
    }
}

impl From<io::Error> for Cause {
    fn from(error: io::Error) -> Cause {
        Cause::Unreadable(error)
    }
}

/// An input that cannot be used.
#[derive(Debug)]
pub struct Error {
    /// Which input.
    pub input: Input,
    /// The file that was named for it.
    pub path: PathBuf,
    /// What is wrong with it.
    pub cause: Cause,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.input, self.path.display(), self.cause)?;
        let missing =
            matches!(&self.cause, Cause::Unreadable(error) if error.kind() == io::ErrorKind::NotFound);
        match self.input {
            _ if !missing => Ok(()),
            Input::Mirrormanager => f.write_str("; put the file there, or name another one"),
            input => write!(f, "; put the file there, or leave {input} out to build without it"),
        }
    }
}

impl std::error::Error for Error {}
