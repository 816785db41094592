//! The built program, started and watched.

use super::{client::Client, eventually, worker::Daemon};
use std::{
    io::{BufRead as _, BufReader},
    net::SocketAddr,
    path::PathBuf,
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

/// The program.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_mirrorlist-http");

/// A running front end; killed at the end of the test.
pub struct Program {
    child: Child,
    log: Arc<Mutex<Vec<String>>>,
}

impl Program {
    /// Starts it in front of `daemon`, on a free port of 127.0.0.1 and with these further arguments.
    pub fn start(daemon: &Daemon, arguments: &[&str]) -> Program {
        let mut all = vec!["--listen", "127.0.0.1:0"];
        all.extend_from_slice(arguments);
        Program::start_bare(daemon, &all)
    }

    /// Starts it with no `--listen` of its own and waits until it listens.
    pub fn start_bare(daemon: &Daemon, arguments: &[&str]) -> Program {
        let program = Program::spawn(daemon, arguments);
        eventually("the program listens", || program.logged("listening on"));
        program
    }

    /// Starts it with no more than so many descriptors.
    pub fn start_limited(daemon: &Daemon, descriptors: u32, arguments: &[&str]) -> Program {
        let mut command = Command::new("sh");
        command.args(["-c", &format!("ulimit -n {descriptors} && exec \"$0\" \"$@\""), PROGRAM]);
        let program = Program::run(command, daemon, arguments);
        eventually("the program listens", || program.logged("listening on"));
        program
    }

    /// Starts it and waits for nothing.
    pub fn spawn(daemon: &Daemon, arguments: &[&str]) -> Program {
        Program::run(Command::new(PROGRAM), daemon, arguments)
    }

    /// The same, by a command that ends in the program's name.
    pub fn run(mut command: Command, daemon: &Daemon, arguments: &[&str]) -> Program {
        let mut child = command
            .arg("--daemon")
            .arg(daemon.socket())
            .args(arguments)
            .env_remove("JOURNAL_STREAM")
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log = Arc::new(Mutex::new(Vec::new()));
        let (lines, known) = (BufReader::new(child.stderr.take().unwrap()).lines(), Arc::clone(&log));
        thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                known.lock().unwrap().push(line);
            }
        });
        Program { child, log }
    }

    /// Where it listens over TCP, in the order of `--listen`.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        let log = self.log.lock().unwrap();
        log.iter().filter_map(|line| line.strip_prefix("info: listening on ")?.parse().ok()).collect()
    }

    /// Where it answers those who look after it.
    pub fn admin(&self) -> SocketAddr {
        let log = self.log.lock().unwrap();
        let mut places = log.iter().filter_map(|line| line.strip_prefix("info: health and metrics on "));
        places.next().unwrap().parse().unwrap()
    }

    /// The first address.
    pub fn address(&self) -> SocketAddr {
        self.addresses()[0]
    }

    /// Whether a line of its log holds `text`.
    pub fn logged(&self, text: &str) -> bool {
        self.log.lock().unwrap().iter().any(|line| line.contains(text))
    }

    /// All that it has logged.
    pub fn log(&self) -> String {
        self.log.lock().unwrap().join("\n")
    }

    /// Sends a signal.
    pub fn signal(&self, signal: nix::sys::signal::Signal) {
        nix::sys::signal::kill(self.pid(), signal).unwrap();
    }

    /// Its end, which must come within `limit`.
    pub fn ended(&mut self, limit: Duration) -> ExitStatus {
        let end = Instant::now() + limit;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < end, "still running after {limit:?}; its log:\n{}", self.log());
            thread::sleep(Duration::from_millis(2));
        }
    }

    /// Whether it has ended.
    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// Sockets that it has open.
    pub fn sockets(&self) -> usize {
        let descriptors = std::fs::read_dir(format!("/proc/{}/fd", self.pid())).unwrap();
        let targets = descriptors.filter_map(|entry| std::fs::read_link(entry.ok()?.path()).ok());
        targets.filter(|target| target.to_string_lossy().starts_with("socket:")).count()
    }

    /// Sockets of a program of one thread that nobody is connected to, when its link to the worker is there; a client asks
    /// for `path` before.
    pub fn own_sockets(&self, path: &str) -> usize {
        let mut first = Client::connect(self.address());
        assert_eq!(first.get(path).status, 200);
        let own = self.sockets() - 1;
        drop(first);
        eventually("the first client is gone", || self.sockets() == own);
        own
    }

    /// Private memory in kB: pages of its own, touched.
    pub fn private_kb(&self) -> u64 {
        let path = PathBuf::from(format!("/proc/{}/smaps_rollup", self.pid()));
        let text = std::fs::read_to_string(path).unwrap();
        let figure = |line: &str| line.split_whitespace().nth(1).and_then(|kb| kb.parse::<u64>().ok());
        text.lines().filter(|line| line.starts_with("Private_")).filter_map(figure).sum()
    }

    /// Its threads and their names.
    pub fn threads(&self) -> Vec<(nix::unistd::Pid, String)> {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", self.pid())).unwrap();
        let named = tasks.map(|task| {
            let path = task.unwrap().path();
            let number: i32 = path.file_name().unwrap().to_str().unwrap().parse().unwrap();
            let name = std::fs::read_to_string(path.join("comm")).unwrap();
            (nix::unistd::Pid::from_raw(number), name.trim_end().to_owned())
        });
        named.collect()
    }

    /// Its process id.
    pub fn pid(&self) -> nix::unistd::Pid {
        nix::unistd::Pid::from_raw(self.child.id().try_into().unwrap())
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if thread::panicking() {
            eprintln!("log of the program:\n{}", self.log());
        }
    }
}
