//! A stand-in for systemd: does what `systemctl` asks it, by the installed units.
//!
//! A program `systemctl` in the place of the real one hands its arguments over and waits for the answer. Services run
//! as their user with their folders, sockets and readiness message; of confinement nothing is applied. A job is done by
//! a thread of its own, one at a time for each unit, so that a command of a unit may call `systemctl` again.

use super::{PATIENCE, eventually, unit::Unit};
use nix::{
    sys::signal::{Signal, kill},
    unistd::{Gid, Group, Pid, Uid, User, chown},
};
use std::{
    collections::BTreeMap,
    fs::{self, File, OpenOptions},
    io::{BufRead as _, BufReader},
    net::TcpListener,
    os::{
        fd::OwnedFd,
        unix::{
            fs::PermissionsExt as _,
            net::{UnixDatagram, UnixListener},
        },
    },
    path::{Path, PathBuf},
    process::{Child, Stdio},
    sync::{Arc, Mutex},
    thread,
};

const PLACE: &str = "/run/stand-in";

/// What does without a running systemd, the real one does.
const SYSTEMCTL: &str = "#!/bin/sh
case $1 in --root=*) exec /run/stand-in/systemctl \"$@\" ;; esac
mkfifo /run/stand-in/answer-$$
echo \"$$ $*\" >/run/stand-in/asked
read -r code text </run/stand-in/answer-$$
rm /run/stand-in/answer-$$
[ -z \"$text\" ] || echo \"$text\"
exit \"$code\"
";

/// The stand-in.
pub struct Manager {
    units: BTreeMap<String, Mutex<State>>,
    asked: Mutex<Vec<String>>,
}

#[derive(Default)]
struct State {
    child: Option<Child>,
    socket: Option<Arc<OwnedFd>>,
}

impl State {
    fn is_active(&mut self) -> bool {
        let runs = |child: &mut Child| child.try_wait().unwrap().is_none();
        self.socket.is_some() || self.child.as_mut().is_some_and(runs)
    }
}

impl Manager {
    /// Takes the place of systemd, for the units that will be installed.
    pub fn take_over(names: &[&str]) -> Arc<Manager> {
        fs::create_dir_all("/run/systemd/system").unwrap();
        fs::create_dir_all(PLACE).unwrap();
        fs::set_permissions(PLACE, fs::Permissions::from_mode(0o777)).unwrap();
        // Where services shall not be started, as in most containers, this says so.
        let _ = fs::remove_file("/usr/sbin/policy-rc.d");
        fs::copy("/usr/bin/systemctl", Path::new(PLACE).join("systemctl")).unwrap();
        fs::remove_file("/usr/bin/systemctl").unwrap();
        fs::write("/usr/bin/systemctl", SYSTEMCTL).unwrap();
        fs::set_permissions("/usr/bin/systemctl", fs::Permissions::from_mode(0o755)).unwrap();
        let requests = Path::new(PLACE).join("asked");
        super::run(std::process::Command::new("mkfifo").args(["-m", "666"]).arg(&requests));
        let units = names.iter().map(|name| ((*name).to_owned(), Mutex::default())).collect();
        let manager = Arc::new(Manager { units, asked: Mutex::default() });
        let listening = Arc::clone(&manager);
        thread::spawn(move || {
            // For writing too, so that it never ends.
            let requests = OpenOptions::new().read(true).write(true).open(requests).unwrap();
            for line in BufReader::new(requests).lines().map_while(Result::ok) {
                let manager = Arc::clone(&listening);
                thread::spawn(move || manager.answer(&line));
            }
        });
        manager
    }

    /// What was asked since the last time, without questions.
    pub fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }

    fn answer(&self, line: &str) {
        let (caller, arguments) = line.split_once(' ').unwrap();
        let words: Vec<&str> = arguments.split_whitespace().filter(|word| !word.starts_with("--")).collect();
        let (what, units) = words.split_first().unwrap();
        let reply = |text: &str| fs::write(Path::new(PLACE).join(format!("answer-{caller}")), text).unwrap();
        if matches!(*what, "is-enabled" | "is-active") {
            let active = units.iter().all(|unit| self.is_active(unit));
            reply(if *what == "is-enabled" || active { "0 enabled\n" } else { "3 inactive\n" });
            return;
        }
        self.asked.lock().unwrap().push([&[*what], units].concat().join(" "));
        if arguments.contains("--no-block") {
            reply("0\n");
        }
        // What starts at boot is of no matter here, but for what is to start at once.
        let what = &match *what {
            "enable" if arguments.contains("--now") => "start",
            other => other,
        };
        let well = units.iter().map(|unit| self.job(what, unit)).filter(|done| !done).count() == 0;
        if !arguments.contains("--no-block") {
            reply(if well { "0\n" } else { "1\n" });
        }
    }

    /// Whether a unit runs or listens. One that is busy starting or stopping does not.
    pub fn is_active(&self, unit: &str) -> bool {
        self.units
            .get(unit)
            .and_then(|state| state.try_lock().ok())
            .is_some_and(|mut state| state.is_active())
    }

    /// The process of a service.
    pub fn pid(&self, service: &str) -> Option<u32> {
        self.units[service].lock().unwrap().child.as_ref().map(Child::id)
    }

    /// Does what is asked of a unit; whether that went well.
    pub fn job(&self, what: &str, unit: &str) -> bool {
        let Some(state) = self.units.get(unit) else { return true };
        let mut state = state.lock().unwrap();
        let active = state.is_active();
        match what {
            "start" => active || self.start(unit, &mut state),
            "restart" | "try-restart" => {
                if what == "try-restart" && !active {
                    return true;
                }
                stop(&mut state) && self.start(unit, &mut state)
            }
            "reload-or-restart" | "try-reload-or-restart" | "reload" => !active || reload(unit, &state),
            "stop" => stop(&mut state),
            _ => panic!("not known: {what} {unit}"),
        }
    }

    fn start(&self, name: &str, state: &mut State) -> bool {
        let unit = Unit::read(name).unwrap_or_else(|| panic!("not installed: {name}"));
        match name.rsplit('.').next() {
            Some("socket") => {
                state.socket = Some(Arc::new(listen(&unit)));
                true
            }
            Some("service") => self.start_service(&unit, state),
            // What paths and timers do at their time, the test does.
            _ => true,
        }
    }

    fn start_service(&self, unit: &Unit, state: &mut State) -> bool {
        unit.make_folders();
        for line in unit.all_of("ExecStartPre") {
            let (mut command, counts) = unit.command(line, "");
            if !command.status().unwrap().success() && counts {
                return false;
            }
        }
        let socket = self.units.get(&unit.name.replace(".service", ".socket"));
        let socket = socket.and_then(|state| state.lock().unwrap().socket.clone());
        let inherit = if socket.is_some() {
            "exec 3<&0 0</dev/null; export LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES=socket"
        } else {
            ""
        };
        let mut lines = unit.all_of("ExecStart");
        let last = lines.pop().unwrap();
        // Of a service that runs to its end there may be several, one after the other.
        for line in lines {
            if !unit.command(line, "").0.status().unwrap().success() {
                return false;
            }
        }
        let (mut command, _) = unit.command(last, inherit);
        if let Some(socket) = socket {
            command.stdin(Stdio::from(socket.try_clone().unwrap()));
        }
        command.stdout(Stdio::null()).stderr(File::create(log(&unit.name)).unwrap());
        let notify = Path::new(PLACE).join(format!("notify-{}", unit.name));
        let _ = fs::remove_file(&notify);
        let messages = UnixDatagram::bind(&notify).unwrap();
        fs::set_permissions(&notify, fs::Permissions::from_mode(0o777)).unwrap();
        let is_notified = unit.one("Type").is_some_and(|kind| kind.starts_with("notify"));
        if is_notified {
            command.env("NOTIFY_SOCKET", &notify);
        }
        let mut child = command.spawn().unwrap();
        if unit.one("Type") == Some("oneshot") {
            let well = child.wait().unwrap().success();
            return well
                && unit
                    .all_of("ExecStartPost")
                    .into_iter()
                    .all(|line| unit.command(line, "").0.status().unwrap().success());
        }
        let ready = !is_notified || is_ready(&messages, &mut child);
        // Later messages find a reader, as they would.
        thread::spawn(move || while messages.recv(&mut [0; 4096]).is_ok() {});
        state.child = Some(child);
        ready
    }
}

/// Where the messages of a service go.
pub fn log(service: &str) -> PathBuf {
    Path::new(PLACE).join(format!("{service}.log"))
}

fn is_ready(messages: &UnixDatagram, child: &mut Child) -> bool {
    messages.set_nonblocking(true).unwrap();
    let mut buffer = [0; 4096];
    let ready = eventually("READY=1 of a service, or its end", || match messages.recv(&mut buffer) {
        Ok(bytes) if String::from_utf8_lossy(&buffer[..bytes]).lines().any(|line| line == "READY=1") => {
            Some(true)
        }
        Ok(_) => None,
        Err(_) => child.try_wait().unwrap().map(|_| false),
    });
    messages.set_nonblocking(false).unwrap();
    ready
}

fn stop(state: &mut State) -> bool {
    state.socket = None;
    let Some(mut child) = state.child.take() else { return true };
    if child.try_wait().unwrap().is_none() {
        kill(Pid::from_raw(child.id() as i32), Signal::SIGTERM).unwrap();
    }
    eventually(&format!("an end within {PATIENCE:?}"), || child.try_wait().unwrap());
    true
}

fn reload(name: &str, state: &State) -> bool {
    let unit = Unit::read(name).unwrap();
    let pid = state.child.as_ref().map_or(0, Child::id);
    unit.all_of("ExecReload").into_iter().all(|line| {
        let line = line.replace("$MAINPID", &pid.to_string());
        unit.command(&line, "").0.status().unwrap().success()
    })
}

/// The socket of a unit, as it says.
fn listen(unit: &Unit) -> OwnedFd {
    let places = unit.all_of("ListenStream");
    let [place] = places[..] else { panic!("{}: {places:?}", unit.name) };
    if !place.starts_with('/') {
        let place = if place.contains(':') { place.to_owned() } else { format!("127.0.0.1:{place}") };
        return TcpListener::bind(place).unwrap().into();
    }
    fs::create_dir_all(Path::new(place).parent().unwrap()).unwrap();
    let _ = fs::remove_file(place);
    let listener = UnixListener::bind(place).unwrap();
    let user = unit.one("SocketUser").map(|name| User::from_name(name).unwrap().unwrap().uid);
    let group = unit.one("SocketGroup").map(|name| Group::from_name(name).unwrap().unwrap().gid);
    chown(place, user.or(Some(Uid::current())), group.or(Some(Gid::current()))).unwrap();
    let mode = u32::from_str_radix(unit.one("SocketMode").unwrap_or("0666"), 8).unwrap();
    fs::set_permissions(place, fs::Permissions::from_mode(mode)).unwrap();
    listener.into()
}
