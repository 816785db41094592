//! A small archive of Debian's kind: one package without content and its index.

use super::service::hash;
use crate::support::{run, tool};
use std::{fs, path::Path};

/// The archive, in a mirror's folder.
pub struct Archive {
    folder: tempfile::TempDir,
}

const CONTROL: &str = "\
Package: tiny
Version: 1.1
Architecture: all
Maintainer: Nobody <nobody@example.org>
Description: nothing at all
";

impl Archive {
    pub fn build() -> Archive {
        let (folder, work) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (deb, debian) = (folder.path().join("deb"), work.path().join("DEBIAN"));
        fs::create_dir(&deb).unwrap();
        fs::create_dir(&debian).unwrap();
        fs::write(debian.join("control"), CONTROL).unwrap();
        let archive = Archive { folder };
        let package = deb.join("tiny_1.1_all.deb");
        run(tool("dpkg-deb").args(["--root-owner-group", "--build"]).arg(work.path()).arg(&package)).unwrap();
        let bytes = archive.package();
        let (size, sha256) = (bytes.len(), hash("sha256sum", &bytes));
        let index = format!("{CONTROL}Filename: ./tiny_1.1_all.deb\nSize: {size}\nSHA256: {sha256}\n\n");
        fs::write(deb.join("Packages"), &index).unwrap();
        let (size, sha256) = (index.len(), hash("sha256sum", index.as_bytes()));
        let release = format!("Date: Sat, 21 Nov 2026 00:00:00 UTC\nSHA256:\n {sha256} {size} Packages\n");
        fs::write(deb.join("Release"), release).unwrap();
        archive
    }

    /// What a mirror of it serves.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The package.
    pub fn package(&self) -> Vec<u8> {
        fs::read(self.folder().join("deb/tiny_1.1_all.deb")).unwrap()
    }
}
