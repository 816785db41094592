//! A listed mirror with all that is known of it, for the forms that tell more than a URL.

use super::{fragments::Fragments, url};
use crate::select::{pick::Pick, query::Query, target::Target};
use cache::{
    DirectoryId, Families, View,
    place::Place,
    scheme::{Scheme, Schemes, host_name},
};
use serde::{Serialize, Serializer, ser::SerializeMap as _};

/// A URL in its two parts: the host's, and what follows it.
#[derive(Clone, Copy, Debug)]
pub struct Url<'a> {
    /// The host's own.
    pub host: &'a str,
    /// The directory and the file or a slash.
    pub end: &'a str,
}

/// A URL of each scheme that the answer may show.
#[derive(Clone, Copy, Debug)]
pub struct Urls<'a>(pub [Option<Url<'a>>; 4]);

/// A listed mirror. The names of the fields are those of the JSON object.
#[derive(Debug, Serialize)]
pub struct Mirror<'a> {
    /// The best one.
    pub url: Url<'a>,
    /// One of each scheme.
    pub urls: Urls<'a>,
    /// The name in `url`.
    pub hostname: &'a str,
    /// Where it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country: Option<Code>,
    /// The continent of that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub continent: Option<Code>,
    /// Degrees north of the equator, if its own place is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lat: Option<f64>,
    /// Degrees east of Greenwich, likewise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lon: Option<f64>,
    /// How far that is from the point that stands for the client's country.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub distance_km: Option<u32>,
    /// The versions of IP by which it answers, if they are known.
    #[serde(skip_serializing_if = "<[u8]>::is_empty")]
    pub families: &'static [u8],
    /// Why it is listed.
    pub tier: &'static str,
    /// Its place, from 1.
    pub prio: usize,
    /// It is only for some, of whom the client is one.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub private: bool,
}

/// A code of two letters.
#[derive(Clone, Copy, Debug)]
pub struct Code(pub [u8; 2]);

/// What the mirrors of an answer are told from.
#[derive(Clone, Debug)]
pub struct Mirrors<'a> {
    view: &'a View<'a>,
    fragments: &'a Fragments,
    query: &'a Query<'a>,
    /// What follows a host's URL in all of the answer.
    end: String,
    /// Where the client's country is.
    from: Option<Place>,
}

impl<'a> Mirrors<'a> {
    /// Of an answer about `target`.
    pub fn of(
        view: &'a View<'a>,
        fragments: &'a Fragments,
        query: &'a Query<'a>,
        target: &Target<'_>,
    ) -> Mirrors<'a> {
        let mut end = Vec::with_capacity(128);
        url::suffix(view, target, &mut end);
        let end = String::from_utf8_lossy(&end).into_owned();
        let from = query.client.country.and_then(|country| view.country_code(country)).and_then(Place::of);
        Mirrors { view, fragments, query, end, from }
    }

    /// The mirror at this place (from 0); `None` when it has no URL to show.
    pub fn mirror(&self, place: usize, pick: &Pick) -> Option<Mirror<'_>> {
        let Mirrors { view, fragments, query, end, from } = self;
        let text = |scheme| std::str::from_utf8(fragments.url(pick.placement, scheme)?).ok();
        let usable = fragments.schemes(pick.placement);
        let best = query.shown(usable).iter().next()?;
        let url = Url { host: text(best)?, end };
        let shown = query.protocols.unwrap_or(Schemes::ALL);
        let urls = Scheme::ALL.map(|scheme| {
            let shown = usable.contains(scheme) && shown.contains(scheme);
            shown.then(|| text(scheme)).flatten().map(|host| Url { host, end })
        });
        let host = view.placement_host(pick.placement);
        let country = view.host_country(host);
        let continent = country.and_then(|country| view.continent(country));
        let own = view.own_place(host);
        Some(Mirror {
            url,
            urls: Urls(urls),
            hostname: host_name(url.host),
            country: country.and_then(|country| view.country_code(country)).map(|code| Code(code.bytes())),
            continent: continent
                .and_then(|continent| view.continent_code(continent))
                .map(|code| Code(code.bytes())),
            lat: own.map(|own| own.latitude),
            lon: own.map(|own| own.longitude),
            distance_km: own.zip(*from).map(|(own, from)| from.km(own).round() as u32),
            families: numbers(view.families(host)),
            tier: pick.tier.name(),
            prio: place + 1,
            private: !pick.public,
        })
    }
}

/// Versions of IP, as numbers.
fn numbers(families: Families) -> &'static [u8] {
    match (families.have(Families::V4), families.have(Families::V6)) {
        (true, true) => &[4, 6],
        (true, false) => &[4],
        (false, true) => &[6],
        (false, false) => &[],
    }
}

/// The path of a directory, as text.
pub fn directory_path(view: &View<'_>, directory: DirectoryId) -> String {
    let mut path = Vec::with_capacity(128);
    view.directory_path(directory, &mut path);
    String::from_utf8_lossy(&path).into_owned()
}

impl Code {
    /// As text.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl Serialize for Url<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{}{}", self.host, self.end))
    }
}

impl Serialize for Urls<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (scheme, url) in Scheme::ALL.into_iter().zip(&self.0) {
            if let Some(url) = url {
                map.serialize_entry(scheme.name(), url)?;
            }
        }
        map.end()
    }
}
