//! The listener for those who look after the service: health and metrics.
//!
//! It has a thread, a few connections and time-outs of its own, so that neither clients nor askers can hold the other
//! up, and nothing of it can be reached where clients connect. [`health`] and [`metrics`] make the answers.

mod daemon;
mod health;
mod metrics;
mod page;

use crate::{
    accept::{Gate, accept},
    counters::Counters,
    listen::{Listener, Prepared},
    stream::Socket,
    watchdog::Watchdog,
};
use bytes::Bytes;
use http_body_util::Full;
use hyper::{
    Method, Request, Response, StatusCode,
    body::Incoming,
    header::{ALLOW, CONTENT_TYPE, HeaderValue},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::{
    cell::RefCell,
    convert::Infallible,
    future::pending,
    io,
    path::PathBuf,
    rc::Rc,
    sync::{Arc, mpsc},
    thread,
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    runtime::{self, LocalOptions},
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
/// How often the threads are looked at.
const LOOK: Duration = Duration::from_millis(500);

/// What is known of the process, and how to ask the daemon.
#[derive(Debug)]
pub struct Knowledge {
    /// The daemon's socket.
    pub daemon: PathBuf,
    /// Time for the daemon to answer.
    pub deadline: Duration,
    /// Time after which another worker is asked.
    pub patience: Duration,
    /// What each thread has counted.
    pub counters: Vec<Arc<Counters>>,
    /// How many connections there may be.
    pub most_connections: usize,
    /// Whether the program has been told to stop.
    pub stop: watch::Receiver<bool>,
}

/// What the answers are made of.
#[derive(Debug)]
struct Desk {
    knowledge: Knowledge,
    watchdog: RefCell<Watchdog>,
}

/// Starts the thread that answers on `listeners`, and waits until it does. It ends with the process.
pub fn start(listeners: Vec<Prepared>, knowledge: Knowledge) -> io::Result<()> {
    let (report, reports) = mpsc::channel();
    thread::Builder::new().name("admin".into()).spawn(move || {
        let runtime =
            runtime::Builder::new_current_thread().enable_all().build_local(LocalOptions::default());
        let runtime = match runtime {
            Ok(runtime) => runtime,
            Err(error) => return drop(report.send(Err(error))),
        };
        runtime.block_on(async {
            let started = serve(listeners, knowledge);
            let is_started = started.is_ok();
            // Whoever started the thread waits for this.
            let _ = report.send(started);
            if is_started {
                pending::<()>().await;
            }
        });
    })?;
    reports.recv().unwrap_or_else(|_| Err(io::Error::other("the thread ended at its start")))
}

/// Has connections accepted and threads looked at from now on.
fn serve(listeners: Vec<Prepared>, knowledge: Knowledge) -> io::Result<()> {
    let watchdog = RefCell::new(Watchdog::new(&knowledge.counters, Instant::now()));
    let gate = Arc::new(Gate::new("admin connections", MOST_CONNECTIONS));
    // It is answered here until the process ends, so that a balancer can be told that we stop.
    let (never, stop) = watch::channel(false);
    let desk = Rc::new(Desk { knowledge, watchdog });
    for listener in listeners {
        let desk = Rc::clone(&desk);
        let listener: Listener = listener.start()?;
        let serve = move |socket, _, place| {
            let desk = Rc::clone(&desk);
            spawn_local(async move {
                // What is not over by then is cut off.
                let _ = timeout(LONGEST, connection(socket, desk)).await;
                drop(place);
            });
        };
        spawn_local(accept(listener, Arc::clone(&gate), stop.clone(), || false, serve));
    }
    spawn_local(async move {
        let _never = never;
        loop {
            desk.watchdog.borrow_mut().stuck(LOOK, Instant::now());
            sleep(LOOK).await;
        }
    });
    Ok(())
}

async fn connection(socket: Socket, desk: Rc<Desk>) {
    match socket {
        Socket::Tcp(stream) => http(stream, desk).await,
        Socket::Unix(stream) => http(stream, desk).await,
    }
}

async fn http(stream: impl AsyncRead + AsyncWrite + Unpin, desk: Rc<Desk>) {
    let service = service_fn(|request| {
        let desk = Rc::clone(&desk);
        async move { Ok::<_, Infallible>(desk.answer(&request).await) }
    });
    let mut http = http1::Builder::new();
    http.half_close(true).keep_alive(false).timer(TokioTimer::new()).header_read_timeout(HEAD);
    // A connection that breaks is the asker's loss, and it is gone.
    let _ = http.max_buf_size(LONGEST_HEAD).serve_connection(TokioIo::new(stream), service).await;
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
                Ok(text) => page(StatusCode::OK, metrics::CONTENT_TYPE, text),
                Err(_) => text(StatusCode::INTERNAL_SERVER_ERROR, "the metrics cannot be written down\n"),
            },
            _ => text(StatusCode::NOT_FOUND, "there are /metrics, /healthz/live and /healthz/ready\n"),
        }
    }
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
