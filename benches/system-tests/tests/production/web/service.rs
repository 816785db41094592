//! The service on the sample, which here also knows loopback addresses, so that a client's own address decides.

use crate::support::{
    folder::Folder,
    programs,
    web_server::{FrontEnd, Kind, WebServer},
};
use interchange::message::{StringInts, StringString};
use prost::Message as _;
use std::{
    fs,
    net::IpAddr,
    path::{Path, PathBuf},
    process::Command,
};
use testkit::{
    inputs,
    mmdb::Database,
    sample,
    stack::{Running, Stack},
};

/// A client, and what the first mirror for it and the header of its list are.
#[derive(Clone, Copy, Debug)]
pub struct Client {
    address: &'static str,
    pub first: &'static str,
    pub comment: &'static str,
}

/// Clients on loopback addresses whose country a table of the cache knows, GeoIP does, or that are in a mirror's own
/// network.
pub const CLIENTS: [Client; 3] = [
    Client { address: "127.1.0.9", first: "https://hudson.example.com/", comment: "country = US" },
    Client { address: "127.2.0.9", first: "https://shinano.example.net/", comment: "country = JP" },
    Client {
        address: "127.3.0.9",
        first: "https://campus.example.net/",
        comment: "Using preferred netblock country = DE",
    },
];

impl Client {
    pub fn address(&self) -> IpAddr {
        self.address.parse().unwrap()
    }
}

/// The web servers, and how each of them reaches the front end.
pub const WAYS: [(Kind, Over); 4] = [
    (Kind::Nginx, Over::Tcp),
    (Kind::Nginx, Over::Unix),
    (Kind::Apache, Over::Tcp),
    (Kind::Apache, Over::Unix),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Over {
    Tcp,
    Unix,
}

/// Tools that these tests need.
pub const TOOLS: [&str; 4] = ["nginx", "apache2", "curl", "openssl"];

/// Of loopback addresses only the web server's is a proxy's; the others are clients'.
const TRUSTED: [&str; 2] = ["--trusted-proxy", "127.0.0.1"];

/// Daemon and front end, which listens on a port and on a socket file.
pub struct Service {
    pub stack: Stack,
    folder: Folder,
}

impl Service {
    pub fn start() -> Service {
        let folder = Folder::new();
        let cache = folder.join("cache.mlc");
        compile(&cache);
        let unix = format!("unix:{}", folder.join("http").display());
        let options = [&["--listen", "127.0.0.1:0", "--listen", &unix][..], &TRUSTED].concat();
        let stack =
            Stack::start(&programs(), &cache, &["--workers", "2", "--redirector", "/dl/"], &options).unwrap();
        Service { stack, folder }
    }

    /// The socket file that it listens on.
    pub fn socket(&self) -> String {
        self.folder.join("http").display().to_string()
    }

    /// Starts a front end in the place of the one that has ended.
    pub fn restart_front_end(&mut self) {
        let mut command = Command::new(&programs().frontend);
        command.arg("--daemon").arg(&self.stack.socket);
        command.args([
            "--listen",
            &self.stack.http.to_string(),
            "--listen",
            &format!("unix:{}", self.socket()),
        ]);
        command.args(TRUSTED);
        self.stack.frontend = Running::start(&mut command).unwrap();
        self.stack.frontend.expect(&self.socket()).unwrap();
    }

    /// A web server in front of it.
    pub fn behind(&self, (kind, over): (Kind, Over)) -> WebServer {
        let front_end = match over {
            Over::Tcp => FrontEnd::Tcp(self.stack.http),
            Over::Unix => FrontEnd::Unix(self.socket().into()),
        };
        WebServer::with_pages(kind, &front_end, &self.pages())
    }

    /// The folder of pages that the web server has beside it; it need not be there.
    pub fn pages(&self) -> PathBuf {
        self.folder.join("site")
    }
}

/// Compiles that cache.
pub fn compile(cache: &Path) {
    let inputs = tempfile::tempdir().unwrap();
    sample::write(inputs.path()).unwrap();
    let mut list = sample::mirror_list();
    list.netblock_country.push(StringString { key: Some("127.1.0.0/16".into()), value: Some("US".into()) });
    let campus = list.host_netblock[0].value.clone();
    list.host_netblock.push(StringInts { key: Some("127.3.0.0/16".into()), value: campus });
    fs::write(inputs.path().join(inputs::MIRRORMANAGER), list.encode_to_vec()).unwrap();
    let mut database = Database::default();
    for (second, country) in [(2, "JP"), (3, "DE")] {
        let record = database.record(Some(country), None);
        database.insert_v4([127, second, 0, 0].into(), 16, record);
    }
    fs::write(inputs.path().join(inputs::GEOIP), database.encode("Test-Country")).unwrap();
    inputs::compile(&programs(), inputs.path(), cache).unwrap();
}
