//! Which versions of an index are good beside the current one, as MirrorManager keeps them. Pure.
//!
//! Mirrors take a while to catch up, and clients accept from a metalink what is named there. Ages are by the time inside of
//! an index, so that one which was composed long ago ages at once.

use super::tree::Version;

/// A version, and when it became the current one.
#[derive(Clone, Debug, PartialEq)]
pub struct Known {
    /// In seconds since the epoch.
    pub since: u64,
    /// The version.
    pub version: Version,
}

/// How long versions are good.
#[derive(Clone, Copy, Debug)]
pub struct Keeping {
    /// The one before the current one, as long as the current one is younger than so many seconds.
    pub previous: u64,
    /// Any other that is not older.
    pub older: u64,
}

/// The versions from now on, the current one first; `known` are those so far, and `current` is what the tree has now.
pub fn kept(known: &[Known], current: Version, now: u64, keeping: Keeping) -> Vec<Known> {
    let age = |known: &Known| {
        now.saturating_sub(if known.version.time > 0 { known.version.time } else { known.since })
    };
    let first = match known.first() {
        Some(first) if first.version.sha256 == current.sha256 => {
            Known { since: first.since, version: current }
        }
        _ => Known { since: now, version: current },
    };
    let others = known.iter().filter(|other| other.version.sha256 != first.version.sha256).enumerate();
    let is_new = age(&first) < keeping.previous;
    let others = others.filter(|(at, other)| *at == 0 && is_new || age(other) < keeping.older);
    let others: Vec<Known> = others.map(|(_, other)| other.clone()).collect();
    std::iter::once(first).chain(others).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: u64 = 86_400;
    const NOW: u64 = 1_800_000_000;
    const KEEPING: Keeping = Keeping { previous: 3 * DAY, older: 4 * DAY };

    fn version(name: &str, age: u64) -> Version {
        Version { time: NOW - age, sha256: name.into(), ..Version::default() }
    }

    fn known(name: &str, age: u64) -> Known {
        Known { since: NOW - age, version: version(name, age) }
    }

    fn names(kept: &[Known]) -> Vec<&str> {
        kept.iter().map(|known| &*known.version.sha256).collect()
    }

    #[test]
    fn the_newest_stays_the_one_before_for_a_while_and_others_until_they_are_old() {
        let before = [known("b", 5 * DAY), known("c", 3 * DAY), known("d", 4 * DAY), known("e", 30 * DAY)];
        // The second is good while the current one is young, however old it is itself.
        assert_eq!(names(&kept(&before, version("a", DAY), NOW, KEEPING)), ["a", "b", "c"]);
        assert_eq!(names(&kept(&before, version("a", 3 * DAY), NOW, KEEPING)), ["a", "c"]);
        assert_eq!(names(&kept(&before, version("a", 300 * DAY), NOW, KEEPING)), ["a", "c"]);
        let none = Keeping { previous: 0, older: 0 };
        assert_eq!(names(&kept(&before, version("a", 0), NOW, none)), ["a"]);
    }

    #[test]
    fn what_has_not_changed_stays_and_what_comes_back_is_current() {
        let before = [known("a", DAY), known("b", 2 * DAY)];
        assert_eq!(kept(&before, version("a", DAY), NOW, KEEPING), before);
        let back = kept(&before, version("b", 2 * DAY), NOW, KEEPING);
        assert_eq!((names(&back), back[0].since, back[1].since), (vec!["b", "a"], NOW, NOW - DAY));
    }

    #[test]
    fn without_a_time_inside_it_counts_when_it_was_found() {
        let timeless = |name: &str, age| Known {
            since: NOW - age,
            version: Version { sha256: name.into(), ..Version::default() },
        };
        let before = [timeless("b", DAY), timeless("c", 5 * DAY)];
        let current = Version { sha256: "a".into(), ..Version::default() };
        assert_eq!(names(&kept(&before, current, NOW, KEEPING)), ["a", "b"]);
    }
}
