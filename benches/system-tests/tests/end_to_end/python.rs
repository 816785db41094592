//! A client in another language, written from the description of the wire alone.

use crate::support::{Client, sample_stack};
use std::process::Command;

#[test]
fn a_client_written_from_the_description_gets_the_list_that_http_gives() {
    if Command::new("python3").arg("--version").output().is_err() {
        eprintln!("skipped: no python3 on this machine");
        return;
    }
    let stack = sample_stack(&[]);
    let query = "path=pub/fedora/linux/releases/42/Everything/x86_64/os&location=campus";
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/end_to_end/client.py");
    let output = Command::new("python3")
        .arg(script)
        .arg(&stack.socket)
        .args(["192.0.2.10", "/mirrorlist", query])
        .output()
        .unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    let (head, body) = said.split_once("\n\n").unwrap();
    assert_eq!(head, "200\nContent-Type: text/plain");
    let mut lines: Vec<&str> = body.lines().collect();
    let by_http = Client::connect(stack.http).get(&format!("/mirrorlist?{query}&ip=192.0.2.10"));
    let mut expected: Vec<&str> = by_http.body.lines().collect();
    // Mirrors of one tier are drawn anew each time.
    lines.sort_unstable();
    expected.sort_unstable();
    assert_eq!(lines, expected);
    assert!(lines.iter().any(|line| line.starts_with("https://")), "{lines:?}");
}
