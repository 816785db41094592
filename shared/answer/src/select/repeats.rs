//! The same URL twice: an answer shows each once, whoever else has it.
//!
//! Several hosts may have one URL: the machines behind an anycast address, or a mirror that was registered twice. They
//! are drawn one by one, and of those with the same URLs the first drawn stands for all. That is the law of one host with
//! their summed weight, for the least of independent exponential times is one with the summed rate. Source: SPEC.md §4.

use super::{form::Format, pick::Pick, query::Query};
use crate::suspended::Usable;
use cache::{HostId, PlacementId, UrlId, View, scheme::Schemes};

/// Which URLs several hosts of a cache have; found once, before the fork.
#[derive(Debug, Default)]
pub struct SharedUrls {
    /// By URL; empty when no two hosts share one.
    urls: Vec<bool>,
    /// By placement: whether it has such a URL; empty like the above.
    placements: Vec<bool>,
}

impl SharedUrls {
    /// What finding them takes for each URL.
    pub const BYTES_OF_A_URL: usize = size_of::<Option<HostId>>() + size_of::<bool>();

    /// Looks at every placement of a cache.
    pub fn find(view: &View<'_>) -> SharedUrls {
        let mut owner: Vec<Option<HostId>> = vec![None; view.url_count()];
        let mut urls = vec![false; view.url_count()];
        let placements = || (0..view.placement_count() as u32).map(PlacementId);
        for placement in placements() {
            let host = view.placement_host(placement);
            for url in view.placement_urls(placement) {
                if let (Some(owner), Some(shared)) =
                    (owner.get_mut(url.0 as usize), urls.get_mut(url.0 as usize))
                {
                    *shared |= *owner.get_or_insert(host) != host;
                }
            }
        }
        if !urls.contains(&true) {
            return SharedUrls::default();
        }
        let mut shared = SharedUrls { urls, placements: Vec::new() };
        let has = |placement| view.placement_urls(placement).any(|url| shared.is_shared(url));
        shared.placements = placements().map(has).collect();
        shared
    }

    /// Whether no two hosts share one.
    pub fn is_empty(&self) -> bool {
        self.urls.is_empty()
    }

    fn is_shared(&self, url: UrlId) -> bool {
        self.urls.get(url.0 as usize).is_some_and(|shared| *shared)
    }

    fn concerns(&self, placement: PlacementId) -> bool {
        self.placements.get(placement.0 as usize).is_some_and(|concerned| *concerned)
    }
}

/// The shared URLs that an answer shows so far; kept for the next one.
#[derive(Debug, Default)]
pub struct Shown {
    /// By URL: the number of the last answer that showed it.
    by_url: Vec<u32>,
    answer: u32,
}

impl Shown {
    /// Begins an answer.
    pub fn begin(&mut self) {
        self.answer = self.answer.wrapping_add(1);
        if self.answer == 0 {
            self.by_url.clear();
            self.answer = 1;
        }
    }

    /// Notes that a URL is shown; `false` when it was already.
    fn note(&mut self, url: UrlId) -> bool {
        let at = url.0 as usize;
        if at >= self.by_url.len() {
            self.by_url.resize(at + 1, 0);
        }
        std::mem::replace(&mut self.by_url[at], self.answer) != self.answer
    }
}

/// Takes hosts out of `picks`, from `from` on, that would show nothing new. Of those that show something new, the URLs
/// that they are not to show are added to `hidden`.
pub fn leave_out(
    view: &View<'_>,
    (shared, usable): (&SharedUrls, &Usable),
    query: &Query<'_>,
    picks: &mut Vec<Pick>,
    from: usize,
    hidden: &mut Vec<UrlId>,
    shown: &mut Shown,
) {
    if shared.urls.is_empty() {
        return;
    }
    let mut kept = from;
    for at in from..picks.len() {
        let mut pick = picks[at];
        if shared.concerns(pick.placement) {
            let before = hidden.len();
            let mut any = false;
            for_each_shown(view, usable, query, pick.placement, |url| {
                if shared.is_shared(url) && !shown.note(url) {
                    hidden.push(url);
                } else {
                    any = true;
                }
            });
            if !any {
                hidden.truncate(before);
                continue;
            }
            // A placement has no more URLs than that (`cache::limits`).
            pick.hidden = u8::try_from(hidden.len() - before).unwrap_or(u8::MAX);
        }
        picks[kept] = pick;
        kept += 1;
    }
    picks.truncate(kept);
}

/// The URLs that an answer shows of a host: in a metalink all (of the protocols asked for), else the first of each
/// scheme that is shown.
fn for_each_shown(
    view: &View<'_>,
    usable: &Usable,
    query: &Query<'_>,
    placement: PlacementId,
    mut see: impl FnMut(UrlId),
) {
    let all = query.format == Format::Metalink;
    let mut schemes = match query.protocols {
        asked if all => asked.unwrap_or(Schemes::ALL),
        _ => query.shown(usable.schemes(view, placement)),
    };
    for url in view.placement_urls(placement) {
        if let Some((scheme, _)) = view.url(url)
            && schemes.contains(scheme)
            && !usable.is_suspended(url)
        {
            see(url);
            if !all {
                schemes = schemes.without(scheme);
            }
        }
    }
}
