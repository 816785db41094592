//! From a folder of mirrors and a tree to an answer: what the collector's `run` writes is what the compiler takes, our own
//! fields included.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{fs, path::Path, process::Command};
use testkit::stack::{self, Programs};

/// Runs a program well; what it printed.
fn run(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {said}");
    String::from_utf8(output.stdout).unwrap()
}

fn put(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

const MIRRORS: [(&str, &str); 4] = [
    (
        "near.example",
        "country = 'DE'\nplace = [52.5, 13.4]\nbandwidth = '10 Gbit/s'\nup-to-date = true\n[urls]\n\
         Example = ['https://near.example/e', 'rsync://near.example/e']\nImages = 'https://near.example/i'\n",
    ),
    ("other.example", "up-to-date = true\nweight = 3\n[urls]\nExample = 'https://other.example/e/'\n"),
    (
        "campus.example",
        "private = true\nup-to-date = true\nnetblocks = ['192.0.2.0/24']\nexclusive = ['192.0.2.0/25']\n[urls]\nExample = 'http://campus.example/e'\n",
    ),
    ("out.example", "disabled = true\n[urls]\nExample = 'https://out.example/e'\n"),
];

#[test]
fn what_files_of_mirrors_and_a_tree_say_is_answered() {
    let folder = tempfile::tempdir().unwrap();
    let at = |path: &str| folder.path().join(path);
    let index = "<repomd><data><timestamp>1790000000</timestamp></data></repomd>";
    put(&at("pub/example/9/os/x86_64/repodata/repomd.xml"), index);
    put(&at("pub/example/9/os/x86_64/a.rpm"), "a package");
    put(&at("pub/images/9/a.iso"), "an image");
    put(&at("pub/images/9/CHECKSUM"), &format!("SHA256 (a.iso) = {}\n", "ab".repeat(32)));
    put(&at("pub/only-here/f"), "on no mirror");
    for (name, text) in MIRRORS {
        put(&at("mirrors.d").join(format!("{name}.toml")), text);
    }
    let top = folder.path().display();
    let options = format!(
        r#"
        contact = "me@example.org"
        state = "{top}/state.db"
        output = "{top}"
        mirrors = "{top}/mirrors.d"
        trusted = ["near.example", "other.example", "campus.example"]
        [primary]
        path = "{top}/pub"
        prefix = "pub"
        [[category]]
        name = "Example"
        top = "pub/example"
        origin = "https://dl.example.org/pub/example"
        [[category]]
        name = "Images"
        top = "pub/images"
        [[category]]
        name = "Here"
        top = "pub/only-here"
        origin = "https://dl.example.org/pub/only-here"
        [[repository]]
        path = '^pub/example/(?<version>\d+)/os/(?<arch>\w+)$'
        name = "example-$version"
        arch = "$arch"
        [aliases]
        "pub/latest" = "pub/example/9"
        "#
    );
    fs::write(at("collect.toml"), options).unwrap();
    run(Command::new(stack::collector().unwrap()).args(["run", "--config"]).arg(at("collect.toml")));
    let programs = Programs::build().unwrap();
    let mut build = Command::new(&programs.cache);
    build.args(["build", "--json", "--mirrormanager"]).arg(at("mirrorlist.proto-cache"));
    let summary: serde_json::Value =
        serde_json::from_str(&run(build.arg("--output").arg(at("cache.mlc")))).unwrap();
    assert_eq!((&summary["hosts"], &summary["repositories"]), (&3.into(), &1.into()), "{summary}");
    assert_eq!(summary["skipped_in_all"], 0, "{summary}");
    let ask = |client: &str, request: &str| {
        let mut query = Command::new(&programs.cache);
        run(query.args(["query", "--client", client]).arg(at("cache.mlc")).arg(request))
    };
    let (far, campus) = ("198.51.100.7", "192.0.2.7");
    let list = "mirrorlist?repo=example-9&arch=x86_64";
    let answer = ask(far, list);
    for url in ["https://near.example/e/9/os/x86_64/", "https://other.example/e/9/os/x86_64/"] {
        assert!(answer.contains(&format!("\n{url}\n")), "{answer}");
    }
    assert!(!answer.contains("campus.example") && !answer.contains("out.example"), "{answer}");
    // The only mirror for these clients.
    let answer = ask(campus, list);
    assert!(
        answer.contains("http://campus.example/e/9/os/x86_64/") && !answer.contains("near.example"),
        "{answer}"
    );
    let answer = ask("192.0.2.200", list);
    assert!(answer.contains("campus.example") && answer.contains("near.example"), "{answer}");
    let metalink = ask(far, "metalink?repo=example-9&arch=x86_64");
    assert!(metalink.contains("<mm0:timestamp>1790000000</mm0:timestamp>"), "{metalink}");
    assert!(metalink.contains("https://near.example/e/9/os/x86_64/repodata/repomd.xml"), "{metalink}");
    let metalink = ask(far, "metalink?path=pub/images/9/a.iso");
    assert!(
        metalink.contains(&"ab".repeat(32)) && metalink.contains("https://near.example/i/9/a.iso"),
        "{metalink}"
    );
    let contents = run(Command::new(&programs.cache).args(["inspect", "--json"]).arg(at("cache.mlc")));
    let contents: serde_json::Value = serde_json::from_str(&contents).unwrap();
    assert_eq!(
        contents["site"]["origins"]["pub/example"], "https://dl.example.org/pub/example",
        "{contents}"
    );
    assert_eq!(contents["site"]["aliases"]["pub/latest"], "pub/example/9", "{contents}");
    // No mirror has this category.
    let leads = ask(far, "/dl/pub/only-here/f");
    assert!(leads.starts_with("https://dl.example.org/pub/only-here/f"), "{leads}");
    let leads = ask(far, "/dl/pub/latest/os/x86_64/a.rpm");
    assert!(leads.contains(".example/e/9/os/x86_64/a.rpm"), "{leads}");
}
