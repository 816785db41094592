//! The images of the Containerfile, made as far as that takes no container engine: every file that it copies, in a
//! folder that becomes the root of its processes, which are the first of their own.
//!
//! Only the stage that compiles is not run as it is written: its programs are those that the tests have made.

use super::{
    PATIENCE,
    containerfile::{self, Containerfile, Stage},
    eventually, files, machine,
    made::Make,
    outcome, run,
};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use std::{
    fs::{self, Permissions},
    os::unix::fs::{PermissionsExt as _, symlink},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    time::{SystemTime, UNIX_EPOCH},
};
use testkit::{
    postgres::{Postgres, SAMPLE},
    sample,
    stack::children,
};

/// What the stage that compiles leaves behind: folders of its own root, here in another one.
fn build(make: &Make, file: &Containerfile, root: &Path) {
    let stage = &file.stages["build"];
    let rest: Vec<&String> = stage.runs.iter().skip_while(|run| *run != "make").skip(1).collect();
    assert!(rest.len() > 1, "{:?}", stage.runs);
    for line in rest {
        // Folders at the top of its root are what it makes.
        let line = ["/tree", "/collector", "/report", "/libraries", "/accounts", "/empty"]
            .iter()
            .fold(line.clone(), |line, folder| line.replace(folder, &format!("{}{folder}", root.display())));
        match line.strip_prefix("make ") {
            Some(arguments) => drop(make.run(&arguments.split_whitespace().collect::<Vec<_>>())),
            None => drop(run(Command::new("sh").args(["-e", "-c", &line]))),
        }
    }
}

/// The root of an image: what it copies, over what the image has that it begins with.
fn image(file: &Containerfile, name: &str, built: &Path, root: &Path) {
    let stage = &file.stages[name];
    if stage.from != "scratch" {
        image(file, &stage.from, built, root);
    }
    for copy in &stage.copies {
        assert_eq!(copy.stage, "build");
        let (from, to) = (built.join(&copy.from[1..]), root.join(&copy.to[1..]));
        assert!(from.is_dir() && copy.from.ends_with('/') && copy.to.ends_with('/'), "{copy:?}");
        fs::create_dir_all(&to).unwrap();
        run(Command::new("cp").args(["-R", "--no-target-directory"]).arg(&from).arg(&to));
        fs::set_permissions(&to, Permissions::from_mode(0o755)).unwrap();
        let owner = copy.owner.as_deref().unwrap_or("0:0");
        run(Command::new("chown").args(["-R", owner]).arg(&to));
    }
}

/// Images that are there, and the volumes and folders that the comment's commands name, which are folders here.
struct Images {
    file: Containerfile,
    folder: tempfile::TempDir,
}

impl Images {
    fn root(&self, image: &str) -> PathBuf {
        self.folder.path().join(image)
    }

    fn stage(&self, image: &str) -> &Stage {
        &self.file.stages[image]
    }

    /// A command in an image as its first process, with the volumes that it is given mounted.
    fn process(&self, image: &str, command: &[String]) -> Command {
        let root = self.root(image);
        let user = self.stage(image).user.as_deref().unwrap();
        // A root that cannot be written to, as --read-only makes it, with what an engine mounts into every one.
        let mut script = "set -e\nroot=$1 user=$2; shift 2\nmount --bind \"$root\" \"$root\"\n\
            mount -t proc proc \"$root/proc\"; mount --rbind /dev \"$root/dev\"\n"
            .to_owned();
        for (volume, place) in [
            ("cache", "/var/lib/mirrorlist"),
            ("run", "/run/mirrorlistd"),
            ("input", "/var/lib/mirrorlist/input"),
            ("collected", "/var/lib/mirrorlist-collect"),
            ("postgresql", "/run/postgresql"),
            ("reported", "/var/lib/mirrorlist-report"),
            ("logs", "/var/log/mirrorlist"),
        ] {
            let volume = self.folder.path().join(volume);
            script += &format!(
                "[ ! -d \"$root{place}\" ] || mount --bind '{}' \"$root{place}\"\n",
                volume.display()
            );
        }
        script += "mount -o remount,bind,ro \"$root\"\n";
        script += "exec chroot --userspec=\"$user\" --groups= \"$root\" \"$@\"\n";
        let mut process = Command::new("unshare");
        process.args(["--mount", "--pid", "--ipc", "--fork", "--kill-child", "sh", "-c", &script, "sh"]);
        process.arg(&root).arg(user).args(command).stdin(Stdio::null());
        process
    }

    /// What an image starts when it is told nothing, in the background.
    fn start(&self, image: &str) -> Running {
        let stage = self.stage(image);
        let command = [&stage.entrypoint[..], &stage.command[..]].concat();
        Running(self.process(image, &command).stderr(Stdio::null()).spawn().unwrap())
    }
}

/// A container: unshare(1), whose only child is the first process in it.
struct Running(Child);

impl Running {
    /// The first process.
    fn first(&self) -> u32 {
        eventually("the first process", || children(self.0.id()).ok()?.first().copied())
    }

    /// Ends it as an engine does; how it ended.
    fn stop(&mut self) -> ExitStatus {
        kill(Pid::from_raw(self.first() as i32), Signal::SIGTERM).unwrap();
        eventually(&format!("an end within {PATIENCE:?}"), || self.0.try_wait().unwrap())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Takes what is inside along; a test that has failed already says why.
        let _ = self.0.kill().and_then(|()| self.0.wait());
    }
}

#[test]
fn images_hold_all_that_their_commands_need() {
    if !super::has(&["ldd", "unshare", "curl"]) {
        return;
    }
    let inside = std::env::var_os("MIRRORLIST_THROWAWAY").is_some();
    if !inside {
        drop(Make::all());
    }
    if !machine::entered("container::images_hold_all_that_their_commands_need", &[]) {
        return;
    }
    let images = Images { file: containerfile::read(), folder: tempfile::tempdir().unwrap() };
    fs::set_permissions(images.folder.path(), Permissions::from_mode(0o755)).unwrap();
    let built = images.folder.path().join("build");
    fs::create_dir(&built).unwrap();
    build(&Make::all(), &images.file, &built);
    for (name, count) in [("daemon", 3), ("frontend", 3), ("collector", 1), ("report", 1)] {
        image(&images.file, name, &built, &images.root(name));
        for mounted in ["dev", "proc"] {
            fs::create_dir(images.root(name).join(mounted)).unwrap();
        }
        let stage = images.stage(name);
        let programs = [Some(&stage.entrypoint), stage.health.as_ref()].into_iter().flatten();
        for program in programs {
            let file = images.root(name).join(&program[0][1..]);
            assert!(file.is_file(), "{}", program[0]);
        }
        for volume in &stage.volumes {
            assert!(images.root(name).join(&volume[1..]).is_dir(), "{volume}");
        }
        // No shell, no tool: nothing for an intruder either.
        let held = files(&images.root(name));
        let programs = held.iter().filter(|file| file.contains("/bin/")).count();
        assert_eq!(programs, count, "{held:?}");
    }
    // A new volume is as the image's folder is.
    for volume in ["cache", "run"] {
        let folder = images.folder.path().join(volume);
        fs::create_dir(&folder).unwrap();
        run(Command::new("chown").arg("900:900").arg(&folder));
    }
    fs::create_dir(images.folder.path().join("cache/input")).unwrap();
    assert!(images.root("daemon").join("var/lib/mirrorlist/input").is_dir());
    fs::create_dir(images.folder.path().join("input")).unwrap();
    sample::write(&images.folder.path().join("input")).unwrap();
    serve(&images);
    collect(&images);
    report(&images);
}

/// The comment's commands in their order: a cache is built, both services start and answer, a new cache is put to use.
fn serve(images: &Images) {
    let commands = &images.file.commands;
    let [(builder, build), (daemon, none), (frontend, nothing), (container, reload), ..] = &commands[..]
    else {
        panic!("{commands:?}");
    };
    assert_eq!(
        [builder, daemon, frontend, container],
        ["mirrorlistd", "mirrorlistd", "mirrorlist-http", "mirrorlistd"]
    );
    assert!(none.is_empty() && nothing.is_empty(), "{commands:?}");
    let health = images.stage("daemon").health.clone().unwrap();
    let (said, well) = outcome(&mut images.process("daemon", &health));
    assert!(!well, "well before it runs: {said}");
    run(&mut images.process("daemon", build));

    let mut daemon = images.start("daemon");
    // In a container of its own: the socket is on the volume that both have.
    eventually("a daemon that is well", || outcome(&mut images.process("daemon", &health)).1.then_some(()));
    let mut frontend = images.start("frontend");
    let ask = |url: &str| outcome(Command::new("curl").args(["--silent", "--fail", "--noproxy", "*", url]));
    let port = images.stage("frontend").exposed[0];
    let url = format!("http://127.0.0.1:{port}/metalink?repo=fedora-42&arch=x86_64");
    let answer = eventually("an answer", || Some(ask(&url)).filter(|(_, well)| *well)).0;
    assert!(answer.contains("<metalink"), "{answer}");
    assert!(ask("http://127.0.0.1:9180/healthz/ready").1);

    // As the first process of its container the daemon looks after its workers as ever.
    let first = daemon.first();
    let workers = children(first).unwrap();
    kill(Pid::from_raw(workers[0] as i32), Signal::SIGKILL).unwrap();
    eventually("a new worker", || {
        let now = children(first).ok()?;
        (now.len() == workers.len() && !now.contains(&workers[0])).then_some(())
    });
    run(&mut images.process("daemon", build));
    run(&mut images.process("daemon", reload));
    assert!(ask(&url).1);
    assert!(frontend.stop().success() && daemon.stop().success());
    assert!(!outcome(&mut images.process("daemon", &health)).1, "well after its end");
}

/// The commands after those: the collector reads a database of this machine, the compiler reads what it wrote, and mirrors are
/// asked whether they answer.
fn collect(images: &Images) {
    if !Postgres::is_there() {
        return;
    }
    let (image, nothing) = &images.file.commands[4];
    assert!(image == "mirrorlist-collect" && nothing.is_empty(), "{image} {nothing:?}");
    let server = Postgres::start(&[]).unwrap();
    server.create("mirrormanager2").unwrap();
    server.sql("mirrormanager2", SAMPLE).unwrap();
    let role = "create role \"mirrorlist-collect\" login; grant pg_read_all_data to \"mirrorlist-collect\"";
    server.sql("mirrormanager2", role).unwrap();
    let outside = images.folder.path();
    symlink(server.folder(), outside.join("postgresql")).unwrap();
    run(Command::new("cp")
        .arg("-a")
        .arg(images.root("collector").join("var/lib/mirrorlist-collect"))
        .arg(outside.join("collected")));
    // Mount points that an engine would make.
    fs::create_dir(images.root("collector").join("run")).unwrap();
    fs::create_dir(images.root("collector").join("run/postgresql")).unwrap();
    fs::create_dir(images.root("daemon").join("var/lib/mirrorlist-collect")).unwrap();

    let stage = images.stage("collector");
    let command = [&stage.entrypoint[..], &stage.command[..]].concat();
    let printed = run(&mut images.process("collector", &command));
    assert!(printed.contains("directories"), "{printed}");
    let build = [
        "build",
        "--mirrormanager",
        "/var/lib/mirrorlist-collect/out/mirrorlist.proto-cache",
        "--output",
        "/var/lib/mirrorlist/collected.mlc",
    ];
    let build = [&["/usr/bin/mirrorlist-cache"][..], &build]
        .concat()
        .into_iter()
        .map(str::to_owned)
        .collect::<Vec<_>>();
    run(&mut images.process("daemon", &build));

    let (image, check) = &images.file.commands[5];
    assert_eq!((&**image, &*check[0]), ("mirrorlist-collect", "check"));
    // The file that would be mounted.
    let options = images.root("collector").join("etc/mirrorlist/mirrorlist-collect.toml");
    let text = fs::read_to_string(&options).unwrap();
    fs::write(&options, format!("contact = \"https://example.org/\"\n{text}")).unwrap();
    let command = [&stage.entrypoint[..], check].concat();
    let printed = run(&mut images.process("collector", &command));
    assert!(printed.contains("round 1: "), "{printed}");
    let list = fs::read_to_string(outside.join("collected/out/suspended")).unwrap();
    assert!(list.starts_with("# mirrorlist-suspended 1\n"), "{list}");
}

/// The comment's last commands: a log is counted, and pages are written, of it and of the cache.
fn report(images: &Images) {
    let [.., (counter, count), (renderer, nothing)] = &images.file.commands[..] else {
        panic!("no commands")
    };
    assert_eq!([counter, renderer], ["mirrorlist-report", "mirrorlist-report"]);
    assert!(nothing.is_empty(), "{nothing:?}");
    let outside = images.folder.path();
    let volume = images.root("report").join("var/lib/mirrorlist-report");
    run(Command::new("cp").arg("-a").arg(volume).arg(outside.join("reported")));
    fs::create_dir(outside.join("logs")).unwrap();
    let today = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() / 86_400;
    let today = report::count::line::date(today as i32).unwrap();
    let log = format!("IP: N/A; DATE: {today}; COUNTRY: DE; REPO: fedora-42; ARCH: x86_64\n");
    fs::write(outside.join("logs/access.log"), log).unwrap();
    // Mount points that an engine would make.
    for place in ["var/lib/mirrorlist", "var/log/mirrorlist"] {
        fs::create_dir_all(images.root("report").join(place)).unwrap();
    }
    let stage = images.stage("report");
    let counted = run(&mut images.process("report", &[&stage.entrypoint[..], count].concat()));
    assert!(counted.contains("counted 1 new lines of 1 logs"), "{counted}");
    run(&mut images.process("report", &[&stage.entrypoint[..], &stage.command[..]].concat()));
    let page = fs::read_to_string(outside.join("reported/site/repositories/fedora-42.html")).unwrap();
    assert!(page.contains("elbe.example.org"), "{page}");
}
