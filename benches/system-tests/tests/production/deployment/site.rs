//! The site: where files come from, the service, HAProxy and Apache.

use super::{
    haproxy::{Haproxy, Seen},
    rsync::Rsync,
};
use crate::support::{
    folder::Folder,
    run,
    web_server::{FrontEnd, Kind, WebServer},
};
use nix::sys::signal::Signal;
use prost::Message as _;
use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, SystemTime},
};
use testkit::{
    inputs, sample,
    stack::{Programs, Stack},
    synthetic::SOURCE_TIME,
};

pub struct Site {
    // Ended in this order: who asks before who answers.
    apache: WebServer,
    haproxy: Haproxy,
    pub stack: Stack,
    source: Rsync,
    programs: Programs,
    folder: Folder,
}

impl Site {
    pub fn start(programs: &Programs) -> Site {
        let (source, folder) = (Rsync::start(), Folder::new());
        publish(source.published(), 0);
        source.fetch(&folder.folder("input"));
        let (cache, log) = (folder.join("cache.mlc"), folder.join("access.log"));
        inputs::compile(programs, &folder.join("input"), &cache).unwrap();
        let log_options = ["--log-address", "full", "--access-log", log.to_str().unwrap()];
        let options = [&["--workers", "2", "--redirector", "/dl/"][..], &log_options].concat();
        let stack = Stack::start(programs, &cache, &options, &[]).unwrap();
        let haproxy = Haproxy::start(stack.http);
        let apache = WebServer::start(Kind::Apache, &FrontEnd::Tcp(haproxy.address));
        Site { apache, haproxy, stack, source, programs: programs.clone(), folder }
    }

    /// Where Apache answers clients.
    pub fn web(&self) -> SocketAddr {
        self.apache.http
    }

    pub fn web_tls(&self) -> SocketAddr {
        self.apache.https
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn cache(&self) -> PathBuf {
        self.folder.join("cache.mlc")
    }

    pub fn log(&self) -> PathBuf {
        self.folder.join("access.log")
    }

    /// MirrorManager writes its files anew. The time that they are from.
    pub fn publish(&self, number: u64) -> u64 {
        publish(self.source.published(), number)
    }

    /// The files come over.
    pub fn fetch(&self) {
        self.source.fetch(&self.folder.join("input"));
    }

    /// A cache is built of them.
    pub fn build(&self) {
        inputs::compile(&self.programs, &self.folder.join("input"), &self.cache()).unwrap();
    }

    /// The daemon is told by a signal, and goes about it.
    pub fn signal(&self) {
        self.stack.daemon.signal(Signal::SIGHUP).unwrap();
    }

    /// The daemon is told as systemd does it; the new cache answers when this returns.
    pub fn reload(&self) {
        let control = self.stack.socket.with_file_name("control");
        run(Command::new(&self.programs.daemon).args(["reload", "--control"]).arg(control)).unwrap();
    }

    /// What HAProxy has seen of the service.
    pub fn haproxy(&self) -> Seen {
        self.haproxy.seen()
    }

    /// The generation that answers.
    pub fn generation(&mut self) -> u64 {
        let is_ready = |line: &&String| line.contains("is ready");
        self.stack.daemon.messages().iter().filter(is_ready).count() as u64
    }
}

/// Writes the sample as of so many hours later into a folder.
fn publish(folder: &Path, hours: u64) -> u64 {
    sample::write(folder).unwrap();
    let mut list = sample::mirror_list();
    let time = SOURCE_TIME + hours * 3600;
    list.time = Some(time);
    // A mirror that moves, so that lists differ as well.
    for url in &mut list.hcurl {
        let text = String::from_utf8(url.value.take().unwrap().to_vec()).unwrap();
        url.value = Some(text.replace("//elbe.", &format!("//elbe{hours}.")).into());
    }
    let file = folder.join(inputs::MIRRORMANAGER);
    fs::write(&file, list.encode_to_vec()).unwrap();
    // By size and whole seconds rsync tells whether a file is another one.
    let written = SystemTime::UNIX_EPOCH + Duration::from_secs(time);
    fs::File::options().write(true).open(file).unwrap().set_modified(written).unwrap();
    time
}
