//! How text is made fit for where it goes: URLs, XML, one line.
//!
//! Source: SPEC.md §1 (echoed text), §6 and §8 (URLs), §7 (XML).

use memchr::memmem;
use time::OffsetDateTime;

/// Longest text of a client's that an answer repeats, in characters.
const LONGEST_ECHO: usize = 200;

/// Whether a byte stays as it is when a directory or file is appended to a URL: RFC 3986 `pchar` without escapes, and `/`.
const fn is_path_safe(byte: u8) -> bool {
    let others = matches!(byte, b'!' | b'=' | b'_' | b'~');
    matches!(byte, b'$'..=b';' | b'@'..=b'Z' | b'a'..=b'z') && byte != b'%' || others
}

const HEX: &[u8; 16] = b"0123456789ABCDEF";

fn percent(byte: u8, out: &mut Vec<u8>) {
    out.extend_from_slice(&[b'%', HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
}

/// Appends a path as part of a URL.
pub fn url_path(path: &[u8], out: &mut Vec<u8>) {
    // Nearly always; without a branch for each byte.
    if path.iter().fold(true, |all, byte| all & is_path_safe(*byte)) {
        return out.extend_from_slice(path);
    }
    for byte in path {
        if is_path_safe(*byte) {
            out.push(*byte);
        } else {
            percent(*byte, out);
        }
    }
}

/// Appends bytes as base64 (RFC 4648 §4).
pub fn base64(bytes: &[u8], out: &mut Vec<u8>) {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for three in bytes.chunks(3) {
        let mut bits = [0; 4];
        bits[1..=three.len()].copy_from_slice(three);
        let bits = u32::from_be_bytes(bits);
        let digits = [18, 12, 6, 0].map(|shift| DIGITS[(bits >> shift & 63) as usize]);
        out.extend_from_slice(&digits[..=three.len()]);
        out.extend(std::iter::repeat_n(b'=', 3 - three.len()));
    }
}

/// Appends the value of a parameter in a query: RFC 3986 `unreserved`, `/`, `:`, `@` and `+` as they are.
pub fn query_value(value: &[u8], out: &mut Vec<u8>) {
    for byte in value {
        if byte.is_ascii_alphanumeric() || b"-._~/:@+".contains(byte) {
            out.push(*byte);
        } else {
            percent(*byte, out);
        }
    }
}

/// Appends a URL as a header's value: blanks, controls and bytes outside ASCII are encoded, `%` is not.
pub fn url_in_header(url: &[u8], out: &mut Vec<u8>) {
    if is_header_safe(url) {
        return out.extend_from_slice(url);
    }
    for byte in url {
        if byte.is_ascii_graphic() {
            out.push(*byte);
        } else {
            percent(*byte, out);
        }
    }
}

/// Whether a URL is a header's value as it is. Nearly always; without a branch for each byte.
pub fn is_header_safe(url: &[u8]) -> bool {
    url.iter().fold(true, |all, byte| all & byte.is_ascii_graphic())
}

/// A time as RFC 3339 spells it, in UTC.
pub fn utc(time: OffsetDateTime) -> String {
    let (date, month) = (time.date(), u8::from(time.month()));
    let (year, day) = (date.year(), date.day());
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", time.hour(), time.minute(), time.second())
}

/// Appends what a statistics reader takes as one word: outside printable ASCII, and blank, `%` and `;`, as `%XX`.
pub fn log_word(word: &[u8], out: &mut Vec<u8>) {
    for byte in word {
        if byte.is_ascii_graphic() && !matches!(byte, b'%' | b';') {
            out.push(*byte);
        } else {
            percent(*byte, out);
        }
    }
}

/// Appends text that a client sent: what is not UTF-8 or a control character as `?`, cut at 200 characters.
pub fn echo(text: &[u8], out: &mut Vec<u8>) {
    // Nearly always.
    if text.iter().all(|byte| matches!(byte, b' '..=b'~')) {
        return out.extend_from_slice(&text[..text.len().min(LONGEST_ECHO)]);
    }
    let mut left = LONGEST_ECHO;
    for chunk in text.utf8_chunks() {
        for character in chunk.valid().chars() {
            if left == 0 {
                return;
            }
            left -= 1;
            let shown = if character.is_control() { '?' } else { character };
            out.extend_from_slice(shown.encode_utf8(&mut [0; 4]).as_bytes());
        }
        for _ in chunk.invalid() {
            if left == 0 {
                return;
            }
            left -= 1;
            out.push(b'?');
        }
    }
}

/// Appends text as XML content or as an attribute in double quotes. Characters that XML cannot hold become `?`.
pub fn xml(text: &[u8], out: &mut Vec<u8>) {
    // Nearly always.
    let plain = |byte: &u8| matches!(byte, b' '..=b'~') && !matches!(byte, b'&' | b'<' | b'>' | b'"');
    if text.iter().fold(true, |all, byte| all & plain(byte)) {
        return out.extend_from_slice(text);
    }
    for (at, byte) in text.iter().enumerate() {
        match byte {
            b'&' => out.extend_from_slice(b"&amp;"),
            b'<' => out.extend_from_slice(b"&lt;"),
            b'>' => out.extend_from_slice(b"&gt;"),
            b'"' => out.extend_from_slice(b"&quot;"),
            _ => xml_byte(text, at, out),
        }
    }
}

/// Bytes that [`xml`] appends at most.
pub fn xml_len(text: &[u8]) -> usize {
    let longer = |byte: &u8| match byte {
        b'&' => 4,
        b'<' | b'>' => 3,
        b'"' => 5,
        _ => 0,
    };
    text.len() + text.iter().map(longer).sum::<usize>()
}

/// Appends text as the inside of an XML comment: `--` becomes `- -`.
pub fn xml_comment(text: &[u8], out: &mut Vec<u8>) {
    // Nearly always; without a branch for each byte.
    let plain = |byte: &u8| matches!(byte, b' '..=b'~' | b'\t' | b'\n' | b'\r');
    if text.iter().fold(true, |all, byte| all & plain(byte))
        && text.last() != Some(&b'-')
        && memmem::find(text, b"--").is_none()
    {
        return out.extend_from_slice(text);
    }
    let mut before = 0;
    for (at, byte) in text.iter().enumerate() {
        if *byte == b'-' && before == b'-' {
            out.push(b' ');
        }
        xml_byte(text, at, out);
        before = *byte;
    }
    if before == b'-' {
        out.push(b' ');
    }
}

/// Appends text as the inside of a JSON string.
pub fn json(text: &[u8], out: &mut Vec<u8>) {
    // Nearly always.
    let plain = |byte: &u8| matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\\');
    if text.iter().fold(true, |all, byte| all & plain(byte)) {
        return out.extend_from_slice(text);
    }
    let quoted = serde_json::to_string(&String::from_utf8_lossy(text)).unwrap_or_default();
    let inside = quoted.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
    out.extend_from_slice(inside.unwrap_or_default().as_bytes());
}

/// Appends one byte of text; of the characters that XML 1.0 cannot hold (controls, U+FFFE, U+FFFF) as `?`.
fn xml_byte(text: &[u8], at: usize, out: &mut Vec<u8>) {
    let byte = text[at];
    if byte < b' ' && !matches!(byte, b'\t' | b'\n' | b'\r') {
        out.push(b'?');
    } else if byte >= 0xbe && at >= 2 && matches!(text[at - 2..=at], [0xef, 0xbf, 0xbe | 0xbf]) {
        out.truncate(out.len() - 2);
        out.push(b'?');
    } else {
        out.push(byte);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(escape: fn(&[u8], &mut Vec<u8>), text: &[u8]) -> String {
        let mut out = b"x".to_vec();
        escape(text, &mut out);
        String::from_utf8(out.split_off(1)).unwrap()
    }

    #[test]
    fn appended_paths_keep_what_a_path_may_hold() {
        assert_eq!(with(url_path, b"gtk+/a~b/100%"), "gtk+/a~b/100%25");
        assert_eq!(with(url_path, "x y#?/a^b/\u{e9}".as_bytes()), "x%20y%23%3F/a%5Eb/%C3%A9");
    }

    #[test]
    fn what_a_path_may_hold_is_pchar_and_the_slash() {
        let safe = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~!$&'()*+,;=:@/";
        for byte in 0..=255 {
            assert_eq!(is_path_safe(byte), safe.contains(&byte), "{byte}");
        }
    }

    #[test]
    fn a_header_keeps_the_escapes_that_are_there() {
        assert_eq!(with(url_in_header, "http://a/%20 \u{e9}\r\n".as_bytes()), "http://a/%20%20%C3%A9%0D%0A");
    }

    #[test]
    fn a_value_of_a_query_ends_no_parameter() {
        assert_eq!(with(query_value, b"gtk+/a&b=c%#'~"), "gtk+/a%26b%3Dc%25%23%27~");
    }

    #[test]
    fn a_log_word_is_one_word() {
        assert_eq!(with(log_word, b"a b;c%\xff"), "a%20b%3Bc%25%FF");
    }

    #[test]
    fn an_echo_is_one_line_of_bounded_length() {
        assert_eq!(with(echo, b"a\nb\xff\xfe\x7f"), "a?b???");
        assert_eq!(with(echo, "é".repeat(300).as_bytes()).chars().count(), 200);
        assert_eq!(with(echo, &[0xff; 300]).len(), 200);
        assert_eq!(with(echo, &[b'a'; 300]).len(), 200);
    }

    #[test]
    fn a_string_of_json_says_what_the_text_says() {
        for text in ["", "plain /~", "\"", "a\"b\"", "\\\"", "\n\u{1}é\u{7f}\u{2028}\""] {
            let said = format!("\"{}\"", with(json, text.as_bytes()));
            assert_eq!(serde_json::from_str::<String>(&said).unwrap(), text, "{said}");
        }
        assert_eq!(with(json, b"a\xff"), "a\u{fffd}");
    }

    #[test]
    fn comments_hold_no_double_dash() {
        assert_eq!(with(xml_comment, b"a--b---c-"), "a- -b- - -c- ");
    }

    #[test]
    fn what_xml_cannot_hold_becomes_a_question_mark() {
        assert_eq!(with(xml, "a\u{ffff}b\u{fffe}\u{1}<&>\"'".as_bytes()), "a?b??&lt;&amp;&gt;&quot;'");
        assert_eq!(with(xml, "\u{fffd}\u{7fff}".as_bytes()), "\u{fffd}\u{7fff}");
    }
}
