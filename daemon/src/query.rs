//! `mirrorlistd query`: asks a worker as a front end does, and prints what it answers.
//!
//! For people and scripts. The worker counts and logs the request like any other.

use crate::{
    control::errand::{PATIENCE, reach, tells_of_nobody},
    failure::Failure,
};
use program::print::printed;
use serde::Serialize;
use std::{
    collections::BTreeMap,
    fmt,
    io::{self, Read as _, Write as _},
    net::IpAddr,
    os::unix::net::UnixStream,
    path::Path,
};
use wire::{
    Accept, MAX_REPLY, MAX_URI, Message, Method, Request, UrlScheme, WireError, encode_request, next_frame,
};

/// What to ask, and whom.
#[derive(Clone, Debug, PartialEq, Eq, clap::Args)]
pub struct Query {
    /// The request, such as 'mirrorlist?repo=fedora-42&arch=x86_64'
    #[arg(value_name = "REQUEST")]
    request: String,
    /// Ask for this client; `ip=` in the request beats it
    #[arg(long, value_name = "ADDRESS")]
    client: Option<IpAddr>,
    /// Ask as for a client that has come so; otherwise that is unknown
    #[arg(long, value_name = "SCHEME")]
    scheme: Option<Scheme>,
    /// Ask for status and header lines alone
    #[arg(long)]
    head: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// The scheme of the URL that a client used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Scheme {
    Http,
    Https,
}

/// Why there is no answer.
#[derive(Debug)]
enum Cause {
    /// There is no connection.
    Unreached(io::Error),
    /// The connection failed.
    Failed(io::Error),
    /// The connection was closed before a word was said.
    TurnedAway,
    /// It was closed before the answer.
    Closed,
    /// The worker has refused what it was sent.
    Refused(String),
    /// The worker says what this build does not understand.
    Wire(WireError),
}

/// What a worker has answered.
struct Answer {
    status: u16,
    kind: &'static str,
    tier: &'static str,
    headers: String,
    body: String,
}

#[derive(Serialize)]
struct Printed<'a> {
    status: u16,
    kind: &'a str,
    tier: &'a str,
    headers: BTreeMap<&'a str, &'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<&'a str>,
}

impl Query {
    /// Asks the workers at `socket`, and prints the answer.
    pub fn run(&self, socket: &Path) -> Result<(), Failure> {
        let (path, query) = self.request.split_once('?').unwrap_or((&self.request, ""));
        let path = format!("/{}", path.trim_start_matches('/'));
        if path.len() + query.len() > MAX_URI {
            return Err(Failure::config(format!("request: longer than {MAX_URI} bytes")));
        }
        let request = Request {
            method: if self.head { Method::Head } else { Method::Get },
            scheme: match self.scheme {
                None => UrlScheme::Unknown,
                Some(Scheme::Http) => UrlScheme::Http,
                Some(Scheme::Https) => UrlScheme::Https,
            },
            accept: Accept::NONE,
            client: self.client,
            path: path.as_bytes(),
            query: query.as_bytes(),
        };
        let answer = ask(socket, &request).map_err(|cause| cause.at(socket))?;
        let Answer { status, kind, tier, headers, body } = &answer;
        let body = (!self.head).then_some(body.as_str());
        let lines = headers.lines().filter_map(|line| line.split_once(": ")).collect();
        printed(self.json, &Printed { status: *status, kind, tier, headers: lines, body }, || {
            format!("{status}\n{}\n{}", headers.replace("\r\n", "\n"), body.unwrap_or_default())
        })
    }
}

fn ask(socket: &Path, request: &Request<'_>) -> Result<Answer, Cause> {
    let mut stream = reach(socket).map_err(Cause::Unreached)?;
    stream.set_read_timeout(Some(PATIENCE)).map_err(Cause::Failed)?;
    let mut heard = Vec::new();
    // The worker speaks first, unless it does not let this user in.
    match hear(&mut stream, &mut heard, |message| matches!(message, Message::Hello(_)).then_some(Ok(()))) {
        Err(Cause::Closed) => return Err(Cause::TurnedAway),
        greeted => greeted?,
    }
    let mut question = Vec::new();
    encode_request(&mut question, 1, request);
    stream.write_all(&question).map_err(Cause::Failed)?;
    hear(&mut stream, &mut heard, |message| match message {
        Message::Reply(reply) => Some(Ok(Answer {
            status: reply.head.status,
            kind: reply.head.kind.name(),
            tier: reply.head.tier.name(),
            headers: String::from_utf8_lossy(reply.headers).into_owned(),
            body: String::from_utf8_lossy(reply.body).into_owned(),
        })),
        // It retires, and answers all the same.
        Message::GoAway("") => None,
        Message::GoAway(reason) => Some(Err(Cause::Refused((*reason).to_owned()))),
        _ => None,
    })
}

/// Reads messages until `read` takes one.
fn hear<T>(
    stream: &mut UnixStream,
    heard: &mut Vec<u8>,
    read: impl Fn(&Message<'_>) -> Option<Result<T, Cause>>,
) -> Result<T, Cause> {
    loop {
        while let Some(frame) = next_frame(heard, MAX_REPLY).map_err(Cause::Wire)? {
            let (length, taken) = (frame.wire_len(), read(&Message::decode(&frame).map_err(Cause::Wire)?));
            heard.drain(..length);
            if let Some(taken) = taken {
                return taken;
            }
        }
        let mut part = [0; 1 << 14];
        match stream.read(&mut part) {
            Ok(0) => return Err(Cause::Closed),
            Ok(count) => heard.extend_from_slice(&part[..count]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => return Err(Cause::Closed),
            Err(error) => return Err(Cause::Failed(error)),
        }
    }
}

impl Cause {
    /// As the operator is told of it.
    fn at(self, socket: &Path) -> Failure {
        let message = format!("socket {}: no worker answers ({self})", socket.display());
        match self {
            Cause::Unreached(error) if !tells_of_nobody(&error) && !is_late(&error) => {
                Failure::system(format!("socket {}: {error}", socket.display()))
            }
            _ => Failure::unavailable(message),
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Cause::Unreached(error) | Cause::Failed(error) if is_late(error) => {
                f.write_str("no answer in time")
            }
            Cause::Unreached(error) | Cause::Failed(error) => error.fmt(f),
            Cause::TurnedAway => {
                f.write_str("the connection is closed at once; does the option peer list this user?")
            }
            Cause::Closed => f.write_str("the connection is closed; is the worker lost?"),
            Cause::Refused(reason) => write!(f, "the request is refused: {reason}"),
            Cause::Wire(error) => write!(f, "what it says is not understood: {error}"),
        }
    }
}

/// Whether patience has ended.
fn is_late(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut)
}
