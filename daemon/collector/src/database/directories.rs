//! `directory`: paths by number. There are some 100,000.

use std::collections::HashMap;

/// More than ten times what the largest known deployment has, and what the compiler takes.
pub const MOST: usize = 1 << 21;

/// All directories, in the order of their numbers.
#[derive(Debug, Default)]
pub struct Directories {
    names: Vec<Box<str>>,
    positions: HashMap<i32, u32>,
}

impl Directories {
    /// Adds the next one.
    pub fn add(&mut self, id: i32, name: String) {
        self.positions.insert(id, self.names.len() as u32);
        self.names.push(name.into());
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// The position of a number.
    pub fn position(&self, id: i32) -> Option<u32> {
        self.positions.get(&id).copied()
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
