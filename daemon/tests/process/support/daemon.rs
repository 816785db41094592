//! A running daemon, in a folder of its own, as a user without privileges.

use super::{Client, PATIENCE, eventually, processes::children, until, write_cache};
use nix::{
    sys::signal::{Signal, kill},
    unistd::{Pid, geteuid},
};
use std::{
    fs::{self, File, Permissions},
    os::unix::{fs::PermissionsExt as _, fs::chown, net::UnixStream, process::CommandExt as _},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus},
    sync::OnceLock,
    time::Instant,
};
use tempfile::TempDir;

/// The user that tests run programs as when they could run them as root, whom nothing is refused.
pub const NOBODY: u32 = 65534;

/// A daemon, or what is left of it; killed with its workers when dropped.
pub struct Daemon {
    child: Child,
    folder: TempDir,
}

impl Daemon {
    /// A daemon with two workers over a cache labelled `first`, which answers already.
    pub fn start(options: &[&str]) -> Daemon {
        let daemon = Daemon::spawn(options);
        until("ready", || daemon.log().contains("generation 1 is ready"));
        daemon
    }

    /// The same, started by a shell with `preparation` before it, such as a limit.
    pub fn start_after(preparation: &str, options: &[&str]) -> Daemon {
        let folder = folder();
        write_cache(&folder.path().join("cache.mlc"), "first");
        let mut shell = command_after(preparation, folder.path(), options);
        let child = shell.spawn().unwrap();
        let daemon = Daemon { child, folder };
        until("ready", || daemon.log().contains("generation 1 is ready"));
        daemon
    }

    /// The same, but it may not be there yet.
    pub fn spawn(options: &[&str]) -> Daemon {
        let folder = folder();
        write_cache(&folder.path().join("cache.mlc"), "first");
        Daemon::spawn_in(folder, options)
    }

    /// A daemon in a folder that may already hold a cache, or a socket.
    pub fn spawn_in(folder: TempDir, options: &[&str]) -> Daemon {
        let child = command(folder.path(), options).spawn().unwrap();
        Daemon { child, folder }
    }

    /// Runs a daemon in this one's folder that is expected to end by itself: its exit code and what it says.
    pub fn run_beside(&self, options: &[&str]) -> (Option<i32>, String) {
        run(self.folder.path(), options)
    }

    /// A daemon as `command` starts it.
    pub fn spawn_command(folder: TempDir, command: &mut Command) -> Daemon {
        Daemon { child: command.spawn().unwrap(), folder }
    }

    /// The folder, once the daemon has ended.
    pub fn into_folder(mut self) -> TempDir {
        self.wait();
        std::mem::replace(&mut self.folder, folder())
    }

    /// The process id of the master.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The process ids of the master's children.
    pub fn workers(&self) -> Vec<u32> {
        children(self.pid())
    }

    /// Waits until one of these workers has been replaced, and returns the new one.
    pub fn newcomer(&self, before: &[u32]) -> u32 {
        eventually("a new worker", || {
            let now = self.workers();
            let new = now.iter().copied().find(|worker| !before.contains(worker));
            new.filter(|_| now.len() == before.len())
        })
    }

    /// A file in its folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Its socket.
    pub fn socket(&self) -> PathBuf {
        self.path("socket")
    }

    /// Its control socket.
    pub fn control(&self) -> PathBuf {
        self.path("control")
    }

    /// Its cache.
    pub fn cache(&self) -> PathBuf {
        self.path("cache.mlc")
    }

    /// What it has said.
    pub fn log(&self) -> String {
        fs::read_to_string(self.path("stderr")).unwrap()
    }

    /// A raw connection.
    pub fn stream(&self) -> UnixStream {
        let stream = UnixStream::connect(self.socket()).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    /// A connection that has heard HELLO.
    pub fn connect(&self) -> Client {
        Client::new(self.stream())
    }

    /// A connection to the worker with this process id.
    pub fn connect_to(&self, pid: u32) -> Client {
        eventually("a connection to the worker", || {
            let client = self.connect();
            (client.hello.pid == pid).then_some(client)
        })
    }

    /// A connection to a worker of this generation.
    pub fn connect_to_generation(&self, generation: u64) -> Client {
        eventually("a connection to the generation", || {
            let client = self.connect();
            (client.hello.generation == generation).then_some(client)
        })
    }

    /// Sends a signal to the master.
    pub fn signal(&self, signal: Signal) {
        send_signal(self.pid(), signal);
    }

    /// Waits for the master's end.
    pub fn wait(&mut self) -> ExitStatus {
        eventually("the end of the daemon", || self.child.try_wait().unwrap())
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if self.child.try_wait().is_ok_and(|status| status.is_none()) {
            self.child.kill().unwrap();
            self.child.wait().unwrap();
        }
        if std::thread::panicking() {
            // A test may have moved its folder.
            let said = fs::read_to_string(self.path("stderr")).unwrap_or_default();
            eprintln!("the daemon said:\n{said}");
        }
    }
}

/// Sends a signal to any process.
pub fn send_signal(pid: u32, signal: Signal) {
    kill(Pid::from_raw(pid as i32), signal).unwrap();
}

/// A folder that the daemon may write to.
pub fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    if geteuid().is_root() {
        chown(folder.path(), Some(NOBODY), Some(NOBODY)).unwrap();
        fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
    }
    folder
}

/// Runs a daemon in `folder` that is expected to end by itself: its exit code and what it says.
pub fn run(folder: &Path, options: &[&str]) -> (Option<i32>, String) {
    let said = folder.join("said");
    let mut child = command(folder, options).stderr(File::create(&said).unwrap()).spawn().unwrap();
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return (status.code(), fs::read_to_string(&said).unwrap());
        }
        if Instant::now() > deadline {
            child.kill().unwrap();
            child.wait().unwrap();
            panic!("a daemon that should have ended runs: {}", fs::read_to_string(&said).unwrap());
        }
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
}

fn command(folder: &Path, options: &[&str]) -> Command {
    let mut command = Command::new(program());
    command.arg("--cache").arg(folder.join("cache.mlc"));
    if !options.contains(&"--socket") {
        command.arg("--socket").arg(folder.join("socket"));
    }
    if !options.contains(&"--workers") {
        command.args(["--workers", "2"]);
    }
    command.args(options);
    confine(&mut command, folder);
    command
}

/// The daemon in place of a shell that has run `preparation`.
pub fn command_after(preparation: &str, folder: &Path, options: &[&str]) -> Command {
    let plain = command(folder, options);
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(format!("{preparation}\nexec \"$0\" \"$@\""));
    shell.arg(plain.get_program()).args(plain.get_args());
    confine(&mut shell, folder);
    shell
}

/// Ties a command to its folder, and to a user without privileges.
fn confine<'a>(command: &'a mut Command, folder: &Path) -> &'a mut Command {
    command.stdout(File::open("/dev/null").unwrap());
    command.stderr(File::create(folder.join("stderr")).unwrap());
    as_user(command.env_remove("JOURNAL_STREAM").env_remove("NOTIFY_SOCKET").current_dir(folder))
}

/// Makes a command one of the user without privileges.
pub fn as_user(command: &mut Command) -> &mut Command {
    if geteuid().is_root() {
        command.uid(NOBODY).gid(NOBODY);
    }
    command
}

/// The program, where the user without privileges can get at it.
pub fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let built = Path::new(env!("CARGO_BIN_EXE_mirrorlistd"));
        let open =
            |folder: &Path| fs::metadata(folder).is_ok_and(|data| data.permissions().mode() & 0o001 != 0);
        if !geteuid().is_root() || built.ancestors().all(open) {
            return built.to_owned();
        }
        let folder = folder().keep();
        let copy = folder.join("mirrorlistd");
        fs::copy(built, &copy).unwrap();
        copy
    })
}
