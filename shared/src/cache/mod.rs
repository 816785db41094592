//! The cache: one immutable file that a daemon maps and answers from.
//!
//! [`inventory`] is what it is made from, [`write()`] lays that out, [`publish`] puts the file in place, [`View`]
//! checks a file and answers questions. Only this module knows the layout (`schema`); there is no unsafe code in it.

mod check;
mod error;
mod file;
pub mod inventory;
pub mod limits;
mod publish;
mod ranges;
mod schema;
mod sections;
mod table;
#[cfg(test)]
mod tests;
mod view;
mod write;

pub use error::CacheError;
pub use file::{CacheBytes, FILE_HEADER_LEN, FileHeader};
pub use publish::publish;
pub use schema::FORMAT;
pub use sections::Section;
pub use view::{
    Class, ContinentId, CountryId, DirectoryId, FileId, Found, HostId, LocationId, Member, NetblockId,
    PlacementId, Prefix, Repository, RepositoryId, Set, SetId, SystemId, Tree, TreeId, UrlId, Version, View,
};
pub use write::{Statistics, WriteError, write};
