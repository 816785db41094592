//! What `/` looks like in a browser: on a telephone, a tablet and a wide screen, by day and by night.
//!
//! Needs Chromium and says so where there is none; MIRRORLIST_REAL_CLIENTS=1 promises it. With MIRRORLIST_PICTURES=FOLDER
//! what was seen lies in that folder afterwards.

use crate::support::sample_stack;
use std::env;
use testkit::browser::{self, Browser, Scheme, Seen};

/// Windows: of a telephone, a tablet, a wide screen.
pub const WIDTHS: [u32; 3] = [360, 800, 1600];

/// What WCAG wants of text that is not large (level AA).
const LEAST_CONTRAST: f64 = 4.5;

pub fn browser() -> Option<Browser> {
    let program = browser::program();
    let promised = env::var_os("MIRRORLIST_REAL_CLIENTS").is_some_and(|value| value == "1");
    assert!(program.is_some() || !promised, "not installed: chromium");
    if program.is_none() {
        eprintln!("skipped: not installed: chromium");
    }
    Some(Browser::start(&program?).unwrap())
}

/// What is wrong with a page that ought to load nothing, fit its window and be easy to read.
pub fn faults(seen: &Seen, url: &str, scheme: Scheme) -> Vec<String> {
    let Seen { requests, console, too_wide, contrast, lightness, .. } = seen;
    let is_dark = *lightness < 0.05;
    let faults = [
        (requests != &[url], format!("asked for {requests:?}")),
        (!console.is_empty(), format!("complained: {console:?}")),
        (*too_wide > 0, format!("is {too_wide} pixels too wide")),
        (contrast.0 < LEAST_CONTRAST, format!("can hardly be read: {contrast:?}")),
        (is_dark != (scheme == Scheme::Dark), format!("has the lightness {lightness}")),
    ];
    faults.into_iter().filter(|(is_so, _)| *is_so).map(|(_, fault)| fault).collect()
}

#[test]
fn help_fits_every_window_by_day_and_by_night() {
    let Some(mut browser) = browser() else { return };
    let stack = sample_stack(&[]);
    let url = format!("http://{}/", stack.http);
    for width in WIDTHS {
        for scheme in [Scheme::Light, Scheme::Dark] {
            let seen = browser.look(&url, width, scheme).unwrap();
            browser::keep(&seen, &format!("help-{width}-{scheme:?}")).unwrap();
            assert_eq!(faults(&seen, &url, scheme), [""; 0], "{width} {scheme:?}");
        }
    }
}

#[test]
fn what_is_wrong_with_a_page_is_seen() {
    let Some(mut browser) = browser() else { return };
    let page = "data:text/html,<body style='background:white;color:lightgrey'><p style='width:500px'>pale</p>\
        <img src='http://127.0.0.1:9/elsewhere'><script>console.warn('hm')</script>";
    let seen = browser.look(page, 360, Scheme::Dark).unwrap();
    let faults = faults(&seen, page, Scheme::Dark);
    assert_eq!(faults.len(), 5, "{faults:?}");
    assert!(seen.requests.iter().any(|url| url == "http://127.0.0.1:9/elsewhere"), "{seen:?}");
    assert_eq!(seen.contrast.1, "pale");
}
