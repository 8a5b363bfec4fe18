//! Whom we trust: the system's authorities (or those of `SSL_CERT_FILE` and `SSL_CERT_DIR`), and more where given.
//!
//! The provider of cryptography is named here, not taken from a process-wide default, so that no part of the program
//! depends on another one having installed it.

use std::sync::Arc;

use rustls::pki_types::CertificateDer;

/// Authorities beyond the system's.
#[derive(Debug, Clone, Default)]
pub(crate) struct Trust {
    /// Certificates of authorities, DER.
    pub(crate) extra_roots: Vec<CertificateDer<'static>>,
}

impl Trust {
    /// A client configuration: TLS 1.2 or 1.3, server certificates are checked.
    pub(crate) fn client_config(&self) -> Result<rustls::ClientConfig, rustls::Error> {
        let mut roots = rustls::RootCertStore::empty();
        let native = rustls_native_certs::load_native_certs();
        roots.add_parsable_certificates(native.certs);
        roots.add_parsable_certificates(self.extra_roots.iter().cloned());
        if roots.is_empty() {
            tracing::warn!(
                "no trusted certificate authorities were found, so no TLS connection of a channel can succeed: \
                 install the package ca-certificates or set SSL_CERT_FILE"
            );
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        Ok(rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth())
    }
}
