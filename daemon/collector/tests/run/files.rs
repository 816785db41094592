//! Files over HTTP: a folder on loopback, each request counted, some refused, stalled where a test wants it.

use std::{
    collections::BTreeSet,
    fs,
    io::{self, BufRead as _, BufReader, Write as _},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    path::PathBuf,
    sync::{Arc, Mutex, mpsc::Sender},
    thread,
};

/// A running server. It ends with the process.
pub struct Files {
    pub address: SocketAddr,
    inner: Arc<Inner>,
}

struct Inner {
    folder: PathBuf,
    requests: Mutex<Vec<String>>,
    refused: Mutex<BTreeSet<String>>,
    /// Told of each request, which then gets no answer.
    bell: Mutex<Option<Sender<()>>>,
}

impl Files {
    pub fn start(folder: PathBuf) -> Files {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let inner = Arc::new(Inner {
            folder,
            requests: Mutex::default(),
            refused: Mutex::default(),
            bell: Mutex::default(),
        });
        let served = Arc::clone(&inner);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let inner = Arc::clone(&served);
                // How the client takes it is for the client to say.
                thread::spawn(move || drop(inner.answer(&stream)));
            }
        });
        Files { address, inner }
    }

    /// Its URL, with a path.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}/{path}", self.address)
    }

    /// Paths that were asked for since the last time.
    pub fn requests(&self) -> Vec<String> {
        std::mem::take(&mut *self.inner.requests.lock().unwrap())
    }

    /// Has paths that end so answered with 404, or no longer.
    pub fn refuse(&self, ends: &[&str]) {
        *self.inner.refused.lock().unwrap() = ends.iter().map(|end| (*end).to_owned()).collect();
    }

    /// Has each request told and not answered.
    pub fn stall(&self, bell: Option<Sender<()>>) {
        *self.inner.bell.lock().unwrap() = bell;
    }
}

impl Inner {
    fn answer(&self, mut stream: &TcpStream) -> io::Result<()> {
        let mut lines = BufReader::new(stream).lines();
        let request = lines.next().transpose()?.unwrap_or_default();
        while lines.next().transpose()?.is_some_and(|line| !line.is_empty()) {}
        let path = request.split(' ').nth(1).unwrap_or_default().to_owned();
        self.requests.lock().unwrap().push(path.clone());
        let bell = self.bell.lock().unwrap().clone();
        if let Some(bell) = bell {
            let _ = bell.send(());
            // Until the client goes away.
            return io::Read::read(&mut stream, &mut [0]).map(drop);
        }
        let is_refused = self.refused.lock().unwrap().iter().any(|end| path.ends_with(end));
        let file = Some(&path).filter(|_| !is_refused);
        let body = file.and_then(|path| fs::read(self.folder.join(path.trim_start_matches('/'))).ok());
        let (status, body) = body.map_or(("404 Not Found", Vec::new()), |body| ("200 OK", body));
        write!(stream, "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len())?;
        stream.write_all(&body)
    }
}
