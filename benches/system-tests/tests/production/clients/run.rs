//! A site that has a folder of mirrors and nothing else: the primary changes, the collector runs, the cache is built, the
//! daemon reloads, and dnf gets the new package from mirrors that have it, and from no other.

use super::{
    Check,
    dnf::Dnf,
    mirror::Mirror,
    repository::{PACKAGE, Repository},
};
use crate::support::{programs, run, tool};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};
use tempfile::TempDir;
use testkit::{
    inputs,
    stack::{self, Stack},
};

pub const CHECKS: &[Check] =
    &[("dnf", "run: the new package, from mirrors that have it alone", the_new_package)];

const NAMES: [&str; 3] = ["a.example", "b.example", "c.example"];

/// The primary, three mirrors, and what the collector makes of them.
struct Site {
    folder: TempDir,
    collector: PathBuf,
    mirrors: Vec<Mirror>,
}

impl Site {
    fn start(repository: &Repository) -> Site {
        let folder = tempfile::tempdir().unwrap();
        let collector = stack::collector().unwrap();
        let mut site = Site { folder, collector, mirrors: Vec::new() };
        for path in
            ["pub/tiny", "mirrors.d", "out"].map(str::to_owned).into_iter().chain(NAMES.map(str::to_owned))
        {
            fs::create_dir_all(site.at(&path)).unwrap();
        }
        site.copy(repository, "pub/tiny");
        for name in NAMES {
            site.copy(repository, name);
            let mirror = Mirror::serve(&site.at(name));
            let text = format!("country = \"DE\"\n[urls]\nTiny = [\"{}/\"]\n", mirror.url());
            fs::write(site.at(&format!("mirrors.d/{name}.toml")), text).unwrap();
            site.mirrors.push(mirror);
        }
        let at = |path: &str| site.at(path).display().to_string();
        // The version before the current one would be good for three days, and dnf take it.
        let config = format!(
            "contact = 'https://example.org/about'\nstate = '{}'\noutput = '{}'\nmirrors = '{}'\n\
             allow-addresses = ['127.0.0.0/8']\n[primary]\npath = '{}'\nkeep-previous = '0'\nkeep-older = '0'\n\
             [[category]]\nname = 'Tiny'\ntop = 'pub/tiny'\n\
             [[repository]]\npath = '^pub/tiny/os$'\nname = 'tiny-42'\narch = 'x86_64'\n",
            at("state.db"),
            at("out"),
            at("mirrors.d"),
            at("")
        );
        fs::write(site.at("collect.toml"), config).unwrap();
        site
    }

    fn at(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    /// Has somebody copy the repository as it is now.
    fn copy(&self, repository: &Repository, to: &str) {
        let os = self.at(to).join("os");
        if os.exists() {
            fs::remove_dir_all(&os).unwrap();
        }
        run(tool("cp").arg("-a").arg(repository.folder().join("os")).arg(self.at(to))).unwrap();
    }

    /// Runs the collector, and compiles what it has written.
    fn collect(&self, cache: &Path) -> String {
        let said = run(Command::new(&self.collector).args(["run", "--config"]).arg(self.at("collect.toml")))
            .unwrap();
        run(&mut inputs::build_command(&programs(), &self.at("out"), cache)).unwrap();
        said
    }
}

/// Downloads what there is, through the service; names of packages.
fn downloaded(stack: &Stack) -> Vec<String> {
    let dnf =
        Dnf::with(&format!("metalink=http://{}/metalink?repo=tiny-$releasever&arch=$basearch", stack.http));
    dnf.download();
    dnf.packages()
}

fn the_new_package() {
    let (old, new) = Repository::old_and_new();
    let site = Site::start(&old);
    let cache = site.at("cache.mlc");
    site.collect(&cache);
    let stack = Stack::start(&programs(), &cache, &["--workers", "1"], &["--deadline", "20"]).unwrap();
    let reload = || {
        let control = stack.socket.with_file_name("control");
        run(Command::new(&programs().daemon).args(["reload", "--control"]).arg(control)).unwrap();
    };
    let listed = || {
        let url = format!("http://{}/mirrorlist?repo=tiny-42&arch=x86_64", stack.http);
        let list = run(tool("curl").args(["--silent", "--show-error", &url])).unwrap();
        let is_in = |mirror: &Mirror| list.contains(&mirror.url());
        site.mirrors.iter().map(is_in).collect::<Vec<_>>()
    };
    assert_eq!(listed(), [true; 3]);
    assert_eq!(downloaded(&stack), ["tiny-1.0-1.noarch.rpm"]);

    // One mirror copies what is new.
    site.copy(&new, "pub/tiny");
    site.copy(&new, NAMES[2]);
    site.collect(&cache);
    reload();
    assert_eq!(listed(), [false, false, true]);
    let asked: Vec<usize> = site.mirrors.iter().map(|mirror| mirror.asked().len()).collect();
    assert_eq!(downloaded(&stack), [PACKAGE]);
    for (mirror, asked) in site.mirrors[..2].iter().zip(asked) {
        assert_eq!(mirror.asked().len(), asked, "nobody was led to it: {:?}", mirror.asked());
    }
    assert_eq!(site.mirrors[2].asked_for(PACKAGE), 2, "the collector's HEAD and dnf's GET");

    // Another one has caught up.
    site.copy(&new, NAMES[0]);
    site.collect(&cache);
    reload();
    assert_eq!(listed(), [true, false, true]);
    assert_eq!(downloaded(&stack), [PACKAGE]);
    stack.stop().unwrap();
}
