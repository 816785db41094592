//! A request, resolved: everything that the tiers need to know, as numbers of the cache.
//!
//! Source: SPEC.md §1 to §3.

use super::{
    client::Client,
    exclude::Exclude,
    file::{self, Leads, Why},
    form::{Endpoint, Format},
    params::{Flag, Params, items},
    sticky::Draw,
    target::{self, Named, Refusal, Subject, Target},
};
use cache::{
    CountryId, Families, Found, LocationId, Origin, View,
    scheme::{Scheme, Schemes},
};
use std::{borrow::Cow, num::NonZeroU8};
use wire::{Accept, UrlScheme, code::Country};

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
    /// Whether that form is what the client says it takes.
    pub negotiated: bool,
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
    /// Whether forms that can tell say why hosts are not listed.
    pub explain: bool,
    /// The origin of the tree, if it may be named to the client.
    pub origin: Option<Origin<'q>>,
    /// The schemes that forms of the web alone may show.
    pub web: Schemes,
    /// Whether a redirect tells of the file and of its other mirrors, for who asks by name: for a digest, or for metalinks.
    pub links: bool,
    /// What orders hosts in place of chance.
    pub draw: Option<Draw>,
}

/// A path of the redirector.
#[derive(Debug)]
pub struct FileQuery<'q> {
    /// Where it leads.
    pub leads: Leads<'q>,
    /// Whether a slash stood behind it.
    pub slash: bool,
}

impl FileQuery<'_> {
    /// The real path.
    pub fn path<'a>(&self, query: &'a Query<'_>) -> &'a [u8] {
        match &query.named.subject {
            Some(Subject::Path(path)) => path,
            _ => b"",
        }
    }

    /// Whether it is a directory, as the cache knows or the client says.
    pub fn is_folder(&self, view: &View<'_>, query: &Query<'_>) -> bool {
        self.slash || matches!(target::find(view, self.path(query)), Some(Found::Directory(_)))
    }
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
            (None, Endpoint::Metalink, _) => Format::Metalink,
            (None, ..) => Format::Text,
        };
        let (named, mut target) = target::resolve(view, &params, endpoint, format);
        if asked == Some(None) {
            target = Err(Refusal::UnknownFormat);
        }
        let location = params.location.as_ref().and_then(|name| Some((view.location(name)?, name.clone())));
        let countries = params.country.as_ref().and_then(|list| Countries::read(view, list));
        let mut query = Query {
            written: (request.path, request.query),
            endpoint,
            format,
            negotiated: false,
            client: Client::resolve(view, request.client, &params),
            named,
            target,
            strict: params.strict && countries.is_some(),
            countries,
            exclude: params.exclude.as_ref().and_then(|list| Exclude::read(view, list)),
            family: params.family.as_ref().and_then(|family| families(family)),
            limit: params.limit.as_ref().and_then(|number| limit(number)),
            protocols: params.protocol.as_ref().and_then(|list| protocols(list)),
            location,
            use_network_tiers: params.netblock.as_ref().is_none_or(|value| value.as_ref() == b"1"),
            time: params.time,
            explain: params.explain && format.explains(),
            origin: None,
            web: Schemes::WEB,
            links: false,
            draw: None,
        };
        query.origin = query.origin_of_target(view);
        Some(query)
    }

    /// The origin of what a list or a metalink is about, if it fits; none where the site names none.
    fn origin_of_target(&self, view: &View<'q>) -> Option<Origin<'q>> {
        let barred = self.strict || self.exclude.as_ref().is_some_and(Exclude::origin);
        let target = self.target.as_ref().ok().filter(|_| !barred && view.origins().len() > 0)?;
        let origin = view.origin_of(&target.path(view))?;
        self.wanted().contains(origin.scheme()).then_some(origin)
    }

    /// Resolves a request for a path of the redirector, decoded as it is. `now` is in seconds since the epoch, `sticky` how
    /// long a client is led to the same mirror.
    pub fn of_file(
        view: &View<'q>,
        request: &wire::Request<'q>,
        path: Cow<'q, [u8]>,
        sticky: u64,
        now: u64,
    ) -> (Query<'q>, FileQuery<'q>) {
        let params = Params::parse(request.query);
        let slash = path.ends_with(b"/");
        let mut path = target::real(view, target::normalise(&path));
        let asked = params.protocol.as_ref().and_then(|list| protocols(list));
        // Who came by https is never led down.
        let https = Schemes::NONE.with(Scheme::Https);
        let protocols = match request.scheme {
            UrlScheme::Https => Some(asked.unwrap_or(Schemes::WEB).and(https)),
            UrlScheme::Http | UrlScheme::Unknown => asked,
        };
        let web = protocols.unwrap_or(Schemes::WEB).and(Schemes::WEB);
        let countries = params.country.as_ref().and_then(|list| Countries::read(view, list));
        let exclude = params.exclude.as_ref().and_then(|list| Exclude::read(view, list));
        let strict = params.strict && countries.is_some();
        let barred = strict || exclude.as_ref().is_some_and(Exclude::origin);
        let origin_of =
            |path: &[u8]| view.origin_of(path).filter(|one| !barred && web.contains(one.scheme()));
        let mut flag = None;
        if !slash
            && let Some((base, asked)) = file::suffix(view, &path)
            && !(origin_of(&path).is_some() && view.is_origin_only(&path))
        {
            (path, flag) = (target::real(view, Cow::Owned(base.to_vec())), Some(asked));
        }
        let named = params.format.as_deref().map(Format::parse);
        let mut negotiated = false;
        let mut format = match (named, flag.or(params.flag)) {
            (Some(named), _) => named.unwrap_or(Format::Text),
            (None, Some(Flag::Of(format))) => format,
            (None, Some(Flag::Mirrorlist)) => {
                negotiated = true;
                file::negotiated(request.accept)
            }
            (None, None) => Format::Redirect,
        };
        let origin = origin_of(&path);
        let leads = file::leads(view, &path, slash, origin, now);
        // What the origin alone has comes from there, in whatever form its mirrors are asked for.
        if leads == Leads::Origin(Why::Only) && flag.is_none() && named != Some(None) {
            format = Format::Redirect;
        }
        let target = match &leads {
            Leads::Mirrors(target) => Ok(target.clone()),
            Leads::Origin(_) => target::by_path(view, &path),
            Leads::Nowhere(refusal) => Err(*refusal),
        };
        let target = match target {
            _ if named == Some(None) => Err(Refusal::UnknownFormat),
            Ok(target) if target.file.is_some() && format == Format::Apt => Err(Refusal::InvalidPath),
            target => target,
        };
        if format == Format::Redirect
            && let Leads::Mirrors(target) = &leads
            && let Some(metalink) = file::metalink(view, target, request.accept)
        {
            (format, negotiated) = (metalink, true);
        }
        let client = Client::resolve(view, request.client, &params);
        let location = params.location.as_ref().and_then(|name| Some((view.location(name)?, name.clone())));
        let query = Query {
            written: (request.path, request.query),
            endpoint: Endpoint::File,
            format,
            negotiated,
            client,
            named: Named { subject: Some(Subject::Path(path)), ..Named::default() },
            target,
            strict,
            countries,
            exclude,
            family: params.family.as_ref().and_then(|family| families(family)),
            limit: params.limit.as_ref().and_then(|number| limit(number)),
            protocols,
            location,
            use_network_tiers: params.netblock.as_ref().is_none_or(|value| value.as_ref() == b"1"),
            time: false,
            explain: params.explain && format.explains(),
            origin,
            web,
            links: [Accept::DIGEST, Accept::METALINK3, Accept::METALINK4]
                .into_iter()
                .any(|kind| request.accept.has(kind)),
            draw: Draw::of(client.address, now, sticky, params.again.as_deref()),
        };
        (query, FileQuery { leads, slash })
    }

    /// Of the schemes by which a host can be reached, those of which an answer shows a URL: in a list all that were asked for,
    /// else the best.
    #[inline]
    pub fn shown(&self, usable: Schemes) -> Schemes {
        match self.protocols {
            Some(asked) if self.format == Format::Text => usable.and(asked),
            _ => usable.and(self.wanted()).best(),
        }
    }

    /// Whether mirrors are named by https and http alone: by forms for programs that speak nothing else, and below a prefix by
    /// all that begin with the mirror of the redirect.
    #[inline]
    pub fn is_web(&self) -> bool {
        self.format.is_web() || self.endpoint == Endpoint::File && self.format != Format::Metalink
    }

    /// The schemes by which a host must be reached to be a candidate.
    #[inline]
    pub fn wanted(&self) -> Schemes {
        let asked = self.protocols.unwrap_or(Schemes::USUAL);
        if self.is_web() { asked.and(self.web) } else { asked }
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

/// Reads a version of IP.
fn families(family: &[u8]) -> Option<Families> {
    match family {
        b"4" => Some(Families::V4),
        b"6" => Some(Families::V6),
        _ => None,
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
