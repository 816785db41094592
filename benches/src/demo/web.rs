//! A web server as small as can be, on this machine: what the demo serves beside the service.

use std::{
    io::{self, BufRead as _, BufReader, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::Arc,
    thread,
    time::Duration,
};

/// What is served under a path: its type and itself.
pub type Found = (&'static str, Vec<u8>);

/// Serves what `find` has for the path of a request, for as long as the process lives; where it is.
pub fn serve(find: impl Fn(&str) -> Option<Found> + Send + Sync + 'static) -> io::Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let find = Arc::new(find);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let find = Arc::clone(&find);
            // A client that goes away is no matter of ours.
            thread::spawn(move || answer(&stream, &*find));
        }
    });
    Ok(address)
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
    stream.write_all(&body)
}
