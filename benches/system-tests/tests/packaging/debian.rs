//! The Debian package's life: installed, at work, upgraded over itself under load, removed, purged.

use super::{
    eventually, found, has, machine, made,
    made::Make,
    manager::{Manager, log},
    outcome, run, tree,
    unit::{OPTIONAL, UNITS, Unit},
};
use cache::{CacheBytes, View};
use std::{
    collections::{BTreeMap, BTreeSet},
    env, fs,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};
use testkit::{
    inputs,
    load::{
        self, Outcome, Plan, Target,
        questions::{Kind, questions},
    },
    sample,
};

/// What the package has systemd start, the daemon apart, which comes by its socket.
const STARTED: &str = "start mirrorlistd.socket mirrorlist-http.socket mirrorlist-http.service mirrorlist-cache.path \
     mirrorlist-cache.timer";
const SERVICES: [&str; 2] = ["mirrorlistd.service", "mirrorlist-http.service"];
const CACHE: &str = "/var/lib/mirrorlist/cache.mlc";
const CONFIGURATION: &str = "/etc/mirrorlist/mirrorlist-http.toml";
const PACKAGES: &str = "MIRRORLIST_PACKAGES";
/// What the machine must have on which it lives.
const TOOLS: [&str; 7] =
    ["apt-get", "curl", "dpkg", "setpriv", "systemd-analyze", "systemd-sysusers", "systemd-tmpfiles"];
/// Where what stays after a removal lies: configuration, data, what is enabled, and what the machine remembers of that.
const STAYS: [&str; 6] = [
    "/etc/logrotate.d/mirrorlistd",
    "/etc/mirrorlist",
    "/etc/systemd/system/",
    "/var/lib/mirrorlist",
    "/var/lib/systemd/deb-systemd-helper-",
    "/var/log/mirrorlist",
];

/// A file of systemd's own, which whoever asks it about units leaves behind.
const UNITS_LOADED: &str = "/run/systemd/systemd-units-load";

/// Two packages of the same, one newer than the other.
fn packages() -> (PathBuf, PathBuf) {
    let folder = PathBuf::from(env::var_os(PACKAGES).unwrap());
    (folder.join("1.deb"), folder.join("2.deb"))
}

#[test]
fn the_debian_package_holds_the_installed_tree() {
    if !has(&["cargo-deb", "dpkg-deb"]) {
        return;
    }
    let make = Make::all();
    let package = make.package("deb", 1);
    let ask = |question: &[&str]| run(Command::new("dpkg-deb").args(question).arg(&package));
    let listing = ask(&["--contents"]);
    let lines = listing.lines().filter(|line| !line.starts_with('d')).map(str::trim);
    let found: BTreeMap<String, &str> = lines
        .map(|line| {
            let words: Vec<&str> = line.split_whitespace().collect();
            assert!(["0/0", "root/root"].contains(&words[1]), "{line}");
            (words[5].trim_start_matches('.').to_owned(), words[0])
        })
        .collect();
    // What Debian has elsewhere, or compresses, or wants besides.
    let expected = tree::listed().map(|file| {
        let file = file
            .replace("/zsh/site-functions/", "/zsh/vendor-completions/")
            .replace("/CHANGELOG.md", "/changelog.gz")
            .replace("/LICENSE", "/copyright");
        if file.contains("/man/") { file + ".gz" } else { file }
    });
    let changelog = ["/usr/share/doc/mirrorlistd/changelog.Debian.gz".to_owned()];
    let expected: BTreeSet<String> = expected.chain(changelog).collect();
    assert_eq!(found.keys().cloned().collect::<BTreeSet<_>>(), expected);
    for (file, mode) in found {
        let expected = if file.starts_with("/usr/bin/") { "-rwxr-xr-x" } else { "-rw-r--r--" };
        assert_eq!(mode, expected, "{file}");
    }
    let settings: BTreeSet<String> = tree::listed().filter(|file| file.starts_with("/etc/")).collect();
    let said = ask(&["--info"]);
    let field = |name: &str| said.lines().find_map(|line| line.trim().strip_prefix(name)).unwrap_or_default();
    assert!(field("Depends: ").contains("libc6") && field("Depends: ").contains("systemd"), "{said}");
    assert_eq!(field("Description: "), "Answers which mirrors near a client have a directory");
    let conffiles = run(Command::new("dpkg-deb").arg("--info").arg(&package).arg("conffiles"));
    assert_eq!(conffiles.lines().map(str::to_owned).collect::<BTreeSet<_>>(), settings);
}

#[test]
fn lintian_has_no_errors_and_no_warnings() {
    if !has(&["cargo-deb", "lintian"]) {
        return;
    }
    // Kept, so that nobody else makes a package in its place meanwhile.
    let make = Make::all();
    let package = make.package("deb", 1);
    // The first tag is for those who upload to Debian. The second is about libyaml, of whose messages one stands in saphyr-parser,
    // which is written in Rust.
    let tags = "initial-upload-closes-no-bugs,embedded-library";
    let options = ["--fail-on", "none", "--allow-root", "--suppress-tags", tags];
    assert_eq!(run(Command::new("lintian").args(options).arg(&package)), "");
}

#[test]
fn a_debian_package_lives_from_installation_to_purge() {
    let test = "debian::a_debian_package_lives_from_installation_to_purge";
    if env::var_os(PACKAGES).is_none() {
        // Another root has tools of its own.
        let own = if env::var_os(machine::ROOT).is_some() { &[][..] } else { &TOOLS };
        if !has(&["cargo-deb", "unshare"]) || !has(own) {
            return;
        }
        let make = Make::all();
        let folder = tempfile::tempdir_in(made::place().0).unwrap();
        for revision in [1, 2] {
            fs::copy(make.package("deb", revision), folder.path().join(format!("{revision}.deb"))).unwrap();
        }
        assert!(!machine::entered(test, &[(PACKAGES, folder.path().to_str().unwrap())]));
        return;
    }
    assert!(machine::entered(test, &[]));
    TOOLS.iter().for_each(|tool| assert!(found(tool).is_some(), "not installed: {tool}"));
    let manager = Manager::take_over(&[&UNITS[..], &OPTIONAL].concat());
    let before = everything();
    installs(&manager);
    serves(&manager);
    counts(&manager);
    checks(&manager);
    upgrades(&manager);
    goes(&manager, &before);
    let after: BTreeSet<String> = everything();
    let left: Vec<&String> = after.difference(&before).collect();
    assert!(left.is_empty(), "left behind: {left:?}");
    assert!(before.is_subset(&after), "taken along: {:?}", before.difference(&after).collect::<Vec<_>>());
    // So that nobody else gets their numbers.
    let accounts = fs::read_to_string("/etc/passwd").unwrap();
    assert!(accounts.contains("\nmirrorlist:") && accounts.contains("\nmirrorlist-http:"), "{accounts}");
}

fn apt(arguments: &[&str]) {
    run(Command::new("apt-get")
        .args(["--yes", "--no-install-recommends", "-o", "APT::Sandbox::User=root"])
        .args(arguments)
        .env("DEBIAN_FRONTEND", "noninteractive"));
}

fn installs(manager: &Manager) {
    apt(&["install", packages().0.to_str().unwrap()]);
    assert_eq!(manager.asked(), ["daemon-reload", STARTED]);
    assert!(manager.is_active("mirrorlist-http.service"));
    for program in
        ["mirrorlistd", "mirrorlist-http", "mirrorlist-cache", "mirrorlist-collect", "mirrorlist-report"]
    {
        let said = run(Command::new(format!("/usr/bin/{program}")).arg("--version"));
        assert!(said.starts_with(&format!("{program} {}", env!("CARGO_PKG_VERSION"))), "{said}");
    }
    let verified =
        run(Command::new("systemd-analyze").args(["verify", "--man=no"]).args(UNITS).args(OPTIONAL));
    assert_eq!(verified, "");
    let enabled = UNITS.iter().filter(|unit| Unit::read(unit).unwrap().one("WantedBy").is_some());
    for unit in enabled {
        let target = Unit::read(unit).unwrap().one("WantedBy").unwrap().to_owned();
        assert!(
            Path::new("/etc/systemd/system").join(format!("{target}.wants")).join(unit).exists(),
            "{unit}"
        );
    }
}

/// From the inputs' arrival to the first answer.
fn serves(manager: &Manager) {
    sample::write(Path::new("/var/lib/mirrorlist/input")).unwrap();
    let watched = Unit::read("mirrorlist-cache.path").unwrap();
    for input in [inputs::MIRRORMANAGER, inputs::NETBLOCKS, inputs::CONTINENTS, inputs::GEOIP] {
        let path = format!("/var/lib/mirrorlist/input/{input}");
        assert!(
            watched.all_of("PathChanged").contains(&path.as_str()) && Path::new(&path).is_file(),
            "{path}"
        );
    }
    assert!(manager.job("start", "mirrorlist-cache.service"));
    let owner = fs::metadata(CACHE).unwrap().uid();
    assert_eq!(owner, nix::unistd::User::from_name("mirrorlist").unwrap().unwrap().uid.as_raw());
    // By now a connection has come to the socket.
    assert!(manager.job("start", "mirrorlistd.service"));
    answers();
    let status =
        run(Command::new("mirrorlistd").args(["status", "--config", "/etc/mirrorlist/mirrorlistd.toml"]));
    assert!(status.contains("generation"), "{status}");
    // A machine with other things to do may take longer than clients would be kept waiting.
    let patient = fs::read_to_string(CONFIGURATION).unwrap() + "deadline = 60\npatience = 10\n";
    fs::write(CONFIGURATION, patient).unwrap();
    assert!(manager.job("restart", "mirrorlist-http.service"));
    manager.asked();
}

fn answers() {
    let url = "http://127.0.0.1:8080/mirrorlist?repo=fedora-42&arch=x86_64";
    let answer = eventually("an answer", || {
        let (said, well) = outcome(Command::new("curl").args(["--silent", "--fail", "--noproxy", "*", url]));
        well.then_some(said)
    });
    assert!(answer.contains("https://elbe.example.org/pub/fedora/linux/"), "{answer}");
}

/// Changes an installed text.
fn edit(file: &str, change: impl Fn(String) -> String) {
    let text = fs::read_to_string(file).unwrap();
    let changed = change(text.clone());
    assert_ne!(changed, text, "{file}");
    fs::write(file, changed).unwrap();
}

/// From the daemon's log to the pages of the report.
fn counts(manager: &Manager) {
    edit("/etc/mirrorlist/mirrorlistd.toml", |text| {
        text + "\naccess-log = \"/var/log/mirrorlist/access.log\"\n"
    });
    assert!(manager.job("restart", "mirrorlistd.service"));
    answers();
    eventually("a line of the log", || {
        fs::read_to_string("/var/log/mirrorlist/access.log").ok().filter(|log| log.contains("fedora-42"))
    });
    assert!(manager.job("start", "mirrorlist-report.service"));
    let page = fs::read_to_string("/var/lib/mirrorlist-report/site/index.html").unwrap();
    assert!(page.contains("fedora-42"), "{page}");
}

/// Mirrors are asked; from here none can be, and nobody is suspended for that.
fn checks(manager: &Manager) {
    let options = "/etc/mirrorlist/mirrorlist-collect.toml";
    edit(options, |text| text.replace("#contact", "contact").replace("#interchange", "interchange"));
    let well = manager.job("start", "mirrorlist-check.service");
    assert!(well, "{}", fs::read_to_string(log("mirrorlist-check.service")).unwrap());
    let list = fs::read_to_string("/var/lib/mirrorlist-collect/out/suspended").unwrap();
    assert!(list.ends_with("# end 0\n"), "{list}");
    let status = run(Command::new("mirrorlist-collect").args(["status", "--config", options]));
    assert!(status.starts_with("round        1 of "), "{status}");
    assert!(manager.job("start", "mirrorlist-suspended.service"));
}

fn upgrades(manager: &Manager) {
    let configured = fs::read_to_string(CONFIGURATION).unwrap();
    let pids = || SERVICES.map(|service| manager.pid(service).unwrap());
    let (before, load) = (pids(), Load::start());
    // As if the new version read another format: the file is of one that nobody reads. The daemon has its own copy.
    let mut cache = fs::read(CACHE).unwrap();
    cache[8..12].fill(0xee);
    fs::write("/var/lib/mirrorlist/other", cache).unwrap();
    fs::rename("/var/lib/mirrorlist/other", CACHE).unwrap();
    apt(&["install", packages().1.to_str().unwrap()]);
    let rebuilt = "start mirrorlist-cache.service";
    let restarted = "restart mirrorlistd.service mirrorlist-http.service";
    assert_eq!(manager.asked(), ["daemon-reload", STARTED, rebuilt, restarted]);
    run(Command::new("mirrorlist-cache").args(["verify", CACHE]));
    let after = pids();
    assert!(before.iter().zip(&after).all(|(before, after)| before != after), "{before:?}, {after:?}");
    assert!(SERVICES.iter().all(|service| manager.is_active(service)));
    thread::sleep(Duration::from_millis(500));
    let outcome = load.end();
    println!(
        "upgraded under load: {} requests, {} failed",
        outcome.answered + outcome.failed(),
        outcome.failed()
    );
    assert_eq!(outcome.failures, BTreeMap::new(), "of {} requests", outcome.answered + outcome.failed());
    assert!(outcome.answered > 0);
    assert_eq!(fs::read_to_string(CONFIGURATION).unwrap(), configured);
    let version = run(Command::new("dpkg-query").args(["--show", "--showformat=${Version}", "mirrorlistd"]));
    assert_eq!(version, format!("{}-2", env!("CARGO_PKG_VERSION")));
}

fn goes(manager: &Manager, before: &BTreeSet<String>) {
    apt(&["remove", "mirrorlistd"]);
    assert!(!UNITS.iter().chain(&OPTIONAL).any(|unit| manager.is_active(unit)));
    let left = everything();
    let left: Vec<_> =
        left.difference(before).filter(|path| !STAYS.iter().any(|stays| path.starts_with(stays))).collect();
    assert!(left.is_empty(), "left by a removal: {left:?}");
    assert!(!Path::new("/usr/bin/mirrorlistd").exists());
    for kept in [CACHE, CONFIGURATION, "/var/log/mirrorlist/access.log"] {
        assert!(Path::new(kept).exists(), "{kept}");
    }
    apt(&["purge", "mirrorlistd"]);
}

/// Every file and folder where packages may leave something, but for the package manager's own and logs.
fn everything() -> BTreeSet<String> {
    let own = ["/var/lib/dpkg", "/var/lib/apt", "/var/cache", "/var/log/apt", "/run/stand-in", UNITS_LOADED];
    // Copies that tools make before they change an account.
    let accounts = ["/etc/passwd-", "/etc/group-", "/etc/shadow-", "/etc/gshadow-", "/etc/.pwd.lock"];
    let found = run(Command::new("find").args(["/etc", "/opt", "/run", "/srv", "/usr", "/var", "-xdev"]));
    let found = found.lines().filter(|path| !own.iter().any(|own| path.starts_with(own)));
    found.filter(|path| !accounts.contains(path)).map(str::to_owned).collect()
}

/// Clients that connect for every request, until they are told to end. Every answer is checked.
struct Load {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Outcome>,
}

impl Load {
    /// Returns when the service is at work.
    fn start() -> Load {
        let stop = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&stop);
        let cache = CacheBytes::read(Path::new(CACHE)).unwrap();
        let asked = questions(&View::check(&cache).unwrap(), Kind::Mix, 1000, 1);
        let plan = Plan {
            target: Target::Tcp(([127, 0, 0, 1], 8080).into()),
            connections: 4,
            pipeline: 1,
            keep_alive: false,
            requests: u64::MAX,
            limit: Duration::from_secs(600),
        };
        let thread = thread::spawn(move || load::run(&plan, &asked, &told).unwrap());
        thread::sleep(Duration::from_millis(500));
        Load { stop, thread }
    }

    fn end(self) -> Outcome {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().unwrap()
    }
}
