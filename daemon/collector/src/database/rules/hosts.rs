//! Hosts: which are active, which are private, and what is known of each beyond its directories.
//!
//! A host is active when all four switches are on, its own two and its site's two; it is private when either of host and
//! site is.

use super::filled;
use crate::database::{
    rows::{self, OfHost, Rows},
    skipped::{Reason, Skipped},
};
use interchange::message::{Host, IntInt, IntInts, IntString, IntStrings};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Weights are clamped to this, in Mbit/s.
const BANDWIDTHS: (i32, i32) = (1, 10_000);

/// What of a host decides where it is listed.
#[derive(Clone, Debug)]
pub struct Standing {
    pub active: bool,
    pub private: bool,
    pub country: Option<String>,
    pub internet2: bool,
    pub internet2_clients: bool,
}

/// Hosts that have a site, by number.
#[derive(Debug, Default)]
pub struct Hosts<'a> {
    rows: BTreeMap<i32, &'a rows::Host>,
    standing: HashMap<i32, Standing>,
}

impl<'a> Hosts<'a> {
    /// Looks at all rows of hosts and sites.
    pub fn new(rows: &'a Rows, skipped: &mut Skipped) -> Hosts<'a> {
        let sites: HashMap<i32, &rows::Site> = rows.sites.iter().map(|site| (site.id, site)).collect();
        let mut hosts = Hosts::default();
        for host in &rows.hosts {
            let Some(site) = host.site.and_then(|site| sites.get(&site)) else {
                skipped.add("host", Reason::NoSite, || host.id);
                continue;
            };
            let country = host.country.as_deref().and_then(|given| country("host", host.id, given, skipped));
            hosts.rows.insert(host.id, host);
            hosts.standing.insert(
                host.id,
                Standing {
                    active: site.user_active && host.user_active && host.admin_active && site.admin_active,
                    private: host.private || site.private,
                    country,
                    internet2: host.internet2,
                    internet2_clients: host.internet2_clients,
                },
            );
        }
        hosts
    }

    /// Where a host stands, if it has a site.
    pub fn standing(&self, host: i32) -> Option<&Standing> {
        self.standing.get(&host)
    }

    /// How many are active.
    pub fn active_ones(&self) -> usize {
        self.standing.values().filter(|host| host.active).count()
    }

    /// The active host of a row; a row that names none is counted, one of an inactive host only passed over.
    pub fn active(
        &self,
        table: &'static str,
        host: Option<i32>,
        row: i32,
        skipped: &mut Skipped,
    ) -> Option<i32> {
        let host = self.known(table, host, row, skipped)?;
        self.standing[&host].active.then_some(host)
    }

    /// The host of a row, active or not; a row that names none is counted.
    fn known(&self, table: &'static str, host: Option<i32>, row: i32, skipped: &mut Skipped) -> Option<i32> {
        let Some(host) = host else {
            skipped.add(table, Reason::Null, || format!("row {row}"));
            return None;
        };
        if !self.rows.contains_key(&host) {
            skipped.add(table, Reason::Dangling, || format!("host {host} of row {row}"));
            return None;
        }
        Some(host)
    }

    /// `HostBandwidthCache`.
    pub fn bandwidths(&self, skipped: &mut Skipped) -> Vec<IntInt> {
        let mut records = Vec::new();
        for (id, host) in &self.rows {
            match host.bandwidth {
                Some(mbps) => records.push(IntInt {
                    key: Some((*id).into()),
                    value: Some(mbps.clamp(BANDWIDTHS.0, BANDWIDTHS.1).into()),
                }),
                None => skipped.add("host", Reason::Null, || format!("bandwidth_int of host {id}")),
            }
        }
        records
    }

    /// `HostMaxConnectionCache`.
    pub fn max_connections(&self) -> Vec<IntInt> {
        let limit = |(id, host): (&i32, &&rows::Host)| {
            Some(IntInt { key: Some((*id).into()), value: Some(host.max_connections?.into()) })
        };
        self.rows.iter().filter_map(limit).collect()
    }

    /// `HostCountryCache`.
    pub fn countries(&self) -> Vec<IntString> {
        let country = |id: &i32| {
            let country = self.standing[id].country.as_ref()?;
            Some(IntString { key: Some((*id).into()), value: Some(country.clone().into()) })
        };
        self.rows.keys().filter_map(country).collect()
    }

    /// `HostAsnCache`: hosts' own ASNs, where they want the clients of these, and those of their peers.
    pub fn asns(&self, rows: &Rows, skipped: &mut Skipped) -> Vec<IntInts> {
        let mut asns: BTreeMap<i32, BTreeSet<i64>> = BTreeMap::new();
        let mut add = |asn: i32, host: i32, table, skipped: &mut Skipped| match asn {
            1.. => drop(asns.entry(asn).or_default().insert(host.into())),
            _ => skipped.add(table, Reason::BadAsn, || format!("{asn} of host {host}")),
        };
        for (id, host) in &self.rows {
            if let Some(asn) = host.asn.filter(|_| host.asn_clients) {
                add(asn, *id, "host", skipped);
            }
        }
        let table = "host_peer_asn";
        for peer in &rows.peer_asns {
            let Some(host) = self.known(table, peer.host, peer.id, skipped) else { continue };
            match peer.asn {
                Some(asn) => add(asn, host, table, skipped),
                None => skipped.add(table, Reason::Null, || format!("row {}", peer.id)),
            }
        }
        let record = |(asn, hosts): (i32, BTreeSet<i64>)| IntInts {
            key: Some(asn.into()),
            value: hosts.into_iter().collect(),
        };
        asns.into_iter().map(record).collect()
    }

    /// `HostCountryAllowedCache`. A host of whose countries none can be read is for nobody, rather than for everybody.
    pub fn countries_allowed(&self, rows: &Rows, skipped: &mut Skipped) -> Vec<IntStrings> {
        let table = "host_country_allowed";
        let mut allowed: BTreeMap<i32, Vec<Vec<u8>>> = BTreeMap::new();
        for OfHost { id, host, text } in &rows.countries_allowed {
            let Some(host) = self.active(table, *host, *id, skipped) else { continue };
            let countries = allowed.entry(host).or_default();
            let given = filled(table, text.as_ref(), *id, skipped);
            if let Some(code) = given.and_then(|given| country(table, host, given, skipped)) {
                countries.push(code.into());
            }
        }
        for host in &rows.page_countries {
            if !rows.countries_allowed.iter().any(|row| row.host == Some(*host)) {
                skipped.add("host_country", Reason::NotApplied, || format!("host {host}"));
            }
        }
        allowed.into_iter().map(|(host, value)| IntStrings { key: Some(host.into()), value }).collect()
    }

    /// Names, places and families, which MirrorManager's file has no field for; `families` are versions of IP by host.
    pub fn others(&self, families: &BTreeMap<i64, Vec<u32>>, skipped: &mut Skipped) -> Vec<Host> {
        let mut records = Vec::new();
        for (id, host) in &self.rows {
            let place = match (host.latitude, host.longitude) {
                (Some(latitude), Some(longitude))
                    if (-90.0..=90.0).contains(&latitude) && (-180.0..=180.0).contains(&longitude) =>
                {
                    Some((latitude, longitude))
                }
                (None, None) => None,
                _ => {
                    skipped.add("host", Reason::BadPlace, || format!("host {id}"));
                    None
                }
            };
            records.push(Host {
                id: Some((*id).into()),
                name: host.name.clone().map(Into::into),
                latitude: place.map(|place| place.0),
                longitude: place.map(|place| place.1),
                families: families.get(&i64::from(*id)).cloned().unwrap_or_default(),
                ..Host::default()
            });
        }
        records
    }
}

/// A country code in upper case; one that is none is counted, blank ones are none at all.
fn country(table: &'static str, host: i32, given: &str, skipped: &mut Skipped) -> Option<String> {
    let code = given.trim().to_ascii_uppercase();
    if code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Some(code);
    }
    if !code.is_empty() {
        skipped.add(table, Reason::BadCountry, || format!("{given} of host {host}"));
    }
    None
}
