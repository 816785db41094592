//! How [`Contents`] come about: the service is asked for every repository of each architecture, and its JSON is read.

use super::{
    contents::{Carried, Contents, Mirror, Repository},
    products::parted,
};
use answer::{
    Fragments, Scratch, Service, render::url, rules::Rules, select::query::Query, suspended::Usable,
};
use cache::{CacheBytes, HostId, PlacementId, RepositoryId, SetId, UrlId, View, place::Place};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use program::{failure::Failure, log};
use rand::{SeedableRng as _, rngs::SmallRng};
use serde::{Deserialize, de::IgnoredAny};
use std::{
    borrow::Cow,
    collections::{BTreeMap, HashMap, HashSet},
    fmt::Display,
    path::Path,
};
use wire::{Accept, Method, Request, UrlScheme};

/// The service's own JSON, as far as it is needed.
#[derive(Deserialize)]
struct Listed<'j> {
    // A repository that is disabled is answered without any.
    #[serde(borrow, default)]
    mirrors: Vec<ListedMirror<'j>>,
}

#[derive(Deserialize)]
struct ListedMirror<'j> {
    #[serde(borrow)]
    url: Cow<'j, str>,
    urls: ListedUrls,
    #[serde(borrow, default)]
    country: Cow<'j, str>,
    lat: Option<f64>,
    lon: Option<f64>,
    #[serde(default)]
    families: Vec<u8>,
}

/// Which there are.
#[derive(Deserialize)]
struct ListedUrls {
    https: Option<IgnoredAny>,
    http: Option<IgnoredAny>,
    ftp: Option<IgnoredAny>,
    rsync: Option<IgnoredAny>,
}

impl ListedUrls {
    fn bits(&self) -> u8 {
        let there = [&self.https, &self.http, &self.ftp, &self.rsync].map(Option::is_some);
        there.iter().rev().fold(0, |bits, is_there| bits << 1 | u8::from(*is_there))
    }
}

/// Reads a cache; what a list says is suspended at `now` is not listed. `called` is what operators call their mirrors.
///
/// An error when the cache cannot be read. A list that cannot is told of, and nothing is suspended, as daemons do it.
pub(super) fn read(
    path: &Path,
    suspended: Option<&Path>,
    now: u64,
    called: impl Fn(&Mirror) -> Option<String>,
) -> Result<Contents, Failure> {
    let refused = |cause: &dyn Display| Failure::cache(format!("cache {}: {cause}", path.display()));
    let bytes = CacheBytes::read(path).map_err(|error| refused(&error))?;
    let view = answer::taken(&bytes).map_err(|error| refused(&error))?;
    let fragments = |usable| Fragments::of_usable(&view, usable).map_err(|error| refused(&error));
    let usable = suspended.and_then(|list| match Usable::read(&view, list, now) {
        Ok(usable) => Some(usable).filter(|usable| usable.urls() > 0),
        Err(cause) => {
            log::warning(format_args!(
                "suspended {}: {cause}; mirrors are listed as if none were suspended",
                list.display()
            ));
            None
        }
    });
    let suspended = usable.as_ref().map(|usable| suspended_urls(&view, usable)).unwrap_or_default();
    let left = usable.map(&fragments).transpose()?;
    let all = fragments(Usable::default())?;
    let mut gathering = Gathering { suspended, ..Gathering::of(view, now) };
    // What is listed comes first: its URL is the one that clients get.
    let passes: Vec<(&Fragments, bool)> =
        left.iter().map(|left| (left, true)).chain([(&all, left.is_none())]).collect();
    let repositories = (0..view.repository_count() as u32)
        .map(|repository| gathering.repository(RepositoryId(repository), &passes))
        .collect::<Result<_, _>>()?;
    Ok(gathering.contents(repositories).in_order(called))
}

/// Asking for all that there is.
struct Gathering<'a> {
    view: View<'a>,
    now: u64,
    /// Whose each URL is.
    placements: HashMap<&'a str, Vec<PlacementId>>,
    /// URLs that the list of what is suspended leaves out.
    suspended: HashSet<&'a str>,
    /// Mirrors in the order in which they were met.
    mirrors: Vec<Mirror>,
    /// The protocols by which answers would name them if nothing were suspended, by their places.
    schemes: Vec<u8>,
    /// Their places, by their numbers in the source.
    places: HashMap<i64, u32>,
    /// What URLs begin with: the place of the mirror and their own, by the host and the text.
    met: HashMap<(HostId, &'a str), (u32, u32)>,
    bases: Vec<String>,
    scratch: Scratch,
    reply: Vec<u8>,
}

/// What a mirror has of one repository below one URL, while it is asked for.
struct Part {
    archs: Vec<u16>,
    is_listed: bool,
}

/// By the mirror's place and that of its URL.
type Parts = BTreeMap<(u32, u32), Part>;

impl<'a> Gathering<'a> {
    fn of(view: View<'a>, now: u64) -> Gathering<'a> {
        let mut placements: HashMap<&str, Vec<PlacementId>> = HashMap::new();
        let public = public(&view);
        for placement in
            (0..view.placement_count() as u32).map(PlacementId).filter(|own| public.contains(own))
        {
            for (_, url) in view.placement_urls(placement).filter_map(|url: UrlId| view.url(url)) {
                placements.entry(url).or_default().push(placement);
            }
        }
        Gathering {
            view,
            now,
            placements,
            suspended: HashSet::new(),
            mirrors: Vec::new(),
            schemes: Vec::new(),
            places: HashMap::new(),
            met: HashMap::new(),
            bases: Vec::new(),
            scratch: Scratch::default(),
            reply: Vec::new(),
        }
    }

    /// Asks for a repository of each architecture.
    fn repository(&mut self, of: RepositoryId, passes: &[(&Fragments, bool)]) -> Result<Repository, Failure> {
        let view = self.view;
        let about = view.repository(of);
        let name = about.map_or("", |about| about.name);
        let redirect = about.and_then(|about| view.repository(about.redirect?));
        let archs: Vec<&str> = view.repo_archs(of).map(|repo_arch| view.arch_of(repo_arch)).collect();
        // Another name of a repository is of what that is of.
        let placed = |of: RepositoryId| {
            view.repo_archs(of)
                .find_map(|repo_arch| Some((view.arch_of(repo_arch), view.repo_arch(repo_arch)?.directory?)))
        };
        let (mut arch, mut path) = ("", Vec::new());
        if let Some((first, directory)) = placed(of).or_else(|| placed(about?.redirect?)) {
            arch = first;
            view.directory_path(directory, &mut path);
        }
        let (product, version) = parted(&String::from_utf8_lossy(&path), arch, name);
        let mut repository = Repository {
            name: name.to_owned(),
            product,
            version,
            archs: archs.iter().map(|arch| (*arch).to_owned()).collect(),
            redirect: redirect.map(|redirect| redirect.name.to_owned()),
            is_disabled: about.is_some_and(|about| about.disabled),
            ends: vec![String::new(); archs.len()],
            ..Repository::default()
        };
        let mut parts = Parts::new();
        for (fragments, is_listed) in passes {
            for (place, arch) in archs.iter().enumerate() {
                let end = self.ask(fragments, name, arch);
                let reply = std::mem::take(&mut self.reply);
                if !reply.is_empty() {
                    self.named(&reply, *is_listed, place as u16, &end, &mut parts)?;
                    repository.ends[place] = end;
                }
                self.reply = reply;
            }
        }
        let mut sets: BTreeMap<Vec<u16>, u16> = BTreeMap::new();
        for ((mirror, base), Part { archs, is_listed }) in parts {
            let next = sets.len() as u16;
            let set = *sets.entry(archs).or_insert(next);
            repository.carried.push(Carried { mirror, is_listed, base, set });
        }
        repository.sets = vec![Vec::new(); sets.len()];
        for (archs, place) in sets {
            repository.sets[usize::from(place)] = archs;
        }
        Ok(repository)
    }

    /// Has the service answer; what it says is in `reply`, or nothing if no public mirror has it. Returns what follows the
    /// hosts' own URLs in the answer.
    fn ask(&mut self, fragments: &Fragments, repository: &str, arch: &str) -> String {
        let [repository, arch] = [repository, arch].map(|name| utf8_percent_encode(name, NON_ALPHANUMERIC));
        let query = format!("repo={repository}&arch={arch}&country=global&format=json");
        let request = Request {
            method: Method::Get,
            scheme: UrlScheme::Http,
            accept: Accept::default(),
            client: None,
            path: b"mirrorlist",
            query: query.as_bytes(),
        };
        let version = env!("CARGO_PKG_VERSION");
        let service =
            Service { view: self.view, fragments, rules: Rules::default(), redirector: None, version };
        // The order does not matter.
        let mut dice = SmallRng::seed_from_u64(0);
        self.reply.clear();
        let answer = service.answer(&request, self.now, &mut dice, &mut self.scratch, &mut self.reply);
        match answer.head.status {
            200 => drop(self.reply.drain(..answer.headers_len)),
            _ => self.reply.clear(),
        }
        let mut end = Vec::new();
        if let Some(Ok(target)) = Query::resolve(&self.view, &request).map(|query| query.target) {
            url::suffix(&self.view, &target, &mut end);
        }
        String::from_utf8_lossy(&end).into_owned()
    }

    /// Takes the mirrors that an answer names for an architecture.
    fn named(
        &mut self,
        reply: &[u8],
        is_listed: bool,
        arch: u16,
        end: &str,
        parts: &mut Parts,
    ) -> Result<(), Failure> {
        let listed: Listed<'_> = serde_json::from_slice(reply)
            .map_err(|error| Failure::bug(format!("answer of the service: {error}")))?;
        for mirror in listed.mirrors {
            let base = mirror.url.strip_suffix(end).and_then(|base| self.placements.get_key_value(base));
            let Some((&base, _)) = base else {
                return Err(Failure::bug(format!("URL {} of an answer: no host has it", mirror.url)));
            };
            let (place, base) = self.met(&mirror, base);
            let of_mirror = || parts.range((place, 0)..=(place, u32::MAX));
            if !is_listed && of_mirror().any(|(_, part)| part.is_listed) {
                // What is listed is what the mirror is said to have.
                continue;
            }
            let part = parts.entry((place, base)).or_insert(Part { archs: Vec::new(), is_listed });
            // A host can be named twice.
            if part.archs.last() != Some(&arch) {
                part.archs.push(arch);
            }
            let bits = mirror.urls.bits();
            self.schemes[place as usize] |= bits;
            if is_listed {
                self.mirrors[place as usize].schemes |= bits;
            }
        }
        Ok(())
    }

    /// A mirror that was named: its place among those that were met, and that of its URL.
    fn met(&mut self, listed: &ListedMirror<'_>, base: &'a str) -> (u32, u32) {
        let view = self.view;
        let placements = self.placements.get(base).map_or(&[][..], |placements| placements);
        let code = |host| view.host_country(host).and_then(|country| view.country_code(country));
        let is_there = |host: &HostId| code(*host).is_some_and(|code| code.as_str() == listed.country);
        let hosts = || placements.iter().map(|placement| view.placement_host(*placement));
        // Two hosts that share a URL are told apart by no more than this.
        let Some(host) = hosts().find(is_there).or_else(|| hosts().next()) else { return (0, 0) };
        if let Some(known) = self.met.get(&(host, base)) {
            return *known;
        }
        let id = view.host_source_id(host);
        let place = *self.places.entry(id).or_insert_with(|| {
            self.mirrors.push(Mirror {
                id,
                country: listed.country.clone().into_owned(),
                place: listed.lat.zip(listed.lon).and_then(|(lat, lon)| Place::new(lat, lon)),
                // 1 is what stands for none.
                bandwidth: Some(view.bandwidth(host)).filter(|bandwidth| *bandwidth > 1),
                families: listed.families.clone(),
                ..Mirror::default()
            });
            self.schemes.push(0);
            self.mirrors.len() as u32 - 1
        });
        let own = placements.iter().filter(|placement| view.placement_host(**placement) == host);
        let urls = own.flat_map(|placement| view.placement_urls(*placement));
        let mirror = &mut self.mirrors[place as usize];
        for (_, url) in urls.filter_map(|url| view.url(url)) {
            mirror.urls.insert(url.to_owned());
            if self.suspended.contains(url) {
                mirror.suspended.insert(url.to_owned());
            }
        }
        let known = (place, self.bases.len() as u32);
        self.bases.push(base.to_owned());
        self.met.insert((host, base), known);
        known
    }

    /// All that was met, in no order yet.
    fn contents(mut self, repositories: Vec<Repository>) -> Contents {
        for (mirror, schemes) in self.mirrors.iter_mut().zip(&self.schemes) {
            if mirror.schemes == 0 {
                mirror.schemes = *schemes;
            }
        }
        Contents { mirrors: self.mirrors, repositories, time: self.view.source_time(), bases: self.bases }
    }
}

/// All URLs that are suspended.
fn suspended_urls<'a>(view: &View<'a>, usable: &Usable) -> HashSet<&'a str> {
    let urls = (0..view.url_count() as u32).map(UrlId).filter(|url| usable.is_suspended(*url));
    urls.filter_map(|url| Some(view.url(url)?.1)).collect()
}

/// What is named to everybody for any directory. A private host may have the URL of a public one; who it is must not show.
fn public(view: &View<'_>) -> HashSet<PlacementId> {
    let mut public = HashSet::new();
    let mut before = None;
    for set in (0..view.set_count() as u32).map(|set| view.set(SetId(set))) {
        // Those of one roster have the same hosts.
        if !before.is_some_and(|before| set.is_of_roster(&before)) {
            let members = (0..set.width()).filter_map(|at| set.get(at));
            public.extend(members.filter(|member| member.public).map(|member| member.placement));
        }
        before = Some(set);
    }
    public
}
