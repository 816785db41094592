//! The whole service on the sample: any request of any client gets an answer that can be used, and the same one again.
#![no_main]

use answer::Scratch;
use fuzz::{
    asked::Asked,
    judge::{ask, is_usable},
    sample::{rules, service},
};
use libfuzzer_sys::fuzz_target;
use std::cell::RefCell;
use wire::{Method, Request};

thread_local! {
    /// Outlives the requests, as a worker's does.
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

fuzz_target!(|bytes: &[u8]| {
    let Some(asked) = Asked::read(bytes) else { return };
    let service = service(rules(asked.rules));
    let chance = (asked.now, asked.seed);
    SCRATCH.with_borrow_mut(|scratch| {
        let (answer, page) = ask(&service, &asked.request, chance, scratch);
        is_usable(&service, &answer, &page, &scratch.log);
        let mut fresh = Scratch::default();
        let get = Request { method: Method::Get, ..asked.request };
        assert_eq!(ask(&service, &get, chance, &mut fresh), (answer, page), "what was asked before matters");
        assert_eq!(fresh.log, scratch.log);
    });
});
