//! Why a request gets the mirrors it gets, for a person or a script.

use answer::{
    rules::Rules,
    select::{
        explain::{Unlisted, Verdict, explain},
        query::Query,
        repeats::SharedUrls,
        target::{Subject, Target},
        tiers::{Exclusion, Source},
    },
};
use cache::{CountryId, View};
use rand::Rng;
use serde::Serialize;
use std::fmt;
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
    /// Why there are no mirrors to speak of.
    refused: Option<String>,
    /// Every host that carries the directory, listed ones first.
    hosts: Vec<Host>,
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
    /// Netblocks of hosts that contain it, longest first.
    netblocks: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Host {
    id: i64,
    url: String,
    country: Option<String>,
    bandwidth: u32,
    public: bool,
    /// Its place in the answer, from 1.
    place: Option<usize>,
    tier: Option<&'static str>,
    /// Length of the netblock that brought it here.
    netblock_length: Option<u8>,
    /// Why it is not listed.
    out: Option<&'static str>,
}

impl Explanation {
    /// Explains one request.
    pub fn of(view: &View<'_>, rules: &Rules, request: &Request<'_>, dice: &mut impl Rng) -> Explanation {
        let mut explanation = Explanation {
            client: Client::nobody(),
            asked: None,
            directory: None,
            file: None,
            must_also_carry: None,
            refused: None,
            hosts: Vec::new(),
        };
        let Some(query) = Query::resolve(view, request) else {
            explanation.refused = Some("the path asks for neither mirrorlist nor metalink".into());
            return explanation;
        };
        explanation.client = Client::of(view, &query);
        explanation.asked = query.named.subject.as_ref().map(|subject| match subject {
            Subject::RepoArch { repo, arch } => format!("repo {}, arch {}", lossy(repo), lossy(arch)),
            Subject::Path(path) => format!("path {}", lossy(path)),
        });
        match &query.target {
            Err(refusal) => explanation.refused = Some(refusal.to_string()),
            Ok(target) => explanation.describe(view, rules, &query, target, dice),
        }
        explanation
    }

    fn describe(
        &mut self,
        view: &View<'_>,
        rules: &Rules,
        query: &Query<'_>,
        target: &Target<'_>,
        dice: &mut impl Rng,
    ) {
        let path = |directory| {
            let mut path = Vec::new();
            view.directory_path(directory, &mut path);
            lossy(&path)
        };
        self.directory = Some(path(target.directory));
        self.must_also_carry = target.repodata.map(path);
        self.file = target.file.as_deref().map(lossy);
        let shared = SharedUrls::find(view);
        let (_, verdicts) = explain(Source { view, rules, shared: &shared }, query, target, dice);
        self.hosts = verdicts.iter().map(|verdict| Host::of(view, verdict)).collect();
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
            netblocks,
        }
    }
}

impl Host {
    fn of(view: &View<'_>, verdict: &Verdict) -> Host {
        let placement = verdict.member.placement;
        let host = view.placement_host(placement);
        let url = view.placement_urls(placement).next().and_then(|url| view.url(url));
        let mut described = Host {
            id: view.host_source_id(host),
            url: url.map_or(String::new(), |(_, text)| text.to_owned()),
            country: code(view, view.host_country(host)),
            bandwidth: view.bandwidth(host),
            public: verdict.member.public,
            place: None,
            tier: None,
            netblock_length: None,
            out: None,
        };
        match verdict.outcome {
            Ok((place, pick)) => {
                described.place = Some(place + 1);
                described.tier = Some(pick.tier.name());
                described.netblock_length = (pick.tier == Tier::Netblock).then_some(pick.length);
            }
            Err(unlisted) => described.out = Some(reason(unlisted)),
        }
        described
    }
}

fn reason(unlisted: Unlisted) -> &'static str {
    match unlisted {
        Unlisted::Excluded(Exclusion::StaleRepodata) => "stale: does not carry the repodata",
        Unlisted::Excluded(Exclusion::NoUsableUrl) => "no URL with a protocol that counts",
        Unlisted::Excluded(Exclusion::CountryNotAllowed) => "not for the client's country",
        Unlisted::NotNeeded => "in no tier that was used",
        Unlisted::Repeated => "same URLs as a host above",
    }
}

fn code(view: &View<'_>, country: Option<CountryId>) -> Option<String> {
    country.and_then(|country| view.country_code(country)).map(|code| code.to_string())
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
        writeln!(
            f,
            "AS         {}",
            client.asn.map_or("none that hosts serve".into(), |asn| asn.to_string())
        )?;
        let netblocks =
            if client.netblocks.is_empty() { "none".into() } else { client.netblocks.join(" in ") };
        writeln!(f, "netblocks  {netblocks}")?;
        writeln!(f, "asked for  {}", or(&self.asked, "nothing"))?;
        if let Some(refused) = &self.refused {
            return writeln!(f, "refused    {refused}");
        }
        writeln!(f, "directory  {}", or(&self.directory, "none"))?;
        if let Some(file) = &self.file {
            writeln!(f, "file       {file}")?;
        }
        if let Some(repodata) = &self.must_also_carry {
            writeln!(f, "also       {repodata} must be carried too")?;
        }
        writeln!(
            f,
            "\n{:>5}  {:<20} {:>8}  {:<3} {:>9}  {:<7}  URL",
            "place", "tier or why not", "host", "in", "bandwidth", "public"
        )?;
        for host in &self.hosts {
            let place = host.place.map_or("-".into(), |place| place.to_string());
            let mut why = host.tier.or(host.out).unwrap_or_default().to_owned();
            if let Some(length) = host.netblock_length {
                why = format!("{why} /{length}");
            }
            let public = if host.public { "yes" } else { "private" };
            let country = or(&host.country, "-");
            let (id, bandwidth, url) = (host.id, host.bandwidth, &host.url);
            writeln!(f, "{place:>5}  {why:<20} {id:>8}  {country:<3} {bandwidth:>9}  {public:<7}  {url}")?;
        }
        Ok(())
    }
}
