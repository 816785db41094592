//! Caches that somebody has changed, with length and checksum made right again.

use crate::sample::cache;
use cache::{CacheBytes, FILE_HEADER_LEN, FileHeader};

/// Bytes of an input that each change takes.
pub const CHANGE: usize = 8;

/// The sample's cache after all changes, each within the first `reach` bytes of its payload or the last.
pub fn forged(changes: &[u8], reach: usize) -> CacheBytes {
    let payload = changed(&cache()[FILE_HEADER_LEN..], changes, reach);
    let (header, _) = FileHeader::decode(cache()).expect("the sample has a header");
    let header = FileHeader::of(&payload, header.build_time, header.source_time);
    CacheBytes::copy_of(&[&header.encode()[..], &payload].concat())
}

/// The payload after all changes.
fn changed(payload: &[u8], changes: &[u8], reach: usize) -> Vec<u8> {
    let mut payload = payload.to_vec();
    for &[how, a, b, c, value @ ..] in changes.as_chunks::<CHANGE>().0 {
        // Counted from the start, or from the end: there the archive's root is, which leads to everything else.
        let distance = usize::from(a) | usize::from(b) << 8 | usize::from(c) << 16;
        let distance = distance % payload.len().clamp(1, reach);
        let at = if how & 1 == 0 { distance } else { payload.len().saturating_sub(1 + distance) };
        let word = at / 4 * 4;
        match (how >> 1 & 7, payload.get_mut(word..word + 4)) {
            (0, _) => payload[at..].iter_mut().take(1).for_each(|byte| *byte ^= value[0]),
            (1, Some(place)) => place.copy_from_slice(&value),
            (2, Some(place)) => {
                let mut number = [0; 4];
                number.copy_from_slice(place);
                let delta = i32::from(value[0] as i8);
                let number = u32::from_le_bytes(number).wrapping_add_signed(delta);
                place.copy_from_slice(&number.to_le_bytes());
            }
            (3, Some(place)) => place.fill(0xff),
            (4, Some(place)) => place.fill(0),
            (5, _) => {
                let from = u32::from_le_bytes(value) as usize % payload.len().max(1);
                let length = 16.min(payload.len() - from).min(payload.len() - at);
                payload.copy_within(from..from + length, at);
            }
            (6, _) => payload.truncate(at),
            (7, _) => payload.extend_from_slice(&value),
            _ => {}
        }
    }
    payload
}
