//! Filters that few requests have: which hosts the client does not want, or the operator not for this client.
//!
//! What they drop is worked out once for all hosts of a directory, before the tiers; a request without such a filter
//! pays one branch a host. Source: SPEC.md §4.

use super::{
    exclude::{Exclude, Item, LONGEST_HOST},
    query::Query,
};
use cache::{CountryId, HostId, Only, PlacementId, Set, View, scheme::host_name};

/// Filters that dropped a host, as bits in the order in which they are judged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dropped(u8);

impl Dropped {
    /// Only for clients of its country or continent; counts in open tiers.
    pub const ONLY_INSIDE: Dropped = Dropped(1);
    /// `exclude`.
    pub const EXCLUDED: Dropped = Dropped(2);
    /// The site keeps hosts of its country from the client's.
    pub const AVOIDED: Dropped = Dropped(4);
    /// `family`: known not to answer by it.
    pub const LACKS_FAMILY: Dropped = Dropped(8);
    /// `strict`: outside the countries asked for.
    pub const OUTSIDE: Dropped = Dropped(16);

    /// Whether one of `other` dropped the host.
    #[inline]
    pub fn by(self, other: Dropped) -> bool {
        self.0 & other.0 != 0
    }

    fn add(&mut self, other: Dropped) {
        self.0 |= other.0;
    }

    fn remove(&mut self, other: Dropped) {
        self.0 &= !other.0;
    }
}

/// Fills `dropped` with what these filters say of the hosts of a set, by position. Returns whether there are any
/// filters; without one it is left as it was.
///
/// Cost: proportional to the URLs of the set's hosts where names are excluded, else to its hosts.
pub fn drop(view: &View<'_>, query: &Query<'_>, set: Set<'_>, dropped: &mut Vec<Dropped>) -> bool {
    let kept = |country: &CountryId| query.countries.as_ref().is_none_or(|asked| !asked.contains(*country));
    let avoided = query.client.country.map(|client| view.avoided(client).filter(kept));
    let avoided: Vec<CountryId> = avoided.into_iter().flatten().collect();
    let family = query.family.filter(|_| view.knows_families());
    if query.exclude.is_none()
        && !query.strict
        && family.is_none()
        && avoided.is_empty()
        && !view.knows_only()
    {
        return false;
    }
    dropped.clear();
    dropped.resize(set.width(), Dropped::default());
    if view.knows_only() {
        only(view, query.client.country, set, dropped);
    }
    if let Some(exclude) = &query.exclude {
        excluded(view, exclude, set, dropped);
    }
    if !avoided.is_empty() {
        let is = |country| avoided.contains(&country);
        for_countries(view, set, is, |position| dropped[position].add(Dropped::AVOIDED));
    }
    if let Some(family) = family {
        for (position, member) in set.iter() {
            if view.families(view.placement_host(member.placement)).lack(family) {
                dropped[position].add(Dropped::LACKS_FAMILY);
            }
        }
    }
    if query.strict {
        outside(view, query, set, dropped);
    }
    true
}

fn only(view: &View<'_>, client: Option<CountryId>, set: Set<'_>, dropped: &mut [Dropped]) {
    let continent = client.and_then(|client| view.continent(client));
    for (position, member) in set.iter() {
        let host = view.placement_host(member.placement);
        let country = view.host_country(host);
        let inside = match view.only(host) {
            Only::Everyone => true,
            Only::Country => client.is_some() && client == country,
            Only::Continent => {
                continent.is_some() && continent == country.and_then(|country| view.continent(country))
            }
        };
        if !inside {
            dropped[position].add(Dropped::ONLY_INSIDE);
        }
    }
}

fn excluded(view: &View<'_>, exclude: &Exclude, set: Set<'_>, dropped: &mut [Dropped]) {
    let of = |country| {
        let continent = view.continent(country);
        exclude.items.iter().any(|item| match item {
            Item::Country(_, Some(one)) => *one == country,
            Item::Continent(_, Some(one)) => continent == Some(*one),
            _ => false,
        })
    };
    for_countries(view, set, of, |position| dropped[position].add(Dropped::EXCLUDED));
    let mut asns = Vec::new();
    let mut names = Vec::new();
    for item in &exclude.items {
        match item {
            Item::Asn(_, Some(asn)) => asns.extend(view.asn_hosts(*asn)),
            Item::Host(name) => names.push(&name[..]),
            _ => {}
        }
    }
    if asns.is_empty() && names.is_empty() {
        return;
    }
    asns.sort_unstable();
    names.sort_unstable();
    // A bit for each length that there is: most names differ in that.
    let lengths = names.iter().fold(0_u128, |lengths, name| lengths | 1 << name.len());
    for (position, member) in set.iter() {
        let host = view.placement_host(member.placement);
        if asns.binary_search(&host).is_ok() || !names.is_empty() && has_name(view, host, &names, lengths) {
            dropped[position].add(Dropped::EXCLUDED);
        }
    }
}

const _: () = assert!(LONGEST_HOST < u128::BITS as usize);

/// Whether a host has a URL, for this directory or another one, of one of these names, which are in order and have
/// these lengths.
fn has_name(view: &View<'_>, host: HostId, names: &[&str], lengths: u128) -> bool {
    let is_one = |name: &str| {
        name.len() <= LONGEST_HOST && lengths >> name.len() & 1 == 1 && names.binary_search(&name).is_ok()
    };
    let urls = view.host_placements(host).flat_map(|placement| view.placement_urls(PlacementId(placement)));
    urls.filter_map(|url| view.url(url)).any(|(_, url)| is_one(host_name(url)))
}

fn outside(view: &View<'_>, query: &Query<'_>, set: Set<'_>, dropped: &mut [Dropped]) {
    let Some(requested) = &query.countries else { return };
    for (position, member) in set.iter() {
        if !(requested.global && member.public) {
            dropped[position].add(Dropped::OUTSIDE);
        }
    }
    let inside = |country| requested.contains(country);
    for_countries(view, set, inside, |position| dropped[position].remove(Dropped::OUTSIDE));
}

/// Sees the position of each host of the set that is in one of the countries chosen, or stands for one.
fn for_countries(
    view: &View<'_>,
    set: Set<'_>,
    chosen: impl Fn(CountryId) -> bool,
    mut see: impl FnMut(usize),
) {
    let chosen: Vec<bool> =
        (0..view.country_count() as u16).map(|number| chosen(CountryId(number))).collect();
    let is = |country: CountryId| chosen.get(usize::from(country.0)).is_some_and(|chosen| *chosen);
    for (_, range) in set.countries().filter(|(country, _)| is(*country)) {
        set.positions(range).for_each(&mut see);
    }
    for (_, position) in set.extras().filter(|(country, _)| is(*country)) {
        see(position);
    }
    for (position, member) in set.iter() {
        if view.host_country(view.placement_host(member.placement)).is_some_and(is) {
            see(position);
        }
    }
}
