//! What the service is measured against in the same run: other servers, and processes with data of their own.
//!
//! [`nginx`] serves a file, [`constant`] is hyper with always the same answer, [`echo`] answers frames, [`private`] is
//! a process that holds its own copy of a cache. All but nginx run in the program `yardstick`, which [`Yardstick`]
//! starts.

pub mod constant;
pub mod echo;
pub mod nginx;
pub mod private;

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Command,
};
use testkit::stack::Running;

/// The program with the bare servers.
#[derive(Clone, Debug)]
pub struct Yardstick {
    program: PathBuf,
}

/// A bare server, running.
#[derive(Debug)]
pub struct Bare {
    /// Its process.
    pub running: Running,
    /// Where it answers over TCP, if it does.
    pub address: Option<SocketAddr>,
    /// Where it answers on a socket file.
    pub socket: PathBuf,
}

impl Yardstick {
    /// The program in this file: a bench gives `env!("CARGO_BIN_EXE_yardstick")`.
    pub fn new(program: impl Into<PathBuf>) -> Yardstick {
        Yardstick { program: program.into() }
    }

    /// hyper and a constant of so many bytes; its socket file is made in `folder`.
    pub fn http(&self, folder: &Path, bytes: usize) -> Result<Bare, String> {
        let socket = folder.join(format!("hyper-{bytes}"));
        let mut running = self.serve("http", &socket, bytes)?;
        let said = running.expect("listening on ")?;
        let address = said.rsplit("listening on ").next().and_then(|address| address.trim().parse().ok());
        Ok(Bare { running, address, socket })
    }

    /// An echo of frames whose replies have so many bytes of body; its socket file is made in `folder`.
    pub fn frames(&self, folder: &Path, bytes: usize) -> Result<Bare, String> {
        let socket = folder.join(format!("frames-{bytes}"));
        let mut running = self.serve("frames", &socket, bytes)?;
        running.expect("listening on ")?;
        Ok(Bare { running, address: None, socket })
    }

    fn serve(&self, what: &str, socket: &Path, bytes: usize) -> Result<Running, String> {
        let bytes = bytes.to_string();
        Running::start(
            Command::new(&self.program).arg(what).arg("--socket").arg(socket).args(["--bytes", &bytes]),
        )
    }

    /// A process with a cache file on its heap, from which it has answered for a while.
    pub fn copy(&self, cache: &Path) -> Result<Running, String> {
        self.hold("copy", "--cache", cache)
    }

    /// A process with what MirrorManager's cache decodes to on its heap.
    pub fn decoded(&self, mirrormanager: &Path) -> Result<Running, String> {
        self.hold("decoded", "--mirrormanager", mirrormanager)
    }

    fn hold(&self, what: &str, option: &str, file: &Path) -> Result<Running, String> {
        let mut running = Running::start(Command::new(&self.program).arg(what).arg(option).arg(file))?;
        running.expect(private::READY)?;
        Ok(running)
    }
}
