//! The listener for those who look after the service: health and metrics.
//!
//! It has a thread, a few connections and time-outs of its own, so that neither clients nor askers can hold the other
//! up, and nothing of it can be reached where clients connect. [`metrics`] writes what was counted.

mod daemon;
mod metrics;
mod page;

use crate::{
    accept::{Gate, Listener, accept},
    backend::{End, probe},
    failure::Failure,
    response::{self, Body},
    thread::{self, Process},
    watchdog,
};
use bytes::Bytes;
use hyper::{
    Method, Request, Response, StatusCode,
    body::Incoming,
    header::{ACCEPT, HeaderValue},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use socket2::Socket;
use std::{
    convert::Infallible,
    future::pending,
    path::Path,
    rc::Rc,
    sync::Arc,
    time::{Duration, Instant},
};
use thiserror::Error;
use tokio::{net::TcpStream, sync::watch, task::spawn_local, time::timeout};

/// Connections at a time.
const MOST_CONNECTIONS: usize = 64;
/// Time for a connection from its start to its end, however slow the asker is.
const LONGEST: Duration = Duration::from_secs(10);
/// Time for a request's head to arrive.
const HEAD: Duration = Duration::from_secs(2);
/// Bytes of a head.
const LONGEST_HEAD: usize = 8 * 1024;
/// A thread whose loop has not turned for this long hangs; each turns twice a second at least.
const HUNG: Duration = Duration::from_secs(5);

/// What the answers are made of.
#[derive(Debug)]
struct Desk {
    process: Arc<Process>,
}

/// Why we are not well. Who asks reads this.
#[derive(Debug, Error)]
enum Ailment<'a> {
    /// Only a restart helps.
    #[error("thread http-{thread} has hung for {} s", HUNG.as_secs())]
    Hung { thread: usize },
    /// A balancer is to send clients elsewhere.
    #[error("stopping")]
    Stopping,
    /// No client would get in.
    #[error("all {0} connections are taken, and none is idle")]
    Full(usize),
    /// A worker cannot answer.
    #[error("daemon {}: a worker answers with {status}", daemon.display())]
    Failing { daemon: &'a Path, status: u16 },
    /// No worker answers.
    #[error("daemon {}: no worker answers ({cause})", daemon.display())]
    Alone { daemon: &'a Path, cause: End },
}

/// Starts the thread that answers over `listeners`. It ends with the process, so that a balancer can be told that we stop.
pub fn start(process: &Arc<Process>, listeners: Vec<Socket>) -> Result<(), Failure> {
    let process = Arc::clone(process);
    let answer = async move || {
        let desk = Rc::new(Desk { process });
        let gate = Arc::new(Gate::new("admin connections", MOST_CONNECTIONS));
        let (_never, stop) = watch::channel(false);
        for listener in listeners {
            let desk = Rc::clone(&desk);
            let serve = move |socket, _, place| {
                let desk = Rc::clone(&desk);
                spawn_local(async move {
                    // What is not over by then is cut off.
                    let _ = timeout(LONGEST, http(socket, desk)).await;
                    drop(place);
                });
            };
            spawn_local(accept(Listener::new(listener)?, Arc::clone(&gate), stop.clone(), serve));
        }
        pending().await
    };
    thread::start("admin".into(), answer).map(drop)
}

async fn http(socket: TcpStream, desk: Rc<Desk>) {
    let service = service_fn(|request| {
        let desk = Rc::clone(&desk);
        async move { Ok::<_, Infallible>(desk.answer(&request).await) }
    });
    let mut http = http1::Builder::new();
    http.half_close(true).keep_alive(false).timer(TokioTimer::new()).header_read_timeout(HEAD);
    // A connection that breaks is the asker's loss, and it is gone.
    let _ = http.max_buf_size(LONGEST_HEAD).serve_connection(TokioIo::new(socket), service).await;
}

impl Desk {
    async fn answer(&self, request: &Request<Incoming>) -> Response<Body> {
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            return response::refusal(StatusCode::METHOD_NOT_ALLOWED);
        }
        match request.uri().path() {
            "/healthz/live" => said(self.live()),
            "/healthz/ready" => said(self.ready().await),
            "/metrics" => {
                let (content_type, text) = self.metrics(wants_older(request)).await;
                response::own(StatusCode::OK, content_type, text)
            }
            _ => text(StatusCode::NOT_FOUND, "there are /metrics, /healthz/live and /healthz/ready\n"),
        }
    }

    /// Every thread's loop turns. If not, only a restart helps.
    fn live(&self) -> Result<(), Ailment<'_>> {
        watchdog::stuck(&self.process.counters, HUNG, Instant::now())
            .map_or(Ok(()), |thread| Err(Ailment::Hung { thread }))
    }

    /// One more client would get in: there is a place, or a connection that would make room. The latter is known from the
    /// threads' last sweep.
    fn room(&self) -> Result<(), Ailment<'_>> {
        let Process { gate, counters, .. } = &*self.process;
        let has_room =
            gate.taken() < gate.limit || counters.iter().any(|counters| counters.dispensable.get() > 0);
        if has_room { Ok(()) } else { Err(Ailment::Full(gate.limit)) }
    }

    /// There is room for clients, a worker answers a request in time, and the front end is not about to stop.
    ///
    /// A worker exists only with a cache that was checked, and has to look a directory up in it; that it does not find
    /// this one is the answer that is expected.
    async fn ready(&self) -> Result<(), Ailment<'_>> {
        let Process { config, stop, .. } = &*self.process;
        if *stop.borrow() {
            return Err(Ailment::Stopping);
        }
        self.live()?;
        self.room()?;
        let daemon = &*config.daemon;
        match probe::look_up(daemon, config.relay).await {
            Ok(200..500) => Ok(()),
            Ok(status) => Err(Ailment::Failing { daemon, status }),
            Err(cause) => Err(Ailment::Alone { daemon, cause }),
        }
    }
}

/// Whether an asker knows Prometheus' older text alone.
fn wants_older(request: &Request<Incoming>) -> bool {
    let accepted = request.headers().get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let accepted: Vec<&str> = accepted.flat_map(|value| value.split([',', ';'])).map(str::trim).collect();
    let takes = |kind: &str| accepted.iter().any(|accepted| accepted.eq_ignore_ascii_case(kind));
    takes("text/plain") && !takes("application/openmetrics-text")
}

/// All is well, or what is not.
fn said(health: Result<(), Ailment<'_>>) -> Response<Body> {
    match health {
        Ok(()) => text(StatusCode::OK, "ok\n"),
        Err(ailment) => text(StatusCode::SERVICE_UNAVAILABLE, format!("{ailment}\n")),
    }
}

fn text(status: StatusCode, body: impl Into<Bytes>) -> Response<Body> {
    response::own(status, HeaderValue::from_static("text/plain; charset=utf-8"), body)
}
