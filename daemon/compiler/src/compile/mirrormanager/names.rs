//! Names and paths of the source, checked and brought into the form in which requests name them.
//!
//! What no request can hold (spec, "Requests") is refused here, with the reason.

use crate::compile::{skipped::Reason, text};

/// The longest name or path that a request may hold, in bytes.
const MAX_NAME: usize = 1024;

/// A non-empty name: UTF-8 without control characters, at most 1,024 bytes.
pub fn name(bytes: &[u8]) -> Result<&str, Reason> {
    match checked(bytes)? {
        "" => Err(Reason::Empty),
        name => Ok(name),
    }
}

/// A file's name: a name without slashes that is not a directory's.
pub fn file(bytes: &[u8]) -> Result<&str, Reason> {
    let name = name(bytes)?;
    if name.contains('/') || name == "." || name == ".." { Err(Reason::NotAFileName) } else { Ok(name) }
}

/// A path without slashes at either end, runs of slashes made one; may be empty.
pub fn path(bytes: &[u8]) -> Result<String, Reason> {
    let path = checked(bytes)?;
    let mut clean = String::with_capacity(path.len());
    for segment in path.split('/').filter(|segment| !segment.is_empty()) {
        if segment == "." || segment == ".." {
            return Err(Reason::DotSegment);
        }
        if !clean.is_empty() {
            clean.push('/');
        }
        clean.push_str(segment);
    }
    Ok(clean)
}

/// A path that is not empty.
pub fn directory(bytes: &[u8]) -> Result<String, Reason> {
    let path = path(bytes)?;
    if path.is_empty() { Err(Reason::Empty) } else { Ok(path) }
}

/// White space at the ends is none of it.
fn checked(bytes: &[u8]) -> Result<&str, Reason> {
    let bytes = text::trim(bytes);
    if bytes.len() > MAX_NAME {
        return Err(Reason::TooLong);
    }
    let text = std::str::from_utf8(bytes).map_err(|_| Reason::NotUtf8)?;
    if text.chars().any(char::is_control) { Err(Reason::Control) } else { Ok(text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slashes_of_paths_are_normalised() {
        assert_eq!(path(b"//pub///fedora/linux/"), Ok("pub/fedora/linux".into()));
        assert_eq!(path(b"/"), Ok(String::new()));
        assert_eq!(directory(b"///"), Err(Reason::Empty));
    }

    #[test]
    fn odd_but_harmless_characters_are_kept() {
        for odd in ["gtk+/a^b~c", "x y/100%", "ünï/cødé", "...", "a/.b"] {
            assert_eq!(path(odd.as_bytes()).as_deref(), Ok(odd));
        }
    }

    #[test]
    fn what_no_request_can_name_is_refused() {
        assert_eq!(path(b"pub/../etc"), Err(Reason::DotSegment));
        assert_eq!(path(b"pub/./etc"), Err(Reason::DotSegment));
        assert_eq!(path(b"pub\nx"), Err(Reason::Control));
        assert_eq!(path(b"pub\xff"), Err(Reason::NotUtf8));
        assert_eq!(path(&[b'a'; 1025]), Err(Reason::TooLong));
        assert_eq!(path(&[b'a'; 1024]).map(|path| path.len()), Ok(1024));
    }

    #[test]
    fn white_space_at_the_ends_is_cut_off() {
        assert_eq!(name(b" fedora-42\r\n"), Ok("fedora-42"));
        assert_eq!(path("\u{feff}/pub/x /\t".as_bytes()), Ok("pub/x ".into()));
        assert_eq!(file(b"repomd.xml\n"), Ok("repomd.xml"));
        assert_eq!(name(b" \t"), Err(Reason::Empty));
    }

    #[test]
    fn file_names_have_no_slash() {
        assert_eq!(file(b"repomd.xml"), Ok("repomd.xml"));
        assert_eq!(file(b"repodata/repomd.xml"), Err(Reason::NotAFileName));
        assert_eq!(file(b".."), Err(Reason::NotAFileName));
        assert_eq!(file(b""), Err(Reason::Empty));
    }
}
