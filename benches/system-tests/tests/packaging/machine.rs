//! A copy of this machine that is thrown away: the file system under an overlay, its own network, processes and `/run`.
//! MIRRORLIST_ROOT names the root of another one, such as a fresh Debian that debootstrap has made, to be copied in its place.
//!
//! A test that needs it runs itself anew in there, as root, and passes if it passes there. What it installs, and whom
//! it listens for, is nobody else's matter.

use super::{TOP, found, made, or_promised};
use nix::unistd::geteuid;
use std::{env, process::Command};

/// The root that is copied, if it is not this machine's.
pub const ROOT: &str = "MIRRORLIST_ROOT";
/// Set for the test in there.
const INSIDE: &str = "MIRRORLIST_THROWAWAY";

/// Makes the copy below the folder `$1` and runs the rest of the arguments in it; `$KEPT` are folders that are not
/// copied, `$ROOT` is what is.
const SCRIPT: &str = r#"
set -e
over=$1; shift
mount -t tmpfs tmpfs "$over"
mkdir "$over/upper" "$over/work" "$over/root"
mount -t overlay overlay -o "lowerdir=$ROOT,upperdir=$over/upper,workdir=$over/work" "$over/root"
mount -t proc proc "$over/root/proc"
mount --rbind /dev "$over/root/dev"
mount -t tmpfs tmpfs "$over/root/run"
for folder in $KEPT; do
    mkdir -p "$over/root$folder"
    mount --bind "$folder" "$over/root$folder"
done
ip link set lo up
exec chroot "$over/root" "$@"
"#;

/// Whether this is the copy.
pub fn is_inside() -> bool {
    env::var_os(INSIDE).is_some()
}

/// Whether this is the test in there. If not, it has been run there, or could not be.
///
/// `variables` are for the test in there.
pub fn entered(test: &str, variables: &[(&str, &str)]) -> bool {
    if is_inside() {
        return true;
    }
    if !or_promised(found("ip").is_some(), "not installed: ip") {
        return false;
    }
    if !geteuid().is_root() {
        eprintln!("skipped: only root can make a copy of the machine");
        return false;
    }
    let own = ["--mount", "--net", "--pid", "--ipc", "--fork", "--kill-child"];
    let allowed =
        Command::new("unshare").args(own).arg("true").output().is_ok_and(|output| output.status.success());
    if !or_promised(allowed, "not allowed here: unshare(1)") {
        return false;
    }
    let over = tempfile::tempdir().unwrap();
    let target = made::place().0;
    let output = Command::new("unshare")
        .args(own)
        .args(["sh", "-c", SCRIPT, "sh"])
        .arg(over.path())
        .arg(env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture", "--test-threads=1"])
        .env(
            "KEPT",
            format!("{} {}", target.display(), std::path::Path::new(TOP).canonicalize().unwrap().display()),
        )
        .env("ROOT", env::var_os(ROOT).unwrap_or("/".into()))
        .env(INSIDE, "1")
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(output.status.success() && said.contains("1 passed"), "in a copy of the machine: {said}");
    eprintln!("{said}");
    false
}
