//! A web server as small as can be, on this machine: mirrors, and what the demo serves beside the service.

use std::{
    fs,
    io::{self, BufRead as _, BufReader, Write as _},
    net::{IpAddr, SocketAddr, TcpListener, TcpStream},
    path::{Component, Path, PathBuf},
    sync::Arc,
    thread,
    time::Duration,
};

/// What is served under a path: its type and itself.
pub type Found = (&'static str, Vec<u8>);

/// How a server takes whoever comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Being {
    /// Answers.
    Alive,
    /// Hangs up.
    Silent,
    /// Hangs up, and is gone for ever.
    Gone,
}

/// Serves at an address of this machine what `find` has for the path of a request, as long as the process lives or `being`
/// lets it; where it is.
pub fn serve(
    address: IpAddr,
    being: impl Fn() -> Being + Send + 'static,
    find: impl Fn(&str) -> Option<Found> + Send + Sync + 'static,
) -> io::Result<SocketAddr> {
    let listener = TcpListener::bind((address, 0))?;
    let address = listener.local_addr()?;
    let find = Arc::new(find);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            match being() {
                Being::Alive => {}
                Being::Silent => continue,
                Being::Gone => return,
            }
            let find = Arc::clone(&find);
            // A client that goes away is no matter of ours.
            thread::spawn(move || answer(&stream, &*find));
        }
    });
    Ok(address)
}

/// The file of a folder that a path names; of a folder in it, its page.
pub fn file_below(folder: &Path, path: &str) -> Option<Found> {
    let mut file = PathBuf::from(path.trim_start_matches('/'));
    // Nothing but names.
    if !file.components().all(|part| matches!(part, Component::Normal(_))) {
        return None;
    }
    if path.ends_with('/') {
        file.push("index.html");
    }
    let media = match file.extension().and_then(|ending| ending.to_str()) {
        Some("html") => "text/html; charset=utf-8",
        Some("css") => "text/css",
        Some("csv") => "text/csv; charset=utf-8",
        Some("json") => "application/json",
        Some("xml") => "text/xml",
        Some("rpm") => "application/octet-stream",
        _ => return None,
    };
    Some((media, fs::read(folder.join(file)).ok()?))
}

/// Answers one request and closes.
fn answer(mut stream: &TcpStream, find: &dyn Fn(&str) -> Option<Found>) -> io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    let mut lines = BufReader::new(stream).lines();
    let request = lines.next().transpose()?.unwrap_or_default();
    // The head goes on to an empty line; closing before it is read would reset the connection.
    for line in lines {
        if line?.is_empty() {
            break;
        }
    }
    let path = request.split(' ').nth(1).unwrap_or_default();
    let path = path.split('?').next().unwrap_or_default();
    let (status, (media, body)) = match find(path) {
        Some(found) => ("200 OK", found),
        None => ("404 Not Found", ("text/plain", Vec::new())),
    };
    write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Type: {media}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    )?;
    if request.starts_with("HEAD ") {
        return Ok(());
    }
    stream.write_all(&body)
}
