//! Tells systemd how far the program is, when systemd has asked for it. Source: sd_notify(3).
//!
//! Nothing is lost but a status display when a message does not get through, so failures are not reported. The place to
//! send to may be a socket file or an abstract name.

use nix::time::{ClockId, clock_gettime};
use std::{
    env,
    os::{
        linux::net::SocketAddrExt as _,
        unix::net::{SocketAddr, UnixDatagram},
    },
    process,
    time::Duration,
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

/// The program ends.
pub fn stopping() {
    send("STOPPING=1");
}

/// What `systemctl status` shows: one line.
pub fn status(text: &str) {
    send(&format!("STATUS={}", text.replace('\n', " ")));
}

/// The program is alive. Only to be said by who has seen it.
pub fn alive() {
    send("WATCHDOG=1");
}

/// Within which time systemd wants to hear that this process is [`alive`], again and again; `None` if it does not.
pub fn watchdog() -> Option<Duration> {
    let number = |name| env::var(name).ok().map(|value| value.parse::<u64>().ok());
    let for_us = match number("WATCHDOG_PID") {
        None => true,
        Some(pid) => pid == Some(process::id().into()),
    };
    let time = number("WATCHDOG_USEC")??;
    (for_us && time > 0).then(|| Duration::from_micros(time))
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
