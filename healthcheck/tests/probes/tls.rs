//! TLS handshakes, and the certificates in them.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use healthcheck::{Check, Code, Kit, Tls, Trust};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::ServerConfig;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use tempfile::NamedTempFile;
use tokio_rustls::TlsAcceptor;

use crate::server::Deed::{Bytes, Drip, Flood, Hang, Hear, Reset, Say};
use crate::server::{Script, accept, play, serve};
use crate::{LONG, closed_port, monitor};

const DAY: Duration = Duration::from_secs(24 * 3600);

/// An authority, and a file with its certificate.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    file: NamedTempFile,
}

impl Authority {
    pub(crate) fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let file = NamedTempFile::new().unwrap();
        std::fs::write(file.path(), params.self_signed(&key).unwrap().pem()).unwrap();
        Self { issuer: Issuer::new(params, key), file }
    }

    pub(crate) fn trust(&self) -> Trust {
        Trust::Authorities(self.file.path().to_owned())
    }

    /// A server with a certificate for a name, from and until a time.
    async fn serve_dated(
        &self,
        name: &str,
        from: SystemTime,
        until: SystemTime,
        script: Script,
    ) -> SocketAddr {
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        params.not_before = from.into();
        params.not_after = until.into();
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        serve_with(certificate.der().clone(), &key, script).await
    }

    /// A server with a certificate that is valid.
    pub(crate) async fn serve(&self, name: &str, script: Script) -> SocketAddr {
        let now = SystemTime::now();
        self.serve_dated(name, now - DAY, now + DAY, script).await
    }
}

async fn serve_with(certificate: CertificateDer<'static>, key: &KeyPair, script: Script) -> SocketAddr {
    let key = PrivatePkcs8KeyDer::from(key.serialize_der());
    let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key.into())
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    accept("127.0.0.1:0", move |connection| {
        let acceptor = acceptor.clone();
        async move {
            if let Ok(mut connection) = acceptor.accept(connection).await {
                play(&mut connection, script).await;
            }
        }
    })
    .await
}

fn tls(server_name: Option<&str>, trust: Trust) -> Check {
    Check::Tls(Tls { server_name: server_name.map(str::to_owned), trust })
}

#[tokio::test]
async fn a_certificate_is_looked_at_as_trust_has_it() {
    let ours = Authority::new("ours");
    let now = SystemTime::now();
    let good = ours.serve("www.example", &[Hear]).await;
    let address = ours.serve("127.0.0.1", &[Hear]).await;
    let expired = ours.serve_dated("www.example", now - 9 * DAY, now - 3 * DAY, &[Hear]).await;
    let early = ours.serve_dated("www.example", now + DAY + DAY / 2, now + 3 * DAY, &[Hear]).await;
    let forged = Authority::new("ours").serve("www.example", &[Hear]).await;
    let theirs = Authority::new("theirs").serve("www.example", &[Hear]).await;
    let www = Some("www.example");

    // (name, target, server name, trust, code, detail)
    let cases = [
        ("good", good, www, ours.trust(), Code::L6Ok, "TLS 1.3"),
        ("good for the address", address, None, ours.trust(), Code::L6Ok, "TLS 1.3"),
        ("expired", expired, www, ours.trust(), Code::L6Response, "certificate expired 3 days ago"),
        ("too early", early, www, ours.trust(), Code::L6Response, "certificate becomes valid in 1 day"),
        (
            "another name",
            good,
            Some("other.example"),
            ours.trust(),
            Code::L6Response,
            "certificate is for www.example, not other.example",
        ),
        (
            "not for the address",
            good,
            None,
            ours.trust(),
            Code::L6Response,
            "certificate is for www.example, not 127.0.0.1",
        ),
        ("another authority", theirs, www, ours.trust(), Code::L6Response, "unknown authority"),
        (
            "another authority of the same name",
            forged,
            www,
            ours.trust(),
            Code::L6Response,
            "certificate is not valid: BadSignature",
        ),
        ("another authority, nobody cares", theirs, www, Trust::Anybody, Code::L6Ok, "TLS 1.3"),
        ("expired, nobody cares", expired, www, Trust::Anybody, Code::L6Ok, "TLS 1.3"),
        ("another name, nobody cares", good, None, Trust::Anybody, Code::L6Ok, "TLS 1.3"),
        (
            "not a name",
            good,
            Some("www example"),
            ours.trust(),
            Code::L6Response,
            "cannot ask for the server name www example",
        ),
        (
            "no file",
            good,
            www,
            Trust::Authorities("/nowhere/ca.pem".into()),
            Code::L6Response,
            "cannot read /nowhere/ca.pem: no such file or directory",
        ),
        (
            "no certificate in the file",
            good,
            www,
            Trust::Authorities("/dev/null".into()),
            Code::L6Response,
            "no certificate of an authority in /dev/null",
        ),
    ];
    // One kit for all, as in use: what one check was told must not be another's.
    let kit = Kit::new(8);
    for (name, target, server_name, trust, code, detail) in cases {
        for round in ["first", "again"] {
            let monitor = monitor(tls(server_name, trust.clone()), LONG);
            let outcome = kit.probe(target, &monitor, |_| {}).await;
            assert_eq!((outcome.code, outcome.detail.as_str()), (code, detail), "{name}, {round}");
        }
    }
}

#[tokio::test]
async fn this_machines_authorities_do_not_know_a_new_one() {
    let target = Authority::new("new").serve("www.example", &[Hear]).await;
    let check = tls(Some("www.example"), Trust::System);
    let outcome = crate::check(target, check, Code::L6Response).await;
    // Where no authorities are installed, that is the reason.
    let reasons = ["unknown authority", "no certificate of an authority in this machine's store"];
    assert_eq!(outcome.code, Code::L6Response);
    assert!(reasons.contains(&outcome.detail.as_str()), "{}", outcome.detail);
}

#[tokio::test]
async fn authorities_that_could_not_be_read_are_read_later() {
    let ours = Authority::new("ours");
    let target = ours.serve("www.example", &[Hear]).await;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ca.pem");
    let kit = Kit::new(8);
    let monitor = monitor(tls(Some("www.example"), Trust::Authorities(path.clone())), LONG);

    assert_eq!(kit.probe(target, &monitor, |_| {}).await.code, Code::L6Response);
    std::fs::copy(ours.file.path(), path).unwrap();
    assert_eq!(kit.probe(target, &monitor, |_| {}).await.code, Code::L6Ok);
}

#[tokio::test]
async fn what_is_no_handshake_is_named() {
    // (name, script, code, detail)
    let cases: [(_, Script, _, _); 9] = [
        (
            "HTTP",
            &[Hear, Say("HTTP/1.1 400 Bad Request\r\n\r\n")],
            Code::L6Response,
            "peer does not speak TLS",
        ),
        ("SMTP", &[Say("220 mail.example\r\n"), Hear], Code::L6Response, "peer does not speak TLS"),
        ("flood", &[Flood("garbage")], Code::L6Response, "peer does not speak TLS"),
        (
            "alert",
            &[Hear, Bytes(&[21, 3, 3, 0, 2, 2, 40])],
            Code::L6Response,
            "peer sent the alert HandshakeFailure",
        ),
        ("closed", &[Hear], Code::L6Response, "closed during the handshake"),
        ("reset", &[Hear, Reset], Code::L6Response, "connection reset by peer"),
        ("silence", &[Hang], Code::L6Timeout, "no TLS handshake within 700ms"),
        ("heard, and silence", &[Hear, Hang], Code::L6Timeout, "no TLS handshake within 700ms"),
        ("drip", &[Drip("\u{16}\u{3}\u{3}\u{20}\u{0}")], Code::L6Timeout, "no TLS handshake within 700ms"),
    ];
    for (name, script, code, detail) in cases {
        let outcome = crate::check(serve(script).await, tls(None, Trust::Anybody), code).await;
        assert_eq!((outcome.code, outcome.detail.as_str()), (code, detail), "{name}");
    }
    let refused = crate::check(closed_port(), tls(None, Trust::Anybody), Code::L4Connection).await;
    assert_eq!(refused.code, Code::L4Connection);
}
