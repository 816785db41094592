//! The whole service as users run it: the built programs, real sockets, real forks.
//!
//! [`Programs::build`] builds them with the profile of whoever asks, since `cargo test -p` and `cargo run -p` build the
//! programs of one package only; as `make` builds them, so that nothing is compiled twice. Where `MIRRORLIST_PROGRAMS` names
//! a folder, those in there are taken: what is installed. A [`Stack`] is a daemon and a front end in a folder of their
//! own; dropping it stops both and waits for them.

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use std::{
    env,
    io::{self, BufRead, BufReader, Read},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        OnceLock,
        mpsc::{Receiver, RecvTimeoutError, channel},
    },
    thread,
    time::{Duration, Instant},
};

/// How long a program may take to say that it is ready, or to end.
const PATIENCE: Duration = Duration::from_secs(30);

/// The built programs.
#[derive(Clone, Debug)]
pub struct Programs {
    /// `mirrorlistd`
    pub daemon: PathBuf,
    /// `mirrorlist-http`
    pub frontend: PathBuf,
    /// `mirrorlist-cache`
    pub cache: PathBuf,
}

impl Programs {
    /// Builds the programs, once in a process, into the target folder and with the profile of the running program.
    ///
    /// The error is a sentence for whoever started it.
    pub fn build() -> Result<Programs, String> {
        static BUILT: OnceLock<Result<Programs, String>> = OnceLock::new();
        BUILT.get_or_init(Programs::build_now).clone()
    }

    fn build_now() -> Result<Programs, String> {
        let packages =
            ["--package", "mirrorlistd", "--package", "mirrorlist-http", "--package", "mirrorlist-cache"];
        match given() {
            Some(folder) => Ok(Programs::of(&folder)),
            None => Ok(Programs::of(&build(&[&packages[..], &["--bins"]].concat(), &own()?.1)?)),
        }
    }

    /// Those of a folder.
    pub fn of(folder: &Path) -> Programs {
        Programs {
            daemon: folder.join("mirrorlistd"),
            frontend: folder.join("mirrorlist-http"),
            cache: folder.join("mirrorlist-cache"),
        }
    }
}

/// Builds a program of the benches, as [`Programs::build`] does it, and says where it is.
pub fn tool(name: &str) -> Result<PathBuf, String> {
    Ok(build(&["--package", "benches", "--bin", name], &own()?.1)?.join(name))
}

/// Builds the collector, as [`Programs::build`] does it, and says where it is.
pub fn collector() -> Result<PathBuf, String> {
    apart("mirrorlist-collect")
}

/// Builds the report's program, as [`Programs::build`] does it, and says where it is.
pub fn report() -> Result<PathBuf, String> {
    apart("mirrorlist-report")
}

/// Builds the two programs that have a profile of their own where others are built for release; where this one is.
fn apart(program: &str) -> Result<PathBuf, String> {
    if let Some(folder) = given() {
        return Ok(folder.join(program));
    }
    let packages = ["--package", "mirrorlist-collect", "--package", "mirrorlist-report", "--bins"];
    let profile = own()?.1;
    Ok(build(&packages, if profile == "release" { "apart" } else { &profile })?.join(program))
}

/// Where programs are that need not be built.
fn given() -> Option<PathBuf> {
    env::var_os("MIRRORLIST_PROGRAMS").map(PathBuf::from)
}

/// Has cargo build something into the target folder of the running program; where it then lies.
fn build(what: &[&str], profile: &str) -> Result<PathBuf, String> {
    let target = own()?.0;
    let status = Command::new(env::var_os("CARGO").unwrap_or("cargo".into()))
        .args(["build", "--quiet"])
        .args(what)
        .args(["--profile", profile, "--target-dir"])
        .arg(&target)
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
        .status()
        .map_err(|error| format!("cargo: cannot be started ({error})"))?;
    if !status.success() {
        return Err(format!("programs: not built ({status})"));
    }
    Ok(target.join(if profile == "dev" { "debug" } else { profile }))
}

/// The target folder and the profile of the running program.
fn own() -> Result<(PathBuf, String), String> {
    let this = env::current_exe().map_err(|error| format!("own program: not found ({error})"))?;
    // target/PROFILE/program, target/PROFILE/deps/test, target/PROFILE/examples/…
    let folder = this
        .ancestors()
        .skip(1)
        .find(|folder| !folder.ends_with("deps") && !folder.ends_with("examples"))
        .unwrap_or(Path::new("."));
    let profile = match folder.file_name().and_then(|name| name.to_str()) {
        Some("debug") | None => "dev",
        Some(name) => name,
    };
    Ok((folder.parent().unwrap_or(Path::new(".")).to_owned(), profile.to_owned()))
}

/// A running program whose messages are kept.
#[derive(Debug)]
pub struct Running {
    name: String,
    child: Child,
    messages: Receiver<String>,
    seen: Vec<String>,
}

impl Running {
    /// Starts a program. What it prints on standard error is read at once, so that it never waits for a reader.
    pub fn start(command: &mut Command) -> Result<Running, String> {
        let name = command.get_program().to_string_lossy().into_owned();
        let mut child = command
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| format!("{name}: cannot be started ({error})"))?;
        let (sender, messages) = channel();
        if let Some(stderr) = child.stderr.take() {
            thread::spawn(move || {
                for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                    if sender.send(line).is_err() {
                        break;
                    }
                }
            });
        }
        Ok(Running { name, child, messages, seen: Vec::new() })
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits for a message that contains `text` and returns it.
    pub fn expect(&mut self, text: &str) -> Result<String, String> {
        let end = Instant::now() + PATIENCE;
        loop {
            match self.messages.recv_timeout(end.saturating_duration_since(Instant::now())) {
                Ok(line) => {
                    self.seen.push(line.clone());
                    if line.contains(text) {
                        return Ok(line);
                    }
                }
                Err(RecvTimeoutError::Timeout) => {
                    return Err(format!("{}: did not say `{text}`; said {:?}", self.name, self.seen));
                }
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(format!("{}: ended; said {:?}", self.name, self.seen));
                }
            }
        }
    }

    /// Everything said so far.
    pub fn messages(&mut self) -> &[String] {
        self.seen.extend(self.messages.try_iter());
        &self.seen
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) -> Result<(), String> {
        kill(Pid::from_raw(self.child.id() as i32), signal)
            .map_err(|error| format!("{}: signal not sent ({error})", self.name))
    }

    /// Tells it to end and waits until it has; kills it when that takes too long. Whether it ended well.
    pub fn stop(&mut self) -> Result<(), String> {
        if let Ok(Some(status)) = self.child.try_wait() {
            return if status.success() {
                Ok(())
            } else {
                Err(format!("{}: ended with {status}", self.name))
            };
        }
        self.signal(Signal::SIGTERM)?;
        let end = Instant::now() + PATIENCE;
        while Instant::now() < end {
            match self.child.try_wait() {
                Ok(Some(status)) if status.success() => return Ok(()),
                Ok(Some(status)) => return Err(format!("{}: ended with {status}", self.name)),
                Ok(None) => thread::sleep(Duration::from_millis(5)),
                Err(error) => return Err(format!("{}: cannot be waited for ({error})", self.name)),
            }
        }
        let killed = self.child.kill().and_then(|()| self.child.wait());
        Err(format!("{}: did not end when told to; killed ({killed:?})", self.name))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // A test that has failed already says why; nothing to add.
        let _ = self.stop();
    }
}

/// Daemon and front end, running.
#[derive(Debug)]
pub struct Stack {
    // Dropped in this order: the front end before the daemon it relays to, the folder last.
    /// The front end.
    pub frontend: Running,
    /// The daemon's master.
    pub daemon: Running,
    /// Where HTTP is answered.
    pub http: SocketAddr,
    /// The daemon's socket.
    pub socket: PathBuf,
    _folder: tempfile::TempDir,
}

impl Stack {
    /// Starts both programs on a cache file, with further options for each, and waits until they serve.
    pub fn start(
        programs: &Programs,
        cache: &Path,
        daemon_options: &[&str],
        frontend_options: &[&str],
    ) -> Result<Stack, String> {
        let folder = tempfile::Builder::new()
            .prefix("mirrorlist-")
            .tempdir()
            .map_err(|error| format!("folder: cannot be made ({error})"))?;
        let socket = folder.path().join("socket");
        let mut daemon = Running::start(
            Command::new(&programs.daemon)
                .arg("--cache")
                .arg(cache)
                .arg("--socket")
                .arg(&socket)
                .args(daemon_options),
        )?;
        daemon.expect("is ready")?;
        let mut command = Command::new(&programs.frontend);
        command.arg("--daemon").arg(&socket).args(frontend_options);
        if !frontend_options.contains(&"--listen") {
            command.args(["--listen", "127.0.0.1:0"]);
        }
        let mut frontend = Running::start(&mut command)?;
        let said = frontend.expect("listening on ")?;
        let http = said
            .rsplit("listening on ")
            .next()
            .and_then(|address| address.trim().parse().ok())
            .ok_or_else(|| format!("front end: no address in `{said}`"))?;
        Ok(Stack { frontend, daemon, http, socket, _folder: folder })
    }

    /// The processes that answer: front end, master, workers.
    pub fn processes(&self) -> io::Result<Vec<(&'static str, u32)>> {
        let mut processes = vec![("front end", self.frontend.pid()), ("master", self.daemon.pid())];
        processes.extend(children(self.daemon.pid())?.into_iter().map(|pid| ("worker", pid)));
        Ok(processes)
    }

    /// Stops both; whether both ended well.
    pub fn stop(mut self) -> Result<(), String> {
        self.frontend.stop()?;
        self.daemon.stop()
    }
}

/// The child processes of a process.
pub fn children(pid: u32) -> io::Result<Vec<u32>> {
    let mut text = String::new();
    std::fs::File::open(format!("/proc/{pid}/task/{pid}/children"))?.read_to_string(&mut text)?;
    Ok(text.split_ascii_whitespace().filter_map(|child| child.parse().ok()).collect())
}
