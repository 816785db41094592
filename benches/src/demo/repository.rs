//! The one mirror of the demo that is there: a repository that dnf can read, over HTTP on this machine.
//!
//! Its metadata name one package, which nobody can fetch. The files never change, and so their hashes are written here.

use interchange::message::{
    FileDetails, FileDetailsDirectory, FileDetailsFile, IntInts, IntString, MirrorList, MirrorListDirectory,
    StringString,
};
use std::{
    io::{self, BufRead as _, BufReader, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    thread,
    time::Duration,
};

const DIRECTORY: &str = "pub/demo";
/// The numbers of the mirror and of its URL, which none of the sample's have.
const HOST: i64 = 100;
const URL: i64 = 1000;

const PRIMARY: &str = include_str!("primary.xml");
const REPOMD: &str = include_str!("repomd.xml");
/// The SHA-256 of `repomd.xml`.
const REPOMD_SHA256: &str = "08b665715b52a058cac94c50df488c53fd6fe6dfc27ef8a2a8e1c3de81090188";

/// Serves the repository for as long as the process lives; where it is.
pub fn serve() -> io::Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // A client that goes away is no matter of ours.
            thread::spawn(move || answer(&stream));
        }
    });
    Ok(address)
}

/// Answers one request and closes.
fn answer(mut stream: &TcpStream) -> io::Result<()> {
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
    let (status, body) = match path.strip_prefix("/pub/demo/repodata/") {
        Some("repomd.xml") => ("200 OK", REPOMD),
        Some("primary.xml") => ("200 OK", PRIMARY),
        _ => ("404 Not Found", ""),
    };
    write!(stream, "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len())
}

/// Adds the repository `demo` and its mirror to what MirrorManager says.
pub fn add(list: &mut MirrorList, mirror: SocketAddr) {
    let url = format!("http://{mirror}/pub/demo");
    list.hcurl.push(IntString { key: Some(URL), value: Some(url.into()) });
    let repo_arch = StringString { key: Some("demo+x86_64".into()), value: Some(DIRECTORY.into()) };
    list.repo_arch_to_directory.push(repo_arch);
    let repodata = format!("{DIRECTORY}/repodata");
    for (directory, subpath) in [(DIRECTORY, ""), (&repodata, "repodata")] {
        list.mirror_list.push(MirrorListDirectory {
            directory: Some(directory.into()),
            subpath: Some(subpath.into()),
            global: vec![HOST],
            by_host_id: vec![IntInts { key: Some(HOST), value: vec![URL] }],
            ..MirrorListDirectory::default()
        });
    }
    let details = FileDetails {
        timestamp: Some(1_784_160_000),
        size: Some(REPOMD.len() as u64),
        sha256: Some(REPOMD_SHA256.into()),
        ..FileDetails::default()
    };
    let file = FileDetailsFile { filename: Some("repomd.xml".into()), details: vec![details] };
    list.file_details.push(FileDetailsDirectory { directory: Some(repodata.into()), files: vec![file] });
}
