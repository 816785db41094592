//! One nginx in front of several machines, each with the whole service.

use super::service::{CLIENTS, TOOLS, compile};
use crate::support::{
    curl::curl_from,
    example::Example,
    folder::Folder,
    has, programs,
    web_server::{WebServer, nginx},
};
use testkit::{process::cpu_ns, stack::Stack};

const MACHINES: [&str; 3] = ["10.0.0.11:8080", "10.0.0.12:8080", "10.0.0.13:8080"];
const LIST: &str = "http://mirrors.example.org/mirrorlist?repo=fedora-42&arch=x86_64";

/// Asks as a client, which must get its own list.
fn ask(web: &WebServer) {
    for client in CLIENTS {
        let list = curl_from(client.address(), web.http, LIST, &[]);
        assert!(list.status == 200 && list.first().starts_with(client.first), "{client:?}: {list:?}");
    }
}

#[test]
fn a_machine_that_fails_is_not_noticed_by_clients() {
    if !has(&TOOLS) {
        return;
    }
    let folder = Folder::new();
    let cache = folder.join("cache.mlc");
    compile(&cache);
    let options = ["--trusted-proxy", "127.0.0.1", "--deadline", "1"];
    let start = || Stack::start(&programs(), &cache, &["--workers", "1"], &options).unwrap();
    let mut machines: Vec<Stack> = MACHINES.iter().map(|_| start()).collect();
    let mut example = Example::read("nginx-several.conf");
    for (name, machine) in MACHINES.iter().zip(&machines) {
        example = example.with(name, machine.http);
    }
    let web = nginx(example);
    let used = |machines: &[Stack]| -> Vec<u64> {
        machines.iter().map(|machine| cpu_ns(machine.frontend.pid()).unwrap()).collect()
    };
    let before = used(&machines);
    for _ in 0..10 {
        ask(&web);
    }
    let all_worked = used(&machines).iter().zip(&before).all(|(now, before)| now > before);
    assert!(all_worked, "a machine was not asked");

    machines[0].frontend.stop().unwrap();
    for _ in 0..5 {
        ask(&web);
    }
    machines[1].daemon.stop().unwrap();
    for _ in 0..3 {
        ask(&web);
    }
    machines[2].daemon.stop().unwrap();
    // None is left: first the last one says so, then nginx, which leaves it out for a while.
    for _ in 0..3 {
        let answer = curl_from(CLIENTS[0].address(), web.http, LIST, &[]);
        assert_eq!((answer.status, answer.header("retry-after")), (503, "1"), "{answer:?}");
        assert_eq!(answer.header("content-type"), "text/plain");
    }
}
