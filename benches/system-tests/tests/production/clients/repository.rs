//! A small repository: one package without content, made by the tools that real ones are made by.

use crate::support::{run, tool};
use std::{fs, path::Path};

/// The package of version 1.1.
pub const PACKAGE: &str = "tiny-1.1-1.noarch.rpm";

const SPEC: &str = "\
Name: tiny
Version: %{tiny_version}
Release: 1
Summary: Nothing at all
License: MIT
BuildArch: noarch
%description
Nothing at all.
%files
";

/// The repository, in a mirror's folder.
pub struct Repository {
    folder: tempfile::TempDir,
}

impl Repository {
    /// One that holds this version of the package.
    pub fn build(version: &str) -> Repository {
        let (folder, work) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (spec, os) = (work.path().join("tiny.spec"), folder.path().join("os"));
        fs::write(&spec, SPEC).unwrap();
        let define = |name: &str, value: &Path| format!("--define={name} {}", value.display());
        run(tool("rpmbuild")
            .arg("-bb")
            .arg(define("_topdir", work.path()))
            .arg(define("_rpmdir", &os))
            .arg(define("tiny_version", Path::new(version)))
            .arg(spec))
        .unwrap();
        run(tool("createrepo_c").arg("--quiet").arg(os)).unwrap();
        Repository { folder }
    }

    /// Two versions of it, the older one first.
    pub fn old_and_new() -> (Repository, Repository) {
        (Repository::build("1.0"), Repository::build("1.1"))
    }

    /// What a mirror of it serves.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Its `repodata/repomd.xml`.
    pub fn repomd(&self) -> Vec<u8> {
        fs::read(self.folder().join("os/repodata/repomd.xml")).unwrap()
    }

    /// The package of version 1.1.
    pub fn package(&self) -> Vec<u8> {
        fs::read(self.package_file()).unwrap()
    }

    /// The same repository with a package of the right length and other content.
    pub fn with_damaged_package(self) -> Repository {
        let mut bytes = self.package();
        bytes.iter_mut().skip(200).for_each(|byte| *byte ^= 0x55);
        fs::write(self.package_file(), bytes).unwrap();
        self
    }

    /// Another mirror's copy.
    pub fn copy(&self) -> Repository {
        let folder = tempfile::tempdir().unwrap();
        run(tool("cp").arg("-a").arg(self.folder().join("os")).arg(folder.path())).unwrap();
        Repository { folder }
    }

    fn package_file(&self) -> std::path::PathBuf {
        self.folder().join("os/noarch").join(PACKAGE)
    }
}
