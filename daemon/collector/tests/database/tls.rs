//! TLS: always over TCP, and only with a certificate of that host by a root that is trusted.

use crate::program::{Collect, Ended, ended};
use std::{
    net::TcpListener,
    path::{Path, PathBuf},
    process::Command,
};
use testkit::postgres::{Postgres, SAMPLE};

fn openssl(folder: &Path, arguments: &str) {
    let output = Command::new("openssl").args(arguments.split(' ')).current_dir(folder).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// An authority, and a certificate of its for `localhost`.
fn certificate(folder: &Path) {
    let new = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2";
    openssl(folder, &format!("{new} -keyout ca.key -out ca.pem -subj /CN=root"));
    openssl(folder, &format!("{new} -keyout stranger.key -out stranger.pem -subj /CN=stranger"));
    openssl(
        folder,
        &format!(
            "{new} -keyout server.key -out server.pem -subj /CN=db -CA ca.pem -CAkey ca.key \
             -addext subjectAltName=DNS:localhost -addext basicConstraints=critical,CA:FALSE"
        ),
    );
}

#[test]
fn only_a_host_that_proves_who_it_is_gets_asked() {
    if !Postgres::is_there() || Command::new("openssl").arg("version").output().is_err() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    certificate(folder.path());
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let server = Postgres::start(&["listen_addresses=127.0.0.1", &format!("port={port}")]).unwrap();
    server.create("mm").unwrap();
    server.sql("mm", SAMPLE).unwrap();
    let at = |host: &str| Collect::new(&format!("postgres://postgres@{host}:{port}/mm"));
    let trusting = |collect: &Collect, roots: &str| -> Ended {
        let roots: PathBuf = folder.path().join(roots);
        // The folder is that of the system otherwise.
        ended(collect.command().env("SSL_CERT_FILE", roots).env_remove("SSL_CERT_DIR").output().unwrap())
    };
    let refused = |ended: Ended, code: i32, part: &str| {
        assert!(ended.code == Some(code) && ended.said.contains(part), "{ended:?}");
    };
    // A server that speaks no TLS.
    refused(trusting(&at("localhost"), "ca.pem"), 69, "does not support TLS");
    assert_eq!(at("localhost").run(&[]).code, Some(69));
    let plain = Collect::new(&format!("postgres://postgres@localhost:{port}/mm?sslmode=disable"));
    assert_eq!(plain.list().0.mirror_list.len(), 3);

    for name in ["server.pem", "server.key"] {
        server.put(name, &std::fs::read_to_string(folder.path().join(name)).unwrap()).unwrap();
    }
    server
        .sql(
            "postgres",
            "alter system set ssl_cert_file = 'server.pem'; alter system set ssl_key_file = 'server.key';
             alter system set ssl = on; select pg_reload_conf()",
        )
        .unwrap();
    let good = at("localhost");
    let end = std::time::Instant::now() + std::time::Duration::from_secs(60);
    let mut ended = trusting(&good, "ca.pem");
    while ended.said.contains("does not support TLS") && std::time::Instant::now() < end {
        ended = trusting(&good, "ca.pem");
    }
    assert_eq!((ended.code, &*ended.said), (Some(0), ""));
    assert_eq!(good.written().mirror_list.len(), 3);
    refused(trusting(&at("localhost"), "stranger.pem"), 69, "invalid peer certificate: UnknownIssuer");
    refused(trusting(&at("127.0.0.1"), "ca.pem"), 69, "certificate not valid for name");
    refused(trusting(&at("localhost"), "absent.pem"), 78, "no certificate to trust");
}
