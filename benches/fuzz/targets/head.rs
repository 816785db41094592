//! Heads of requests: every verdict is the same whether they come in one piece or in two, and hyper takes each head
//! that is passed on, and takes it as one request.
#![no_main]

use frontend::head::{HeadLimits, Verdict, escape, judge};
use http_body_util::Empty;
use hyper::{
    Request, Response,
    body::{Body as _, Bytes, Incoming},
    rt::{Read, ReadBufCursor, Write},
    server::conn::http1,
    service::service_fn,
};
use libfuzzer_sys::fuzz_target;
use std::{
    cell::RefCell,
    convert::Infallible,
    io,
    pin::{Pin, pin},
    task::{Context, Poll, Waker},
};

const LIMITS: HeadLimits = HeadLimits { uri: 512, head: 1024 };

fuzz_target!(|bytes: &[u8]| {
    let Some((piece, bytes)) = bytes.split_first() else { return };
    // What stands in front of a head is taken away before.
    let blank = bytes.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
    let bytes = &bytes[blank..];
    let verdict = judge(bytes, 0, LIMITS);
    let first = usize::from(*piece).min(bytes.len());
    if first > 0 && judge(&bytes[..first], 0, LIMITS) == Verdict::Incomplete {
        let in_two = judge(bytes, first, LIMITS);
        // What is wrong with a head may be told only when its end is there, and of two things either.
        let later = matches!(in_two, Verdict::Incomplete | Verdict::Refused(_))
            && !matches!(verdict, Verdict::Whole(_))
            && !has_end(bytes);
        assert!(in_two == verdict || later, "{in_two:?}, {verdict:?}, {first}: {}", bytes.escape_ascii());
    }
    match verdict {
        Verdict::Whole(whole) => {
            assert!(whole.length <= bytes.len() && whole.length <= LIMITS.head);
            hyper_takes(&bytes[..whole.length], whole.body);
        }
        Verdict::Escape(target) => {
            let escaped = escape(&bytes[target.clone()]);
            assert!(escaped.len() > target.len() && escaped.len() <= LIMITS.uri);
            let again = [&bytes[..target.start], &escaped[..], &bytes[target.end..]].concat();
            match judge(&again, 0, LIMITS) {
                Verdict::Escape(_) => panic!("escaped twice: {}", bytes.escape_ascii()),
                Verdict::Whole(whole) => hyper_takes(&again[..whole.length], whole.body),
                Verdict::Incomplete | Verdict::Refused(_) => {}
            }
        }
        Verdict::Incomplete | Verdict::Refused(_) => {}
    }
});

/// Whether there is an empty line.
fn has_end(bytes: &[u8]) -> bool {
    bytes.windows(2).any(|two| two == b"\n\n") || bytes.windows(3).any(|three| three == b"\n\r\n")
}

/// Panics unless hyper calls its service for this head, once, and sees a body if there is one.
fn hyper_takes(head: &[u8], body: bool) {
    let calls = RefCell::new(Vec::new());
    let service = service_fn(|request: Request<Incoming>| {
        calls.borrow_mut().push(!request.body().is_end_stream());
        std::future::ready(Ok::<_, Infallible>(Response::new(Empty::<Bytes>::new())))
    });
    let connection = http1::Builder::new().half_close(true).serve_connection(Memory { head }, service);
    let mut connection = pin!(connection);
    for _ in 0..16 {
        if connection.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready() {
            break;
        }
    }
    assert_eq!(*calls.borrow(), [body], "{}", head.escape_ascii());
}

/// A client that says its head and no more, and hears whatever it is told.
struct Memory<'a> {
    head: &'a [u8],
}

impl Read for Memory<'_> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        mut room: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let (now, later) = self.head.split_at(self.head.len().min(room.remaining()));
        room.put_slice(now);
        self.head = later;
        Poll::Ready(Ok(()))
    }
}

impl Write for Memory<'_> {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
