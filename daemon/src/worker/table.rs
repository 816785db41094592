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
    pub fn dispensable(&self, most: usize, now: Instant) -> Vec<usize> {
        let open = self.places.iter().enumerate();
        let mut found: Vec<_> =
            open.filter_map(|(number, place)| Some((place.as_ref()?.dispensable(now)?, number))).collect();
        found.sort_unstable();
        found.into_iter().take(most).map(|(_, number)| number).collect()
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
