//! An HTTP request and its answer.

use std::convert::Infallible;
use std::error::Error;
use std::future::pending;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::ops::ControlFlow;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use http_body_util::{BodyExt, Empty};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::Builder;
use hyper::header::{AUTHORIZATION, CONNECTION, HOST, HeaderMap, HeaderName, HeaderValue, USER_AGENT};
use hyper::http::uri::PathAndQuery;
use hyper::{Method, Request, StatusCode, Uri, Version};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};

use super::attempt::{Attempt, Finding, Found};
use super::search::Search;
use super::tls;
use super::trust::Trusts;
use crate::{Code, Credentials, Expected, Http, HttpVersion, dialer};

/// How long an answer's head may be, and how much is read at once.
const LARGEST_HEAD: usize = 64 * 1024;

pub(super) async fn check(attempt: &Attempt<'_>, http: &Http, trusts: &Trusts) -> Found {
    let request = request(http, attempt.target)
        .map_err(|error| Finding::new(Code::L7Response, format!("the request cannot be sent: {error}")))?;
    let connection = attempt.connect().await?;
    match &http.tls {
        None => exchange(attempt, http, request, connection).await,
        Some(tls) => {
            let encrypted = async {
                let connection = tls::handshake(attempt, tls, trusts, connection).await?;
                exchange(attempt, http, request, connection).await
            };
            Box::pin(encrypted).await
        }
    }
}

async fn exchange(
    attempt: &Attempt<'_>,
    http: &Http,
    request: Request<Empty<Bytes>>,
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
) -> Found {
    let (mut sender, connection) = Builder::new()
        .title_case_headers(true)
        .max_buf_size(LARGEST_HEAD)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(|error| broken(&error))?;
    let talk = async {
        let answer = attempt.limit(Code::L7Timeout, "no answer", async {
            sender.send_request(request).await.map_err(|error| broken(&error))
        });
        let (head, body) = answer.await?.into_parts();
        let status = head.status;
        if !http.statuses.contain(status.as_u16()) {
            return Err(Finding::new(Code::L7Status, format!("status {}", words(status))));
        }
        if let Some(expected) = &http.body {
            attempt.limit(Code::L7Timeout, "no complete body", look(body, expected, http.max_body)).await?;
        }
        Ok(Finding::new(Code::L7Ok, words(status)))
    };
    // The connection does its work here, and not in a task of its own. Its end is no news: the answer may have
    // come before, and else the sender says why it will not.
    let work = async {
        let _ = connection.await;
        pending::<Infallible>().await
    };
    tokio::select! {
        found = talk => found,
        never = work => match never {},
    }
}

/// Reads the body until it is known whether it has what is expected.
async fn look(mut body: Incoming, expected: &Expected, most: usize) -> Found<()> {
    let mut search = Search::new(expected, most);
    let found = loop {
        let Some(frame) = body.frame().await else { break search.end() };
        let Ok(piece) = frame.map_err(|error| broken(&error))?.into_data() else { continue };
        if let ControlFlow::Break(found) = search.feed(&piece) {
            break found;
        }
    };
    if found { Ok(()) } else { Err(Finding::new(Code::L7Status, format!("body has no {expected}"))) }
}

fn request(http: &Http, target: SocketAddr) -> Result<Request<Empty<Bytes>>, hyper::http::Error> {
    let mut headers = HeaderMap::new();
    let host =
        http.host.clone().unwrap_or_else(|| authority(target, if http.tls.is_some() { 443 } else { 80 }));
    headers.insert(HOST, HeaderValue::try_from(host)?);
    headers.insert(USER_AGENT, HeaderValue::from_static("lvsd"));
    headers.insert(CONNECTION, HeaderValue::from_static("close"));
    if let Some(Credentials { user, password }) = &http.credentials {
        let pair = BASE64_STANDARD.encode(format!("{user}:{password}"));
        headers.insert(AUTHORIZATION, HeaderValue::try_from(format!("Basic {pair}"))?);
    }
    let mut own = HeaderMap::new();
    for (name, value) in &http.headers {
        own.append(HeaderName::try_from(name)?, HeaderValue::try_from(value)?);
    }
    // Those of the monitor replace ours.
    headers.extend(own);

    let mut request = Request::new(Empty::new());
    *request.method_mut() = Method::try_from(http.method.as_str())?;
    *request.uri_mut() = Uri::from(PathAndQuery::try_from(http.path.as_str())?);
    *request.version_mut() = match http.version {
        HttpVersion::Http10 => Version::HTTP_10,
        HttpVersion::Http11 => Version::HTTP_11,
    };
    *request.headers_mut() = headers;
    Ok(request)
}

/// An address as a Host header has it.
fn authority(target: SocketAddr, usual: u16) -> String {
    let host = match target.ip() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("[{address}]"),
    };
    if target.port() == usual { host } else { format!("{host}:{}", target.port()) }
}

/// A status with the words that the standards have for it; a server's own may be anything.
fn words(status: StatusCode) -> String {
    match status.canonical_reason() {
        Some(reason) => format!("{} {reason}", status.as_u16()),
        None => status.as_u16().to_string(),
    }
}

fn broken(error: &hyper::Error) -> Finding {
    Finding::new(Code::L7Response, reason(error))
}

fn reason(error: &hyper::Error) -> String {
    const CUT: &str = "closed before the answer was complete";
    let source = error.source();
    if let Some(error) = source.and_then(|it| it.downcast_ref::<hyper::Error>()) {
        return reason(error);
    }
    match source.and_then(|it| it.downcast_ref::<io::Error>()) {
        Some(error) if error.kind() == io::ErrorKind::UnexpectedEof => CUT.to_owned(),
        Some(error) => dialer::words(error),
        None if error.is_incomplete_message() => CUT.to_owned(),
        None => error.to_string(),
    }
}
