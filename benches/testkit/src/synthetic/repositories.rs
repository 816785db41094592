//! Product lines and repositories: what Fedora-like names there are, where their trees lie, and which are odd.
//!
//! The order is that of popularity: the first repositories are those that most clients ask for.

use super::{FEWEST_DIRECTORIES, Options};
use interchange::{
    message::{StringBool, StringString},
    write::{self, Writer},
};
use std::io::{self, Write};

/// A product line.
pub struct Category {
    /// Its last path component in hosts' URLs.
    pub name: &'static str,
    /// Its top directory.
    pub top: &'static str,
    /// The share of hosts that mirror it.
    pub mirrored_by: f64,
}

/// The product lines, by number.
pub const CATEGORIES: [Category; 6] = [
    Category { name: "fedora", top: "pub/fedora/linux", mirrored_by: 0.50 },
    Category { name: "epel", top: "pub/epel", mirrored_by: 0.55 },
    Category { name: "archive", top: "pub/archive/fedora/linux", mirrored_by: 0.22 },
    Category { name: "fedora-secondary", top: "pub/fedora-secondary", mirrored_by: 0.22 },
    Category { name: "alt", top: "pub/alt", mirrored_by: 0.25 },
    Category { name: "centos-stream", top: "pub/centos/stream", mirrored_by: 0.35 },
];

/// A repository for one architecture.
#[derive(Clone, Debug)]
pub struct Repository {
    /// What clients name with `repo=`.
    pub name: String,
    /// What they name with `arch=`.
    pub arch: &'static str,
    /// The number of its product line.
    pub category: usize,
    /// Its directory.
    pub directory: String,
}

/// All of them.
pub struct Repositories {
    /// Those with a directory, most popular first.
    pub rows: Vec<Repository>,
}

/// The newest release.
const NEWEST: u32 = 44;
/// Releases older than this are in the archive.
const OLDEST_CURRENT: u32 = 42;
/// The most repositories that a cache has.
const MOST: usize = 1500;

impl Repositories {
    /// As many repositories as a cache of this size has: one for each six directories, at most 1,500.
    pub fn plan(options: &Options) -> Repositories {
        let count = MOST.min((options.directories - FEWEST_DIRECTORIES / 2) / 6);
        let mut rows = Vec::new();
        // Age by age, so that small caches hold what is asked for most.
        for age in 0..=(NEWEST - 7) {
            let release = NEWEST - age;
            fedora(release, &mut rows);
            if age <= 5 {
                epel(10 - age, &mut rows);
            }
            if age == 0 {
                rawhide(&mut rows);
            }
            if age <= 1 {
                stream(10 - age, &mut rows);
            }
        }
        rows.truncate(count);
        Repositories { rows }
    }

    /// `RepoArchToDirectoryName`, with a repository that has no directory, one with a `+`, and broken ones.
    pub fn directories(&self, records: &mut Writer<impl Write>) -> io::Result<()> {
        let odd = [
            ("fedora-unborn+x86_64", "pub/fedora/linux/releases/99/Everything/x86_64/os"),
            ("gtk+-next+x86_64", "pub/alt/gtk+"),
            ("no-repodata+x86_64", "pub/alt/no repodata"),
            ("stale+x86_64", "pub/alt/stale"),
            ("empty+x86_64", "pub/alt/nobody"),
            ("slashes+x86_64", "/pub//alt/stale/"),
            ("no-arch", "pub/alt/stale"),
            ("broken+x86_64", "pub/../alt"),
        ];
        let rows = self.rows.iter().map(|row| (format!("{}+{}", row.name, row.arch), row.directory.as_str()));
        for (key, directory) in rows.chain(odd.map(|(key, directory)| (key.to_owned(), directory))) {
            records.add(
                &write::REPO_ARCH,
                &StringString { key: Some(key.into()), value: Some(directory.into()) },
            )?;
        }
        Ok(())
    }

    /// `RepositoryRedirectCache`: aliases, one that hides a repository, a chain, a loop and one that leads nowhere.
    pub fn redirects(&self, records: &mut Writer<impl Write>) -> io::Result<()> {
        let mut pairs: Vec<(String, String)> = [
            ("fedora-rawhide", "rawhide"),
            ("core-rawhide", "fedora-rawhide"),
            ("hidden", "stale"),
            ("stale", "stale"),
            ("dead-end", "fedora-unknown"),
            ("epel-latest", "epel-10"),
        ]
        .map(|(from, to)| (from.to_owned(), to.to_owned()))
        .into();
        for release in OLDEST_CURRENT..=NEWEST {
            pairs.push((format!("fedora-install-{release}"), format!("fedora-{release}")));
            pairs.push((format!("core-{release}"), format!("fedora-{release}")));
            pairs.push((format!("updates-released-{release}"), format!("updates-released-f{release}")));
        }
        // Hides the repository of that name, as servers have it: the redirect wins.
        pairs.push(("fedora-modular-42".to_owned(), "fedora-42".to_owned()));
        for (from, to) in pairs {
            records.add(
                &write::REPOSITORY_REDIRECT,
                &StringString { key: Some(from.into()), value: Some(to.into()) },
            )?;
        }
        Ok(())
    }

    /// `DisabledRepositoryCache`, with a switch that is off and a name that has no directory.
    pub fn disabled(&self, records: &mut Writer<impl Write>) -> io::Result<()> {
        for (name, disabled) in
            [("epel-5", true), ("fedora-8", true), ("fedora-43", false), ("extras-6", true), ("gone", true)]
        {
            records.add(
                &write::DISABLED_REPOSITORY,
                &StringBool { key: Some(name.into()), value: Some(disabled) },
            )?;
        }
        // Of repositories with directories, the last is disabled.
        match self.rows.last() {
            Some(row) => records.add(
                &write::DISABLED_REPOSITORY,
                &StringBool { key: Some(row.name.as_str().into()), value: Some(true) },
            ),
            None => Ok(()),
        }
    }
}

/// Adds the binary, debug and source repositories of one name.
fn family(
    rows: &mut Vec<Repository>,
    archs: &[&'static str],
    name: impl Fn(&str) -> String,
    place: impl Fn(&str) -> (usize, String),
) {
    let mut add = |name: String, arch: &'static str, rest: &str| {
        // Rare architectures have a tree of their own, under the same folders.
        let key = if arch == "source" { "x86_64" } else { arch };
        let (category, base) = place(key);
        rows.push(Repository { name, arch, category, directory: format!("{base}/{rest}") });
    };
    for arch in archs {
        add(name(""), arch, &format!("{arch}/os"));
    }
    for arch in archs {
        add(name("-debug"), arch, &format!("{arch}/debug/tree"));
    }
    add(name("-source"), "source", "source/tree");
}

fn fedora(release: u32, rows: &mut Vec<Repository>) {
    let archs: &[&'static str] = match release {
        ..25 => &["x86_64", "i386", "armhfp"],
        25..37 => &["x86_64", "aarch64", "armhfp", "ppc64le", "s390x"],
        _ => &["x86_64", "aarch64", "ppc64le", "s390x"],
    };
    let place = |arch: &str, folders: String| {
        let category = match (release < OLDEST_CURRENT, matches!(arch, "ppc64le" | "s390x" | "i386")) {
            (true, _) => 2,
            (false, true) => 3,
            (false, false) => 0,
        };
        (category, format!("{}/{folders}", CATEGORIES[category].top))
    };
    family(
        rows,
        archs,
        |kind| format!("updates-released{kind}-f{release}"),
        |arch| place(arch, format!("updates/{release}/Everything")),
    );
    family(
        rows,
        archs,
        |kind| format!("fedora{kind}-{release}"),
        |arch| place(arch, format!("releases/{release}/Everything")),
    );
    family(
        rows,
        archs,
        |kind| format!("updates-testing{kind}-f{release}"),
        |arch| place(arch, format!("updates/testing/{release}/Everything")),
    );
    if (27..=42).contains(&release) {
        family(
            rows,
            archs,
            |kind| format!("fedora-modular{kind}-{release}"),
            |arch| place(arch, format!("releases/{release}/Modular")),
        );
        family(
            rows,
            archs,
            |kind| format!("updates-released-modular{kind}-f{release}"),
            |arch| place(arch, format!("updates/{release}/Modular")),
        );
    }
}

fn rawhide(rows: &mut Vec<Repository>) {
    family(
        rows,
        &["x86_64", "aarch64"],
        |kind| format!("rawhide{kind}"),
        |_| (0, format!("{}/development/rawhide/Everything", CATEGORIES[0].top)),
    );
}

fn epel(release: u32, rows: &mut Vec<Repository>) {
    for (prefix, folder) in [("epel", ""), ("testing-epel", "/testing"), ("epel-next", "/next")] {
        family(
            rows,
            &["x86_64", "aarch64", "ppc64le", "s390x"],
            |kind| format!("{prefix}{kind}-{release}"),
            |_| (1, format!("{}{folder}/{release}/Everything", CATEGORIES[1].top)),
        );
    }
}

fn stream(release: u32, rows: &mut Vec<Repository>) {
    for part in ["BaseOS", "AppStream", "CRB", "HighAvailability"] {
        family(
            rows,
            &["x86_64", "aarch64"],
            |kind| format!("centos-{}{kind}-{release}-stream", part.to_lowercase()),
            |_| (5, format!("{}/{release}-stream/{part}", CATEGORIES[5].top)),
        );
    }
}
