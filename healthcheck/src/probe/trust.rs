//! What TLS needs to know whose certificates are believed, read once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use rustls::client::Resumption;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use tokio::sync::OnceCell;
use tokio::task::spawn_blocking;

use crate::{Trust, dialer};

type Slot = Arc<OnceCell<Arc<ClientConfig>>>;

/// Why there is nothing to believe.
#[derive(Clone, Debug)]
pub(super) struct Unreadable(pub(super) String);

/// The configurations of TLS, one for each trust.
#[derive(Debug, Default)]
pub(super) struct Trusts {
    slots: Mutex<HashMap<Trust, Slot>>,
}

impl Trusts {
    /// The configuration for a trust. What cannot be read is tried again the next time.
    pub(super) async fn config(&self, trust: &Trust) -> Result<Arc<ClientConfig>, Unreadable> {
        let slot = self.slot(trust);
        let made = slot.get_or_try_init(|| async {
            let trust = trust.clone();
            // Reads files.
            let made = spawn_blocking(move || config(&trust)).await;
            made.map_err(|error| Unreadable(error.to_string()))?.map(Arc::new)
        });
        made.await.cloned()
    }

    fn slot(&self, trust: &Trust) -> Slot {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        match slots.get(trust) {
            Some(slot) => slot.clone(),
            None => slots.entry(trust.clone()).or_default().clone(),
        }
    }
}

fn config(trust: &Trust) -> Result<ClientConfig, Unreadable> {
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(|error| Unreadable(error.to_string()))?;
    let mut config = match trust {
        Trust::Anybody => builder.dangerous().with_custom_certificate_verifier(Arc::new(Credulous(provider))),
        Trust::System => {
            let certificates = rustls_native_certs::load_native_certs().certs;
            builder.with_root_certificates(authorities(certificates, "this machine's store")?)
        }
        Trust::Authorities(path) => {
            let place = path.display().to_string();
            let certificates = CertificateDer::pem_file_iter(path).and_then(Iterator::collect);
            let certificates = certificates
                .map_err(|error| Unreadable(format!("cannot read {place}: {}", words(&error))))?;
            builder.with_root_certificates(authorities(certificates, &place)?)
        }
    }
    .with_no_client_auth();
    // In a session that is resumed the server shows no certificate, and the one of another realserver counts.
    config.resumption = Resumption::disabled();
    Ok(config)
}

fn authorities(certificates: Vec<CertificateDer<'_>>, place: &str) -> Result<RootCertStore, Unreadable> {
    let mut store = RootCertStore::empty();
    let (read, _) = store.add_parsable_certificates(certificates);
    if read == 0 {
        return Err(Unreadable(format!("no certificate of an authority in {place}")));
    }
    Ok(store)
}

fn words(error: &pem::Error) -> String {
    match error {
        pem::Error::Io(error) => dialer::words(error),
        other => other.to_string(),
    }
}

/// Believes every certificate.
#[derive(Debug)]
struct Credulous(Arc<CryptoProvider>);

impl ServerCertVerifier for Credulous {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    // A signature is made with a certificate's key, so it says nothing when that is anybody's; and to look at
    // it would refuse the old certificates that this trust is for.
    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
