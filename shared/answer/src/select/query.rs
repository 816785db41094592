//! A request, resolved: everything that the tiers need to know, as numbers of the cache.
//!
//! Source: SPEC.md §1 to §3.

use super::{
    client::Client,
    exclude::Exclude,
    form::{Endpoint, Format},
    params::{Params, items},
    target::{self, Named, Refusal, Target},
};
use cache::{
    CountryId, Families, LocationId, View,
    scheme::{Scheme, Schemes},
};
use std::{borrow::Cow, num::NonZeroU8};
use wire::code::Country;

/// How many distinct items of `country` count.
pub const MOST_COUNTRIES: usize = 16;

/// A request, resolved.
#[derive(Debug)]
pub struct Query<'q> {
    /// Its path and its query, as sent.
    pub written: (&'q [u8], &'q [u8]),
    /// By which way it came.
    pub endpoint: Endpoint,
    /// What form the answer has.
    pub format: Format,
    /// Who asks.
    pub client: Client,
    /// What is named.
    pub named: Named<'q>,
    /// What mirrors are asked to have, or why there is no such thing.
    pub target: Result<Target<'q>, Refusal>,
    /// The countries asked for.
    pub countries: Option<Countries>,
    /// The protocols asked for; those of other names are dropped, so it may be empty.
    pub protocols: Option<Schemes>,
    /// The location asked for, if the cache knows it.
    pub location: Option<(LocationId, Cow<'q, [u8]>)>,
    /// What the client does not want.
    pub exclude: Option<Exclude>,
    /// Whether only hosts of the countries asked for will do.
    pub strict: bool,
    /// By which version of IP hosts must answer, as far as that is known.
    pub family: Option<Families>,
    /// How many hosts there may be.
    pub limit: Option<NonZeroU8>,
    /// Whether the tiers of netblock and ASN are used.
    pub use_network_tiers: bool,
    /// Whether the header tells the cache's creation time.
    pub time: bool,
}

/// A list of countries.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Countries {
    /// Codes as asked for, upper case, each once, with their number if the cache names them.
    pub codes: Vec<(Country, Option<CountryId>)>,
    /// Whether `global` is on the list.
    pub global: bool,
}

impl<'q> Query<'q> {
    /// Resolves a request; `None` when its path asks for neither list nor metalink.
    pub fn resolve(view: &View<'q>, request: &wire::Request<'q>) -> Option<Query<'q>> {
        let endpoint = match request.path.rsplit(|byte| *byte == b'/').next() {
            Some(b"mirrorlist") => Endpoint::Mirrorlist,
            Some(b"metalink") => Endpoint::Metalink,
            _ => return None,
        };
        let params = Params::parse(request.query);
        let asked = params.format.as_deref().map(Format::parse);
        let format = match (asked, endpoint, params.redirect) {
            (Some(None), ..) => Format::Text,
            (_, Endpoint::Mirrorlist, true) => Format::Redirect,
            (Some(Some(format)), ..) => format,
            (None, Endpoint::Mirrorlist, false) => Format::Text,
            (None, Endpoint::Metalink, _) => Format::Metalink,
        };
        let (named, mut target) = target::resolve(view, &params, endpoint, format);
        if asked == Some(None) {
            target = Err(Refusal::UnknownFormat);
        }
        let location = params.location.as_ref().and_then(|name| Some((view.location(name)?, name.clone())));
        let countries = params.country.as_ref().and_then(|list| Countries::read(view, list));
        Some(Query {
            written: (request.path, request.query),
            endpoint,
            format,
            client: Client::resolve(view, request.client, &params),
            named,
            target,
            strict: params.strict && countries.is_some(),
            countries,
            exclude: params.exclude.as_ref().and_then(|list| Exclude::read(view, list)),
            family: params.family.as_ref().and_then(|family| match family.as_ref() {
                b"4" => Some(Families::V4),
                b"6" => Some(Families::V6),
                _ => None,
            }),
            limit: params.limit.as_ref().and_then(|number| limit(number)),
            protocols: params.protocol.as_ref().and_then(|list| protocols(list)),
            location,
            use_network_tiers: params.netblock.as_ref().is_none_or(|value| value.as_ref() == b"1"),
            time: params.time,
        })
    }

    /// Of the schemes by which a host can be reached, those of which a list or a redirect shows a URL: all that were
    /// asked for, else the best; one for the forms that show one URL a host.
    #[inline]
    pub fn shown(&self, usable: Schemes) -> Schemes {
        let usable = usable.and(self.wanted());
        if self.protocols.is_some() && self.format == Format::Text { usable } else { usable.best() }
    }

    /// The schemes by which a host must be reached to be a candidate.
    #[inline]
    pub fn wanted(&self) -> Schemes {
        let asked = self.protocols.unwrap_or(Schemes::USUAL);
        if self.format.is_web() { asked.and(Schemes::WEB) } else { asked }
    }
}

impl Countries {
    /// Reads a list; `None` when nothing is on it.
    fn read(view: &View<'_>, list: &[u8]) -> Option<Countries> {
        let mut countries = Countries::default();
        let mut any = false;
        for item in items(list) {
            any = true;
            if countries.codes.len() + usize::from(countries.global) == MOST_COUNTRIES {
                break;
            }
            if item.eq_ignore_ascii_case(b"global") {
                countries.global = true;
            } else if let Some(code) = Country::parse(item)
                && !countries.codes.iter().any(|known| known.0 == code)
            {
                countries.codes.push((code, view.country_id(code)));
            }
        }
        any.then_some(countries)
    }

    /// Whether a country of the cache is on the list.
    pub fn contains(&self, country: CountryId) -> bool {
        self.codes.iter().any(|code| code.1 == Some(country))
    }
}

/// Reads a list of protocols; `None` when nothing is on it.
fn protocols(list: &[u8]) -> Option<Schemes> {
    let mut items = items(list).peekable();
    items.peek()?;
    Some(items.filter_map(Scheme::parse).collect())
}

/// Reads a number of hosts; `None` when it is none from 1 to 255.
fn limit(number: &[u8]) -> Option<NonZeroU8> {
    let digits = number.iter().all(u8::is_ascii_digit);
    std::str::from_utf8(number).ok().filter(|_| digits)?.parse().ok()
}
