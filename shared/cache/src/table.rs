//! An open-addressing hash table that lies in the file: from strings to numbers, without the strings.
//!
//! A slot is a 7-bit tag of the hash (one byte, so a probe of many fits one cache line) and a number; who looks up
//! compares the string that the number stands for. Linear probing at a load of 0.8; 6.25 bytes an entry.
//!
//! A look-up ends within [`MOST_PROBES`] slots and [`MOST_COMPARISONS`] strings: [`is_spread`] says of a table that it
//! needs no more for any string.

#[cfg(feature = "write")]
use super::schema::HashIndex;
use super::{
    limits::{MOST_COMPARISONS, MOST_PROBES},
    schema::ArchivedHashIndex,
};
use xxhash_rust::xxh3::xxh3_64;

#[cfg(feature = "write")]
impl HashIndex {
    /// The table of these strings; each stands for its position in the order given. Strings must differ. `None` when
    /// some of them would be looked up for longer than [`is_spread`] allows, which by chance they are not.
    pub(super) fn build(count: usize, mut string: impl FnMut(usize, &mut Vec<u8>)) -> Option<HashIndex> {
        let size = (count + count / 4 + 1).max(4);
        let mut index = HashIndex { tags: vec![0; size], slots: vec![0; size] };
        let mut buffer = Vec::new();
        for number in 0..count {
            buffer.clear();
            string(number, &mut buffer);
            let (mut at, tag) = place(&buffer, size);
            let start = at;
            while index.tags[at] != 0 {
                at = (at + 1) % size;
                if (at + size - start) % size > MOST_PROBES {
                    return None;
                }
            }
            index.tags[at] = tag;
            index.slots[at] = number as u32;
        }
        is_spread(&index.tags).then_some(index)
    }
}

impl ArchivedHashIndex {
    /// The number of `string`, where `is` tells whether a number stands for it. Cost: see the module; for any bytes.
    pub(super) fn find(&self, string: &[u8], is: impl Fn(u32) -> bool) -> Option<u32> {
        let size = self.tags.len().min(self.slots.len());
        if size == 0 {
            return None;
        }
        let (mut at, wanted) = place(string, size);
        let mut comparisons = 0;
        for _ in 0..MOST_PROBES.min(size) {
            let tag = *self.tags.get(at)?;
            if tag == 0 || comparisons == MOST_COMPARISONS {
                return None;
            }
            if tag == wanted {
                let number = self.slots.get(at)?.to_native();
                if is(number) {
                    return Some(number);
                }
                comparisons += 1;
            }
            at = if at + 1 == size { 0 } else { at + 1 };
        }
        None
    }
}

/// Whether no run of entries, which goes on at the table's end from its start, is longer than a look-up goes, or has
/// more entries of one tag than it compares.
pub(super) fn is_spread(tags: &[u8]) -> bool {
    let Some(free) = tags.iter().position(|tag| *tag == 0) else { return false };
    let (before, behind) = tags.split_at(free);
    // Only the run that goes round the end is in two pieces.
    let wrapped = [behind.rsplit(|tag| *tag == 0).next().unwrap_or_default(), before].concat();
    behind.split(|tag| *tag == 0).chain([&wrapped[..]]).all(|run| {
        // The slot that ends a look-up for what is not there is the one behind the run.
        run.len() < MOST_PROBES && (run.len() <= MOST_COMPARISONS || has_few_of_each(run))
    })
}

fn has_few_of_each(tags: &[u8]) -> bool {
    let mut of_tag = [0_usize; 256];
    tags.iter().for_each(|tag| of_tag[usize::from(*tag)] += 1);
    of_tag.iter().all(|count| *count <= MOST_COMPARISONS)
}

/// Where the search for a string begins, and its tag.
fn place(string: &[u8], size: usize) -> (usize, u8) {
    let hash = xxh3_64(string);
    let at = (u128::from(hash) * size as u128) >> 64;
    (at as usize, 0x80 | (hash & 0x7f) as u8)
}
