//! Three proxies that one collector feeds by rsync, with the examples for both ends: what it finds out is out of the answers of
//! all three, and when it is gone they answer on.

use crate::support::{
    curl::curl,
    example::Example,
    folder::{Folder, unprivileged},
    has, programs, run,
    server::{Server, free_address},
    tool,
};
use prost::Message as _;
use std::{fs, path::PathBuf, process::Command};
use testkit::{
    inputs,
    mirrors::Mirrors,
    sample,
    stack::{self, Stack},
};

const DEAD: &str = "elbe.example.org";
const LIST: &str = "http://mirrors.example.org/mirrorlist?repo=fedora-42&arch=x86_64&country=global";

/// A machine that answers, and how it gets its files.
struct Proxy {
    stack: Stack,
    fetch: PathBuf,
}

impl Proxy {
    /// Fetches everything for the first time, compiles, and starts.
    fn start(folder: &Folder, number: usize, from: &str) -> Proxy {
        let input = folder.folder(&format!("input{number}"));
        let example = Example::read("fetch")
            .with("rsync://collector.example.org/mirrorlist", from)
            .with("to=/var/lib/mirrorlist/input", format!("to={}", input.display()));
        let fetch = folder.write(&format!("fetch{number}"), example.text());
        run(unprivileged(tool("sh").arg(&fetch))).unwrap();
        // Beside what is fetched, a machine has routes and countries.
        for (name, text) in [
            (inputs::CONTINENTS, sample::continents().as_bytes()),
            (inputs::NETBLOCKS, sample::netblocks().as_bytes()),
        ] {
            fs::write(input.join(name), text).unwrap();
        }
        let cache = folder.join(&format!("cache{number}.mlc"));
        inputs::compile(&programs(), &input, &cache).unwrap();
        let suspended = input.join("suspended");
        let options = ["--workers", "2", "--suspended", suspended.to_str().unwrap()];
        let stack = Stack::start(&programs(), &cache, &options, &[]).unwrap();
        Proxy { stack, fetch }
    }

    /// Fetches as cron does; an error says what rsync said.
    fn fetch(&self) -> Result<String, String> {
        run(unprivileged(tool("sh").arg(&self.fetch)))
    }

    /// Takes the list as `mirrorlist-suspended.service` does.
    fn reload(&self) {
        let control = self.stack.socket.with_file_name("control");
        run(Command::new(&programs().daemon).args(["reload", "--control"]).arg(control)).unwrap();
    }

    fn answer(&self) -> String {
        let answer = curl(self.stack.http, LIST, &[]);
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.body
    }
}

#[test]
fn three_proxies_are_fed_by_one_collector_and_answer_on_without_it() {
    if !has(&["rsync", "curl", "sh"]) {
        return;
    }
    let (mirrors, collector) = (Mirrors::start().unwrap(), stack::collector().unwrap());
    let folder = Folder::new();
    let output = folder.folder("out");
    let list = output.join(inputs::MIRRORMANAGER);
    fs::write(&list, mirrors.list().encode_to_vec()).unwrap();
    let round = || run(unprivileged(&mut mirrors.check(&collector, &list, &output))).unwrap();
    round();
    let address = free_address();
    let example = Example::read("rsyncd.conf")
        .with("/var/lib/mirrorlist-collect/out", output.display())
        .with("192.0.2.11 192.0.2.12 192.0.2.13", "127.0.0.0/8")
        // The test's server is nobody, and can neither become another one nor lock itself in.
        .with("uid = mirrorlist-collect", "use chroot = no")
        .with("gid = mirrorlist-collect", format!("log file = {}", folder.join("rsync.log").display()));
    let config = folder.write("rsyncd.conf", example.text());
    let mut command = tool("rsync");
    command.args(["--daemon", "--no-detach", "--address", &address.ip().to_string()]);
    command.args(["--port", &address.port().to_string(), "--config"]).arg(config);
    let server = Server::start(&mut command, &[address]);
    let from = format!("rsync://{address}/mirrorlist");
    let proxies = [1, 2, 3].map(|number| Proxy::start(&folder, number, &from));
    let dead = format!("http://{}/", mirrors.address(DEAD).unwrap());
    assert!(proxies.iter().all(|proxy| proxy.answer().contains(&dead)));

    mirrors.set_dead(DEAD, true);
    (0..3).for_each(|_| drop(round()));
    for proxy in &proxies {
        proxy.fetch().unwrap();
        proxy.reload();
        let answer = proxy.answer();
        assert!(!answer.contains(&dead) && answer.contains("http://127.0.0.1:"), "{answer}");
    }

    // The collector's machine is gone.
    drop(server);
    for proxy in &proxies {
        let said = proxy.fetch().unwrap_err();
        assert!(said.contains("rsync"), "{said}");
        proxy.reload();
        let answer = proxy.answer();
        assert!(!answer.contains(&dead) && answer.contains("http://127.0.0.1:"), "{answer}");
    }
}
