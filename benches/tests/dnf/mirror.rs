//! A mirror: the files of a folder over plain HTTP, on a loopback address of its own.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU8, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

/// Last byte of the next mirror's address.
static NEXT: AtomicU8 = AtomicU8::new(11);

/// A running mirror; ends when dropped.
pub struct Mirror {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Mirror {
    /// Serves `folder` as `/tiny/os`.
    pub fn serve(folder: &Path) -> Mirror {
        let address = Ipv4Addr::new(127, 0, 0, NEXT.fetch_add(1, Ordering::Relaxed));
        let listener = TcpListener::bind((address, 0)).unwrap();
        let address = listener.local_addr().unwrap();
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
        // Wakes the thread, which then sees that it is to end.
        let _ = TcpStream::connect(self.address);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Answers one request and closes.
fn answer(stream: &TcpStream, folder: &Path, log: &Mutex<Vec<String>>) {
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let mut lines = BufReader::new(stream.take(16 * 1024)).lines().map_while(Result::ok);
    let Some(request) = lines.next() else { return };
    let path = request.split(' ').nth(1).unwrap_or_default().to_owned();
    // Read to its end, or closing would cut the answer off.
    lines.take_while(|line| !line.is_empty()).for_each(drop);
    let file = path.strip_prefix("/tiny/os/").map_or(PathBuf::new(), |name| folder.join(name));
    let (status, body) = match fs::read(file) {
        Ok(body) => ("200 OK", body),
        Err(_) => ("404 Not Found", b"not here\n".to_vec()),
    };
    log.lock().unwrap().push(path);
    let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
    let mut stream = stream;
    // A client that has left needs no answer.
    let _ = stream.write_all(&[head.into_bytes(), body].concat());
}
