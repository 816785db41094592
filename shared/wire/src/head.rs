//! What a reply says of itself before its headers and body: status and outcome.

/// A reply's status and outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReplyHead {
    /// HTTP status.
    pub status: u16,
    /// What was asked for.
    pub kind: Kind,
    /// The tier of the first listed mirror.
    pub tier: Tier,
}

/// What a request asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Kind {
    /// None of the others, or one of a later version.
    Other = 0,
    /// A text list.
    Mirrorlist = 1,
    /// A metalink.
    Metalink = 2,
    /// A redirect to one mirror.
    Redirect = 3,
    /// A metalink 4.
    Metalink4 = 4,
    /// apt's mirror list.
    Apt = 5,
    /// A JSON object.
    Json = 6,
    /// An HTML page of mirrors.
    Page = 7,
    /// A hash of a file.
    Hash = 8,
    /// A path of the redirector.
    File = 9,
}

/// Why a host was chosen. Source: SPEC.md §4.
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
    /// One of a later version.
    Other = 9,
    /// Hosts of other countries around that of the client, or around the first that it named.
    Near = 10,
    /// No host, but where the originals are.
    Origin = 11,
}

impl Kind {
    /// All kinds, by number.
    pub const ALL: [Kind; 10] = [
        Kind::Other,
        Kind::Mirrorlist,
        Kind::Metalink,
        Kind::Redirect,
        Kind::Metalink4,
        Kind::Apt,
        Kind::Json,
        Kind::Page,
        Kind::Hash,
        Kind::File,
    ];

    /// The kind of this number.
    pub(super) fn of(number: u8) -> Kind {
        Kind::ALL.get(usize::from(number)).copied().unwrap_or(Kind::Other)
    }

    /// A name for metrics and logs.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Other => "other",
            Kind::Mirrorlist => "mirrorlist",
            Kind::Metalink => "metalink",
            Kind::Redirect => "redirect",
            Kind::Metalink4 => "metalink4",
            Kind::Apt => "apt",
            Kind::Json => "json",
            Kind::Page => "page",
            Kind::Hash => "hash",
            Kind::File => "file",
        }
    }
}

impl Tier {
    /// All tiers, by number.
    pub const ALL: [Tier; 12] = [
        Tier::None,
        Tier::Location,
        Tier::Netblock,
        Tier::Asn,
        Tier::Country,
        Tier::CountryContinent,
        Tier::Geoip,
        Tier::Continent,
        Tier::Global,
        Tier::Other,
        Tier::Near,
        Tier::Origin,
    ];

    /// The tier of this number.
    pub(super) fn of(number: u8) -> Tier {
        Tier::ALL.get(usize::from(number)).copied().unwrap_or(Tier::Other)
    }

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
            Tier::Other => "other",
            Tier::Near => "near",
            Tier::Origin => "origin",
        }
    }
}
