//! Daemon and front end in a folder of their own, as a user without privileges where the tests run as root: root is
//! refused nothing, and would hide what the promises are about.

use super::{cache, eventually, proc, signal, until};
use nix::{sys::signal::Signal, unistd::geteuid};
use std::{
    collections::BTreeSet,
    fs::{self, File, Permissions},
    net::SocketAddr,
    os::unix::{fs::PermissionsExt as _, fs::chown, process::CommandExt as _},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::OnceLock,
};
use tempfile::TempDir;
use testkit::stack::{Programs, children};

/// The user that programs run as when tests run as root.
pub const NOBODY: u32 = 65534;

/// A running program whose messages go to a file. Killed when dropped.
pub struct Program {
    child: Child,
    log: PathBuf,
}

impl Program {
    /// Starts it as `user` (if this test may choose), with its messages in the file `log`.
    pub fn start(command: &mut Command, log: PathBuf, user: u32) -> Program {
        command.stdout(Stdio::null()).stderr(File::create(&log).unwrap());
        command.env_remove("JOURNAL_STREAM").env_remove("NOTIFY_SOCKET");
        if geteuid().is_root() {
            command.uid(user).gid(user);
        }
        Program { child: command.spawn().unwrap(), log }
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it has said.
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.log).unwrap()).into_owned()
    }

    /// How often it has said something.
    pub fn said(&self, text: &str) -> usize {
        self.log().matches(text).count()
    }

    /// Waits until it has said something so many times.
    pub fn says(&self, text: &str, times: usize) {
        until(&format!("`{text}` {times} times"), || self.said(text) >= times);
    }

    /// Sends it a signal.
    pub fn signal(&self, which: Signal) {
        assert!(signal(self.pid(), which), "{which} not sent");
    }

    /// Waits for its end.
    pub fn wait(&mut self) -> ExitStatus {
        eventually("the end of a program", || self.child.try_wait().unwrap())
    }

    /// Tells it to end, and waits until it has.
    pub fn stop(&mut self) -> ExitStatus {
        self.signal(Signal::SIGTERM);
        self.wait()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        if self.child.try_wait().is_ok_and(|status| status.is_none()) {
            // Both programs take whatever they have started along.
            let _ = self.child.kill().and_then(|()| self.child.wait());
        }
        if std::thread::panicking() {
            let log = self.log();
            let lines: Vec<&str> = log.lines().collect();
            eprintln!(
                "{} said last:\n{}",
                self.log.display(),
                lines[lines.len().saturating_sub(15)..].join("\n")
            );
        }
    }
}

/// How a service is started.
#[derive(Clone, Copy)]
pub struct Setup<'a> {
    /// The daemon's options besides cache and socket.
    pub daemon: &'a [&'a str],
    /// The front end's options besides the daemon's socket and where it listens.
    pub frontend: &'a [&'a str],
    /// What a shell runs before it becomes the daemon, such as a limit.
    pub daemon_after: &'a str,
    /// The same for the front end.
    pub frontend_after: &'a str,
    /// The user that the daemon runs as, when that can be chosen; the front end is nobody in particular.
    pub user: u32,
}

/// Ten times the time that clients are promised, for a machine with other things to do.
pub const PATIENT: &[&str] = &["--deadline", "20", "--patience", "2.5"];

impl Default for Setup<'_> {
    fn default() -> Self {
        Setup {
            daemon: &["--workers", "4"],
            frontend: PATIENT,
            daemon_after: ":",
            frontend_after: ":",
            user: NOBODY,
        }
    }
}

/// Daemon and front end.
pub struct Service {
    // Dropped in this order.
    /// The front end.
    pub frontend: Program,
    /// The daemon's master.
    pub daemon: Program,
    /// Where HTTP is answered.
    pub http: SocketAddr,
    /// Where the front end tells its figures.
    pub admin: SocketAddr,
    folder: TempDir,
    user: u32,
    options: Vec<String>,
    starts: usize,
}

impl Service {
    /// Starts both on a copy of the usual cache, and waits until they answer.
    pub fn start(setup: Setup<'_>) -> Service {
        Service::start_on(cache::usual(), setup)
    }

    /// The same on a copy of this cache.
    pub fn start_on(cache: &Path, setup: Setup<'_>) -> Service {
        let folder = folder(setup.user);
        put(&fs::read(cache).unwrap(), &folder.path().join("cache.mlc"), setup.user);
        let options: Vec<String> = setup.daemon.iter().map(|option| (*option).to_owned()).collect();
        let mut command = daemon_command(setup.daemon_after, folder.path(), &options);
        let daemon = Program::start(&mut command, folder.path().join("daemon-0.log"), setup.user);
        daemon.says("is ready", 1);
        Service::with_daemon(daemon, folder, options, setup)
    }

    /// The same with a daemon whose messages cannot be read.
    pub fn start_quietly(setup: Setup<'_>) -> Service {
        let folder = folder(setup.user);
        put(&fs::read(cache::usual()).unwrap(), &folder.path().join("cache.mlc"), setup.user);
        let options: Vec<String> = setup.daemon.iter().map(|option| (*option).to_owned()).collect();
        let mut command = daemon_command(setup.daemon_after, folder.path(), &options);
        let daemon = Program::start(&mut command, folder.path().join("daemon-0.log"), setup.user);
        let socket = folder.path().join("socket");
        until("a listener", || std::os::unix::net::UnixStream::connect(&socket).is_ok());
        Service::with_daemon(daemon, folder, options, setup)
    }

    /// Adds a front end to a daemon that runs in `folder`.
    pub fn with_daemon(daemon: Program, folder: TempDir, options: Vec<String>, setup: Setup<'_>) -> Service {
        let mut command = after(setup.frontend_after, &programs().frontend);
        command.arg("--daemon").arg(folder.path().join("socket"));
        command.args(["--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"]).args(setup.frontend);
        let frontend = Program::start(&mut command, folder.path().join("frontend.log"), NOBODY);
        let address = |before: &str| {
            frontend.says(before, 1);
            let log = frontend.log();
            let address = log.lines().find_map(|line| line.split_once(before)?.1.trim().parse().ok());
            address.unwrap_or_else(|| panic!("no address in {log}"))
        };
        let (http, admin) = (address("listening on "), address("health and metrics on "));
        Service { frontend, daemon, http, admin, folder, user: setup.user, options, starts: 1 }
    }

    /// Starts the daemon anew, after the old one has ended; does not wait.
    pub fn start_daemon(&mut self) {
        let log = self.path(&format!("daemon-{}.log", self.starts));
        self.starts += 1;
        let mut command = daemon_command(":", self.folder.path(), &self.options);
        self.daemon = Program::start(&mut command, log, self.user);
    }

    /// A file in the service's folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The cache file.
    pub fn cache(&self) -> PathBuf {
        self.path("cache.mlc")
    }

    /// The daemon's socket.
    pub fn socket(&self) -> PathBuf {
        self.path("socket")
    }

    /// The living workers.
    pub fn workers(&self) -> Vec<u32> {
        // The kernel may leave a child out while another one is being reaped, so it is asked twice (proc(5)).
        let look = || children(self.daemon.pid()).unwrap_or_default();
        let all: BTreeSet<u32> = look().into_iter().chain(look()).collect();
        all.into_iter().filter(|pid| proc::is_alive(*pid)).collect()
    }

    /// The user that the daemon runs as.
    pub fn user(&self) -> u32 {
        self.user
    }

    /// Puts a file in place of the cache, as the compiler does: beside it, then by renaming.
    pub fn publish(&self, bytes: &[u8]) {
        put(bytes, &self.cache(), self.user);
    }

    /// Has the daemon load the cache anew, and waits until that one answers.
    pub fn reload(&self) {
        let before = self.daemon.said("is ready");
        self.daemon.signal(Signal::SIGHUP);
        self.daemon.says("is ready", before + 1);
    }

    /// Waits until there are just so many workers, all of one generation.
    pub fn settles(&self, workers: usize) {
        until("the old workers' end", || {
            let now = self.workers();
            now.len() == workers && now.iter().filter_map(|pid| proc::slot(*pid)).count() == workers
        });
    }
}

/// The built programs, where the user without privileges can get at them.
pub fn programs() -> &'static Programs {
    static PROGRAMS: OnceLock<Programs> = OnceLock::new();
    PROGRAMS.get_or_init(|| {
        let built = Programs::build().unwrap();
        let open =
            |folder: &Path| fs::metadata(folder).is_ok_and(|data| data.permissions().mode() & 0o001 != 0);
        if !geteuid().is_root() || built.daemon.ancestors().all(open) {
            return built;
        }
        let folder = folder(NOBODY).keep();
        let copied = |program: &Path| {
            let copy = folder.join(program.file_name().unwrap());
            fs::copy(program, &copy).unwrap();
            copy
        };
        Programs {
            daemon: copied(&built.daemon),
            frontend: copied(&built.frontend),
            cache: copied(&built.cache),
        }
    })
}

/// A folder of this user's.
pub fn folder(user: u32) -> TempDir {
    let folder = tempfile::Builder::new().prefix("mirrorlist-").tempdir().unwrap();
    give(folder.path(), user);
    fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
    folder
}

/// Makes a file this user's, where that is possible.
pub fn give(path: &Path, user: u32) {
    if geteuid().is_root() {
        chown(path, Some(user), Some(user)).unwrap();
    }
}

/// Puts a file in place of another one by renaming.
pub fn put(bytes: &[u8], path: &Path, user: u32) {
    let beside = path.with_extension("new");
    fs::write(&beside, bytes).unwrap();
    give(&beside, user);
    fs::rename(&beside, path).unwrap();
}

/// The daemon on a folder's cache and socket, in place of a shell that has run `preparation`.
pub fn daemon_command(preparation: &str, folder: &Path, options: &[String]) -> Command {
    let mut command = after(preparation, &programs().daemon);
    command.arg("--cache").arg(folder.join("cache.mlc")).arg("--socket").arg(folder.join("socket"));
    command.args(options).current_dir(folder);
    command
}

fn after(preparation: &str, program: &Path) -> Command {
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(format!("{preparation}\nexec \"$0\" \"$@\"")).arg(program).stdin(Stdio::null());
    shell
}
