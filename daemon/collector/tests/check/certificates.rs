//! Authorities and certificates, made by openssl.

use rustls::{
    ServerConfig,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
};
use std::{fs, path::Path, process::Command, sync::Arc};

fn openssl(folder: &Path, arguments: &str) {
    let output = Command::new("openssl").args(arguments.split(' ')).current_dir(folder).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

const NEW: &str = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";

/// An authority whose certificates are made with [`certificate`].
pub fn authority(folder: &Path) {
    openssl(folder, &format!("{NEW} -days 2 -keyout ca.key -out ca.pem -subj /CN=root"));
}

/// A server's certificate for a name by the authority; one by nobody it would be without.
pub fn certificate(folder: &Path, name: &str, by_authority: bool) -> Arc<ServerConfig> {
    let by = if by_authority { " -CA ca.pem -CAkey ca.key" } else { "" };
    let arguments = format!(
        "{NEW} -days 2 -keyout server.key -out server.pem -subj /CN=mirror{by} \
         -addext subjectAltName={name} -addext basicConstraints=critical,CA:FALSE"
    );
    openssl(folder, &arguments);
    configured(folder)
}

/// One by the authority that has expired.
pub fn expired(folder: &Path, name: &str) -> Arc<ServerConfig> {
    let config = "[ca]\ndefault_ca = a\n[a]\ndatabase = index\nnew_certs_dir = .\ndefault_md = sha256\n\
                  policy = p\nserial = serial\ncopy_extensions = copy\n[p]\ncommonName = supplied\n";
    fs::write(folder.join("ca.cnf"), config).unwrap();
    fs::write(folder.join("index"), "").unwrap();
    fs::write(folder.join("serial"), "01\n").unwrap();
    let request = NEW.replace("-x509", "-new");
    openssl(
        folder,
        &format!(
            "{request} -keyout server.key -out server.csr -subj /CN=mirror -addext subjectAltName={name}"
        ),
    );
    openssl(
        folder,
        "ca -batch -config ca.cnf -cert ca.pem -keyfile ca.key -notext -in server.csr \
         -out server.pem -startdate 20200101000000Z -enddate 20200102000000Z",
    );
    configured(folder)
}

/// A server with the certificate that was made last.
fn configured(folder: &Path) -> Arc<ServerConfig> {
    let chain = CertificateDer::pem_file_iter(folder.join("server.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_file(folder.join("server.key")).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain.map(Result::unwrap).collect(), key);
    Arc::new(config.unwrap())
}

pub fn has_openssl() -> bool {
    let has = Command::new("openssl").arg("version").output().is_ok();
    if !has {
        eprintln!("skipped: not installed: openssl");
    }
    has
}
