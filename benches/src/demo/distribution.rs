//! A distribution and its mirrors, all on this machine: the tree, the file about each mirror, a web server for each.
//!
//! One mirror is behind with the updates, another dies after a while. What the demo serves is what `mirrorlist-collect` makes of
//! them. Names are of documentation domains (RFC 2606), addresses of TEST-NET-1 to -3 (RFC 5737) and `2001:db8::/32` (RFC 3849),
//! AS numbers of the documentation range (RFC 5398); URLs are of this machine.

use std::{
    fmt::Write as _,
    fs,
    io::{self, Read as _},
    net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream},
    path::{Path, PathBuf},
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{SystemTime, UNIX_EPOCH},
};
use testkit::web::{self, Being, file_below};

const HOUR: u64 = 60 * 60;

/// The mirror that has not got the latest updates.
pub const STALE: &str = "isar.example.org";
/// The mirror that dies.
pub const DEAD: &str = "mekong.example.net";

/// A mirror: its name, whether it has EPEL too, and its file without the URLs.
struct Mirror(&'static str, bool, &'static str);

const MIRRORS: [Mirror; 12] = [
    Mirror(
        "elbe.example.org",
        true,
        "country = \"DE\"\nplace = [53.55, 9.99]\nbandwidth = \"10 Gbit/s\"\nasn = [64496]\n",
    ),
    Mirror(STALE, true, "country = \"DE\"\nplace = [48.14, 11.58]\nbandwidth = \"1 Gbit/s\"\n"),
    Mirror(
        "campus.example.net",
        true,
        "country = \"DE\"\nprivate = true\nup-to-date = true\nnetblocks = [\"192.0.2.128/25\", \"2001:db8:49::/48\"]\n",
    ),
    Mirror("loire.example.org", true, "country = \"FR\"\nplace = [47.22, -1.55]\nbandwidth = \"2 Gbit/s\"\n"),
    Mirror(
        "vltava.example.org",
        true,
        "country = \"CZ\"\nplace = [50.09, 14.42]\nbandwidth = \"10 Gbit/s\"\n",
    ),
    Mirror(
        "hudson.example.com",
        true,
        "country = \"US\"\nplace = [40.71, -74.01]\nbandwidth = \"10 Gbit/s\"\n",
    ),
    Mirror(
        "yukon.example.com",
        false,
        "country = \"CA\"\nplace = [60.72, -135.06]\nbandwidth = \"1 Gbit/s\"\n",
    ),
    Mirror(
        "amazonas.example.com",
        true,
        "country = \"BR\"\nplace = [-3.12, -60.02]\nbandwidth = \"1 Gbit/s\"\n",
    ),
    Mirror(
        "shinano.example.net",
        true,
        "country = \"JP\"\nplace = [36.65, 138.18]\nbandwidth = \"10 Gbit/s\"\n",
    ),
    Mirror(DEAD, false, "country = \"VN\"\nbandwidth = \"100 Mbit/s\"\n"),
    Mirror(
        "murray.example.net",
        true,
        "country = \"AU\"\nplace = [-34.93, 138.6]\nbandwidth = \"1 Gbit/s\"\n",
    ),
    Mirror("polder.example.net", true, "country = \"NL\"\nbandwidth = \"10 Gbit/s\"\n"),
];

/// Directories of repositories.
const REPOSITORIES: [&str; 8] = [
    "pub/fedora/linux/releases/42/Everything/x86_64/os",
    "pub/fedora/linux/releases/42/Everything/aarch64/os",
    "pub/fedora/linux/releases/42/Everything/source/tree",
    "pub/fedora/linux/updates/42/Everything/x86_64",
    "pub/fedora/linux/updates/42/Everything/aarch64",
    "pub/fedora/linux/development/rawhide/Everything/x86_64/os",
    "pub/epel/10/Everything/x86_64",
    "pub/epel/10/Everything/aarch64",
];

/// How repositories are found, in the configuration of the collector.
const PATTERNS: &str = r#"
[[category]]
name = "Fedora"
top = "pub/fedora/linux"
[[category]]
name = "EPEL"
top = "pub/epel"

[[repository]]
path = '^pub/fedora/linux/releases/(?<version>\d+)/Everything/source/tree$'
name = "fedora-source-$version"
arch = "source"
[[repository]]
path = '^pub/fedora/linux/releases/(?<version>\d+)/Everything/(?<arch>\w+)/os$'
name = "fedora-$version"
arch = "$arch"
[[repository]]
path = '^pub/fedora/linux/updates/(?<version>\d+)/Everything/(?<arch>\w+)$'
name = "updates-released-f$version"
arch = "$arch"
[[repository]]
path = '^pub/fedora/linux/development/rawhide/Everything/(?<arch>\w+)/os$'
name = "rawhide"
arch = "$arch"
[[repository]]
path = '^pub/epel/(?<version>\d+)/Everything/(?<arch>\w+)$'
name = "epel-$version"
arch = "$arch"
"#;

const PRIMARY: &str = include_str!("primary.xml");
/// With the time of the version in place of `TIME`.
const REPOMD: &str = include_str!("repomd.xml");
/// The package that the metadata name: what is downloaded is a text.
const PACKAGE: &str = "found-by-way-of-mirrorlistd-1.0-1.noarch.rpm";

/// What the collector works with.
#[derive(Debug)]
pub struct Distribution {
    /// Its program.
    pub collector: PathBuf,
    /// Its configuration.
    pub config: PathBuf,
    /// What it writes.
    pub interchange: PathBuf,
    /// What its checks write.
    pub mirrors: PathBuf,
    /// What its checks leave out.
    pub suspended: PathBuf,
    /// Where the mirror is that dies, and whether it has.
    dead: (SocketAddr, Arc<AtomicBool>),
    /// What the mirror that is behind has in place of the tree's files; without it, the mirror has caught up.
    pub behind: PathBuf,
}

impl Distribution {
    /// Makes the tree and the files in `folder`, and serves mirrors for as long as the process lives.
    pub fn make(collector: PathBuf, folder: &Path) -> io::Result<Distribution> {
        let (tree, behind, output) =
            (folder.join("primary"), folder.join("behind"), folder.join("collected"));
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        for path in REPOSITORIES {
            write(&tree.join(path), now - 2 * HOUR)?;
            if path.contains("/updates/") {
                write(&behind.join(path), now - 33 * HOUR)?;
            }
        }
        let inventory = folder.join("mirrors.d");
        fs::create_dir(&inventory)?;
        fs::create_dir(&output)?;
        let is_dead = Arc::new(AtomicBool::new(false));
        let mut dead = None;
        for (number, mirror) in (1..).zip(&MIRRORS) {
            let address = serve(mirror, Ipv4Addr::new(127, 0, 1, number), &tree, &behind, &is_dead)?;
            if mirror.0 == DEAD {
                dead = Some(address);
            }
            fs::write(inventory.join(format!("{}.toml", mirror.0)), file(mirror, address))?;
        }
        let config = folder.join("mirrorlist-collect.toml");
        let (state, [inventory, output_text, tree]) =
            (folder.join("state.db"), [&inventory, &output, &tree].map(|path| path.display().to_string()));
        let text = format!(
            "contact = \"postmaster@example.org\"\nstate = {:?}\noutput = {output_text:?}\nmirrors = {inventory:?}\n\
             allow-addresses = [\"127.0.0.0/8\"]\ntrusted = [\"campus.example.net\"]\n\n\
             [primary]\npath = \"{tree}/pub\"\nprefix = \"pub\"\n{PATTERNS}",
            state.display().to_string()
        );
        fs::write(&config, text)?;
        let [interchange, mirrors, suspended] =
            ["mirrorlist.proto-cache", "mirrors.json", "suspended"].map(|name| output.join(name));
        let dead = (dead.ok_or_else(|| io::Error::other("nobody is to die"))?, is_dead);
        Ok(Distribution { collector, config, interchange, mirrors, suspended, dead, behind })
    }

    /// Has the mirror die.
    pub fn lose(&self) -> io::Result<()> {
        let (address, is_dead) = &self.dead;
        is_dead.store(true, Ordering::Relaxed);
        // Its server sees that when somebody comes, and comes to its end when it hangs up.
        TcpStream::connect(address)?.read_to_end(&mut Vec::new())?;
        Ok(())
    }

    /// Runs a command of the collector. The error is what it says.
    pub fn collect(&self, command: &str) -> Result<(), String> {
        let output = Command::new(&self.collector).arg(command).arg("--config").arg(&self.config).output();
        let output = output.map_err(|error| format!("mirrorlist-collect: cannot be started ({error})"))?;
        let said = || {
            format!("mirrorlist-collect {command}: {}", String::from_utf8_lossy(&output.stderr).trim_end())
        };
        if output.status.success() { Ok(()) } else { Err(said()) }
    }
}

/// A repository, of which nothing changes but the time.
fn write(directory: &Path, time: u64) -> io::Result<()> {
    let repodata = directory.join("repodata");
    fs::create_dir_all(&repodata)?;
    fs::write(repodata.join("primary.xml"), PRIMARY)?;
    fs::write(repodata.join("repomd.xml"), REPOMD.replace("TIME", &time.to_string()))?;
    fs::write(
        directory.join(PACKAGE),
        "This is no package: the demo's repositories have nothing but metadata.\n",
    )
}

/// Serves a mirror; where it is.
fn serve(
    mirror: &Mirror,
    address: Ipv4Addr,
    tree: &Path,
    behind: &Path,
    is_dead: &Arc<AtomicBool>,
) -> io::Result<SocketAddr> {
    let (tree, behind) = (tree.to_owned(), (mirror.0 == STALE).then(|| behind.to_owned()));
    let is_dead = (mirror.0 == DEAD).then(|| Arc::clone(is_dead));
    let being = move || match &is_dead {
        Some(is_dead) if is_dead.load(Ordering::Relaxed) => Being::Gone,
        _ => Being::Alive,
    };
    web::serve(IpAddr::V4(address), being, move |path| {
        behind.as_ref().and_then(|behind| file_below(behind, path)).or_else(|| file_below(&tree, path))
    })
}

/// The file about a mirror.
fn file(Mirror(_, epel, keys): &Mirror, address: SocketAddr) -> String {
    let mut text = format!("{keys}\n[urls]\nFedora = [\"http://{address}/pub/fedora/linux/\"]\n");
    if *epel {
        // Writing to a string does not fail.
        let _ = writeln!(text, "EPEL = [\"http://{address}/pub/epel/\"]");
    }
    text
}
