//! What an intruder would try, and what a worker does all day.
//!
//! An attempt is prepared before there is a sandbox, as a worker has opened its files and sockets before, and made
//! in it.

use daemon::{
    channel::{self, Order, Received},
    log_file::Log,
};
use memmap2::MmapMut;
use mio::{Events, Interest, Poll, Token, unix::SourceFd};
use nix::{
    errno::Errno,
    sys::{
        memfd::{MFdFlags, memfd_create},
        resource::{Resource, getrlimit, setrlimit},
        signal::kill,
        socket::{
            AddressFamily, Backlog, ControlMessage, MsgFlags, Shutdown, SockFlag, SockType, UnixAddr, bind,
            connect, getsockopt, listen, sendmsg, shutdown, socket, sockopt::PeerCredentials,
        },
        uio::{RemoteIoVec, process_vm_readv},
    },
    unistd::{getpid, getppid},
};
use std::{
    fs::{self, File},
    io::{self, IoSlice, IoSliceMut, Read as _, Write as _},
    net::{Ipv4Addr, TcpListener, TcpStream, UdpSocket},
    os::{
        fd::{AsFd as _, AsRawFd as _, OwnedFd},
        linux::net::SocketAddrExt as _,
        unix::{
            net::{SocketAddr, UnixDatagram, UnixListener, UnixStream},
            process::CommandExt as _,
        },
    },
    panic,
    process::{self, Command},
    thread,
    time::{Instant, SystemTime},
};
use tempfile::TempDir;

/// An attempt, ready to be made.
pub type Attempt = Box<dyn FnOnce() -> io::Result<()> + Send>;

/// Opens what the attempt of this name is about, as long as that is possible.
pub fn prepare(name: &str) -> Attempt {
    match name {
        "work" => work(),
        "abort" => Box::new(|| process::abort()),
        "tell the version of landlock" => Box::new(|| Ok(())),
        "read a file" => Box::new(|| File::open("/etc/passwd").map(drop)),
        "look for a file" => Box::new(|| fs::metadata("/etc/passwd").map(drop)),
        "make a file" => {
            let folder = tempfile::tempdir().unwrap();
            Box::new(move || File::create(folder.path().join("file")).map(drop))
        }
        "make a file in memory" => Box::new(|| Ok(memfd_create(c"file", MFdFlags::empty()).map(drop)?)),
        "make a pair of sockets" => Box::new(|| UnixStream::pair().map(drop)),
        "make a UNIX socket" => Box::new(|| UnixDatagram::unbound().map(drop)),
        "make a UDP socket" => Box::new(|| UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).map(drop)),
        "make a TCP socket" => {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
            let address = listener.local_addr().unwrap();
            Box::new(move || TcpStream::connect(address).map(|_| drop(listener)))
        }
        "connect to an abstract socket" => {
            let name = format!("mirrorlist-test-{}", process::id());
            let address = SocketAddr::from_abstract_name(name).unwrap();
            let listener = UnixListener::bind_addr(&address).unwrap();
            Box::new(move || UnixStream::connect_addr(&address).map(|_| drop(listener)))
        }
        "connect a socket" => {
            let (folder, socket, address) = socket_and_address();
            let listener = UnixListener::bind(folder.path().join("socket")).unwrap();
            Box::new(move || Ok(connect(socket.as_raw_fd(), &address).map(|()| drop((folder, listener)))?))
        }
        "bind a socket" => {
            let (folder, socket, address) = socket_and_address();
            Box::new(move || Ok(bind(socket.as_raw_fd(), &address).map(|()| drop(folder))?))
        }
        "listen on a socket" => {
            let (_folder, socket, address) = socket_and_address();
            bind(socket.as_raw_fd(), &address).unwrap();
            Box::new(move || Ok(listen(&socket, Backlog::new(1)?)?))
        }
        "shut the listener down" => {
            let folder = tempfile::tempdir().unwrap();
            let listener = UnixListener::bind(folder.path().join("socket")).unwrap();
            Box::new(move || {
                shutdown(listener.as_raw_fd(), Shutdown::Read)?;
                // It is dead for whoever else has it.
                assert!(UnixStream::connect(folder.path().join("socket")).is_err());
                Ok(())
            })
        }
        "give the listener away" => {
            let folder = tempfile::tempdir().unwrap();
            let listener = UnixListener::bind(folder.path().join("socket")).unwrap();
            let (ours, theirs) = UnixStream::pair().unwrap();
            Box::new(move || {
                let files = [listener.as_raw_fd()];
                let rights = [ControlMessage::ScmRights(&files)];
                let bytes = [IoSlice::new(b"x")];
                let sent = sendmsg::<UnixAddr>(ours.as_raw_fd(), &bytes, &rights, MsgFlags::empty(), None);
                Ok(sent.map(|_| drop((theirs, folder)))?)
            })
        }
        "make a process" => Box::new(|| Command::new("/bin/true").status().map(drop)),
        "make a thread" => Box::new(|| thread::Builder::new().spawn(|| ()).map(drop)),
        "run a program" => Box::new(|| Err(Command::new("/bin/true").exec())),
        "make memory executable" => Box::new(|| MmapMut::map_anon(4096)?.make_exec().map(drop)),
        "map executable memory" => {
            let how = (libc::MAP_PRIVATE | libc::MAP_ANONYMOUS) as usize;
            system_call(
                libc::SYS_mmap,
                [0, 4096, (libc::PROT_READ | libc::PROT_EXEC) as usize, how, usize::MAX, 0],
            )
        }
        "signal another process" => {
            let parent = getppid();
            Box::new(move || Ok(kill(parent, None)?))
        }
        "trace another process" => {
            // It ends by itself a moment later: in a sandbox nobody can end it.
            let other = Command::new("sleep").arg("1").spawn().unwrap().id();
            system_call(libc::SYS_ptrace, [libc::PTRACE_SEIZE as usize, other as usize, 0, 0, 0, 0])
        }
        "read a process" => Box::new(|| {
            let (from, mut to) = ([7_u8; 16], [0_u8; 16]);
            let remote = [RemoteIoVec { base: from.as_ptr() as usize, len: from.len() }];
            Ok(process_vm_readv(getpid(), &mut [IoSliceMut::new(&mut to)], &remote).map(drop)?)
        }),
        "lift a limit" => Box::new(|| {
            let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
            Ok(setrlimit(Resource::RLIMIT_NOFILE, soft, hard)?)
        }),
        "become another user" => {
            system_call(libc::SYS_setuid, [nix::unistd::getuid().as_raw() as usize, 0, 0, 0, 0, 0])
        }
        other => panic!("no attempt is called {other}"),
    }
}

/// A UNIX socket, and where it may go.
fn socket_and_address() -> (TempDir, OwnedFd, UnixAddr) {
    let folder = tempfile::tempdir().unwrap();
    let socket = socket(AddressFamily::Unix, SockType::Stream, SockFlag::empty(), None).unwrap();
    let address = UnixAddr::new(&folder.path().join("socket")).unwrap();
    (folder, socket, address)
}

/// A system call that Rust offers in no safe form.
#[expect(unsafe_code, reason = "a worker that was taken over calls the kernel without asking a library")]
fn system_call(number: libc::c_long, with: [usize; 6]) -> Attempt {
    Box::new(move || {
        // SAFETY: none of the calls above, made once, writes to memory that this program has.
        let result = unsafe { libc::syscall(number, with[0], with[1], with[2], with[3], with[4], with[5]) };
        Ok(Errno::result(result).map(drop)?)
    })
}

/// What a worker does all day.
fn work() -> Attempt {
    let folder = tempfile::tempdir().unwrap();
    let listener = UnixListener::bind(folder.path().join("socket")).unwrap();
    let mut client = UnixStream::connect(folder.path().join("socket")).unwrap();
    let (log, mut other_log) = (folder.path().join("log"), tempfile::tempfile().unwrap());
    let mut log = File::create(log).unwrap();
    let (master, worker) = channel::pair().unwrap();
    master.log(Log::Access, other_log.as_fd()).unwrap();
    Box::new(move || {
        let mut poll = Poll::new()?;
        poll.registry().register(&mut SourceFd(&listener.as_raw_fd()), Token(1), Interest::READABLE)?;
        let mut events = Events::with_capacity(8);
        poll.poll(&mut events, None)?;
        assert_eq!(events.iter().next().unwrap().token(), Token(1));
        let (mut stream, _) = listener.accept()?;
        assert_eq!(getsockopt(&stream, PeerCredentials)?.pid(), getpid().as_raw());
        client.write_all(b"question")?;
        let mut question = [0; 8];
        stream.read_exact(&mut question)?;
        stream.write_all(&question.repeat(1000))?;
        drop(stream);
        let mut answer = Vec::new();
        client.read_to_end(&mut answer)?;
        assert_eq!(answer.len(), 8000);
        let Received::Message(Order::Log(Log::Access, file)) = worker.receive()? else { panic!("no file") };
        File::from(file).write_all(b"line\n")?;
        other_log.write_all(b"line\n")?;
        log.write_all(b"line\n")?;
        worker.say(channel::Word::Alive)?;
        assert_eq!(master.receive()?, Received::Message(channel::Word::Alive));
        // Memory that is taken from the system at once, grown, and given back.
        let mut memory = vec![1_u8; 64 << 20];
        memory.extend_from_within(..);
        drop(memory);
        let small: Vec<Vec<u8>> = (0..20_000).map(|size| vec![1; size % 500]).collect();
        drop(small);
        assert!(SystemTime::now() > SystemTime::UNIX_EPOCH && Instant::now().elapsed().as_secs() < 60);
        let _: rand::rngs::SmallRng = rand::SeedableRng::try_from_rng(&mut rand::rngs::SysRng).unwrap();
        daemon::log::info("this line belongs to a test");
        assert!(panic::catch_unwind(|| panic!("this panic belongs to a test")).is_err());
        Ok(())
    })
}
