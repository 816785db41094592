//! Which connections are closed when there are too many and others wait to be accepted.

use super::connection::Connection;
use slab::Slab;
use std::time::Instant;

/// Up to `most` connections that may be closed in favour of others at `now`, the most dispensable first.
///
/// Those that have asked for nothing go first. One that has asked before is among them only while most have: or a crowd
/// that never asks, and comes again and again, would wear out a front end that has been quiet for a while.
pub fn dispensable(connections: &Slab<Connection>, most: usize, now: Instant) -> Vec<usize> {
    let asked = connections.iter().filter(|(_, connection)| connection.asked).count();
    let most_asked = asked * 2 > connections.len();
    let mut found: Vec<_> = connections
        .iter()
        .filter(|(_, connection)| !connection.asked || most_asked)
        .filter_map(|(key, connection)| Some((connection.asked, connection.dispensable(now)?, key)))
        .collect();
    found.sort_unstable();
    found.into_iter().take(most).map(|(.., key)| key).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use mio::net::UnixStream;
    use std::time::Duration;
    use wire::Hello;

    #[test]
    fn who_has_asked_goes_only_when_most_have_and_the_quietest_goes_first() {
        let hello = Hello { slot: 0, slots: 1, pid: 1, generation: 1 };
        let start = Instant::now();
        let later = |seconds| start + Duration::from_secs(seconds);
        let mut open = Slab::new();
        let mut others = Vec::new();
        for (second, asked) in [(1, true), (0, true), (60, false), (59, false)] {
            let (ours, other) = UnixStream::pair().unwrap();
            others.push(other);
            let mut connection = Connection::new(ours, &hello, later(second));
            connection.asked = asked;
            open.insert(connection);
        }
        assert!(dispensable(&open, 4, start).is_empty());
        assert_eq!(dispensable(&open, 4, later(61)), [3], "the other one has just come");
        assert_eq!(dispensable(&open, 1, later(62)), [3]);
        assert_eq!(dispensable(&open, 4, later(62)), [3, 2]);
        // One that never asks does not keep those that once did.
        open.remove(2);
        assert_eq!(dispensable(&open, 4, later(60)), [1, 0]);
        assert_eq!(dispensable(&open, 4, later(62)), [3, 1, 0]);
        open.remove(3);
        assert_eq!(dispensable(&open, 4, later(62)), [1, 0]);
    }
}
