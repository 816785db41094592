//! The cache file: the sample's with bytes changed and its end cut off, and the checksum made right again.
//!
//! The first byte says how many changes there are and what is asked besides, each change takes eight bytes, and what is
//! left is a request. What the full check refuses is answered from all the same, as long as it is an archive: workers
//! rely on the master's check, and a wrong answer is the worst that a hole in it may cost. What it accepts gives answers
//! that can be sent.
#![no_main]

use answer::{Fragments, Scratch, Service};
use cache::View;
use fuzz::{
    asked::{Asked, of_text},
    forge::{CHANGE, forged},
    judge::{ask, is_frame},
    sample::{USUAL, rules},
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Some((count, bytes)) = bytes.split_first() else { return };
    let (changes, text) = bytes.split_at((usize::from(count & 15) * CHANGE).min(bytes.len()));
    let file = forged(changes, usize::MAX);
    let Ok(view) = View::access(&file) else { return };
    // It takes longer than all the rest.
    let accepted = count & 0x30 == 0 && View::check(&file).is_ok();
    let Ok(fragments) = Fragments::prepare(&view) else { return };
    let own = Asked::read(text);
    let service = Service {
        view,
        fragments: &fragments,
        rules: rules(own.map_or(8, |asked| asked.rules)),
        redirector: None,
        version: env!("CARGO_PKG_VERSION"),
    };
    let mut scratch = Scratch::default();
    let usual = USUAL.chunks(3).nth(usize::from(count >> 6)).unwrap_or_default();
    for request in own.map(|asked| asked.request).into_iter().chain(usual.iter().map(|text| of_text(text))) {
        let (answer, page) = ask(&service, &request, (1, 1), &mut scratch);
        if accepted {
            is_frame(&answer, &page);
        }
    }
});
