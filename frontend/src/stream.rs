//! A client's socket as hyper reads and writes it.
//!
//! Bytes pass through, and [`crate::clients`] is told what the connection waits for. Only what hyper says by itself is
//! kept back: its refusal of a head, which [`crate::connection`] completes and sends.

use crate::{clients::Guest, sys};
use socket2::SockRef;
use std::{
    io::{self, IoSlice},
    mem::{self, MaybeUninit},
    os::fd::AsFd as _,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

/// A client's socket; over a socket file it reads and writes just as over TCP.
#[derive(Debug)]
pub struct Stream {
    /// The socket itself.
    pub socket: TcpStream,
    guest: Rc<Guest>,
    refusal: Vec<u8>,
}

impl Stream {
    /// The socket of this connection.
    pub fn new(socket: TcpStream, guest: Rc<Guest>) -> Stream {
        Stream { socket, guest, refusal: Vec::new() }
    }

    /// Whether hyper has refused a head.
    pub fn is_refused(&self) -> bool {
        !self.refusal.is_empty()
    }

    /// What hyper has said to a head that it did not take; empty if there was none such.
    pub fn take_refusal(&mut self) -> Vec<u8> {
        mem::take(&mut self.refusal)
    }

    /// Whether there is something to read, the client's end included.
    pub fn poll_readable(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut byte = [MaybeUninit::uninit()];
        // An error is told again by the read that follows.
        self.socket.poll_peek(cx, &mut ReadBuf::uninit(&mut byte)).map(drop)
    }

    /// Whether bytes have come that nobody has read, also such as the runtime does not know of yet.
    pub fn has_input(&self) -> bool {
        SockRef::from(&self.socket).peek(&mut [MaybeUninit::uninit()]).is_ok_and(|length| length > 0)
    }

    /// Has the system forget what it still holds for the client once the socket is closed. Else it would keep trying for
    /// minutes, however little the client reads.
    pub fn discard_unsent(&self) {
        // It is closed either way.
        let _ = SockRef::from(&self.socket).set_linger(Some(Duration::ZERO));
    }

    /// Bytes that were written and that the client's system has not taken.
    fn untaken(&self) -> usize {
        // A socket that cannot tell is broken, and so its client makes no progress.
        sys::untaken(self.socket.as_fd()).unwrap_or(usize::MAX)
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
            self.guest.on_read();
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
        if !self.guest.has_answer() {
            let before = self.refusal.len();
            bytes.iter().for_each(|piece| self.refusal.extend_from_slice(piece));
            return Poll::Ready(Ok(self.refusal.len() - before));
        }
        let written = Pin::new(&mut self.socket).poll_write_vectored(cx, bytes);
        match written {
            Poll::Pending => self.guest.on_unread(self.untaken()),
            Poll::Ready(Ok(bytes)) => self.guest.on_written(bytes),
            Poll::Ready(Err(_)) => {}
        }
        written
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.guest.on_flushed();
        Poll::Ready(Ok(()))
    }

    /// Does nothing: how the connection ends is not hyper's to decide.
    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
