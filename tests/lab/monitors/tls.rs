//! Certificates, good and bad.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::{
    RootCertStore, ServerConfig,
    crypto::ring::default_provider,
    pki_types::{CertificateDer, PrivatePkcs8KeyDer},
};
use tokio_rustls::{TlsAcceptor, TlsConnector};

const DAY: Duration = Duration::from_secs(24 * 3600);

/// The name that the monitors of these tests ask for.
pub(super) const NAME: &str = "www.example";

/// Somebody who signs certificates.
pub(super) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: CertificateDer<'static>,
}

impl Authority {
    /// A new one; its own certificate is in a file of this directory.
    pub(super) fn new(name: &str, directory: &Path) -> (Self, PathBuf) {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let file = directory.join(name).with_extension("pem");
        let certificate = params.self_signed(&key).unwrap();
        fs::write(&file, certificate.pem()).unwrap();
        (Self { issuer: Issuer::new(params, key), certificate: certificate.der().clone() }, file)
    }

    /// What a client needs to believe it and nobody else.
    pub(super) fn believer(&self) -> TlsConnector {
        let mut store = RootCertStore::empty();
        store.add(self.certificate.clone()).unwrap();
        TlsConnector::from(Arc::new(lvsd::tls::client(store).unwrap()))
    }

    /// What a server needs to be this name.
    pub(super) fn server(&self, name: &str) -> TlsAcceptor {
        let now = SystemTime::now();
        self.server_between(name, now - DAY, now + DAY)
    }

    /// The same with a certificate that has expired.
    pub(super) fn expired_server(&self, name: &str) -> TlsAcceptor {
        let now = SystemTime::now();
        self.server_between(name, now - 9 * DAY, now - 3 * DAY)
    }

    fn server_between(&self, name: &str, from: SystemTime, until: SystemTime) -> TlsAcceptor {
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        (params.not_before, params.not_after) = (from.into(), until.into());
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap().der().clone();
        let key = PrivatePkcs8KeyDer::from(key.serialize_der());
        let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key.into())
            .unwrap();
        TlsAcceptor::from(Arc::new(config))
    }
}
