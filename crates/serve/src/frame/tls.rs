//! TLS by rustls: a certificate chain and a key, from files.
//!
//! Certificates end after weeks, and whoever renews them writes new files: those are read when they have
//! changed, and used for the next connection. What cannot be used is said, and the old one stays.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use rustls::ServerConfig;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
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

/// The files, and what was read of them last.
#[derive(Debug)]
pub struct Certificates {
    certificate: PathBuf,
    key: PathBuf,
    now: RwLock<Arc<CertifiedKey>>,
    seen: Mutex<[Option<SystemTime>; 2]>,
}

impl Certificates {
    /// How often the files are looked at.
    pub const LOOK_EVERY: Duration = Duration::from_secs(10);

    pub fn open(certificate: &Path, key: &Path) -> Result<Arc<Certificates>, TlsError> {
        let seen = changed(certificate, key);
        let read = read(certificate, key)?;
        Ok(Arc::new(Certificates {
            certificate: certificate.to_path_buf(),
            key: key.to_path_buf(),
            now: RwLock::new(Arc::new(read)),
            seen: Mutex::new(seen),
        }))
    }

    /// Reads the files where they have changed; true: new connections get what they hold now. Who renews
    /// writes two files, one after the other: between them they do not fit, and the next look finds them.
    pub fn look(&self) -> Result<bool, TlsError> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let now = changed(&self.certificate, &self.key);
        if *seen == now {
            return Ok(false);
        }
        // Said once for each change.
        *seen = now;
        let read = read(&self.certificate, &self.key)?;
        *self.now.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(read);
        Ok(true)
    }

    pub fn acceptor(self: &Arc<Certificates>) -> Result<TlsAcceptor, TlsError> {
        let config = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(|source| unusable(&self.certificate, &self.key, source))?;
        let mut config = config.with_no_client_auth().with_cert_resolver(self.clone());
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(TlsAcceptor::from(Arc::new(config)))
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.now.read().unwrap_or_else(PoisonError::into_inner).clone())
    }
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

fn changed(certificate: &Path, key: &Path) -> [Option<SystemTime>; 2] {
    [certificate, key].map(|path| std::fs::metadata(path).and_then(|told| told.modified()).ok())
}

fn read(certificate: &Path, key: &Path) -> Result<CertifiedKey, TlsError> {
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
    CertifiedKey::from_der(chain, private, &provider())
        .map_err(|source| unusable(certificate, key, source))
}

fn unusable(certificate: &Path, key: &Path, source: rustls::Error) -> TlsError {
    TlsError::Unusable { certificate: certificate.into(), key: key.into(), source }
}
