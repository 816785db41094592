//! hyper and nothing else: the least that a request costs over HTTP.

use bytes::Bytes;
use frontend::{accept::Listener, config::Listen, listen};
use http_body_util::Full;
use hyper::{
    Request, Response,
    body::Incoming,
    header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use socket2::Socket;
use std::{convert::Infallible, io, thread};
use tokio::{
    net::TcpStream,
    runtime,
    task::{LocalSet, spawn_local},
};

/// Answers every request with so many bytes: a runtime for each core, as the front end has them, and its sockets.
pub fn serve(places: &[Listen], bytes: usize) -> Result<(), String> {
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let opened = listen::open(places, 0o666, threads).map_err(|failure| failure.to_string())?;
    for place in &opened.places {
        eprintln!("info: yardstick: listening on {place}");
    }
    let body = Bytes::from(vec![b'x'; bytes]);
    let mut running = Vec::new();
    for listeners in opened.threads {
        let body = body.clone();
        running.push(thread::spawn(move || on_a_thread(listeners, body)));
    }
    for thread in running {
        thread.join().map_err(|_| "a thread panicked")?.map_err(|error| error.to_string())?;
    }
    Ok(())
}

fn on_a_thread(listeners: Vec<Socket>, body: Bytes) -> io::Result<()> {
    let runtime = runtime::Builder::new_current_thread().enable_io().build()?;
    LocalSet::new().block_on(&runtime, async move {
        let mut accepting = Vec::new();
        for listener in listeners {
            let (listener, body) = (Listener::new(listener)?, body.clone());
            accepting.push(spawn_local(accept(listener, body)));
        }
        for task in accepting {
            task.await??;
        }
        Ok(())
    })
}

async fn accept(listener: Listener, body: Bytes) -> io::Result<()> {
    loop {
        listener.readable().await?;
        match listener.accept() {
            Ok((stream, _)) => drop(spawn_local(talk(stream, body.clone()))),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
}

async fn talk(stream: TcpStream, body: Bytes) {
    let answer = service_fn(|_: Request<Incoming>| {
        let mut response = Response::new(Full::new(body.clone()));
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
        async move { Ok::<_, Infallible>(response) }
    });
    // A client that is gone has nobody to be told.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), answer).await;
}
