//! A primary, a folder of mirrors and the options of runs, in a folder of their own.

use crate::files::Files;
use collector::{
    config::{self, site::Site},
    run::{self, crawl::LIMITS, summary::Summary},
};
use interchange::message::MirrorList;
use program::{failure::Failure, options};
use prost::Message as _;
use std::{
    ffi::OsString,
    fmt::Write as _,
    fs,
    io::{BufRead as _, BufReader},
    net::{Ipv4Addr, TcpListener, TcpStream},
    os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, UNIX_EPOCH},
};
use tempfile::TempDir;

/// When runs are, in seconds since the epoch; the tree is older.
pub const NOW: u64 = 1_800_000_000;
pub const DAY: u64 = 86_400;

/// Sections that say what there is.
pub const SITE: &str = r#"
[[category]]
name = "Example Linux"
top = "pub/example"
origin = "https://dl.example.org/pub/example"
marker = "TIME"

[[category]]
name = "Images"
top = "pub/images"

[[repository]]
path = '^pub/example/(?<version>[\d.]+)/(?<repo>\w+)/(?<arch>\w+)/os$'
name = "$repo-$version"
arch = "$arch"

[[repository]]
path = '^pub/example/dists/(?<suite>\w+)$'
index = "InRelease"
name = "$suite"
arch = "all"

[aliases]
"example/latest" = "pub/example/9"
"#;

pub fn repomd(time: u64) -> String {
    format!("<repomd><data type=\"primary\"><timestamp>{time}</timestamp></data></repomd>\n")
}

/// A mirror's file that has the first category.
pub fn mirror(url: &str) -> String {
    format!("country = 'DE'\nup-to-date = true\n[urls]\n\"Example Linux\" = ['{url}']\n")
}

pub struct World {
    pub folder: TempDir,
    /// The options above all sections, and `[primary]`.
    pub options: String,
    pub primary: String,
    pub site: String,
}

impl World {
    /// A primary in `pub`, three mirrors that are taken to have everything, and one that nobody has asked yet.
    pub fn new() -> World {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path().display().to_string();
        let world = World {
            options: format!(
                "contact = 'https://example.org/'\nstate = '{at}/state.db'\noutput = '{at}/out'\nmirrors = '{at}/mirrors.d'\n\
                 trusted = ['a.example', 'b.example', 'private.example']\nallow-addresses = ['127.0.0.0/8']\n"
            ),
            primary: format!("path = '{at}/pub'\nprefix = 'pub'\n"),
            site: SITE.into(),
            folder,
        };
        fs::create_dir(world.at("out")).unwrap();
        for (name, text) in [
            ("a.example", mirror("https://a.example/pub/")),
            ("b.example", format!("{}Images = 'http://b.example/images'\n", mirror("http://b.example"))),
            (
                "private.example",
                format!("private = true\nnetblocks = ['10.0.0.0/8']\n{}", mirror("https://p.example")),
            ),
            ("c.example", "[urls]\nImages = 'https://c.example/'\n".into()),
        ] {
            world.mirror(name, &text);
        }
        for (path, text) in [
            ("example/TIME", "123\n"),
            ("example/9.1/BaseOS/x86_64/os/repodata/repomd.xml", &*repomd(NOW - DAY)),
            ("example/9.1/BaseOS/x86_64/os/Packages/a.rpm", "a"),
            ("example/9.1/BaseOS/x86_64/os/Packages/b c#.rpm", "bb"),
            ("example/9.1/BaseOS/x86_64/os/Packages/.a.rpm.x1Yz", "half"),
            ("example/9.1/BaseOS/aarch64/os/repodata/repomd.xml", &*repomd(NOW - 2 * DAY)),
            ("example/9.1/BaseOS/aarch64/os/Packages/a.rpm", "a"),
            ("example/dists/stable/InRelease", "Origin: Example\n"),
            ("example/dists/stable/main/Packages.gz", "gz"),
            ("example/secret/f", "embargoed"),
            ("images/9.1/a.iso", "image"),
            (
                "images/9.1/CHECKSUM",
                &*format!("SHA256 (a.iso) = {}\nSHA256 (gone.iso) = {0}\n", "ab".repeat(32)),
            ),
            ("elsewhere/f", "nobody's"),
        ] {
            world.put(path, text);
        }
        fs::create_dir(world.at("pub/example/empty")).unwrap();
        for (link, to) in [
            ("example/9", "9.1"),
            ("example/9.1/same", "BaseOS/aarch64"),
            ("example/9.1/BaseOS/around", ".."),
            ("example/out", "../../out"),
            ("example/root", "/"),
            ("images/file", "9.1/a.iso"),
        ] {
            symlink(to, world.at("pub").join(link)).unwrap();
        }
        fs::set_permissions(world.at("pub/example/secret"), fs::Permissions::from_mode(0o700)).unwrap();
        world
    }

    pub fn at(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    /// Puts a file into the primary, of a time of its own.
    pub fn put(&self, path: &str, text: &str) {
        let path = self.at("pub").join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        let time = UNIX_EPOCH + Duration::from_secs(NOW - 10 * DAY + text.len() as u64);
        fs::File::options().write(true).open(&path).unwrap().set_modified(time).unwrap();
    }

    /// Puts the file of a mirror.
    pub fn mirror(&self, name: &str, text: &str) {
        fs::create_dir_all(self.at("mirrors.d")).unwrap();
        fs::write(self.at("mirrors.d").join(format!("{name}.toml")), text).unwrap();
    }

    /// Writes the options; their path.
    pub fn config(&self) -> String {
        let path = self.at("collect.toml");
        fs::write(&path, format!("{}\n[primary]\n{}\n{}", self.options, self.primary, self.site)).unwrap();
        path.display().to_string()
    }

    /// The options, settled.
    pub fn settled(&self) -> config::run::Config {
        let path = self.config();
        let arguments = ["mirrorlist-collect", "run", "--config", &path].map(OsString::from);
        let flags = options::flags(collector::command::command(), arguments.into_iter()).unwrap();
        let flags = flags.subcommand_matches("run").unwrap();
        let options = <config::run::Options as clap::FromArgMatches>::from_arg_matches(flags).unwrap();
        options.settle(flags).unwrap()
    }

    /// A run at this time.
    pub fn run(&self, now: u64) -> Result<Summary, Failure> {
        run::collect(&self.settled(), LIMITS, now)
    }

    /// The file that runs have written.
    pub fn list(&self) -> MirrorList {
        MirrorList::decode(&*fs::read(self.at("out/mirrorlist.proto-cache")).unwrap()).unwrap()
    }

    /// The site and its tree at this time, as the primary of this section has it.
    pub fn tree(&self, primary: &str, now: u64) -> Result<run::primary::Read, run::primary::Error> {
        let config = self.settled();
        let path = self.at("other.toml");
        fs::write(&path, format!("[primary]\n{primary}\n{}", self.site)).unwrap();
        let site = sites(&path);
        let client = collector::http::Client::new(
            "https://example.org/",
            collector::http::address::Addresses::new(config.allow_addresses),
        );
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let progress = collector::progress::Progress::start();
        let primary = site.primary.clone().unwrap();
        runtime.block_on(run::primary::read(
            &site,
            &primary,
            &client.unwrap(),
            &Default::default(),
            now,
            &progress,
        ))
    }

    /// A list of all that is in the primary, as Fedora's script makes it.
    pub fn file_list(&self) -> String {
        let mut text = String::from("[Version]\n2\n\n[Files]\n");
        let top = self.at("pub");
        let mut open = vec![top.clone()];
        while let Some(folder) = open.pop() {
            for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap()) {
                let found = fs::symlink_metadata(entry.path()).unwrap();
                let kind = if found.is_dir() {
                    "d"
                } else if found.is_symlink() {
                    "l"
                } else {
                    "f"
                };
                let is_public = found.permissions().mode() & 0o004 != 0;
                let path = entry.path().strip_prefix(&top).unwrap().display().to_string();
                let public = if is_public { "" } else { "-" };
                writeln!(text, "{}\t{kind}{public}\t{}\t{path}", found.mtime(), found.len()).unwrap();
                if found.is_dir() {
                    open.push(entry.path());
                }
            }
        }
        text + "\n[Checksums SHA1]\n\n[End]\n"
    }

    /// The primary over HTTP.
    pub fn files(&self) -> Files {
        Files::start(self.at("pub"))
    }
}

fn sites(path: &Path) -> Site {
    #[derive(clap::Parser)]
    struct Nothing {
        #[arg(long)]
        config: Option<PathBuf>,
    }
    let arguments = ["x".into(), "--config".into(), path.into()];
    let flags = options::flags(<Nothing as clap::CommandFactory>::command(), arguments.into_iter()).unwrap();
    let (Nothing { config: _ }, entries) =
        options::read_with::<Nothing>(&flags, &config::site::SECTIONS).unwrap();
    Site::read(&entries).unwrap()
}

/// An rsync daemon of a folder, as module `pub`.
pub struct Rsync {
    child: Child,
    pub port: u16,
}

impl Rsync {
    pub fn start(world: &World) -> Rsync {
        let (config, log) = (world.at("rsyncd.conf"), world.at("rsyncd.log"));
        let module = world.at("pub").display().to_string();
        // As root its workers would become nobody, whom a temporary folder is closed to.
        fs::write(&config, format!("use chroot = no\nuid = {0}\n[pub]\npath = {module}\n", whoami()))
            .unwrap();
        loop {
            let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
            let mut command = Command::new("rsync");
            command.args(["--daemon", "--no-detach", "--address=127.0.0.1", &format!("--port={port}")]);
            command
                .arg(format!("--config={}", config.display()))
                .arg(format!("--log-file={}", log.display()));
            let mut child = command.stdin(Stdio::null()).spawn().unwrap();
            // Somebody else may have got the port meanwhile.
            while child.try_wait().unwrap().is_none() {
                if let Ok(stream) = TcpStream::connect((Ipv4Addr::LOCALHOST, port)) {
                    let mut greeting = String::new();
                    BufReader::new(stream).read_line(&mut greeting).unwrap();
                    if greeting.starts_with("@RSYNCD:") {
                        return Rsync { child, port };
                    }
                }
                thread::yield_now();
            }
        }
    }

    pub fn url(&self, module: &str) -> String {
        format!("rsync://127.0.0.1:{}/{module}", self.port)
    }
}

fn whoami() -> String {
    nix::unistd::User::from_uid(nix::unistd::getuid()).unwrap().unwrap().name
}

impl Drop for Rsync {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
