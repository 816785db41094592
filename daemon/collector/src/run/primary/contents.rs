//! Files of the tree, read where it is: on this machine, or over HTTP.

use super::Error;
use crate::{config::site::Contents, http::Client};
use hyper::Method;
use std::{
    fs::{self, File},
    io::{self, Read as _},
    path::Path,
    time::Duration,
};
use url::Url;

/// How long a file may take over HTTP, and a list of files.
const PATIENCE: Duration = Duration::from_secs(60);
const LONG_PATIENCE: Duration = Duration::from_secs(600);

/// Bytes beyond which the longer patience counts.
const LARGE: usize = 64 << 20;

/// Reads files.
pub struct Reader<'a> {
    contents: &'a Contents,
    client: &'a Client,
}

impl<'a> Reader<'a> {
    /// A reader of this tree.
    pub fn new(contents: &'a Contents, client: &'a Client) -> Reader<'a> {
        Reader { contents, client }
    }

    /// Whether each file is a request.
    pub fn is_remote(&self) -> bool {
        matches!(self.contents, Contents::Web(_))
    }

    /// The file at a path from the top of the tree, of so many bytes at most.
    pub async fn read(&self, path: &str, longest: usize) -> Result<Vec<u8>, Error> {
        match self.contents {
            Contents::Path(top) => {
                let path = top.join(path);
                local(&path, longest).map_err(|error| Error::Unreadable(path, error))
            }
            Contents::Web(base) => {
                let url = below(base, path);
                let patience = if longest > LARGE { LONG_PATIENCE } else { PATIENCE };
                let answer = self.client.ask(&Method::GET, &url, longest, patience).await;
                match answer {
                    Ok(answer) if answer.status == 200 => Ok(answer.body),
                    Ok(answer) => Err(Error::Status(url, answer.status)),
                    Err(error) => Err(Error::Request(url, error.into())),
                }
            }
        }
    }
}

/// The URL of a path below another one.
fn below(base: &Url, path: &str) -> Url {
    let mut url = base.clone();
    // URLs of http have segments.
    if let Ok(mut segments) = url.path_segments_mut() {
        segments.pop_if_empty().extend(path.split('/'));
    }
    url
}

fn local(path: &Path, longest: usize) -> io::Result<Vec<u8>> {
    // A pipe would be waited for.
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::other("not a regular file"));
    }
    let mut bytes = Vec::new();
    File::open(path)?.take(longest as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > longest {
        return Err(io::Error::other(format!("longer than {longest} bytes")));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_put_behind_a_url_as_it_is() {
        let base = Url::parse("https://p.example/pub/").unwrap();
        assert_eq!(below(&base, "a b/c#d?e%20").as_str(), "https://p.example/pub/a%20b/c%23d%3Fe%2520");
        let base = Url::parse("https://p.example").unwrap();
        assert_eq!(below(&base, "a/b").as_str(), "https://p.example/a/b");
    }
}
