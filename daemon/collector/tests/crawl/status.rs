//! What `status` tells of runs, by the built program.

use crate::{
    primary::Primary,
    server::Fault,
    world::{World, name},
};
use rusqlite::Connection;
use serde_json::Value;
use std::process::{Command, Output};

const PROGRAM: &str = env!("CARGO_BIN_EXE_mirrorlist-collect");

fn status(world: &World, arguments: &[&str]) -> Output {
    let mut command = Command::new(PROGRAM);
    command.arg("status").args(arguments).arg("--state").arg(world.state());
    command.output().unwrap()
}

pub fn text(world: &World, arguments: &[&str]) -> String {
    let output = status(world, arguments);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn json(world: &World, arguments: &[&str]) -> Value {
    serde_json::from_str(&text(world, &[arguments, &["--json"]].concat())).unwrap()
}

#[test]
fn status_tells_who_is_in_and_out_since_when_why_and_when_that_is_looked_at_next() {
    let mut world = World::new(Primary::new(60, 2), 4);
    world.run();
    let first = world.now;
    world.primary.update(3);
    world.copy();
    world.servers[0].fault("/3/os/repodata", Fault::Status(404));
    world.servers[1].die();
    world.servers[2].fault("", Fault::Later(503, 1_000_000));
    world.run();

    let all = text(&world, &[]);
    assert!(all.starts_with("run          2 of 2026-"), "{all}");
    for part in [
        "  verdicts   248 known of 248, ",
        "mirrors      4\n",
        &format!("  {}  in 59 of 60 repositories; 2 of 2 directories; asked ", name(0)),
        &format!("  {}  in 60 of 60 repositories; 2 of 2 directories", name(1)),
        "    Linux: no answer for 1 run, since 2026-",
        ": no connection (127.77.",
        "    Linux: no answer for 1 run, since",
    ] {
        assert!(all.contains(part), "{part}: {all}");
    }
    let of = json(&world, &[]);
    assert_eq!(of["run"]["number"], 2);
    let mirror = &of["mirrors"][name(0)];
    assert_eq!(mirror["repositories"], serde_json::json!({ "good": 59, "bad": 1, "unknown": 0 }));
    assert_eq!(of["mirrors"][name(1)]["silent"]["Linux"]["is_in"], true);

    let one = text(&world, &[&name(0)]);
    let line = one.lines().nth(1).unwrap();
    assert!(line.starts_with("  repo-3+x86_64  out since 2026-"), "{one}");
    assert!(line.ends_with(": index: status 404; looked at again in the next run"), "{one}");
    assert_eq!(text(&world, &[&name(0).to_uppercase()]), one);
    let of = json(&world, &[&name(0)]);
    let units = of["units"].as_array().unwrap();
    assert_eq!(
        (units.len(), &units[0]["verdict"], &units[0]["since"]),
        (62, &"absent".into(), &world.now.into())
    );
    assert_eq!((&units[1]["since"], &units[1]["is_in"]), (&first.into(), &true.into()));
    // 62 things, some 37 of which are looked at in a run.
    let looks = |runs: u64| units.iter().filter(|unit| unit["next_look"] == runs).count();
    assert_eq!((looks(1), looks(2)), (37, 25));

    let unknown = status(&world, &["mirror-00"]);
    let said = String::from_utf8_lossy(&unknown.stderr).into_owned();
    assert_eq!(unknown.status.code(), Some(66));
    assert!(said.contains("mirror mirror-00: no run has asked it; there is mirror-000.example, "), "{said}");
}

#[test]
fn status_tells_whom_the_brake_holds_and_when_a_mirror_that_is_left_alone_was_asked() {
    let mut world = World::new(Primary::new(2, 0), 4);
    world.run();
    world.servers[3].fault("", Fault::Later(429, 86_400));
    world.run();
    let asked = world.now;
    world.servers[..3].iter().for_each(|server| server.die());
    world.run();
    let of = json(&world, &[]);
    assert_eq!(of["run"]["held"], serde_json::json!([name(0), name(1), name(2)]));
    assert_eq!(of["mirrors"][name(3)]["asked"], asked);
    assert_eq!(
        (&of["mirrors"][name(3)]["is_held"], &of["mirrors"][name(0)]["is_held"]),
        (&false.into(), &true.into())
    );
    let brake = "which seems to be our own network; none of them counts as silent\n";
    assert!(text(&world, &[]).contains(brake), "{}", text(&world, &[]));
    let held = "    did not answer; the brake of the last run keeps it as it was\n";
    assert_eq!(text(&world, &[]).matches(held).count(), 3);
    assert!(text(&world, &[&name(0)]).contains(held) && !text(&world, &[&name(3)]).contains(held));
}

#[test]
fn status_of_a_mirror_tells_that_check_has_suspended_it() {
    let mut world = World::new(Primary::new(2, 0), 2);
    world.run();
    let url = world.servers[0].url();
    let state = Connection::open(world.state()).unwrap();
    let sql = "insert into url (url, failures, good, since, until, reason) values (?, 3, 0, 1800000000, ?, 'no answer')";
    let mut statement = state.prepare(sql).unwrap();
    statement.execute((url.trim_end_matches('/'), 4_000_000_000_i64)).unwrap();
    // It is over.
    statement.execute((world.servers[1].url(), 1_800_003_600 - 300_000_000_i64)).unwrap();
    let line = format!(
        "    {}: suspended by check since 2027-01-15T08:00:00Z until 2096-10-02T07:06:40Z: no answer\n",
        url.trim_end_matches('/')
    );
    assert!(text(&world, &[&name(0)]).contains(&line), "{}", text(&world, &[&name(0)]));
    assert_eq!(json(&world, &[&name(0)])["suspended"][url.trim_end_matches('/')]["reason"], "no answer");
    assert!(!text(&world, &[&name(1)]).contains("suspended"));
}
