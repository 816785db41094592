//! The tutorial of systemd/README.md, followed as it stands: every block in one shell, in an empty folder.
//!
//! Only the ports are others, so that nobody else's are in the way.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use nix::{
    sys::signal::{Signal, killpg},
    unistd::Pid,
};
use std::{
    fs,
    net::TcpListener,
    os::unix::process::CommandExt as _,
    path::Path,
    process::{Command, Stdio},
};
use testkit::stack::{self, Programs};

const README: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../systemd/README.md");
/// What stands between the outputs of blocks.
const MARK: &str = "--- the next block ---";

/// The shell blocks of the chapter.
fn blocks() -> Vec<String> {
    let text = fs::read_to_string(README).unwrap();
    let chapter = text.split_once("<a id=\"tutorial\"></a>\n## ").expect("the chapter").1;
    let chapter = chapter.split_once("\n## ").map_or(chapter, |(chapter, _)| chapter);
    let rest = chapter.split("```sh\n").skip(1);
    rest.map(|block| block.split_once("```").expect("the end of a block").0.to_owned()).collect()
}

fn free_port(address: &str) -> String {
    TcpListener::bind((address, 0)).unwrap().local_addr().unwrap().port().to_string()
}

fn is_there(program: &str) -> bool {
    Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok()
}

#[test]
fn every_block_of_the_tutorial_does_what_it_says() {
    for program in ["bash", "curl", "python3", "createrepo_c"] {
        if !is_there(program) {
            eprintln!("skipped: not installed: {program}");
            return;
        }
    }
    let programs = Programs::build().unwrap();
    let places = [&programs.daemon, &programs.frontend, &programs.cache, &stack::collector().unwrap()]
        .map(|program| program.parent().unwrap().display().to_string());
    let path = format!("{}:{}", places.join(":"), std::env::var("PATH").unwrap());
    let folder = tempfile::tempdir().unwrap();
    let mut blocks = blocks();
    // Whoever types has started the web servers long before the next block.
    blocks[0].push_str(
        "for end in 2 3; do until (: </dev/tcp/127.0.0.$end/8001) 2>/dev/null; do sleep 0.1; done; done\n",
    );
    let script = blocks.join(&format!("echo '{MARK}'\n"));
    let script = script.replace("8080", &free_port("127.0.0.1")).replace("8001", &free_port("127.0.0.2"));
    let output = run(folder.path(), &path, &script);
    let shown: Vec<&str> = output.split(MARK).collect();
    let [_, _, collected, served, behind, joining, apt, pacman, files, office, _] = shown[..] else {
        panic!("{output}")
    };
    let (oslo, lima) = ("http://127.0.0.2:", "http://127.0.0.3:");
    assert!(collected.contains("oslo.example.org") && collected.contains("lima.example.org"), "{collected}");
    assert!(served.contains(&format!("country = NO \n{oslo}")) && served.contains(lima), "{served}");
    assert!(served.contains("<hash type=\"sha256\">"), "{served}");
    let list = behind.split("# repo = baseos-9").nth(1).expect("a list");
    assert!(list.contains(oslo) && !list.contains(lima), "{behind}");
    assert!(behind.contains("index: "), "why it is out: {behind}");
    assert!(joining.contains("has 1 of 1") && !joining.contains("wrong: "), "{joining}");
    assert!(
        pacman.contains(&format!("\n{oslo}")) && pacman.contains("/arch/core/os/x86_64/core.db"),
        "{pacman}"
    );
    assert!(!pacman.contains(lima), "{pacman}");
    assert!(apt.contains("/deb/\tpriority:1\n") && !apt.contains(lima), "{apt}");
    assert!(files.contains("\nan image\n") && files.contains(&format!("\n{lima}")), "{files}");
    let office: Vec<&str> = office.lines().filter(|line| line.starts_with("http")).collect();
    assert!(office.len() == 2 && office[0].starts_with(oslo), "{office:?}");
    assert_eq!(office[1], "http://files.example.org/company/new/not-mirrored-yet.tar");
}

/// Runs the script to its end in a group of its own, of which nothing is left; what it prints.
fn run(folder: &Path, path: &str, script: &str) -> String {
    let mut command = Command::new("bash");
    command.args(["-e", "-c", script]).current_dir(folder).env("PATH", path).process_group(0);
    // Files: what it has started in the background would hold pipes open.
    let [out, err] = ["out", "err"].map(|name| folder.with_extension(name));
    command
        .stdin(Stdio::null())
        .stdout(fs::File::create(&out).unwrap())
        .stderr(fs::File::create(&err).unwrap());
    let mut shell = command.spawn().unwrap();
    let status = shell.wait().unwrap();
    let _ = killpg(Pid::from_raw(shell.id() as i32), Signal::SIGKILL);
    let [shown, said] =
        [&out, &err].map(|file| String::from_utf8_lossy(&fs::read(file).unwrap()).into_owned());
    for file in [out, err] {
        fs::remove_file(file).unwrap();
    }
    assert!(status.success(), "{status}\n{shown}\n{said}");
    shown
}
