//! One client's connection, from its first byte to its close.
//!
//! hyper speaks HTTP and keeps to the limit on heads. What it does not do is done around it: time-outs, the header line
//! that its refusals lack, a close that does not tear the last answer away from a client that is still sending. And since
//! hyper holds some 10 kB for every connection, those that wait for their next request are without it.

use crate::{
    clients::{Client, Order},
    request::Requests,
    response, sys,
};
use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use socket2::SockRef;
use std::{
    future::poll_fn,
    io::IoSlice,
    mem::MaybeUninit,
    os::fd::AsFd as _,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
    time::Duration,
};
use tokio::{
    io::{self, AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf},
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
    /// There is nothing left to do.
    Over,
    /// The last answer is written, and the client may have sent something that nobody has read: closing now could cost it
    /// the answer.
    Unread(Stream),
    /// The client has been idle for a while; hyper and its buffers are given back until it says something.
    Resting(Stream),
}

/// Serves a connection until it ends, however it ends.
pub async fn serve(socket: TcpStream, client: Rc<Client>, requests: Rc<Requests>) {
    let mut stream = Stream { socket, client, refusal: Vec::new() };
    while wait(&stream).await {
        // In a box, so that a connection that waits is small.
        match Box::pin(http(stream, &requests)).await {
            End::Resting(rested) => stream = rested,
            End::Unread(stream) => return close(stream).await,
            End::Over => return,
        }
    }
}

/// Waits until the client says something or ends. False when its time is up, the program stops, or it is to make room and
/// has said nothing.
async fn wait(stream: &Stream) -> bool {
    let client = &stream.client;
    client.waits(true);
    let spoke = poll_fn(|cx| {
        client.wakes(cx.waker());
        if client.order() == Order::End || client.may_stop() {
            return Poll::Ready(false);
        }
        if stream.poll_readable(cx).is_ready() {
            return Poll::Ready(true);
        }
        if client.order() != Order::MakeRoom {
            return Poll::Pending;
        }
        // What has come since the runtime looked is not to be lost.
        let come = SockRef::from(&stream.socket).peek(&mut [MaybeUninit::uninit()]);
        Poll::Ready(come.is_ok_and(|length| length > 0))
    })
    .await;
    client.waits(false);
    spoke
}

/// Has hyper serve requests for as long as they come.
async fn http(stream: Stream, requests: &Requests) -> End {
    let client = &Rc::clone(&stream.client);
    let service = service_fn(|request| requests.answer(client, request));
    let mut http = http1::Builder::new()
        // A client may end its writing side and still wait for the answer.
        .half_close(true)
        // Time-outs are the sweep's.
        .header_read_timeout(None)
        .max_header_size(requests.limits.head)
        .max_buf_size(requests.limits.head.max(SMALLEST_BUFFER))
        .serve_connection(TokioIo::new(stream), service);
    let served = poll_fn(|cx| {
        client.wakes(cx.waker());
        if client.order() == Order::End {
            return Poll::Ready(false);
        }
        // An error is the client's doing: a head that was refused, or it is gone and there is nobody to tell.
        let mut ended = Pin::new(&mut http).poll(cx);
        if ended.is_pending() && (client.may_stop() || client.order() == Order::Rest) {
            Pin::new(&mut http).graceful_shutdown();
            ended = Pin::new(&mut http).poll(cx);
        }
        ended.map(|ended| ended.is_ok())
    })
    .await;
    let parts = http.into_parts();
    let stream = parts.io.into_inner();
    if !stream.refusal.is_empty() || served && (client.sends_body.get() || !parts.read_buf.is_empty()) {
        return End::Unread(stream);
    }
    if served && client.order() == Order::Rest {
        return End::Resting(stream);
    }
    if !served && client.has_answer() {
        // The system forgets what it still holds for the client. Else it would keep trying for minutes, however little
        // the client reads. The socket is closed either way.
        let _ = SockRef::from(&stream.socket).set_linger(Some(Duration::ZERO));
    }
    End::Over
}

/// Says what is left to say, ends the writing side and reads until the client ends too or has sent enough, so that it
/// gets to read all.
async fn close(mut stream: Stream) {
    let said = async {
        if !stream.refusal.is_empty() {
            let (status, refusal) = response::complete_refusal(&stream.refusal);
            stream.client.clients.counters.refused(status);
            stream.socket.write_all(&refusal).await?;
        }
        stream.socket.shutdown().await?;
        io::copy(&mut stream.socket.take(LINGER_BYTES), &mut io::sink()).await
    };
    // A client that is gone needs nothing; one that neither reads nor ends has had its second.
    let _ = timeout(LINGER, said).await;
}

/// A client's socket as hyper reads and writes it; over a socket file that is done just as over TCP.
///
/// Bytes pass through, and the client is told. Only what hyper says by itself is kept back: its refusal of a head.
#[derive(Debug)]
struct Stream {
    socket: TcpStream,
    client: Rc<Client>,
    /// What hyper has said to a head that it did not take; empty if there was none such.
    refusal: Vec<u8>,
}

impl Stream {
    /// Whether there is something to read, the client's end included.
    fn poll_readable(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut byte = [MaybeUninit::uninit()];
        // An error is told again by the read that follows.
        self.socket.poll_peek(cx, &mut ReadBuf::uninit(&mut byte)).map(drop)
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = bytes.filled().len();
        let read = Pin::new(&mut self.socket).poll_read(cx, bytes);
        if bytes.filled().len() > before {
            self.client.on_read();
        }
        read
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if !self.client.has_answer() {
            let before = self.refusal.len();
            bytes.iter().for_each(|piece| self.refusal.extend_from_slice(piece));
            return Poll::Ready(Ok(self.refusal.len() - before));
        }
        let written = Pin::new(&mut self.socket).poll_write_vectored(cx, bytes);
        match written {
            // A socket that cannot tell is broken, and so its client makes no progress.
            Poll::Pending => self.client.on_unread(sys::untaken(self.socket.as_fd()).unwrap_or(usize::MAX)),
            Poll::Ready(Ok(bytes)) => self.client.on_written(bytes),
            Poll::Ready(Err(_)) => {}
        }
        written
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.client.on_flushed();
        Poll::Ready(Ok(()))
    }

    /// Does nothing: how the connection ends is not hyper's to decide.
    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
