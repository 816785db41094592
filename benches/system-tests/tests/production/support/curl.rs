//! One request by curl, and the answer as it came.

use super::{run, tool};
use std::net::{IpAddr, SocketAddr};

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    /// Names in lower case, in alphabetical order.
    pub headers: Vec<(String, String)>,
    pub body: String,
}

/// Asks for a URL, with further options of curl's; the connection goes to `address`, whatever host and port the URL
/// has.
pub fn curl(address: SocketAddr, url: &str, options: &[&str]) -> Answer {
    let to = format!("::{address}");
    let said = run(tool("curl")
        .args(["--silent", "--show-error", "--include", "--noproxy", "*", "--insecure", "--max-time", "60"])
        .args(["--path-as-is", "--connect-to", &to])
        .args(options)
        .arg(url))
    .unwrap();
    let (head, body) = said.split_once("\r\n\r\n").unwrap();
    let mut lines = head.split("\r\n");
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let mut headers: Vec<(String, String)> = lines
        .map(|line| line.split_once(':').unwrap())
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    headers.sort();
    Answer { status, headers, body: body.to_owned() }
}

/// The same, from a loopback address of the client's own.
pub fn curl_from(client: IpAddr, address: SocketAddr, url: &str, options: &[&str]) -> Answer {
    curl(address, url, &[&["--interface", &client.to_string()], options].concat())
}

impl Answer {
    /// A header's value; empty when there is none, a failure when there are several.
    pub fn header(&self, name: &str) -> &str {
        let mut values = self.headers.iter().filter(|(header, _)| header == name);
        let value = values.next().map_or("", |(_, value)| value);
        assert!(values.next().is_none(), "{name} is there twice: {self:?}");
        value
    }

    /// The header line of a list.
    pub fn comment(&self) -> &str {
        self.body.lines().next().unwrap_or_default()
    }

    /// The first URL of a list.
    pub fn first(&self) -> &str {
        self.body.lines().find(|line| !line.starts_with('#')).unwrap_or_default()
    }

    /// Lines in alphabetical order: what does not change from one draw to the next.
    pub fn sorted(&self) -> Vec<&str> {
        let mut lines: Vec<&str> = self.body.lines().collect();
        lines.sort_unstable();
        lines
    }
}
