//! A mirror: the files of a folder over plain HTTP, on a loopback address of its own.

use crate::support::server::free_address;
use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

/// A running mirror; ends when dropped.
pub struct Mirror {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Mirror {
    /// Serves `folder` as `/tiny`.
    pub fn serve(folder: &Path) -> Mirror {
        let address = free_address();
        let listener = TcpListener::bind(address).unwrap();
        let (asked, stop) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicBool::new(false)));
        let folder = folder.to_owned();
        let (log, end) = (Arc::clone(&asked), Arc::clone(&stop));
        let thread = thread::spawn(move || {
            for stream in listener.incoming() {
                if end.load(Ordering::Relaxed) {
                    break;
                }
                let (folder, log) = (folder.clone(), Arc::clone(&log));
                thread::spawn(move || answer(&stream.unwrap(), &folder, &log));
            }
        });
        Mirror { address, asked, stop, thread: Some(thread) }
    }

    /// One that does not answer any more, at an address that nobody else has.
    pub fn away() -> Mirror {
        let (asked, stop) = (Arc::default(), Arc::default());
        Mirror { address: free_address(), asked, stop, thread: None }
    }

    /// What a cache has as the host's URL.
    pub fn url(&self) -> String {
        format!("http://{}/tiny", self.address)
    }

    /// All paths that were asked for.
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }

    /// How often a file was asked for.
    pub fn asked_for(&self, name: &str) -> usize {
        self.asked().iter().filter(|path| path.rsplit('/').next() == Some(name)).count()
    }
}

impl Drop for Mirror {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // Wakes the thread, which then sees that it is to end.
            let _ = TcpStream::connect(self.address);
            let _ = thread.join();
        }
    }
}

/// Answers one request and closes.
fn answer(stream: &TcpStream, folder: &Path, log: &Mutex<Vec<String>>) {
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let mut lines = BufReader::new(stream.take(16 * 1024)).lines().map_while(Result::ok);
    let Some(request) = lines.next() else { return };
    let (method, path) = request.split_once(' ').unwrap_or_default();
    let path = path.split(' ').next().unwrap_or_default().to_owned();
    // Read to its end, or closing would cut the answer off.
    let headers: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
    let file = path.strip_prefix("/tiny/").map_or(PathBuf::new(), |name| folder.join(name));
    let (status, more, body) = match fs::read(file) {
        Ok(body) => part(body, &headers),
        Err(_) => ("404 Not Found", String::new(), b"not here\n".to_vec()),
    };
    log.lock().unwrap().push(path);
    let head =
        format!("HTTP/1.1 {status}\r\n{more}Content-Length: {}\r\nConnection: close\r\n\r\n", body.len());
    let body = if method == "HEAD" { Vec::new() } else { body };
    let mut stream = stream;
    // A client that has left needs no answer.
    let _ = stream.write_all(&[head.into_bytes(), body].concat());
}

/// The part of a file that a request asks for: whole, or one range of bytes.
fn part(body: Vec<u8>, headers: &[String]) -> (&'static str, String, Vec<u8>) {
    let range = headers.iter().find_map(|line| {
        let (name, value) = line.split_once(": bytes=")?;
        let (from, to) = value.split_once('-')?;
        let last = to.parse().unwrap_or(usize::MAX).min(body.len().checked_sub(1)?);
        let from: usize = from.parse().ok()?;
        (name.eq_ignore_ascii_case("range") && from <= last).then_some((from, last))
    });
    match range {
        Some((from, last)) => {
            let line = format!("Content-Range: bytes {from}-{last}/{}\r\n", body.len());
            ("206 Partial Content", line, body[from..=last].to_vec())
        }
        None => ("200 OK", String::new(), body),
    }
}
