//! What the demo prints: commands that work as they are pasted, and what each of them shows.

use super::distribution::{Distribution, STALE};
use std::{fmt::Write as _, fs, io, net::SocketAddr, path::Path, process::Command};
use testkit::stack::Programs;

/// A command, and what to look for in its output.
struct Step {
    shows: &'static str,
    command: String,
}

/// Where things are.
pub struct Places<'a> {
    /// The built programs.
    pub programs: &'a Programs,
    /// Where HTTP is answered.
    pub http: SocketAddr,
    /// Where the pages of statistics are.
    pub site: SocketAddr,
    /// The cache file.
    pub cache: &'a Path,
    /// The daemon's control socket.
    pub control: &'a Path,
    /// The workers' socket.
    pub socket: &'a Path,
    /// The front end's socket for health and metrics.
    pub admin: &'a Path,
    /// The configuration that [`configure_dnf`] wrote.
    pub dnf: &'a Path,
    /// What is served.
    pub distribution: &'a Distribution,
    /// The command that compiles what the collector has found.
    pub build: &'a Command,
}

/// Writes a configuration with which dnf knows no repository but the demo's, and keeps its files in `folder`.
pub fn configure_dnf(folder: &Path, http: SocketAddr) -> io::Result<()> {
    let folder = folder.display();
    let config = format!(
        "[main]\nreposdir=/nonexistent\nplugins=0\nzchunk=0\ncachedir={folder}/dnf-cache\nlogdir={folder}/dnf-log\n\n\
         [demo]\nname=demo\nmetalink=http://{http}/metalink?repo=updates-released-f42&arch=x86_64&ip=192.0.2.10\n"
    );
    fs::write(format!("{folder}/dnf.conf"), config)
}

/// The whole text.
pub fn text(places: &Places<'_>) -> String {
    let http = places.http;
    let [daemon, compiler] =
        [&places.programs.daemon, &places.programs.cache].map(|program| program.display());
    let [cache, control, socket, admin, dnf] =
        [places.cache, places.control, places.socket, places.admin, places.dnf].map(|path| path.display());
    let collector = places.distribution.collector.display();
    let [config, behind] =
        [&places.distribution.config, &places.distribution.behind].map(|path| path.display());
    let build = shown(places.build);
    let answers = [
        Step {
            shows: "A list for a client in Germany. First the mirror in its own AS, then those of its country, of its
  continent and of the world: \"# repo = ...\" says which of them counted. Asked again, a group has another order, in
  which larger mirrors come first more often.",
            command: format!("curl 'http://{http}/mirrorlist?repo=fedora-42&arch=x86_64&ip=192.0.2.10'"),
        },
        Step {
            shows: "The same for one on the campus in Munich, whose private mirror comes first, and for nobody else.",
            command: format!("curl 'http://{http}/mirrorlist?repo=fedora-42&arch=x86_64&ip=192.0.2.200'"),
        },
        Step {
            shows: "A metalink for one in Japan, as dnf asks for: size and hashes of repomd.xml, by which dnf finds mirrors that
  are old or forged, then the mirrors with their preference.",
            command: format!("curl 'http://{http}/metalink?repo=fedora-42&arch=x86_64&ip=203.0.113.7'"),
        },
        Step {
            shows: "A redirect to the nearest mirror, for one in the United States: see Location.",
            command: format!(
                "curl -i 'http://{http}/mirrorlist?path=pub/fedora/linux/releases/42&redirect=1&ip=198.51.100.7'"
            ),
        },
        Step {
            shows: "dnf itself: it gets the metalink, takes the metadata from one of the mirrors, checks the hash, and names
  the one package that there is.",
            command: format!("dnf --config={dnf} --releasever=42 repoquery"),
        },
    ];
    let looks = [
        Step {
            shows: "The daemon: its cache and how old that is, its workers with requests and memory.",
            command: format!("{daemon} status --control {control}"),
        },
        Step {
            shows: "A worker, asked without the front end.",
            command: format!(
                "{daemon} query 'mirrorlist?repo=fedora-42&arch=x86_64' --client 192.0.2.10 --socket {socket}"
            ),
        },
        Step {
            shows: "Metrics for Prometheus: requests by kind and tier, times, ages.",
            command: format!("curl --silent --unix-socket {admin} http://localhost/metrics | grep -v '^#'"),
        },
        Step {
            shows: "Who is in which repository, and who is not: one mirror is behind with the updates, another has died
  since, and checks have found it out.",
            command: format!("{collector} status --config {config}"),
        },
        Step { shows: "", command: format!("{collector} status {STALE} --config {config}") },
        Step {
            shows: "The service says so as well: see \"excluded\".",
            command: format!(
                "curl 'http://{http}/mirrorlist?repo=fedora-42&arch=x86_64&ip=192.0.2.10&format=json&explain=1'"
            ),
        },
        Step {
            shows: "Why these mirrors: the tier of each, or why it is left out.",
            command: format!(
                "{compiler} query {cache} 'mirrorlist?repo=updates-released-f42&arch=x86_64&ip=192.0.2.10' --explain"
            ),
        },
        Step {
            shows: "What is in the cache, and which mirrors.",
            command: format!("{compiler} inspect {cache}"),
        },
        Step { shows: "", command: format!("{compiler} list mirrors {cache}") },
        Step {
            shows: "The mirror that is behind catches up, the collector sees it, a new cache is built and taken over: now lists have
  it.",
            command: format!(
                "rm -r {behind} && {collector} run --config {config} && {build} && {daemon} reload --control {control}"
            ),
        },
    ];
    let mut text =
        format!("serving a distribution with a dozen mirrors, all on this machine, on http://{http}; try\n");
    write(&mut text, &answers);
    // Writing to a string does not fail.
    let _ = writeln!(
        text,
        "\nand look in a browser at statistics of a year, propagation, a map and the list of mirrors, which mirrorlist-report has\n\
         made of invented figures: http://{}/",
        places.site
    );
    text.push_str("\nand look behind it\n");
    write(&mut text, &looks);
    text.push_str("\nCtrl-C ends it.");
    text
}

fn write(text: &mut String, steps: &[Step]) {
    for Step { shows, command } in steps {
        // Writing to a string does not fail.
        let _ = match *shows {
            "" => writeln!(text, "    {command}"),
            shows => writeln!(text, "\n  {shows}\n    {command}"),
        };
    }
}

/// A command as it is typed; nothing in it needs quotes.
fn shown(command: &Command) -> String {
    let words = [command.get_program()].into_iter().chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}
