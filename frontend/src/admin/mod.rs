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
    Method, Request, Response, StatusCode, body::Incoming, header::HeaderValue, server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use socket2::Socket;
use std::{
    convert::Infallible,
    future::pending,
    path::Path,
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
        let gate = Arc::new(Gate::new("admin connections", MOST_CONNECTIONS));
        let (_never, stop) = watch::channel(false);
        for listener in listeners {
            let process = Arc::clone(&process);
            let serve = move |socket, _, place| {
                let process = Arc::clone(&process);
                spawn_local(async move {
                    // What is not over by then is cut off.
                    let _ = timeout(LONGEST, http(socket, &process)).await;
                    drop(place);
                });
            };
            spawn_local(accept(Listener::new(listener)?, Arc::clone(&gate), stop.clone(), serve));
        }
        pending().await
    };
    thread::start("admin".into(), answer).map(drop)
}

async fn http(socket: TcpStream, process: &Process) {
    let service = service_fn(async |request| Ok::<_, Infallible>(answer(&request, process).await));
    let mut http = http1::Builder::new();
    http.half_close(true).keep_alive(false).timer(TokioTimer::new()).header_read_timeout(HEAD);
    // A connection that breaks is the asker's loss, and it is gone.
    let _ = http.max_buf_size(LONGEST_HEAD).serve_connection(TokioIo::new(socket), service).await;
}

async fn answer(request: &Request<Incoming>, process: &Process) -> Response<Body> {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return response::refusal(StatusCode::METHOD_NOT_ALLOWED);
    }
    match request.uri().path() {
        "/healthz/live" => said(live(process)),
        "/healthz/ready" => said(ready(process).await),
        "/metrics" => response::own(StatusCode::OK, page::CONTENT_TYPE, metrics::write(process).await),
        _ => text(StatusCode::NOT_FOUND, "there are /metrics, /healthz/live and /healthz/ready\n"),
    }
}

/// Every thread's loop turns. If not, only a restart helps.
fn live(process: &Process) -> Result<(), Ailment<'_>> {
    let hung = watchdog::stuck(&process.counters, HUNG, Instant::now());
    hung.map_or(Ok(()), |thread| Err(Ailment::Hung { thread }))
}

/// There is room for clients, a worker answers a request in time, and the front end is not about to stop.
///
/// There is room when there is a place, or a connection that would make room; the latter is known from the threads' last
/// sweep. A worker exists only with a cache that was checked, and has to look a directory up in it; that it does not find
/// this one is the answer that is expected.
async fn ready(process: &Process) -> Result<(), Ailment<'_>> {
    let Process { config, gate, counters, stop, .. } = process;
    if *stop.borrow() {
        return Err(Ailment::Stopping);
    }
    live(process)?;
    if gate.taken() >= gate.limit && counters.iter().all(|counters| counters.dispensable.get() == 0) {
        return Err(Ailment::Full(gate.limit));
    }
    let daemon = &*config.daemon;
    match probe::look_up(daemon, config.relay).await {
        Ok(200..500) => Ok(()),
        Ok(status) => Err(Ailment::Failing { daemon, status }),
        Err(cause) => Err(Ailment::Alone { daemon, cause }),
    }
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
