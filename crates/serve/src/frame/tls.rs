//! TLS by rustls: a certificate chain and a key, from files.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    #[error("cannot read {path} as PEM: expected {expected}")]
    Pem { path: PathBuf, expected: &'static str, source: rustls::pki_types::pem::Error },
    #[error("{0} holds no certificate")]
    Empty(PathBuf),
    #[error("the certificate {certificate} and the key {key} cannot be used")]
    Unusable { certificate: PathBuf, key: PathBuf, source: rustls::Error },
}

pub fn acceptor(certificate: &Path, key: &Path) -> Result<TlsAcceptor, TlsError> {
    let unread = |path: &Path, expected| {
        let path = path.to_path_buf();
        move |source| TlsError::Pem { path, expected, source }
    };
    let expected = "certificates, the server's own first";
    let chain = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(unread(certificate, expected))?;
    if chain.is_empty() {
        return Err(TlsError::Empty(certificate.to_path_buf()));
    }
    let private = PrivateKeyDer::from_pem_file(key).map_err(unread(key, "one private key"))?;
    let unusable = |source| TlsError::Unusable {
        certificate: certificate.to_path_buf(),
        key: key.to_path_buf(),
        source,
    };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(unusable)?
        .with_no_client_auth()
        .with_single_cert(chain, private)
        .map_err(unusable)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}
