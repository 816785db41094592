//! JSON lines of people: every line that is not blank gets one line of JSON, and nothing reaches the access log.
#![no_main]

use daemon::{
    counters::Counters,
    worker::{Desk, lines},
};
use fuzz::sample::{rules, service};
use libfuzzer_sys::fuzz_target;
use rand::{SeedableRng as _, rngs::SmallRng};
use std::cell::RefCell;

thread_local! {
    /// Rules number 8 write an access log.
    static DESK: RefCell<Desk<'static>> =
        RefCell::new(Desk::new(service(rules(8)), SmallRng::seed_from_u64(1), Counters::new(1).expect("shared memory").row(0)));
}

fuzz_target!(|bytes: &[u8]| {
    DESK.with_borrow_mut(|desk| {
        let mut rest = bytes;
        while let Ok(Some((line, reach))) = lines::next(rest, true) {
            assert!(line.len() <= lines::LONGEST && (line.len()..=line.len() + 1).contains(&reach));
            let mut output = Vec::new();
            lines::answer(line, desk, &mut output);
            assert_eq!(output.is_empty(), line.trim_ascii().is_empty());
            is_one_line(&output);
            assert!(desk.scratch.log.is_empty());
            rest = &rest[reach..];
        }
    });
});

fn is_one_line(output: &[u8]) {
    if output.is_empty() {
        return;
    }
    let line = output.strip_suffix(b"\n").expect("a line ends in LF");
    assert!(!line.contains(&b'\n'));
    let answer: serde_json::Value = serde_json::from_slice(line).expect("an answer is JSON");
    let status = answer["status"].as_u64();
    assert!(
        answer["error"].is_string() || status.is_some_and(|status| [200, 302, 400, 404].contains(&status))
    );
}
