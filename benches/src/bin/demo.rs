//! `cargo demo`: the whole stack on a built-in sample, to be tried with curl.

use clap::Parser;
use signal_hook::{
    consts::{SIGHUP, TERM_SIGNALS},
    iterator::Signals,
};
use std::{net::SocketAddr, process::ExitCode};
use testkit::{
    inputs, sample,
    stack::{Programs, Stack},
};

/// Serve a built-in sample of a dozen mirrors with daemon and front end until Ctrl-C, and print what to try
#[derive(Debug, Parser)]
#[command(name = "demo", version)]
struct Arguments {
    /// Where to listen; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:0")]
    listen: SocketAddr,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: demo: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), String> {
    // Before anything starts, so that Ctrl-C, or the end of the terminal, always finds someone who cleans up.
    let mut signals =
        Signals::new(TERM_SIGNALS.iter().chain(&[SIGHUP])).map_err(|error| format!("signals: {error}"))?;
    eprintln!("building the programs ...");
    let programs = Programs::build()?;
    let folder = tempfile::tempdir().map_err(|error| format!("folder: {error}"))?;
    let cache = folder.path().join("sample.mlc");
    sample::write(folder.path()).map_err(|error| format!("sample: cannot be written ({error})"))?;
    inputs::compile(&programs, folder.path(), &cache)?;
    let listen = arguments.listen.to_string();
    let stack = Stack::start(&programs, &cache, &["--workers", "2"], &["--listen", &listen])?;
    let address = stack.http;
    let (daemon, socket) = (programs.daemon.display(), stack.socket.display());
    println!(
        "serving a sample of a dozen mirrors on http://{address}; try

  a list for a client in Germany:
    curl 'http://{address}/mirrorlist?repo=fedora-42&arch=x86_64&ip=192.0.2.10'
  a metalink for one in Japan:
    curl 'http://{address}/metalink?repo=fedora-42&arch=x86_64&ip=203.0.113.7'
  a redirect to the nearest mirror, for one in the United States:
    curl -i 'http://{address}/mirrorlist?path=pub/fedora/linux/releases/42&redirect=1&ip=198.51.100.7'
  a worker without the front end:
    {daemon} query 'mirrorlist?repo=fedora-42&arch=x86_64' --client 192.0.2.10 --socket {socket}

Ctrl-C ends it."
    );
    signals.forever().next();
    stack.stop()
}
