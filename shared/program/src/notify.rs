//! Tells systemd how far the program is, when systemd has asked for it. Source: sd_notify(3).
//!
//! Nothing is lost but a status display when a message does not get through, so failures are not reported. The place to
//! send to may be a socket file or an abstract name. What is asked for in a way that cannot be understood is: once.

use super::{failure::Failure, log};
use nix::time::{ClockId, clock_gettime};
use std::{
    env,
    ffi::{OsStr, OsString},
    os::{
        linux::net::SocketAddrExt as _,
        unix::net::{SocketAddr, UnixDatagram},
    },
    process,
    sync::OnceLock,
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
    limit(env::var_os("WATCHDOG_PID"), env::var_os("WATCHDOG_USEC")).unwrap_or_else(|cause| {
        log::warning(format_args!("{cause}; systemd's watchdog gets no signs of life"));
        None
    })
}

/// What the two variables say of this process.
fn limit(pid: Option<OsString>, microseconds: Option<OsString>) -> Result<Option<Duration>, Failure> {
    let number = |name, value: Option<OsString>| {
        value.map_or(Ok(None), |value| match value.to_str().and_then(|value| value.parse::<u64>().ok()) {
            Some(number) if number > 0 => Ok(Some(number)),
            _ => Err(Failure::config(format!("{name} `{}`: not a number above 0", value.display()))),
        })
    };
    match number("WATCHDOG_PID", pid)? {
        Some(other) if other != u64::from(process::id()) => Ok(None),
        _ => Ok(number("WATCHDOG_USEC", microseconds)?.map(Duration::from_micros)),
    }
}

fn send(message: &str) {
    static PLACE: OnceLock<Option<SocketAddr>> = OnceLock::new();
    let Some(address) = PLACE.get_or_init(place) else { return };
    let Ok(socket) = UnixDatagram::unbound() else { return };
    // A service manager that does not read must not stop the service.
    if socket.set_nonblocking(true).is_ok() {
        socket.send_to_addr(message.as_bytes(), address).unwrap_or_default();
    }
}

/// Where systemd listens, if it does.
fn place() -> Option<SocketAddr> {
    let named = env::var_os("NOTIFY_SOCKET")?;
    let address = address(&named);
    if address.is_none() {
        log::warning(format_args!(
            "NOTIFY_SOCKET `{}`: neither a path nor @ and a name, of 107 bytes at most; systemd is told nothing",
            named.display()
        ));
    }
    address
}

fn address(named: &OsStr) -> Option<SocketAddr> {
    match named.as_encoded_bytes() {
        [b'@', name @ ..] if !name.is_empty() => SocketAddr::from_abstract_name(name).ok(),
        [b'/', _, ..] => SocketAddr::from_pathname(named).ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_watchdog_is_asked_for_in_numbers() {
        let said = |pid: Option<&str>, time: Option<&str>| limit(pid.map(Into::into), time.map(Into::into));
        let (ours, second) = (process::id().to_string(), Some(Duration::from_secs(1)));
        assert_eq!(said(None, None), Ok(None));
        assert_eq!(said(None, Some("1000000")), Ok(second));
        assert_eq!(said(Some(&ours), Some("1000000")), Ok(second));
        assert_eq!(said(Some(&ours), None), Ok(None));
        // Another process's business, whatever it is.
        assert_eq!(said(Some("1"), Some("soon")), Ok(None));
        for garbled in ["", "soon", "0", "-1", "1s", "99999999999999999999"] {
            let refusal = |name| Err(Failure::config(format!("{name} `{garbled}`: not a number above 0")));
            assert_eq!(said(Some(&ours), Some(garbled)), refusal("WATCHDOG_USEC"));
            assert_eq!(said(Some(garbled), Some("1000000")), refusal("WATCHDOG_PID"));
        }
    }

    #[test]
    fn systemd_listens_at_a_whole_path_or_an_abstract_name() {
        let address = |text: &str| address(text.as_ref());
        let path = address("/run/systemd/notify").unwrap();
        assert_eq!(path.as_pathname().unwrap().to_str(), Some("/run/systemd/notify"));
        assert_eq!(address("@name").unwrap().as_abstract_name(), Some(&b"name"[..]));
        let long = format!("/{}", "x".repeat(200));
        for garbled in ["", "@", "/", "notify", "vsock:2:1234", &long, &long.replace('/', "@")] {
            assert!(address(garbled).is_none(), "{garbled}");
        }
    }
}
