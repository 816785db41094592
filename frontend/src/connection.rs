//! One client's connection, from its first byte to its close.
//!
//! hyper speaks HTTP. What it does not do is done around it: time-outs, the answer to a head that was not taken, a
//! close that does not tear the last answer away from a client that is still sending. And since hyper holds some 10 kB
//! for every connection, those that wait for their next request are without it.

use crate::{
    clients::Guest,
    head::HeadLimits,
    request::Requests,
    response,
    stream::{Socket, Stream},
};
use hyper::server::conn::http1;
use std::{
    future::poll_fn,
    io::IoSlice,
    mem::MaybeUninit,
    pin::Pin,
    rc::Rc,
    task::Poll,
    time::{Duration, SystemTime},
};
use tokio::{io::ReadBuf, time::timeout};

/// What is read off after the last answer, at most, before the socket is closed.
const LINGER_BYTES: usize = 64 * 1024;
/// For how long.
const LINGER: Duration = Duration::from_secs(1);
/// hyper's buffer: more than the longest head, which it gets whole.
const HYPER_BUFFER: usize = 128 * 1024;

/// How the time with hyper ended.
enum End {
    /// The last answer is written, or the client has ended.
    Served(Stream),
    /// The client has been idle for a while; hyper and its buffers are given back until it says something.
    Resting(Stream, Requests),
    /// The connection is broken, or its time is up.
    Cut,
}

/// Serves a connection until it ends, however it ends.
pub async fn serve(socket: Socket, limits: HeadLimits, mut requests: Requests) {
    let guest = Rc::clone(&requests.guest);
    let mut stream = Stream::new(socket, Rc::clone(&guest), limits);
    while wait(&stream, &guest).await {
        // In a box, so that a connection that waits is small.
        match Box::pin(http(stream, requests)).await {
            End::Served(stream) => return close(stream, &guest).await,
            End::Resting(rested, kept) => (stream, requests) = (rested, kept),
            End::Cut => return,
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
async fn http(stream: Stream, requests: Requests) -> End {
    let guest = Rc::clone(&requests.guest);
    let mut http = http1::Builder::new()
        // A client may end its writing side and still wait for the answer.
        .half_close(true)
        // Time-outs are the sweep's.
        .header_read_timeout(None)
        .max_buf_size(HYPER_BUFFER)
        .serve_connection(stream, requests);
    let mut told_to_end = false;
    let served = poll_fn(|cx| {
        guest.wakes(cx.waker());
        if guest.has_expired() {
            return Poll::Ready(false);
        }
        // An error is the client's doing, and it is gone: there is nobody to tell.
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
    if !served {
        if guest.has_answer() {
            parts.io.discard_unsent();
        }
        return End::Cut;
    }
    if guest.may_rest() && parts.io.is_between_requests() {
        End::Resting(parts.io, parts.service)
    } else {
        End::Served(parts.io)
    }
}

/// Says what is left to say, then closes so that the client gets to read it.
async fn close(stream: Stream, guest: &Guest) {
    let refusal = stream.refusal();
    if refusal.is_none() && !stream.has_unread() {
        return;
    }
    let mut socket = stream.into_socket();
    let said = async {
        if let Some((refusal, is_head)) = refusal {
            guest.counters().refused(refusal);
            write(&mut socket, &response::refusal(refusal, is_head, SystemTime::now())).await;
        }
        read_off(&mut socket).await;
    };
    // A client that neither reads nor ends has had its second.
    let _ = timeout(LINGER, said).await;
}

/// Writes all of `bytes`, or as much as the client takes.
async fn write(socket: &mut Socket, mut bytes: &[u8]) {
    while !bytes.is_empty() {
        match poll_fn(|cx| socket.poll_write(cx, &[IoSlice::new(bytes)])).await {
            Ok(written) if written > 0 => bytes = &bytes[written..],
            _ => return,
        }
    }
}

/// Ends the writing side and reads until the client ends too, or has sent enough.
async fn read_off(socket: &mut Socket) {
    if poll_fn(|cx| socket.poll_shutdown(cx)).await.is_err() {
        return;
    }
    let mut rest = LINGER_BYTES;
    let ended = |read: usize, rest: &mut usize| {
        *rest = rest.saturating_sub(read);
        read == 0 || *rest == 0
    };
    poll_fn(|cx| {
        loop {
            let mut space = [const { MaybeUninit::uninit() }; 4096];
            let mut bytes = ReadBuf::uninit(&mut space);
            match socket.poll_read(cx, &mut bytes) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Ok(())) if !ended(bytes.filled().len(), &mut rest) => {}
                Poll::Ready(_) => return Poll::Ready(()),
            }
        }
    })
    .await;
}
