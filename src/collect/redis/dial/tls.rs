//! TLS: whom we trust, who we are, and what a failed handshake means in plain words.
//!
//! The provider is given explicitly (ring), never taken from the process, so that no order of initialisation matters.
//! Files are read anew at each handshake, so that certificates may be rotated; only the system's authorities are kept.
//!
//! Invariant: the server's certificate is always verified; there is no switch that turns it off.

use std::io;
use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{CertificateError, ClientConfig, RootCertStore};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::sync::OnceCell;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::paced::Paced;
use super::{fail, printable};
use crate::config::TlsConfig;
use crate::model::name::NodeName;
use crate::model::poll::{PollError, PollErrorKind};

/// How large a PEM file may be.
const MAX_PEM_BYTES: u64 = 4 << 20;

/// The system's authorities, loaded at the first use and kept: loading takes tens of milliseconds. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct SystemRoots(Arc<OnceCell<Arc<RootCertStore>>>);

impl SystemRoots {
    async fn get(&self) -> Result<Arc<RootCertStore>, PollError> {
        let load = || async {
            let none = |why: &str| {
                tls_error(format!(
                    "found no certificate authorities on this system{why}: install ca-certificates or set ca_file"
                ))
            };
            let found = tokio::task::spawn_blocking(rustls_native_certs::load_native_certs)
                .await
                .map_err(|_| none(" (loading them failed)"))?;
            let mut store = RootCertStore::empty();
            let (usable, _) = store.add_parsable_certificates(found.certs);
            if usable == 0 {
                return Err(none(""));
            }
            Ok(Arc::new(store))
        };
        self.0.get_or_try_init(load).await.cloned()
    }
}

/// Makes a TLS connection of a TCP connection.
pub(super) async fn handshake(
    node: &NodeName,
    (config, host): (&TlsConfig, &str),
    tcp: TcpStream,
    roots: &SystemRoots,
) -> Result<TlsStream<Paced<TcpStream>>, PollError> {
    let client = client_config(config, roots).await?;
    let expected = config.server_name.as_deref().unwrap_or(host);
    let name = ServerName::try_from(expected.to_owned()).map_err(|_| {
        tls_error(format!(
            "{:?} cannot be the name in a certificate: set server_name",
            printable(expected.as_bytes())
        ))
    })?;
    TlsConnector::from(Arc::new(client))
        .connect(name, Paced::new(tcp))
        .await
        .map_err(|error| handshake_error(node, expected, &error))
}

async fn client_config(config: &TlsConfig, roots: &SystemRoots) -> Result<ClientConfig, PollError> {
    let trusted = match &config.ca_file {
        None => roots.get().await?,
        Some(file) => {
            let mut store = RootCertStore::empty();
            let (usable, _) = store.add_parsable_certificates(certificates(file).await?);
            if usable == 0 {
                return Err(tls_error(format!(
                    "ca_file {} holds no certificate of an authority",
                    file.display()
                )));
            }
            Arc::new(store)
        }
    };
    let builder =
        ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| tls_error(format!("TLS cannot be set up: {error}")))?
            .with_root_certificates(trusted);
    let (Some(cert_file), Some(key_file)) = (&config.cert_file, &config.key_file) else {
        return Ok(builder.with_no_client_auth());
    };
    let chain = certificates(cert_file).await?;
    let key = PrivateKeyDer::from_pem_slice(&read(key_file).await?).map_err(|_| {
        tls_error(format!(
            "key_file {} holds no private key in PEM form",
            key_file.display()
        ))
    })?;
    builder.with_client_auth_cert(chain, key).map_err(|error| {
        tls_error(format!(
            "the certificate in {} and the key in {} do not fit: {error}",
            cert_file.display(),
            key_file.display()
        ))
    })
}

async fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, PollError> {
    let pem = read(file).await?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    match found {
        Ok(found) if !found.is_empty() => Ok(found),
        _ => Err(tls_error(format!(
            "{} holds no certificate in PEM form",
            file.display()
        ))),
    }
}

async fn read(file: &Path) -> Result<Vec<u8>, PollError> {
    let unreadable =
        |error: io::Error| tls_error(format!("cannot read {}: {error}", file.display()));
    let mut content = Vec::new();
    tokio::fs::File::open(file)
        .await
        .map_err(unreadable)?
        .take(MAX_PEM_BYTES)
        .read_to_end(&mut content)
        .await
        .map_err(unreadable)?;
    Ok(content)
}

fn tls_error(message: String) -> PollError {
    fail(PollErrorKind::Tls, message)
}

/// What a failed handshake means to the person who has to mend it.
fn handshake_error(node: &NodeName, expected: &str, error: &io::Error) -> PollError {
    use rustls::Error as E;
    let inner = error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<rustls::Error>());
    let expected = printable(expected.as_bytes());
    let what = match inner {
        // A bad signature is what a new authority with the name of the old one looks like.
        Some(E::InvalidCertificate(
            CertificateError::UnknownIssuer | CertificateError::BadSignature,
        )) => {
            "its certificate is signed by no authority that is trusted here: set ca_file to the authority's certificate"
                .to_owned()
        }
        Some(E::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        )) => {
            format!("its certificate is not made out to {expected:?}: set server_name to a name that it bears")
        }
        Some(E::InvalidCertificate(
            CertificateError::Expired | CertificateError::ExpiredContext { .. },
        )) => "its certificate has expired: renew it".to_owned(),
        Some(E::InvalidMessage(_)) => {
            "what it sends is not TLS: use redis:// instead of rediss://, or the port that speaks TLS".to_owned()
        }
        Some(E::AlertReceived(alert)) => format!(
            "the server refused with {alert:?}: it may want a client certificate (cert_file, key_file)"
        ),
        Some(other) => printable(other.to_string().as_bytes()),
        None => match error.kind() {
            io::ErrorKind::UnexpectedEof
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::BrokenPipe => {
                "the server closed the connection: does this port speak TLS?".to_owned()
            }
            _ => printable(error.to_string().as_bytes()),
        },
    };
    tls_error(format!("no TLS with {node}: {what}"))
}
