//! The open connections, by the number that the event loop knows them by.

use super::connection::Connection;
use std::time::Instant;

/// Connections in numbered places; places are used again.
#[derive(Debug, Default)]
pub struct Table {
    places: Vec<Option<Connection>>,
    free: Vec<usize>,
}

impl Table {
    /// The number that the next connection will have.
    pub fn next_place(&self) -> usize {
        self.free.last().copied().unwrap_or(self.places.len())
    }

    /// Puts a connection at [`Table::next_place`].
    pub fn insert(&mut self, connection: Connection) {
        match self.free.pop() {
            Some(place) => self.places[place] = Some(connection),
            None => self.places.push(Some(connection)),
        }
    }

    /// The connection of this number, if it is still open.
    pub fn get_mut(&mut self, place: usize) -> Option<&mut Connection> {
        self.places.get_mut(place)?.as_mut()
    }

    /// Closes a connection. Its number may soon be another one's.
    pub fn remove(&mut self, place: usize) {
        if self.places.get_mut(place).and_then(Option::take).is_some() {
            self.free.push(place);
        }
        if self.is_empty() {
            *self = Table::default();
        }
    }

    /// Up to `most` connections that may be closed in favour of others at `now`, the most dispensable first.
    ///
    /// Those that have asked for nothing go first. One that has asked before is among them only while most have: or
    /// a crowd that never asks, and comes again and again, would wear out a front end that has been quiet for a while.
    pub fn dispensable(&self, most: usize, now: Instant) -> Vec<usize> {
        let open =
            || self.places.iter().enumerate().filter_map(|(number, place)| Some((number, place.as_ref()?)));
        let most_asked = open().filter(|(_, connection)| connection.asked).count() * 2 > self.len();
        let mut found: Vec<_> = open()
            .filter(|(_, connection)| !connection.asked || most_asked)
            .filter_map(|(number, connection)| Some((connection.asked, connection.dispensable(now)?, number)))
            .collect();
        found.sort_unstable();
        found.into_iter().take(most).map(|(.., number)| number).collect()
    }

    /// How many are open.
    pub fn len(&self) -> usize {
        self.places.len() - self.free.len()
    }

    /// Whether none is open.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The numbers of all that are open.
    pub fn open(&self) -> impl Iterator<Item = usize> {
        self.places.iter().enumerate().filter(|(_, place)| place.is_some()).map(|(number, _)| number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mio::net::UnixStream;
    use std::time::Duration;

    #[test]
    fn who_has_asked_goes_only_when_most_have_and_the_quietest_goes_first() {
        let start = Instant::now();
        let later = |seconds| start + Duration::from_secs(seconds);
        let mut table = Table::default();
        let mut others = Vec::new();
        for (second, asked) in [(1, true), (0, true), (60, false), (59, false)] {
            let (ours, other) = UnixStream::pair().unwrap();
            others.push(other);
            let mut connection = Connection::new(ours, second, later(second));
            connection.asked = asked;
            table.insert(connection);
        }
        assert!(table.dispensable(4, start).is_empty());
        assert_eq!(table.dispensable(4, later(61)), [3], "the other one has just come");
        assert_eq!(table.dispensable(1, later(62)), [3]);
        assert_eq!(table.dispensable(4, later(62)), [3, 2]);
        // One that never asks does not keep those that once did.
        table.remove(2);
        assert_eq!(table.dispensable(4, later(60)), [1, 0]);
        assert_eq!(table.dispensable(4, later(62)), [3, 1, 0]);
        table.remove(3);
        assert_eq!(table.dispensable(4, later(62)), [1, 0]);
    }
}
