//! TLS towards databases, mirrors and proxies: with the roots that this system trusts, and not without any.

use rustls::{ClientConfig, RootCertStore, crypto::ring};
use std::sync::Arc;

/// What a connection is made with; an error says what this system lacks.
pub fn config() -> Result<ClientConfig, String> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    let (added, _) = roots.add_parsable_certificates(found.certs);
    if added == 0 {
        let cause = found.errors.first().map_or_else(|| "none is there".into(), ToString::to_string);
        return Err(format!(
            "no certificate to trust on this system ({cause}): install ca-certificates, or name a file in SSL_CERT_FILE"
        ));
    }
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| format!("TLS cannot be spoken ({error})"))?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}
