//! Which mirrors, nearest first: the table of tiers and what each of them adds.
//!
//! Source: SPEC.md §4. Each row of `TIERS` keeps one line of the table there. A host is a candidate or not by
//! [`Collector::judge`] alone, in every tier; a host is listed once, in its nearest tier.

use super::{
    below::{self, Below},
    filters::{self, Dropped},
    form::Format,
    order::{self, OrderScratch},
    pick::Pick,
    query::Query,
    reach::{Reach, Reaches},
    repeats::{self, SharedUrls, Shown},
    target::Target,
};
use crate::{
    rules::{NetblockMode, Rules},
    suspended::Usable,
};

use cache::{
    AsnId, ContinentId, CountryId, Families, HostId, Member, PlacementId, RINGS, Set, UrlId, View,
    scheme::Schemes,
};
use rand::Rng;
use wire::Tier;

/// What the tiers gave.
#[derive(Debug, Default)]
pub struct Candidates {
    /// Listed hosts, those of a tier together, nearest tier first, in the order in which they are shown.
    pub picks: Vec<Pick>,
    /// URLs of listed hosts that are not shown, for an earlier host shows them: those of each host together, in the
    /// order of `picks` and then of the cache.
    pub hidden: Vec<UrlId>,
    /// Whether the location had a candidate.
    pub location: bool,
    /// Whether a netblock had a candidate.
    pub netblock: bool,
    /// The autonomous system, if it had a candidate.
    pub asn: Option<AsnId>,
    /// Countries that had a candidate, in the order of the header.
    pub countries: Vec<CountryId>,
    /// Whether `global` had a candidate where it was asked for, or its tier was used.
    pub global: bool,
    /// Whether the origin is listed behind the hosts.
    pub origin: bool,
    /// The host that is nearer to the front than its tier has it, for those before it lack the client's version of IP.
    pub promoted: Option<PlacementId>,
}

impl Candidates {
    /// Nothing; buffers stay.
    pub fn clear(&mut self) {
        self.picks.clear();
        self.hidden.clear();
        self.countries.clear();
        (self.location, self.netblock, self.asn) = (false, false, None);
        (self.global, self.origin, self.promoted) = (false, false, None);
    }
}

/// Why a host that carries the directory is not a candidate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exclusion {
    /// It does not carry the repository's metadata, so what it has may be old.
    StaleRepodata,
    /// It lacks a repository of the archive.
    Incomplete,
    /// None of its URLs has a protocol that counts.
    NoUsableUrl,
    /// Those that have one are suspended.
    Suspended,
    /// It is not for the client's country.
    CountryNotAllowed,
    /// It is only for clients of its country or continent.
    OnlyInside,
    /// The client excludes it.
    Excluded,
    /// The site keeps hosts of its country from clients of this one.
    Avoided,
    /// It is known not to answer by the version of IP that was asked for.
    LacksFamily,
    /// It is outside the countries asked for, and only those will do.
    OutsideCountries,
}

/// One line of the table of tiers.
struct Row {
    tier: Tier,
    /// Whether the tier is used, given what those before it gave.
    used: fn(&Collector<'_>) -> bool,
    /// Lists the tier's candidates; tells whether there were any, listed before or not.
    add: fn(&mut Collector<'_>) -> bool,
    /// Whether the search ends with it if it gave any.
    last: fn(&Collector<'_>) -> bool,
}

/// The tiers, nearest first.
const TIERS: [Row; 12] = [
    Row { tier: Tier::Location, used: |_| true, add: |c| c.location(), last: |_| false },
    Row {
        tier: Tier::Netblock,
        used: |c| c.by_network() && c.view.knows_exclusive(),
        add: |c| c.exclusive_of_netblock(),
        last: |_| true,
    },
    Row {
        tier: Tier::Asn,
        used: |c| c.by_network() && c.view.knows_exclusive(),
        add: |c| c.exclusive_of_asn(),
        last: |_| true,
    },
    Row {
        tier: Tier::Netblock,
        used: |c| c.by_network(),
        add: |c| c.netblock(),
        last: |c| c.rules.netblock == NetblockMode::Only,
    },
    Row { tier: Tier::Asn, used: |c| c.by_network(), add: |c| c.asn(), last: |_| false },
    Row {
        tier: Tier::Country,
        used: |c| c.query.countries.is_some(),
        add: |c| c.requested(),
        last: |c| c.query.strict,
    },
    Row {
        tier: Tier::Near,
        used: |c| c.near_hosts > 0 && c.elsewhere(),
        add: |c| c.near_requested(),
        last: |_| false,
    },
    Row {
        tier: Tier::CountryContinent,
        used: |c| c.elsewhere(),
        add: |c| c.requested_continents(),
        last: |_| false,
    },
    Row { tier: Tier::Geoip, used: |c| c.nothing_requested(), add: |c| c.own_country(), last: |_| false },
    Row {
        tier: Tier::Near,
        used: |c| c.near_hosts > 0 && c.query.countries.is_none(),
        add: |c| c.near_client(),
        last: |_| false,
    },
    Row {
        tier: Tier::Continent,
        used: |c| c.nothing_requested(),
        add: |c| c.own_continent(),
        last: |_| false,
    },
    Row {
        tier: Tier::Global,
        used: |c| c.nothing_requested() && c.candidates.picks.len() < c.rules.minimum,
        add: |c| c.global(),
        last: |_| false,
    },
];

/// Among so many hosts of a list one is that a client is known to reach, or may be.
const FAMILY_AMONG: usize = 3;

/// Buffers of a collection, kept for the next one.
#[derive(Debug, Default)]
pub struct TierScratch {
    /// By position: listed already.
    listed: Vec<bool>,
    /// By host: its position and one; 0 for hosts that are not in the set.
    position: Vec<u32>,
    /// By host: whether it carries the repodata too, or whatever else it must.
    has_repodata: Vec<bool>,
    /// By position: which of the rarer filters dropped it, see [`Collector::filtered`].
    dropped: Vec<Dropped>,
    order: OrderScratch,
    shown: Shown,
}

/// What mirrors are chosen from, and by which rules.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// The cache.
    pub view: &'a View<'a>,
    /// The operator's rules.
    pub rules: &'a Rules,
    /// The URLs that several hosts of the cache have.
    pub shared: &'a SharedUrls,
    /// What of its URLs may be shown.
    pub usable: &'a Usable,
    /// The repositories below its directories.
    pub below: &'a Below,
    /// How its hosts are reached.
    pub reaches: &'a Reaches,
}

/// Fills `candidates` with the mirrors for a query about `target`, in their order.
///
/// Cost: proportional to the directory's hosts, whatever the query.
pub fn collect(
    source: Source<'_>,
    query: &Query<'_>,
    target: &Target<'_>,
    rng: &mut impl Rng,
    scratch: &mut TierScratch,
    candidates: &mut Candidates,
) {
    let mut collector = Collector::new(source, query, target, scratch, candidates);
    // Who is known not to be reached hides what has the same URL, though nothing is known of that.
    let hides = !source.shared.is_empty() && collector.family().is_some();
    collector.first_only = query.format == Format::Redirect && !query.links && !hides;
    collector.run(rng);
    collector.promote();
    collector.origin();
    collector.limit();
}

/// One collection under way.
pub struct Collector<'a> {
    view: &'a View<'a>,
    rules: &'a Rules,
    shared: &'a SharedUrls,
    usable: &'a Usable,
    reaches: &'a Reaches,
    query: &'a Query<'a>,
    set: Set<'a>,
    wanted: Schemes,
    /// Whether hosts must carry the repodata too, see [`TierScratch::has_repodata`].
    needs_repodata: bool,
    /// Whether there are rarer filters, see [`TierScratch::dropped`].
    filtered: bool,
    scratch: &'a mut TierScratch,
    candidates: &'a mut Candidates,
    /// The tier that is being added.
    tier: Tier,
    /// Tiers that gave a candidate, as bits.
    given: u16,
    /// Whether exclusive hosts of the client's network are the answer.
    exclusive: bool,
    /// Whether a tier's hosts are the whole answer.
    whole: bool,
    /// How many hosts nearer tiers and the tier *near* are to have together.
    near_hosts: usize,
    /// Hosts that tiers have added, whether they show anything new or not.
    added: usize,
    /// Whether [`TierScratch::position`] is filled.
    positions: bool,
    /// Whether the answer shows the first host alone, so that no tier is looked at behind the first that gave one that the
    /// client is known to reach, or may.
    first_only: bool,
}

impl<'a> Collector<'a> {
    /// A collection that has listed nothing yet.
    pub fn new(
        source: Source<'a>,
        query: &'a Query<'a>,
        target: &Target<'_>,
        scratch: &'a mut TierScratch,
        candidates: &'a mut Candidates,
    ) -> Collector<'a> {
        let Source { view, rules, shared, usable, below, reaches } = source;
        candidates.clear();
        let carriers = view.carriers(target.directory);
        let set = view.set(carriers);
        scratch.listed.clear();
        scratch.listed.resize(set.width(), false);
        scratch.shown.begin();
        let filtered = filters::drop(view, query, set, &mut scratch.dropped);
        let mut collector = Collector {
            view,
            rules,
            shared,
            usable,
            reaches,
            query,
            set,
            wanted: query.wanted(),
            needs_repodata: false,
            filtered,
            scratch,
            candidates,
            tier: Tier::None,
            given: 0,
            exclusive: false,
            whole: false,
            near_hosts: view.near_hosts(),
            added: 0,
            positions: false,
            first_only: false,
        };
        if query.format == Format::Apt {
            collector.require_all(below.sets(target.directory).map(|set| view.set(set)));
            return collector;
        }
        // Directories that share their hosts need no second look.
        if let Some(set) =
            target.repodata.map(|repodata| view.carriers(repodata)).filter(|set| *set != carriers)
        {
            collector.require(view.set(set));
        }
        collector
    }

    /// Goes through the table of tiers. The hosts of each are put into their order at once, for how many count may
    /// depend on it where they share URLs.
    pub fn run(&mut self, rng: &mut impl Rng) {
        for row in &TIERS {
            if !(row.used)(self) {
                continue;
            }
            self.tier = row.tier;
            let before = self.candidates.picks.len();
            let any = (row.add)(self);
            let has_first = self.first_only && self.leave_first(before, rng);
            if !has_first {
                self.arrange(before, rng);
            }
            if any {
                self.given |= 1 << row.tier as u16;
                if (row.last)(self) || has_first {
                    self.whole = true;
                    break;
                }
            }
        }
    }

    /// Leaves of the hosts listed from `before` on the first that the client is known to reach, or may; whether there is one.
    fn leave_first(&mut self, before: usize, rng: &mut impl Rng) -> bool {
        let tier = &self.candidates.picks[before..];
        let first = order::first((self.view, self.reaches), tier, self.query.draw, rng, |pick| {
            !self.lacks_family(pick)
        });
        let Some(first) = first else { return false };
        self.candidates.picks[0] = self.candidates.picks[before + first];
        self.candidates.picks.truncate(1);
        self.candidates.hidden.clear();
        true
    }

    /// The client's version of IP, where it is known of hosts by which they answer.
    fn family(&self) -> Option<Families> {
        self.query.client.family().filter(|_| self.view.knows_families())
    }

    /// Whether a host is known not to answer by the client's version of IP.
    fn lacks_family(&self, pick: &Pick) -> bool {
        let host = self.view.placement_host(pick.placement);
        self.family().is_some_and(|family| self.view.families(host).lack(family))
    }

    /// Orders the hosts listed from `before` on, and leaves out those that show nothing new.
    fn arrange(&mut self, before: usize, rng: &mut impl Rng) {
        let Candidates { picks, hidden, .. } = &mut *self.candidates;
        if picks.len() > before {
            let tier = &mut picks[before..];
            order::arrange((self.view, self.reaches), tier, self.query.draw, rng, &mut self.scratch.order);
            repeats::leave_out(
                self.view,
                (self.shared, self.usable),
                self.query,
                picks,
                before,
                hidden,
                &mut self.scratch.shown,
            );
        }
    }

    /// Of the first three hosts one shall not be known to lack the client's version of IP, of a redirect the first; or of as
    /// many as the client wants. If there is such a host it is moved there.
    pub fn promote(&mut self) {
        if self.family().is_none() {
            return;
        }
        let front = if self.query.format == Format::Redirect { 1 } else { FAMILY_AMONG };
        let front = self.query.limit.map_or(front, |limit| front.min(limit.get().into()));
        let first = self.candidates.picks.iter().position(|pick| !self.lacks_family(pick));
        let Some(at) = first.filter(|at| *at >= front) else { return };
        let Candidates { picks, hidden, promoted, .. } = &mut *self.candidates;
        *promoted = Some(picks[at].placement);
        let of = |picks: &[Pick]| picks.iter().map(|pick| usize::from(pick.hidden)).sum::<usize>();
        let (before, behind, own) = (of(&picks[..front - 1]), of(&picks[..=at]), picks[at].hidden.into());
        hidden[before..behind].rotate_right(own);
        picks[front - 1..=at].rotate_right(1);
    }

    /// The origin comes last, where fewer hosts are listed than suffice and the client wants more.
    pub fn origin(&mut self) {
        let most = self.query.limit.map_or(usize::MAX, |limit| limit.get().into());
        let listed = self.candidates.picks.len();
        self.candidates.origin =
            self.query.origin.is_some() && !self.whole && listed < self.rules.minimum.min(most);
    }

    /// Leaves as many hosts as the client asked for.
    pub fn limit(&mut self) {
        if let Some(limit) = self.query.limit {
            self.candidates.picks.truncate(limit.get().into());
        }
    }

    /// The positions of the listed hosts that [`Collector::limit`] takes out.
    pub fn beyond_limit(&self) -> Vec<usize> {
        let limit = self.query.limit.map_or(usize::MAX, |limit| limit.get().into());
        self.candidates.picks.iter().skip(limit).map(|pick| pick.position as usize).collect()
    }

    /// Whether a tier has added the member at `position`, listed in the end or not.
    pub fn is_added(&self, position: usize) -> bool {
        self.scratch.listed.get(position).is_some_and(|listed| *listed)
    }

    /// Makes carrying the repodata a condition, unless every host meets it, or none would.
    fn require(&mut self, repodata: Set<'_>) {
        if self.set.is_within(&repodata) {
            return;
        }
        let has_repodata = &mut self.scratch.has_repodata;
        has_repodata.clear();
        has_repodata.resize(self.view.host_count(), false);
        for (_, member) in repodata.iter() {
            if let Some(carries) = has_repodata.get_mut(self.view.placement_host(member.placement).0 as usize)
            {
                *carries = true;
            }
        }
        let carries = |host: HostId| has_repodata.get(host.0 as usize).is_some_and(|carries| *carries);
        self.needs_repodata =
            self.set.iter().any(|(_, member)| carries(self.view.placement_host(member.placement)));
    }

    /// Makes being in all of these sets a condition, unless none would be left.
    fn require_all(&mut self, sets: impl Iterator<Item = Set<'a>>) {
        let mut sets = sets.peekable();
        if sets.peek().is_none() {
            return;
        }
        let bits = below::in_all(self.view, self.set, sets);
        self.needs_repodata = bits.iter().any(|word| *word != 0);
        let complete = &mut self.scratch.has_repodata;
        complete.clear();
        complete.resize(self.view.host_count(), false);
        for (position, member) in self.set.iter() {
            if let Some(complete) = complete.get_mut(self.view.placement_host(member.placement).0 as usize) {
                *complete = bits.get(position / 32).is_some_and(|word| word >> (position % 32) & 1 != 0);
            }
        }
    }

    /// Why the host at `position`, which is a member of the set, is not a candidate; `None` when it is one. `open` tiers take the client's country
    /// into account, the nearest ones do not.
    pub fn judge(&self, position: usize, open: bool) -> Option<Exclusion> {
        let member = self.set.get(position);
        member.map_or(Some(Exclusion::NoUsableUrl), |member| self.judge_member(position, member, open))
    }

    #[inline]
    fn judge_member(&self, position: usize, member: Member, open: bool) -> Option<Exclusion> {
        let Some(&Reach { host, schemes, for_all, .. }) = self.reaches.get(member.placement) else {
            return Some(Exclusion::NoUsableUrl);
        };
        if schemes.and(self.wanted).is_empty() {
            let has_some = !self.view.placement_schemes(member.placement).and(self.wanted).is_empty();
            return Some(if has_some { Exclusion::Suspended } else { Exclusion::NoUsableUrl });
        }
        if self.needs_repodata
            && !self.scratch.has_repodata.get(host.0 as usize).is_some_and(|carries| *carries)
        {
            let whole = self.query.format == Format::Apt;
            return Some(if whole { Exclusion::Incomplete } else { Exclusion::StaleRepodata });
        }
        if open && !for_all && !self.view.is_for(host, self.query.client.country) {
            return Some(Exclusion::CountryNotAllowed);
        }
        if self.filtered { self.dropped(position, open) } else { None }
    }

    /// Which of the rarer filters was the first to drop the host at `position`.
    fn dropped(&self, position: usize, open: bool) -> Option<Exclusion> {
        let dropped = self.scratch.dropped.get(position).copied().unwrap_or_default();
        let order = [
            (Dropped::ONLY_INSIDE, Exclusion::OnlyInside),
            (Dropped::EXCLUDED, Exclusion::Excluded),
            (Dropped::AVOIDED, Exclusion::Avoided),
            (Dropped::LACKS_FAMILY, Exclusion::LacksFamily),
            (Dropped::OUTSIDE, Exclusion::OutsideCountries),
        ];
        let counts = if open { &order[..] } else { &order[1..] };
        counts.iter().find(|(by, _)| dropped.by(*by)).map(|(_, exclusion)| *exclusion)
    }

    /// Whether hosts near the client's network come first.
    fn by_network(&self) -> bool {
        self.query.countries.is_none() && self.query.use_network_tiers
    }

    /// The countries asked for gave no candidate, and others will do.
    fn elsewhere(&self) -> bool {
        self.query.countries.is_some() && !self.query.strict && !self.gave(Tier::Country)
    }

    /// The tiers before gave no candidate for the countries asked for, or none were asked for; and others will do.
    fn nothing_requested(&self) -> bool {
        let near = self.query.countries.is_some() && self.gave(Tier::Near);
        !self.query.strict && !near && !self.gave(Tier::Country) && !self.gave(Tier::CountryContinent)
    }

    /// Whether exclusive hosts of the client's network are the answer.
    pub fn is_exclusive(&self) -> bool {
        self.exclusive
    }

    /// Whether a tier gave a candidate.
    pub fn gave(&self, tier: Tier) -> bool {
        self.given & 1 << tier as u16 != 0
    }

    /// Whether a tier gave a candidate that does not take the client's country into account.
    fn nearest_gave(&self) -> bool {
        self.gave(Tier::Location) || self.gave(Tier::Netblock) || self.gave(Tier::Asn)
    }

    /// Lists the member at `position` if it is a candidate; tells whether it is. Most of a selection's work: a call for each
    /// host would count.
    #[inline(always)]
    fn add(&mut self, position: usize, length: u8) -> bool {
        let (Some(listed), Some(member)) =
            (self.scratch.listed.get(position).copied(), self.set.get(position))
        else {
            return false;
        };
        let open = !matches!(self.tier, Tier::Location | Tier::Netblock | Tier::Asn);
        // Only what one of the nearest tiers has listed need not be a candidate of the open ones.
        if listed && !(open && self.nearest_gave()) {
            return true;
        }
        if self.judge_member(position, member, open).is_some() {
            return false;
        }
        if !listed {
            self.scratch.listed[position] = true;
            self.added += 1;
            self.candidates.picks.push(Pick {
                placement: member.placement,
                position: position as u32,
                public: member.public,
                tier: self.tier,
                length,
                hidden: 0,
            });
        }
        true
    }

    /// Lists those of these hosts that are candidates.
    fn add_hosts(&mut self, hosts: impl Iterator<Item = HostId>, length: u8) -> bool {
        let mut any = false;
        for host in hosts {
            if let Some(position) = self.position(host) {
                any |= self.add(position, length);
            }
        }
        any
    }

    /// Where a host is in the set.
    fn position(&mut self, host: HostId) -> Option<usize> {
        if !self.positions {
            let positions = &mut self.scratch.position;
            positions.clear();
            positions.resize(self.view.host_count(), 0);
            for (at, member) in self.set.iter() {
                if let Some(position) =
                    positions.get_mut(self.view.placement_host(member.placement).0 as usize)
                {
                    *position = at as u32 + 1;
                }
            }
            self.positions = true;
        }
        self.scratch.position.get(host.0 as usize).and_then(|at| at.checked_sub(1)).map(|at| at as usize)
    }

    /// Hosts of the location that the client named.
    fn location(&mut self) -> bool {
        let Some((location, _)) = self.query.location else { return false };
        self.candidates.location = self.add_hosts(self.view.location_hosts(location), 0);
        self.candidates.location
    }

    /// Hosts one of whose netblocks contains the client, longest first.
    fn netblock(&mut self) -> bool {
        let mut next = self.query.client.class.netblock;
        while let Some(netblock) = next {
            let length = self.view.netblock(netblock).map_or(0, |prefix| prefix.length);
            self.candidates.netblock |= self.add_hosts(self.view.netblock_hosts(netblock), length);
            next = self.view.netblock_parent(netblock);
        }
        self.candidates.netblock
    }

    /// The exclusive hosts of the longest netblock around the client that has such a candidate.
    fn exclusive_of_netblock(&mut self) -> bool {
        let mut next = self.query.client.class.netblock;
        while let Some(netblock) = next.filter(|_| !self.exclusive) {
            let length = self.view.netblock(netblock).map_or(0, |prefix| prefix.length);
            self.exclusive = self.add_hosts(self.view.netblock_exclusive(netblock), length);
            next = self.view.netblock_parent(netblock);
        }
        self.candidates.netblock = self.exclusive;
        self.exclusive
    }

    /// The exclusive hosts of the client's autonomous system.
    fn exclusive_of_asn(&mut self) -> bool {
        let Some(asn) = self.query.client.class.asn else { return false };
        self.exclusive = self.add_hosts(self.view.asn_exclusive(asn), 0);
        self.candidates.asn = self.exclusive.then_some(asn);
        self.exclusive
    }

    /// Hosts around the first country that the client named.
    fn near_requested(&mut self) -> bool {
        let first = self.query.countries.as_ref().and_then(|countries| countries.codes.first());
        first.and_then(|code| code.1).is_some_and(|country| self.near(country))
    }

    /// Hosts around the client's country.
    fn near_client(&mut self) -> bool {
        self.query.client.country.is_some_and(|country| self.near(country))
    }

    /// Public hosts of other countries around this one: of the smallest ring with which there are as many as the site
    /// wants, else of the widest.
    fn near(&mut self, country: CountryId) -> bool {
        let (set, view, rings) = (self.set, self.view, self.view.rings(country));
        let first = |member: Member| {
            let host = view.placement_host(member.placement);
            rings.iter().position(|ring| ring.contains(host))
        };
        let mut found: Vec<(usize, usize)> = Vec::new();
        let mut new = [0; RINGS];
        for (position, member) in set.iter().filter(|(_, member)| member.public) {
            if let Some(ring) = first(member).filter(|_| self.judge_member(position, member, true).is_none())
            {
                new[ring] += usize::from(!self.is_added(position));
                found.push((ring, position));
            }
        }
        let mut listed = self.added;
        let enough = new.iter().position(|new| {
            listed += new;
            listed >= self.near_hosts
        });
        let widest = enough.unwrap_or(RINGS - 1);
        let mut countries = Vec::new();
        for (_, position) in found.iter().filter(|(ring, _)| *ring <= widest) {
            self.add(*position, 0);
            let member = set.get(*position);
            countries
                .extend(member.and_then(|member| view.host_country(view.placement_host(member.placement))));
        }
        countries.sort_unstable();
        countries.dedup();
        countries.retain(|country| !self.candidates.countries.contains(country));
        self.candidates.countries.extend(countries);
        found.iter().any(|(ring, _)| *ring <= widest)
    }

    /// Hosts that serve the client's autonomous system.
    fn asn(&mut self) -> bool {
        let Some(asn) = self.query.client.class.asn else { return false };
        let any = self.add_hosts(self.view.asn_hosts(asn), 0);
        self.candidates.asn = any.then_some(asn);
        any
    }

    /// Hosts of the countries that the client named, and every public one for `global`.
    fn requested(&mut self) -> bool {
        let Some(requested) = &self.query.countries else { return false };
        self.add_countries(|_, country| requested.contains(country));
        // As requested, not by code.
        let found = std::mem::take(&mut self.candidates.countries);
        let order =
            requested.codes.iter().filter_map(|code| code.1).filter(|country| found.contains(country));
        self.candidates.countries.extend(order);
        if requested.global {
            self.candidates.global = self.add_public();
        }
        self.candidates.global || !self.candidates.countries.is_empty()
    }

    /// Hosts of the continents of the countries that the client named, without those countries.
    fn requested_continents(&mut self) -> bool {
        let Some(requested) = &self.query.countries else { return false };
        let known = requested.codes.iter().filter_map(|code| code.1);
        let continents: Vec<ContinentId> = known.filter_map(|country| self.view.continent(country)).collect();
        self.add_countries(|view, country| {
            view.continent(country).is_some_and(|one| continents.contains(&one))
                && !requested.contains(country)
        })
    }

    /// Hosts of the client's country.
    fn own_country(&mut self) -> bool {
        let Some(own) = self.query.client.country else { return false };
        let set = self.set;
        let mut any = false;
        for position in set.positions(set.country(own)) {
            any |= self.add(position, 0);
        }
        for (_, position) in set.extras().filter(|(country, _)| *country == own) {
            any |= self.add(position, 0);
        }
        if any && !self.candidates.countries.contains(&own) {
            self.candidates.countries.push(own);
        }
        any
    }

    /// Hosts of the other countries of the client's continent.
    fn own_continent(&mut self) -> bool {
        let Some(own) = self.query.client.country else { return false };
        let Some(continent) = self.view.continent(own) else { return false };
        self.add_countries(|view, country| country != own && view.continent(country) == Some(continent))
    }

    /// Every public host.
    fn global(&mut self) -> bool {
        self.candidates.global = self.add_public();
        self.candidates.global
    }

    fn add_public(&mut self) -> bool {
        let mut any = false;
        let set = self.set;
        for (position, member) in set.iter() {
            if member.public {
                any |= self.add(position, 0);
            }
        }
        any
    }

    /// Lists the hosts that stand for the countries chosen, and notes those countries that had a candidate, by code.
    #[inline]
    fn add_countries(&mut self, chosen: impl Fn(&View<'_>, CountryId) -> bool) -> bool {
        let from = self.candidates.countries.len();
        let set = self.set;
        let mut given = false;
        for (country, range) in set.countries() {
            if !range.is_empty() && chosen(self.view, country) {
                let mut any = false;
                for position in set.positions(range) {
                    any |= self.add(position, 0);
                }
                given |= any;
                if any && !self.candidates.countries[..from].contains(&country) {
                    self.candidates.countries.push(country);
                }
            }
        }
        for (country, position) in set.extras() {
            if chosen(self.view, country) && self.add(position, 0) {
                given = true;
                let found = &mut self.candidates.countries;
                if let Err(at) = found[from..].binary_search(&country)
                    && !found[..from].contains(&country)
                {
                    found.insert(from + at, country);
                }
            }
        }
        given
    }
}
