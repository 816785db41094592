//! Text as people and programs leave it in tables: what surrounds it is cut off, once and in the same way everywhere.

/// The text without white space at its ends: blanks, tabs, line ends, their Unicode kin and a byte order mark.
///
/// Bytes that are not UTF-8 are left to whoever reads the text; around them only ASCII is cut off.
pub fn trim(bytes: &[u8]) -> &[u8] {
    // Nearly all texts have nothing around them.
    if let [first, .., last] = bytes
        && first.is_ascii_graphic()
        && last.is_ascii_graphic()
    {
        return bytes;
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => trim_str(text).as_bytes(),
        Err(_) => bytes.trim_ascii(),
    }
}

/// As [`trim`], of text.
pub fn trim_str(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_whitespace() || matches!(c, '\u{feff}' | '\u{200b}'))
}

/// The bytes as text for a message; what is not UTF-8 shows as U+FFFD.
pub fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_surrounds_a_text_is_cut_off() {
        for odd in [" a b ", "\ta b\r\n", "\u{feff}a b", "\u{feff} a b\u{a0}", "\u{200b}a b\x0b", "a b"] {
            assert_eq!(trim(odd.as_bytes()), b"a b", "{odd:?}");
        }
        assert_eq!(trim(b" \r\n\t"), b"");
        assert_eq!(trim(b" \xff "), b"\xff");
    }
}
