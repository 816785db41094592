//! A mirror that dies, from the collector's round to what clients are told: out with the reload after the third one, back with
//! the one after two good answers, and no request notices.

use crate::support::{Client, Load, programs, wait_until};
use prost::Message as _;
use std::{fs, path::Path, process::Command};
use testkit::{
    inputs,
    load::Target,
    mirrors::Mirrors,
    sample,
    stack::{self, Stack},
};

const DEAD: &str = "elbe.example.org";
const KINDS: [&str; 3] = ["mirrorlist?", "metalink?", "mirrorlist?format=json&"];
/// In Germany, where the mirror is, and in Japan.
const CLIENTS: [&str; 2] = ["192.0.2.10", "203.0.113.7"];

/// Whether a mirror is in any answer of those that could name it.
fn is_named(stack: &Stack, address: &str) -> bool {
    let mut client = Client::connect(stack.http);
    let mut is_named = false;
    for kind in KINDS {
        for who in CLIENTS {
            for more in ["", "&country=global", "&country=de"] {
                let answer = client.get_for(who, &format!("/{kind}repo=fedora-42&arch=x86_64{more}"));
                assert_eq!(answer.status, 200, "{answer:?}");
                assert!(answer.body.contains("http://127.0.0.1:"), "others are there: {answer:?}");
                is_named |= answer.body.contains(address);
            }
        }
    }
    is_named
}

fn run(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(output.status.success(), "{command:?}: {said}");
    said
}

#[test]
fn a_mirror_that_dies_is_out_after_three_rounds_and_no_request_fails() {
    let (programs, collector) = (programs(), stack::collector().unwrap());
    let mirrors = Mirrors::start().unwrap();
    let folder = tempfile::tempdir().unwrap();
    sample::write(folder.path()).unwrap();
    let list = folder.path().join(inputs::MIRRORMANAGER);
    fs::write(&list, mirrors.list().encode_to_vec()).unwrap();
    let cache = folder.path().join("cache.mlc");
    inputs::compile(&programs, folder.path(), &cache).unwrap();
    let output = folder.path().join("out");
    fs::create_dir(&output).unwrap();
    let round = || run(&mut mirrors.check(&collector, &list, &output));
    round();
    let suspended = output.join("suspended");
    let options = ["--workers", "2", "--suspended", suspended.to_str().unwrap()];
    let stack = Stack::start(&programs, &cache, &options, &["--deadline", "20"]).unwrap();
    let reload = |socket: &Path| {
        run(Command::new(&programs.daemon)
            .args(["reload", "--control"])
            .arg(socket.with_file_name("control")))
    };
    let address = format!("http://{}/", mirrors.address(DEAD).unwrap());
    let kept = Load::start(Target::Tcp(stack.http), &cache, true);
    let anew = Load::start(Target::Tcp(stack.http), &cache, false);
    assert!(is_named(&stack, &address));

    mirrors.set_dead(DEAD, true);
    for _ in 0..2 {
        round();
        reload(&stack.socket);
        assert!(is_named(&stack, &address));
    }
    let said = round();
    // By both of its URLs for each of two categories.
    assert!(said.contains("suspended: 4, 4 of them now, 0 no longer"), "{said}");
    reload(&stack.socket);
    // A request that the front end had passed on before still gets the old answer.
    wait_until("out of all answers", || !is_named(&stack, &address));

    mirrors.set_dead(DEAD, false);
    round();
    reload(&stack.socket);
    assert!(!is_named(&stack, &address));
    round();
    reload(&stack.socket);
    wait_until("back in answers", || is_named(&stack, &address));
    assert!(kept.finish().answered > 1000);
    assert!(anew.finish().answered > 100);
    stack.stop().unwrap();
}
