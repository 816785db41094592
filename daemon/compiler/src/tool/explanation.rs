//! Why a request gets the mirrors it gets, for a person or a script.

use super::{
    hosts::{self, code},
    known::Known,
    shown::{Shown, whole},
};
use answer::{
    Service,
    render::{metalink4, unlisted::Reasons},
    select::{
        explain::{Unlisted, Verdict, explain},
        file::{Leads, Why},
        form::{Endpoint, Format},
        ignored::ignored,
        query::{FileQuery, Query},
        target::{Subject, Target},
        tiers::{Candidates, Exclusion, Source},
    },
};
use cache::{
    CountryId, HostId, Origin, PlacementId, UrlId, View,
    place::Place,
    scheme::{Scheme, Schemes},
};
use program::print::{counted, date};
use rand::Rng;
use serde::Serialize;
use std::fmt::{self, Write as _};
use wire::{Request, Tier};

/// One request, explained. The field names are those of the JSON form.
#[derive(Debug, Serialize)]
pub struct Explanation {
    client: Client,
    /// What was asked for.
    asked: Option<String>,
    /// The directory that it is about.
    directory: Option<String>,
    /// The file in it.
    file: Option<String>,
    /// Another directory that mirrors must carry too.
    must_also_carry: Option<String>,
    /// Parameters and values that count for nothing, and why.
    ignored: Vec<String>,
    /// Why there are no mirrors to speak of.
    refused: Option<String>,
    /// The origin that a path of the redirector leads to, and why.
    origin: Option<String>,
    /// Every host that carries the directory, listed ones first; or the one that was asked about.
    hosts: Vec<Host>,
    /// Whether it is about one host.
    #[serde(skip)]
    of_one: bool,
}

#[derive(Debug, Serialize)]
struct Client {
    address: Option<String>,
    class: u32,
    country: Option<String>,
    /// Where the country comes from.
    country_from: &'static str,
    continent: Option<String>,
    /// Its autonomous system, if hosts serve it.
    asn: Option<u32>,
    /// The hosts that serve it.
    asn_hosts: Vec<i64>,
    /// Netblocks of hosts that contain it, longest first.
    netblocks: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Host {
    id: i64,
    /// Those in the answer; of a host that is not listed, those that it has.
    urls: Vec<String>,
    country: Option<String>,
    bandwidth: u32,
    /// How far it is from the client's country, as far as that is known.
    km: Option<u32>,
    #[serde(flatten)]
    known: Known,
    /// Whether it is a public mirror of the directory; absent where it does not carry it.
    public: Option<bool>,
    /// The countries that it is for; absent when it is for all.
    countries_allowed: Option<Vec<String>>,
    /// Its place in the answer, from 1.
    place: Option<usize>,
    tier: Option<&'static str>,
    /// Length of the netblock that brought it here.
    netblock_length: Option<u8>,
    /// Whether it is before others of nearer tiers, which do not answer by the client's version of IP.
    moved_up: bool,
    /// Why it is not listed, or not shown.
    out: Option<String>,
}

/// What mirrors are chosen from.
fn source<'a>(service: &'a Service<'a>) -> Source<'a> {
    Source {
        view: &service.view,
        rules: &service.rules,
        shared: service.fragments.shared(),
        usable: service.fragments.usable(),
        below: service.fragments.below(),
        reaches: service.fragments.reaches(),
    }
}

impl Explanation {
    /// Explains one request, for all hosts that carry the directory or for one of the cache.
    ///
    /// The answer that it is about is the one that the same dice give.
    pub fn of(
        service: &Service<'_>,
        request: &Request<'_>,
        host: Option<HostId>,
        now: u64,
        dice: &mut (impl Rng + Clone),
    ) -> Explanation {
        let view = &service.view;
        let mut explanation = Explanation {
            client: Client::nobody(),
            asked: None,
            directory: None,
            file: None,
            must_also_carry: None,
            ignored: Vec::new(),
            refused: None,
            origin: None,
            hosts: Vec::new(),
            of_one: host.is_some(),
        };
        let below = service.below(request.path);
        let resolved = below
            .map(|(redirector, below)| Query::of_file(view, request, below.path(), redirector.sticky, now));
        let (query, file) = match resolved {
            Some((query, file)) => (Some(query), Some(file)),
            None => (Query::resolve(view, request), None),
        };
        let Some(mut query) = query else {
            explanation.refused = Some("the path asks for neither mirrorlist nor metalink".into());
            return explanation;
        };
        explanation.client = Client::of(view, &query);
        explanation.ignored = ignored(view, request.query, &query, usize::MAX);
        explanation.asked = query.named.subject.as_ref().map(|subject| match subject {
            Subject::RepoArch { repo, arch } => format!("repo {}, arch {}", lossy(repo), lossy(arch)),
            Subject::Path(path) => format!("path {}", lossy(path)),
        });
        let origin = query.origin.filter(|_| file.is_some() && query.format == Format::Redirect);
        let leads = |origin: Origin<'_>, why: Why| Some(format!("{}: {why}", origin.url));
        if let (Some(FileQuery { leads: Leads::Origin(why), .. }), Some(origin)) = (&file, origin) {
            explanation.origin = leads(origin, *why);
            return explanation;
        }
        // Who came by http is led on by it where that is possible.
        let may = query.web;
        if query.endpoint == Endpoint::File
            && query.is_web()
            && query.format.hash().is_none()
            && let Ok(target) = &query.target.clone()
        {
            query.web = may.and(Schemes::NONE.with(Scheme::Http));
            if query.web.is_empty()
                || explain(source(service), &query, target, &mut dice.clone()).0.picks.is_empty()
            {
                query.web = may.without(Scheme::Http);
            }
        }
        match &query.target {
            Err(refusal) => explanation.refused = Some(refusal.to_string()),
            Ok(target) if query.format.needs_details() && target.details.is_none() => {
                explanation.refused = Some("a metalink needs hashes of the file, the cache has none".into());
            }
            Ok(target) => {
                let shown = Shown::of(service, request, now, &mut dice.clone());
                explanation.describe(service, &query, target, &shown, dice);
                let any = explanation.hosts.iter().any(|host| host.place.is_some());
                explanation.origin = origin.filter(|_| !any).and_then(|origin| leads(origin, Why::NoMirror));
                if let Some(host) = host {
                    explanation.keep(view, &query, target, host);
                }
            }
        }
        explanation
    }

    fn describe(
        &mut self,
        service: &Service<'_>,
        query: &Query<'_>,
        target: &Target<'_>,
        shown: &Shown,
        dice: &mut impl Rng,
    ) {
        let view = &service.view;
        let path = |directory| {
            let mut path = Vec::new();
            view.directory_path(directory, &mut path);
            lossy(&path)
        };
        self.directory = Some(path(target.directory));
        self.must_also_carry = target.repodata.map(path);
        self.file = target.file.as_deref().map(lossy);
        let (candidates, verdicts) = explain(source(service), query, target, dice);
        let described = Described { service, query, target, shown, candidates: &candidates };
        let mut hidden = &candidates.hidden[..];
        self.hosts = verdicts.iter().map(|verdict| described.host(verdict, &mut hidden)).collect();
    }

    /// Drops all hosts but one, which need not carry the directory.
    fn keep(&mut self, view: &View<'_>, query: &Query<'_>, target: &Target<'_>, host: HostId) {
        let (id, client) = (view.host_source_id(host), query.client.country);
        self.hosts.retain(|described| described.id == id);
        if self.hosts.is_empty() {
            let urls = hosts::urls(view, host).into_iter().map(str::to_owned).collect();
            let mut subpath = Vec::new();
            view.directory_path(target.directory, &mut subpath);
            let out = Some(format!("does not carry the directory {}", lossy(&subpath)));
            self.hosts.push(Host { urls, out, ..Host::bare(view, client, host) });
        }
    }
}

impl Client {
    fn nobody() -> Client {
        Client {
            address: None,
            class: 0,
            country: None,
            country_from: "nowhere",
            continent: None,
            asn: None,
            asn_hosts: Vec::new(),
            netblocks: Vec::new(),
        }
    }

    fn of(view: &View<'_>, query: &Query<'_>) -> Client {
        let client = &query.client;
        let mut netblocks = Vec::new();
        let mut next = client.class.netblock;
        while let Some(netblock) = next {
            netblocks.extend(view.netblock(netblock).map(|prefix| prefix.to_string()));
            next = view.netblock_parent(netblock);
        }
        Client {
            address: client.address.map(|address| address.to_string()),
            class: client.class.number,
            country: code(view, client.country),
            country_from: match client.country {
                None => "nowhere",
                Some(_) if client.embedded => "the IPv4 address in it",
                Some(_) if client.class.corrected => "the cache's overrides",
                Some(_) => "GeoIP",
            },
            continent: client
                .country
                .and_then(|country| view.continent(country))
                .and_then(|continent| view.continent_code(continent))
                .map(|continent| continent.to_string()),
            asn: client.class.asn.map(|asn| view.asn_number(asn)),
            asn_hosts: client.class.asn.map_or_else(Vec::new, |asn| {
                view.asn_hosts(asn).map(|host| view.host_source_id(host)).collect()
            }),
            netblocks,
        }
    }
}

impl Host {
    /// What a cache knows of a host, whatever is asked.
    fn bare(view: &View<'_>, client: Option<CountryId>, host: HostId) -> Host {
        let from = client.and_then(|country| view.country_code(country)).and_then(Place::of);
        Host {
            id: view.host_source_id(host),
            urls: Vec::new(),
            country: code(view, view.host_country(host)),
            bandwidth: view.bandwidth(host),
            km: from.zip(view.place(host)).map(|(from, place)| from.km(place).round() as u32),
            known: Known::of(view, host),
            public: None,
            countries_allowed: view
                .countries_allowed(host)
                .map(|allowed| allowed.filter_map(|country| code(view, Some(country))).collect()),
            place: None,
            tier: None,
            netblock_length: None,
            moved_up: false,
            out: None,
        }
    }
}

/// A request that was resolved and shown.
struct Described<'a> {
    service: &'a Service<'a>,
    query: &'a Query<'a>,
    target: &'a Target<'a>,
    shown: &'a Shown,
    candidates: &'a Candidates,
}

impl Described<'_> {
    /// What became of a host. `hidden` are the URLs not shown of this host and of those listed behind it.
    fn host(&self, verdict: &Verdict, hidden: &mut &[UrlId]) -> Host {
        let view = &self.service.view;
        let placement = verdict.member.placement;
        let host = view.placement_host(placement);
        let client = self.query.client.country;
        let mut described = Host { public: Some(verdict.member.public), ..Host::bare(view, client, host) };
        let whole = |url: UrlId| view.url(url).map(|(_, text)| whole(view, self.target, text));
        match verdict.outcome {
            Ok((place, pick)) => {
                described.place = Some(place + 1);
                described.tier = Some(pick.tier.name());
                described.moved_up = self.candidates.promoted == Some(placement);
                described.netblock_length = (pick.tier == Tier::Netblock).then_some(pick.length);
                let (of_host, behind) = hidden.split_at_checked(pick.hidden.into()).unwrap_or_default();
                *hidden = behind;
                let urls = view.placement_urls(placement).filter(|url| !of_host.contains(url));
                let urls = urls.filter_map(whole).filter(|url| self.shown.has(url));
                described.urls = urls.map(|url| lossy(&url)).collect();
                if described.urls.is_empty() {
                    described.out = Some(self.not_shown());
                }
            }
            Err(unlisted) => {
                described.urls =
                    view.placement_urls(placement).filter_map(whole).map(|url| lossy(&url)).collect();
                described.out = Some(match unlisted {
                    Unlisted::Excluded(Exclusion::Suspended) => self.suspended(placement),
                    _ => self.reasons().reason(host, unlisted),
                });
            }
        }
        described
    }

    fn reasons(&self) -> Reasons<'_> {
        let Described { service, query, .. } = self;
        Reasons { view: &service.view, query, rules: &service.rules }
    }

    /// Why a host that has a place shows no URL.
    fn not_shown(&self) -> String {
        match self.query.format {
            Format::Redirect => "behind the mirror that the redirect leads to".into(),
            Format::Metalink4 => format!("behind the {} hosts of a metalink 4", metalink4::HOSTS),
            _ => "beyond the limit of an answer, 1 MiB".into(),
        }
    }

    /// Why a host is suspended: what is said of each of its URLs.
    fn suspended(&self, placement: PlacementId) -> String {
        let usable = self.service.fragments.usable();
        let lines = self.service.view.placement_urls(placement).filter_map(|url| usable.line(url));
        let lines = lines.map(|line| {
            let time = |seconds| date(seconds).unwrap_or_else(|| "an unknown time".into());
            format!("{} since {} ({}) until {}", line.url, time(line.since), line.reason, time(line.until))
        });
        format!("suspended: {}", lines.collect::<Vec<_>>().join(", "))
    }
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let client = &self.client;
        let or = |text: &Option<String>, none: &str| text.clone().unwrap_or_else(|| none.into());
        writeln!(f, "client     {} (class {})", or(&client.address, "unknown"), client.class)?;
        writeln!(
            f,
            "country    {} (from {}), continent {}",
            or(&client.country, "unknown"),
            client.country_from,
            or(&client.continent, "unknown")
        )?;
        let asn = match client.asn {
            None => "unknown, or one that no host serves".into(),
            Some(asn) => format!("{asn}, served by {}", counted(client.asn_hosts.len(), "host", "hosts")),
        };
        writeln!(f, "AS         {asn}")?;
        let netblocks =
            if client.netblocks.is_empty() { "none".into() } else { client.netblocks.join(" in ") };
        writeln!(f, "netblocks  {netblocks}")?;
        writeln!(f, "asked for  {}", or(&self.asked, "nothing"))?;
        for ignored in &self.ignored {
            writeln!(f, "ignored    {ignored}")?;
        }
        if let Some(refused) = &self.refused {
            return writeln!(f, "refused    {refused}");
        }
        if let Some(origin) = &self.origin {
            writeln!(f, "origin     {origin}")?;
        }
        if self.origin.is_some() && self.directory.is_none() {
            return Ok(());
        }
        writeln!(f, "directory  {}", or(&self.directory, "none"))?;
        if let Some(file) = &self.file {
            writeln!(f, "file       {file}")?;
        }
        if let Some(repodata) = &self.must_also_carry {
            writeln!(f, "also       {repodata} must be carried too")?;
        }
        if self.of_one {
            return self.hosts.iter().try_for_each(|host| write!(f, "{}", host.text()));
        }
        let whys: Vec<String> =
            self.hosts.iter().map(|host| host.out.clone().unwrap_or_else(|| host.tier_text())).collect();
        let width = whys.iter().map(|why| why.chars().count()).max().unwrap_or_default().clamp(20, 60);
        writeln!(
            f,
            "\n{:>5}  {:<width$} {:>8}  {:<3} {:>6} {:>9}  {:<7}  URLs",
            "place", "tier or why not", "host", "in", "km", "bandwidth", "public"
        )?;
        for (host, why) in self.hosts.iter().zip(&whys) {
            let place = host.place.map_or("-".into(), |place| place.to_string());
            let public = if host.public == Some(true) { "yes" } else { "private" };
            let country = or(&host.country, "-");
            let km = host.km.map_or("-".into(), |km| km.to_string());
            let (id, bandwidth, urls) = (host.id, host.bandwidth, host.urls.join(" "));
            writeln!(
                f,
                "{place:>5}  {why:<width$} {id:>8}  {country:<3} {km:>6} {bandwidth:>9}  {public:<7}  {urls}"
            )?;
        }
        Ok(())
    }
}

impl Host {
    /// Why it is listed.
    fn tier_text(&self) -> String {
        let mut text = self.tier.unwrap_or_default().to_owned();
        if let Some(length) = self.netblock_length {
            // Writing to a string does not fail.
            let _ = write!(text, " /{length}");
        }
        if self.moved_up {
            text.push_str(", moved up: those behind lack the client's version of IP");
        }
        text
    }

    /// For a person who asked for this host alone.
    fn text(&self) -> String {
        let country = self.country.as_deref().unwrap_or("unknown");
        let public = match self.public {
            None => "",
            Some(true) => ", public",
            Some(false) => ", private",
        };
        let mut text =
            format!("host       {}, country {country}, bandwidth {}{public}", self.id, self.bandwidth);
        if let Some(allowed) = &self.countries_allowed {
            let _ = write!(text, ", only for {}", allowed.join(", "));
        }
        if let Some(km) = self.km {
            let _ = write!(text, ", {km} km from the client's country");
        }
        let known = self.known.to_string();
        if !known.is_empty() {
            let _ = write!(text, ", {known}");
        }
        let _ = match (self.place, &self.out) {
            (Some(place), None) => writeln!(text, "\nlisted     at place {place}, tier {}", self.tier_text()),
            (Some(place), Some(out)) => {
                writeln!(text, "\nnot shown  {out}; place {place}, tier {}", self.tier_text())
            }
            (None, out) => writeln!(text, "\nnot listed {}", out.as_deref().unwrap_or_default()),
        };
        for url in &self.urls {
            let _ = writeln!(text, "URL        {url}");
        }
        text
    }
}
