//! How [`Contents`] come about: the service chooses mirrors for every repository of each architecture, as for an answer to a
//! client of whom nothing is known.

use super::{
    contents::{Carried, Contents, Mirror, Repository},
    products::parted,
};
use answer::{
    Fragments, Scratch, Service,
    render::{mirror::numbers, url},
    rules::Rules,
    select::{pick::Pick, query::Query},
    suspended::Usable,
};
use cache::{CacheBytes, CountryId, HostId, PlacementId, RepositoryId, SetId, UrlId, View, scheme::Schemes};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use program::{failure::Failure, log};
use rand::{SeedableRng as _, rngs::SmallRng};
use std::{
    collections::{BTreeMap, HashMap, HashSet},
    fmt::Display,
    mem,
    path::Path,
};
use wire::{Accept, Method, Request, UrlScheme};

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
    let mut gathering = Gathering { suspended, left: left.as_ref(), ..Gathering::of(view) };
    // What is listed comes first: its URL is the one that clients get.
    let passes: Vec<(&Fragments, bool)> =
        left.iter().map(|left| (left, true)).chain([(&all, left.is_none())]).collect();
    let repositories = (0..view.repository_count() as u32)
        .map(|repository| gathering.repository(RepositoryId(repository), &passes))
        .collect();
    Ok(gathering.contents(repositories).in_order(called))
}

/// Asking for all that there is.
struct Gathering<'a> {
    view: View<'a>,
    /// URLs that the list of what is suspended leaves out.
    suspended: HashSet<&'a str>,
    /// What answers are made of without those; none if nothing is suspended.
    left: Option<&'a Fragments>,
    /// Mirrors in the order in which they were met.
    mirrors: Vec<Mirror>,
    /// The protocols by which answers would name them if nothing were suspended, by their places.
    schemes: Vec<u8>,
    /// Their places, by their numbers in the source.
    places: HashMap<i64, u32>,
    /// Who stands for all public hosts of a country that have a URL: the placements of one of them that have it.
    stands: HashMap<(&'a str, Option<CountryId>), Vec<PlacementId>>,
    /// What URLs begin with: the place of the mirror and their own, by the host and the text.
    met: HashMap<(HostId, &'a str), (u32, u32)>,
    bases: Vec<String>,
    /// What is known of placements that answers list, by their numbers: with what is suspended, and without it.
    known: [Vec<Option<Met>>; 2],
    scratch: Scratch,
}

/// A placement that an answer lists.
#[derive(Clone, Copy)]
struct Met {
    /// The mirror's place and that of its URL.
    place: (u32, u32),
    /// The protocols by which the answer names it, a bit each.
    schemes: u8,
}

/// What a mirror has of one repository below one URL, while it is asked for.
struct Part {
    archs: Vec<u16>,
    is_listed: bool,
}

/// By the mirror's place and that of its URL.
type Parts = BTreeMap<(u32, u32), Part>;

impl<'a> Gathering<'a> {
    fn of(view: View<'a>) -> Gathering<'a> {
        let mut stands: HashMap<_, Vec<PlacementId>> = HashMap::new();
        let public = public(&view);
        for placement in
            (0..view.placement_count() as u32).map(PlacementId).filter(|own| public.contains(own))
        {
            let host = view.placement_host(placement);
            for (_, url) in view.placement_urls(placement).filter_map(|url: UrlId| view.url(url)) {
                let stand = stands.entry((url, view.host_country(host))).or_default();
                if stand.first().is_none_or(|first| view.placement_host(*first) == host) {
                    stand.push(placement);
                }
            }
        }
        Gathering {
            view,
            suspended: HashSet::new(),
            left: None,
            mirrors: Vec::new(),
            schemes: Vec::new(),
            places: HashMap::new(),
            stands,
            met: HashMap::new(),
            bases: Vec::new(),
            known: [(); 2].map(|()| vec![None; view.placement_count()]),
            scratch: Scratch::default(),
        }
    }

    /// Asks for a repository of each architecture.
    fn repository(&mut self, of: RepositoryId, passes: &[(&'a Fragments, bool)]) -> Repository {
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
                if let Some(end) = self.ask(fragments, *is_listed, name, arch, place as u16, &mut parts) {
                    repository.ends[place] = end;
                }
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
        repository
    }

    /// Takes the mirrors that answers list for a repository and an architecture. Returns what follows the hosts' own URLs there;
    /// `None` if no public mirror has it.
    fn ask(
        &mut self,
        fragments: &'a Fragments,
        is_listed: bool,
        repository: &str,
        arch: &str,
        arch_place: u16,
        parts: &mut Parts,
    ) -> Option<String> {
        let view = self.view;
        let [repository, arch] = [repository, arch].map(|name| utf8_percent_encode(name, NON_ALPHANUMERIC));
        let asks = format!("repo={repository}&arch={arch}&country=global");
        let request = Request {
            method: Method::Get,
            scheme: UrlScheme::Http,
            accept: Accept::default(),
            client: None,
            path: b"mirrorlist",
            query: asks.as_bytes(),
        };
        let query = Query::resolve(&view, &request)?;
        // What is disabled or leads nowhere has none.
        let target = query.target.as_ref().ok()?;
        let version = env!("CARGO_PKG_VERSION");
        let service = Service { view, fragments, rules: Rules::default(), redirector: None, version };
        // The order does not matter.
        let mut dice = SmallRng::seed_from_u64(0);
        let mut scratch = mem::take(&mut self.scratch);
        let picks = service.picks(&query, target, &mut dice, &mut scratch);
        let is_there = !picks.is_empty();
        // Hosts that share a URL stand for each other, and which is listed may change when others are: that is no suspension.
        let left = self.left;
        let is_left =
            |placement| left.is_some_and(|left| !left.schemes(placement).and(Schemes::USUAL).is_empty());
        let is_meant = |pick: &&Pick| pick.public && (is_listed || !is_left(pick.placement));
        for pick in picks.iter().filter(is_meant) {
            if let Some(met) = self.met(fragments, is_listed, pick.placement) {
                self.take(met, is_listed, arch_place, parts);
            }
        }
        self.scratch = scratch;
        let mut end = Vec::new();
        url::suffix(&view, target, &mut end);
        is_there.then(|| String::from_utf8_lossy(&end).into_owned())
    }

    /// Takes a mirror that an answer lists for an architecture.
    fn take(&mut self, met: Met, is_listed: bool, arch: u16, parts: &mut Parts) {
        let (place, _) = met.place;
        let of_mirror = || parts.range((place, 0)..=(place, u32::MAX));
        if !is_listed && of_mirror().any(|(_, part)| part.is_listed) {
            // What is listed is what the mirror is said to have.
            return;
        }
        let part = parts.entry(met.place).or_insert(Part { archs: Vec::new(), is_listed });
        // Two hosts that share a URL may count as one.
        if part.archs.last() != Some(&arch) {
            part.archs.push(arch);
        }
        self.schemes[place as usize] |= met.schemes;
        if is_listed {
            self.mirrors[place as usize].schemes |= met.schemes;
        }
    }

    /// What is known of a placement that an answer lists; `None` if it has no URL.
    fn met(&mut self, fragments: &'a Fragments, is_listed: bool, placement: PlacementId) -> Option<Met> {
        let known = self.known[usize::from(is_listed)].get(placement.0 as usize)?;
        if known.is_some() {
            return *known;
        }
        let schemes = fragments.schemes(placement);
        let base = str::from_utf8(fragments.url(placement, schemes.iter().next()?)?).ok()?;
        let met = Met { place: self.place(placement, base)?, schemes: schemes.bits() };
        self.known[usize::from(is_listed)][placement.0 as usize] = Some(met);
        Some(met)
    }

    /// A mirror's place among those that were met, and that of its URL; `None` if it is not for everybody.
    fn place(&mut self, placement: PlacementId, base: &'a str) -> Option<(u32, u32)> {
        let view = self.view;
        let stand = self.stands.get(&(base, view.host_country(view.placement_host(placement))))?;
        let host = view.placement_host(*stand.first()?);
        let id = view.host_source_id(host);
        let place = *self.places.entry(id).or_insert_with(|| {
            let country = view.host_country(host).and_then(|country| view.country_code(country));
            self.mirrors.push(Mirror {
                id,
                country: country.map_or_else(String::new, |code| code.as_str().to_owned()),
                place: view.own_place(host),
                // 1 is what stands for none.
                bandwidth: Some(view.bandwidth(host)).filter(|bandwidth| *bandwidth > 1),
                families: numbers(view.families(host)).to_vec(),
                ..Mirror::default()
            });
            self.schemes.push(0);
            self.mirrors.len() as u32 - 1
        });
        let mirror = &mut self.mirrors[place as usize];
        let urls = stand.iter().flat_map(|placement| view.placement_urls(*placement));
        for (_, url) in urls.filter_map(|url| view.url(url)) {
            mirror.urls.insert(url.to_owned());
            if self.suspended.contains(url) {
                mirror.suspended.insert(url.to_owned());
            }
        }
        Some(*self.met.entry((host, base)).or_insert_with(|| {
            self.bases.push(base.to_owned());
            (place, self.bases.len() as u32 - 1)
        }))
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
