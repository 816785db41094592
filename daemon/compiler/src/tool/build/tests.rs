//! Builds in a folder of their own: what is built, and what is refused and leaves everything as it was.

use super::{super::verify, *};
use crate::{compile::Policy, failure::Fault};
use cache::{
    inventory::{Choice, Site},
    scheme::{Scheme, Schemes},
};
use interchange::message::{IntInts, IntString, MirrorList, MirrorListDirectory};
use prost::Message;
use tempfile::TempDir;

fn small_cache() -> Vec<u8> {
    let directory = MirrorListDirectory {
        directory: Some("pub/a".into()),
        by_host_id: vec![IntInts { key: Some(1), value: vec![10] }],
        ..Default::default()
    };
    let url = IntString { key: Some(10), value: Some("https://mirror.example.org".into()) };
    MirrorList { hcurl: vec![url], mirror_list: vec![directory], ..Default::default() }.encode_to_vec()
}

fn config(folder: &TempDir, input: &[u8]) -> Config {
    let mirrormanager = folder.path().join("input");
    fs::write(&mirrormanager, input).unwrap();
    Config {
        inputs: Inputs { mirrormanager, netblocks: None, continents: None, geoip: None },
        output: folder.path().join("cache.mlc"),
        policy: Policy::default(),
        site: Site::default(),
        choice: Choice::default(),
        check: false,
        json: true,
    }
}

/// The same with other inputs.
fn with(config: &Config, change: impl FnOnce(&mut Inputs)) -> Config {
    let mut config = config.clone();
    change(&mut config.inputs);
    config
}

fn names(folder: &TempDir) -> Vec<String> {
    let entries = fs::read_dir(folder.path()).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_cache_is_built_checked_and_put_in_place_of_the_old_one() {
    let folder = TempDir::new().unwrap();
    let config = config(&folder, &small_cache());
    fs::write(&config.output, "old").unwrap();
    run(&config).unwrap();
    let bytes = cache::CacheBytes::read(&config.output).unwrap();
    cache::View::check(&bytes).unwrap();
    assert_eq!(names(&folder), ["cache.mlc", "input"]);
}

#[test]
fn whatever_is_refused_leaves_the_old_cache_and_nothing_else() {
    let cut = small_cache()[..20].to_vec();
    let hostless = MirrorList { mirror_list: vec![], ..MirrorList::decode(&*small_cache()).unwrap() };
    for (input, cause) in [
        (cut, "damaged or cut short at byte 0 of 20"),
        (b"<html>".to_vec(), "is an HTML page, perhaps an error page; fetch the file again"),
        (b"\x80\x04\x95".to_vec(), "is a Python pickle"),
        (b"\x1f\x8b\x08\0".to_vec(), "is packed as gzip; unpack it first"),
        (b"\x07".to_vec(), "damaged or cut short at byte"),
        (hostless.encode_to_vec(), "no directory in it has a host"),
        (vec![], "no directory in it has a host"),
    ] {
        let folder = TempDir::new().unwrap();
        let config = config(&folder, &input);
        fs::write(&config.output, "old").unwrap();
        let failure = run(&config).unwrap_err();
        let message = failure.to_string();
        assert_eq!(failure.fault, Fault::Cache, "{message}");
        assert!(message.contains(cause) && message.ends_with("cache.mlc is left as it was"), "{message}");
        assert!(!message.contains('\n'), "{message}");
        assert_eq!(fs::read(&config.output).unwrap(), b"old");
        assert_eq!(names(&folder), ["cache.mlc", "input"]);
    }
}

/// 115 hosts that offer each of 240 trees under 250 URLs, in an order of its own: every number of it is good.
fn much_in_little() -> Vec<u8> {
    let url = |id| IntString { key: Some(id), value: Some(format!("http://{id}.example.org").into_bytes()) };
    let directory = |tree: usize| {
        let mut urls: Vec<i64> = (0..250).collect();
        urls.rotate_left(tree);
        let host = |id| IntInts { key: Some(id), value: urls.clone() };
        let directory = Some(format!("pub/{tree}").into());
        MirrorListDirectory { directory, by_host_id: (0..115).map(host).collect(), ..Default::default() }
    };
    let (hcurl, mirror_list) = ((0..250).map(url).collect(), (0..240).map(directory).collect());
    MirrorList { hcurl, mirror_list, ..Default::default() }.encode_to_vec()
}

#[test]
fn a_cache_that_asks_for_too_much_memory_is_refused_by_build_verify_and_the_daemon_alike() {
    let folder = TempDir::new().unwrap();
    let config = config(&folder, &much_in_little());
    fs::write(&config.output, "old").unwrap();
    let failure = run(&config).unwrap_err();
    let (input, output) = (config.inputs.mirrormanager.display(), config.output.display());
    let said = failure.to_string();
    let cause = said
        .strip_prefix(&format!("mirrormanager {input}: its cache would be refused: "))
        .and_then(|rest| rest.strip_suffix(&format!("; {output} is left as it was")))
        .unwrap_or_else(|| panic!("{said}"));
    let end = " bytes of memory beside it, at most 134217728 are used";
    assert!(cause.starts_with("answers from it would take 1") && cause.ends_with(end), "{cause}");
    assert_eq!(failure.fault, Fault::Cache);
    assert_eq!(fs::read(&config.output).unwrap(), b"old");

    let (mut inventory, mut skipped) = (Inventory::default(), compile::Skipped::default());
    compile::mirrormanager::import(&much_in_little(), &mut inventory, &mut skipped).unwrap();
    fs::write(&config.output, &cache::write(&inventory, 0).unwrap().0[..]).unwrap();
    let refusal = format!("cache {output}: {cause}");
    let verify = verify::Options { file: config.output.clone(), json: false };
    assert_eq!(verify::run(&verify).unwrap_err().to_string(), refusal);
    // As the daemon judges it at its start and at a reload.
    let bytes = cache::CacheBytes::read(&config.output).unwrap();
    assert_eq!(answer::taken(&bytes).unwrap_err().to_string(), cause);
}

#[test]
fn a_refused_further_input_is_named_by_its_option_and_a_missing_one_may_be_left_out() {
    let folder = TempDir::new().unwrap();
    let config = config(&folder, &small_cache());
    let missing = Some(folder.path().join("missing"));
    for (name, config) in [
        ("netblocks", with(&config, |inputs| inputs.netblocks = missing.clone())),
        ("continents", with(&config, |inputs| inputs.continents = missing.clone())),
        ("geoip", with(&config, |inputs| inputs.geoip = missing.clone())),
        ("geoip", with(&config, |inputs| inputs.geoip = Some(inputs.mirrormanager.clone()))),
    ] {
        let failure = run(&config).unwrap_err();
        assert_eq!(failure.fault, Fault::Cache);
        assert!(failure.to_string().starts_with(&format!("{name} ")), "{failure}");
        assert!(failure.to_string().ends_with("cache.mlc is not written"), "{failure}");
        let is_missing = config.inputs.named().any(|(_, path)| Some(path) == missing.as_deref());
        let remedy = format!("; put the file there, or leave {name} out to build without it; ");
        assert_eq!(failure.to_string().contains(&remedy), is_missing, "{failure}");
    }
    assert_eq!(names(&folder), ["input"]);
}

#[test]
fn a_further_input_that_yields_nothing_is_refused() {
    let folder = TempDir::new().unwrap();
    let config = config(&folder, &small_cache());
    fs::write(&config.output, "old").unwrap();
    let useless = folder.path().join("useless");
    for (text, name) in [("", "empty"), ("# a comment\n", "a comment"), ("useless\n", "something else")] {
        fs::write(&useless, text).unwrap();
        let given = Some(useless.clone());
        for (cause, config) in [
            ("netblocks", with(&config, |inputs| inputs.netblocks = given.clone())),
            ("continents", with(&config, |inputs| inputs.continents = given.clone())),
        ] {
            let failure = run(&config).unwrap_err();
            let message = failure.to_string();
            assert_eq!(failure.fault, Fault::Cache, "{name}: {message}");
            assert!(message.starts_with(&format!("{cause} {}: not one ", useless.display())), "{message}");
            assert!(message.ends_with("cache.mlc is left as it was"), "{message}");
        }
    }
    assert_eq!(fs::read(&config.output).unwrap(), b"old");
}

#[test]
fn an_input_is_never_the_output() {
    let folder = TempDir::new().unwrap();
    let config = config(&folder, &small_cache());
    let (netblocks, link) = (folder.path().join("netblocks"), folder.path().join("link"));
    fs::write(&netblocks, "192.0.2.0/24 64496\n").unwrap();
    std::os::unix::fs::symlink("netblocks", &link).unwrap();
    for (name, output) in
        [("mirrormanager", &config.inputs.mirrormanager), ("netblocks", &netblocks), ("netblocks", &link)]
    {
        let config = with(&config, |inputs| inputs.netblocks = Some(netblocks.clone()));
        let failure = run(&Config { output: output.clone(), ..config }).unwrap_err();
        assert_eq!(failure.fault, Fault::Config, "{failure}");
        let cause = format!(": is the file that is given as {name}; nothing is built");
        assert!(failure.to_string().ends_with(&cause), "{failure}");
    }
    assert_eq!(fs::read(&config.inputs.mirrormanager).unwrap(), small_cache());
    assert_eq!(names(&folder), ["input", "link", "netblocks"]);
}

#[test]
fn an_input_that_is_no_regular_file_is_refused_and_not_waited_for() {
    let folder = TempDir::new().unwrap();
    let config = config(&folder, &small_cache());
    let pipe = folder.path().join("pipe");
    nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).unwrap();
    for config in [
        with(&config, |inputs| inputs.mirrormanager = pipe.clone()),
        with(&config, |inputs| inputs.netblocks = Some(pipe.clone())),
        with(&config, |inputs| inputs.continents = Some(pipe.clone())),
        with(&config, |inputs| inputs.geoip = Some(pipe.clone())),
    ] {
        for check in [false, true] {
            let failure = run(&Config { check, ..config.clone() }).unwrap_err();
            assert_eq!(failure.fault, Fault::Cache, "{failure}");
            assert!(failure.to_string().contains("cannot be read (not a regular file)"), "{failure}");
        }
    }
}

#[test]
fn a_check_finds_what_is_wrong_and_builds_nothing() {
    let folder = TempDir::new().unwrap();
    let config = Config { check: true, ..config(&folder, b"not looked into") };
    run(&config).unwrap();
    let absent = folder.path().join("absent");
    let failure = run(&with(&config, |inputs| inputs.geoip = Some(absent.clone()))).unwrap_err();
    let cause = "cannot be read (No such file or directory (os error 2))";
    let remedy = "put the file there, or leave geoip out to build without it";
    assert_eq!(failure, Failure::cache(format!("geoip {}: {cause}; {remedy}", absent.display())));
    let failure = run(&with(&config, |inputs| inputs.mirrormanager = absent.clone())).unwrap_err();
    let remedy = "put the file there, or name another one";
    assert_eq!(failure, Failure::cache(format!("mirrormanager {}: {cause}; {remedy}", absent.display())));
    let failure = run(&Config { output: config.inputs.mirrormanager.clone(), ..config }).unwrap_err();
    assert_eq!(failure.fault, Fault::Config, "{failure}");
    assert_eq!(names(&folder), ["input"]);
}

#[test]
fn a_cache_that_the_policy_leaves_without_a_mirror_is_not_built() {
    let folder = TempDir::new().unwrap();
    let policy = Policy { exclude_protocols: Schemes::NONE.with(Scheme::Https), ..Policy::default() };
    let failure = run(&Config { policy, ..config(&folder, &small_cache()) }).unwrap_err();
    let cause = ": no directory in it has a host with a URL that exclude-protocols leaves; ";
    assert!(failure.fault == Fault::Cache && failure.to_string().contains(cause), "{failure}");
    assert_eq!(names(&folder), ["input"]);
}

#[test]
fn an_output_that_cannot_be_written_is_the_systems_fault() {
    let folder = TempDir::new().unwrap();
    let config =
        Config { output: folder.path().join("no/such/folder/cache.mlc"), ..config(&folder, &small_cache()) };
    let failure = run(&config).unwrap_err();
    assert_eq!(failure.fault, Fault::System);
    assert!(failure.to_string().contains("cache.mlc: there is no folder "), "{failure}");
    assert_eq!(names(&folder), ["input"]);
}
