//! `cargo demo`: a distribution and its mirrors on this machine, collected and served, to be tried with curl.

use benches::demo::{distribution::Distribution, figures, guide};
use clap::Parser;
use signal_hook::{
    consts::{SIGHUP, TERM_SIGNALS},
    iterator::Signals,
};
use std::{net::SocketAddr, process::ExitCode};
use testkit::{
    inputs, sample,
    stack::{self, Programs, Stack},
};

/// Serve a distribution with a dozen mirrors, all on this machine, until Ctrl-C, and print what to try
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
    let (report, collector) = (stack::report()?, stack::collector()?);
    let folder = tempfile::Builder::new()
        .prefix("mirrorlist-demo-")
        .tempdir()
        .map_err(|error| format!("folder: cannot be made ({error})"))?;
    let in_folder = |name: &str| folder.path().join(name);
    let (cache, control, admin) = (in_folder("sample.mlc"), in_folder("control"), in_folder("admin"));
    let distribution = Distribution::make(collector, folder.path())
        .and_then(|distribution| sample::write_clients(folder.path()).map(|()| distribution))
        .map_err(|error| format!("distribution: cannot be made ({error})"))?;
    eprintln!("asking its mirrors what they have ...");
    distribution.collect("run")?;
    distribution.lose().map_err(|error| format!("distribution: a mirror cannot die ({error})"))?;
    // Who fails three times is left out.
    (0..3).try_for_each(|_| distribution.collect("check"))?;
    inputs::compile_from(&programs, &distribution.interchange, folder.path(), &cache)?;
    let site = figures::serve(&report, folder.path(), &cache, &distribution)?;
    let listen = arguments.listen.to_string();
    let (control_option, admin_option) = (control.display().to_string(), format!("unix:{}", admin.display()));
    let suspended = distribution.suspended.display().to_string();
    let stack = Stack::start(
        &programs,
        &cache,
        &["--workers", "2", "--control", &control_option, "--suspended", &suspended],
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
        distribution: &distribution,
        build: &inputs::build_command_from(&programs, &distribution.interchange, folder.path(), &cache),
    };
    println!("{}", guide::text(&places));
    signals.forever().next();
    stack.stop()
}
