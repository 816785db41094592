//! Runs in a process of their own, which can be killed, limited and measured: this test program, started once more.

use crate::{
    primary::Primary,
    server::Fault,
    world::{World, name, settings},
};
use collector::{
    run::{
        crawl::{Limits, Summary, crawl},
        mirrors::Mirror,
    },
    store::Store,
};
use nix::sys::signal::Signal;
use serde_json::{Value, json};
use std::{
    env, fs,
    os::unix::process::ExitStatusExt as _,
    path::Path,
    process::{Child, Command, Output, Stdio},
    sync::mpsc,
    time::Duration,
};

/// Where the child finds what it is to do.
const ORDER: &str = "MIRRORLIST_RUN_APART";

/// What the child prints before the summary.
const SAID: &str = "summary of the child: ";

/// And after it, before its largest memory in kilobytes.
const MEMORY: &str = "memory of the child: ";

/// The largest memory of this process so far, in kilobytes. What a parent sees of a child has the parent's own in it.
fn memory() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// The child's part; started alone it has nothing to do.
#[test]
#[ignore = "is started by other tests"]
fn child() {
    let Some(order) = env::var_os(ORDER) else { return };
    let order: Value = serde_json::from_slice(&fs::read(order).unwrap()).unwrap();
    let number = |value: &Value| value.as_u64().unwrap();
    let times = |versions: &Value| versions.as_array().unwrap().iter().map(number).collect();
    let primary = Primary {
        repositories: order["repositories"].as_array().unwrap().iter().map(times).collect(),
        others: number(&order["others"]) as usize,
        kept: number(&order["kept"]) as usize,
        marker: None,
    };
    let mirrors = order["mirrors"].as_array().unwrap().iter().enumerate().map(|(at, urls)| {
        let urls = urls.as_array().unwrap().iter().map(|url| url.as_str().unwrap().to_owned());
        crate::world::mirror(at, &urls.collect::<Vec<_>>())
    });
    let mirrors: Vec<Mirror> = mirrors.collect();
    let millis = |at: &str| Duration::from_millis(number(&order[at]));
    let limits = Limits {
        run: millis("run"),
        request: millis("request"),
        pause: millis("pause"),
        visit: millis("visit"),
        slow: millis("slow"),
        requests: number(&order["requests"]),
        unchanged: number(&order["unchanged"]),
    };
    let outcome = Store::open(Path::new(order["state"].as_str().unwrap())).and_then(|mut store| {
        crawl(&primary.tree(), &mirrors, &mut store, &settings(), limits, number(&order["now"]))
    });
    match outcome {
        Ok((_, summary)) => {
            println!("{SAID}{}", serde_json::to_string(&summary).unwrap());
            println!("{MEMORY}{}", memory());
        }
        Err(failure) => panic!("{failure}"),
    }
}

impl World {
    /// The next run in a process of its own, to be told more. It ends with the summary.
    pub fn command(&mut self) -> Command {
        self.now += crate::world::RHYTHM;
        let order = self.state().with_file_name("order.json");
        let urls = |mirror: &Mirror| mirror.urls[0].1.iter().map(ToString::to_string).collect::<Vec<_>>();
        let what = json!({
            "repositories": self.primary.repositories,
            "others": self.primary.others,
            "kept": self.primary.kept,
            "mirrors": self.mirrors.iter().map(urls).collect::<Vec<_>>(),
            "run": self.limits.run.as_millis() as u64,
            "request": self.limits.request.as_millis() as u64,
            "pause": self.limits.pause.as_millis() as u64,
            "visit": self.limits.visit.as_millis() as u64,
            "slow": self.limits.slow.as_millis() as u64,
            "requests": self.limits.requests,
            "unchanged": self.limits.unchanged,
            "state": self.state(),
            "now": self.now,
        });
        fs::write(&order, what.to_string()).unwrap();
        let mut command = Command::new("sh");
        command.args(["-c", "exec \"$0\" \"$@\""]).arg(env::current_exe().unwrap());
        command.args(["apart::child", "--exact", "--ignored", "--nocapture"]).env(ORDER, order);
        command.stdin(Stdio::null());
        command
    }
}

/// The largest memory of a child that has ended well, in megabytes.
pub fn memory_of(output: &Output) -> f64 {
    let printed = String::from_utf8_lossy(&output.stdout);
    let line = printed.lines().find_map(|line| line.strip_prefix(MEMORY)).unwrap();
    line.parse::<f64>().unwrap() / 1024.0
}

/// What a child that has ended well has said.
pub fn said(output: &Output) -> Summary {
    let printed = String::from_utf8_lossy(&output.stdout);
    let line = printed.lines().find_map(|line| Some(line.split_once(SAID)?.1));
    let line = line.unwrap_or_else(|| panic!("{printed}{}", String::from_utf8_lossy(&output.stderr)));
    serde_json::from_str(line).unwrap()
}

#[test]
fn a_run_that_is_killed_at_any_mirror_goes_on() {
    let mirrors = 8;
    let mut world = World::new(Primary::new(3, 0), mirrors);
    // All answer but the last, whose visit never ends: the others have been kept when they are done.
    let (bell, rung) = mpsc::channel();
    world.servers.iter().for_each(|server| server.ring(bell.clone()));
    let each = 12;
    let mut killed = 0;
    let mut known = 0;
    for at in 0..mirrors {
        world.servers.iter().for_each(|server| server.mend());
        world.servers[at..].iter().for_each(|server| server.fault("2/os", Fault::Stalls));
        while rung.try_recv().is_ok() {}
        let mut child: Child = world.command().stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        // Those that do not stall are asked for everything, the others for the two repositories before that.
        let asked = |world: &World, at: usize| world.store().record(&name(at)).unwrap().units.len();
        while (0..at).any(|at| asked(&world, at) < 3) {
            rung.recv_timeout(Duration::from_millis(20)).ok();
        }
        child.kill().unwrap();
        killed += u32::from(child.wait().unwrap().signal() == Some(Signal::SIGKILL as i32));
        let now_known = (0..mirrors).map(|at| asked(&world, at)).sum::<usize>();
        assert!(now_known >= known && now_known >= 3 * at, "{now_known} after {known}");
        known = now_known;
    }
    assert_eq!(killed, mirrors as u32);
    world.servers.iter().for_each(|server| {
        server.mend();
        server.requests();
    });
    let summary = said(&world.command().output().unwrap());
    assert_eq!((summary.number, summary.good, summary.known), (1, 3 * mirrors as u64, 3 * mirrors as u64));
    // What was kept was not asked for as if nothing were known.
    let first = world.servers[0].requests();
    assert_eq!(first.len(), each, "{first:?}");
}

#[test]
fn a_full_disk_is_said_and_what_was_known_stays() {
    let mut world = World::new(Primary::new(30, 30), 4);
    let limited = |world: &mut World| {
        let mut command = world.command();
        let arguments: Vec<_> = command.get_args().skip(2).map(ToOwned::to_owned).collect();
        let order = command.get_envs().find(|(key, _)| *key == ORDER).unwrap().1.unwrap().to_owned();
        command = Command::new("sh");
        // SIGXFSZ is what the program ignores for the same reason.
        command
            .args(["-c", "trap '' XFSZ; ulimit -f 8; exec \"$0\" \"$@\""])
            .args(arguments)
            .env(ORDER, order);
        command.stdin(Stdio::null()).output().unwrap()
    };
    let full = limited(&mut world);
    let said_by = |output: &Output| {
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
    };
    assert!(!full.status.success() && said_by(&full).contains("; is the disk full?"), "{}", said_by(&full));
    let (_, summary) = world.run();
    assert_eq!(summary.good, 4 * 60);
    let before = world.store().record(&name(0)).unwrap();
    (0..30).for_each(|at| world.primary.update(at));
    let full = limited(&mut world);
    assert!(!full.status.success() && said_by(&full).contains("; is the disk full?"), "{}", said_by(&full));
    assert_eq!(world.store().record(&name(0)).unwrap(), before);
    world.copy();
    let summary = said(&world.command().output().unwrap());
    assert_eq!((summary.good, summary.inward, summary.outward), (4 * 60, 0, 0));
}

/// Has a server of https asked by a process that trusts the authority in a folder.
pub fn trusting(world: &mut World, folder: &Path) -> Summary {
    let mut command = world.command();
    command.env("SSL_CERT_FILE", folder.join("ca.pem")).env_remove("SSL_CERT_DIR");
    said(&command.output().unwrap())
}
