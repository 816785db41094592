//! Hashes: of a file that is read, and of others as a file beside them says (`CHECKSUM`, `SHA256SUMS`). Pure.

use crate::run::tree::Version;
use md5::Md5;
use program::characters::is_hidden;
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha512};
use std::{collections::BTreeMap, fmt::Write as _};

/// A version of this content.
pub fn version(content: &[u8], time: u64) -> Version {
    Version {
        time,
        size: content.len() as u64,
        md5: hex(&Md5::digest(content)),
        sha1: hex(&Sha1::digest(content)),
        sha256: sha256(content),
        sha512: hex(&Sha512::digest(content)),
    }
}

/// The SHA-256 in hexadecimal.
pub fn sha256(content: &[u8]) -> String {
    hex(&Sha256::digest(content))
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        // Writing to a text does not fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// Whether a file of this name says the hashes of those beside it.
pub fn is_list(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let stem = name.strip_suffix(".txt").unwrap_or(&name);
    let of_hash = |stem: &str| ["md5", "sha1", "sha256", "sha512"].contains(&stem);
    stem == "checksum"
        || stem.ends_with("-checksum")
        || stem.strip_suffix("sums").or_else(|| stem.strip_suffix("sum")).is_some_and(of_hash)
}

/// Adds what such a file says, by the name of the file beside it: `SHA256 (NAME) = HEX` as BSD writes it, or `HEX  NAME`
/// and `HEX *NAME` as GNU does. Other lines (a signature, a comment) say nothing, nor do those of files that are not wanted.
pub fn add_list(text: &str, is_wanted: impl Fn(&str) -> bool, files: &mut BTreeMap<String, Version>) {
    for line in text.lines() {
        let Some((name, hex)) = bsd(line).or_else(|| gnu(line)) else { continue };
        let name = name.strip_prefix("./").unwrap_or(name);
        let is_name = !name.is_empty() && !name.contains('/') && !name.chars().any(is_hidden);
        if !is_name || !is_wanted(name) || !hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            continue;
        }
        let version = files.entry(name.to_owned()).or_default();
        let hash = match hex.len() {
            32 => &mut version.md5,
            40 => &mut version.sha1,
            64 => &mut version.sha256,
            128 => &mut version.sha512,
            _ => continue,
        };
        *hash = hex.to_ascii_lowercase();
    }
    files.retain(|_, version| {
        [&version.md5, &version.sha1, &version.sha256, &version.sha512].iter().any(|hash| !hash.is_empty())
    });
}

/// The lines of such a file that may say something.
pub fn lines(text: &str) -> String {
    let is_one = |line: &&str| bsd(line).or_else(|| gnu(line)).is_some();
    text.lines().filter(is_one).flat_map(|line| [line, "\n"]).collect()
}

fn bsd(line: &str) -> Option<(&str, &str)> {
    let (algorithm, rest) = line.split_once(" (")?;
    let (name, hex) = rest.rsplit_once(") = ")?;
    let length = match algorithm.trim() {
        "MD5" => 32,
        "SHA1" => 40,
        "SHA256" => 64,
        "SHA512" => 128,
        _ => return None,
    };
    Some((name, hex.trim())).filter(|(_, hex)| hex.len() == length)
}

fn gnu(line: &str) -> Option<(&str, &str)> {
    let (hex, name) = line.split_once(' ')?;
    let name = name.strip_prefix([' ', '*'])?;
    Some((name.trim_end(), hex)).filter(|(_, hex)| [32, 40, 64, 128].contains(&hex.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_those_of_others() {
        let version = version(b"abc", 7);
        assert_eq!((version.time, version.size), (7, 3));
        assert_eq!(version.md5, "900150983cd24fb0d6963f7d28e17f72");
        assert_eq!(version.sha1, "a9993e364706816aba3e25717850c26c9cd0d89d");
        assert_eq!(version.sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert!(
            version.sha512.starts_with("ddaf35a193617abacc417349ae204131") && version.sha512.len() == 128
        );
    }

    #[test]
    fn lists_are_known_by_their_names() {
        for name in [
            "CHECKSUM",
            "Fedora-Server-42-x86_64-CHECKSUM",
            "SHA256SUMS",
            "sha512sum.txt",
            "MD5SUMS",
            "sha1sum",
        ] {
            assert!(is_list(name), "{name}");
        }
        for name in ["CHECKSUM.asc", "a-CHECKSUM.gpg", "checksums.html", "sums", "repomd.xml", "sha3sums"] {
            assert!(!is_list(name), "{name}");
        }
    }

    #[test]
    fn both_kinds_of_lines_are_read_and_others_say_nothing() {
        let (sha, sha512, md5) = ("Ab".repeat(32), "cd".repeat(64), "ef".repeat(16));
        let text = format!(
            "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n# a.iso: 1000 bytes\nSHA256 (a.iso) = {sha}\n\
             {sha512}  ./a.iso\n{md5} *b (1).iso\nSHA256 (c.iso) = {md5}\n{sha}  ../up.iso\n{sha}  sub/x.iso\n\
             SHA256 (sub/y.iso) = {sha}\nSHA256 (e) = {}\n{sha}\nxyz  d.iso\n-----END PGP SIGNATURE-----\n",
            "zz".repeat(32)
        );
        let mut files = BTreeMap::new();
        add_list(&text, |_| true, &mut files);
        assert_eq!(files.keys().map(String::as_str).collect::<Vec<_>>(), ["a.iso", "b (1).iso"]);
        assert_eq!(files["a.iso"].sha256, "ab".repeat(32));
        assert_eq!((&files["a.iso"].sha512, &files["b (1).iso"].md5), (&sha512, &md5));
        assert!(files["a.iso"].md5.is_empty());
        // Nothing of that is lost by leaving out the rest.
        let (lines, mut again) = (lines(&text), BTreeMap::new());
        add_list(&lines, |_| true, &mut again);
        assert!(again == files && !lines.contains("PGP") && !lines.contains("1000 bytes"), "{lines}");
        let mut one = BTreeMap::new();
        add_list(&lines, |name| name == "a.iso", &mut one);
        assert_eq!(one.into_keys().collect::<Vec<_>>(), ["a.iso"]);
    }
}
