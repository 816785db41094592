//! Which mirrors, and in what groups: SPEC.md §4 and the header tokens of §6 that come of it.

use super::{
    client::Client,
    facts::{Facts, Hosts, Url, code, country_point, distance},
    question::{Bytes, Excluded, Question, could_be_known, repeated},
    subject::Subject,
};
use answer::rules::{NetblockMode, Rules};
use std::collections::{BTreeMap, BTreeSet};
use wire::{Kind, Tier};

/// The hosts of an answer, nearest first.
#[derive(Debug, Default)]
pub struct Selection {
    /// Hosts whose order among themselves is left to chance; a netblock tier has one group for each length.
    pub groups: Vec<Group>,
    /// Whether these are the whole answer, so that no origin follows.
    pub whole: bool,
    /// The tokens that say how they were found.
    pub header: String,
    /// The hosts of the tier *global* and its token, where that tier is used if fewer than `minimum` hosts of the groups
    /// are listed: where hosts share URLs, how many are depends on their order.
    pub global: Option<(Hosts, String)>,
}

impl Selection {
    /// The same hosts.
    pub fn without_tokens(&self) -> Selection {
        let global = self.global.as_ref().map(|(hosts, _)| (hosts.clone(), String::new()));
        Selection { groups: self.groups.clone(), whole: self.whole, header: String::new(), global }
    }
}

/// Hosts that follow each other in any order.
#[derive(Clone, Debug)]
pub struct Group {
    pub tier: Tier,
    pub hosts: Hosts,
}

/// Hosts that carry the directory, with the URLs that the request can use.
pub type Candidates<'a> = BTreeMap<i64, Vec<&'a Url>>;

/// The candidates of a request; `schemes` are those of the web that count.
pub fn candidates<'a>(
    facts: &Facts,
    subject: &Subject<'a>,
    question: &Question,
    client: &Client,
    kind: Kind,
    schemes: &[&str],
) -> Candidates<'a> {
    // "of the web alone: a redirect, apt's list, metalink 4".
    let web = matches!(kind, Kind::Redirect | Kind::Apt | Kind::Metalink4);
    let counts = |url: &Url| {
        let asked = match &question.protocols {
            Some(kept) => kept.contains(&url.scheme),
            None => url.scheme != "rsync",
        };
        asked && (!web || schemes.contains(&url.scheme))
    };
    // "(a metalink then gives all URLs of such a host, rsync too)".
    let all_urls = matches!(kind, Kind::Metalink | Kind::Json | Kind::Page) && question.protocols.is_none();
    let dropped = |host: i64| {
        is_excluded(facts, subject, question, host)
            || is_avoided(facts, subject, question, client, host)
            || question.family.is_some_and(|family| facts.lacks(host, family))
    };
    let mut candidates = BTreeMap::new();
    for (host, urls) in &subject.directory.carriers {
        let fresh = subject.fresh.as_ref().is_none_or(|fresh| fresh.contains(host));
        if fresh && urls.iter().any(counts) && !dropped(*host) {
            candidates.insert(*host, urls.iter().filter(|url| all_urls || counts(url)).collect());
        }
    }
    candidates
}

/// "counts in every tier".
pub fn is_excluded(facts: &Facts, subject: &Subject<'_>, question: &Question, host: i64) -> bool {
    question.exclude.iter().any(|item| match item {
        Excluded::Country(code) => is_of(facts, subject, host, code),
        Excluded::Continent(continent) => {
            let countries = facts.continents.iter().filter(|(_, of)| *of == continent);
            countries.into_iter().any(|(code, _)| is_of(facts, subject, host, code))
        }
        Excluded::As(number) => facts.as_hosts.get(number).is_some_and(|hosts| hosts.contains(&host)),
        Excluded::Name(name) => facts.host_names.get(&host).is_some_and(|names| names.contains(name)),
        Excluded::Origin => false,
    })
}

/// "`[avoid] UA = ["RU"]`: site rule, unless `country=` asks for it".
pub fn is_avoided(
    facts: &Facts,
    subject: &Subject<'_>,
    question: &Question,
    client: &Client,
    host: i64,
) -> bool {
    let asked = codes(question.countries.as_deref().unwrap_or_default());
    let avoid = facts.choice.avoid.iter().filter(|(of, _)| client.country.as_deref() == Some(of.as_str()));
    let avoided = avoid.flat_map(|(_, avoided)| avoided).map(ToString::to_string);
    let mut avoided = avoided.filter(|country| !asked.contains(country));
    avoided.any(|country| is_of(facts, subject, host, &country))
}

/// Whether a host is in a country or stands for it in the directory.
fn is_of(facts: &Facts, subject: &Subject<'_>, host: i64, country: &str) -> bool {
    facts.host_country.get(&host).is_some_and(|own| own == country)
        || subject.directory.by_country.get(country).is_some_and(|hosts| hosts.contains(&host))
}

/// Whether a host is of the countries asked for.
pub fn is_requested(subject: &Subject<'_>, facts: &Facts, question: &Question, host: i64) -> bool {
    let items = question.countries.as_deref().unwrap_or_default();
    let global = items.iter().any(|item| item == b"GLOBAL");
    global && subject.directory.global.contains(&host)
        || codes(items).iter().any(|country| is_of(facts, subject, host, country))
}

/// "A host may be `only = "country"` or `"continent"`: for clients inside".
pub fn is_inside(facts: &Facts, client: &Client, host: i64) -> bool {
    let (Some(only), client) = (facts.only.get(&host), &client.country) else { return true };
    let (Some(client), Some(own)) = (client, facts.host_country.get(&host)) else { return false };
    let continent = |country| facts.continents.get(country);
    match &only[..] {
        "country" => client == own,
        _ => continent(client).is_some() && continent(client) == continent(own),
    }
}

/// Goes through the table of §4, row by row.
pub fn select(
    facts: &Facts,
    rules: &Rules,
    question: &Question,
    client: &Client,
    subject: &Subject<'_>,
    candidates: &Candidates<'_>,
) -> Selection {
    let (selection, listed) = (Selection::default(), Hosts::new());
    let mut answer = Answer { facts, client, subject, candidates, selection, listed, named: BTreeSet::new() };
    answer.location(question);
    if question.countries.is_none() && question.netblock {
        if answer.exclusive() {
            answer.selection.whole = true;
            return answer.selection;
        }
        let found = answer.netblock();
        if found && rules.netblock == NetblockMode::Only {
            answer.selection.whole = true;
            return answer.selection;
        }
        answer.asn();
    }
    if let Some(items) = &question.countries {
        if answer.requested(items) || question.strict {
            return answer.selection;
        }
        let near = codes(items).first().is_some_and(|first| answer.near(first));
        if answer.continents_of_requested(items) || near {
            return answer.selection;
        }
    }
    answer.own_country();
    if let Some(own) = client.country.as_ref().filter(|_| question.countries.is_none()) {
        answer.near(own);
    }
    answer.own_continent();
    if answer.listed.len() < rules.minimum || rules.minimum > 0 && any_url_twice(candidates) {
        answer.global();
    }
    answer.selection
}

/// An answer being put together.
struct Answer<'a> {
    facts: &'a Facts,
    client: &'a Client,
    subject: &'a Subject<'a>,
    candidates: &'a Candidates<'a>,
    selection: Selection,
    /// Hosts of all groups so far.
    listed: Hosts,
    /// Countries that the header names so far.
    named: BTreeSet<String>,
}

impl Answer<'_> {
    fn location(&mut self, question: &Question) {
        let name = question.location.as_ref().and_then(|name| could_be_known(name));
        let Some((name, hosts)) = name.and_then(|name| self.facts.locations.get_key_value(name)) else {
            return;
        };
        let mut hosts = self.carried(hosts);
        if question.strict {
            // "nor location hosts outside these countries".
            hosts.retain(|host| is_requested(self.subject, self.facts, question, *host));
        }
        if self.list(Tier::Location, hosts) {
            self.selection.header += &format!("Using location {} ", repeated(name.as_bytes()));
        }
    }

    /// "netblock: longest matching prefix of the host first" (§5). True if it gave a candidate.
    fn netblock(&mut self) -> bool {
        let mut found = false;
        for hosts in self.client.netblock_hosts(self.facts) {
            found |= self.list(Tier::Netblock, self.carried(&hosts));
        }
        if found {
            self.selection.header += "Using preferred netblock ";
        }
        found
    }

    fn asn(&mut self) {
        let served = self.client.asn.and_then(|number| self.facts.as_hosts.get_key_value(&number));
        let Some((number, hosts)) = served else { return };
        if self.list(Tier::Asn, self.carried(hosts)) {
            self.selection.header += &format!("Using ASN {number} ");
        }
    }

    /// "Of the client's netblocks with at least one exclusive host that is a candidate, the longest: its exclusive hosts are
    /// the whole answer ... failing that, its AS likewise."
    fn exclusive(&mut self) -> bool {
        let mut around: Vec<_> = (self.facts.exclusive_netblocks.iter())
            .filter(|(net, _)| self.client.address.is_some_and(|address| net.contains(address)))
            .collect();
        around.sort_by_key(|(net, _)| std::cmp::Reverse(net.length()));
        for (_, hosts) in around {
            if self.list(Tier::Netblock, self.carried(hosts)) {
                self.selection.header += "Using preferred netblock ";
                return true;
            }
        }
        let Some(number) = self.client.asn else { return false };
        let Some(hosts) = self.facts.exclusive_as.get(&number) else { return false };
        let found = self.list(Tier::Asn, self.carried(hosts));
        if found {
            self.selection.header += &format!("Using ASN {number} ");
        }
        found
    }

    /// "the tier is the smallest bitmap with which at least `near-hosts` hosts are listed ... else the 4,000 km one as it
    /// is". True if it gave a candidate.
    fn near(&mut self, country: &str) -> bool {
        let wanted = self.facts.choice.near_hosts as usize;
        if wanted == 0 {
            return false;
        }
        let public = self.welcome(&self.subject.directory.global);
        let within = |km: f64| -> Hosts {
            public.iter().filter(|host| self.is_near(country, **host, km)).copied().collect()
        };
        let enough = |hosts: &Hosts| self.listed.union(hosts).count() >= wanted;
        let mut ring = within(1000.0);
        if !enough(&ring) {
            ring = within(2000.0);
        }
        if !enough(&ring) {
            ring = within(4000.0);
        }
        let of = |host: &i64| self.facts.host_country.get(host).cloned();
        let countries: BTreeSet<String> = ring.iter().filter_map(of).collect();
        self.name_countries(countries.into_iter().map(|country| (country, ring.clone())).collect());
        self.list(Tier::Near, ring)
    }

    fn is_near(&self, country: &str, host: i64, km: f64) -> bool {
        let of = self.facts.host_country.get(&host).map_or("", |of| of);
        if of == country {
            return false;
        }
        if let Some((_, said)) = self.facts.choice.neighbours.iter().find(|(of, _)| of.as_str() == country) {
            if said.never.iter().any(|never| never.as_str() == of) {
                return false;
            }
            if !said.named.is_empty() {
                return said.named.iter().any(|named| named.as_str() == of);
            }
        }
        match (country_point(country), self.facts.place(host)) {
            (Some(point), Some(place)) => distance(point, place) <= km,
            _ => false,
        }
    }

    /// Hosts of the requested countries, named as requested, then `global`. True if it gave a candidate.
    fn requested(&mut self, items: &[Bytes]) -> bool {
        let sets = codes(items).into_iter().map(|country| self.of_country(country)).collect::<Vec<_>>();
        let global = if items.iter().any(|item| item == b"GLOBAL") {
            self.welcome(&self.subject.directory.global)
        } else {
            Hosts::new()
        };
        let all: Hosts = union(&sets).union(&global).copied().collect();
        self.name_countries(sets);
        self.name_global(&global);
        self.list(Tier::Country, all)
    }

    /// "hosts of the requested countries' continents, without those countries". True if it gave a candidate.
    fn continents_of_requested(&mut self, items: &[Bytes]) -> bool {
        let requested = codes(items);
        let continents: BTreeSet<&String> =
            requested.iter().filter_map(|country| self.facts.continents.get(country)).collect();
        let countries = self.facts.continents.iter().filter(|(_, continent)| continents.contains(continent));
        let others = countries.map(|(country, _)| country).filter(|country| !requested.contains(country));
        let sets: Vec<_> = others.map(|country| self.of_country(country.clone())).collect();
        let all = union(&sets);
        self.name_countries(sets);
        self.list(Tier::CountryContinent, all)
    }

    fn own_country(&mut self) {
        let Some(own) = &self.client.country else { return };
        let set = self.of_country(own.clone());
        self.list(Tier::Geoip, set.1.clone());
        self.name_countries(vec![set]);
    }

    fn own_continent(&mut self) {
        let Some(continent) = self.client.continent(self.facts) else { return };
        let countries = self.facts.continents.iter().filter(|(_, other)| *other == continent);
        let others = countries
            .map(|(country, _)| country)
            .filter(|other| Some(*other) != self.client.country.as_ref());
        let sets: Vec<_> = others.map(|country| self.of_country(country.clone())).collect();
        self.list(Tier::Continent, union(&sets));
        self.name_countries(sets);
    }

    fn global(&mut self) {
        let hosts = self.welcome(&self.subject.directory.global);
        let before = self.selection.header.len();
        self.name_global(&hosts);
        let token = self.selection.header.split_off(before);
        self.selection.global = Some((hosts.difference(&self.listed).copied().collect(), token));
    }

    /// Those of the hosts that are candidates.
    fn carried(&self, hosts: &Hosts) -> Hosts {
        hosts.iter().filter(|host| self.candidates.contains_key(host)).copied().collect()
    }

    /// Those that are candidates and for clients of this country: "a host with such a list is dropped from every tier
    /// but location, netblock and asn unless the client's country is on it. Unknown country: dropped."
    fn welcome(&self, hosts: &Hosts) -> Hosts {
        let mut hosts = self.carried(hosts);
        hosts.retain(|host| match (self.facts.allowed.get(host), &self.client.country) {
            (None, _) => true,
            (Some(allowed), Some(country)) => allowed.contains(country),
            (Some(_), None) => false,
        });
        hosts.retain(|host| is_inside(self.facts, self.client, *host));
        hosts
    }

    /// A country and its hosts after all filters.
    fn of_country(&self, country: String) -> (String, Hosts) {
        let hosts = self.subject.directory.by_country.get(&country);
        let hosts = hosts.map(|hosts| self.welcome(hosts)).unwrap_or_default();
        (country, hosts)
    }

    /// Lists those hosts of a tier that no nearer one has. True if the tier gave a candidate, listed before or not.
    fn list(&mut self, tier: Tier, hosts: Hosts) -> bool {
        let new: Hosts = hosts.difference(&self.listed).copied().collect();
        self.listed.extend(&new);
        if !new.is_empty() {
            self.selection.groups.push(Group { tier, hosts: new });
        }
        !hosts.is_empty()
    }

    /// "`country = CC` for each country whose set is not empty after all filters".
    fn name_countries(&mut self, sets: Vec<(String, Hosts)>) {
        for (country, _) in sets.into_iter().filter(|(_, hosts)| !hosts.is_empty()) {
            if self.named.insert(country.clone()) {
                self.selection.header += &format!("country = {country} ");
            }
        }
    }

    /// "`country = global` if it was asked for with a result or its tier was used": used is read as: with a candidate.
    fn name_global(&mut self, hosts: &Hosts) {
        if !hosts.is_empty() {
            self.selection.header += "country = global ";
        }
    }
}

/// Whether some hosts have a URL in common.
fn any_url_twice(candidates: &Candidates<'_>) -> bool {
    let mut seen = BTreeSet::new();
    candidates.values().flatten().any(|url| !seen.insert(&url.text))
}

/// The items that are country codes; the others have no hosts.
fn codes(items: &[Bytes]) -> Vec<String> {
    items.iter().filter_map(|item| code(std::str::from_utf8(item).ok()?)).collect()
}

fn union(sets: &[(String, Hosts)]) -> Hosts {
    sets.iter().flat_map(|(_, hosts)| hosts).copied().collect()
}
