//! What may go wrong around a run: files of mirrors and the primary break, it is killed, there is no room, there are two.

use crate::{
    program::{PROGRAM, ended},
    world::{NOW, World, mirror},
};
use program::failure::Fault;
use rusqlite::Connection;
use std::{
    fs,
    process::{Command, Stdio},
    sync::mpsc,
    time::Duration,
};

fn names(world: &World) -> Vec<String> {
    let name = |host: &interchange::message::Host| String::from_utf8(host.name.clone().unwrap()).unwrap();
    world.list().host.iter().map(name).collect()
}

#[test]
fn a_mirror_whose_file_breaks_stays_as_it_was_and_one_whose_file_goes_is_gone() {
    let world = World::new();
    world.run(NOW).unwrap();
    world.mirror("b.example", "country = 'DE'\n[urls]\n'Example Linux' = ['http://");
    world.mirror("new.example", "what = 'ever'\n");
    let summary = world.run(NOW + 60).unwrap();
    assert_eq!(
        (summary.as_before, summary.left_out),
        (vec!["b.example".to_owned()], vec!["new.example".to_owned()])
    );
    assert_eq!(names(&world), ["a.example", "b.example", "private.example"]);
    let (code, printed, said) = world.end(&[]);
    assert_eq!(code, Some(0));
    assert!(printed.contains("3 of 5 mirrors listed, 0 disabled, 1 as before, 1 left out"), "{printed}");
    let folder = world.at("mirrors.d").display().to_string();
    assert!(said.contains(&format!("warning: config {folder}/b.example.toml line 3: ")), "{said}");
    assert!(said.contains("; the mirror stays as its file of 2027-01-15T08:00:00Z had it\n"), "{said}");
    assert!(
        said.contains("unknown; there are ")
            && said.contains("; the mirror is left out until that is mended\n"),
        "{said}"
    );
    // What was good stays good only as long as it would be.
    let mut world = world;
    world.options = world.options.replace("'b.example', ", "");
    assert_eq!(world.run(NOW + 120).unwrap().left_out, ["b.example", "new.example"]);
    for name in ["b.example", "new.example"] {
        fs::remove_file(world.at("mirrors.d").join(format!("{name}.toml"))).unwrap();
    }
    world.run(NOW + 180).unwrap();
    assert_eq!(names(&world), ["a.example", "private.example"]);
    world.mirror("a.example", &format!("disabled = true\n{}", mirror("https://a.example")));
    let summary = world.run(NOW + 240).unwrap();
    assert_eq!((summary.disabled, names(&world)), (1, vec!["private.example".into()]));
}

#[test]
fn most_of_a_tree_or_of_a_folder_is_not_believed_to_be_gone() {
    let world = World::new();
    world.run(NOW).unwrap();
    let output = world.at("out/mirrorlist.proto-cache");
    let first = fs::read(&output).unwrap();
    fs::rename(world.at("pub/example/9.1"), world.at("9.1")).unwrap();
    let failure = world.run(NOW + 60).unwrap_err();
    assert_eq!(failure.fault, Fault::Unavailable);
    let said = failure.to_string();
    assert!(said.starts_with("primary: its tree has 7 directories, the last time there were "), "{said}");
    assert!(
        said.ends_with("mirrorlist.proto-cache is left as it was; if it is so, run once with --accept-loss"),
        "{said}"
    );
    let gone = world.run(NOW + 60).unwrap_err();
    assert_eq!(gone.to_string(), said, "what is not believed is not remembered");
    assert_eq!(fs::read(&output).unwrap(), first);
    let (code, _, said) = world.end(&["--accept-loss"]);
    assert_eq!((code, &*said), (Some(0), ""));
    assert_eq!(world.list().mirror_list.len(), 7);
    assert_eq!(world.run(NOW + 60).unwrap().odd, [""; 0], "what was accepted as gone does not come back");
    assert_eq!(world.list().mirror_list.len(), 7);
    fs::rename(world.at("9.1"), world.at("pub/example/9.1")).unwrap();
    world.run(NOW + 60).unwrap();
    for name in ["b.example", "c.example", "private.example"] {
        fs::remove_file(world.at("mirrors.d").join(format!("{name}.toml"))).unwrap();
    }
    let said = world.run(NOW + 60).unwrap_err().to_string();
    assert!(said.contains("mirrors.d has 1 file, the last time there were 4; "), "{said}");
    let before = fs::read(&output).unwrap();
    fs::remove_file(world.at("mirrors.d/a.example.toml")).unwrap();
    let said = world.run(NOW + 60).unwrap_err().to_string();
    assert!(said.contains("not one NAME.toml is in it"), "{said}");
    fs::rename(world.at("pub"), world.at("bup")).unwrap();
    world.mirror("a.example", &mirror("https://a.example"));
    let (code, _, said) = world.end(&["--accept-loss"]);
    assert_eq!(code, Some(69));
    assert!(said.contains("pub cannot be read (No such file or directory (os error 2)); "), "{said}");
    assert_eq!(fs::read(&output).unwrap(), before);
}

#[test]
fn an_index_that_cannot_be_read_is_as_it_was() {
    let world = World::new();
    for n in 0..12 {
        world.put(
            &format!("example/8.{n}/BaseOS/x86_64/os/repodata/repomd.xml"),
            &crate::world::repomd(NOW - n),
        );
    }
    world.run(NOW).unwrap();
    let first = world.list();
    world.put("example/8.5/BaseOS/x86_64/os/repodata/repomd.xml", "<html>Please log in</html>");
    let summary = world.run(NOW).unwrap();
    let cause = "index pub/example/8.5/BaseOS/x86_64/os/repodata/repomd.xml: a page of HTML in its place";
    assert_eq!(summary.odd, [cause]);
    assert_eq!(world.list(), first);
    let (_, _, said) = world.end(&[]);
    assert_eq!(said, format!("warning: primary: {cause}; the rest of it counts\n"));
}

#[test]
fn a_repository_without_its_index_stays_for_two_runs() {
    let world = World::new();
    world.run(NOW).unwrap();
    let first = world.list();
    let index = "example/9.1/BaseOS/aarch64/os/repodata/repomd.xml";
    let text = fs::read_to_string(world.at("pub").join(index)).unwrap();
    for _ in 0..2 {
        for _ in 0..2 {
            fs::remove_file(world.at("pub").join(index)).unwrap_or_default();
            let odd = world.run(NOW).unwrap().odd;
            assert!(
                odd.contains(&format!("index pub/{index}: is not there; its repository stays for 2 runs")),
                "{odd:?}"
            );
            assert_eq!(world.list(), first);
        }
        world.put(index, &text);
        assert_eq!(world.run(NOW).unwrap().odd, [""; 0]);
    }
    fs::remove_file(world.at("pub").join(index)).unwrap();
    for _ in 0..2 {
        world.run(NOW).unwrap();
    }
    let summary = world.run(NOW).unwrap();
    assert_eq!((summary.repositories, summary.odd.len()), (3, 0));
}

#[test]
fn a_repository_whose_directory_has_gone_stays_for_two_runs_too() {
    let world = World::new();
    let index = "example/8.5/BaseOS/x86_64/os/repodata/repomd.xml";
    world.put(index, &crate::world::repomd(NOW));
    world.run(NOW).unwrap();
    let listed = |path: &str| {
        let list = world.list();
        let is_its = |record: &&interchange::message::MirrorListDirectory| {
            record.directory.as_deref() == Some(path.as_bytes())
        };
        list.mirror_list.iter().find(is_its).map(|record| record.global.len())
    };
    let repository = "pub/example/8.5/BaseOS/x86_64/os";
    let has = || [repository.to_owned(), format!("{repository}/repodata")].map(|path| listed(&path));
    assert_eq!(has(), [Some(2); 2]);
    fs::remove_dir_all(world.at("pub/example/8.5")).unwrap();
    for _ in 0..2 {
        let summary = world.run(NOW).unwrap();
        assert_eq!((has(), summary.repositories), ([Some(2); 2], 6));
        assert_eq!(
            summary.odd,
            [format!("index pub/{index}: is not there; its repository stays for 2 runs")]
        );
        assert_eq!(listed("pub/example/8.5"), None);
    }
    assert_eq!((world.run(NOW).unwrap().repositories, has()), (5, [None; 2]));
}

#[test]
fn a_loss_of_most_of_one_category_or_of_the_repositories_is_not_believed() {
    let world = World::new();
    for n in 0..9 {
        world.put(&format!("images/{n}/a.iso"), "image");
    }
    world.run(NOW).unwrap();
    for n in 0..9 {
        fs::remove_dir_all(world.at("pub").join(format!("images/{n}"))).unwrap();
    }
    let said = world.run(NOW).unwrap_err().to_string();
    let expected = "primary: category `Images` has 2 directories, the last time there were 11; ";
    assert!(said.starts_with(expected), "{said}");
    let (code, _, said) = world.end(&["--accept-loss"]);
    assert_eq!((code, &*said), (Some(0), ""));
    for arch in ["x86_64", "aarch64"] {
        fs::remove_dir_all(world.at("pub").join(format!("example/9.1/BaseOS/{arch}/os/repodata"))).unwrap();
    }
    let said = world.run(NOW).unwrap_err().to_string();
    assert!(said.starts_with("primary: its tree has 1 repository, the last time there were 5; "), "{said}");
}

#[test]
fn a_list_of_hashes_is_read_when_it_changes_and_says_what_it_said_while_it_cannot_be_read() {
    let mut world = World::new();
    let files = world.files();
    world.primary = format!("file-list = 'all'\nchecksum-base = '{}'\nprefix = 'pub'\n", files.url(""));
    // Runs; the hash of the image, how often the list was asked for, and what is odd.
    let run = || {
        fs::write(world.at("pub/all"), world.file_list()).unwrap();
        let odd = world.run(NOW).unwrap().odd;
        let list = world.list();
        let is_its = |of: &&interchange::message::FileDetailsDirectory| {
            of.directory.as_deref() == Some(b"pub/images/9.1".as_slice())
        };
        let its = list.file_details.iter().find(is_its);
        let hash = its.map(|of| String::from_utf8(of.files[0].details[0].sha256.clone().unwrap()).unwrap());
        let asked = files.requests().iter().filter(|path| path.ends_with("/CHECKSUM")).count();
        (hash, asked, odd)
    };
    let (first, second) = ("ab".repeat(32), "cd".repeat(32));
    assert_eq!(run(), (Some(first.clone()), 1, vec![]));
    assert_eq!(run(), (Some(first.clone()), 0, vec![]));
    world.put("images/9.1/CHECKSUM", &format!("SHA256 (a.iso) = {second}\n"));
    files.refuse(&["CHECKSUM"]);
    let odd = format!("hashes pub/images/9.1/CHECKSUM: {}: status 404", files.url("images/9.1/CHECKSUM"));
    for _ in 0..2 {
        assert_eq!(run(), (Some(first.clone()), 1, vec![odd.clone()]));
    }
    // An image that is newer than the list was is another one.
    world.put("images/9.1/a.iso", &"image".repeat(100));
    assert_eq!(run(), (None, 1, vec![odd]));
    files.refuse(&[]);
    assert_eq!(run(), (Some(second.clone()), 1, vec![]));
    assert_eq!(run(), (Some(second), 0, vec![]));
}

#[test]
fn a_list_that_loses_most_of_its_mirrors_at_once_is_not_believed() {
    let mut world = World::new();
    let more = ["d.example", "e.example", "f.example", "g.example"];
    world.options =
        world.options.replace("'a.example', ", &format!("'a.example', '{}', ", more.join("', '")));
    let file = |name: &str| mirror(&format!("https://{name}"));
    let images = |name: &str| format!("Images = 'https://{name}/images'\n");
    more.iter().for_each(|name| world.mirror(name, &(file(name) + &images(name))));
    world.run(NOW).unwrap();
    let first = world.list();
    assert_eq!(names(&world).len(), 7);
    let refused = |runs: usize, expected: &str| {
        for _ in 0..runs {
            let failure = world.run(NOW).unwrap_err();
            assert_eq!(failure.fault, Fault::Unavailable);
            let said = failure.to_string();
            assert!(said.starts_with(expected) && said.ends_with("run once with --accept-loss"), "{said}");
            assert_eq!(world.list(), first, "what is not believed is neither written nor remembered");
        }
    };
    more.iter().for_each(|name| world.mirror(name, &file(name)));
    refused(1, "mirrors: the list of category `Images` has 1 mirror, the last time there were 5; ");
    for name in more {
        world.mirror(name, &format!("disabled = true\n{}{}", file(name), images(name)));
    }
    refused(2, "mirrors: the list has 3 mirrors, the last time there were 7; ");
    // Four times in a row is no accident.
    assert_eq!((world.run(NOW).unwrap().listed, names(&world).len()), (3, 3));
    more.iter().for_each(|name| world.mirror(name, &file(name)));
    assert_eq!((world.run(NOW).unwrap().listed, names(&world).len()), (7, 7));
    more.iter().for_each(|name| world.mirror(name, &format!("disabled = true\n{}", file(name))));
    assert_eq!(world.run(NOW).unwrap_err().fault, Fault::Unavailable);
    assert_eq!(world.end(&["--accept-loss"]).0, Some(0));
    assert_eq!(names(&world).len(), 3);
    // Two are few.
    for name in ["b.example", "private.example"] {
        let text = fs::read_to_string(world.at("mirrors.d").join(format!("{name}.toml"))).unwrap();
        world.mirror(name, &format!("disabled = true\n{text}"));
    }
    assert_eq!((world.run(NOW).unwrap().listed, names(&world)), (1, vec!["a.example".to_owned()]));
}

#[test]
fn a_run_that_is_killed_leaves_what_was_and_the_next_one_goes_on() {
    let mut world = World::new();
    // Whom so many runs ask in vain would be told of.
    fs::remove_file(world.at("mirrors.d/c.example.toml")).unwrap();
    world.run(NOW).unwrap();
    let output = world.at("out/mirrorlist.proto-cache");
    let first = fs::read(&output).unwrap();
    let files = world.files();
    fs::write(world.at("pub/all"), world.file_list()).unwrap();
    world.primary = format!("file-list = 'all'\nchecksum-base = '{}'\nprefix = 'pub'\n", files.url(""));
    let (bell, rung) = mpsc::channel();
    files.stall(Some(bell));
    let mut child = world.command(&["--accept-loss"]).stdout(Stdio::null()).spawn().unwrap();
    rung.recv_timeout(Duration::from_secs(60)).unwrap();
    // Two at once: the second one ends.
    let (code, _, said) = world.end(&[]);
    assert_eq!(code, Some(69));
    assert!(said.contains("another run is running; this one ends"), "{said}");
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(fs::read(&output).unwrap(), first);
    files.stall(None);
    // At the moments when something is being written.
    for moment in ["state.db-journal", "out/."] {
        for _ in 0..5 {
            let mut child = world.command(&["--accept-loss"]).stdout(Stdio::null()).spawn().unwrap();
            let is_writing = || match moment {
                "out/." => fs::read_dir(world.at("out")).unwrap().count() > 1,
                journal => world.at(journal).exists(),
            };
            while !is_writing() && child.try_wait().unwrap().is_none() {
                std::thread::yield_now();
            }
            child.kill().unwrap();
            child.wait().unwrap();
            world.list();
            let state = Connection::open(world.at("state.db")).unwrap();
            let checked: String = state.query_row("pragma integrity_check", [], |row| row.get(0)).unwrap();
            assert_eq!(checked, "ok");
        }
    }
    let (code, _, said) = world.end(&["--accept-loss"]);
    assert_eq!((code, &*said), (Some(0), ""));
    assert!(world.list().time > Some(NOW - 1) || fs::read(&output).unwrap() != first);
}

#[test]
fn a_full_disk_a_later_state_and_a_folder_in_the_way_are_told() {
    let world = World::new();
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -f 8; exec \"$0\" run --config \"$1\"", PROGRAM, &world.config()]);
    let (code, _, said) = ended(command.output().unwrap());
    assert_eq!(code, Some(71), "{said}");
    assert!(said.contains("state.db: ") && said.contains("; is the disk full?"), "{said}");
    world.run(NOW).unwrap();
    let output = world.at("out/mirrorlist.proto-cache");
    let first = fs::read(&output).unwrap();
    // Room for the state, which hardly changes, and not for the file.
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -f 3; exec \"$0\" run --config \"$1\"", PROGRAM, &world.config()]);
    let (code, _, said) = ended(command.output().unwrap());
    assert_eq!(code, Some(71), "{said}");
    assert_eq!(fs::read(&output).unwrap(), first);
    fs::remove_file(&output).unwrap();
    fs::create_dir(&output).unwrap();
    let said = world.run(NOW).unwrap_err().to_string();
    assert!(said.contains("cannot be written (there is something that is no regular file)"), "{said}");
    fs::remove_dir(&output).unwrap();
    Connection::open(world.at("state.db")).unwrap().pragma_update(None, "user_version", 99).unwrap();
    let (code, _, said) = world.end(&[]);
    assert_eq!(code, Some(66));
    assert!(said.contains("form 99, this version reads "), "{said}");
    assert!(!output.exists());
}

#[test]
fn few_descriptors_are_told_as_what_they_are() {
    let world = World::new();
    let run = |most: u32, what: &[&str]| {
        let mut command = Command::new("sh");
        command.args(["-c", &format!("ulimit -n {most}; exec \"$0\" \"$@\""), PROGRAM]).args(what);
        ended(command.output().unwrap())
    };
    let config = world.config();
    let state = world.at("state.db").display().to_string();
    let (code, _, said) = run(5, &["run", "--config", &config]);
    assert_eq!(code, Some(71), "{said}");
    let hint =
        "; this process has as many files open as it may: raise LimitNOFILE= of its unit, or ulimit -n\n";
    assert!(said.starts_with(&format!("error: state {state}: ")) && said.ends_with(hint), "{said}");
    let (code, _, said) = run(100, &["run", "--config", &config]);
    assert_eq!(code, Some(71), "{said}");
    assert!(
        said.contains(
            "error: open files: this process may have 100 at a time, and a run takes 144 at least; raise "
        ),
        "{said}"
    );
    let (code, _, said) = run(200, &["run", "--config", &config]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("may have 200 at a time; no more than 72 mirrors are asked at a time\n"), "{said}");
}

#[test]
fn folders_that_are_not_there_are_told_before_anybody_is_asked() {
    let world = World::new();
    for (folder, what) in [("out", "output"), ("pub", "primary")] {
        let aside = world.at("aside");
        fs::rename(world.at(folder), &aside).unwrap();
        let (code, _, said) = world.end(&["--check"]);
        assert_eq!(code, Some(78), "{said}");
        assert!(
            said.contains(&format!("error: {what} ")) && said.contains("is no folder that is there"),
            "{said}"
        );
        fs::rename(&aside, world.at(folder)).unwrap();
    }
    assert_eq!(world.end(&["--check"]).0, Some(0));
}

#[test]
fn a_mirror_that_was_removed_does_not_come_back_by_a_file_that_is_wrong() {
    let world = World::new();
    let file = world.at("mirrors.d/b.example.toml");
    let is_listed = || world.list().host.iter().any(|host| host.name.as_deref() == Some(&b"b.example"[..]));
    world.run(NOW).unwrap();
    assert!(is_listed());
    fs::remove_file(&file).unwrap();
    world.run(NOW + 60).unwrap();
    fs::write(&file, "x =").unwrap();
    world.run(NOW + 120).unwrap();
    assert!(!is_listed());
}
