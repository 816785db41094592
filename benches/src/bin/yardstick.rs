//! Bare servers and bare processes that the service is compared with: what the machine can do, and what it used to
//! cost.
//!
//! `http` answers every request with the same body, by hyper alone; `frames` answers every frame with the same reply;
//! `copy` and `decoded` hold a cache in memory of their own. All of them end with the process that started them.

use benches::yardsticks::{constant, echo, private};
use clap::{Parser, Subcommand};
use frontend::config::Listen;
use nix::sys::{prctl, signal::Signal};
use std::{path::PathBuf, process::ExitCode};

/// Something to compare the service with; started by benches
#[derive(Debug, Parser)]
#[command(name = "yardstick", version, max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    yardstick: Yardstick,
}

#[derive(Debug, Subcommand)]
enum Yardstick {
    /// Answer every HTTP request with so many bytes, on a loopback port and a socket file
    Http {
        /// The socket file
        #[arg(long, value_name = "PATH")]
        socket: PathBuf,
        /// Bytes of the body
        #[arg(long, value_name = "N")]
        bytes: usize,
    },
    /// Answer every frame on a socket file with a reply of so many bytes
    Frames {
        /// The socket file
        #[arg(long, value_name = "PATH")]
        socket: PathBuf,
        /// Bytes of the body
        #[arg(long, value_name = "N")]
        bytes: usize,
    },
    /// Hold a cache file on the heap and answer from it
    Copy {
        /// The cache file
        #[arg(long, value_name = "FILE")]
        cache: PathBuf,
    },
    /// Hold MirrorManager's cache as the structures that it decodes to
    Decoded {
        /// MirrorManager's protobuf cache
        #[arg(long, value_name = "FILE")]
        mirrormanager: PathBuf,
    },
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    // A bench that was killed leaves nothing running.
    if let Err(errno) = prctl::set_pdeathsig(Signal::SIGKILL) {
        eprintln!("warning: yardstick: may outlive its bench ({errno})");
    }
    let ended = match arguments.yardstick {
        Yardstick::Http { socket, bytes } => {
            constant::serve(&[Listen::Tcp(([127, 0, 0, 1], 0).into()), Listen::Unix(socket)], bytes)
        }
        Yardstick::Frames { socket, bytes } => echo::serve(&socket, bytes),
        Yardstick::Copy { cache } => private::copy(&cache),
        Yardstick::Decoded { mirrormanager } => private::decoded(&mirrormanager),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: yardstick: {error}");
            ExitCode::FAILURE
        }
    }
}
