//! A file's hash as a line of text, in the form that `sha256sum -c` reads. Source: SPEC.md §12.

use super::metalink::hex;
use crate::select::{form::Hash, target::Target};
use cache::View;

/// Appends the line, or which hashes there are where this one is not known; returns the status.
pub fn render(view: &View<'_>, target: &Target<'_>, hash: Hash, out: &mut Vec<u8>) -> u16 {
    let version = target.details.and_then(|details| view.versions(details).next());
    let hashes = version.map_or([None; 4], |version| version.hashes);
    let [_, _, sha256, sha512] = hashes;
    let found = match hash {
        Hash::Sha256 => sha256,
        Hash::Sha512 => sha512,
    };
    if let Some(found) = found {
        hex(found, out);
        out.extend_from_slice(b"  ");
        out.extend_from_slice(target.file.as_deref().unwrap_or_default());
        out.push(b'\n');
        return 200;
    }
    let known =
        ["md5", "sha1", "sha256", "sha512"].into_iter().zip(hashes).filter(|(_, hash)| hash.is_some());
    let known: Vec<&str> = known.map(|(name, _)| name).collect();
    out.extend_from_slice(
        format!("error: no {} is known, only {}\n", hash.name(), known.join(", ")).as_bytes(),
    );
    404
}
