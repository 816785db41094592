//! The numbers of what a cache knows: of a type each, so that one is not taken for another.

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident($number:ty);)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub $number);
    )*};
}

ids! {
    /// A mirror machine; numbered from 0 by country, then id.
    HostId(u32);
    /// A host with the URLs of one tree.
    PlacementId(u32);
    /// A host URL.
    UrlId(u32);
    /// A country that the cache names anywhere; ascending by code.
    CountryId(u16);
    /// A continent; ascending by code.
    ContinentId(u8);
    /// A set of hosts that carry the same directories.
    SetId(u32);
    /// A directory that mirrors carry.
    DirectoryId(u32);
    /// A file whose hashes are known.
    FileId(u32);
    /// A repository; ascending by name.
    RepositoryId(u32);
    /// A repository for an architecture; ascending by both names.
    RepoArchId(u32);
    /// A named location.
    LocationId(u32);
    /// A prefix that hosts serve.
    NetblockId(u32);
    /// An autonomous system that hosts serve.
    AsnId(u32);
}
