//! A small repository: one package without content, made by the tools that real ones are made by.

use std::{fs, path::Path, process::Command};

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

/// The repository's folder.
pub struct Repository {
    folder: tempfile::TempDir,
}

impl Repository {
    /// One that holds this version of the package.
    pub fn build(version: &str) -> Repository {
        let (folder, work) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let spec = work.path().join("tiny.spec");
        fs::write(&spec, SPEC).unwrap();
        let define = |name: &str, value: &Path| format!("--define={name} {}", value.display());
        run(Command::new("rpmbuild")
            .arg("-bb")
            .arg(define("_topdir", work.path()))
            .arg(define("_rpmdir", folder.path()))
            .arg(define("tiny_version", Path::new(version)))
            .arg(spec));
        run(Command::new("createrepo_c").arg("--quiet").arg(folder.path()));
        Repository { folder }
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Its `repodata/repomd.xml`.
    pub fn repomd(&self) -> Vec<u8> {
        fs::read(self.folder().join("repodata/repomd.xml")).unwrap()
    }
}

fn run(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}
