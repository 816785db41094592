//! Names that others have chosen: shown and never obeyed, and made into names of files.

use maud::{Markup, html};
use program::characters::is_hidden;
use sha2::{Digest as _, Sha256};
use std::borrow::Cow;

/// A name, “unknown” for none: it cannot change the direction of what is around it, and has no control characters. A line
/// may end behind its dots.
pub fn name(name: &str) -> Markup {
    if name.is_empty() {
        return html! { "unknown" };
    }
    let name = visible(name);
    let mut parts = name.split_inclusive('.');
    apart(&name, &html! { (parts.next().unwrap_or_default()) @for part in parts { wbr; (part) } })
}

/// The same, with no place for a line to end: for long lists, where it would cost too many bytes.
pub fn short(name: &str) -> Markup {
    let name = visible(name);
    apart(&name, &html! { (name) })
}

/// Sets a name apart from the direction of what is around it. ASCII has none of its own.
fn apart(name: &str, shown: &Markup) -> Markup {
    html! { @if name.is_ascii() { (shown) } @else { bdi { (shown) } } }
}

/// A name with a mark in place of every character that nobody sees, or that no document may have.
pub fn visible(name: &str) -> Cow<'_, str> {
    if name.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return Cow::Borrowed(name);
    }
    let is_none = |c: char| matches!(c, '\u{fdd0}'..='\u{fdef}') || u32::from(c) & 0xfffe == 0xfffe;
    name.chars().map(|c| if is_hidden(c) || is_none(c) { '\u{fffd}' } else { c }).collect()
}

/// A name as part of a file's name: what is no letter, digit, `.`, `_` or `-` is `~` and its number. A long one is cut, with
/// the hash of the whole behind it, and none is called as the page of all is.
pub fn file_name(name: &str) -> String {
    let mut out = String::new();
    for (at, byte) in name.bytes().enumerate() {
        let is_plain =
            byte.is_ascii_alphanumeric() && (at > 0 || name != "index") || matches!(byte, b'_' | b'-');
        if is_plain || byte == b'.' && at > 0 {
            out.push(char::from(byte));
        } else {
            out += &format!("~{byte:02x}");
        }
    }
    if out.len() > LONGEST_FILE_NAME {
        let hash = Sha256::digest(name);
        out.truncate(LONGEST_FILE_NAME);
        out.extend(hash.iter().take(8).map(|byte| format!("{byte:02x}")));
    }
    out
}

/// Bytes of a name in a file's name.
const LONGEST_FILE_NAME: usize = 150;

/// A country by its code, with its name.
pub fn country(code: &str) -> Markup {
    match (code, country_name(code)) {
        ("", _) => html! { "unknown" },
        (code, Some(name)) => html! { (name) " " span class="quiet" { (code) } },
        (code, None) => name(code),
    }
}

/// What people call it, where the standard has more words; no two have the same name.
pub fn country_name(code: &str) -> Option<&'static str> {
    Some(match code {
        "CD" => "DR Congo",
        "CG" => "Republic of the Congo",
        "GB" => "United Kingdom",
        "KP" => "North Korea",
        "KR" => "South Korea",
        "RU" => "Russia",
        "US" => "United States",
        "VG" => "British Virgin Islands",
        "VI" => "US Virgin Islands",
        // The standard has none for it, and leaves this one to whoever needs it.
        "XK" => "Kosovo",
        _ => {
            let name = rust_iso3166::from_alpha2(code)?.name;
            name.split_once(" (").map_or(name, |(name, _)| name)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn names_are_shown_and_never_obeyed() {
        assert_eq!(name("<script>'\"&").into_string(), "&lt;script&gt;'&quot;&amp;");
        assert_eq!(name("\u{5d0}.\"").into_string(), "<bdi>\u{5d0}.<wbr>&quot;</bdi>");
        assert_eq!(
            [short("a.b"), short("\u{202e}")].map(|name| name.into_string()),
            ["a.b", "<bdi>\u{fffd}</bdi>"]
        );
        assert_eq!(name("").into_string(), "unknown");
        assert_eq!(name("a.b.c").into_string(), "a.<wbr>b.<wbr>c");
        assert_eq!(visible("a\u{202e}b\u{0}c\u{9f}"), "a\u{fffd}b\u{fffd}c\u{fffd}");
        assert_eq!(visible("é日\u{fffe}\u{1ffff}"), "é日\u{fffd}\u{fffd}");
    }

    #[test]
    fn a_name_is_one_file_s_name() {
        assert_eq!(file_name("fedora-42.x_y"), "fedora-42.x_y");
        assert_eq!(file_name("../a b~é"), "~2e.~2fa~20b~7e~c3~a9");
        assert_eq!((file_name("index"), file_name("indexes")), ("~69ndex".into(), "indexes".into()));
        let [one, other] = ["é".repeat(500), "é".repeat(501)].map(|name| file_name(&name));
        assert!(one.len() < 200 && one.len() == other.len() && one != other, "{one} {other}");
    }

    #[test]
    fn countries_have_the_names_that_people_know() {
        let text = |code| country(code).into_string();
        assert_eq!(text("DE"), "Germany <span class=\"quiet\">DE</span>");
        assert!(text("NL").starts_with("Netherlands <") && text("GB").starts_with("United Kingdom <"));
        assert_eq!((text(""), text("ZZ")), ("unknown".into(), "ZZ".into()));
        assert_eq!(country_name("XK"), Some("Kosovo"));
    }

    #[test]
    fn no_two_countries_have_the_same_name() {
        let names: BTreeSet<_> = rust_iso3166::ALL_ALPHA2.iter().map(|code| country_name(code)).collect();
        assert!(names.len() == rust_iso3166::ALL_ALPHA2.len() && !names.contains(&None), "{names:?}");
    }
}
