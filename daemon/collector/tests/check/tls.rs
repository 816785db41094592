//! https: certificates that clients would not take, tunnels through a proxy, mirrors that could have it.

use crate::{
    certificates::{authority, certificate, expired, has_openssl},
    program::{Ended, ended},
    server::{Manner, Server},
    world::{CURRENT, World},
};
use std::{
    fs,
    io::{self, Read as _, Write as _},
    net::{Ipv4Addr, TcpListener, TcpStream},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

/// A round that trusts the authority in the folder.
fn round(world: &World, folder: &Path, proxy: Option<&str>) -> Ended {
    let mut command = world.command("check");
    command.env("SSL_CERT_FILE", folder.join("ca.pem")).env_remove("SSL_CERT_DIR").arg("--json");
    if let Some(proxy) = proxy {
        command.env("HTTPS_PROXY", proxy);
    }
    ended(command.output().unwrap())
}

#[test]
fn a_certificate_that_clients_do_not_take_suspends_https_alone() {
    if !has_openssl() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    authority(folder.path());
    let address = Ipv4Addr::LOCALHOST.into();
    let start = |config| Server::at(address, Manner::Has(CURRENT), Some(config));
    let certificate = |name, by_authority| certificate(folder.path(), name, by_authority);
    let mut servers: Vec<_> = (0..7).map(|_| start(certificate("IP:127.0.0.1", true))).collect();
    servers.push(start(expired(folder.path(), "IP:127.0.0.1")));
    servers.push(start(certificate("DNS:other.example", true)));
    servers.push(start(certificate("IP:127.0.0.1", false)));
    let mut world = World::of(servers);
    // Each has an http URL, too.
    for host in 1..=10 {
        let server = Server::start(Manner::Has(CURRENT));
        world.list.hcurl.push(crate::world::url(100 + host, &server.url("linux")));
        for record in &mut world.list.mirror_list {
            record.by_host_id[host as usize - 1].value.push(100 + host);
        }
        world.servers.push(server);
    }
    world.publish();
    for _ in 0..3 {
        let ended = round(&world, folder.path(), None);
        assert_eq!(ended.code, Some(0), "{ended:?}");
    }
    let lines = world.lines();
    let mut urls: Vec<&str> = lines.iter().map(|line| &*line.url).collect();
    urls.sort_unstable();
    assert_eq!(urls, world.urls(7..10));
    for (server, cause) in [(7, "Expired"), (8, "NotValidForName"), (9, "UnknownIssuer")] {
        let line = lines.iter().find(|line| line.url == world.url(server)).unwrap();
        let said = line
            .reason
            .replace("certificate expired", "Expired")
            .replace("not valid for name", "NotValidForName");
        assert!(line.reason.starts_with("TLS fails (") && said.contains(cause), "{line:?}");
    }
    // Without a root nobody is asked.
    let mut command = world.command("check");
    command.env("SSL_CERT_FILE", folder.path().join("absent")).env_remove("SSL_CERT_DIR");
    let without = ended(command.output().unwrap());
    assert!(without.code == Some(78) && without.said.contains("no certificate to trust"), "{without:?}");
}

/// A proxy that makes tunnels, and counts them.
fn proxy(tunnels: &Arc<AtomicU64>) -> String {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    let tunnels = Arc::clone(tunnels);
    thread::spawn(move || {
        for stream in listener.incoming() {
            let tunnels = Arc::clone(&tunnels);
            thread::spawn(move || -> io::Result<()> {
                let mut stream = stream?;
                let (mut head, mut byte) = (Vec::new(), [0]);
                while !head.ends_with(b"\r\n\r\n") {
                    stream.read_exact(&mut byte)?;
                    head.push(byte[0]);
                }
                let head = String::from_utf8(head).unwrap();
                assert!(head.starts_with("CONNECT ") && head.contains("Basic dTpw"), "{head}");
                let mut onward = TcpStream::connect(head.split(' ').nth(1).unwrap())?;
                tunnels.fetch_add(1, Ordering::SeqCst);
                stream.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")?;
                let (mut back, mut there) = (onward.try_clone()?, stream.try_clone()?);
                thread::spawn(move || io::copy(&mut back, &mut there));
                io::copy(&mut stream, &mut onward).map(drop)
            });
        }
    });
    format!("http://u:p@{address}")
}

#[test]
fn https_goes_through_the_proxy_that_the_environment_names() {
    if !has_openssl() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    authority(folder.path());
    let config = certificate(folder.path(), "IP:127.0.0.1", true);
    let server = Server::at(Ipv4Addr::LOCALHOST.into(), Manner::Has(CURRENT), Some(config));
    let mut world = World::of(vec![server]);
    let tunnels = Arc::default();
    let proxy = proxy(&tunnels);
    let ended = round(&world, folder.path(), Some(&proxy));
    assert!(ended.printed.contains("\"good\": 1"), "{ended:?}");
    assert_eq!((tunnels.load(Ordering::SeqCst), world.connections()), (1, 1));
    // An address that is not allowed is not asked for through a proxy either.
    world.config.allow_addresses.clear();
    let ended = round(&world, folder.path(), Some(&proxy));
    assert!(ended.printed.contains("\"unknown\": 1"), "{ended:?}");
    assert_eq!((tunnels.load(Ordering::SeqCst), world.connections()), (1, 1));
    fs::metadata(world.output("suspended")).unwrap();
}

#[test]
fn a_mirror_of_http_alone_whose_https_gives_the_same_is_told() {
    if !has_openssl() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    authority(folder.path());
    let address = Ipv4Addr::LOCALHOST.into();
    for has_https in [true, false] {
        let config = has_https.then(|| certificate(folder.path(), "IP:127.0.0.1", true));
        let server = Server::at(address, Manner::Has(CURRENT), config);
        let url = format!("http://{}/linux", server.address);
        let mut world = World::of(vec![server]);
        // The one whose turn it is in the first of 480 rounds.
        world.list.hcurl[0].value = Some(url.clone().into());
        world.list.host[0].id = Some(479);
        for record in &mut world.list.mirror_list {
            record.global = vec![479];
            record.by_host_id[0].key = Some(479);
        }
        world.publish();
        let ended = round(&world, folder.path(), None);
        assert!(ended.printed.contains("\"good\": 1"), "{ended:?}");
        assert_eq!(world.json("mirrors.json")["mirrors"][0]["urls"][0]["also_https"], has_https);
        let status = world.run("status", &[]).printed;
        let line = format!("https, too   {} that ", if has_https { "1 URL" } else { "0 URLs" });
        assert!(status.contains(&line) && status.contains(&url) == has_https, "{status}");
    }
}
