//! A TLS handshake, and why it failed, in words.

use std::io;

use rustls::pki_types::{ServerName, UnixTime};
use rustls::{CertificateError, Error, ProtocolVersion};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::attempt::{Attempt, Finding, Found};
use super::trust::{Trusts, Unreadable};
use crate::{Code, Tls, dialer};

pub(super) async fn check(attempt: &Attempt<'_>, tls: &Tls, trusts: &Trusts) -> Found {
    let connection = attempt.connect().await?;
    let stream = handshake(attempt, tls, trusts, connection).await?;
    let (_, session) = stream.get_ref();
    Ok(Finding::new(
        Code::L6Ok,
        match session.protocol_version() {
            Some(ProtocolVersion::TLSv1_2) => "TLS 1.2",
            Some(ProtocolVersion::TLSv1_3) => "TLS 1.3",
            _ => "TLS",
        },
    ))
}

/// Makes a connection a TLS connection.
pub(super) async fn handshake(
    attempt: &Attempt<'_>,
    tls: &Tls,
    trusts: &Trusts,
    connection: TcpStream,
) -> Found<TlsStream<TcpStream>> {
    let failed = |reason: String| Finding::new(Code::L6Response, reason);
    let name = match &tls.server_name {
        Some(name) => ServerName::try_from(name.clone())
            .map_err(|_| failed(format!("cannot ask for the server name {name}")))?,
        None => attempt.target.ip().into(),
    };
    attempt
        .limit(Code::L6Timeout, "no TLS handshake", async {
            // What follows the end of the handshake must not wait for the handshake's acknowledgement.
            connection.set_nodelay(true).map_err(|error| Finding::error(Code::L4Connection, &error))?;
            let config = trusts.config(&tls.trust).await.map_err(|Unreadable(reason)| failed(reason))?;
            let stream = TlsConnector::from(config).connect(name, connection).await;
            stream.map_err(|error| failed(words(&error)))
        })
        .await
}

fn words(error: &io::Error) -> String {
    match error.get_ref().and_then(|inner| inner.downcast_ref()) {
        Some(Error::InvalidCertificate(flaw)) => flaw_in_words(flaw),
        Some(Error::InvalidMessage(_)) => "peer does not speak TLS".to_owned(),
        Some(Error::AlertReceived(alert)) => format!("peer sent the alert {alert:?}"),
        Some(other) => other.to_string(),
        None if error.kind() == io::ErrorKind::UnexpectedEof => "closed during the handshake".to_owned(),
        None => dialer::words(error),
    }
}

fn flaw_in_words(flaw: &CertificateError) -> String {
    match flaw {
        CertificateError::ExpiredContext { time, not_after } => {
            format!("certificate expired {} ago", between(*not_after, *time))
        }
        CertificateError::NotValidYetContext { time, not_before } => {
            format!("certificate becomes valid in {}", between(*time, *not_before))
        }
        CertificateError::NotValidForNameContext { expected, presented } => {
            let names: Vec<_> = presented.iter().map(|name| bare(name)).collect();
            let names = if names.is_empty() { "nobody".to_owned() } else { names.join(", ") };
            format!("certificate is for {names}, not {}", expected.to_str())
        }
        CertificateError::UnknownIssuer => "unknown authority".to_owned(),
        other => format!("certificate is not valid: {other}"),
    }
}

/// A name of `DnsName("www.example")`, as rustls has it.
fn bare(name: &str) -> &str {
    let inner = name.split_once('(').and_then(|(_, rest)| rest.strip_suffix(')'));
    inner.unwrap_or(name).trim_matches('"')
}

/// The time between, in its largest unit.
fn between(from: UnixTime, to: UnixTime) -> String {
    let seconds = to.as_secs().saturating_sub(from.as_secs());
    let units = [(86400, "day"), (3600, "hour"), (60, "minute"), (1, "second")];
    let (length, unit) = units.into_iter().find(|&(length, _)| seconds >= length).unwrap_or((1, "second"));
    match seconds / length {
        1 => format!("1 {unit}"),
        count => format!("{count} {unit}s"),
    }
}
