//! The listener for those who look after the service: health and metrics.
//!
//! It has a thread, a few connections and time-outs of its own, so that neither clients nor askers can hold the other
//! up, and nothing of it can be reached where clients connect. [`metrics`] writes what was counted.

mod daemon;
mod metrics;
mod page;

use crate::{
    accept::{Gate, Listener, accept},
    backend::probe,
    counters::Counters,
    failure::Failure,
    thread::{self, Process},
    watchdog::Watchdog,
};
use bytes::Bytes;
use http_body_util::Full;
use hyper::{
    Method, Request, Response, StatusCode,
    body::Incoming,
    header::{ACCEPT, ALLOW, CONTENT_TYPE, HeaderValue},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use socket2::Socket;
use std::{
    cell::RefCell,
    convert::Infallible,
    rc::Rc,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{
    net::TcpStream,
    sync::watch,
    task::spawn_local,
    time::{sleep, timeout},
};

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
/// How often the threads are looked at.
const LOOK: Duration = Duration::from_millis(500);

/// What the answers are made of.
#[derive(Debug)]
struct Desk {
    process: Arc<Process>,
    watchdog: RefCell<Watchdog>,
}

/// Starts the thread that answers over `listeners`, and waits until it does. It ends with the process.
pub fn start(process: &Arc<Process>, listeners: Vec<Socket>) -> Result<(), Failure> {
    let process = Arc::clone(process);
    thread::start("admin", move || {
        let watchdog = RefCell::new(Watchdog::new(&process.counters, Instant::now()));
        let desk = Rc::new(Desk { process, watchdog });
        let gate = Arc::new(Gate::new("admin connections", MOST_CONNECTIONS));
        // It is answered here until the process ends, so that a balancer can be told that we stop.
        let (never, stop) = watch::channel(false);
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
            spawn_local(accept(Listener::new(listener)?, Arc::clone(&gate), stop.clone(), || false, serve));
        }
        Ok(async move {
            let _never = never;
            loop {
                desk.watchdog.borrow_mut().stuck(LOOK, Instant::now());
                sleep(LOOK).await;
            }
        })
    })
    .map(drop)
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
    async fn answer(&self, request: &Request<Incoming>) -> Response<Full<Bytes>> {
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            let mut refused = text(StatusCode::METHOD_NOT_ALLOWED, "only GET and HEAD are answered here\n");
            refused.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
            return refused;
        }
        match request.uri().path() {
            "/healthz/live" => said(self.live()),
            "/healthz/ready" => said(self.ready().await),
            "/metrics" => match self.metrics().await {
                Ok(text) if wants_plain(request) => {
                    page(StatusCode::OK, metrics::PLAIN_TYPE, metrics::plain(&text))
                }
                Ok(text) => page(StatusCode::OK, metrics::CONTENT_TYPE, text),
                Err(_) => text(StatusCode::INTERNAL_SERVER_ERROR, "the metrics cannot be written down\n"),
            },
            _ => text(StatusCode::NOT_FOUND, "there are /metrics, /healthz/live and /healthz/ready\n"),
        }
    }

    /// Every thread's loop turns. If not, only a restart helps.
    fn live(&self) -> Result<(), String> {
        match self.watchdog.borrow_mut().stuck(HUNG, Instant::now()) {
            None => Ok(()),
            Some(thread) => Err(format!("thread http-{thread} has hung for {} s", HUNG.as_secs())),
        }
    }

    /// One more client would get in: there is a place, or a connection that would make room. The latter is known from the
    /// threads' last sweep.
    fn room(&self) -> Result<(), String> {
        let sum = |counter: fn(&Counters) -> u64| {
            self.process.counters.iter().map(|counters| counter(counters)).sum()
        };
        let (taken, ended): (u64, u64) =
            (sum(|counters| counters.connections.get()), sum(|counters| counters.closed.get()));
        let (open, most) = (taken.saturating_sub(ended), self.process.gate.limit as u64);
        let dispensable: u64 = sum(|counters| counters.dispensable.get());
        if open < most || dispensable > 0 {
            return Ok(());
        }
        Err(format!("all {most} connections are taken, and none is idle"))
    }

    /// There is room for clients, a worker answers a request in time, and the front end is not about to stop.
    ///
    /// A worker exists only with a cache that was checked, and has to look a directory up in it; that it does not find
    /// this one is the answer that is expected.
    async fn ready(&self) -> Result<(), String> {
        let config = &self.process.config;
        if *self.process.stop.borrow() {
            return Err("stopping".into());
        }
        self.live()?;
        self.room()?;
        match probe::look_up(&config.daemon, config.relay).await {
            Ok(200..500) => Ok(()),
            Ok(status) => Err(format!("daemon {}: a worker answers with {status}", config.daemon.display())),
            Err(cause) => Err(format!("daemon {}: no worker answers ({cause})", config.daemon.display())),
        }
    }
}

/// Whether an asker knows Prometheus' older text alone.
fn wants_plain(request: &Request<Incoming>) -> bool {
    let accepted = request.headers().get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let accepted: Vec<&str> = accepted.flat_map(|value| value.split([',', ';'])).map(str::trim).collect();
    let takes = |kind: &str| accepted.iter().any(|accepted| accepted.eq_ignore_ascii_case(kind));
    takes("text/plain") && !takes("application/openmetrics-text")
}

/// All is well, or what is not.
fn said(health: Result<(), String>) -> Response<Full<Bytes>> {
    match health {
        Ok(()) => text(StatusCode::OK, "ok\n"),
        Err(what) => text(StatusCode::SERVICE_UNAVAILABLE, format!("{what}\n")),
    }
}

fn text(status: StatusCode, body: impl Into<Bytes>) -> Response<Full<Bytes>> {
    page(status, HeaderValue::from_static("text/plain; charset=utf-8"), body)
}

fn page(status: StatusCode, content_type: HeaderValue, body: impl Into<Bytes>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    response
}
