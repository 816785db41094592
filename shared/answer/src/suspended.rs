//! URLs that are suspended: a list that is laid over a cache, and what is left of each host under it.
//!
//! The list comes from who asks mirrors whether they answer, between two caches. Each of its lines ends by itself, so that a
//! list that nobody renews harms nobody; one that would leave out more than half of the hosts is not believed.
//! Its form: mirrorlistd(8), under FILES.

use cache::{HostId, PlacementId, UrlId, View, files, scheme::Schemes};
use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    io::{self, Read},
    path::Path,
    str::Utf8Error,
};

/// What the first line says.
const HEAD: &str = "# mirrorlist-suspended 1";

/// What begins the last line, before the number of URLs: a list that was cut is not taken.
const END: &str = "# end ";

/// Bytes that a list may have: some 10,000 lines.
pub const MOST_BYTES: u64 = 1 << 20;

/// Seconds that a URL may be suspended without being confirmed.
const LONGEST: u64 = 24 * 3600;

/// A URL that is suspended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The URL of a host, spelled as in a cache.
    pub url: String,
    /// Whose it is, as who wrote the list calls it.
    pub host: String,
    /// Since when, in seconds since the epoch.
    pub since: u64,
    /// Until when, likewise; from then on the line says nothing.
    pub until: u64,
    /// Why.
    pub reason: String,
}

/// A list of URLs that are suspended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Suspended {
    lines: Vec<Line>,
}

impl Suspended {
    /// Reads a list to its end; an error says what is wrong with it.
    pub fn read(list: impl Read) -> Result<Suspended, Error> {
        let mut text = Vec::new();
        list.take(MOST_BYTES + 1).read_to_end(&mut text).map_err(Error::Unreadable)?;
        if text.len() as u64 > MOST_BYTES {
            return Err(Error::Length);
        }
        Suspended::parse(&text)
    }

    /// Reads a list; an error says which line is wrong with what.
    pub fn parse(text: &[u8]) -> Result<Suspended, Error> {
        let text = std::str::from_utf8(text).map_err(Error::Text)?;
        let mut lines = text.lines();
        match lines.next() {
            None => return Err(Error::Empty),
            Some(HEAD) => {}
            Some(_) => return Err(Error::Head),
        }
        let (mut list, mut end) = (Suspended::default(), None);
        for (number, text) in (2..).zip(lines) {
            if end.is_some() {
                return Err(Error::Line(number, LineError::AfterEnd));
            }
            match text.strip_prefix(END) {
                Some(count) => end = Some(count.parse::<usize>()),
                None if text.starts_with('#') => {}
                None => {
                    list.lines.push(Line::parse(text).map_err(|cause| Error::Line(number, cause))?);
                }
            }
        }
        match end {
            Some(Ok(count)) if count == list.lines.len() => Ok(list),
            Some(_) => Err(Error::Count(list.lines.len())),
            None => Err(Error::Cut),
        }
    }

    /// Its lines, also those that are past.
    pub fn lines(&self) -> &[Line] {
        &self.lines
    }
}

impl Line {
    fn parse(text: &str) -> Result<Line, LineError> {
        let fields: Vec<&str> = text.splitn(5, '\t').collect();
        let [url, host, since, until, reason] = fields[..] else {
            return Err(LineError::Fields);
        };
        let time = |text: &str| text.parse::<u64>().map_err(|_| LineError::Time(text.into()));
        let (since, until) = (time(since)?, time(until)?);
        if until.checked_sub(since).is_none_or(|seconds| seconds > LONGEST) {
            return Err(LineError::Duration);
        }
        let url = spelled(url).ok_or_else(|| LineError::Url(url.into()))?;
        Ok(Line { url, host: host.into(), since, until, reason: reason.into() })
    }
}

/// A URL as caches spell it: scheme and host in lower case, no slash at the end. Nothing if it is none.
pub fn spelled(url: &str) -> Option<String> {
    let (scheme, rest) = url.split_once("://")?;
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    Some(format!(
        "{}://{}{}",
        scheme.to_ascii_lowercase(),
        host.to_ascii_lowercase(),
        path.trim_end_matches('/')
    ))
}

/// What is wrong with a list.
#[derive(Debug)]
pub enum Error {
    /// It cannot be read.
    Unreadable(io::Error),
    /// It is longer than [`MOST_BYTES`].
    Length,
    /// It is no UTF-8.
    Text(Utf8Error),
    /// There is nothing in it.
    Empty,
    /// It does not begin as lists do.
    Head,
    /// It does not end as lists do.
    Cut,
    /// It has so many URLs, and its end says something else.
    Count(usize),
    /// This line of it, from 1, is wrong.
    Line(usize, LineError),
    /// It says too much of a cache.
    TooMany(TooMany),
}

/// What is wrong with a line of a list.
#[derive(Debug, PartialEq, Eq)]
pub enum LineError {
    /// It stands after the end.
    AfterEnd,
    /// It has other fields.
    Fields,
    /// One of its times is none.
    Time(String),
    /// It lasts too long, or ends before it begins.
    Duration,
    /// Its URL is none.
    Url(String),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Unreadable(error) => error.fmt(f),
            Error::Length => write!(f, "is longer than {MOST_BYTES} bytes"),
            Error::Text(_) => f.write_str("is no UTF-8"),
            Error::Empty => f.write_str("is empty"),
            Error::Head => write!(f, "does not begin with `{HEAD}`"),
            Error::Cut => write!(f, "is cut: its last line does not begin with `{END}`"),
            Error::Count(urls) => write!(f, "has {urls} URLs, which is not what its last line says"),
            Error::Line(number, cause) => write!(f, "line {number}: {cause}"),
            Error::TooMany(refusal) => refusal.fmt(f),
        }
    }
}

impl fmt::Display for LineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LineError::AfterEnd => f.write_str("stands after the end"),
            LineError::Fields => {
                f.write_str("is not URL, host, since, until and reason with tabs between them")
            }
            LineError::Time(text) => write!(f, "`{text}` is no time in seconds since the epoch"),
            LineError::Duration => {
                write!(f, "lasts more than {} hours, or less than nothing", LONGEST / 3600)
            }
            LineError::Url(url) => write!(f, "`{url}` is no URL"),
        }
    }
}

impl std::error::Error for Error {}

impl std::error::Error for LineError {}

/// A list would leave out too many hosts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooMany {
    /// Hosts that would have no URL left.
    pub hosts: usize,
    /// Hosts that have one in the cache.
    pub of: usize,
}

impl fmt::Display for TooMany {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let TooMany { hosts, of } = self;
        write!(f, "would leave out {hosts} of {of} hosts, which is more than half")
    }
}

/// What of a cache may be shown: everything, but for URLs that are suspended.
#[derive(Debug, Default)]
pub struct Usable {
    /// By placement: the schemes that are left. Empty if nothing is suspended.
    schemes: Vec<Schemes>,
    /// By URL: whether it is suspended. Empty if none is.
    suspended: Vec<bool>,
    /// Why, by URL.
    lines: BTreeMap<u32, Line>,
    hosts: usize,
}

impl Usable {
    /// Reads a list and lays it over a cache, for programs that do so once; an error says what is wrong with it.
    pub fn read(view: &View<'_>, list: &Path, now: u64) -> Result<Usable, Error> {
        let file = files::open(list).map_err(Error::Unreadable)?;
        Usable::of(view, &Suspended::read(file)?, now).map_err(Error::TooMany)
    }

    /// Lays a list over a cache; `now` is in seconds since the epoch.
    pub fn of(view: &View<'_>, list: &Suspended, now: u64) -> Result<Usable, TooMany> {
        // One that would last for longer was written by a clock that is ahead.
        let lines = list.lines.iter().filter(|line| line.until > now && line.until - now <= LONGEST);
        let by_url: HashMap<&str, &Line> = lines.map(|line| (&*line.url, line)).collect();
        let of = |url: u32| Some((url, (*by_url.get(view.url(UrlId(url))?.1)?).clone()));
        let lines: BTreeMap<u32, Line> = match by_url.is_empty() {
            true => BTreeMap::new(),
            false => (0..view.url_count() as u32).filter_map(of).collect(),
        };
        let mut usable = Usable { lines, ..Usable::default() };
        if usable.lines.is_empty() {
            return Ok(usable);
        }
        usable.suspended = (0..view.url_count() as u32).map(|url| usable.lines.contains_key(&url)).collect();
        let schemes = |placement| {
            let left = view.placement_urls(placement).filter(|url| !usable.is_suspended(*url));
            left.filter_map(|url| Some(view.url(url)?.0)).collect()
        };
        usable.schemes = (0..view.placement_count() as u32).map(PlacementId).map(schemes).collect();
        let has = |host: HostId, any: &dyn Fn(PlacementId) -> bool| {
            view.host_placements(host).map(PlacementId).any(any)
        };
        // Only these are asked by who suspends, and by most clients.
        let is_reached = |schemes: Schemes| !schemes.and(Schemes::WEB).is_empty();
        let mut of = 0;
        for host in (0..view.host_count() as u32).map(HostId) {
            if has(host, &|placement| is_reached(view.placement_schemes(placement))) {
                of += 1;
                usable.hosts +=
                    usize::from(!has(host, &|placement| is_reached(usable.schemes(view, placement))));
            }
        }
        let hosts = usable.hosts;
        if 2 * hosts > of { Err(TooMany { hosts, of }) } else { Ok(usable) }
    }

    /// The schemes by which a placement is reached.
    pub fn schemes(&self, view: &View<'_>, placement: PlacementId) -> Schemes {
        match self.schemes.get(placement.0 as usize) {
            Some(left) => *left,
            None => view.placement_schemes(placement),
        }
    }

    /// Whether a URL is suspended.
    pub fn is_suspended(&self, url: UrlId) -> bool {
        self.suspended.get(url.0 as usize).is_some_and(|suspended| *suspended)
    }

    /// Why a URL is suspended, if it is.
    pub fn line(&self, url: UrlId) -> Option<&Line> {
        self.lines.get(&url.0)
    }

    /// How many URLs of the cache are suspended.
    pub fn urls(&self) -> usize {
        self.lines.len()
    }

    /// How many hosts have no URL left.
    pub fn hosts(&self) -> usize {
        self.hosts
    }

    /// When the first of its URLs is no longer suspended, unless another list says so.
    pub fn until(&self) -> Option<u64> {
        self.lines.values().map(|line| line.until).min()
    }
}

#[cfg(test)]
mod tests;
