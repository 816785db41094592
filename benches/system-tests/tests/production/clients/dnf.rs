//! dnf in a root of its own, so that nothing of the machine's packages and repositories plays a part.

use super::service::Service;
use crate::support::{run, tool};
use nix::unistd::geteuid;
use std::{fs, path::PathBuf};

/// A root with one repository, asked for through the service.
pub struct Dnf {
    folder: tempfile::TempDir,
}

impl Dnf {
    /// `option` is `metalink` or `mirrorlist`, dnf's as well as the service's name for it.
    pub fn new(service: &Service, option: &str) -> Dnf {
        Dnf::of(service, option, "tiny-$releasever")
    }

    /// The same with a repository of another name.
    pub fn of(service: &Service, option: &str, repository: &str) -> Dnf {
        let url = service.url(&format!("{option}?repo={repository}&arch=$basearch"));
        Dnf::with(&format!("{option}={url}"))
    }

    /// The same with this line to say where it is.
    pub fn with(line: &str) -> Dnf {
        let folder = tempfile::tempdir().unwrap();
        let config = format!(
            "[main]\nreposdir=/nonexistent\nplugins=0\ngpgcheck=0\nkeepcache=1\nzchunk=0\n\n\
            [tiny]\nname=tiny\ncountme=1\ntimeout=20\n{line}\n"
        );
        fs::write(folder.path().join("dnf.conf"), config).unwrap();
        Dnf { folder }
    }

    /// Runs dnf and returns what it said, as an error if it failed.
    pub fn run(&self, arguments: &[&str]) -> Result<String, String> {
        // dnf insists on being root; in a user namespace everyone is.
        let mut command = match geteuid().is_root() {
            true => tool("dnf"),
            false => {
                let mut command = tool("unshare");
                command.args(["--user", "--map-root-user", "dnf"]);
                command
            }
        };
        command
            .args(["--assumeyes", "--noplugins", "--releasever=42", "--forcearch=x86_64", "--config"])
            .arg(self.folder.path().join("dnf.conf"))
            .arg("--installroot")
            .arg(self.folder.path().join("root"))
            .args(arguments);
        run(&mut command)
    }

    /// Downloads the package.
    pub fn download(&self) {
        self.run(&["install", "--downloadonly", "tiny"]).unwrap();
    }

    /// The `repomd.xml` that dnf has taken.
    pub fn repomd(&self) -> Vec<u8> {
        let found = self.find(|name| name == "repomd.xml");
        assert_eq!(found.len(), 1, "{found:?}");
        fs::read(&found[0]).unwrap()
    }

    /// Names of the packages that dnf has downloaded.
    pub fn packages(&self) -> Vec<String> {
        let found = self.find(|name| name.ends_with(".rpm"));
        found.iter().map(|path| path.file_name().unwrap().to_string_lossy().into_owned()).collect()
    }

    fn find(&self, is_wanted: fn(&str) -> bool) -> Vec<PathBuf> {
        super::find(self.folder.path(), is_wanted)
    }
}
