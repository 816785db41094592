//! `directory`: paths by number. There are some 100,000.

use std::collections::HashMap;

/// More than ten times what the largest known deployment has, and what the compiler takes.
pub const MOST: usize = 1 << 21;

/// Numbers below this are looked up in a table: those that a sequence has given. 32 MB at most.
const TABLE: usize = 1 << 23;

/// Where the table has nothing.
const NONE: u32 = u32::MAX;

/// All directories, in the order of their numbers.
#[derive(Debug, Default)]
pub struct Directories {
    names: Vec<Box<str>>,
    /// By number; the largest table asks 10^7 times.
    table: Vec<u32>,
    /// Those of other numbers.
    others: HashMap<i32, u32>,
}

impl Directories {
    /// Adds the next one.
    pub fn add(&mut self, id: i32, name: String) {
        let position = self.names.len() as u32;
        match usize::try_from(id) {
            Ok(at) if at < TABLE => {
                if at >= self.table.len() {
                    self.table.resize(at + 1, NONE);
                }
                self.table[at] = position;
            }
            _ => drop(self.others.insert(id, position)),
        }
        self.names.push(name.into());
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// The position of a number.
    pub fn position(&self, id: i32) -> Option<u32> {
        match usize::try_from(id) {
            Ok(at) if at < TABLE => self.table.get(at).copied().filter(|position| *position != NONE),
            _ => self.others.get(&id).copied(),
        }
    }

    /// The path of a number.
    pub fn name(&self, id: i32) -> Option<&str> {
        self.position(id).map(|position| &*self.names[position as usize])
    }

    /// All paths, by position.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(|name| &**name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directories_are_found_by_any_number() {
        let mut directories = Directories::default();
        let ids = [i32::MIN, -1, 0, 7, TABLE as i32 - 1, TABLE as i32, i32::MAX];
        ids.iter().for_each(|id| directories.add(*id, id.to_string()));
        for id in ids {
            assert_eq!(directories.name(id), Some(&*id.to_string()));
        }
        for id in [i32::MIN + 1, 1, 6, TABLE as i32 - 2, TABLE as i32 + 1] {
            assert_eq!(directories.position(id), None, "{id}");
        }
    }
}
