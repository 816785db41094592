//! The built program, run to its end.

use interchange::message::MirrorList;
use prost::Message as _;
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};
use tempfile::TempDir;

/// A folder for the output, and what the program is told.
pub struct Collect {
    folder: TempDir,
    url: String,
}

/// How a run ended.
#[derive(Debug)]
pub struct Ended {
    pub code: Option<i32>,
    /// Standard output.
    pub printed: String,
    /// Standard error.
    pub said: String,
}

impl Collect {
    pub fn new(url: &str) -> Collect {
        Collect { folder: tempfile::tempdir().unwrap(), url: url.to_owned() }
    }

    pub fn output(&self) -> PathBuf {
        self.folder.path().join("list")
    }

    /// The program, to be told more.
    pub fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mirrorlist-collect"));
        // A home without passwords, whoever runs this.
        command.env("HOME", self.folder.path()).env_remove("PGPASSFILE");
        command.args(["database", "--url", &self.url, "--output"]).arg(self.output());
        command
    }

    pub fn run(&self, more: &[&str]) -> Ended {
        ended(self.command().args(more).output().unwrap())
    }

    /// Runs it well; what it wrote, and what it printed.
    pub fn list(&self) -> (MirrorList, String) {
        let ended = self.run(&[]);
        assert_eq!(ended.code, Some(0), "{ended:?}");
        assert_eq!(ended.said, "");
        (self.written(), ended.printed)
    }

    pub fn written(&self) -> MirrorList {
        MirrorList::decode(&fs::read(self.output()).unwrap()[..]).unwrap()
    }

    /// What is in the output's folder.
    pub fn files(&self) -> Vec<String> {
        files(self.folder.path())
    }
}

pub fn ended(output: Output) -> Ended {
    Ended {
        code: output.status.code(),
        printed: String::from_utf8(output.stdout).unwrap(),
        said: String::from_utf8(output.stderr).unwrap(),
    }
}

fn files(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}
