//! Every way in which a connection may fail to come about, and TLS against a server of our own.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, UnixListener};
use tokio_rustls::TlsAcceptor;

use super::super::testing::{cache, closed_port, with_tls};
use super::*;

async fn fails(cache: &CacheConfig) -> (PollErrorKind, String) {
    let error = dial(cache, &SystemRoots::default()).await.unwrap_err();
    let node = cache.node();
    (error.kind, error.message.replace(node.as_str(), "NODE"))
}

fn at(cache: CacheConfig, host: &str, port: u16) -> CacheConfig {
    let transport = Transport::Tcp {
        host: host.to_owned(),
        port,
        tls: None,
    };
    CacheConfig { transport, ..cache }
}

#[tokio::test]
async fn a_name_without_address_is_said_to_have_none() {
    // Longer than a label may be, so that no DNS is asked.
    let cache = at(cache(1), &"x".repeat(80), 1);
    let (kind, message) = fails(&cache).await;
    assert_eq!(kind, PollErrorKind::Resolve);
    assert!(
        message.starts_with("cannot find an address for NODE: "),
        "{message}"
    );
    assert!(
        message.ends_with("; check the host name and this machine's DNS"),
        "{message}"
    );
}

#[tokio::test]
async fn all_addresses_of_a_name_are_tried() {
    // `localhost` may be ::1 as well; the listener has only the other one.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let cache = at(cache(1), "localhost", port);
    assert!(dial(&cache, &SystemRoots::default()).await.is_ok());
}

#[tokio::test]
async fn a_refusal_says_what_to_check() {
    assert_eq!(
        fails(&cache(closed_port())).await,
        (
            PollErrorKind::Refused,
            "connection refused by NODE: is the server running, and is this its port?".to_owned()
        )
    );
}

#[tokio::test]
async fn a_full_backlog_ends_at_the_time_out() {
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1).unwrap();
    let port = listener.local_addr().unwrap().port();
    // Linux drops SYNs once the backlog is full, as a hung server's kernel does.
    let mut held = Vec::new();
    let short = CacheConfig {
        connect_timeout: Duration::from_millis(200),
        ..cache(port)
    };
    let error = loop {
        match dial(&short, &SystemRoots::default()).await {
            Ok(stream) => held.push(stream),
            Err(error) => break error,
        }
        assert!(held.len() < 16, "the backlog has no end");
    };
    assert_eq!(error.kind, PollErrorKind::ConnectTimeout);
    assert_eq!(
        error.message,
        format!(
            "no connection to 127.0.0.1:{port} within 200 ms: no answer to the TCP handshake; \
             is a firewall in between, or the server hung?"
        )
    );
}

#[tokio::test]
async fn unix_sockets_work_and_fail_with_words() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("redis.sock");
    let cache = CacheConfig {
        transport: Transport::Unix { path: path.clone() },
        ..cache(1)
    };
    assert_eq!(
        fails(&cache).await,
        (
            PollErrorKind::Refused,
            "there is no socket NODE: is the server running, and is `unixsocket` set?".to_owned()
        )
    );
    let listener = UnixListener::bind(&path).unwrap();
    assert!(matches!(
        dial(&cache, &SystemRoots::default()).await,
        Ok(Stream::Unix(_))
    ));
    drop(listener);
    assert_eq!(fails(&cache).await.0, PollErrorKind::Refused);
}

/// An authority, a certificate for `localhost` that it signed, and both as files.
struct Pki {
    folder: tempfile::TempDir,
    server: Arc<ServerConfig>,
}

impl Pki {
    fn new(wants_client_certificate: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut ca_params = CertificateParams::new(Vec::<String>::new()).unwrap();
        ca_params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let ca = CertifiedIssuer::self_signed(ca_params, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let cert = CertificateParams::new(vec!["localhost".to_owned()])
            .unwrap()
            .signed_by(&key, &ca)
            .unwrap();
        for (name, pem) in [
            ("ca.pem", ca.pem()),
            ("cert.pem", cert.pem()),
            ("key.pem", key.serialize_pem()),
        ] {
            std::fs::write(folder.path().join(name), pem).unwrap();
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .unwrap();
        let builder = if wants_client_certificate {
            let mut roots = rustls::RootCertStore::empty();
            roots.add(ca.der().clone()).unwrap();
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
                .build()
                .unwrap();
            builder.with_client_cert_verifier(verifier)
        } else {
            builder.with_no_client_auth()
        };
        let chain = vec![CertificateDer::from_pem_slice(cert.pem().as_bytes()).unwrap()];
        let key = PrivateKeyDer::from_pem_slice(key.serialize_pem().as_bytes()).unwrap();
        let server = Arc::new(builder.with_single_cert(chain, key).unwrap());
        Self { folder, server }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Dials a TLS server that echoes, and says a word.
    async fn dial(&self, tls: TlsConfig) -> Result<Vec<u8>, PollError> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let cache = CacheConfig {
            connect_timeout: Duration::from_secs(5),
            ..with_tls(cache(listener.local_addr().unwrap().port()), tls)
        };
        let acceptor = TlsAcceptor::from(Arc::clone(&self.server));
        let server = async {
            loop {
                let (tcp, _) = listener.accept().await.unwrap();
                if let Ok(mut stream) = acceptor.accept(tcp).await {
                    let mut word = [0; 4];
                    stream.read_exact(&mut word).await.unwrap();
                    stream.write_all(&word).await.unwrap();
                    stream.flush().await.unwrap();
                }
            }
        };
        let client = async {
            let mut stream = dial(&cache, &SystemRoots::default()).await?;
            let mut word = Vec::new();
            let io = async {
                stream.write_all(b"word").await?;
                stream.flush().await?;
                stream.read_buf(&mut word).await
            };
            io.await
                .map_err(|e| super::super::error::from_io(&cache.node(), &e))?;
            Ok(word)
        };
        tokio::select! {
            () = server => unreachable!("the server goes on for ever"),
            out = client => out,
        }
    }
}

#[tokio::test]
async fn tls_works_with_an_authority_and_a_name() {
    let pki = Pki::new(false);
    let tls = TlsConfig {
        ca_file: Some(pki.file("ca.pem")),
        server_name: Some("localhost".to_owned()),
        ..TlsConfig::default()
    };
    assert_eq!(pki.dial(tls).await, Ok(b"word".to_vec()));
}

#[tokio::test]
async fn tls_says_what_is_wrong_with_a_certificate() {
    let pki = Pki::new(false);
    let other = Pki::new(false);
    for (tls, words) in [
        (
            TlsConfig {
                server_name: Some("localhost".to_owned()),
                ca_file: Some(other.file("ca.pem")),
                ..TlsConfig::default()
            },
            "its certificate is signed by no authority that is trusted here: set ca_file to the authority's certificate",
        ),
        (
            TlsConfig {
                ca_file: Some(pki.file("ca.pem")),
                ..TlsConfig::default()
            },
            "its certificate is not made out to \"127.0.0.1\": set server_name to a name that it bears",
        ),
    ] {
        let error = pki.dial(tls).await.unwrap_err();
        assert_eq!(error.kind, PollErrorKind::Tls);
        assert!(error.message.ends_with(words), "{}", error.message);
    }
    let missing = TlsConfig {
        ca_file: Some(pki.file("nothing.pem")),
        ..TlsConfig::default()
    };
    let error = pki.dial(missing).await.unwrap_err();
    assert!(
        error.message.starts_with("cannot read "),
        "{}",
        error.message
    );
    let wrong = TlsConfig {
        ca_file: Some(pki.file("key.pem")),
        ..TlsConfig::default()
    };
    let error = pki.dial(wrong).await.unwrap_err();
    assert!(
        error
            .message
            .ends_with("key.pem holds no certificate in PEM form"),
        "{}",
        error.message
    );
}

#[tokio::test]
async fn tls_shows_a_client_certificate_where_one_is_wanted() {
    let pki = Pki::new(true);
    let tls = TlsConfig {
        ca_file: Some(pki.file("ca.pem")),
        server_name: Some("localhost".to_owned()),
        cert_file: Some(pki.file("cert.pem")),
        key_file: Some(pki.file("key.pem")),
    };
    assert_eq!(pki.dial(tls.clone()).await, Ok(b"word".to_vec()));
    let without = TlsConfig {
        cert_file: None,
        key_file: None,
        ..tls
    };
    // In TLS 1.3 a client learns of the refusal only when it reads.
    assert!(pki.dial(without).await.is_err());
}

#[tokio::test]
async fn a_port_that_speaks_no_tls_is_said_to_speak_none() {
    let pki = Pki::new(false);
    let tls = TlsConfig {
        ca_file: Some(pki.file("ca.pem")),
        ..TlsConfig::default()
    };
    for (words, kind, message) in [
        (
            Some(&b"-ERR what is this\r\n"[..]),
            PollErrorKind::Tls,
            "no TLS with NODE: what it sends is not TLS: use redis:// instead of rediss://, or the port that speaks TLS",
        ),
        (
            Some(b""),
            PollErrorKind::Tls,
            "no TLS with NODE: the server closed the connection: does this port speak TLS?",
        ),
        (
            None,
            PollErrorKind::ConnectTimeout,
            "no connection to NODE within 400 ms: connected, but the TLS handshake did not end; does this port speak TLS?",
        ),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let cache = with_tls(cache(listener.local_addr().unwrap().port()), tls.clone());
        let server = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut hello = [0; 4096];
            assert!(stream.read(&mut hello).await.unwrap() > 0);
            if let Some(words) = words {
                stream.write_all(words).await.unwrap();
                stream.shutdown().await.unwrap();
            }
            // Until the client hangs up.
            while stream.read(&mut hello).await.is_ok_and(|n| n > 0) {}
        };
        let ((), found) = tokio::join!(server, fails(&cache));
        assert_eq!(found, (kind, message.to_owned()));
    }
}
