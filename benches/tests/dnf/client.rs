//! dnf in a root of its own, so that nothing of the machine's packages and repositories plays a part.

use benches::stack::Stack;
use nix::unistd::geteuid;
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// An address that the cache's netblocks put the mirrors in order for.
pub const CLIENT: &str = "192.0.2.10";

/// A root with one repository, asked for through the service.
pub struct Dnf {
    folder: tempfile::TempDir,
}

impl Dnf {
    /// `option` is `metalink` or `mirrorlist`, dnf's as well as the service's name for it.
    pub fn new(stack: &Stack, option: &str) -> Dnf {
        let folder = tempfile::tempdir().unwrap();
        let config = format!(
            "[main]\nreposdir=/nonexistent\nplugins=0\ngpgcheck=0\nkeepcache=1\nzchunk=0\n\n\
            [tiny]\nname=tiny\ncountme=1\ntimeout=20\n\
            {option}=http://{}/{option}?repo=tiny-$releasever&arch=$basearch&ip={CLIENT}\n",
            stack.http
        );
        fs::write(folder.path().join("dnf.conf"), config).unwrap();
        Dnf { folder }
    }

    /// Runs dnf and returns what it said, as an error if it failed.
    pub fn run(&self, arguments: &[&str]) -> Result<String, String> {
        // dnf insists on being root; in a user namespace everyone is.
        let mut command = match geteuid().is_root() {
            true => Command::new("dnf"),
            false => {
                let mut command = Command::new("unshare");
                command.args(["--user", "--map-root-user", "dnf"]);
                command
            }
        };
        for variable in ["http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"] {
            command.env_remove(variable);
        }
        let output = command
            .args(["--assumeyes", "--noplugins", "--releasever=42", "--forcearch=x86_64", "--config"])
            .arg(self.folder.path().join("dnf.conf"))
            .arg("--installroot")
            .arg(self.folder.path().join("root"))
            .args(arguments)
            .env("LC_ALL", "C.UTF-8")
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said).into_owned();
        if output.status.success() { Ok(said) } else { Err(said) }
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
        let (mut found, mut folders) = (Vec::new(), vec![self.folder.path().to_owned()]);
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
                let kind = entry.file_type().unwrap();
                if kind.is_dir() {
                    folders.push(entry.path());
                } else if kind.is_file() && is_wanted(&entry.file_name().to_string_lossy()) {
                    found.push(entry.path());
                }
            }
        }
        found
    }
}

/// Whether a program is on the path.
pub fn is_installed(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder: PathBuf| Path::new(&folder).join(program).is_file())
}
