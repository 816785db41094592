//! What goes wrong between us and the database: it is said, the exit code tells whose fault it is, and the file that is
//! there stays.

use crate::program::{Collect, Ended, ended};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use std::{
    fs,
    net::TcpListener,
    process::{Child, Stdio},
    thread,
    time::{Duration, Instant},
};
use testkit::postgres::{Postgres, SAMPLE};

const OLD: &str = "what was there before";

/// Runs where a file is already, which must stay as it is, with nothing beside it.
fn refused(collect: &Collect, more: &[&str]) -> Ended {
    fs::write(collect.output(), OLD).unwrap();
    let ended = collect.run(more);
    untouched(collect, &ended);
    ended
}

fn untouched(collect: &Collect, ended: &Ended) {
    assert_eq!(fs::read_to_string(collect.output()).unwrap(), OLD, "{ended:?}");
    assert_eq!(collect.files(), ["list"], "{ended:?}");
    assert_eq!(ended.printed, "", "{ended:?}");
    assert!(ended.said.starts_with("error: ") && ended.said.lines().count() == 1, "{ended:?}");
    let output = collect.output();
    assert!(ended.said.ends_with(&format!("; {} is left as it was\n", output.display())), "{ended:?}");
}

fn said(ended: &Ended, code: i32, parts: &[&str]) {
    assert_eq!(ended.code, Some(code), "{ended:?}");
    for part in parts {
        assert!(ended.said.contains(part), "`{part}` is not in {ended:?}");
    }
}

/// A server with the sample in a database for each name.
fn server(databases: &[&str]) -> Postgres {
    let server = Postgres::start(&[]).unwrap();
    for database in databases {
        server.create(database).unwrap();
        server.sql(database, SAMPLE).unwrap();
    }
    server
}

#[test]
fn what_is_missing_or_forbidden_is_named() {
    if !Postgres::is_there() {
        return;
    }
    let server = server(&["tables", "columns", "types", "rights", "nobody"]);
    server.sql("tables", "drop table netblock_country; drop table arch cascade").unwrap();
    let ended = refused(&Collect::new(&server.url("tables")), &[]);
    said(&ended, 66, &["/tables: has no table arch, no table netblock_country; is it MirrorManager's"]);

    server
        .sql("columns", "alter table host rename internet2 to internet3; alter table site drop private")
        .unwrap();
    let ended = refused(&Collect::new(&server.url("columns")), &[]);
    said(&ended, 66, &["has no column site.private, no column host.internet2;"]);

    server.sql("types", "alter table host_category_dir alter up2date type text").unwrap();
    let ended = refused(&Collect::new(&server.url("types")), &[]);
    said(&ended, 66, &["table host_category_dir: ", "(42804)"]);

    let roles = "create role reader login; grant select on all tables in schema public to reader;
        revoke select on host, host_category_dir from reader; grant select (id, name) on host to reader";
    server.sql("rights", roles).unwrap();
    let collect = Collect::new(&server.url_of("reader", "rights"));
    let ended = refused(&collect, &[]);
    said(
        &ended,
        66,
        &["no right to read host, host_category_dir; have its owner say: grant select on host, "],
    );
    // A check says the same. What others need not be able to read does no harm.
    said(
        &refused_check(&collect),
        66,
        &["no right to read host, host_category_dir;", "nothing is written by a check"],
    );
    let grant =
        "grant select on host, host_category_dir to reader; revoke select on host_peer_asn from reader";
    server.sql("rights", grant).unwrap();
    let (list, _) = collect.list();
    assert_eq!(list.host_asn.len(), 1, "{:?}", list.host_asn);

    server.sql("nobody", "update host set user_active = false").unwrap();
    let ended = refused(&Collect::new(&server.url("nobody")), &[]);
    said(&ended, 66, &["/nobody: no directory in it has a host;"]);
}

fn refused_check(collect: &Collect) -> Ended {
    let ended = collect.run(&["--check"]);
    assert_eq!(ended.printed, "");
    ended
}

#[test]
fn tables_that_came_late_may_be_missing() {
    if !Postgres::is_there() {
        return;
    }
    let server = server(&["early"]);
    let earlier =
        "drop table host_peer_asn; drop table host_country; alter table host drop latitude, drop longitude;
        alter table host alter crawl_failures drop not null; alter table category drop admin_only";
    server.sql("early", earlier).unwrap();
    let (list, _) = Collect::new(&server.url("early")).list();
    assert_eq!((list.mirror_list.len(), list.host.len(), list.host[0].latitude), (3, 6, None));
}

#[test]
fn who_is_not_let_in_is_told_why_and_no_password_is_said() {
    if !Postgres::is_there() {
        return;
    }
    let server = server(&["mm"]);
    server.sql("mm", "create role reader login password 'right'; grant pg_read_all_data to reader").unwrap();
    server.put("pg_hba.conf", "local all reader scram-sha-256\nlocal all all trust\n").unwrap();
    server.sql("mm", "select pg_reload_conf()").unwrap();
    let collect = Collect::new(&server.url_of("reader", "mm"));
    // Until the server has read its file, it lets everybody in.
    eventually("a password is asked for", || collect.run(&["--check"]).code == Some(78));
    said(&refused(&collect, &[]), 78, &["database /", "/mm: ", "password", "~/.pgpass"]);

    let secrets = tempfile::tempdir().unwrap();
    let file = secrets.path().join("passwords");
    let with_password = |line: &str, mode: u32| {
        use std::os::unix::fs::PermissionsExt as _;
        fs::write(&file, line).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
        fs::write(collect.output(), OLD).unwrap();
        ended(collect.command().env("PGPASSFILE", &file).output().unwrap())
    };
    let ended = with_password("localhost:*:mm:reader:wrong\n", 0o600);
    untouched(&collect, &ended);
    said(&ended, 78, &["password authentication failed", "(28P01)"]);
    assert!(!ended.said.contains("wrong"), "{ended:?}");
    let ended = with_password("localhost:*:mm:reader:right\n", 0o644);
    untouched(&collect, &ended);
    said(&ended, 78, &["password file ", "chmod 0600"]);
    let ended = with_password("localhost:*:mm:reader:right\n", 0o600);
    assert_eq!((ended.code, &*ended.said), (Some(0), ""));
    assert_eq!(collect.written().mirror_list.len(), 3);

    let url = server.url_of("reader:right", "mm");
    let ended = refused_flag(&url);
    said(&ended, 78, &["url: a password on the command line"]);
    assert!(!ended.said.contains("right"), "{ended:?}");
    // In the file of options it may stand.
    let options = secrets.path().join("collect.toml");
    let output = collect.output();
    fs::write(&options, format!("[database]\nurl = {url:?}\noutput = {output:?}\n")).unwrap();
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_mirrorlist-collect"));
    let run =
        command.args(["database", "--config"]).arg(&options).env("HOME", secrets.path()).output().unwrap();
    assert_eq!(run.status.code(), Some(0), "{run:?}");

    let ended = refused(&Collect::new(&server.url("other")), &[]);
    said(&ended, 78, &["/other: ", "does not exist", "see url"]);
}

fn refused_flag(url: &str) -> Ended {
    Collect::new(url).run(&[])
}

#[test]
fn nobody_there_and_nowhere_to_write() {
    let folder = tempfile::tempdir().unwrap();
    let nowhere = folder.path().display().to_string().replace('/', "%2F");
    let ended = refused(&Collect::new(&format!("postgres://mm@{nowhere}/mm")), &[]);
    said(&ended, 69, &["cannot be connected to", "No such file or directory"]);
    let ended = refused(&Collect::new("postgres://mm@127.0.0.1:1/mm?sslmode=disable"), &[]);
    said(&ended, 69, &["database 127.0.0.1/mm: cannot be connected to", "refused"]);

    let collect = Collect::new("postgres://mm@127.0.0.1:1/mm");
    let absent = folder.path().join("absent/list");
    let ended = collect.run(&["--check", "--output", absent.to_str().unwrap()]);
    // Of an option given twice the last is not to win in silence.
    assert_eq!(ended.code, Some(78), "{ended:?}");
    fs::create_dir(collect.output()).unwrap();
    let ended = collect.run(&[]);
    said(&ended, 71, &["output ", "there is something that is no regular file"]);
}

#[test]
fn a_table_that_somebody_holds_is_not_waited_for_without_end() {
    if !Postgres::is_there() {
        return;
    }
    let server = server(&["held"]);
    let mut holder = postgres::Client::connect(&server.url("held"), postgres::NoTls).unwrap();
    let mut transaction = holder.transaction().unwrap();
    transaction.batch_execute("lock table directory in access exclusive mode").unwrap();
    let collect = Collect::new(&server.url("held"));
    let ended = refused(&collect, &["--lock-timeout", "1"]);
    said(&ended, 69, &["table directory: ", "(55P03)", "lock-timeout is over"]);
    transaction.rollback().unwrap();
    collect.list();
}

#[test]
fn a_server_that_says_nothing_is_not_waited_for_without_end() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    for mode in ["&sslmode=disable", ""] {
        let url = format!("postgres://mm@127.0.0.1:{port}/mm?connect_timeout=1{mode}");
        said(&refused(&Collect::new(&url), &[]), 69, &["cannot be connected to: no word of it within 1 s;"]);
    }
}

/// Whoever may stop a process of the server: root, or the server's own user.
#[test]
fn a_server_that_is_frozen_in_the_middle_keeps_nobody() {
    if !Postgres::is_there() {
        return;
    }
    let server = server(&["frozen"]);
    server.sql("frozen", SLOW).unwrap();
    let mut admin = postgres::Client::connect(&server.url("postgres"), postgres::NoTls).unwrap();
    let collect = Collect::new(&server.url("frozen"));
    let reading = begin(&collect, &mut admin, &["--statement-timeout", "10", "--lock-timeout", "1"]);
    let ours = "select pid from pg_stat_activity where application_name = 'mirrorlist-collect'";
    let session = Pid::from_raw(admin.query_one(ours, &[]).unwrap().get(0));
    kill(session, Signal::SIGSTOP).unwrap();
    let ended = ended(reading.wait_with_output().unwrap());
    kill(session, Signal::SIGCONT).unwrap();
    untouched(&collect, &ended);
    said(&ended, 69, &["table host_category_dir: no word of it within 11 s; is the server frozen?"]);
}

/// Makes the largest table one that takes an hour a row.
const SLOW: &str = "alter table host_category_dir rename to real;
    create view host_category_dir as select real.* from real, pg_sleep(3600)";

#[test]
fn a_statement_that_takes_too_long_is_the_end() {
    if !Postgres::is_there() {
        return;
    }
    let server = server(&["slow"]);
    server.sql("slow", SLOW).unwrap();
    let ended = refused(&Collect::new(&server.url("slow")), &["--statement-timeout", "1"]);
    said(&ended, 69, &["table host_category_dir: ", "(57014)", "statement-timeout is over"]);
}

#[test]
fn a_database_that_goes_away_in_the_middle_is_no_end_of_a_table() {
    if !Postgres::is_there() {
        return;
    }
    let server = server(&["gone"]);
    server.sql("gone", SLOW).unwrap();
    let mut admin = postgres::Client::connect(&server.url("postgres"), postgres::NoTls).unwrap();
    let collect = Collect::new(&server.url("gone"));
    // An admin ends the session, then the process of the session is lost, and with it the server's others.
    let reading = begin(&collect, &mut admin, &[]);
    let ours = "from pg_stat_activity where application_name = 'mirrorlist-collect'";
    admin.execute(&format!("select pg_terminate_backend(pid) {ours}"), &[]).unwrap();
    let ended = ended(reading.wait_with_output().unwrap());
    untouched(&collect, &ended);
    // The library may see the end before it has read why.
    said(&ended, 69, &["table host_category_dir: "]);

    let reading = begin(&collect, &mut admin, &[]);
    drop(server);
    let ended = crate::program::ended(reading.wait_with_output().unwrap());
    untouched(&collect, &ended);
    said(&ended, 69, &["table host_category_dir: "]);
}

/// Starts the program where a file is, and waits until it is in the midst of the largest table.
fn begin(collect: &Collect, admin: &mut postgres::Client, more: &[&str]) -> Child {
    fs::write(collect.output(), OLD).unwrap();
    let reading = collect.command().args(more).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let question = "select count(*) from pg_stat_activity where application_name = 'mirrorlist-collect'
        and query like 'copy%host_category_dir%'";
    eventually("the program reads the largest table", || {
        admin.query_one(question, &[]).unwrap().get::<_, i64>(0) == 1
    });
    reading
}

fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(120);
    while !is_so() {
        assert!(Instant::now() < end, "not within two minutes: {what}");
        thread::sleep(Duration::from_millis(10));
    }
}
