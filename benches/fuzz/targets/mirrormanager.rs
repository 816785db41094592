//! MirrorManager's cache: any bytes are read or refused; what was read can be written, passes every check, and is
//! answered from as well as any cache.
#![no_main]

use answer::{Fragments, Scratch, Service};
use cache::{View, inventory::Inventory};
use compiler::compile::{Skipped, mirrormanager};
use fuzz::{
    asked::{about, of_text},
    judge::{ask, is_usable},
    sample::{USUAL, rules, written},
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let (mut inventory, mut skipped) = (Inventory::default(), Skipped::default());
    let outcome = mirrormanager::import(bytes, &mut inventory, &mut skipped);
    for row in skipped.rows() {
        assert!(!row.to_string().contains('\n'), "{row}");
    }
    match outcome {
        Ok(()) if !inventory.directories.is_empty() => answers(&inventory),
        Ok(()) => {}
        Err(cause) => assert!(!cause.to_string().contains('\n'), "{cause}"),
    }
});

fn answers(inventory: &Inventory) {
    let Some(bytes) = written(inventory) else { return };
    let view = View::check(&bytes).expect("what is written passes every check");
    let fragments = Fragments::prepare(&view).expect("an input of some kilobytes asks for little");
    let service = Service {
        view,
        fragments: &fragments,
        rules: rules(8),
        redirector: None,
        version: env!("CARGO_PKG_VERSION"),
    };
    let mut scratch = Scratch::default();
    for text in USUAL.iter().map(|text| text.to_vec()).chain(about(&view)) {
        let (answer, page) = ask(&service, &of_text(&text), (0, 1), &mut scratch);
        is_usable(&service, &answer, &page, &scratch.log);
    }
}
