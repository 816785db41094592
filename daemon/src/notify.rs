//! Tells systemd how far the daemon is, when systemd has asked for it. Source: sd_notify(3).
//!
//! Nothing is lost but a status display when a message does not get through, so failures are not reported.

use nix::time::{ClockId, clock_gettime};
use std::{
    env,
    os::{
        linux::net::SocketAddrExt as _,
        unix::net::{SocketAddr, UnixDatagram},
    },
};

/// Start or reload is over.
pub fn ready() {
    send("READY=1");
}

/// A reload has begun.
pub fn reloading() {
    let Ok(now) = clock_gettime(ClockId::CLOCK_MONOTONIC) else { return };
    let microseconds = now.tv_sec() * 1_000_000 + now.tv_nsec() / 1000;
    send(&format!("RELOADING=1\nMONOTONIC_USEC={microseconds}"));
}

/// The daemon ends.
pub fn stopping() {
    send("STOPPING=1");
}

fn send(message: &str) {
    let Some(path) = env::var_os("NOTIFY_SOCKET") else { return };
    let address = match path.as_encoded_bytes().strip_prefix(b"@") {
        Some(name) => SocketAddr::from_abstract_name(name),
        None => SocketAddr::from_pathname(&path),
    };
    let Ok(address) = address else { return };
    let Ok(socket) = UnixDatagram::unbound() else { return };
    // A service manager that does not read must not stop the service.
    if socket.set_nonblocking(true).is_ok() {
        socket.send_to_addr(message.as_bytes(), &address).unwrap_or_default();
    }
}
