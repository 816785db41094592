//! What the program can no longer do once it serves.

use super::{client::Client, eventually, program::Program, worker::Daemon};
use frontend::sandbox;
use nix::{
    errno::Errno,
    sys::{
        ptrace,
        signal::Signal,
        socket::{AddressFamily, Backlog, SockFlag, SockType, UnixAddr, bind, listen, socket},
    },
};
use std::{
    env,
    fs::{self, File},
    io::ErrorKind,
    net::{TcpListener, TcpStream},
    os::{
        fd::AsRawFd as _,
        unix::net::{UnixListener, UnixStream},
    },
    path::Path,
    process::{self, Command},
    time::Duration,
};

#[test]
fn every_thread_has_given_up_privileges_and_system_calls_and_says_so() {
    let daemon = Daemon::new();
    let _worker = daemon.echo();
    let program = Program::start(&daemon, &["--threads", "2", "--admin", "127.0.0.1:0"]);
    assert_eq!(Client::connect(program.address()).get("/").status, 200);
    assert!(program.logged("info: sandbox: "), "{}", program.log());
    let threads = program.threads();
    assert!(threads.len() >= 4, "{threads:?}");
    for (thread, name) in threads {
        let status = fs::read_to_string(format!("/proc/{}/task/{thread}/status", program.pid())).unwrap();
        for line in ["NoNewPrivs:\t1", "Seccomp:\t2"] {
            assert!(status.lines().any(|found| found == line), "{name}: no `{line}` in\n{status}");
        }
    }
}

#[test]
fn its_own_socket_files_are_removed_all_the_same_and_others_are_not() {
    let daemon = Daemon::new();
    let _worker = daemon.echo();
    let (http, admin) = (daemon.path("http"), daemon.path("admin"));
    let [http_place, admin_place] = [&http, &admin].map(|path| format!("unix:{}", path.display()));
    let mut program = Program::start_bare(&daemon, &["--listen", &http_place, "--admin", &admin_place]);
    assert_eq!(Client::connect_unix(&http).get("/").status, 200);
    assert_eq!(Client::connect_unix(&admin).get("/healthz/live").status, 200);
    program.signal(Signal::SIGTERM);
    assert_eq!(program.ended(Duration::from_secs(10)).code(), Some(0), "{}", program.log());
    assert!(!http.exists() && !admin.exists());
    assert!(daemon.socket().exists());
}

/// Runs [`inside`] in a process of its own, since what is given up is gone for good.
#[test]
fn a_sandboxed_process_can_neither_open_nor_start_anything() {
    let folder = tempfile::tempdir().unwrap();
    let _listener = UnixListener::bind(folder.path().join("daemon")).unwrap();
    for name in ["own", "foreign"] {
        fs::create_dir(folder.path().join(name)).unwrap();
        fs::write(folder.path().join(name).join("file"), "x").unwrap();
    }
    let test = "sandbox::inside";
    let output = Command::new(env::current_exe().unwrap())
        .args(["--exact", test, "--ignored", "--nocapture"])
        .env("FOLDER", folder.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&[&output.stdout[..], &output.stderr[..]].concat()).into_owned();
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
    eventually("it was in its sandbox", || said.contains("sandbox: "));
}

#[test]
#[ignore = "run by a_sandboxed_process_can_neither_open_nor_start_anything, in a process of its own"]
fn inside() {
    let folder = env::var_os("FOLDER").unwrap();
    let folder = Path::new(&folder);
    let (listener, before) = (TcpListener::bind("127.0.0.1:0").unwrap(), File::open("/etc/passwd"));
    assert!(before.is_ok());
    let address = listener.local_addr().unwrap();
    let unbound = socket(AddressFamily::Inet, SockType::Stream, SockFlag::empty(), None).unwrap();
    let active = sandbox::enter(&[&folder.join("own")]).to_string();
    println!("sandbox: {active}");

    assert_eq!(Command::new("/bin/true").status().unwrap_err().kind(), ErrorKind::PermissionDenied);
    // Without the filter everyone may let themselves be traced.
    assert_eq!(ptrace::traceme(), Err(Errno::EPERM));
    UnixStream::connect(folder.join("daemon")).unwrap();
    let refused = |result: nix::Result<()>, what: &str| assert_eq!(result, Err(Errno::EPERM), "{what}");
    for (family, kind) in [
        (AddressFamily::Inet, SockType::Stream),
        (AddressFamily::Inet6, SockType::Stream),
        (AddressFamily::Inet, SockType::Datagram),
        (AddressFamily::Netlink, SockType::Raw),
    ] {
        refused(socket(family, kind, SockFlag::empty(), None).map(drop), "make a socket");
    }
    refused(listen(&unbound, Backlog::new(1).unwrap()), "listen at a port of the kernel's choice");
    let name = UnixAddr::new_abstract(format!("mirrorlist-test-{}", process::id()).as_bytes()).unwrap();
    let local = socket(AddressFamily::Unix, SockType::Stream, SockFlag::empty(), None).unwrap();
    refused(bind(local.as_raw_fd(), &name), "give a socket a name");
    let version = active.split_once("landlock (ABI ").and_then(|(_, rest)| rest.split_once(')'));
    let Some((version, _)) = version else {
        println!("not checked, for lack of landlock in this kernel: files");
        return;
    };
    let denied = |result: std::io::Result<()>, what: &str| {
        assert_eq!(result.map_err(|error| error.kind()), Err(ErrorKind::PermissionDenied), "{what}");
    };
    denied(File::open("/etc/passwd").map(drop), "open");
    denied(File::create(folder.join("own/new")).map(drop), "create");
    denied(fs::read_dir("/").map(drop), "list");
    denied(fs::create_dir(folder.join("own/folder")), "make a folder");
    denied(fs::remove_file(folder.join("foreign/file")), "remove");
    denied(UnixListener::bind(folder.join("own/socket")).map(drop), "make a socket file");
    fs::remove_file(folder.join("own/file")).unwrap();
    if version.parse::<u32>().unwrap() >= 4 {
        denied(TcpListener::bind("127.0.0.1:0").map(drop), "listen");
        denied(TcpStream::connect(address).map(drop), "connect");
    }
}
