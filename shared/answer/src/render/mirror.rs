//! A listed mirror with all that is known of it, for the forms that tell more than a URL.

use super::{fragments::Fragments, url};
use crate::select::{pick::Pick, query::Query, target::Target};
use cache::{
    DirectoryId, View,
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

impl<'a> Mirror<'a> {
    /// What follows a host's URL in all of an answer.
    pub fn end(view: &View<'_>, target: &Target<'_>) -> String {
        let mut end = Vec::with_capacity(128);
        url::suffix(view, target, &mut end);
        String::from_utf8_lossy(&end).into_owned()
    }

    /// The mirror at this place (from 0); `None` when it has no URL to show.
    pub fn of(
        view: &View<'_>,
        fragments: &'a Fragments,
        query: &Query<'_>,
        end: &'a str,
        (place, pick): (usize, &Pick),
    ) -> Option<Mirror<'a>> {
        let text = |scheme| std::str::from_utf8(fragments.url(pick.placement, scheme)?).ok();
        let usable = fragments.schemes(pick.placement);
        let best = query.shown(usable).iter().next()?;
        let url = Url { host: text(best)?, end };
        let shown = query.protocols.unwrap_or(Schemes::ALL);
        let urls = Scheme::ALL.map(|scheme| {
            let shown = usable.contains(scheme) && shown.contains(scheme);
            shown.then(|| text(scheme)).flatten().map(|host| Url { host, end })
        });
        let country = view.host_country(view.placement_host(pick.placement));
        let continent = country.and_then(|country| view.continent(country));
        Some(Mirror {
            url,
            urls: Urls(urls),
            hostname: host_name(url.host),
            country: country.and_then(|country| view.country_code(country)).map(|code| Code(code.bytes())),
            continent: continent
                .and_then(|continent| view.continent_code(continent))
                .map(|code| Code(code.bytes())),
            tier: pick.tier.name(),
            prio: place + 1,
            private: !pick.public,
        })
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
