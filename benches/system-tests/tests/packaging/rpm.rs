//! The RPM package: what is in it, what it needs, what it runs. Debian's `rpm` looks into it; nothing is installed.

use super::{has, made::Make, outcome, run, tree};
use std::{collections::BTreeSet, fs, path::Path, process::Command};

/// What rpmlint would have as Fedora has it, and what it says for reasons that lie elsewhere: the project has no public
/// address; packages are signed when they are released; what cargo-generate-rpm does not write; the units' LogsDirectory=
/// makes the folder of the logs; units belong into /usr/lib. That programs lack manual pages is a fault of rpmlint 2.4, which
/// compares their names with those of sections.
const RPMLINT: &str = r#"
CompressExtension = "gz"
ValidLicenses = ["MIT", "Apache-2.0"]
Filters = [
    "no-url-tag",
    "no-signature",
    "no-(packager|group|changelogname|buildhost)-tag",
    "logrotate-log-dir-not-packaged",
    "only-non-binary-in-usr-lib",
    "no-manual-page-for-binary",
]
"#;

fn ask(package: &Path, question: &[&str]) -> String {
    run(Command::new("rpm").args(["--query", "--package"]).args(question).arg(package))
}

#[test]
fn the_rpm_package_holds_the_installed_tree() {
    if !has(&["cargo-generate-rpm", "rpm"]) {
        return;
    }
    let make = Make::all();
    let package = make.package("rpm", 1);
    let lines = |question: &[&str]| -> BTreeSet<String> {
        ask(&package, question).lines().map(str::to_owned).collect()
    };
    let compressed = |file: String| if file.contains("/man/") { file + ".gz" } else { file };
    assert_eq!(lines(&["--list"]), tree::listed().map(compressed).collect());
    let settings: BTreeSet<String> = tree::listed().filter(|file| file.starts_with("/etc/")).collect();
    assert_eq!(lines(&["--configfiles"]), settings);
    let documents = lines(&["--docfiles"]);
    assert!(documents.iter().any(|file| file.contains("/man8/mirrorlistd.8")), "{documents:?}");
    for file in
        ask(&package, &["--queryformat", "[%{FILENAMES} %{FILEMODES:perms} %{FILEUSERNAME}\n]"]).lines()
    {
        let mode = if file.starts_with("/usr/bin/") { "-rwxr-xr-x root" } else { "-rw-r--r-- root" };
        assert!(file.ends_with(mode), "{file}");
    }
    let needed = lines(&["--requires"]);
    for need in ["systemd", "util-linux", "libc.so.6", "/bin/sh"] {
        assert!(needed.iter().any(|line| line.starts_with(need)), "{need}: {needed:?}");
    }
    let about = ask(&package, &["--queryformat", "%{NAME} %{VERSION} %{RELEASE} %{LICENSE}"]);
    assert_eq!(about, format!("mirrorlistd {} 1 MIT OR Apache-2.0", env!("CARGO_PKG_VERSION")));
    let scripts = ask(&package, &["--scripts"]);
    for (scriptlet, does) in [
        ("postinstall scriptlet", "systemctl try-restart mirrorlistd.service mirrorlist-http.service"),
        ("preuninstall scriptlet", "disable --now"),
        ("postuninstall scriptlet", "daemon-reload"),
    ] {
        assert!(scripts.contains(scriptlet) && scripts.contains(does), "{scriptlet}: {scripts}");
    }
    run(Command::new("rpm").args(["--checksig", "--nosignature"]).arg(&package));
}

#[test]
fn rpmlint_has_no_errors_and_no_warnings() {
    if !has(&["cargo-generate-rpm", "rpmlint"]) {
        return;
    }
    let make = Make::all();
    let package = make.package("rpm", 1);
    let config = tempfile::NamedTempFile::with_suffix(".toml").unwrap();
    fs::write(config.path(), RPMLINT).unwrap();
    let (said, _) = outcome(Command::new("rpmlint").arg("--config").arg(config.path()).arg(package));
    assert!(said.contains("1 packages and 0 specfiles checked; 0 errors, 0 warnings"), "{said}");
}
