//! An open-addressing hash table that lies in the file: from strings to numbers, without the strings.
//!
//! A slot is a 7-bit tag of the hash (one byte, so a probe of many fits one cache line) and a number; who looks up
//! compares the string that the number stands for. Linear probing at a load of 0.8; 6.25 bytes an entry.

use super::schema::ArchivedHashIndex;
#[cfg(feature = "write")]
use super::schema::HashIndex;
use xxhash_rust::xxh3::xxh3_64;

#[cfg(feature = "write")]
impl HashIndex {
    /// The table of these strings; each stands for its position in the order given. Strings must differ.
    pub(super) fn build(count: usize, mut string: impl FnMut(usize, &mut Vec<u8>)) -> HashIndex {
        let size = (count + count / 4 + 1).max(4);
        let mut index = HashIndex { tags: vec![0; size], slots: vec![0; size] };
        let mut buffer = Vec::new();
        for number in 0..count {
            buffer.clear();
            string(number, &mut buffer);
            let (mut at, tag) = place(&buffer, size);
            while index.tags[at] != 0 {
                at = (at + 1) % size;
            }
            index.tags[at] = tag;
            index.slots[at] = number as u32;
        }
        index
    }
}

impl ArchivedHashIndex {
    /// The number of `string`, where `is` tells whether a number stands for it.
    pub(super) fn find(&self, string: &[u8], is: impl Fn(u32) -> bool) -> Option<u32> {
        let size = self.tags.len().min(self.slots.len());
        if size == 0 {
            return None;
        }
        let (start, wanted) = place(string, size);
        let mut at = start;
        loop {
            let tag = *self.tags.get(at)?;
            if tag == 0 {
                return None;
            }
            if tag == wanted {
                let number = self.slots.get(at)?.to_native();
                if is(number) {
                    return Some(number);
                }
            }
            at = if at + 1 == size { 0 } else { at + 1 };
            if at == start {
                return None;
            }
        }
    }
}

/// Where the search for a string begins, and its tag.
fn place(string: &[u8], size: usize) -> (usize, u8) {
    let hash = xxh3_64(string);
    let at = (u128::from(hash) * size as u128) >> 64;
    (at as usize, 0x80 | (hash & 0x7f) as u8)
}
