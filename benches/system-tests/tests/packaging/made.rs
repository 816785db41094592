//! What `make` makes, in the target folder of these tests.

use super::{TOP, outcome};
use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
    sync::{Mutex, MutexGuard, OnceLock, PoisonError},
};

/// `make` in the repository, with the folder that these tests are built in.
///
/// Whoever holds it is alone: packages are made by way of one folder.
pub struct Make {
    _alone: MutexGuard<'static, ()>,
}

impl Make {
    /// After `make all`, which is done once.
    pub fn all() -> Make {
        static MADE: OnceLock<()> = OnceLock::new();
        let make = Make::made_before();
        MADE.get_or_init(|| drop(make.run(&["all"])));
        make
    }

    /// Of what was made before, by another process.
    pub fn made_before() -> Make {
        static ALONE: Mutex<()> = Mutex::new(());
        // A test that failed while it held this left nothing behind that the next one would not replace.
        Make { _alone: ALONE.lock().unwrap_or_else(PoisonError::into_inner) }
    }

    /// Makes something; what was printed.
    pub fn run(&self, arguments: &[&str]) -> String {
        let (said, well) = self.outcome(arguments);
        assert!(well, "make {arguments:?}: {said}");
        said
    }

    /// The same, whether it ends well or not.
    pub fn outcome(&self, arguments: &[&str]) -> (String, bool) {
        let (target, profile) = place();
        outcome(
            Command::new("make")
                .arg("--no-print-directory")
                .args(arguments)
                .arg(format!("PROFILE={profile}"))
                .arg(format!("CARGO_TARGET_DIR={}", target.display()))
                .current_dir(TOP)
                // This may be a make's own child.
                .env_remove("MAKEFLAGS")
                .env_remove("CARGO_TARGET_DIR"),
        )
    }

    /// Makes a package; the newest file with this extension is it.
    pub fn package(&self, target: &str, revision: u32) -> PathBuf {
        let folder = place().0.join("packages");
        // Packages of earlier runs would be taken for it.
        let _ = std::fs::remove_dir_all(&folder);
        let revision = format!("REVISION={revision}");
        let maintainer = "MAINTAINER=Packager <packager@example.org>";
        self.run(&[target, &revision, maintainer, "DEBFLAGS=--fast", "RPMFLAGS=--payload-compress none"]);
        let mut files = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
        files.find(|file| file.extension().is_some_and(|extension| extension == target)).unwrap()
    }
}

/// A program as it was made.
pub fn program(name: &str) -> PathBuf {
    let (target, profile) = place();
    // The Makefile says why.
    let is_apart = matches!(name, "mirrorlist-collect" | "mirrorlist-report");
    let profile = if is_apart && profile == "release" { "apart" } else { &profile };
    target.join(if profile == "dev" { "debug" } else { profile }).join(name)
}

/// The target folder, and the profile to make with.
pub fn place() -> (PathBuf, String) {
    let this = env::current_exe().unwrap();
    // target/PROFILE/deps/test
    let folder = this.ancestors().nth(2).unwrap_or(Path::new("."));
    let own = match folder.file_name().and_then(|name| name.to_str()) {
        Some("debug") | None => "dev",
        Some(name) => name,
    };
    let profile = env::var("MIRRORLIST_PROFILE").unwrap_or_else(|_| own.to_owned());
    (folder.parent().unwrap_or(Path::new(".")).to_owned(), profile)
}
