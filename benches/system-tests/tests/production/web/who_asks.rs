//! Behind a web server it is the client's own address that counts.

use super::service::{CLIENTS, Service, TOOLS, WAYS};
use crate::support::{
    curl::{curl, curl_from},
    has,
};

const LIST: &str = "http://mirrors.example.org/mirrorlist?repo=fedora-42&arch=x86_64";
const METALINK: &str = "http://mirrors.example.org/metalink?repo=fedora-42&arch=x86_64";

#[test]
fn the_clients_own_address_decides_and_what_it_says_of_itself_does_not() {
    if !has(&TOOLS) {
        return;
    }
    let service = Service::start();
    for way in WAYS {
        let web = service.behind(way);
        for (at, client) in CLIENTS.iter().enumerate() {
            let other = CLIENTS[(at + 1) % CLIENTS.len()].address().to_string();
            let forged = [
                String::new(),
                format!("X-Forwarded-For: {other}"),
                format!("X-Forwarded-For: {other}, 127.0.0.1"),
                format!("X-Real-IP: {other}"),
                format!("Forwarded: for={other}"),
            ];
            for header in &forged {
                let options = ["--header", header.as_str()];
                let list = curl_from(client.address(), web.http, LIST, &options);
                let expected = (200, true, true);
                let got = (
                    list.status,
                    list.first().starts_with(client.first),
                    list.comment().contains(client.comment),
                );
                assert_eq!(got, expected, "{way:?} {client:?} `{header}`: {list:?}");
            }
            let twice = ["--header", &format!("X-Forwarded-For: {other}"), "--header", &forged[2]];
            let list = curl_from(client.address(), web.http, LIST, &twice);
            assert!(list.first().starts_with(client.first), "{way:?} {client:?}: {list:?}");
            let list = curl_from(client.address(), web.https, &LIST.replace("http:", "https:"), &[]);
            assert!(list.first().starts_with(client.first), "{way:?} {client:?}: {list:?}");
            let metalink = curl_from(client.address(), web.http, METALINK, &[]);
            let first = metalink.body.lines().find(|line| line.contains("<url ")).unwrap_or_default();
            assert!(first.contains(client.first), "{way:?} {client:?}: {metalink:?}");
        }
        // An address that is in no table.
        let list = curl(web.http, LIST, &[]);
        assert_eq!(list.comment(), "# repo = fedora-42 arch = x86_64 country = global ", "{way:?}");
    }
}
