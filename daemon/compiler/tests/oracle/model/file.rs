//! Paths below a prefix of the redirector: SPEC.md §13.

use super::{
    Block, Blocks, Body, Expected, Line, Model, TEXT,
    client::Client,
    facts::{Facts, Version},
    mirrorlist,
    question::{Bytes, Excluded, Question, could_be_known, decoded},
    subject::{self, About, Subject},
    tiers::{Candidates, Selection},
};
use wire::{Accept, Counter, Kind, Request, Tier, UrlScheme};

/// The schemes of the web.
pub const WEB: [&str; 2] = ["https", "http"];

/// What the head of a redirect has behind `Location`.
#[derive(Clone, Debug, Default)]
pub struct Besides {
    /// `Vary`, if the answer would be another one for others.
    pub vary: &'static str,
    /// Further lines, each left out where the head would be too long with it.
    pub lines: Vec<String>,
    /// The mirrors, as lines of URL and country, of which each is a `Link` if the head has room.
    pub mirrors: Option<Blocks>,
}

/// What a path is.
enum Is {
    Directory,
    FileWithDetails,
    FileInADirectory,
    Unknown,
    /// Nothing that could be known.
    NoPath,
}

impl Model {
    /// Prefixes as the option has them.
    pub fn redirect_below(&mut self, prefixes: &[impl AsRef<str>]) {
        let parts = |text: &str| {
            let (path, tree) = text.split_once('=').unwrap_or((text, ""));
            (path.to_owned(), tree.trim_matches('/').to_owned())
        };
        self.prefixes = prefixes.iter().map(|text| parts(text.as_ref())).collect();
    }

    /// The tree that the path of a request is below, and what follows the prefix. "The longest prefix counts. It is
    /// compared with the path as sent." "With the prefix `/` only the paths `/mirrorlist` and `/metalink` stay what they are."
    pub fn below<'r>(&self, path: &'r [u8]) -> Option<(&str, &'r [u8])> {
        let around = self.prefixes.iter().filter(|(prefix, _)| path.starts_with(prefix.as_bytes()));
        let (prefix, tree) = around.max_by_key(|(prefix, _)| prefix.len())?;
        let is_list = prefix == "/" && (path == b"/mirrorlist" || path == b"/metalink");
        (!is_list).then_some((tree, &path[prefix.len()..]))
    }

    /// What who asks for this gets. "What follows it is percent-decoded once, and components that are a single dot are
    /// dropped ... If the prefix names a tree ..., that comes in front. The result is a `path` as in §1 and §3."
    pub fn file(&self, tree: &str, rest: &[u8], request: &Request<'_>, now: u64) -> Expected {
        let facts = &self.facts;
        let mut rest = decoded(rest);
        let ends_in_a_dot = rest == b"." || rest.ends_with(b"/.");
        rest = rest.split(|byte| *byte == b'/').filter(|one| *one != b".").collect::<Vec<_>>().join(&b'/');
        if ends_in_a_dot {
            rest.push(b'/');
        }
        let written = if tree.is_empty() { rest } else { [tree.as_bytes(), b"/", &rest].concat() };
        let slash = written.ends_with(b"/");
        let path = facts.real(components(&written).join(&b'/'));
        let mut question = Question::read(request);
        // "A client that came by https ... is led to https only."
        if request.scheme == UrlScheme::Https {
            let asked = question.protocols.take().unwrap_or_else(|| WEB.to_vec());
            question.protocols = Some(asked.into_iter().filter(|scheme| *scheme == "https").collect());
        }
        let may: Vec<&'static str> = match &question.protocols {
            Some(asked) => asked.iter().copied().filter(|scheme| WEB.contains(scheme)).collect(),
            None => WEB.to_vec(),
        };
        let is = facts.what(&path);
        let origin = facts.origin(&path).filter(|(_, url)| {
            let fits = may.iter().any(|scheme| url.starts_with(&format!("{scheme}://")));
            fits && !question.strict && !question.exclude.contains(&Excluded::Origin)
        });
        let origin = origin.map(|(top, url)| {
            let below = String::from_utf8_lossy(&path[top.len()..]).into_owned();
            let between = if below.is_empty() || below.starts_with('/') { "" } else { "/" };
            let end = if slash || matches!(is, Is::Directory) { "/" } else { "" };
            format!("{url}{between}{}{end}", mirrorlist::percent_encoded(&below))
        });
        let to_origin = |counted| match &origin {
            Some(url) => {
                redirect(vec![super::in_header(url)], Besides::default(), Tier::Origin, Some(counted))
            }
            None => invalid(&path),
        };
        let is_only = !matches!(is, Is::NoPath) && origin.is_some() && facts.is_origin_only(&path);
        let ending = if slash || is_only { None } else { facts.ending(&path) };
        if question.format == Some(None) || ending.is_some() || question.is_of_a_form() && !is_only {
            return form(&question, ending, request.accept);
        }
        if is_only {
            return to_origin(Counter::RedirectorOriginOnly);
        }
        match is {
            Is::NoPath => return invalid(&path),
            Is::FileWithDetails if slash => return invalid(&path),
            Is::FileWithDetails if origin.is_some() && facts.is_young(&path, now) => {
                return to_origin(Counter::RedirectorOriginYoung);
            }
            Is::FileInADirectory if slash => return to_origin(Counter::RedirectorOriginUnknown),
            Is::Unknown => return to_origin(Counter::RedirectorOriginUnknown),
            Is::Directory | Is::FileWithDetails | Is::FileInADirectory => {}
        }
        question.path = Some(path.clone());
        let about = About { metadata: false, hashes: false, details: true, directory: false };
        let Ok(subject) = subject::find(facts, &question, about) else { return invalid(&path) };
        if let Some(kind) = metalink_instead(&subject, request.accept) {
            return Expected { kind, body: Body::Form, ..invalid(&path) };
        }
        // "Any other is led to http, and to https if no candidate has http."
        let client = Client::of(facts, question.ip.unwrap_or(request.client));
        for schemes in [vec!["http"], vec!["https"]] {
            if schemes.iter().any(|scheme| !may.contains(scheme)) {
                continue;
            }
            let mut expected = self.about(&subject, &question, &client, Kind::Redirect, &schemes, now);
            if expected.status == 302 && expected.tier != Tier::Origin {
                if let Body::Redirect(_, besides) = &mut expected.body {
                    besides.tell(facts, &subject, &path, request.accept);
                }
                return Expected { kind: Kind::File, ..expected };
            }
        }
        if origin.is_some() {
            return to_origin(Counter::RedirectorOriginNoMirror);
        }
        let text = mirrorlist::no_mirror(&subject, &question);
        Expected {
            counted: Some(Counter::RedirectorWithoutMirror),
            ..Expected::refusal(Kind::File, (404, text), now)
        }
    }
}

impl Besides {
    /// The mirrors of a selection, as a redirect to the first may tell of them.
    pub fn of(
        facts: &Facts,
        subject: &Subject<'_>,
        question: &Question,
        selection: &Selection,
        minimum: usize,
        candidates: &Candidates<'_>,
    ) -> Besides {
        let block = |_, host: &i64| -> Block {
            let country = facts.host_country.get(host).map(|of| of.to_ascii_lowercase()).unwrap_or_default();
            let line = |url| {
                let url = mirrorlist::whole_url(subject, url);
                Line { before: format!("{} {country}\n", super::in_header(&url)), after: None, url }
            };
            mirrorlist::best(&candidates[host]).into_iter().map(line).collect()
        };
        let selection = selection.without_tokens();
        let limits = (minimum, Some(question.limit.map_or(5, |limit| limit.min(5))));
        let mirrors = Blocks::of(&selection, limits, Default::default(), String::new(), block);
        Besides { vary: "", lines: Vec::new(), mirrors: Some(mirrors) }
    }

    /// Leaves what this client is told.
    fn tell(&mut self, facts: &Facts, subject: &Subject<'_>, path: &[u8], accept: Accept) {
        let Some(version) = certain(subject) else {
            *self = Besides::default();
            return;
        };
        self.vary = "Vary: Accept, Want-Digest\r\n";
        let asks = [Accept::DIGEST, Accept::METALINK3, Accept::METALINK4];
        if !asks.into_iter().any(|one| accept.has(one)) {
            self.mirrors = None;
            return;
        }
        let digest = |kind: &str, name: &str| {
            let (_, hex) = version.hashes.iter().find(|(of, _)| *of == kind)?;
            Some(format!("{name}={}", base64(hex)))
        };
        let digests: Vec<String> =
            [digest("sha256", "SHA-256"), digest("sha512", "SHA-512")].into_iter().flatten().collect();
        self.lines.push(format!("Digest: {}\r\n", digests.join(",")));
        if let Some(public) = facts.site.public_url.as_ref().filter(|_| version.size > 0) {
            let path = mirrorlist::percent_encoded(&String::from_utf8_lossy(path));
            let url = super::in_header(&format!("{public}/{path}.meta4"));
            self.lines
                .push(format!("Link: <{url}>; rel=describedby; type=\"application/metalink4+xml\"\r\n"));
        }
    }
}

/// The only version of a file, if it has sha256 or sha512.
fn certain<'a>(subject: &Subject<'a>) -> Option<&'a Version> {
    let [version] = subject.versions else { return None };
    let strong = version.hashes.iter().any(|(kind, _)| ["sha256", "sha512"].contains(kind));
    strong.then_some(version)
}

/// "Accept, for a metalink. The client lists `application/metalink4+xml` or `application/metalink+xml` and not `*/*`, and
/// the file has exactly one version".
fn metalink_instead(subject: &Subject<'_>, accept: Accept) -> Option<Kind> {
    certain(subject)?;
    match (accept.has(Accept::ANY), accept.has(Accept::METALINK4), accept.has(Accept::METALINK3)) {
        (false, true, _) => Some(Kind::Metalink4),
        (false, false, true) => Some(Kind::Metalink),
        _ => None,
    }
}

/// Another form than the redirect: `format`, else the path's ending, else flags. "by Accept: a page if it lists
/// `text/html`, else JSON if `application/json`, else the list".
fn form(question: &Question, ending: Option<&'static str>, accept: Accept) -> Expected {
    let of_a_name = |name: &str| match name {
        "mirrorlist" if accept.has(Accept::HTML) => Kind::Page,
        "mirrorlist" if accept.has(Accept::JSON) => Kind::Json,
        "json" => Kind::Json,
        "meta4" => Kind::Metalink4,
        "metalink" => Kind::Metalink,
        "apt" => Kind::Apt,
        "sha256" | "sha512" => Kind::Hash,
        _ => Kind::Mirrorlist,
    };
    let kind = match (question.format, ending.or(question.flags.first().copied())) {
        (Some(format), _) => format.unwrap_or(Kind::Mirrorlist),
        (None, Some(name)) => of_a_name(name),
        (None, None) => Kind::Mirrorlist,
    };
    Expected { kind, body: Body::Form, ..invalid(b"") }
}

fn redirect(targets: Vec<String>, besides: Besides, tier: Tier, counted: Option<Counter>) -> Expected {
    let (kind, content_type) = (Kind::File, TEXT);
    Expected {
        status: 302,
        content_type,
        kind,
        tier,
        body: Body::Redirect(targets, besides),
        log: None,
        counted,
    }
}

/// "is any other | 404, `error: invalid path`".
fn invalid(path: &[u8]) -> Expected {
    let text = format!("# path = {} error: invalid path\n", super::question::repeated(path));
    Expected {
        counted: Some(Counter::RedirectorInvalidPaths),
        ..Expected::refusal(Kind::File, (404, text), 0)
    }
}

/// "Slashes at its ends are dropped, runs of them made one".
pub fn components(path: &[u8]) -> Vec<&[u8]> {
    path.split(|byte| *byte == b'/').filter(|component| !component.is_empty()).collect()
}

impl Facts {
    /// "The longest alias that the path begins with, by whole components, is replaced; then the same is done with the
    /// result, at most eight times. A path that is itself a known directory or a file with details is not replaced."
    pub fn real(&self, mut path: Bytes) -> Bytes {
        for _ in 0..8 {
            if matches!(self.what(&path), Is::Directory | Is::FileWithDetails) {
                break;
            }
            let around = self.site.aliases.iter().filter(|(name, _)| is_around(name, &path));
            let Some((name, to)) = around.max_by_key(|(name, _)| name.len()) else { break };
            path = [to.as_bytes(), &path[name.len()..]].concat();
        }
        path
    }

    /// Top and URL: "A path has the origin of the longest tree around it".
    fn origin(&self, path: &[u8]) -> Option<(&str, &str)> {
        let around = self.site.origins.iter().filter(|(top, _)| is_around(top, path));
        around.max_by_key(|(top, _)| top.len()).map(|(top, url)| (&top[..], &url[..]))
    }

    fn what(&self, path: &[u8]) -> Is {
        let dots = components(path).iter().any(|one| *one == b"." || *one == b"..");
        let Some(path) = could_be_known(path).filter(|path| !path.is_empty() && !dots) else {
            return Is::NoPath;
        };
        let Some((parent, name)) = path.rsplit_once('/') else {
            return if self.directories.contains_key(path) { Is::Directory } else { Is::Unknown };
        };
        match (self.directories.contains_key(path), self.directories.contains_key(parent)) {
            (true, _) => Is::Directory,
            (_, true) if self.files.contains_key(&(parent.to_owned(), name.to_owned())) => {
                Is::FileWithDetails
            }
            (_, true) => Is::FileInADirectory,
            _ => Is::Unknown,
        }
    }

    /// "The path with the ending must not be known, and the path without it must be, by an alias too: as a file with details for
    /// `.meta4` and `.metalink`, as a directory for `.apt`, as a directory or any file in one for `.mirrorlist`."
    fn ending(&self, path: &[u8]) -> Option<&'static str> {
        if matches!(self.what(path), Is::Directory | Is::FileWithDetails) {
            return None;
        }
        ["mirrorlist", "meta4", "metalink", "apt"].into_iter().find(|ending| {
            let Some(base) = path.strip_suffix(format!(".{ending}").as_bytes()) else { return false };
            // A name that is nothing but an ending is a name.
            match (*ending, self.what(&self.real(base.to_vec()))) {
                _ if base.ends_with(b"/") => false,
                ("mirrorlist", Is::Directory | Is::FileWithDetails | Is::FileInADirectory) => true,
                ("apt", is) => matches!(is, Is::Directory),
                ("meta4" | "metalink", is) => matches!(is, Is::FileWithDetails),
                _ => false,
            }
        })
    }

    /// "a file with details and exactly one version, which is younger than `young`".
    fn is_young(&self, path: &[u8], now: u64) -> bool {
        let path = std::str::from_utf8(path).expect("a known file");
        let (parent, name) = path.rsplit_once('/').expect("a file in a directory");
        match &self.files[&(parent.to_owned(), name.to_owned())][..] {
            [version] => version.timestamp > 0 && now < version.timestamp + u64::from(self.site.young),
            _ => false,
        }
    }

    /// A pattern with a slash is for the whole path, one without for the last component.
    fn is_origin_only(&self, path: &[u8]) -> bool {
        let name = path.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
        let fits = |pattern: &String| {
            let text = if pattern.contains('/') { path } else { name };
            is_like(pattern.as_bytes(), text)
        };
        self.site.origin_only.iter().any(fits)
    }
}

/// Whether a path is this one or in its tree; the empty one is around everything.
fn is_around(tree: &str, path: &[u8]) -> bool {
    let rest = path.strip_prefix(tree.as_bytes());
    tree.is_empty() || rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
}

/// `*` is any run of bytes, `?` any one.
fn is_like(pattern: &[u8], text: &[u8]) -> bool {
    match (pattern, text) {
        ([], text) => text.is_empty(),
        ([b'*', pattern @ ..], text) => (0..=text.len()).any(|from| is_like(pattern, &text[from..])),
        ([b'?', pattern @ ..], [_, text @ ..]) => is_like(pattern, text),
        ([one, pattern @ ..], [other, text @ ..]) => one == other && is_like(pattern, text),
        (_, []) => false,
    }
}

/// RFC 4648 §4, of the bytes that are written in hex.
fn base64(hex: &str) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let bits: String = hex.chars().map(|digit| format!("{:04b}", digit.to_digit(16).expect("hex"))).collect();
    let mut text = String::new();
    for at in (0..bits.len()).step_by(6) {
        let six = format!("{:0<6}", &bits[at..bits.len().min(at + 6)]);
        text.push(DIGITS[usize::from_str_radix(&six, 2).expect("bits")] as char);
    }
    while !text.len().is_multiple_of(4) {
        text.push('=');
    }
    text
}

#[test]
fn hashes_are_written_as_the_rfc_has_it() {
    for (hex, expected) in
        [("666f6f626172", "Zm9vYmFy"), ("666f6f6261", "Zm9vYmE="), ("666f6f62", "Zm9vYg==")]
    {
        assert_eq!(base64(hex), expected);
    }
}

#[test]
fn a_star_is_any_run() {
    assert!(is_like(b"*a*b?", b"xxaxxbxbc") && !is_like(b"*a*b?", b"xxaxxb") && is_like(b"**", b""));
}
