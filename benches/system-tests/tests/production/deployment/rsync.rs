//! Where MirrorManager's files come from: a server of rsync's.

use crate::support::{
    folder::Folder,
    run,
    server::{Server, free_address},
    tool,
};
use std::path::{Path, PathBuf};

/// A running server with one folder to fetch.
pub struct Rsync {
    _server: Server,
    url: String,
    published: PathBuf,
    _folder: Folder,
}

impl Rsync {
    pub fn start() -> Rsync {
        let folder = Folder::new();
        let (published, address) = (folder.folder("published"), free_address());
        let config = format!(
            "use chroot = no\npid file = {root}/pid\nlog file = {root}/log\n[mirrorlist]\npath = {root}/published\n",
            root = folder.path().display()
        );
        let config = folder.write("rsyncd.conf", config);
        let mut command = tool("rsync");
        command.args(["--daemon", "--no-detach", "--address", &address.ip().to_string()]);
        command.args(["--port", &address.port().to_string(), "--config"]).arg(config);
        let server = Server::start(&mut command, &[address]);
        Rsync { _server: server, url: format!("rsync://{address}/mirrorlist/"), published, _folder: folder }
    }

    /// The folder that it has.
    pub fn published(&self) -> &Path {
        &self.published
    }

    /// Fetches everything as the deployment does.
    pub fn fetch(&self, into: &Path) {
        run(tool("rsync").args(["--archive", "--delay-updates", &self.url]).arg(into)).unwrap();
    }
}
