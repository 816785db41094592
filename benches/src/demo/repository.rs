//! The one mirror of the demo that is there: a repository that dnf can read, over HTTP on this machine.
//!
//! Its metadata name one package, which nobody can fetch. The files never change, and so their hashes are written here.

use super::web;
use interchange::message::{
    FileDetails, FileDetailsDirectory, FileDetailsFile, IntInts, IntString, MirrorList, MirrorListDirectory,
    StringString,
};
use std::{io, net::SocketAddr};

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
    web::serve(|path| {
        let text = match path.strip_prefix("/pub/demo/repodata/")? {
            "repomd.xml" => REPOMD,
            "primary.xml" => PRIMARY,
            _ => return None,
        };
        Some(("text/xml", text.into()))
    })
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
