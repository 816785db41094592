//! Which directory a request is about, or why it is about none: SPEC.md §3, and the rows of §9 that belong to it.

use super::{
    facts::{Directory, Facts, Hosts, Version},
    file::components,
    question::{Bytes, Question, could_be_known, repeated},
};
use std::collections::BTreeSet;

/// What a request is about.
#[derive(Debug)]
pub struct Subject<'a> {
    /// The first token of the header: `# repo = R arch = A ` or `# path = P `.
    pub header: String,
    pub directory: &'a Directory,
    /// The path of that.
    pub path: String,
    /// The file in the directory; `None` for the directory itself.
    pub file: Option<String>,
    /// The file's versions; empty unless the form tells of them.
    pub versions: &'a [Version],
    /// The only hosts that count, where `DIR/repodata` says so.
    pub fresh: Option<Hosts>,
}

/// What an answer is about, by its way and form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct About {
    /// A repository's metadata, not its directory.
    pub metadata: bool,
    /// A file whose hashes are known.
    pub hashes: bool,
    /// A file's hashes, if they are known.
    pub details: bool,
    /// Directories alone.
    pub directory: bool,
}

/// A status and a text.
pub type Refusal = (u16, String);

/// Finds the directory.
pub fn find<'a>(facts: &'a Facts, question: &Question, about: About) -> Result<Subject<'a>, Refusal> {
    let (header, path, file, directory) = match (&question.path, asked_repository(facts, question)) {
        (Some(path), _) => by_path(facts, path)?,
        (None, Some((repo, arch))) => by_repository(facts, repo, arch, about.metadata)?,
        (None, None) => {
            return Err((
                400,
                "# either path=, or repo= and arch= must be specified\n# see / for help\n".to_owned(),
            ));
        }
    };
    let mut subject = Subject { header, directory, path: path.clone(), file, versions: &[], fresh: None };
    if about.directory && subject.file.is_some() {
        return Err((404, format!("{}error: invalid path\n", subject.header)));
    }
    if about.hashes {
        let name = subject.file.clone().unwrap_or_default();
        match facts.files.get(&(path.clone(), name.clone())) {
            Some(versions) if subject.file.is_some() => subject.versions = versions,
            _ => {
                let wanted = repeated(format!("{path}/{name}").as_bytes());
                return Err((404, format!("{wanted} not found or has no metalink\n")));
            }
        }
    } else if about.directory {
        subject.fresh = hosts_of_whole_archives(facts, &path, directory);
    } else if question.path.is_none() && !about.metadata {
        subject.fresh = hosts_with_current_metadata(facts, &path, directory);
    }
    if about.details
        && let Some(file) = &subject.file
    {
        subject.versions = facts.files.get(&(path, file.clone())).map_or(&[], Vec::as_slice);
    }
    Ok(subject)
}

/// Repository after `version`, and architecture: what the access log names too (§10).
///
/// "For a repo with `source` in its name the arch is `source`, unless the pair is known as given (one must still be
/// given)"; a pair is known once its repository's redirect is followed.
pub fn asked_repository(facts: &Facts, question: &Question) -> Option<(Bytes, Bytes)> {
    let (mut repo, mut arch) = (question.repo.clone()?, question.arch.clone()?);
    if let Some(version) = &question.version {
        let of_version = [&repo[..], b"-", version].concat();
        if could_be_known(&of_version).is_some_and(|name| is_known(facts, name)) {
            repo = of_version;
        }
    }
    if repo.windows(6).any(|six| six == b"source") && !is_pair(facts, &repo, &arch) {
        arch = b"source".to_vec();
    }
    Some((repo, arch))
}

fn is_pair(facts: &Facts, repo: &[u8], arch: &[u8]) -> bool {
    let (Some(repo), Some(arch)) = (could_be_known(repo), could_be_known(arch)) else { return false };
    let repo = facts.redirects.get(repo).map_or(repo, String::as_str);
    facts.repositories.get(repo).is_some_and(|archs| archs.contains_key(arch))
}

fn is_known(facts: &Facts, repo: &str) -> bool {
    facts.repositories.contains_key(repo)
        || facts.redirects.contains_key(repo)
        || facts.disabled.contains(repo)
}

/// Header, path of the directory, file in it, and the directory.
type Found<'a> = (String, String, Option<String>, &'a Directory);

/// "one repository redirect is followed; then a disabled R is refused; then `R+arch` names a directory DIR".
fn by_repository(facts: &Facts, repo: Bytes, arch: Bytes, metalink: bool) -> Result<Found<'_>, Refusal> {
    let known = could_be_known(&repo);
    let target = known.and_then(|name| facts.redirects.get(name));
    let repo = target.map_or(repo.clone(), |target| target.clone().into_bytes());
    let header = format!("# repo = {} arch = {} ", repeated(&repo), repeated(&arch));
    let Some(name) = could_be_known(&repo) else { return Err(unknown_repository(facts, &header, &repo)) };
    if facts.disabled.contains(name) {
        return Err((200, format!("{header}repo disabled\n")));
    }
    let named = could_be_known(&arch).and_then(|arch| facts.repositories.get(name)?.get(arch));
    let Some(path) = named else { return Err(unknown_repository(facts, &header, &repo)) };
    // "A metalink is about `DIR/repodata/repomd.xml` (`/repodata` is not added twice)". "A repository whose directory is
    // a `repodata` itself: a mirrorlist is about the directory above it".
    let above = path.strip_suffix("/repodata").unwrap_or(if path == "repodata" { "" } else { path });
    let (path, file) = match metalink {
        true => {
            (format!("{above}/repodata").trim_start_matches('/').to_owned(), Some("repomd.xml".to_owned()))
        }
        false => (above.to_owned(), None),
    };
    match facts.directories.get(&path) {
        Some(directory) => Ok((header, path, file, directory)),
        None => Err((404, format!("{header}error: no mirror\n"))),
    }
}

/// "the archs of R if R is known"; else "those whose names are near", then those that follow R in byte order, or from
/// further up if fewer than 100 follow; "at most 100".
fn unknown_repository(facts: &Facts, header: &str, repo: &[u8]) -> Refusal {
    type Pair<'a> = (&'a String, &'a String);
    let all: Vec<Pair<'_>> = facts
        .repositories
        .iter()
        .flat_map(|(repo, archs)| archs.keys().map(move |arch| (repo, arch)))
        .collect();
    let own: Vec<_> = all.iter().filter(|(name, _)| name.as_bytes() == repo).copied().collect();
    let (unknown, listed, of) = if own.is_empty() {
        let distance = |pair: &Pair<'_>| distance(pair.0.as_bytes(), repo);
        let near = |wanted: usize| all.iter().copied().filter(move |pair| distance(pair) == Some(wanted));
        let near: Vec<_> = near(0).chain(near(1)).chain(near(2)).collect();
        let first = all.iter().filter(|(name, _)| name.as_bytes() < repo).count();
        let first = first.min(all.len().saturating_sub(100));
        let others = all[first..].iter().copied().filter(|pair| distance(pair).is_none());
        let listed: Vec<_> = near.into_iter().chain(others).take(100).collect();
        (
            "unknown repo; the nearest names come first",
            listed,
            format!("{} pairs of repo and arch", all.len()),
        )
    } else {
        let of = format!("{} archs of this repo", own.len());
        ("unknown arch of this repo", own.into_iter().take(100).collect(), of)
    };
    let lines: String = listed.iter().map(|(repo, arch)| format!("# repo={repo}&arch={arch}\n")).collect();
    let count = listed.len();
    let available = format!("# {unknown}\n# following repositories are available:\n{lines}");
    let end = format!("# {count} of {of} are listed; see / for help\n");
    (404, format!("{header}error: invalid repo or arch\n{available}{end}"))
}

/// How near two names are: 0 to 2, `None` if they are not. "Case, `-`, `_`, `.` and blanks make no difference; then at most
/// one character taken from each; then those that differ in digits only"; "names of at most 64 bytes".
fn distance(one: &[u8], other: &[u8]) -> Option<usize> {
    let folded = |name: &[u8]| -> Option<Vec<u8>> {
        let name: Vec<u8> = name.to_ascii_lowercase().into_iter().filter(|b| !b"-_. ".contains(b)).collect();
        (1..=64).contains(&name.len()).then_some(name)
    };
    let (one, other) = (folded(one)?, folded(other)?);
    if one == other {
        return Some(0);
    }
    let shorter = |name: &Vec<u8>| -> BTreeSet<Vec<u8>> {
        let without = |at: usize| [&name[..at], &name[at + 1..]].concat();
        (0..name.len()).map(without).chain([name.clone()]).collect()
    };
    if !shorter(&one).is_disjoint(&shorter(&other)) {
        return Some(1);
    }
    let letters = |name: Vec<u8>| -> Vec<u8> { name.into_iter().filter(|b| !b.is_ascii_digit()).collect() };
    let (one, other) = (letters(one), letters(other));
    (!one.is_empty() && one == other).then_some(2)
}

/// "if the whole path is a directory of the cache, it is about that directory; otherwise the last segment is a file in
/// its parent, which must be a directory of the cache". Slashes as in §1.
fn by_path<'a>(facts: &'a Facts, given: &[u8]) -> Result<Found<'a>, Refusal> {
    let plain = facts.real(components(given).join(&b'/'));
    let segments = components(&plain);
    let header = format!("# path = {} ", repeated(&plain));
    let invalid = || (404, format!("{header}error: invalid path\n"));
    if could_be_known(&plain).is_none()
        || segments.iter().any(|segment| *segment == b"." || *segment == b"..")
    {
        return Err(invalid());
    }
    let path = String::from_utf8(plain.clone()).map_err(|_| invalid())?;
    if let Some(directory) = facts.directories.get(&path) {
        return Ok((header, path, None, directory));
    }
    let (parent, file) = path.rsplit_once('/').unwrap_or(("", &path));
    match facts.directories.get(parent) {
        Some(directory) if !file.is_empty() => {
            Ok((header, parent.to_owned(), Some(file.to_owned()), directory))
        }
        _ => Err(invalid()),
    }
}

/// "hosts must carry every repository at or below the directory with its `repodata`, ... unless no host does".
fn hosts_of_whole_archives(facts: &Facts, path: &str, directory: &Directory) -> Option<Hosts> {
    let enabled = facts.repositories.iter().filter(|(name, _)| !facts.disabled.contains(*name));
    let mut whole: Hosts = directory.carriers.keys().copied().collect();
    for place in enabled.flat_map(|(_, archs)| archs.values()) {
        let place = place.strip_suffix("/repodata").unwrap_or(if place == "repodata" { "" } else { place });
        let is_below = path.is_empty() || place == path || place.starts_with(&format!("{path}/"));
        // A directory that the cache does not have is no repository that a mirror could lack.
        let Some(of) = facts.directories.get(place).filter(|_| is_below && !place.is_empty()) else {
            continue;
        };
        whole.retain(|host| of.carriers.contains_key(host));
        if let Some(repodata) = facts.directories.get(&format!("{place}/repodata")) {
            whole.retain(|host| repodata.carriers.contains_key(host));
        }
    }
    (!whole.is_empty()).then_some(whole)
}

/// "where the cache also has `DIR/repodata`, its hosts must carry that too, unless none would be left".
fn hosts_with_current_metadata(facts: &Facts, path: &str, directory: &Directory) -> Option<Hosts> {
    let repodata = facts.directories.get(&format!("{path}/repodata"))?;
    let both = directory.carriers.keys().filter(|host| repodata.carriers.contains_key(host));
    let both: Hosts = both.copied().collect();
    (!both.is_empty()).then_some(both)
}
