//! An operator: runs `mirrorlistd status` and `mirrorlistd reload`, or speaks to the control socket by hand.

use super::{
    Client, Daemon, PATIENCE,
    daemon::{as_user, program},
};
use daemon::control::{Outcome, Status};
use std::{
    io::{BufRead as _, BufReader, Write as _},
    os::unix::net::UnixStream,
    path::Path,
    process::{Command, Output},
};

/// What an errand has come to.
#[derive(Debug)]
pub struct Said {
    /// The exit code.
    pub code: Option<i32>,
    /// What was asked for.
    pub out: String,
    /// What else there was to say.
    pub err: String,
}

impl Daemon {
    /// Runs `mirrorlistd WORDS --control ITS_OWN`, as the daemon's user.
    pub fn errand(&self, words: &[&str]) -> Said {
        errand(words, &self.control())
    }

    /// `mirrorlistd status --json`.
    pub fn status(&self) -> Status {
        let said = self.errand(&["status", "--json"]);
        assert_eq!((said.code, &*said.err), (Some(0), ""), "{said:?}");
        serde_json::from_str(&said.out).unwrap()
    }

    /// Gives an order over the control socket. Its answer is still to be read.
    pub fn order(&self, word: &str) -> UnixStream {
        let mut stream = UnixStream::connect(self.control()).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(word.as_bytes()).unwrap();
        stream
    }
}

/// Runs `mirrorlistd WORDS --control CONTROL` as a user without privileges.
pub fn errand(words: &[&str], control: &Path) -> Said {
    let mut command = Command::new(program());
    command.args(words).arg("--control").arg(control);
    Said::of(as_user(&mut command))
}

impl Said {
    /// What a command has come to.
    pub fn of(command: &mut Command) -> Said {
        let Output { status, stdout, stderr } = command.output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Said { code: status.code(), out: text(stdout), err: text(stderr) }
    }
}

/// The answer to [`Daemon::order`].
pub fn outcome(stream: UnixStream) -> Outcome {
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).unwrap();
    serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line:?}"))
}

/// Clients that keep four retired generations from ending, and with them the next reload from beginning. For a daemon
/// with one worker and a long drain limit.
pub fn hold_up_reloads(daemon: &Daemon) -> Vec<Client> {
    let reload = |generation| {
        let client = daemon.connect_to_generation(generation);
        assert!(outcome(daemon.order("reload-wait\n")).ok);
        client
    };
    (1..=4).map(reload).collect()
}
