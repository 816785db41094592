//! How hosts are reached and whom they are for: what every choice asks of each host, in one row.
//!
//! Made for a cache and what of it may be shown, before the fork, so that a choice looks neither at the host nor at its
//! placement.

use crate::suspended::Usable;
use cache::{HostId, PlacementId, View, scheme::Schemes};

/// The rows of a cache, by placement.
#[derive(Debug, Default)]
pub struct Reaches(Vec<Reach>);

/// How a placement is reached.
#[derive(Clone, Copy, Debug)]
pub struct Reach {
    /// Whose it is.
    pub host: HostId,
    /// The host's share in random order.
    pub bandwidth: u32,
    /// The schemes by which it is reached.
    pub schemes: Schemes,
    /// Whether the host is for clients of all countries.
    pub for_all: bool,
}

impl Reaches {
    /// Looks at every placement.
    pub fn of(view: &View<'_>, usable: &Usable) -> Reaches {
        let reach = |placement| {
            let host = view.placement_host(placement);
            let schemes = usable.schemes(view, placement);
            let for_all = view.countries_allowed(host).is_none();
            Reach { host, bandwidth: view.bandwidth(host), schemes, for_all }
        };
        Reaches((0..view.placement_count() as u32).map(PlacementId).map(reach).collect())
    }

    /// Bytes that are held.
    #[cfg(test)]
    pub fn held(&self) -> usize {
        self.0.capacity() * size_of::<Reach>()
    }

    /// How a placement is reached.
    #[inline]
    pub fn get(&self, placement: PlacementId) -> Option<&Reach> {
        self.0.get(placement.0 as usize)
    }
}
