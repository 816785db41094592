//! `cargo demo`: the whole stack on a built-in sample, to be tried with curl.

use benches::demo::{figures, guide, repository};
use clap::Parser;
use prost::Message as _;
use signal_hook::{
    consts::{SIGHUP, TERM_SIGNALS},
    iterator::Signals,
};
use std::{fs, net::SocketAddr, process::ExitCode};
use testkit::{
    inputs, sample,
    stack::{self, Programs, Stack},
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
    let report = stack::report()?;
    let folder = tempfile::Builder::new()
        .prefix("mirrorlist-demo-")
        .tempdir()
        .map_err(|error| format!("folder: cannot be made ({error})"))?;
    let in_folder = |name: &str| folder.path().join(name);
    let (cache, control, admin) = (in_folder("sample.mlc"), in_folder("control"), in_folder("admin"));
    let mirror = repository::serve().map_err(|error| format!("mirror: {error}"))?;
    let mut list = sample::mirror_list();
    repository::add(&mut list, mirror);
    figures::complete(&mut list);
    sample::write(folder.path())
        .and_then(|()| fs::write(in_folder(inputs::MIRRORMANAGER), list.encode_to_vec()))
        .map_err(|error| format!("sample: cannot be written ({error})"))?;
    inputs::compile(&programs, folder.path(), &cache)?;
    let site = figures::serve(&report, folder.path(), &cache, &list)?;
    let listen = arguments.listen.to_string();
    let (control_option, admin_option) = (control.display().to_string(), format!("unix:{}", admin.display()));
    let stack = Stack::start(
        &programs,
        &cache,
        &["--workers", "2", "--control", &control_option],
        &["--listen", &listen, "--admin", &admin_option],
    )?;
    guide::configure_dnf(folder.path(), stack.http)
        .map_err(|error| format!("dnf.conf: cannot be written ({error})"))?;
    let places = guide::Places {
        programs: &programs,
        http: stack.http,
        site,
        cache: &cache,
        control: &control,
        socket: &stack.socket,
        admin: &admin,
        dnf: &in_folder("dnf.conf"),
    };
    println!("{}", guide::text(&places));
    signals.forever().next();
    stack.stop()
}
