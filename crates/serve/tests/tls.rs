//! The server under TLS, asked by a client that believes one authority only.

#![allow(clippy::unwrap_used)]

mod common;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use common::settings;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use serve::frame::tls::Certificates;
use serve::{App, Settings};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsConnector;

struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Authority {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Authority(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    /// Certificate and key, PEM.
    fn issue(&self) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec!["cell.example".to_string()]).unwrap();
        (params.signed_by(&key, &self.0).unwrap().pem(), key.serialize_pem())
    }

    fn connector(&self, protocol: &[u8]) -> TlsConnector {
        let mut roots = RootCertStore::empty();
        roots.add(self.0.der().clone()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![protocol.to_vec()];
        TlsConnector::from(Arc::new(config))
    }
}

fn write(folder: &Path, (certificate, key): &(String, String)) {
    std::fs::write(folder.join("cell.pem"), certificate).unwrap();
    std::fs::write(folder.join("cell.key"), key).unwrap();
}

fn open(folder: &Path) -> Result<Arc<Certificates>, serve::frame::tls::TlsError> {
    Certificates::open(&folder.join("cell.pem"), &folder.join("cell.key"))
}

async fn start(certificates: &Arc<Certificates>) -> SocketAddr {
    let desk = common::desk_with(Settings { is_tls: true, ..settings() });
    let app: App = desk.app.clone();
    let server = serve::frame::build(app, Vec::new()).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let acceptor = certificates.acceptor().unwrap();
    tokio::spawn(async move {
        let _desk = desk;
        server.run(listener, Some(acceptor), std::future::pending()).await.unwrap();
    });
    address
}

/// What is answered to who believes this authority, and the protocol that was agreed on.
async fn ask(address: SocketAddr, authority: &Authority) -> std::io::Result<String> {
    let stream = TcpStream::connect(address).await?;
    let name = ServerName::try_from("cell.example").unwrap();
    let mut stream = authority.connector(b"http/1.1").connect(name, stream).await?;
    stream
        .write_all(b"GET /v1/health HTTP/1.1\r\nhost: cell.example\r\nconnection: close\r\n\r\n")
        .await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}

#[tokio::test]
async fn a_client_that_believes_the_authority_is_answered_and_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let (ours, theirs) = (Authority::new(), Authority::new());
    write(folder.path(), &ours.issue());
    let certificates = open(folder.path()).unwrap();
    let address = start(&certificates).await;
    let answer = ask(address, &ours).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.to_lowercase().contains("strict-transport-security"));
    assert!(ask(address, &theirs).await.is_err());
    // HTTP/2 is spoken where it is asked for.
    let stream = TcpStream::connect(address).await.unwrap();
    let name = ServerName::try_from("cell.example").unwrap();
    let stream = ours.connector(b"h2").connect(name, stream).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    // Who speaks without TLS gets nothing of what the server knows.
    let mut plain = TcpStream::connect(address).await.unwrap();
    plain.write_all(b"GET /v1/health HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    drop(plain.read_to_end(&mut answer).await);
    assert!(!String::from_utf8_lossy(&answer).contains("HTTP/1.1"));
}

#[tokio::test]
async fn renewed_certificates_are_taken_up_and_broken_ones_are_said_and_left() {
    let folder = tempfile::tempdir().unwrap();
    let (old, new) = (Authority::new(), Authority::new());
    write(folder.path(), &old.issue());
    let certificates = open(folder.path()).unwrap();
    let address = start(&certificates).await;
    assert!(!certificates.look().unwrap(), "nothing changed");
    // Only the certificate is there yet: it does not fit the key.
    let renewed = new.issue();
    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    std::fs::write(folder.path().join("cell.pem"), &renewed.0).unwrap();
    let error = certificates.look().unwrap_err().to_string();
    assert!(error.contains("cell.pem") && error.contains("cell.key"), "{error}");
    assert!(ask(address, &old).await.is_ok(), "the old one stays");
    assert!(!certificates.look().unwrap(), "said once");
    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    write(folder.path(), &renewed);
    assert!(certificates.look().unwrap());
    assert!(ask(address, &new).await.is_ok() && ask(address, &old).await.is_err());
}

#[test]
fn files_that_cannot_be_used_are_named_with_what_was_expected() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new();
    let (certificate, key) = authority.issue();
    let (_, other_key) = authority.issue();
    let said = |certificate: &str, key: &str| {
        write(folder.path(), &(certificate.to_string(), key.to_string()));
        open(folder.path()).unwrap_err().to_string()
    };
    assert!(said(&certificate, &other_key).contains("cannot be used"));
    assert!(said(&certificate, "garbage").contains("cell.key"));
    assert!(said(&certificate, &certificate).contains("one private key"));
    assert!(said("", &key).contains("no certificate"));
    let missing = Certificates::open(Path::new("/nowhere/x.pem"), Path::new("/nowhere/x.key"));
    assert!(missing.unwrap_err().to_string().contains("/nowhere/x.pem"));
}
