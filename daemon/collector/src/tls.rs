//! TLS towards databases, mirrors and proxies: with the roots that this system trusts, and not without any.

use rustls::{ClientConfig, RootCertStore, crypto::ring};
use std::sync::Arc;

/// What this system lacks.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There are no roots, maybe because of this.
    #[error(
        "no certificate to trust on this system ({}): install ca-certificates, or name a file in SSL_CERT_FILE",
        .0.as_ref().map_or_else(|| "none is there".into(), ToString::to_string)
    )]
    Roots(Option<rustls_native_certs::Error>),
    /// The library speaks no version.
    #[error("TLS cannot be spoken ({0})")]
    Versions(#[from] rustls::Error),
}

/// What a connection is made with.
pub fn config() -> Result<ClientConfig, Error> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    let (added, _) = roots.add_parsable_certificates(found.certs);
    if added == 0 {
        return Err(Error::Roots(found.errors.into_iter().next()));
    }
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}
