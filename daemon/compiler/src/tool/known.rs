//! What a cache knows of a host beside its URLs, country and bandwidth: place, families, whom it is for.

use cache::{AsnId, Families, HostId, NetblockId, Only, View};
use serde::Serialize;
use std::fmt;

/// What is known of a host; absent where nothing is. The field names are those of the JSON form.
#[derive(Debug, Default, Serialize)]
pub struct Known {
    /// Degrees north and east, if they are known better than by its country.
    #[serde(skip_serializing_if = "Option::is_none")]
    place: Option<[f64; 2]>,
    /// The versions of IP by which it answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    families: Option<Vec<u8>>,
    /// `country` or `continent`: it is for clients of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    only: Option<&'static str>,
    /// Netblocks and autonomous systems for which it is the only one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    exclusive: Vec<String>,
}

impl Known {
    /// What is known of one host. Cost: looks at all netblocks and autonomous systems that hosts serve.
    pub fn of(view: &View<'_>, host: HostId) -> Known {
        let families = view.families(host);
        let families = (families != Families::UNKNOWN).then(|| {
            let all = [(4, Families::V4), (6, Families::V6)];
            all.into_iter().filter(|(_, family)| families.have(*family)).map(|(number, _)| number).collect()
        });
        let netblocks = (0..view.netblock_count() as u32).map(NetblockId);
        let netblocks =
            netblocks.filter(|netblock| view.netblock_exclusive(*netblock).any(|one| one == host));
        let mut exclusive: Vec<String> = netblocks
            .filter_map(|netblock| view.netblock(netblock))
            .map(|prefix| prefix.to_string())
            .collect();
        let asns = (0..view.asn_count() as u32).map(AsnId);
        let asns = asns.filter(|asn| view.asn_exclusive(*asn).any(|one| one == host));
        exclusive.extend(asns.map(|asn| format!("AS{}", view.asn_number(asn))));
        Known {
            place: view.own_place(host).map(|place| [place.latitude, place.longitude]),
            families,
            only: match view.only(host) {
                Only::Everyone => None,
                Only::Continent => Some("continent"),
                Only::Country => Some("country"),
            },
            exclusive,
        }
    }
}

/// What is known, with commas between; nothing where nothing is.
impl fmt::Display for Known {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = self.place.map(|[latitude, longitude]| format!("place {latitude} {longitude}"));
        let families = self.families.as_ref().map(|families| {
            families.iter().map(|family| format!("IPv{family}")).collect::<Vec<_>>().join(" and ")
        });
        let only = self.only.map(|only| format!("only for its {only}"));
        let exclusive =
            (!self.exclusive.is_empty()).then(|| format!("exclusive for {}", self.exclusive.join(", ")));
        let parts: Vec<String> = [place, families, only, exclusive].into_iter().flatten().collect();
        f.write_str(&parts.join(", "))
    }
}
