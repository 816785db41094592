//! Who takes part when the stack is measured: the service, and the servers that it is compared with, all running on the
//! same machine and asked in turn for answers of the same size.

use crate::{
    measure::Server,
    yardsticks::{
        Bare, Yardstick,
        nginx::{self, Nginx, REDIRECT},
    },
};
use answer::rules::Rules;
use cache::{CacheBytes, View};
use std::{fs, net::SocketAddr, path::Path, rc::Rc};
use testkit::{
    load::{
        Speech, Target,
        questions::{Expected, Kind, Question, of_size, questions},
    },
    stack::{Programs, Stack},
};

/// The daemon's `--minimum`: answers are as large as those of a country with many mirrors.
const MINIMUM: usize = 100;
/// The daemon's options but that.
const OPTIONS: [&str; 4] = ["--workers", "4", "--redirector", "/dl/"];
/// Of how many requests those of the right size are taken.
const LOOKED_AT: usize = 65_536;

/// Over TCP.
pub const TCP: &str = "TCP";
/// Over a socket file.
pub const UNIX: &str = "UNIX socket";
/// In frames, at the workers' socket.
pub const WIRE: &str = "workers' socket";

/// The service under its own name.
pub const SERVICE: &str = "mirrorlistd";
/// The service of another build, over TCP alone.
pub const OTHER: &str = "other build";
/// nginx with a file.
pub const NGINX: &str = "nginx, a file";
/// nginx with a redirect.
pub const NGINX_302: &str = "nginx, return 302";
/// hyper with a constant.
pub const HYPER: &str = "hyper, a constant";
/// The echo of frames.
pub const ECHO: &str = "echo of frames";

/// Questions of files below a prefix of the redirector.
pub const REDIRECTS: &str = "redirect";
/// Questions of lists, and of the same as pages and JSON objects.
pub const FORMS: &str = "forms of a list";
/// Questions of lists.
pub const MIRRORLIST: &str = "mirrorlist";

/// Everyone, running.
#[derive(Debug)]
pub struct Contest {
    stack: Stack,
    other: Option<Stack>,
    nginx: Option<Nginx>,
    rounds: Vec<Round>,
    /// Paths of the redirector.
    files: Vec<Question>,
    folder: tempfile::TempDir,
}

/// Requests of a kind, and who answers nothing else.
#[derive(Debug)]
struct Round {
    kind: &'static str,
    /// Asked of the service; every answer is looked at.
    strict: Rc<[Question]>,
    /// The same; only the status is looked at, as it is with all others.
    asked: Rc<[Question]>,
    /// Asked of the others.
    file: Rc<[Question]>,
    hyper: Bare,
    echo: Bare,
}

impl Contest {
    /// Starts them all on a cache: metalinks of 26 kB and lists of 6 kB.
    pub fn start(programs: &Programs, yardstick: &Yardstick, cache: &Path) -> Result<Contest, String> {
        let folder = tempfile::tempdir().map_err(|error| format!("folder: {error}"))?;
        let bytes = CacheBytes::read(cache).map_err(|error| format!("cache: {error}"))?;
        let view = View::check(&bytes).map_err(|error| format!("cache: {error}"))?;
        let mut rounds = Vec::new();
        for (name, kind, size) in
            [("metalink", Kind::Metalink, 26_000), (MIRRORLIST, Kind::Mirrorlist, 6_000)]
        {
            let rules = Rules { minimum: MINIMUM, ..Rules::default() };
            let strict = of_size(view, rules, questions(&view, kind, LOOKED_AT, 1), size);
            if strict.is_empty() {
                return Err(format!("no {name} of {size} bytes in this cache"));
            }
            fs::write(folder.path().join(name), vec![b'x'; size]).map_err(|error| error.to_string())?;
            let only_status =
                |question: &Question| Question { expected: Expected::Status(200), ..question.clone() };
            let file = Question { target: format!("/{name}"), ..only_status(&strict[0]) };
            rounds.push(Round {
                kind: name,
                asked: strict.iter().map(only_status).collect(),
                strict: strict.into(),
                file: [file].into(),
                hyper: yardstick.http(folder.path(), size)?,
                echo: yardstick.frames(folder.path(), size)?,
            });
        }
        let socket = format!("unix:{}", folder.path().join("http").display());
        let stack = Stack::start(
            programs,
            cache,
            &options(&MINIMUM.to_string()),
            &["--listen", "127.0.0.1:0", "--listen", &socket],
        )?;
        let nginx = if nginx::is_installed() {
            Some(Nginx::start(folder.path())?)
        } else {
            eprintln!("nginx is not installed (apt-get install nginx-light): its rows are left out");
            None
        };
        let files = questions(&view, Kind::File, LOOKED_AT, 1);
        Ok(Contest { stack, other: None, nginx, rounds, files, folder })
    }

    /// Lets another build of the service answer the same beside it, from the same cache.
    pub fn join(&mut self, programs: &Programs, cache: &Path) -> Result<(), String> {
        self.other = Some(Stack::start(
            programs,
            cache,
            &options(&MINIMUM.to_string()),
            &["--listen", "127.0.0.1:0"],
        )?);
        Ok(())
    }

    /// The service asked for files below a prefix of its redirector, and nginx with one redirect, both over TCP. `strict`:
    /// the service's answers are looked at.
    pub fn redirects(&self, strict: bool) -> Result<Vec<Server>, String> {
        let asked = if strict { self.files.clone() } else { with_status(&self.files, 302) };
        let mut servers = vec![of(&self.stack, SERVICE, asked.clone())?];
        if let Some(other) = &self.other {
            servers.push(of(other, OTHER, asked)?);
        }
        if let (Some(nginx), Some(first)) = (&self.nginx, self.files.first()) {
            let constant =
                Question { target: REDIRECT.into(), expected: Expected::Status(302), ..first.clone() };
            servers.push(Server {
                name: NGINX_302,
                way: TCP,
                target: Target::Tcp(nginx.address),
                speech: Speech::Http,
                processes: nginx.processes().map_err(|error| format!("processes: {error}"))?,
                questions: [constant].into(),
            });
        }
        Ok(servers)
    }

    /// The service asked over TCP for lists, and for the same as a page and as a JSON object.
    pub fn forms(&self) -> Result<[Server; 3], String> {
        let lists = self.rounds.iter().find(|round| round.kind == MIRRORLIST).ok_or("no lists")?;
        let lists = with_status(&lists.strict, 200);
        let form = |format| {
            let with = |list: &Question| Question {
                target: format!("{}&format={format}", list.target),
                ..list.clone()
            };
            lists.iter().map(with).collect()
        };
        Ok([
            of(&self.stack, MIRRORLIST, lists.clone())?,
            of(&self.stack, "page", form("html"))?,
            of(&self.stack, "JSON", form("json"))?,
        ])
    }

    /// Everyone who answers requests of each kind, the service first. `strict`: its answers are looked at.
    pub fn servers(&self, strict: bool) -> Result<Vec<(&'static str, Vec<Server>)>, String> {
        self.rounds.iter().map(|round| Ok((round.kind, self.servers_of(round, strict)?))).collect()
    }

    fn servers_of(&self, round: &Round, strict: bool) -> Result<Vec<Server>, String> {
        let failed = |error: std::io::Error| format!("processes: {error}");
        let tcp = |address: SocketAddr| (TCP, Target::Tcp(address), Speech::Http);
        let unix = |path: &Path| (UNIX, Target::Unix(path.to_owned()), Speech::Http);
        let wire = |path: &Path| (WIRE, Target::Unix(path.to_owned()), Speech::Frames);
        let mut servers = Vec::new();
        let mut add = |name, place, processes: &[(&'static str, u32)], questions: &Rc<[Question]>| {
            let (way, target, speech) = place;
            let (processes, questions) = (processes.to_vec(), Rc::clone(questions));
            servers.push(Server { name, way, target, speech, processes, questions });
        };
        let asked = if strict { &round.strict } else { &round.asked };
        let ours = self.stack.processes().map_err(failed)?;
        add(SERVICE, tcp(self.stack.http), &ours, asked);
        if let Some(other) = &self.other {
            add(OTHER, tcp(other.http), &other.processes().map_err(failed)?, asked);
        }
        if let Some(nginx) = &self.nginx {
            add(NGINX, tcp(nginx.address), &nginx.processes().map_err(failed)?, &round.file);
        }
        let hyper = [("hyper", round.hyper.running.pid())];
        add(HYPER, tcp(round.hyper.address.ok_or("hyper: no address")?), &hyper, &round.file);
        add(SERVICE, unix(&self.folder.path().join("http")), &ours, asked);
        if let Some(nginx) = &self.nginx {
            add(NGINX, unix(&nginx.socket), &nginx.processes().map_err(failed)?, &round.file);
        }
        add(HYPER, unix(&round.hyper.socket), &hyper, &round.file);
        add(SERVICE, wire(&self.stack.socket), &ours[1..], asked);
        add(ECHO, wire(&round.echo.socket), &[("echo", round.echo.running.pid())], &round.file);
        Ok(servers)
    }
}

/// A service over TCP.
fn of(stack: &Stack, name: &'static str, questions: Vec<Question>) -> Result<Server, String> {
    Ok(Server {
        name,
        way: TCP,
        target: Target::Tcp(stack.http),
        speech: Speech::Http,
        processes: stack.processes().map_err(|error| format!("processes: {error}"))?,
        questions: questions.into(),
    })
}

/// The daemon's options.
fn options(minimum: &str) -> Vec<&str> {
    [&OPTIONS[..], &["--minimum", minimum]].concat()
}

/// The same requests, of whose answers the status alone is looked at.
fn with_status(asked: &[Question], status: u16) -> Vec<Question> {
    asked.iter().map(|one| Question { expected: Expected::Status(status), ..one.clone() }).collect()
}
