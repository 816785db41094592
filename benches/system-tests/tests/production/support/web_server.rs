//! nginx and Apache, running the examples: checked by themselves first, in a folder of their own, on free addresses.

use super::{
    example::Example,
    folder::{Folder, unprivileged},
    run,
    server::{Server, free_address, free_v6_address},
    tool,
};
use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
};

const APACHE_MODULES: &str = "/usr/lib/apache2/modules";

/// Which one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Nginx,
    Apache,
}

/// Where the front end listens.
#[derive(Clone, Debug)]
pub enum FrontEnd {
    Tcp(SocketAddr),
    Unix(PathBuf),
}

/// A running web server.
#[derive(Debug)]
pub struct WebServer {
    // Before its folder.
    _server: Server,
    /// Where it answers `http://`.
    pub http: SocketAddr,
    /// Where it answers `https://`.
    pub https: SocketAddr,
    folder: Folder,
}

impl WebServer {
    /// Starts the example for one front end, without pages.
    pub fn start(kind: Kind, front_end: &FrontEnd) -> WebServer {
        WebServer::with_pages(kind, front_end, Path::new("/nonexistent"))
    }

    /// Starts the example for one front end and a folder of pages.
    pub fn with_pages(kind: Kind, front_end: &FrontEnd, pages: &Path) -> WebServer {
        let (name, tcp, unix, start): (_, _, _, fn(Example) -> WebServer) = match kind {
            Kind::Nginx => ("nginx.conf", "server 127.0.0.1:8080", "server unix:", nginx),
            Kind::Apache => ("apache.conf", "Define MIRRORLIST http:", "Define MIRRORLIST unix:", apache),
        };
        let example = Example::read(name).with("/var/lib/mirrorlist-report/site", pages.display());
        start(match front_end {
            FrontEnd::Tcp(address) => example.with("127.0.0.1:8080", address),
            FrontEnd::Unix(socket) => {
                example.with_alternative(tcp, unix).with("/run/mirrorlist-http/http", socket.display())
            }
        })
    }
}

impl WebServer {
    /// Starts the example for the front end at `front_end` so that it leads to files: it listens at `http`, and its address
    /// there is the name of the site of downloads.
    pub fn downloads(kind: Kind, front_end: SocketAddr, http: SocketAddr) -> WebServer {
        let (name, start): (_, fn(Example, SocketAddr) -> WebServer) = match kind {
            Kind::Nginx => ("nginx.conf", nginx_at),
            Kind::Apache => ("apache.conf", apache_at),
        };
        let example = Example::read(name).with("127.0.0.1:8080", front_end);
        start(example.with("download.example.org", http.ip()), http)
    }

    /// What nginx has logged: request, status and range that was asked for.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.join("access.log")).unwrap()
    }

    /// How many requests it has logged with this in their target.
    pub fn requests(&self, part: &str) -> usize {
        let target = |line: &str| line.split('"').nth(1).unwrap_or_default().contains(part);
        self.log().lines().filter(|line| target(line)).count()
    }
}

/// nginx with an example that listens on the usual ports.
pub fn nginx(example: Example) -> WebServer {
    nginx_at(example, free_address())
}

fn nginx_at(example: Example, http: SocketAddr) -> WebServer {
    let folder = Folder::new();
    let https = free_address();
    let mut example =
        example.with("listen 80;", format!("listen {http};")).with("listen [::]:80;", listen_v6(""));
    if example.text().contains(" ssl;") {
        certify(&folder);
        example = with_certificate(example, &folder)
            .with("listen 443 ssl;", format!("listen {https} ssl;"))
            .with("listen [::]:443 ssl;", listen_v6(" ssl"));
    }
    folder.write("site.conf", example.text());
    let root = folder.path().display();
    let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|name| format!("    {name}_temp_path {root}/{name};\n"))
        .concat();
    let config = format!(
        "daemon off;\nworker_processes 1;\npid {root}/nginx.pid;\nerror_log stderr;\n\
        events {{ worker_connections 512; }}\n\
        http {{\n    include /etc/nginx/mime.types;\n    log_format requests '\"$request\" $status \"$http_range\"';\n    access_log {root}/access.log requests;\n{temporary}    include {root}/site.conf;\n}}\n"
    );
    let config = folder.write("nginx.conf", config);
    let nginx = || {
        let mut command = tool("nginx");
        command.args(["-e", "stderr", "-p"]).arg(folder.path()).arg("-c").arg(&config);
        command
    };
    run(unprivileged(nginx().arg("-t"))).unwrap();
    let server = Server::start(&mut nginx(), &[http]);
    WebServer { _server: server, http, https, folder }
}

/// The same address for every server of an example.
fn listen_v6(option: &str) -> String {
    format!("listen {}{option};", free_v6_address())
}

/// Apache with an example that listens on the usual ports.
pub fn apache(example: Example) -> WebServer {
    apache_at(example, free_address())
}

fn apache_at(example: Example, http: SocketAddr) -> WebServer {
    let folder = Folder::new();
    let https = free_address();
    certify(&folder);
    let example = with_certificate(example, &folder)
        .with("<VirtualHost *:80>", format!("<VirtualHost {http}>"))
        .with("<VirtualHost *:443>", format!("<VirtualHost {https}>"));
    // What Debian's Apache has in any case, and what the example says that it needs.
    let modules: String = ["mpm_event", "authz_core"]
        .into_iter()
        .chain(example.words_after("a2enmod "))
        .map(|name| format!("LoadModule {name}_module {APACHE_MODULES}/mod_{name}.so\n"))
        .collect();
    folder.write("site.conf", example.text());
    let root = folder.path().display();
    let config = format!(
        "ServerRoot {root}\nDefaultRuntimeDir {root}\nPidFile {root}/apache.pid\nErrorLog {root}/error.log\n\
        ServerName localhost\nListen {http}\nListen {https}\nMaxKeepAliveRequests 0\nKeepAliveTimeout 60\n\
        {modules}TypesConfig /etc/mime.types\nInclude {root}/site.conf\n"
    );
    let config = folder.write("apache.conf", config);
    let apache = || {
        let mut command = tool("apache2");
        command.arg("-f").arg(&config);
        command
    };
    run(unprivileged(apache().arg("-t"))).unwrap();
    let server = Server::start(apache().arg("-DFOREGROUND"), &[http, https]);
    WebServer { _server: server, http, https, folder }
}

fn with_certificate(example: Example, folder: &Folder) -> Example {
    example
        .with("/etc/ssl/certs/mirrorlist.pem", folder.join("certificate.pem").display())
        .with("/etc/ssl/private/mirrorlist.key", folder.join("key.pem").display())
}

/// A certificate that nobody need believe.
fn certify(folder: &Folder) {
    let file = |name: &str| -> PathBuf { Path::new(folder.path()).join(name) };
    run(unprivileged(
        tool("openssl")
            .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"])
            .args(["-days", "2", "-subj", "/CN=mirrors.example.org", "-keyout"])
            .arg(file("key.pem"))
            .arg("-out")
            .arg(file("certificate.pem")),
    ))
    .unwrap();
}
