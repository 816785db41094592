//! What a reply says of itself before its headers and body: status and outcome.

use crate::code::Country;

/// The repository number of a reply that is about none.
pub const NO_REPOSITORY: u32 = u32::MAX;

/// A reply's fixed part: status and outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReplyHead {
    /// HTTP status.
    pub status: u16,
    /// Content type of the body.
    pub content_type: ContentType,
    /// What was asked for.
    pub kind: Kind,
    /// The tier of the first listed mirror.
    pub tier: Tier,
    /// The client's country, if known.
    pub country: Option<Country>,
    /// The cache's number of the repository, or [`NO_REPOSITORY`].
    pub repository: u32,
}

/// Content types of answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum ContentType {
    /// `text/plain`
    Text = 0,
    /// `application/metalink+xml`
    Metalink = 1,
}

/// What a request asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Kind {
    /// Neither of the others.
    Other = 0,
    /// A text list.
    Mirrorlist = 1,
    /// A metalink.
    Metalink = 2,
    /// A redirect to one mirror.
    Redirect = 3,
}

/// Why a host was chosen, nearest first. Source: SPEC.md §4.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Tier {
    /// No host was listed.
    None = 0,
    /// The location that the client named.
    Location = 1,
    /// A netblock that contains the client.
    Netblock = 2,
    /// The client's autonomous system.
    Asn = 3,
    /// A country that the client named, or `global`.
    Country = 4,
    /// The continent of a country that the client named.
    CountryContinent = 5,
    /// The client's own country.
    Geoip = 6,
    /// The client's continent.
    Continent = 7,
    /// Every public host.
    Global = 8,
}

impl ContentType {
    /// The value of the `Content-Type` header.
    pub fn as_str(self) -> &'static str {
        match self {
            ContentType::Text => "text/plain",
            ContentType::Metalink => "application/metalink+xml",
        }
    }
}

impl Kind {
    /// All kinds, by number.
    pub const ALL: [Kind; 4] = [Kind::Other, Kind::Mirrorlist, Kind::Metalink, Kind::Redirect];

    /// A name for metrics and logs.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Other => "other",
            Kind::Mirrorlist => "mirrorlist",
            Kind::Metalink => "metalink",
            Kind::Redirect => "redirect",
        }
    }
}

impl Tier {
    /// All tiers, by number.
    pub const ALL: [Tier; 9] = [
        Tier::None,
        Tier::Location,
        Tier::Netblock,
        Tier::Asn,
        Tier::Country,
        Tier::CountryContinent,
        Tier::Geoip,
        Tier::Continent,
        Tier::Global,
    ];

    /// A name for metrics, logs and explanations.
    pub fn name(self) -> &'static str {
        match self {
            Tier::None => "none",
            Tier::Location => "location",
            Tier::Netblock => "netblock",
            Tier::Asn => "asn",
            Tier::Country => "country",
            Tier::CountryContinent => "country's continent",
            Tier::Geoip => "geoip",
            Tier::Continent => "continent",
            Tier::Global => "global",
        }
    }
}
