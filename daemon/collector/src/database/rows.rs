//! Rows as the database has them: any value may be NULL, but for keys.
//!
//! Only the small tables are kept; of the three large ones there is one row at a time.

/// `site`.
#[derive(Clone, Debug, Default)]
pub struct Site {
    pub id: i32,
    pub user_active: bool,
    pub admin_active: bool,
    pub private: bool,
}

/// `host`.
#[derive(Clone, Debug, Default)]
pub struct Host {
    pub id: i32,
    pub name: Option<String>,
    pub site: Option<i32>,
    pub user_active: bool,
    pub admin_active: bool,
    pub private: bool,
    pub country: Option<String>,
    pub bandwidth: Option<i32>,
    pub internet2: bool,
    pub internet2_clients: bool,
    pub asn: Option<i32>,
    pub asn_clients: bool,
    pub max_connections: Option<i32>,
    pub latitude: Option<f64>,
    pub longitude: Option<f64>,
}

/// `category`.
#[derive(Clone, Debug)]
pub struct Category {
    pub id: i32,
    /// The directory that it begins at.
    pub top: Option<i32>,
}

/// `host_category`.
#[derive(Clone, Debug)]
pub struct HostCategory {
    pub id: i32,
    pub host: Option<i32>,
    pub category: Option<i32>,
    pub always_up_to_date: bool,
}

/// `host_category_url`, those that are not private.
#[derive(Clone, Debug)]
pub struct HostUrl {
    pub id: i32,
    pub host_category: Option<i32>,
    pub url: Option<String>,
}

/// `host_netblock`, `host_country_allowed`: a text of a host.
#[derive(Clone, Debug)]
pub struct OfHost {
    pub id: i32,
    pub host: Option<i32>,
    pub text: Option<String>,
}

/// `host_peer_asn`.
#[derive(Clone, Debug)]
pub struct PeerAsn {
    pub id: i32,
    pub host: Option<i32>,
    pub asn: Option<i32>,
}

/// `repository`, those with a directory, a version and an architecture.
#[derive(Clone, Debug)]
pub struct Repository {
    pub id: i32,
    pub prefix: Option<String>,
    pub arch: i32,
    pub directory: i32,
    pub disabled: bool,
}

/// `arch`.
#[derive(Clone, Debug)]
pub struct Arch {
    pub id: i32,
    pub name: Option<String>,
}

/// `repository_redirect`, `country_continent_redirect`, `netblock_country`: from one text to another.
#[derive(Clone, Debug)]
pub struct Pair {
    pub id: i32,
    pub from: Option<String>,
    pub to: Option<String>,
}

/// `file_detail`.
#[derive(Clone, Debug, Default)]
pub struct Detail {
    pub directory: Option<i32>,
    pub file: Option<String>,
    pub timestamp: Option<i64>,
    pub size: Option<i64>,
    pub sha1: Option<String>,
    pub md5: Option<String>,
    pub sha256: Option<String>,
    pub sha512: Option<String>,
}

/// The small tables, each in the order of its keys.
#[derive(Clone, Debug, Default)]
pub struct Rows {
    pub sites: Vec<Site>,
    pub hosts: Vec<Host>,
    pub categories: Vec<Category>,
    pub host_categories: Vec<HostCategory>,
    pub urls: Vec<HostUrl>,
    pub netblocks: Vec<OfHost>,
    pub countries_allowed: Vec<OfHost>,
    pub peer_asns: Vec<PeerAsn>,
    /// Hosts with rows in `host_country`.
    pub page_countries: Vec<i32>,
    pub repositories: Vec<Repository>,
    pub arches: Vec<Arch>,
    pub repository_redirects: Vec<Pair>,
    pub continent_redirects: Vec<Pair>,
    pub netblock_countries: Vec<Pair>,
}
