//! The cache: one immutable file that a daemon maps and answers from.
//!
//! [`inventory`] is what it is made from, [`write()`] lays that out, [`View`] checks a file and answers questions. Only this crate knows the layout (`schema`); there is no unsafe code in it. What
//! it takes to make a cache is the feature `write`.
#![forbid(unsafe_code)]

mod check;
mod choice;
mod error;
mod file;
pub mod files;
pub mod glob;
#[cfg(feature = "write")]
pub mod inventory;
pub mod limits;
pub mod place;
mod ranges;
mod schema;
pub mod scheme;
mod sections;
mod site;
mod table;
#[cfg(test)]
mod tests;
mod view;
#[cfg(feature = "write")]
mod write;

pub use choice::{Families, Only, Ring};
pub use error::CacheError;
pub use file::{CacheBytes, FILE_HEADER_LEN, FileHeader};
pub use schema::{FORMAT, RINGS};
pub use sections::Section;
pub use site::{Origin, is_below};
pub use view::{
    AsnId, Class, ContinentId, CountryId, DirectoryId, FileId, Found, HostId, LocationId, Member, NetblockId,
    PlacementId, Positions, Prefix, RepoArch, RepoArchId, Repository, RepositoryId, Set, SetId, Source,
    UrlId, Version, View,
};
#[cfg(feature = "write")]
pub use write::{Statistics, WriteError, write};
