//! The page of a file's mirrors in a browser: on a telephone, a tablet and a wide screen, by day and by night.

use crate::{
    looks::{WIDTHS, browser, faults},
    support::{
        Client,
        forms::{DIRECTORY, FILE, stack},
    },
};
use testkit::browser::{self, Scheme};

/// What pages are about, and what a picture of each is called.
fn pages() -> [(&'static str, String); 5] {
    [
        ("file", format!("/dl/{FILE}?format=html")),
        ("directory", format!("/dl/{DIRECTORY}/?format=html&country=FR")),
        ("near", format!("/mirrorlist?path={FILE}&format=html&country=BA&exclude=BA")),
        ("explained", format!("/dl/{FILE}?format=html&explain=1&limit=5&family=6")),
        ("origin", format!("/mirrorlist?path={FILE}&format=html&exclude=DE,FR,CZ,SE,US,BA,JP,NZ&explain=1")),
    ]
}

#[test]
fn the_page_of_mirrors_fits_every_window_by_day_and_by_night() {
    let Some(mut browser) = browser() else { return };
    let stack = stack();
    for (name, target) in pages() {
        let url = format!("http://{}{target}", stack.http);
        for width in WIDTHS {
            for scheme in [Scheme::Light, Scheme::Dark] {
                let seen = browser.look(&url, width, scheme).unwrap();
                browser::keep(&seen, &format!("mirrors-{name}-{width}-{scheme:?}")).unwrap();
                assert_eq!(faults(&seen, |asked| asked == url, scheme), [""; 0], "{name} {width} {scheme:?}");
            }
        }
    }
}

/// The link of the first mirror, as it is written.
fn first_row(page: &str) -> &str {
    page.split_once("<li><a href=\"").and_then(|(_, rest)| rest.split('"').next()).unwrap_or_default()
}

#[test]
fn the_first_row_and_the_button_are_where_the_redirect_leads() {
    let stack = stack();
    let mut client = Client::connect(stack.http);
    for last in 0..=255 {
        let from = format!("198.51.{last}.7");
        let mut get = |target: &str| client.get_for(&from, target);
        let location = get(&format!("/dl/{FILE}")).header("location").to_owned();
        let page = get(&format!("/dl/{FILE}?format=html")).body;
        assert_eq!(first_row(&page), location, "{from}");
        assert!(
            page.contains(&format!("<a class=\"button\" href=\"{location}\">Download")),
            "{from}: {page}"
        );
        let directory = get(&format!("/dl/{DIRECTORY}?country=FR"));
        let page = get(&format!("/dl/{DIRECTORY}?country=FR&format=html")).body;
        assert_eq!(first_row(&page), directory.header("location"), "{from}");
        assert!(page.contains("<h2>In France</h2>") && page.len() <= 32 << 10, "{from}: {page}");
    }
}
