//! What a cache knows of hosts: weight, country, whom they are for, placements and their URLs.

use super::{CountryId, HostId, PlacementId, UrlId, View, country, some};
use crate::{
    limits::MOST_URLS,
    schema::ArchivedHostRow,
    scheme::{Scheme, Schemes},
};
use std::ops::Range;

impl<'a> View<'a> {
    /// How many hosts there are; they are numbered from 0.
    pub fn host_count(&self) -> usize {
        self.schema.hosts.len()
    }

    fn host(&self, host: HostId) -> Option<&'a ArchivedHostRow> {
        self.schema.hosts.get(host.0 as usize)
    }

    /// A host's id in the source.
    pub fn host_source_id(&self, host: HostId) -> i64 {
        self.host(host).map_or(0, |row| row.id.to_native())
    }

    /// The host of this id in the source. Cost: looks at every host.
    pub fn host_id(&self, source_id: i64) -> Option<HostId> {
        let at = self.schema.hosts.iter().position(|row| row.id.to_native() == source_id)?;
        Some(HostId(at as u32))
    }

    /// A host's share in random order, at least 1.
    pub fn bandwidth(&self, host: HostId) -> u32 {
        self.host(host).map_or(1, |row| row.bandwidth.to_native())
    }

    /// The country that a host says it is in.
    pub fn host_country(&self, host: HostId) -> Option<CountryId> {
        self.host(host).and_then(|row| country(row.country.to_native()))
    }

    /// The countries that a host is for, `None` when it is for all.
    pub fn countries_allowed(
        &self,
        host: HostId,
    ) -> Option<impl ExactSizeIterator<Item = CountryId> + Clone + 'a> {
        let row = self.host(host)?;
        let start = some(row.allowed_start)? as usize;
        let end = start + usize::from(row.allowed_len.to_native()).min(self.country_count());
        let numbers = self.schema.allowed.get(start..end).unwrap_or_default();
        Some(numbers.iter().map(|number| CountryId(number.to_native())))
    }

    /// Whether a host is for clients of this country; one that is only for some is not for clients of an unknown one.
    /// Cost: a binary search.
    pub fn is_for(&self, host: HostId, client: Option<CountryId>) -> bool {
        let Some(row) = self.host(host) else { return true };
        let Some(start) = some(row.allowed_start) else { return true };
        let (start, length) = (start as usize, usize::from(row.allowed_len.to_native()));
        let allowed = self.schema.allowed.get(start..start + length).unwrap_or_default();
        client.is_some_and(|client| allowed.binary_search_by(|one| one.to_native().cmp(&client.0)).is_ok())
    }

    /// How many placements there are; they are numbered from 0, ascending by host.
    pub fn placement_count(&self) -> usize {
        self.schema.placements.len()
    }

    /// The host of a placement.
    pub fn placement_host(&self, placement: PlacementId) -> HostId {
        HostId(self.schema.placements.get(placement.0 as usize).map_or(0, |row| row.host.to_native()))
    }

    /// The schemes by which a placement is reached.
    pub fn placement_schemes(&self, placement: PlacementId) -> Schemes {
        self.schema
            .placements
            .get(placement.0 as usize)
            .map_or(Schemes::NONE, |row| Schemes::from_bits(row.schemes))
    }

    /// The placements of a host.
    pub fn host_placements(&self, host: HostId) -> Range<u32> {
        let at = host.0 as usize;
        match (self.schema.host_placements.get(at), self.schema.host_placements.get(at + 1)) {
            (Some(from), Some(to)) => {
                from.to_native()..to.to_native().min(self.schema.placements.len() as u32)
            }
            _ => 0..0,
        }
    }

    /// The URLs of a placement, in the order of the source; at most [`MOST_URLS`].
    pub fn placement_urls(&self, placement: PlacementId) -> impl ExactSizeIterator<Item = UrlId> + 'a {
        let rows = &self.schema.placements;
        let at = placement.0 as usize;
        let from = rows.get(at).map_or(0, |row| row.urls_start.to_native() as usize);
        let to = rows
            .get(at + 1)
            .map_or(self.schema.placement_urls.len(), |row| row.urls_start.to_native() as usize);
        let urls = self.schema.placement_urls.get(from..to.min(from.saturating_add(MOST_URLS)));
        urls.unwrap_or_default().iter().map(|url| UrlId(url.to_native()))
    }

    /// How many URLs there are; they are numbered from 0.
    pub fn url_count(&self) -> usize {
        self.schema.urls.len()
    }

    /// A URL and its scheme.
    pub fn url(&self, url: UrlId) -> Option<(Scheme, &'a str)> {
        let row = self.schema.urls.get(url.0 as usize)?;
        Some((Scheme::from_number(row.scheme)?, self.text(row.text)))
    }
}
