//! The download redirector: a path leads to the file on the best mirror, by the scheme that the client came with.

use super::service::{CLIENTS, Service, TOOLS, WAYS};
use crate::support::{
    curl::{Answer, curl_from},
    has,
};

const RELEASE: &str = "pub/fedora/linux/releases/42/Everything/x86_64/os";

fn location(answer: &Answer) -> (u16, &str) {
    (answer.status, answer.header("location"))
}

#[test]
fn a_path_leads_to_the_best_mirror_by_the_clients_scheme() {
    if !has(&TOOLS) {
        return;
    }
    let service = Service::start();
    let client = CLIENTS[0];
    for way in WAYS {
        let web = service.behind(way);
        let ask = |scheme: &str, path: &str, options: &[&str]| {
            let address = if scheme == "http" { web.http } else { web.https };
            let url = format!("{scheme}://download.example.org/{path}");
            let answer = curl_from(client.address(), address, &url, options);
            // Of 302 and of 404.
            assert_eq!(answer.header("cache-control"), "private, no-cache", "{way:?} {path}: {answer:?}");
            answer
        };
        for scheme in ["http", "https"] {
            let mirror = client.first.replace("https:", &format!("{scheme}:"));
            // Names as packages have them, and some that they could have.
            for (path, file) in [
                (format!("{RELEASE}/"), String::new()),
                (format!("{RELEASE}/Packages/libstdc++-15.rpm"), "Packages/libstdc++-15.rpm".to_owned()),
                (format!("{RELEASE}/Packages/a~b^c.rpm"), "Packages/a~b%5Ec.rpm".into()),
                (format!("{RELEASE}/Packages/a%20b%25c%26d%3Fe.rpm"), "Packages/a%20b%25c&d%3Fe.rpm".into()),
                (format!("{RELEASE}/Packages/%C3%A4.rpm"), "Packages/%C3%A4.rpm".into()),
                // Nothing is decoded twice, nor encoded that was not, nor taken for more than a path.
                (format!("{RELEASE}/Packages/a%26ip=192.0.2.1"), "Packages/a&ip=192.0.2.1".into()),
                (format!("{RELEASE}/Packages/a%2525b"), "Packages/a%2525b".into()),
                (format!("{RELEASE}/Packages/a+b"), "Packages/a+b".into()),
                (format!("{RELEASE}/Packages%2Fa"), "Packages/a".into()),
                (format!("{RELEASE}/Packages/a%3Ab:c"), "Packages/a:b:c".into()),
            ] {
                let answer = ask(scheme, &path, &[]);
                let expected = format!("{mirror}{RELEASE}/{file}");
                assert_eq!(location(&answer), (302, expected.as_str()), "{way:?} {path}: {answer:?}");
                let head = ask(scheme, &path, &["--head"]);
                assert_eq!(location(&head), (302, expected.as_str()), "{way:?} {path}: {head:?}");
            }
        }
        // What the client asks for besides is heard.
        let elsewhere = ask("https", &format!("{RELEASE}/?country=JP"), &[]);
        assert_eq!(
            location(&elsewhere),
            (302, format!("https://shinano.example.net/{RELEASE}/").as_str()),
            "{way:?}"
        );
        let missing = ask("http", "pub/unheard-of/file", &[]);
        assert_eq!(
            (missing.status, missing.header("content-type")),
            (404, "text/plain"),
            "{way:?}: {missing:?}"
        );
        assert!(missing.body.contains("error: invalid path"), "{way:?}: {missing:?}");
        // Who asks for nothing is helped.
        assert_eq!(ask("http", "", &[]).status, 200, "{way:?}");
    }
}

/// Each byte in a path: what a web server lets through comes out as it went in, in a head that is whole.
#[test]
fn each_byte_of_a_path_passes_once_or_not_at_all() {
    if !has(&TOOLS) {
        return;
    }
    let service = Service::start();
    let client = CLIENTS[0];
    for way in [WAYS[0], WAYS[2]] {
        let web = service.behind(way);
        for byte in 0..=255_u8 {
            let url = format!("http://download.example.org/{RELEASE}/Packages/a%{byte:02x}b");
            let answer = curl_from(client.address(), web.http, &url, &["--path-as-is"]);
            // A slash ends a component: `a` is no directory that is known.
            if byte == b'/' || !(0x20..0x7f).contains(&byte) {
                assert!(matches!(answer.status, 400 | 404), "{way:?} {byte}: {answer:?}");
                continue;
            }
            let mirror = client.first.replace("https:", "http:");
            let plain = byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/".contains(&byte);
            let written = if plain { char::from(byte).to_string() } else { format!("%{byte:02X}") };
            let expected = format!("{mirror}{RELEASE}/Packages/a{written}b");
            assert_eq!(location(&answer), (302, expected.as_str()), "{way:?} {byte}: {answer:?}");
            assert_eq!(answer.body, format!("{expected}\n"), "{way:?} {byte}");
        }
    }
}
