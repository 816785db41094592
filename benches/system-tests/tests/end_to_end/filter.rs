//! The box of the public list narrows it to what somebody looks for, and the list is whole without it.

use super::looks::{self, WIDTHS, faults};
use super::statistics::site_of;
use crate::support::sample_cache;
use serde_json::{Value, json};
use std::{fs, path::Path};
use testkit::browser::{Browser, Scheme, keep};

/// A name that a page must not obey.
const ODD: &str = "<img src=x onerror=alert(1)>\u{202e}&\"";

/// Names of operators: of the sample's first host, and of the sixth.
fn names(folder: &Path) -> std::path::PathBuf {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let host = |id: u64, name: &str, host: &str| json!({"id": id, "name": name, "urls": [{"url": format!("https://{host}/pub/fedora/linux"), "answer": "good"}]});
    let mirrors = [host(1, ODD, "elbe.example.org"), host(6, "Université du Hudson", "hudson.example.com")];
    let file = folder.join("mirrors.json");
    fs::write(&file, json!({"time": now, "mirrors": mirrors}).to_string()).unwrap();
    file
}

/// Types into the box as a person would, and tells what is there then: links of rows, countries, what is said.
fn typed(browser: &mut Browser, text: &str) -> Value {
    let script = format!(
        "(() => {{
          const box = document.getElementById('filter');
          box.focus();
          box.value = {};
          box.dispatchEvent(new InputEvent('input', {{ bubbles: true }}));
          const seen = selector => [...document.querySelectorAll(selector)].filter(one => one.checkVisibility());
          return {{
            rows: seen('#list tbody th[scope=row] a').map(link => link.textContent),
            countries: seen('.anchors a').map(link => link.hash),
            heads: seen('#list tr.group').length,
            said: document.querySelector('.filter output').textContent,
          }};
        }})()",
        json!(text)
    );
    browser.evaluate(&script).unwrap()
}

#[test]
fn the_filter_narrows_the_list_and_says_how_far() {
    let Some(mut browser) = looks::browser() else { return };
    let folder = tempfile::tempdir().unwrap();
    let names = names(folder.path());
    let site = site_of(sample_cache(), folder.path(), &["--mirrors", names.to_str().unwrap()]);
    let root = format!("file://{}/", site.display());
    let url = format!("{root}mirrors/index.html");
    let is_ours = |asked: &str| asked.starts_with(&root) || asked == "data:,";
    for width in WIDTHS {
        for scheme in [Scheme::Light, Scheme::Dark] {
            let seen = browser.look(&url, width, scheme).unwrap();
            keep(&seen, &format!("filter-{width}-{scheme:?}")).unwrap();
            assert_eq!(faults(&seen, is_ours, scheme), [""; 0], "{width} {scheme:?}");
            let all = typed(&mut browser, "");
            let rows = all["rows"].as_array().unwrap().len();
            let countries = all["countries"].as_array().unwrap().len();
            assert!(rows > 3 && countries > 1 && all["heads"] == countries, "{all}");
            assert_eq!(all["said"], format!("{rows} in all"));
            for (text, found) in [
                ("HUDSON", vec!["Université du Hudson"]),
                // Whatever its accents, and with words of several columns and of the country's head.
                ("universite  https us", vec!["Université du Hudson"]),
                ("hudson.example.com united", vec!["Université du Hudson"]),
                ("onerror=alert(1)>", vec!["<img src=x onerror=alert(1)>\u{fffd}&\""]),
                ("no such mirror", vec![]),
            ] {
                let narrowed = typed(&mut browser, text);
                assert_eq!(narrowed["rows"], json!(found), "{text}");
                assert_eq!(narrowed["said"], format!("{} of {rows}", found.len()), "{text}");
                assert_eq!(narrowed["heads"], found.len(), "{text}");
                assert_eq!(narrowed["countries"].as_array().unwrap().len(), found.len(), "{text}");
            }
            // What is too wide, or asked for, while it is narrowed shows in nothing that was looked at above.
            let wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth";
            assert_eq!(browser.evaluate(wide).unwrap(), 0, "{width}");
            assert_eq!(typed(&mut browser, ""), all);
        }
    }
}

#[test]
fn the_filter_is_for_keyboards_and_screen_readers_too() {
    let Some(mut browser) = looks::browser() else { return };
    let folder = tempfile::tempdir().unwrap();
    let site = site_of(sample_cache(), folder.path(), &[]);
    for page in [
        "mirrors/index.html",
        "repositories/index.html",
        "repositories/fedora-42.html",
        "mirrors/elbe.example.org.html",
    ] {
        let url = format!("file://{}/{page}", site.display());
        browser.look(&url, 800, Scheme::Light).unwrap();
        let about = browser
            .evaluate(
                "(() => {
                  const box = document.getElementById('filter');
                  return {
                    labels: [...box.labels].map(label => label.textContent),
                    words: document.getElementById(box.getAttribute('aria-describedby')).textContent.length > 0,
                    list: document.getElementById(box.getAttribute('aria-controls')).tagName,
                    height: box.getBoundingClientRect().height >= 24,
                    live: document.querySelector('.filter output').htmlFor.value,
                    tab: box.tabIndex,
                  };
                })()",
            )
            .unwrap();
        let expected = json!({"labels": ["Filter"], "words": true, "list": "TABLE", "height": true, "live": "filter", "tab": 0});
        assert_eq!(about, expected, "{page}");
        assert_eq!(typed(&mut browser, "no such word")["rows"], json!([]), "{page}");
        let escaped = "document.getElementById('filter')
            .dispatchEvent(new KeyboardEvent('keydown', { key: 'Escape', bubbles: true })), document.getElementById('filter').value";
        assert_eq!(browser.evaluate(escaped).unwrap(), "", "{page}");
        let shown = "document.getElementById('list').checkVisibility()";
        assert_eq!(browser.evaluate(shown).unwrap(), true, "{page}");
    }
}

#[test]
fn without_scripts_the_list_is_whole_and_there_is_no_box() {
    let Some(mut browser) = looks::browser() else { return };
    let folder = tempfile::tempdir().unwrap();
    let site = site_of(sample_cache(), folder.path(), &[]);
    let url = format!("file://{}/mirrors/index.html", site.display());
    let count = "[...document.querySelectorAll('#list tbody th[scope=row]')].filter(row => row.checkVisibility()).length";
    let is_there = "document.querySelector('.filter').checkVisibility()";
    browser.look(&url, 800, Scheme::Light).unwrap();
    let all = browser.evaluate(count).unwrap();
    assert_eq!(browser.evaluate(is_there).unwrap(), true);
    browser.allow_scripts(false).unwrap();
    let seen = browser.look(&url, 800, Scheme::Light).unwrap();
    assert_eq!(seen.console, [""; 0]);
    assert_eq!(browser.evaluate(is_there).unwrap(), false);
    assert_eq!(browser.evaluate(count).unwrap(), all);
}
