//! The cache file: the sample's with bytes changed and its end cut off, and the checksum made right again.
//!
//! The first byte says how many changes there are and what is asked besides, each change takes eight bytes, and what is
//! left is a request. What the full check refuses is answered from all the same, as long as it is an archive: workers
//! rely on the master's check, and a wrong answer is the worst that a hole in it may cost. What it accepts gives answers
//! that can be sent.
#![no_main]

use daemon::answer::{Fragments, Scratch, Service};
use fuzz::{
    asked::{Asked, of_text},
    judge::{ask, is_frame},
    sample::{USUAL, cache, rules},
};
use libfuzzer_sys::fuzz_target;
use shared::cache::{CacheBytes, FILE_HEADER_LEN, FileHeader, View};

const CHANGE: usize = 8;

fuzz_target!(|bytes: &[u8]| {
    let Some((count, bytes)) = bytes.split_first() else { return };
    let (changes, text) = bytes.split_at((usize::from(count & 15) * CHANGE).min(bytes.len()));
    let payload = changed(&cache()[FILE_HEADER_LEN..], changes);
    let (header, _) = FileHeader::decode(cache()).expect("the sample has a header");
    let header = FileHeader::of(&payload, header.build_time, header.source_time);
    let file = CacheBytes::copy_of(&[&header.encode()[..], &payload].concat());
    let Ok(view) = View::access(&file) else { return };
    // It takes longer than all the rest.
    let accepted = count & 0x30 == 0 && View::check(&file).is_ok();
    let Ok(fragments) = Fragments::prepare(&view) else { return };
    let own = Asked::read(text);
    let service = Service { view, fragments: &fragments, rules: rules(own.map_or(8, |asked| asked.rules)) };
    let mut scratch = Scratch::default();
    let usual = USUAL.chunks(3).nth(usize::from(count >> 6)).unwrap_or_default();
    for request in own.map(|asked| asked.request).into_iter().chain(usual.iter().map(|text| of_text(text))) {
        let (answer, page) = ask(&service, &request, (1, 1), &mut scratch);
        if accepted {
            is_frame(&answer, &page);
        }
    }
});

/// The payload after all changes.
fn changed(payload: &[u8], changes: &[u8]) -> Vec<u8> {
    let mut payload = payload.to_vec();
    for &[how, a, b, c, value @ ..] in changes.as_chunks::<CHANGE>().0 {
        // Counted from the start, or from the end: there the archive's root is, which leads to everything else.
        let distance = usize::from(a) | usize::from(b) << 8 | usize::from(c) << 16;
        let distance = distance % payload.len().max(1);
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
