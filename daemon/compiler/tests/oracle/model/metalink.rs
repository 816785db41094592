//! The metalink document, with mirrors or without: SPEC.md §7, and §9 for the latter.

use super::{
    Block, Blocks, Body, Line,
    facts::{Facts, Url, Version},
    mirrorlist::whole_url,
    subject::Subject,
    tiers::{Candidates, Selection},
};

/// The document about a file.
pub fn document(
    facts: &Facts,
    subject: &Subject<'_>,
    selection: &Selection,
    minimum: (usize, Option<usize>),
    candidates: &Candidates<'_>,
    now: u64,
) -> Body {
    let mut top = opening(now);
    top += " <files>\n";
    top += &format!("  <file name=\"{}\">\n", escaped(subject.file.as_deref().unwrap_or_default()));
    let (first, further) =
        subject.versions.split_first().expect("a metalink is only made of a file with details");
    top += &details(first, "   ");
    if !further.is_empty() {
        top += "   <mm0:alternates>\n";
        for version in further {
            top += "    <mm0:alternate>\n";
            top += &details(version, "      ");
            top += "    </mm0:alternate>\n";
        }
        top += "   </mm0:alternates>\n";
    }
    top += "   <resources maxconnections=\"1\">\n";

    let block = |_, host: &i64| -> Block {
        let location = facts.host_country.get(host).cloned().unwrap_or_default();
        let private = if subject.directory.global.contains(host) { "" } else { " mm0:private=\"True\"" };
        let line = |url: &Url| {
            let scheme = url.scheme;
            let url = whole_url(subject, url);
            let address = escaped(&url);
            let before = format!(
                "    <url protocol=\"{scheme}\" type=\"{scheme}\" location=\"{location}\" preference=\""
            );
            Line { url, before, after: Some(format!("\"{private}>{address}</url>\n")) }
        };
        candidates[host].iter().copied().map(line).collect()
    };
    let bottom = "   </resources>\n  </file>\n </files>\n</metalink>\n".to_owned();
    // A metalink does not tell how mirrors were found.
    let selection = selection.without_tokens();
    Body::Blocks(Blocks::of(&selection, minimum, (top, String::new()), bottom, block))
}

/// The document that carries an error: its text in a comment, where "`--` is written `- -`, also before the end".
///
/// The two characters that are text but never XML (XML 1.0 §2.2) become `?`.
pub fn without_files(text: &str, now: u64) -> String {
    let mut comment = String::new();
    for character in text.chars() {
        if character == '-' && comment.ends_with('-') {
            comment.push(' ');
        }
        comment.push(if matches!(character, '\u{fffe}' | '\u{ffff}') { '?' } else { character });
    }
    format!("{}<!-- {comment}-->\n</metalink>\n", opening(now))
}

fn opening(now: u64) -> String {
    let date = rfc_1123(now);
    let declaration = "<?xml version=\"1.0\" encoding=\"utf-8\"?>";
    let attributes = [
        "version=\"3.0\"".to_owned(),
        "xmlns=\"http://www.metalinker.org/\"".to_owned(),
        "type=\"dynamic\"".to_owned(),
        format!("pubdate=\"{date}\""),
        "generator=\"mirrormanager\"".to_owned(),
        "xmlns:mm0=\"http://fedorahosted.org/mirrormanager\"".to_owned(),
    ];
    format!("{declaration}\n<metalink {}>\n", attributes.join(" "))
}

/// "`mm0:timestamp`, `size` (each left out when 0), `verification` with `hash` md5, sha1, sha256, sha512".
fn details(version: &Version, indent: &str) -> String {
    let mut text = String::new();
    if version.timestamp != 0 {
        text += &format!("{indent}<mm0:timestamp>{}</mm0:timestamp>\n", version.timestamp);
    }
    if version.size != 0 {
        text += &format!("{indent}<size>{}</size>\n", version.size);
    }
    text += &format!("{indent}<verification>\n");
    for (name, hex) in &version.hashes {
        text += &format!("{indent} <hash type=\"{name}\">{hex}</hash>\n");
    }
    text + &format!("{indent}</verification>\n")
}

/// "All text and attributes are XML-escaped".
pub fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// `Fri, 20 Nov 2026 10:00:00 GMT`.
pub fn rfc_1123(now: u64) -> String {
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let (year, month, day) = date(now);
    let weekday = DAYS[(now / 86_400 % 7) as usize];
    let (hour, minute, second) = (now / 3600 % 24, now / 60 % 60, now % 60);
    let month = MONTHS[month - 1];
    format!("{weekday}, {day:02} {month} {year} {hour:02}:{minute:02}:{second:02} GMT")
}

/// Year, month and day of the month (both from 1) in UTC, counted forward from 1970.
pub fn date(now: u64) -> (u64, usize, u64) {
    let is_leap =
        |year: u64| year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let mut days = now / 86_400;
    let mut year = 1970;
    while days >= 365 + u64::from(is_leap(year)) {
        days -= 365 + u64::from(is_leap(year));
        year += 1;
    }
    let february = 28 + u64::from(is_leap(year));
    let mut month = 0;
    for length in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] {
        if days < length {
            break;
        }
        days -= length;
        month += 1;
    }
    (year, month + 1, days + 1)
}

#[test]
fn dates_are_those_of_the_calendar() {
    assert_eq!(rfc_1123(784_111_777), "Sun, 06 Nov 1994 08:49:37 GMT");
    assert_eq!(rfc_1123(951_782_400), "Tue, 29 Feb 2000 00:00:00 GMT");
    assert_eq!(rfc_1123(1_798_761_599), "Thu, 31 Dec 2026 23:59:59 GMT");
}

#[test]
fn no_two_dashes_meet_in_a_comment() {
    let document = without_files("a--b---c-\n", 0);
    assert!(document.contains("<!-- a- -b- - -c-\n-->\n</metalink>\n"), "{document}");
}
