//! The sample's mirrors as web servers on loopback, for who asks them whether they answer.
//!
//! Each answers every request for a repomd.xml with one, or is dead: takes a connection and says nothing. Their URLs, https
//! ones too, are those of these servers.

use crate::sample;
use interchange::message::MirrorList;
use std::{
    collections::BTreeMap,
    io::{self, BufRead as _, BufReader, Write as _},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    path::Path,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

/// Running mirrors. They end with the process.
pub struct Mirrors {
    servers: BTreeMap<String, Server>,
    list: MirrorList,
}

struct Server {
    address: SocketAddr,
    is_dead: Arc<AtomicBool>,
}

impl Mirrors {
    /// Those of the sample.
    pub fn start() -> io::Result<Mirrors> {
        let mut mirrors = Mirrors { servers: BTreeMap::new(), list: sample::mirror_list() };
        for url in &mut mirrors.list.hcurl {
            let text = String::from_utf8_lossy(url.value.as_deref().unwrap_or_default()).into_owned();
            let Some((scheme @ ("http" | "https"), rest)) = text.split_once("://") else { continue };
            let (name, path) = rest.split_once('/').unwrap_or((rest, ""));
            let address = match mirrors.servers.get(name) {
                Some(server) => server.address,
                None => {
                    let server = Server::start()?;
                    let address = server.address;
                    mirrors.servers.insert(name.to_owned(), server);
                    address
                }
            };
            url.value = Some(format!("http://{address}/{scheme}/{path}").into());
        }
        Ok(mirrors)
    }

    /// The sample, with their URLs.
    pub fn list(&self) -> &MirrorList {
        &self.list
    }

    /// Where a mirror is.
    pub fn address(&self, name: &str) -> Option<SocketAddr> {
        self.servers.get(name).map(|server| server.address)
    }

    /// Has a mirror answer no more, or again.
    pub fn set_dead(&self, name: &str, is_dead: bool) {
        if let Some(server) = self.servers.get(name) {
            server.is_dead.store(is_dead, Ordering::SeqCst);
        }
    }

    /// A command that asks them once, with its output and state in `folder`.
    pub fn check(&self, collector: &Path, interchange: &Path, folder: &Path) -> Command {
        let mut command = Command::new(collector);
        command.args(["check", "--contact", "https://example.org/", "--allow-addresses", "127.0.0.0/8"]);
        command.arg("--interchange").arg(interchange).arg("--output").arg(folder);
        command.arg("--state").arg(folder.join("state.db"));
        for name in ["http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"] {
            command.env_remove(name);
        }
        command
    }
}

impl Server {
    fn start() -> io::Result<Server> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let server = Server { address: listener.local_addr()?, is_dead: Arc::default() };
        let is_dead = Arc::clone(&server.is_dead);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let is_dead = is_dead.load(Ordering::SeqCst);
                // How the client takes it is for the client to say.
                thread::spawn(move || drop(answer(&stream, is_dead)));
            }
        });
        Ok(server)
    }
}

fn answer(mut stream: &TcpStream, is_dead: bool) -> io::Result<()> {
    let mut lines = BufReader::new(stream).lines();
    let request = lines.next().transpose()?.unwrap_or_default();
    while lines.next().transpose()?.is_some_and(|line| !line.is_empty()) {}
    if is_dead {
        return Ok(());
    }
    let is_index = request.contains("/repomd.xml ");
    let time = crate::synthetic::SOURCE_TIME;
    let body = format!("<repomd><data><timestamp>{time}</timestamp></data></repomd>");
    let (status, body) = if is_index { ("200 OK", &*body) } else { ("404 Not Found", "") };
    write!(stream, "HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}
