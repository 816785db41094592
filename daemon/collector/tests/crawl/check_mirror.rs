//! `check-mirror`, by the built program: what is found of a mirror, what to do about it, and how it ends.

use crate::{
    primary::{Primary, TOP},
    server::Fault,
    world::World,
};
use serde_json::Value;
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

/// The primary as a folder, and the options of a site.
struct Site {
    folder: tempfile::TempDir,
}

impl Site {
    fn new(primary: &Primary, more: &str) -> Site {
        let site = Site { folder: tempfile::tempdir().unwrap() };
        for (path, content) in &*primary.files() {
            let file = site.at("primary").join(TOP).join(path);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, content).unwrap();
        }
        let config = format!(
            "contact = 'https://example.org/about'\nstate = '{}'\nallow-addresses = ['127.77.0.0/16']\n\
             [primary]\npath = '{}'\n[[category]]\nname = 'Linux'\ntop = '{TOP}'\n{more}\
             [[repository]]\npath = '^{TOP}/(\\d+)/os$'\nname = 'repo-$1'\narch = 'x86_64'\n",
            site.at("state.db").display(),
            site.at("primary").display(),
        );
        fs::write(site.at("collect.toml"), config).unwrap();
        site
    }

    fn at(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    fn check(&self, mirror: &str, more: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mirrorlist-collect"));
        command.args(["check-mirror", mirror, "--config"]).arg(self.at("collect.toml")).args(more);
        for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"] {
            command.env_remove(name).env_remove(name.to_ascii_lowercase());
        }
        command.output().unwrap()
    }
}

fn printed(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_mirror_that_has_everything_is_told_so_and_one_that_has_not_what_to_do() {
    let world = World::new(Primary::new(6, 2), 1);
    let site = Site::new(&world.primary, "");
    let server = &world.servers[0];
    let url = server.url();
    let good = site.check(&url, &[]);
    assert_eq!((good.status.code(), &*said(&good)), (Some(0), ""));
    let text = printed(&good);
    assert!(
        text.starts_with(&format!("{url}\n  Linux: has 8 of 8 repositories and directories\n")),
        "{text}"
    );
    assert!(text.contains("  note: it has no https URL\n      offer the same by https"), "{text}");
    assert_eq!(server.requests().len(), 6 * 4 + 2 * 2);
    assert!(!site.at("state.db").exists());

    server.fault("/0/os/repodata", Fault::Html);
    server.fault("/1/os/repodata", Fault::Status(404));
    server.fault("/2/os/Packages/a-1", Fault::Content(b"cut".into()));
    server.fault("/3/os/repodata", Fault::Status(403));
    server.fault("/4/os/repodata", Fault::Packed);
    server.fault("/images/", Fault::NoHead);
    let bad = site.check(&url, &["--json"]);
    assert_eq!(bad.status.code(), Some(69));
    assert!(
        said(&bad).contains(&format!("mirror {url}: 3 of 8 findings are to be seen to")),
        "{}",
        said(&bad)
    );
    let report: Value = serde_json::from_str(&printed(&bad)).unwrap();
    assert_eq!(report["categories"]["Linux"], serde_json::json!({ "good": 4, "asked": 8, "all": 8 }));
    let found = |part: &str, is_wrong: bool, advice: &str| {
        report["findings"].as_array().unwrap().iter().any(|finding| {
            finding["what"].as_str().unwrap().contains(part)
                && finding["is_wrong"] == is_wrong
                && finding["advice"].as_str().unwrap().contains(advice)
        })
    };
    for (part, is_wrong, advice) in [
        ("pub/linux/0/os (index: a page of HTML in its place)", true, "answer with status 404"),
        ("pub/linux/1/os (index: status 404)", false, "copy it, or leave it out"),
        ("pub/linux/2/os (a-1.rpm: 3 bytes, not ", true, "copied half"),
        ("pub/linux/3/os (index: status 403)", true, "may read it"),
        ("it sends packed", false, "Accept-Encoding"),
        ("it knows no HEAD", false, "allow that method"),
        ("it has no https URL", false, "offer"),
    ] {
        assert!(found(part, is_wrong, advice), "{part}: {report:#}");
    }
}

#[test]
fn a_mirrors_file_is_checked_with_all_its_urls() {
    let world = World::new(Primary::new(3, 0), 3);
    let site = Site::new(&world.primary, "");
    let file = site.at("mirror.example.toml");
    let check = |text: String| {
        fs::write(&file, text).unwrap();
        site.check(file.to_str().unwrap(), &[])
    };
    let [first, second] = [world.servers[0].url(), world.servers[1].url()];
    let good = check(format!("[urls]\nLinux = ['{first}', '{second}']\n"));
    assert_eq!(good.status.code(), Some(0), "{}", said(&good));
    assert!(printed(&good).starts_with("mirror.example\n  Linux: has 3 of 3"), "{}", printed(&good));
    // The second one is another mirror, which is behind.
    world.servers[1].fault("repodata", Fault::Status(404));
    let differs = check(format!("[urls]\nLinux = ['{first}', '{second}']\n"));
    assert_eq!(differs.status.code(), Some(69));
    let text = printed(&differs);
    assert!(
        text.contains(&format!("  wrong: {second}: not what another URL of it has (index: status 404)\n")),
        "{text}"
    );
    world.servers[2].die();
    let dead = check(format!("[urls]\nLinux = ['{}']\n", world.servers[2].url()));
    assert_eq!(dead.status.code(), Some(69));
    assert!(
        printed(&dead).contains("  wrong: Linux: nothing is found out (no connection (127.77."),
        "{}",
        printed(&dead)
    );
    let wrong = check("[urls]\nLinnux = ['http://127.77.0.1/']\n".into());
    assert_eq!(wrong.status.code(), Some(78));
    assert!(said(&wrong).contains("mirror.example.toml line 2: "), "{}", said(&wrong));
    let absent = site.check("absent.toml", &[]);
    assert!(absent.status.code() == Some(78) && said(&absent).contains("absent.toml: cannot be read"));
    assert!(Path::new(&file).exists());
}

#[test]
fn a_url_is_of_those_categories_of_which_it_has_something() {
    let world = World::new(Primary::new(3, 1), 1);
    let more = "[[category]]\nname = 'Images'\ntop = 'pub/linux/images'\n";
    let site = Site::new(&world.primary, more);
    let output = site.check(&world.servers[0].url(), &[]);
    assert_eq!(output.status.code(), Some(0), "{}{}", printed(&output), said(&output));
    let text = printed(&output);
    assert!(text.contains("Linux: has 3 of 3") && !text.contains("Images"), "{text}");
}

#[test]
fn a_url_with_a_password_or_a_query_is_refused_and_a_password_is_not_repeated() {
    let world = World::new(Primary::new(1, 0), 1);
    let site = Site::new(&world.primary, "");
    let address = world.servers[0].address;
    for (url, cause) in [
        (format!("http://me:secret@{address}/"), "mirror: the URL names a user"),
        (format!("http://{address}/?x=1"), "mirror: the URL has a `?` or `#`"),
        (
            format!("ftp://{address}/"),
            "mirror: the URL is a URL of ftp, which is none of https, http and rsync",
        ),
        (format!("rsync://{address}/"), ": expected an https or http URL, or a file"),
    ] {
        let output = site.check(&url, &[]);
        assert_eq!(output.status.code(), Some(78), "{}", said(&output));
        assert!(said(&output).contains(cause) && !said(&output).contains("secret"), "{}", said(&output));
    }
    assert_eq!(world.servers[0].connections(), 0);
}
