//! A listed mirror with all that is known of it, for the forms that tell more than a URL.

use super::{escape, fragments::Fragments, url};
use crate::select::{pick::Pick, query::Query, target::Target};
use cache::{
    DirectoryId, Families, View,
    place::Place,
    scheme::{Scheme, Schemes, host_name},
};
use serde::Serialize;

/// A URL in its two parts: the host's, and what follows it.
#[derive(Clone, Copy, Debug)]
pub struct Url<'a> {
    /// The host's own.
    pub host: &'a [u8],
    /// The directory and the file or a slash.
    pub end: &'a [u8],
}

/// A URL of each scheme that the answer may show, in the order of [`Scheme::ALL`].
#[derive(Clone, Copy, Debug)]
pub struct Urls<'a>(pub [Option<Url<'a>>; 4]);

/// A listed mirror.
#[derive(Debug)]
pub struct Mirror<'a> {
    /// The best one.
    pub url: Url<'a>,
    /// One of each scheme.
    pub urls: Urls<'a>,
    /// The name in `url`.
    pub hostname: &'a str,
    /// Where it is.
    pub country: Option<Code>,
    /// The continent of that.
    pub continent: Option<Code>,
    /// Degrees north of the equator, if its own place is known.
    pub lat: Option<f64>,
    /// Degrees east of Greenwich, likewise.
    pub lon: Option<f64>,
    /// How far that is from the point that stands for the client's country.
    pub distance_km: Option<u32>,
    /// The versions of IP by which it answers, if they are known.
    pub families: &'static [u8],
    /// Why it is listed.
    pub tier: &'static str,
    /// Its place, from 1.
    pub prio: usize,
    /// It is only for some, of whom the client is one.
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
    end: Vec<u8>,
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
        let from = query.client.country.and_then(|country| view.country_code(country)).and_then(Place::of);
        Mirrors { view, fragments, query, end, from }
    }

    /// The mirror at this place (from 0); `None` when it has no URL to show.
    pub fn mirror(&self, place: usize, pick: &Pick) -> Option<Mirror<'_>> {
        let Mirrors { view, fragments, query, end, from } = self;
        let usable = fragments.schemes(pick.placement);
        let best = query.shown(usable).iter().next()?;
        let url = Url { host: fragments.url(pick.placement, best)?, end };
        let shown = query.protocols.unwrap_or(Schemes::ALL);
        let urls = Scheme::ALL.map(|scheme| {
            let shown = usable.contains(scheme) && shown.contains(scheme);
            shown.then(|| fragments.url(pick.placement, scheme)).flatten().map(|host| Url { host, end })
        });
        let host = view.placement_host(pick.placement);
        let country = view.host_country(host);
        let continent = country.and_then(|country| view.continent(country));
        let own = view.own_place(host);
        Some(Mirror {
            url,
            urls: Urls(urls),
            hostname: host_name(std::str::from_utf8(url.host).ok()?),
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
pub fn numbers(families: Families) -> &'static [u8] {
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

impl Mirror<'_> {
    /// Appends it as a JSON object. By hand, for it is most of an answer: URLs are copied whole where nothing in them needs an
    /// escape.
    pub fn json(&self, out: &mut Vec<u8>) {
        let url = |name: &str, url: Url<'_>, out: &mut Vec<u8>| {
            key(name, out);
            out.push(b'"');
            escape::json(url.host, out);
            escape::json(url.end, out);
            out.push(b'"');
        };
        out.push(b'{');
        url("url", self.url, out);
        out.push(b',');
        key("urls", out);
        out.push(b'{');
        let known = Scheme::ALL.into_iter().zip(self.urls.0).filter_map(|(scheme, url)| Some((scheme, url?)));
        for (at, (scheme, of)) in known.enumerate() {
            out.extend_from_slice(if at > 0 { b"," } else { b"" });
            url(scheme.name(), of, out);
        }
        out.push(b'}');
        let mut text = |name, text: Option<&str>| {
            let Some(text) = text else { return };
            out.push(b',');
            key(name, out);
            out.push(b'"');
            escape::json(text.as_bytes(), out);
            out.push(b'"');
        };
        text("hostname", Some(self.hostname));
        text("country", self.country.as_ref().map(Code::as_str));
        text("continent", self.continent.as_ref().map(Code::as_str));
        member("lat", self.lat, out);
        member("lon", self.lon, out);
        member("distance_km", self.distance_km, out);
        member("families", Some(self.families).filter(|families| !families.is_empty()), out);
        member("tier", Some(self.tier), out);
        member("prio", Some(self.prio), out);
        member("private", Some(self.private).filter(|private| *private), out);
        out.push(b'}');
    }
}

fn key(name: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\":");
}

/// Appends what is known, behind another member.
fn member(name: &str, value: Option<impl Serialize>, out: &mut Vec<u8>) {
    let Some(value) = value else { return };
    out.push(b',');
    key(name, out);
    // Writing to memory does not fail, nor do these types.
    let _ = serde_json::to_writer(out, &value);
}
