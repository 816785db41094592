//! Patterns of paths: `*` is any run of bytes, `?` any one byte, all else itself.
//!
//! A pattern with a slash is for the whole path, where `*` takes slashes too; one without is for the last component.

use crate::limits::MOST_GLOB;

/// Whether a pattern is one: not empty, not too long, no control character, no slash at its ends.
pub fn is_good(pattern: &str) -> bool {
    (1..=MOST_GLOB).contains(&pattern.len())
        && !pattern.contains(char::is_control)
        && !pattern.starts_with('/')
        && !pattern.ends_with('/')
}

/// Whether a pattern is for this path, which has single slashes between its components and none at its ends.
///
/// Cost: at most as many steps as both have bytes, multiplied.
pub fn matches(pattern: &[u8], path: &[u8]) -> bool {
    let whole = pattern.contains(&b'/');
    let name = path.rsplit(|byte| *byte == b'/').next().unwrap_or(path);
    fits(pattern, if whole { path } else { name })
}

/// Where a run of `*` may end later, only the last `*` needs to be tried again: what an earlier one left fits anywhere
/// behind it, too.
fn fits(pattern: &[u8], text: &[u8]) -> bool {
    let (mut at, mut in_text) = (0, 0);
    let mut retry = None;
    while in_text < text.len() {
        match pattern.get(at) {
            Some(b'*') => {
                retry = Some((at + 1, in_text));
                at += 1;
            }
            Some(byte) if *byte == b'?' || *byte == text[in_text] => {
                at += 1;
                in_text += 1;
            }
            _ => {
                let Some((behind, from)) = retry else { return false };
                retry = Some((behind, from + 1));
                (at, in_text) = (behind, from + 1);
            }
        }
    }
    pattern[at..].iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_without_a_slash_is_for_the_name_and_one_with_a_slash_for_the_path() {
        for (pattern, path, expected) in [
            ("repomd.xml*", "pub/os/repodata/repomd.xml.asc", true),
            ("repomd.xml*", "pub/repomd.xml/x", false),
            ("*.iso", "pub/iso/F-9.iso", true),
            ("*.iso", "F-9.iso.sig", false),
            ("F-?.iso", "pub/F-9.iso", true),
            ("F-?.iso", "pub/F-10.iso", false),
            ("pub/*/repodata/*", "pub/os/9/repodata/x/y", true),
            ("pub/*/repodata/*", "old/pub/os/repodata/x", false),
            ("*a*b*c", "xaxbxbxc", true),
            ("*a*b*c", "xaxbxbx", false),
            ("*", "anything", true),
            ("**", "", true),
            ("[a]", "a", false),
        ] {
            assert_eq!(matches(pattern.as_bytes(), path.as_bytes()), expected, "{pattern} {path}");
        }
    }

    #[test]
    fn what_is_no_pattern_is_told() {
        assert!(is_good("*.iso") && is_good("a/b"));
        for bad in ["", "/a", "a/", "a\n", &"x".repeat(MOST_GLOB + 1)] {
            assert!(!is_good(bad), "{bad:?}");
        }
    }
}
