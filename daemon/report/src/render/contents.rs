//! What the service answers from its cache at this moment: which mirrors each repository has.
//!
//! The answers are those of the service itself ([`answer`]), to a client of whom nothing is known: no table beside it can
//! say something else, and what is private is not in them. What is suspended is known to be there, and not listed.

use super::names::{country_name, file_name};
use cache::{place::Place, scheme::host_name};
use std::collections::{BTreeMap, BTreeSet};

/// All mirrors and repositories.
#[derive(Debug, Default)]
pub(super) struct Contents {
    /// By country as it is called, then by name, then by number; those without a country at the end.
    pub(super) mirrors: Vec<Mirror>,
    /// By name.
    pub(super) repositories: Vec<Repository>,
    /// When MirrorManager or the collector made the data, in seconds since the epoch.
    pub(super) time: u64,
    /// What URLs begin with.
    pub(super) bases: Vec<String>,
}

/// A mirror that is for everybody: a host of the source.
#[derive(Clone, Debug, Default)]
pub(super) struct Mirror {
    /// The host's number in the source.
    pub(super) id: i64,
    /// What it is called: as its operator does where that is known, else as `host`.
    pub(super) name: String,
    /// The host part of its URLs, of the one that most clients take.
    pub(super) host: String,
    /// The name of its page, without its end; it is made of the cache alone, so that links stay when there is no other name.
    pub(super) file: String,
    /// Whether no other one is called the same.
    pub(super) is_alone: bool,
    /// Its country's code, empty if it has none.
    pub(super) country: String,
    /// Where it is, if that is known better than by its country.
    pub(super) place: Option<Place>,
    /// In Mbit/s; `None` if the source does not say.
    pub(super) bandwidth: Option<u32>,
    /// The versions of IP by which it answers; none if they are not known.
    pub(super) families: Vec<u8>,
    /// The protocols by which answers name it, or would if all of it were not suspended, a bit each; see [`SCHEMES`].
    pub(super) schemes: u8,
    /// Its URLs, suspended ones too.
    pub(super) urls: BTreeSet<String>,
    /// Those of them that are suspended.
    pub(super) suspended: BTreeSet<String>,
    /// Repositories for which answers name it.
    pub(super) listed: usize,
}

/// Protocols, in the order in which they are shown.
const SCHEMES: [&str; 4] = ["https", "http", "ftp", "rsync"];

impl Mirror {
    /// The protocols by which answers name it.
    pub(super) fn schemes(&self) -> Vec<&'static str> {
        let has = |at: &usize| self.schemes >> at & 1 != 0;
        (0..SCHEMES.len()).filter(has).map(|at| SCHEMES[at]).collect()
    }
}

/// A repository, of whatever architecture.
#[derive(Debug, Default)]
pub(super) struct Repository {
    pub(super) name: String,
    /// What it is a part of, such as `fedora`; empty if that is not known.
    pub(super) product: String,
    /// Its version; empty if that is not known.
    pub(super) version: String,
    pub(super) archs: Vec<String>,
    /// The repository that answers in its place.
    pub(super) redirect: Option<String>,
    /// Whether requests for it are turned away.
    pub(super) is_disabled: bool,
    /// Its mirrors, in their order; one is here again, behind itself, if it has architectures below another URL.
    pub(super) carried: Vec<Carried>,
    /// What follows a mirror's URL, by architecture; empty if no mirror has it.
    pub(super) ends: Vec<String>,
    /// Architectures that some mirror has, each by its place.
    pub(super) sets: Vec<Vec<u16>>,
}

/// What a mirror has of a repository.
#[derive(Clone, Copy, Debug)]
pub(super) struct Carried {
    /// The mirror's place.
    pub(super) mirror: u32,
    /// Whether answers name it; else all that it has of it is suspended.
    pub(super) is_listed: bool,
    /// What its URLs begin with, by its place in [`Contents::bases`].
    pub(super) base: u32,
    /// Architectures, by their place in [`Repository::sets`].
    pub(super) set: u16,
}

impl Repository {
    /// What each mirror has, in the order of mirrors.
    pub(super) fn by_mirror(&self) -> impl Iterator<Item = &[Carried]> {
        self.carried.chunk_by(|one, other| one.mirror == other.mirror)
    }

    /// Places of the architectures that a mirror has below a URL.
    pub(super) fn archs_of(&self, carried: &Carried) -> &[u16] {
        &self.sets[usize::from(carried.set)]
    }

    /// What follows a mirror's URL, of the first architecture that it has below it.
    pub(super) fn end(&self, carried: &Carried) -> &str {
        let arch = self.archs_of(carried).first().copied().unwrap_or_default();
        self.ends.get(usize::from(arch)).map_or("", |end| end)
    }

    /// Places of the architectures for which answers name any mirror; some may come twice.
    pub(super) fn listed_archs(&self) -> impl Iterator<Item = u16> {
        let listed = self.carried.iter().filter(|carried| carried.is_listed);
        listed.flat_map(|carried| self.archs_of(carried).iter().copied())
    }

    /// How many mirrors answers name for each architecture.
    pub(super) fn listed_by_arch(&self) -> Vec<usize> {
        let mut counts = vec![0; self.archs.len()];
        let mut archs: Vec<u16> = Vec::new();
        for run in self.by_mirror() {
            let listed = run.iter().filter(|carried| carried.is_listed);
            archs.clear();
            archs.extend(listed.flat_map(|carried| self.archs_of(carried)));
            archs.sort_unstable();
            archs.dedup();
            archs.iter().for_each(|arch| counts[usize::from(*arch)] += 1);
        }
        counts
    }

    /// The mirrors that answers name, by their places.
    pub(super) fn listed(&self) -> impl Iterator<Item = u32> {
        self.by_mirror().filter(|run| run.iter().any(|carried| carried.is_listed)).map(|run| run[0].mirror)
    }
}

impl Contents {
    /// Gives mirrors their names and pages, and puts all in order. They come as they were met.
    pub(super) fn in_order(mut self, called: impl Fn(&Mirror) -> Option<String>) -> Contents {
        for mirror in &mut self.mirrors {
            mirror.host = host_of(&mirror.urls);
            mirror.name = called(mirror).unwrap_or_else(|| mirror.host.clone());
        }
        let key = |mirror: &Mirror| {
            let country = country_name(&mirror.country).unwrap_or(&mirror.country).to_owned();
            // Those of one country stay together, however it is called.
            (country.is_empty(), country, mirror.country.clone(), mirror.name.to_lowercase(), mirror.id)
        };
        let mut order: Vec<usize> = (0..self.mirrors.len()).collect();
        order.sort_by_cached_key(|met| key(&self.mirrors[*met]));
        let mut places = vec![0; order.len()];
        for (place, met) in (0..).zip(&order) {
            places[*met] = place;
        }
        self.mirrors = order.iter().map(|met| std::mem::take(&mut self.mirrors[*met])).collect();
        for repository in &mut self.repositories {
            for carried in &mut repository.carried {
                carried.mirror = places[carried.mirror as usize];
            }
            repository.carried.sort_by_key(|carried| (carried.mirror, carried.base));
            for mirror in repository.listed() {
                self.mirrors[mirror as usize].listed += 1;
            }
        }
        name_pages(&mut self.mirrors);
        self
    }

    /// Countries with a mirror; what has none is in none.
    pub(super) fn countries(&self) -> usize {
        countries(&self.mirrors)
    }
}

/// In how many countries mirrors are, which come in their order; those without a country do not count.
pub(super) fn countries<'c>(mirrors: impl IntoIterator<Item = &'c Mirror>) -> usize {
    let mut countries: Vec<&str> = mirrors.into_iter().map(|mirror| &*mirror.country).collect();
    countries.dedup();
    countries.iter().filter(|country| !country.is_empty()).count()
}

/// The URL that most clients take, of those the first by the alphabet.
pub(super) fn first_of(urls: &BTreeSet<String>) -> Option<&str> {
    let rank = |url: &&String| {
        let scheme = url.split("://").next().unwrap_or_default();
        SCHEMES.iter().position(|known| *known == scheme).unwrap_or(SCHEMES.len())
    };
    urls.iter().min_by_key(rank).map(|url| &**url)
}

/// The host part of the URL that most clients take.
fn host_of(urls: &BTreeSet<String>) -> String {
    first_of(urls).map_or_else(String::new, |url| host_name(url).to_owned())
}

/// Gives each mirror a page of its own: of those of one host the one with the lowest number has the plain name.
fn name_pages(mirrors: &mut [Mirror]) {
    let mut hosts: BTreeMap<String, Vec<(i64, usize)>> = BTreeMap::new();
    let mut names: BTreeMap<String, usize> = BTreeMap::new();
    for (place, mirror) in mirrors.iter().enumerate() {
        hosts.entry(mirror.host.clone()).or_default().push((mirror.id, place));
        *names.entry(mirror.name.clone()).or_default() += 1;
    }
    for (host, mut of_host) in hosts {
        of_host.sort_unstable();
        for (at, (id, place)) in of_host.iter().enumerate() {
            // No name that is made safe has these characters in this order.
            mirrors[*place].file =
                if at == 0 { file_name(&host) } else { format!("{}~id{id}", file_name(&host)) };
        }
    }
    for mirror in mirrors {
        mirror.is_alone = names.get(&mirror.name) == Some(&1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mirror(id: i64, host: &str, name: &str) -> Mirror {
        Mirror { id, host: host.into(), name: name.into(), ..Mirror::default() }
    }

    #[test]
    fn mirrors_of_one_host_have_a_page_each() {
        let mut mirrors = [mirror(7, "a", "Seven"), mirror(3, "a", "Three"), mirror(9, "b", "Three")];
        name_pages(&mut mirrors);
        assert_eq!(mirrors.each_ref().map(|mirror| &*mirror.file), ["a~id7", "a", "b"]);
        assert_eq!(mirrors.map(|mirror| mirror.is_alone), [true, false, false]);
    }

    #[test]
    fn a_mirror_s_host_is_that_of_the_url_that_most_clients_take() {
        let urls = |urls: &[&str]| urls.iter().map(|url| (*url).to_owned()).collect();
        assert_eq!(
            host_of(&urls(&["http://a.example/x", "https://b.example:8/x", "rsync://0/x"])),
            "b.example"
        );
        assert_eq!(host_of(&urls(&["http://b.example/x", "http://a.example/x"])), "a.example");
    }

    #[test]
    fn mirrors_are_in_the_order_of_their_countries_names_and_one_of_two_urls_counts_once() {
        let of = |id, country: &str, name: &str| Mirror {
            country: country.into(),
            urls: [format!("https://{name}/")].into(),
            ..mirror(id, "", "")
        };
        let carried = |mirror, base| Carried { mirror, is_listed: base != 2, base, set: 0 };
        let repository = Repository {
            archs: vec!["x86_64".into(), "s390x".into()],
            carried: vec![carried(0, 0), carried(3, 1), carried(0, 3), carried(1, 2)],
            sets: vec![vec![0]],
            ..Repository::default()
        };
        let contents = Contents {
            mirrors: vec![of(1, "", "a"), of(2, "GB", "b"), of(3, "ES", "C"), of(4, "ES", "a")],
            repositories: vec![repository],
            ..Contents::default()
        };
        let contents = contents.in_order(|mirror| (mirror.id == 4).then(|| "Zaragoza".into()));
        let shown: Vec<(&str, usize)> =
            contents.mirrors.iter().map(|mirror| (&*mirror.name, mirror.listed)).collect();
        assert_eq!(shown, [("C", 0), ("Zaragoza", 1), ("b", 0), ("a", 1)]);
        assert_eq!(contents.countries(), 2, "none is no country");
        let places: Vec<u32> =
            contents.repositories[0].carried.iter().map(|carried| carried.mirror).collect();
        assert_eq!((places, contents.repositories[0].listed().collect()), (vec![1, 2, 3, 3], vec![1, 3]));
        assert_eq!(contents.repositories[0].listed_by_arch(), [2, 0]);
    }
}
