//! One client's connection, from its first byte to its close.
//!
//! hyper speaks HTTP and keeps to the limit on heads. What it does not do is done around it: time-outs, the header line
//! that its refusals lack, a close that does not tear the last answer away from a client that is still sending. And since
//! hyper holds some 10 kB for every connection, those that wait for their next request are without it.

use crate::{clients::Guest, request::Requests, response, stream::Stream};
use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use std::{future::poll_fn, pin::Pin, rc::Rc, task::Poll, time::Duration};
use tokio::{
    io::{self, AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

/// What is read off after the last answer, at most, before the socket is closed.
const LINGER_BYTES: u64 = 64 * 1024;
/// For how long.
const LINGER: Duration = Duration::from_secs(1);
/// The least that hyper's buffer can hold.
const SMALLEST_BUFFER: usize = 8 * 1024;

/// How the time with hyper ended.
enum End {
    /// The last answer is written, or the client has ended.
    Served,
    /// The same, and the client may have sent something that nobody has read: closing now could cost it the answer.
    Unread(Stream),
    /// The client has been idle for a while; hyper and its buffers are given back until it says something.
    Resting(Stream),
    /// The connection is broken, or its time is up.
    Cut,
}

/// Serves a connection until it ends, however it ends.
pub async fn serve(socket: TcpStream, longest_head: usize, requests: Rc<Requests>) {
    let guest = &requests.guest;
    let mut stream = Stream::new(socket, Rc::clone(guest));
    while wait(&stream, guest).await {
        // In a box, so that a connection that waits is small.
        match Box::pin(http(stream, longest_head, &requests)).await {
            End::Resting(rested) => stream = rested,
            End::Unread(stream) => return close(stream, guest).await,
            End::Served | End::Cut => return,
        }
    }
}

/// Waits until the client says something or ends. False when its time is up, the program stops, or it is to make room and
/// has said nothing.
async fn wait(stream: &Stream, guest: &Guest) -> bool {
    guest.waits(true);
    let spoke = poll_fn(|cx| {
        guest.wakes(cx.waker());
        if guest.has_expired() || guest.may_stop() {
            return Poll::Ready(false);
        }
        if stream.poll_readable(cx).is_ready() {
            return Poll::Ready(true);
        }
        // What has come since the runtime looked is not to be lost.
        if guest.is_to_make_room() { Poll::Ready(stream.has_input()) } else { Poll::Pending }
    })
    .await;
    guest.waits(false);
    spoke
}

/// Has hyper serve requests for as long as they come.
async fn http(stream: Stream, longest_head: usize, requests: &Rc<Requests>) -> End {
    let guest = &requests.guest;
    let service = service_fn(|request| requests.answer(request));
    let mut http = http1::Builder::new()
        // A client may end its writing side and still wait for the answer.
        .half_close(true)
        // Time-outs are the sweep's.
        .header_read_timeout(None)
        .max_header_size(longest_head)
        .max_buf_size(longest_head.max(SMALLEST_BUFFER))
        .serve_connection(TokioIo::new(stream), service);
    let mut told_to_end = false;
    let served = poll_fn(|cx| {
        guest.wakes(cx.waker());
        if guest.has_expired() {
            return Poll::Ready(false);
        }
        // An error is the client's doing: a head that was refused, or it is gone and there is nobody to tell.
        let mut ended = Pin::new(&mut http).poll(cx).map(|ended| ended.is_ok());
        if ended.is_pending() && !told_to_end && (guest.may_stop() || guest.may_rest()) {
            told_to_end = true;
            Pin::new(&mut http).graceful_shutdown();
            ended = Pin::new(&mut http).poll(cx).map(|ended| ended.is_ok());
        }
        ended
    })
    .await;
    let parts = http.into_parts();
    let stream = parts.io.into_inner();
    if stream.is_refused() {
        End::Unread(stream)
    } else if !served {
        if guest.has_answer() {
            stream.discard_unsent();
        }
        End::Cut
    } else if guest.sends_body() || !parts.read_buf.is_empty() {
        End::Unread(stream)
    } else if guest.may_rest() {
        End::Resting(stream)
    } else {
        End::Served
    }
}

/// Says what is left to say, ends the writing side and reads until the client ends too or has sent enough, so that it
/// gets to read all.
async fn close(mut stream: Stream, guest: &Guest) {
    let refusal = stream.take_refusal();
    let said = async {
        if !refusal.is_empty() {
            let (status, refusal) = response::complete_refusal(&refusal);
            guest.counters().refused(status);
            stream.socket.write_all(&refusal).await?;
        }
        stream.socket.shutdown().await?;
        io::copy(&mut stream.socket.take(LINGER_BYTES), &mut io::sink()).await
    };
    // A client that is gone needs nothing; one that neither reads nor ends has had its second.
    let _ = timeout(LINGER, said).await;
}
