//! An HTTP request and its answer.

mod answer;
mod request;

use std::io;
use std::ops::ControlFlow;

use http::StatusCode;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use self::answer::{Body, Flaw, Head, Step};
use super::attempt::{Attempt, Finding, Found};
use super::search::Search;
use super::tls;
use super::trust::Trusts;
use crate::{Code, Expected, Http};

/// How much is read at once; an answer without a body is seldom longer.
const PIECE: usize = 1024;

pub(super) async fn check(attempt: &Attempt<'_>, http: &Http, trusts: &Trusts) -> Found {
    let request = request::write(http, attempt.target)
        .map_err(|what| Finding::new(Code::L7Response, format!("the request cannot be sent: {what}")))?;
    let connection = attempt.connect().await?;
    match &http.tls {
        None => exchange(attempt, http, &request, connection).await,
        Some(tls) => {
            let encrypted = async {
                let connection = tls::handshake(attempt, tls, trusts, connection).await?;
                exchange(attempt, http, &request, connection).await
            };
            Box::pin(encrypted).await
        }
    }
}

async fn exchange(
    attempt: &Attempt<'_>,
    http: &Http,
    request: &[u8],
    stream: impl AsyncRead + AsyncWrite + Unpin,
) -> Found {
    let mut answer = Answer { stream, unread: Vec::new() };
    let head = attempt.limit(Code::L7Timeout, "no answer", async {
        answer.stream.write_all(request).await.map_err(|error| broken(&error))?;
        // TLS may hold something back.
        answer.stream.flush().await.map_err(|error| broken(&error))?;
        answer.head().await
    });
    let head = head.await?;
    if !http.statuses.contain(head.status.as_u16()) {
        return Err(Finding::new(Code::L7Status, format!("status {}", words(head.status))));
    }
    if let Some(expected) = &http.body {
        let body = if http.method == "HEAD" { Body::NONE } else { head.body };
        let look = answer.look(body, expected, http.max_body);
        attempt.limit(Code::L7Timeout, "no complete body", look).await?;
    }
    Ok(Finding::new(Code::L7Ok, words(head.status)))
}

/// An answer that comes.
struct Answer<S> {
    stream: S,
    unread: Vec<u8>,
}

impl<S: AsyncRead + Unpin> Answer<S> {
    /// Reads the head of the answer that is no mere sign of life.
    async fn head(&mut self) -> Found<Head> {
        loop {
            match Head::read(&self.unread).map_err(|flaw| odd(&flaw))? {
                Some((head, length)) => {
                    self.unread.drain(..length);
                    if !head.is_interim() {
                        return Ok(head);
                    }
                }
                None if self.more().await? => {}
                None => return Err(cut()),
            }
        }
    }

    /// Reads the body until it is known whether it has what is expected.
    async fn look(&mut self, mut body: Body, expected: &Expected, most: usize) -> Found<()> {
        let mut search = Search::new(expected, most);
        let found = loop {
            match body.step(&self.unread).map_err(|flaw| odd(&flaw))? {
                Step::Piece { piece, length } => {
                    if let ControlFlow::Break(found) = search.feed(piece) {
                        break found;
                    }
                    self.unread.drain(..length);
                    continue;
                }
                Step::End => break search.end(),
                Step::More => {}
            }
            if !self.more().await? {
                if body.ends_with_connection() {
                    break search.end();
                }
                return Err(cut());
            }
        };
        if found { Ok(()) } else { Err(Finding::new(Code::L7Status, format!("body has no {expected}"))) }
    }

    /// Reads what comes next, if there is more.
    async fn more(&mut self) -> Found<bool> {
        self.unread.reserve(PIECE);
        Ok(self.stream.read_buf(&mut self.unread).await.map_err(|error| broken(&error))? > 0)
    }
}

/// A status with the words that the standards have for it; a server's own may be anything.
fn words(status: StatusCode) -> String {
    match status.canonical_reason() {
        Some(reason) => format!("{} {reason}", status.as_u16()),
        None => status.as_u16().to_string(),
    }
}

fn odd(flaw: &Flaw) -> Finding {
    Finding::new(Code::L7Response, flaw.to_string())
}

fn cut() -> Finding {
    Finding::new(Code::L7Response, "closed before the answer was complete")
}

fn broken(error: &io::Error) -> Finding {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => cut(),
        _ => Finding::error(Code::L7Response, error),
    }
}
