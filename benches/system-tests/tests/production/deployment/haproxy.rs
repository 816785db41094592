//! HAProxy between Apache and the front end, and what it has seen of it.

use crate::support::{
    example::Example,
    folder::{Folder, unprivileged},
    run,
    server::{Server, free_address},
    tool,
};
use std::{
    io::{Read as _, Write as _},
    net::SocketAddr,
    os::unix::net::UnixStream,
};

/// A running HAProxy with one server.
pub struct Haproxy {
    _server: Server,
    pub address: SocketAddr,
    folder: Folder,
}

/// What it says of the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    pub status: String,
    /// Outcome of the last check.
    pub last_check: String,
    pub failed_checks: u64,
    pub times_down: u64,
    pub connection_errors: u64,
    pub response_errors: u64,
    pub answers_5xx: u64,
}

impl Haproxy {
    /// Starts the example with this front end as its only server.
    pub fn start(front_end: SocketAddr) -> Haproxy {
        let folder = Folder::new();
        let address = free_address();
        let example = Example::read("haproxy.cfg")
            .with("/run/haproxy/admin.sock", folder.join("admin").display())
            .with("127.0.0.1:8081", address)
            .with("127.0.0.1:8080", front_end)
            .with("    server there 10.0.0.12:8080\n", "")
            .with("repo=epel-9", "repo=epel-10");
        let config = folder.write("haproxy.cfg", example.text());
        run(unprivileged(tool("haproxy").arg("-c").arg("-f").arg(&config))).unwrap();
        let server = Server::start(tool("haproxy").arg("-db").arg("-f").arg(&config), &[address]);
        Haproxy { _server: server, address, folder }
    }

    /// What it has seen of its server so far.
    ///
    /// Source: HAProxy's management guide, "Statistics and monitoring".
    pub fn seen(&self) -> Seen {
        let mut socket = UnixStream::connect(self.folder.join("admin")).unwrap();
        socket.write_all(b"show stat\n").unwrap();
        let mut table = String::new();
        socket.read_to_string(&mut table).unwrap();
        let mut rows = table.trim_start_matches("# ").lines().map(|row| row.split(',').collect::<Vec<_>>());
        let names = rows.next().unwrap();
        let row = rows.find(|row| row[0] == "mirrorlist" && row[1] == "here").unwrap();
        let text = |name: &str| row[names.iter().position(|column| *column == name).unwrap()].to_owned();
        let number = |name: &str| text(name).parse().unwrap();
        Seen {
            status: text("status"),
            last_check: text("check_status"),
            failed_checks: number("chkfail"),
            times_down: number("chkdown"),
            connection_errors: number("econ"),
            response_errors: number("eresp"),
            answers_5xx: number("hrsp_5xx"),
        }
    }
}
