//! Which versions of an index are good beside the current one, as MirrorManager keeps them. Pure.
//!
//! Mirrors take a while to catch up, and clients accept from a metalink what is named there. Mirrors can copy an index from
//! when it is found on, which may be days after it was composed: from then on counts how long the one before it is good.
//! Other versions age by the time inside, so that one which was composed long ago ages at once, and none before it is found.

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
    /// The one before the current one, until that has been there for so many seconds.
    pub previous: u64,
    /// Any other that is not older.
    pub older: u64,
}

/// The versions from now on, the current one first; `known` are those so far, and `current` is what the tree has now.
pub fn kept(known: &[Known], current: Version, now: u64, keeping: Keeping) -> Vec<Known> {
    let age = |known: &Known| {
        let inside = Some(known.version.time).filter(|time| *time > 0);
        now.saturating_sub(inside.unwrap_or(known.since).min(known.since))
    };
    let first = match known.first() {
        // A clock may have been ahead.
        Some(first) if first.version.sha256 == current.sha256 => {
            Known { since: first.since.min(now), version: current }
        }
        _ => Known { since: now, version: current },
    };
    let others = known.iter().filter(|other| other.version.sha256 != first.version.sha256);
    let others = others.map(|other| Known { since: other.since.min(now), ..other.clone() }).enumerate();
    let is_new = now - first.since < keeping.previous;
    let others = others.filter(|(at, other)| *at == 0 && is_new || age(other) < keeping.older);
    let others: Vec<Known> = others.map(|(_, other)| other).collect();
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
        let found = |age| [&[known("a", age)], &before[..]].concat();
        // The second is good while the current one is new, however old it is itself.
        assert_eq!(names(&kept(&before, version("a", DAY), NOW, KEEPING)), ["a", "b", "c"]);
        assert_eq!(names(&kept(&found(3 * DAY - 1), version("a", 9 * DAY), NOW, KEEPING)), ["a", "b", "c"]);
        assert_eq!(names(&kept(&found(3 * DAY), version("a", 3 * DAY), NOW, KEEPING)), ["a", "c"]);
        let none = Keeping { previous: 0, older: 0 };
        assert_eq!(names(&kept(&before, version("a", 0), NOW, none)), ["a"]);
    }

    #[test]
    fn one_that_was_composed_before_it_was_published_leaves_mirrors_their_time() {
        let before = [known("b", 20 * DAY)];
        let found = kept(&before, version("a", 5 * DAY), NOW, KEEPING);
        assert_eq!(names(&found), ["a", "b"]);
        let later = |after| kept(&found, version("a", 5 * DAY), NOW + after, KEEPING);
        assert_eq!(names(&later(3 * DAY - 1)), ["a", "b"]);
        assert_eq!(names(&later(3 * DAY)), ["a"]);
    }

    #[test]
    fn one_of_the_future_ages_from_when_it_was_found() {
        let future = |name: &str, since| Known {
            since,
            version: Version { time: NOW + 900 * DAY, sha256: name.into(), ..Version::default() },
        };
        let before = [future("a", NOW - 3 * DAY), future("b", NOW - 4 * DAY), future("c", NOW - 4 * DAY + 1)];
        assert_eq!(names(&kept(&before, before[0].version.clone(), NOW, KEEPING)), ["a", "c"]);
        // Nor does one that was found when the clock was ahead stay for ever.
        let before = [future("a", NOW + 90 * DAY), future("b", NOW + 90 * DAY)];
        let found = kept(&before, before[0].version.clone(), NOW, KEEPING);
        assert_eq!(found.iter().map(|known| known.since).collect::<Vec<_>>(), [NOW, NOW]);
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
