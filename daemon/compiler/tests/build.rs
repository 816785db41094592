//! `mirrorlist-cache build` with a configuration, and where the system does not let it write its file, or gives it little
//! memory.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use interchange::message::{IntInts, IntString, MirrorList, MirrorListDirectory};
use prost::Message as _;
use std::{
    fs::{self, File},
    process::Command,
};
use tempfile::TempDir;

/// A folder with a file that a cache can be built from.
fn with_input() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let directory = MirrorListDirectory {
        directory: Some("pub/a".into()),
        by_host_id: vec![IntInts { key: Some(1), value: vec![10] }],
        ..Default::default()
    };
    let url = IntString { key: Some(10), value: Some("https://mirror.example.org".into()) };
    let list = MirrorList { hcurl: vec![url], mirror_list: vec![directory], ..Default::default() };
    fs::write(folder.path().join("input"), list.encode_to_vec()).unwrap();
    folder
}

#[test]
fn a_build_that_meets_the_limit_of_file_sizes_says_so_and_leaves_nothing() {
    let folder = with_input();
    // A shell's unit is 512 or 1024 bytes, so that the write fails at its begin or in its midst.
    for limit in ["0", "100"] {
        let mut shell = Command::new("sh");
        shell.arg("-c").arg(format!("ulimit -f {limit}\nexec \"$0\" \"$@\""));
        shell.arg(env!("CARGO_BIN_EXE_mirrorlist-cache"));
        shell.args(["build", "--mirrormanager", "input", "--output", "cache.mlc"]);
        let output = shell.current_dir(folder.path()).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(71), "{:?}: {said}", output.status);
        let last = said.lines().last().unwrap();
        assert!(
            last.starts_with("error: cache cache.mlc: cannot be written (File too large (os error 27))"),
            "{said}"
        );
        assert!(last.ends_with("; cache.mlc is not written"), "{said}");
        let left: Vec<_> =
            fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left, ["input"]);
    }
}

/// So many directories of 500 components, in 1,005 bytes each.
fn deep(directories: usize) -> MirrorList {
    let mut list = MirrorList {
        hcurl: vec![IntString { key: Some(10), value: Some("https://mirror.example.org".into()) }],
        ..MirrorList::default()
    };
    list.mirror_list.extend((0..directories).map(|number| MirrorListDirectory {
        directory: Some(format!("{number:06}{}", "/a".repeat(499)).into()),
        by_host_id: vec![IntInts { key: Some(1), value: vec![10] }],
        ..MirrorListDirectory::default()
    }));
    list
}

/// What a build says that may have so many kB of address space, and whether it wrote a cache.
fn built_within(kilobytes: usize, list: &MirrorList) -> (String, bool) {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("input"), list.encode_to_vec()).unwrap();
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(format!("ulimit -v {kilobytes}\nexec \"$0\" \"$@\""));
    shell.arg(env!("CARGO_BIN_EXE_mirrorlist-cache"));
    shell.args(["build", "--mirrormanager", "input", "--output", "cache.mlc"]);
    let output = shell.current_dir(folder.path()).output().unwrap();
    (String::from_utf8(output.stderr).unwrap(), folder.path().join("cache.mlc").exists())
}

/// When each path on the way to a directory was kept as a whole, these 2 MB took 580 MB.
#[test]
fn deep_paths_take_memory_by_their_components_and_not_by_the_square_of_them() {
    let (said, written) = built_within(200 * 1024, &deep(2000));
    assert!(written, "{said}");
}

#[test]
fn what_a_build_takes_is_bounded_by_the_number_of_path_components() {
    let (said, written) = built_within(600 * 1024, &deep(9000));
    let end = "mirrormanager input: 4194305 path components, a cache holds at most 4194304; cache.mlc is not written";
    assert!(said.trim_end().ends_with(end) && !written, "{said}");
}

#[test]
fn a_cache_whose_report_cannot_be_printed_is_new_all_the_same() {
    let folder = with_input();
    let full = File::options().write(true).open("/dev/full").unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_mirrorlist-cache"))
        .args(["build", "--mirrormanager", "input", "--output", "cache.mlc"])
        .current_dir(folder.path())
        .stdout(full)
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(71), "{said}");
    let last = said.lines().last().unwrap();
    assert!(last.starts_with("error: standard output: cannot be written (No space left on device"), "{said}");
    assert!(last.ends_with("; cache.mlc is new all the same"), "{said}");
    assert!(folder.path().join("cache.mlc").exists());
}

/// What a build says on its two outputs, and its exit code.
fn build(folder: &TempDir, arguments: &[&str]) -> (String, String, Option<i32>) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mirrorlist-cache"));
    let output = command.arg("build").args(arguments).current_dir(folder.path()).output().unwrap();
    let [out, err] = [output.stdout, output.stderr].map(|said| String::from_utf8(said).unwrap());
    (out, err, output.status.code())
}

#[test]
fn a_configuration_is_enough_to_build_and_its_policy_is_followed() {
    let folder = with_input();
    let mut list = MirrorList::decode(&*fs::read(folder.path().join("input")).unwrap()).unwrap();
    list.hcurl.push(IntString { key: Some(11), value: Some("ftp://mirror.example.org".into()) });
    list.mirror_list[0].by_host_id[0].value.push(11);
    fs::write(folder.path().join("input"), list.encode_to_vec()).unwrap();
    let config =
        "[inputs]\nmirrormanager = 'input'\noutput = 'cache.mlc'\n[policy]\nexclude-protocols = ['ftp']\n";
    fs::write(folder.path().join("config.toml"), config).unwrap();
    let summary = |arguments: &[&str]| {
        let (out, err, code) = build(&folder, arguments);
        assert_eq!(code, Some(0), "{err}");
        out
    };
    let well = "well: options, and the inputs are there: mirrormanager input\n";
    assert_eq!(summary(&["--config", "config.toml", "--check"]), well);
    assert!(!folder.path().join("cache.mlc").exists());
    let said = summary(&["--config", "config.toml"]);
    let row =
        "  skipped         1\n    HCUrlCache: excluded by policy: 1, first 11 ftp://mirror.example.org\n";
    assert!(said.contains("  hosts           1 with 1 URL\n") && said.contains(row), "{said}");
    let said = summary(&["--config", "config.toml", "--exclude-protocols", ""]);
    assert!(said.contains("  hosts           1 with 2 URLs\n"), "{said}");
}

#[test]
fn a_build_that_is_told_nothing_or_something_unknown_says_what_to_say() {
    let folder = with_input();
    let (_, said, code) = build(&folder, &["--output", "cache.mlc"]);
    let asked = "error: mirrormanager: no file is named; give --mirrormanager FILE, or --config FILE with mirrormanager in its [inputs]\n";
    assert_eq!((said.as_str(), code), (asked, Some(78)));
    fs::write(folder.path().join("config.toml"), "[inputs]\nnet-blocks = 'x'").unwrap();
    let (_, said, code) = build(&folder, &["--config", "config.toml", "--check"]);
    let refused = "error: config config.toml line 2: unknown option `net-blocks` in [inputs]; did you mean `netblocks`?\n";
    assert_eq!((said.as_str(), code), (refused, Some(78)));
    for (arguments, refused) in [
        (
            &["build", "--geo-ip", "x"][..],
            "unexpected argument '--geo-ip' found; tip: a similar argument exists: '--geoip'",
        ),
        (&["verify"], "the following required arguments were not provided: <FILE>"),
        (&["biuld"], "unrecognized subcommand 'biuld'; tip: a similar subcommand exists: 'build'"),
        (&[], "'mirrorlist-cache' requires a subcommand but one was not provided"),
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_mirrorlist-cache")).args(arguments).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.starts_with(&format!("error: {refused}")) && said.lines().count() == 1, "{said}");
        assert_eq!((output.status.code(), output.stdout), (Some(78), vec![]), "{said}");
    }
}

#[test]
fn what_the_site_says_is_in_the_cache_and_an_alias_of_what_is_there_is_warned_of() {
    let folder = with_input();
    let config = "[inputs]\nmirrormanager = 'input'\noutput = 'cache.mlc'\n\
                  [policy]\npublic-url = 'https://dl.example.org/'\norigin-only = ['*.torrent']\n\
                  [origins]\npub = 'https://origin.example.org/pub/'\n\
                  [aliases]\n'pub/a' = 'pub/b'\n'pub/latest' = 'pub/a'\n";
    fs::write(folder.path().join("config"), config).unwrap();
    let run = |arguments: &[&str]| {
        let mut tool = Command::new(env!("CARGO_BIN_EXE_mirrorlist-cache"));
        let output = tool.args(arguments).current_dir(folder.path()).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap())
    };
    let (_, said) = run(&["build", "--config", "config"]);
    let warning = "warning: alias pub/a: is a path that mirrors have, so it never stands for pub/b\n";
    assert!(said.contains(warning) && !said.contains("alias pub/latest"), "{said}");
    let (shown, _) = run(&["inspect", "cache.mlc"]);
    for line in [
        "  public URL    https://dl.example.org",
        "  origins       pub = https://origin.example.org/pub",
        "  young         30 min 0 s",
        "  origin only   *.torrent",
        "  aliases       pub/a = pub/b, pub/latest = pub/a",
    ] {
        assert!(shown.lines().any(|shown| shown == line), "{line}\n{shown}");
    }
    let (json, _) = run(&["inspect", "--json", "cache.mlc"]);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["site"]["aliases"]["pub/latest"], "pub/a");
    assert_eq!(json["site"]["young"], 1800);
}
