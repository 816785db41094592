//! The channel: what the master and one worker say to each other, over a private pair of sockets.
//!
//! Messages are single bytes in packets of their own, so none is ever cut; a log's file travels along with
//! its message. Neither side ever waits: an order that does not fit into the socket shows as a worker that is silent.
//! The master believes no worker: it takes no files, and what it does not understand is the last that it hears.

use crate::log_file::Log;
use nix::sys::socket::{
    AddressFamily, ControlMessage, MsgFlags, SockFlag, SockType, UnixAddr, send, sendmsg, socketpair,
};
use rustix::{
    cmsg_space,
    io::{Errno, retry_on_intr},
    net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg},
};
use std::{
    io::{self, IoSlice, IoSliceMut},
    mem::MaybeUninit,
    os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd},
};

/// From the master to a worker.
#[derive(Debug)]
pub enum Order {
    /// Say that you are alive.
    Ping,
    /// Take connections from the listener.
    Serve,
    /// Leave the listener, send GOAWAY, answer until the peers have gone, then exit.
    Drain,
    /// Write the lines of a log to this file from now on.
    Log(Log, OwnedFd),
}

/// From a worker to the master.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word {
    /// The cache is mapped and the event loop runs.
    Ready,
    /// The answer to a ping.
    Alive,
}

/// What a side finds when it looks.
#[derive(Debug, PartialEq, Eq)]
pub enum Received<T> {
    /// A message.
    Message(T),
    /// None at the moment.
    Nothing,
    /// The other side is gone.
    Closed,
}

/// The master's end.
#[derive(Debug)]
pub struct MasterEnd(OwnedFd);

/// The worker's end.
#[derive(Debug)]
pub struct WorkerEnd(OwnedFd);

const PING: u8 = b'p';
const SERVE: u8 = b's';
const DRAIN: u8 = b'd';
const ACCESS_LOG: u8 = b'l';
const REQUEST_LOG: u8 = b'q';
const READY: u8 = b'r';
const ALIVE: u8 = b'a';

/// The kernel passes no more files with one packet.
const MOST_FILES: usize = 253;

const AT_ONCE: MsgFlags = MsgFlags::MSG_DONTWAIT.union(MsgFlags::MSG_NOSIGNAL);

/// A new pair of ends.
pub fn pair() -> io::Result<(MasterEnd, WorkerEnd)> {
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let (ours, theirs) = socketpair(AddressFamily::Unix, SockType::SeqPacket, None, flags)?;
    Ok((MasterEnd(ours), WorkerEnd(theirs)))
}

impl MasterEnd {
    /// Sends an order that carries no file.
    pub fn ping(&self) -> io::Result<()> {
        order(&self.0, PING, None)
    }

    /// Lets the worker take connections.
    pub fn serve(&self) -> io::Result<()> {
        order(&self.0, SERVE, None)
    }

    /// Retires the worker.
    pub fn drain(&self) -> io::Result<()> {
        order(&self.0, DRAIN, None)
    }

    /// Hands over a newly opened log.
    pub fn log(&self, log: Log, file: BorrowedFd<'_>) -> io::Result<()> {
        let byte = match log {
            Log::Access => ACCESS_LOG,
            Log::Requests => REQUEST_LOG,
        };
        order(&self.0, byte, Some(file))
    }

    /// The worker's next word; an error if it is none. Files that come along are closed by the kernel.
    pub fn receive(&self) -> io::Result<Received<Word>> {
        Ok(match receive(&self.0, &mut [])? {
            Received::Message((READY, _)) => Received::Message(Word::Ready),
            Received::Message((ALIVE, _)) => Received::Message(Word::Alive),
            Received::Message(_) => return Err(io::ErrorKind::InvalidData.into()),
            Received::Nothing => Received::Nothing,
            Received::Closed => Received::Closed,
        })
    }
}

impl WorkerEnd {
    /// Says a word to the master.
    pub fn say(&self, word: Word) -> io::Result<()> {
        let byte = match word {
            Word::Ready => READY,
            Word::Alive => ALIVE,
        };
        Ok(send(self.0.as_raw_fd(), &[byte], AT_ONCE).map(drop)?)
    }

    /// The master's next order. Bytes that are none are passed over.
    pub fn receive(&self) -> io::Result<Received<Order>> {
        loop {
            let mut room = [MaybeUninit::uninit(); cmsg_space!(ScmRights(MOST_FILES))];
            return Ok(match receive(&self.0, &mut room)? {
                Received::Message((PING, _)) => Received::Message(Order::Ping),
                Received::Message((SERVE, _)) => Received::Message(Order::Serve),
                Received::Message((DRAIN, _)) => Received::Message(Order::Drain),
                Received::Message((ACCESS_LOG, Some(file))) => {
                    Received::Message(Order::Log(Log::Access, file))
                }
                Received::Message((REQUEST_LOG, Some(file))) => {
                    Received::Message(Order::Log(Log::Requests, file))
                }
                Received::Message(_) => continue,
                Received::Nothing => Received::Nothing,
                Received::Closed => Received::Closed,
            });
        }
    }
}

impl AsFd for MasterEnd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl AsRawFd for WorkerEnd {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}

fn order(end: &OwnedFd, byte: u8, file: Option<BorrowedFd<'_>>) -> io::Result<()> {
    let bytes = [byte];
    let files = file.map(|file| [file.as_raw_fd()]);
    let rights = files.as_ref().map(|files| ControlMessage::ScmRights(files));
    sendmsg::<UnixAddr>(end.as_raw_fd(), &[IoSlice::new(&bytes)], rights.as_slice(), AT_ONCE, None)?;
    Ok(())
}

/// Receives a packet, and the first file that came with it if there is `room` for files; all further ones are closed.
fn receive(end: &OwnedFd, room: &mut [MaybeUninit<u8>]) -> io::Result<Received<(u8, Option<OwnedFd>)>> {
    let (mut byte, mut control) = ([0], RecvAncillaryBuffer::new(room));
    let flags = RecvFlags::DONTWAIT | RecvFlags::CMSG_CLOEXEC;
    match retry_on_intr(|| recvmsg(end, &mut [IoSliceMut::new(&mut byte)], &mut control, flags)) {
        Ok(packet) if packet.bytes > 0 => {}
        Ok(_) | Err(Errno::CONNRESET) => return Ok(Received::Closed),
        Err(Errno::AGAIN) => return Ok(Received::Nothing),
        Err(error) => return Err(error.into()),
    }
    // Cut when this process has no descriptor free: then there is none.
    let file = control.drain().find_map(|part| match part {
        RecvAncillaryMessage::ScmRights(mut files) => files.next(),
        _ => None,
    });
    Ok(Received::Message((byte[0], file)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        fs::{self, File},
        io::{Read as _, Write as _},
        os::unix::fs::MetadataExt as _,
    };

    #[test]
    fn orders_and_words_arrive_in_the_order_sent() {
        let (master, worker) = pair().unwrap();
        master.ping().unwrap();
        master.serve().unwrap();
        master.drain().unwrap();
        assert!(matches!(worker.receive().unwrap(), Received::Message(Order::Ping)));
        assert!(matches!(worker.receive().unwrap(), Received::Message(Order::Serve)));
        assert!(matches!(worker.receive().unwrap(), Received::Message(Order::Drain)));
        assert!(matches!(worker.receive().unwrap(), Received::Nothing));
        worker.say(Word::Ready).unwrap();
        worker.say(Word::Alive).unwrap();
        drop(worker);
        assert_eq!(master.receive().unwrap(), Received::Message(Word::Ready));
        assert_eq!(master.receive().unwrap(), Received::Message(Word::Alive));
        assert_eq!(master.receive().unwrap(), Received::Closed);
    }

    #[test]
    fn the_master_takes_no_files_and_no_nonsense() {
        let (master, worker) = pair().unwrap();
        let file = tempfile::tempfile().unwrap();
        let place = |found: &fs::Metadata| (found.dev(), found.ino());
        let ours = place(&file.metadata().unwrap());
        let times_open = || {
            let all = fs::read_dir("/proc/self/fd").unwrap();
            // Other tests open and close theirs meanwhile.
            let found = all.filter_map(|entry| fs::metadata(entry.ok()?.path()).ok());
            found.filter(|found| place(found) == ours).count()
        };
        // More than there is room for in many a buffer for them.
        for count in [1, 2, 5, 253] {
            let files = vec![file.as_raw_fd(); count];
            let rights = [ControlMessage::ScmRights(&files)];
            let bytes = [IoSlice::new(&[ALIVE])];
            sendmsg::<UnixAddr>(worker.as_raw_fd(), &bytes, &rights, MsgFlags::empty(), None).unwrap();
            assert_eq!(master.receive().unwrap(), Received::Message(Word::Alive));
        }
        assert_eq!(times_open(), 1);
        order(&worker.0, PING, None).unwrap();
        assert!(master.receive().is_err());
    }

    #[test]
    fn a_file_travels_with_its_order() {
        for which in Log::ALL {
            let mut log = tempfile::tempfile().unwrap();
            let (master, worker) = pair().unwrap();
            master.log(which, log.as_fd()).unwrap();
            let Received::Message(Order::Log(heard, file)) = worker.receive().unwrap() else {
                panic!("no file")
            };
            assert_eq!(heard, which);
            File::from(file).write_all(b"line\n").unwrap();
            std::io::Seek::rewind(&mut log).unwrap();
            let mut text = String::new();
            log.read_to_string(&mut text).unwrap();
            assert_eq!(text, "line\n");
        }
    }
}
