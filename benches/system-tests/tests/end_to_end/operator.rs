//! What an operator meets before anything runs: addresses and times as people write them, `--check`, and mistakes with
//! what to do about them. By the built programs.

use crate::support::{programs, sample_cache};
use std::{
    fs,
    path::Path,
    process::{Command, Output},
};
use testkit::stack;

/// Exit code, standard output, standard error.
fn said(program: &Path, arguments: &[&str]) -> (Option<i32>, String, String) {
    let Output { status, stdout, stderr } = Command::new(program).args(arguments).output().unwrap();
    (status.code(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

#[test]
fn addresses_and_times_are_understood_as_people_write_them() {
    let frontend = programs().frontend;
    for (written, understood) in
        [("8080", "127.0.0.1:8080"), (":8080", ":8080"), ("localhost:8080", "127.0.0.1:8080")]
    {
        let (code, out, _) = said(&frontend, &["--check", "--listen", written]);
        assert!(code == Some(0) && out.contains(&format!("(listen {understood}, ")), "{written}: {out}");
    }
    for (time, code) in [("2s", 0), ("500ms", 0), ("1m", 0), ("2 parsecs", 78)] {
        let (found, _, error) = said(&frontend, &["--check", "--idle-timeout", time]);
        assert_eq!(found, Some(code), "{time}: {error}");
        assert_eq!(error.contains("expected a time such as 500ms, 2s"), code != 0, "{error}");
    }
}

#[test]
fn check_says_what_is_well() {
    let programs = programs();
    let cache = sample_cache().to_str().unwrap();
    let (code, out, _) = said(&programs.daemon, &["--check", "--cache", cache]);
    assert!(
        code == Some(0) && out.starts_with(&format!("well: options, and cache {cache} (data of 20")),
        "{out}"
    );
    let (code, out, _) = said(&programs.frontend, &["--check"]);
    assert!(code == Some(0) && out.starts_with("well: options (listen "), "{out}");
}

#[test]
fn all_programs_say_what_they_are_and_refuse_what_they_do_not_know_alike() {
    let programs = programs();
    for (program, first) in [
        (&programs.daemon, "Answers which mirrors near a client carry a directory"),
        (&programs.frontend, "Serves mirrorlists and metalinks over HTTP"),
        (&programs.cache, "Builds and examines the cache files"),
        (&stack::collector().unwrap(), "Collects what the mirror list cache is compiled from"),
    ] {
        let (code, help, _) = said(program, &["--help"]);
        assert!(code == Some(0) && help.starts_with(first), "{help}");
        let refused = said(program, &["--nonsense"]);
        let error = "error: unexpected argument '--nonsense' found\n".to_owned();
        assert_eq!(refused, (Some(78), String::new(), error), "{program:?}");
    }
}

#[test]
fn errors_end_with_what_to_do() {
    let programs = programs();
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    fs::write(at("page"), "<!DOCTYPE html><html><body>moved</body></html>").unwrap();
    fs::write(at("pickle"), b"\x80\x04\x95\x0c\x00\x00\x00\x00\x00\x00\x00}\x94\x8c\x01a\x94K\x01s.")
        .unwrap();
    let sample = sample_cache().to_str().unwrap();
    let mut other = fs::read(sample).unwrap();
    other[8..12].fill(0xee);
    fs::write(at("other.mlc"), other).unwrap();
    let list = testkit::sample::mirror_list();
    fs::write(at("list"), prost::Message::encode_to_vec(&list)).unwrap();
    let build = |input: &str, output: &str| {
        let (input, output) = (at(input), at(output));
        let (code, _, error) =
            said(&programs.cache, &["build", "--mirrormanager", &input, "--output", &output]);
        (code, error.lines().last().unwrap_or_default().to_owned())
    };
    let serve = |cache: &str, socket: &str| {
        let (code, _, error) = said(&programs.daemon, &["--cache", cache, "--socket", &at(socket)]);
        (code, error.lines().last().unwrap_or_default().to_owned())
    };
    let build_it = "; build it: mirrorlist-cache build --config /etc/mirrorlist/mirrorlist-cache.toml";
    for ((code, error), expected, advice) in [
        (build("none", "c.mlc"), 66, "; put the file there, or name another one; "),
        (build("page", "c.mlc"), 66, "is an HTML page, perhaps an error page; fetch the file again; "),
        (build("pickle", "c.mlc"), 66, "; write the protobuf instead; "),
        (build("list", "none/c.mlc"), 71, "/none; make it, or name a file elsewhere; "),
        (serve(&at("none.mlc"), "s"), 66, build_it),
        (serve(&at("other.mlc"), "s"), 66, build_it),
        (serve(sample, "none/s"), 71, "/none; make it, or name a socket elsewhere"),
    ] {
        assert_eq!(code, Some(expected), "{error}");
        assert!(error.starts_with("error: ") && error.contains(advice), "{error}: lacks {advice}");
    }
}
