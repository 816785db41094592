//! How long operators and clients wait: for the first answer after a start, for the first new answer after a reload,
//! for a cache to be built.

use cache::{CacheBytes, View};
use nix::sys::signal::Signal;
use std::{
    io::{self, Read as _, Write as _},
    os::unix::net::UnixStream,
    path::Path,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};
use testkit::{
    inputs,
    load::questions::{Expected, Kind, Question, questions},
    process::{cpu_ns, peak},
    stack::{Programs, Running, Stack},
};
use wire::Message;

/// Nothing takes so long.
const PATIENCE: Duration = Duration::from_secs(30);
/// Between two tries.
const PAUSE: Duration = Duration::from_micros(500);

/// From the start of both programs to the first answer over HTTP.
pub fn start_to_first_answer(programs: &Programs, cache: &Path) -> Result<Duration, String> {
    let folder = tempfile::tempdir().map_err(|error| format!("folder: {error}"))?;
    let (socket, http) = (folder.path().join("socket"), folder.path().join("http"));
    let target = target(cache)?;
    let started = Instant::now();
    let mut daemon = Command::new(&programs.daemon);
    let _daemon = Running::start(daemon.arg("--cache").arg(cache).arg("--socket").arg(&socket))?;
    let listen = format!("unix:{}", http.display());
    let mut frontend = Command::new(&programs.frontend);
    let _frontend = Running::start(frontend.arg("--daemon").arg(&socket).args(["--listen", &listen]))?;
    let is_answer = |text: &String| text.starts_with("HTTP/1.1 200 ");
    first(started, || ask(UnixStream::connect(&http)?, &target), is_answer)
}

/// From the signal to the first answer of a worker of the new generation, which has its own copy of the same cache.
pub fn reload_to_first_new_answer(programs: &Programs, cache: &Path) -> Result<Duration, String> {
    let target = target(cache)?;
    let stack = Stack::start(programs, cache, &["--workers", "4"], &[])?;
    let before = answering(&stack.socket, &target).map_err(|error| format!("worker: {error}"))?;
    let signalled = Instant::now();
    stack.daemon.signal(Signal::SIGHUP)?;
    first(signalled, || answering(&stack.socket, &target), |generation| *generation > before)
}

/// The generation whose worker answers a request on a new connection.
fn answering(socket: &Path, target: &str) -> io::Result<u64> {
    let mut stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let question =
        Question { target: target.into(), client: [192, 0, 2, 7].into(), expected: Expected::Status(200) };
    let (mut frames, mut buffer, mut generation) = (Vec::new(), vec![0; 1 << 16], 0);
    wire::encode_request(&mut frames, 1, &question.request());
    stream.write_all(&frames)?;
    frames.clear();
    loop {
        while let Some(frame) = wire::next_frame(&frames, wire::MAX_REPLY).map_err(io::Error::other)? {
            match Message::decode(&frame).map_err(io::Error::other)? {
                Message::Hello(hello) => generation = hello.generation,
                Message::Reply(reply) if reply.head.status == 200 => return Ok(generation),
                other => return Err(io::Error::other(format!("{other:?}"))),
            }
            let read = frame.wire_len();
            frames.drain(..read);
        }
        match stream.read(&mut buffer)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            count => frames.extend_from_slice(&buffer[..count]),
        }
    }
}

/// A list that there is in the cache.
fn target(cache: &Path) -> Result<String, String> {
    let bytes = CacheBytes::read(cache).map_err(|error| format!("cache: {error}"))?;
    let view = View::check(&bytes).map_err(|error| format!("cache: {error}"))?;
    let asked = questions(&view, Kind::Mirrorlist, 1, 1).pop();
    asked.map(|question| question.target).ok_or_else(|| "cache: without a repository".into())
}

/// Asks until the answer is the one that is waited for.
fn first<T: std::fmt::Debug>(
    since: Instant,
    mut ask: impl FnMut() -> io::Result<T>,
    is_it: impl Fn(&T) -> bool,
) -> Result<Duration, String> {
    loop {
        let answer = ask();
        if answer.as_ref().is_ok_and(&is_it) {
            return Ok(since.elapsed());
        }
        if since.elapsed() > PATIENCE {
            return Err(format!("waited in vain; the last answer was {answer:?}"));
        }
        thread::sleep(PAUSE);
    }
}

/// One request on a connection of its own.
fn ask(mut stream: UnixStream, target: &str) -> io::Result<String> {
    write!(stream, "GET {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

/// What a build of a cache took.
#[derive(Clone, Copy, Debug, Default)]
pub struct Build {
    /// By the clock.
    pub took: Duration,
    /// Processor time, in seconds.
    pub cpu_seconds: f64,
    /// The most memory at a time, in bytes.
    pub peak: u64,
}

/// Builds a cache from the inputs in a folder.
pub fn build(programs: &Programs, folder: &Path, cache: &Path) -> Result<Build, String> {
    let failed = |error: io::Error| format!("mirrorlist-cache: {error}");
    let mut command = inputs::build_command(programs, folder, cache);
    let started = Instant::now();
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().map_err(failed)?;
    let mut build = Build::default();
    loop {
        // Only rises; what comes after the last look is the end of the program.
        build.peak = peak(child.id()).unwrap_or(0).max(build.peak);
        build.cpu_seconds = cpu_ns(child.id()).map_or(0.0, |ns| ns as f64 / 1e9).max(build.cpu_seconds);
        if let Some(status) = child.try_wait().map_err(failed)? {
            build.took = started.elapsed();
            return if status.success() { Ok(build) } else { Err(format!("mirrorlist-cache: {status}")) };
        }
        thread::sleep(Duration::from_millis(2));
    }
}
