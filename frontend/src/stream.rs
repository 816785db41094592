//! What stands between a client's socket and hyper.
//!
//! [`Stream`] hands hyper one whole head at a time, and only such as hyper takes (see [`crate::head`]). At a head that
//! is refused it lets hyper come to its end and keeps the verdict for [`crate::connection`]. It also notes for
//! [`crate::clients`] what the connection is waiting for. It copies heads, never bodies.

use crate::{
    clients::Guest,
    head::{self, HeadLimits, Refusal, Verdict, Whole},
    sys,
};
use hyper::rt::{Read, ReadBufCursor, Write};
use socket2::SockRef;
use std::{
    io::{self, IoSlice},
    mem::MaybeUninit,
    os::fd::AsFd as _,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, Interest, ReadBuf},
    net::{TcpStream, UnixStream},
};

/// Bytes taken off the socket at a time.
const READ: usize = 16 * 1024;
/// A buffer of heads above this is given back when it is empty.
const KEPT: usize = 1024;

/// A client's socket.
#[derive(Debug)]
pub enum Socket {
    /// Over TCP.
    Tcp(TcpStream),
    /// Over a socket file.
    Unix(UnixStream),
}

/// A client's socket as hyper sees it.
#[derive(Debug)]
pub struct Stream {
    socket: Socket,
    guest: Rc<Guest>,
    limits: HeadLimits,
    /// Bytes read and not handed on.
    waiting: Vec<u8>,
    /// How many of them hyper may have.
    cleared: usize,
    /// How many of them were judged to be the beginning of a head.
    judged: usize,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// One head after the other.
    Heads,
    /// A body: hyper takes what comes; the connection ends with its answer.
    Body,
    /// A head that was not taken.
    Refused(Refusal),
    /// The client has said all.
    Ended,
}

impl Stream {
    /// A stream at its first head.
    pub fn new(socket: Socket, guest: Rc<Guest>, limits: HeadLimits) -> Stream {
        Stream { socket, guest, limits, waiting: Vec::new(), cleared: 0, judged: 0, state: State::Heads }
    }

    /// Why the head with which the stream ended was not taken, and whether it is one of HEAD.
    pub fn refusal(&self) -> Option<(Refusal, bool)> {
        match self.state {
            State::Refused(refusal) => Some((refusal, self.waiting.starts_with(b"HEAD "))),
            _ => None,
        }
    }

    /// Whether the client may have sent something that nobody has read: closing now could cost it the answer.
    pub fn has_unread(&self) -> bool {
        !self.waiting.is_empty() || matches!(self.state, State::Body | State::Refused(_))
    }

    /// Whether the connection could go on with another request, of which nothing has come yet.
    pub fn is_between_requests(&self) -> bool {
        self.state == State::Heads && self.waiting.is_empty()
    }

    /// Whether there is something to read, the client's end included. Looked at, for of a new socket the runtime supposes it.
    pub fn poll_readable(&self, cx: &mut Context<'_>) -> Poll<()> {
        let look = || self.peek();
        loop {
            let looked =
                match &self.socket {
                    Socket::Tcp(socket) => ready!(socket.poll_read_ready(cx))
                        .and_then(|()| socket.try_io(Interest::READABLE, look)),
                    Socket::Unix(socket) => ready!(socket.poll_read_ready(cx))
                        .and_then(|()| socket.try_io(Interest::READABLE, look)),
                };
            // An error is told again by the read that follows.
            if !looked.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock) {
                return Poll::Ready(());
            }
        }
    }

    /// Whether bytes have come that nobody has read, also such as the runtime does not know of yet.
    pub fn has_input(&self) -> bool {
        self.peek().is_ok_and(|length| length > 0)
    }

    fn peek(&self) -> io::Result<usize> {
        let mut byte = [MaybeUninit::uninit()];
        match &self.socket {
            Socket::Tcp(socket) => SockRef::from(socket).peek(&mut byte),
            Socket::Unix(socket) => SockRef::from(socket).peek(&mut byte),
        }
    }

    /// Has the system forget what it still holds for the client once the socket is closed. Else it would keep trying for
    /// minutes, however little the client reads.
    pub fn discard_unsent(&self) {
        if let Socket::Tcp(socket) = &self.socket {
            // It is closed either way.
            let _ = SockRef::from(socket).set_linger(Some(Duration::ZERO));
        }
    }

    /// The socket itself.
    pub fn into_socket(self) -> Socket {
        self.socket
    }

    /// Looks whether a head is complete, and clears it.
    fn judge(&mut self) {
        if self.judged == 0 {
            let blank = self.waiting.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
            self.waiting.drain(..blank);
        }
        if self.waiting.len() == self.judged {
            return;
        }
        match head::judge(&self.waiting, self.judged, self.limits) {
            Verdict::Incomplete => self.judged = self.waiting.len(),
            Verdict::Escape(target) => {
                let escaped = head::escape(&self.waiting[target.clone()]);
                self.waiting.splice(target, escaped);
                self.judged = 0;
                self.judge();
            }
            Verdict::Refused(refusal) => self.state = State::Refused(refusal),
            Verdict::Whole(Whole { length, body }) => {
                self.cleared = length;
                self.judged = 0;
                if body {
                    self.state = State::Body;
                }
            }
        }
    }

    /// Hands on as much of what is cleared as there is room for.
    fn hand_on(&mut self, room: &mut ReadBufCursor<'_>) {
        let count = self.cleared.min(room.remaining());
        room.put_slice(&self.waiting[..count]);
        self.waiting.drain(..count);
        self.cleared -= count;
        if self.waiting.is_empty() && self.waiting.capacity() > KEPT {
            self.waiting = Vec::new();
        }
        if self.cleared == 0 {
            self.guest.on_served();
        }
    }
}

impl Read for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut room: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        loop {
            if this.cleared > 0 {
                this.hand_on(&mut room);
                return Poll::Ready(Ok(()));
            }
            match this.state {
                State::Refused(_) | State::Ended => return Poll::Ready(Ok(())),
                State::Body if !this.waiting.is_empty() => {
                    this.cleared = this.waiting.len();
                    continue;
                }
                State::Body => {}
                State::Heads => {
                    this.judge();
                    if this.cleared > 0 || this.state != State::Heads {
                        continue;
                    }
                }
            }
            let mut space = [const { MaybeUninit::uninit() }; READ];
            let mut bytes = ReadBuf::uninit(&mut space);
            let Poll::Ready(read) = this.socket.poll_read(cx, &mut bytes) else {
                // Of a body nothing is awaited: the request is being answered.
                if this.state == State::Heads {
                    this.guest.awaits_bytes(!this.waiting.is_empty());
                }
                return Poll::Pending;
            };
            read?;
            if bytes.filled().is_empty() {
                this.state = State::Ended;
            }
            this.waiting.extend_from_slice(bytes.filled());
        }
    }
}

impl Write for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = self.socket.poll_write(cx, bytes);
        match written {
            Poll::Pending => self.guest.on_unread(self.socket.untaken()),
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

impl Socket {
    /// Reads what is there; nothing at the client's end.
    pub fn poll_read(&mut self, cx: &mut Context<'_>, bytes: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self {
            Socket::Tcp(socket) => Pin::new(socket).poll_read(cx, bytes),
            Socket::Unix(socket) => Pin::new(socket).poll_read(cx, bytes),
        }
    }

    /// Writes what there is room for.
    pub fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        match self {
            Socket::Tcp(socket) => Pin::new(socket).poll_write_vectored(cx, bytes),
            Socket::Unix(socket) => Pin::new(socket).poll_write_vectored(cx, bytes),
        }
    }

    /// Bytes that were written and that the client's system has not taken.
    fn untaken(&self) -> usize {
        let socket = match self {
            Socket::Tcp(socket) => socket.as_fd(),
            Socket::Unix(socket) => socket.as_fd(),
        };
        // A socket that cannot tell is broken, and so its client makes no progress.
        sys::untaken(socket).unwrap_or(usize::MAX)
    }

    /// Ends the writing side.
    pub fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Socket::Tcp(socket) => Pin::new(socket).poll_shutdown(cx),
            Socket::Unix(socket) => Pin::new(socket).poll_shutdown(cx),
        }
    }
}
