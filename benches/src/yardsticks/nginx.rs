//! nginx that serves files, and redirects, or stands in front of the service: Debian's, as it comes, but without an access log.

use nix::unistd::Uid;
use std::{
    fs, io,
    net::{SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};
use testkit::stack::{Running, children};

/// The path that it redirects.
pub const REDIRECT: &str = "/302";
const ELSEWHERE: &str =
    "https://mirror.example.org/pub/fedora/linux/releases/43/Everything/x86_64/os/kernel.rpm";
/// How long it may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// nginx, running.
#[derive(Debug)]
pub struct Nginx {
    running: Running,
    /// Where it answers over TCP.
    pub address: SocketAddr,
    /// Where it answers on a socket file.
    pub socket: PathBuf,
}

/// Whether there is an nginx.
pub fn is_installed() -> bool {
    let mut command = Command::new("nginx");
    command.arg("-v").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

impl Nginx {
    /// Serves the files in `folder`, where it also keeps its own.
    pub fn start(folder: &Path) -> Result<Nginx, String> {
        let redirect = format!("location = {REDIRECT} {{ return 302 {ELSEWHERE}; }}");
        Nginx::with(folder, "", &format!("root {}; {redirect}", folder.display()))
    }

    /// Hands everything to an HTTP server, as our example for web servers does; keeps its own files in `folder`.
    pub fn in_front_of(folder: &Path, server: SocketAddr) -> Result<Nginx, String> {
        let upstream = format!("upstream mirrorlist {{ server {server}; keepalive 32; }}");
        let pass = "location / { proxy_pass http://mirrorlist; proxy_http_version 1.1; proxy_buffers 16 8k; \
            proxy_set_header Connection \"\"; proxy_set_header X-Forwarded-For $remote_addr; }";
        Nginx::with(folder, &upstream, pass)
    }

    /// With what stands beside its server, and in it.
    fn with(folder: &Path, beside: &str, server: &str) -> Result<Nginx, String> {
        let failed = |error: io::Error| format!("nginx: cannot be prepared ({error})");
        // A port that was free a moment ago: nginx does not find one by itself.
        let address = TcpListener::bind("127.0.0.1:0").and_then(|port| port.local_addr()).map_err(failed)?;
        let socket = folder.join("nginx");
        let configuration = folder.join("nginx.conf");
        fs::write(&configuration, configured(folder, address, &socket, beside, server)).map_err(failed)?;
        let running = Running::start(
            Command::new("nginx").arg("-p").arg(folder).arg("-c").arg(&configuration).args(["-e", "stderr"]),
        )?;
        let mut nginx = Nginx { running, address, socket };
        let end = Instant::now() + PATIENCE;
        while TcpStream::connect(address).is_err() {
            if Instant::now() > end {
                return Err(format!("nginx: does not listen; said {:?}", nginx.running.messages()));
            }
            thread::sleep(Duration::from_millis(5));
        }
        Ok(nginx)
    }

    /// Its processes.
    pub fn processes(&self) -> io::Result<Vec<(&'static str, u32)>> {
        let mut processes = vec![("nginx master", self.running.pid())];
        processes.extend(children(self.running.pid())?.into_iter().map(|pid| ("nginx", pid)));
        Ok(processes)
    }
}

fn configured(folder: &Path, address: SocketAddr, socket: &Path, beside: &str, server: &str) -> String {
    let folder = folder.display();
    // Workers of a master that is root would not be allowed to read the folder.
    let user = if Uid::effective().is_root() { "user root;" } else { "" };
    format!(
        "{user}
daemon off;
worker_processes auto;
pid {folder}/nginx.pid;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    sendfile on;
    tcp_nopush on;
    keepalive_requests 1000000000;
    default_type text/plain;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    {beside}
    server {{
        listen {address};
        listen unix:{};
        {server}
    }}
}}
",
        socket.display()
    )
}
