//! What operators decide about answers, and the words that they have for it.

/// What operators decide about answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Hosts below which the global tier is used too.
    pub minimum: usize,
    /// What a netblock tier with candidates means for the tiers after it.
    pub netblock: NetblockMode,
    /// What of a client's address goes to the access log.
    pub log_address: LogAddress,
}

impl Default for Rules {
    fn default() -> Rules {
        Rules { minimum: 5, netblock: NetblockMode::First, log_address: LogAddress::Off }
    }
}

/// What a netblock tier with candidates means for the tiers after it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NetblockMode {
    /// Its hosts come first, those of the other tiers follow.
    #[default]
    First,
    /// Its hosts are the answer.
    Only,
}

/// What of a client's address goes to the access log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogAddress {
    /// No line is written.
    #[default]
    Off,
    /// The whole address.
    Full,
    /// The /24 of an IPv4 address, the /48 of an IPv6 address.
    Short,
    /// Nothing.
    Omit,
}

impl NetblockMode {
    /// What operators call them, the default first.
    pub const NAMES: [(&str, NetblockMode); 2] =
        [("first", NetblockMode::First), ("only", NetblockMode::Only)];
}

impl LogAddress {
    /// What operators call them, the default first. Without a file there is no log.
    pub const NAMES: [(&str, LogAddress); 3] =
        [("short", LogAddress::Short), ("full", LogAddress::Full), ("omit", LogAddress::Omit)];
}
