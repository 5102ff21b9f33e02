//! An answer's head, and where its body ends (RFC 9112, sections 4 and 6).

use std::mem::MaybeUninit;

use http::StatusCode;
use httparse::{Error, Header, ParserConfig, Response, Status, parse_chunk_size};
use thiserror::Error;

/// How long a head may be, or the line before a chunk.
const LARGEST_HEAD: usize = 64 * 1024;
const MOST_HEADERS: usize = 100;

/// Why something is no answer.
#[derive(Debug, Error)]
pub(super) enum Flaw {
    #[error("message head is too large")]
    TooLarge,
    #[error("{0}")]
    Head(Error),
    #[error("invalid HTTP status")]
    Status,
    #[error("invalid content length")]
    Length,
    #[error("invalid chunk")]
    Chunk,
}

/// The head of an answer.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) status: StatusCode,
    pub(super) body: Body,
}

impl Head {
    /// Reads a head and its length; nothing while there is no end of it.
    pub(super) fn read(bytes: &[u8]) -> Result<Option<(Self, usize)>, Flaw> {
        let mut headers = [const { MaybeUninit::uninit() }; MOST_HEADERS];
        let mut response = Response::new(&mut []);
        let parsed =
            ParserConfig::default().parse_response_with_uninit_headers(&mut response, bytes, &mut headers);
        let length = match parsed {
            Ok(Status::Complete(length)) => length,
            Ok(Status::Partial) if bytes.len() < LARGEST_HEAD => return Ok(None),
            Ok(Status::Partial) | Err(Error::TooManyHeaders) => return Err(Flaw::TooLarge),
            Err(Error::Status) => return Err(Flaw::Status),
            Err(error) => return Err(Flaw::Head(error)),
        };
        let status = response.code.and_then(|code| StatusCode::from_u16(code).ok()).ok_or(Flaw::Status)?;
        let body = match status {
            _ if status.is_informational() => Body::NONE,
            StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED => Body::NONE,
            _ => Body::of(response.headers)?,
        };
        Ok(Some((Self { status, body }, length)))
    }

    /// Whether the answer proper is still to come.
    pub(super) fn is_interim(&self) -> bool {
        self.status.is_informational() && self.status != StatusCode::SWITCHING_PROTOCOLS
    }
}

/// What is still to come of a body.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Body {
    /// So many bytes.
    Counted(u64),
    /// A chunk, or the end.
    Chunk,
    /// So many bytes, and what ends a chunk.
    InChunk(u64),
    /// Whatever comes.
    UntilClosed,
}

/// What is next in a body.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step<'a> {
    /// A piece, and how many of the bytes are done with.
    Piece { piece: &'a [u8], length: usize },
    /// Nothing, as long as no more bytes come.
    More,
    /// Nothing.
    End,
}

impl Body {
    pub(super) const NONE: Self = Self::Counted(0);

    fn of(headers: &[Header<'_>]) -> Result<Self, Flaw> {
        let values = |name: &'static str| {
            headers.iter().filter(move |it| it.name.eq_ignore_ascii_case(name)).map(|it| it.value)
        };
        if let Some(coding) = values("transfer-encoding").next_back() {
            let last = coding.rsplit(|&byte| byte == b',').next().unwrap_or_default();
            let is_chunked = last.trim_ascii().eq_ignore_ascii_case(b"chunked");
            return Ok(if is_chunked { Self::Chunk } else { Self::UntilClosed });
        }
        let mut length = None;
        for value in values("content-length") {
            let text = str::from_utf8(value.trim_ascii()).map_err(|_| Flaw::Length)?;
            if !text.bytes().all(|byte| byte.is_ascii_digit()) {
                return Err(Flaw::Length);
            }
            let value = text.parse().map_err(|_| Flaw::Length)?;
            if length.replace(value).is_some_and(|other| other != value) {
                return Err(Flaw::Length);
            }
        }
        Ok(length.map_or(Self::UntilClosed, Self::Counted))
    }

    /// Takes what is next.
    pub(super) fn step<'a>(&mut self, bytes: &'a [u8]) -> Result<Step<'a>, Flaw> {
        const END: &[u8] = b"\r\n";
        Ok(match *self {
            Self::Counted(0) => Step::End,
            Self::InChunk(0) if bytes.starts_with(END) => {
                *self = Self::Chunk;
                Step::Piece { piece: &[], length: END.len() }
            }
            Self::InChunk(0) if END.starts_with(bytes) => Step::More,
            Self::InChunk(0) => return Err(Flaw::Chunk),
            Self::Chunk => match parse_chunk_size(bytes) {
                Ok(Status::Complete((_, 0))) => Step::End,
                Ok(Status::Complete((length, size))) => {
                    *self = Self::InChunk(size);
                    Step::Piece { piece: &[], length }
                }
                Ok(Status::Partial) if bytes.len() < LARGEST_HEAD => Step::More,
                _ => return Err(Flaw::Chunk),
            },
            _ if bytes.is_empty() => Step::More,
            Self::UntilClosed => Step::Piece { piece: bytes, length: bytes.len() },
            Self::Counted(ref mut left) | Self::InChunk(ref mut left) => {
                let length = usize::try_from(*left).unwrap_or(usize::MAX).min(bytes.len());
                *left -= length as u64;
                Step::Piece { piece: bytes.get(..length).unwrap_or(bytes), length }
            }
        })
    }

    /// Whether the end of the connection is the end of the body.
    pub(super) fn ends_with_connection(&self) -> bool {
        *self == Self::UntilClosed
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The body of an answer that comes in pieces of `cut` bytes, if it has an end.
    fn body(answer: &[u8], cut: usize) -> Result<Option<Vec<u8>>, Flaw> {
        let (mut unread, mut read, mut body) = (Vec::new(), Vec::new(), None);
        for piece in answer.chunks(cut) {
            unread.extend_from_slice(piece);
            if body.is_none()
                && let Some((head, length)) = Head::read(&unread)?
            {
                unread.drain(..length);
                body = Some(head.body);
            }
            let Some(body) = &mut body else { continue };
            loop {
                match body.step(&unread)? {
                    Step::Piece { piece, length } => {
                        read.extend_from_slice(piece);
                        unread.drain(..length);
                    }
                    Step::More => break,
                    Step::End => return Ok(Some(read)),
                }
            }
        }
        Ok(body.filter(Body::ends_with_connection).map(|_| read))
    }

    #[test]
    fn a_body_ends_where_its_head_says() {
        // (name, status, headers, what follows, body)
        let cases = [
            ("counted", "200", "Content-Length: 2\r\n", "upside", Some("up")),
            ("counted twice", "200", "Content-Length: 2\r\ncontent-length: 2\r\n", "up", Some("up")),
            ("counted, cut short", "200", "Content-Length: 3\r\n", "up", None),
            (
                "chunked",
                "200",
                "Transfer-Encoding: gzip, Chunked\r\n",
                "1;a=b\r\nu\r\n1\r\np\r\n0\r\n",
                Some("up"),
            ),
            ("chunked, cut short", "200", "Transfer-Encoding: chunked\r\n", "2\r\nup\r\n", None),
            (
                "chunks are counted first",
                "200",
                "Content-Length: 9\r\nTransfer-Encoding: chunked\r\n",
                "0\r\n",
                Some(""),
            ),
            ("until it is closed", "200", "", "up", Some("up")),
            ("another coding", "200", "Transfer-Encoding: gzip\r\n", "up", Some("up")),
            ("204", "204", "", "up", Some("")),
            ("304", "304", "Content-Length: 2\r\n", "", Some("")),
        ];
        for (name, status, headers, rest, expected) in cases {
            let answer = format!("HTTP/1.1 {status} X\r\n{headers}\r\n{rest}");
            let read = body(answer.as_bytes(), usize::MAX).unwrap();
            assert_eq!(read.as_deref(), expected.map(str::as_bytes), "{name}");
        }
    }

    #[test]
    fn a_head_that_contradicts_itself_is_none() {
        let cases = [
            ("two lengths", "Content-Length: 1\r\nContent-Length: 2\r\n"),
            ("a list of lengths", "Content-Length: 1, 2\r\n"),
            ("a sign", "Content-Length: +1\r\n"),
            ("no length", "Content-Length: \r\n"),
            ("too long a length", "Content-Length: 99999999999999999999\r\n"),
        ];
        for (name, headers) in cases {
            let answer = format!("HTTP/1.1 200 OK\r\n{headers}\r\n");
            assert!(matches!(Head::read(answer.as_bytes()), Err(Flaw::Length)), "{name}");
        }
    }

    proptest! {
        #[test]
        fn where_an_answer_is_cut_does_not_matter(chunks in prop::collection::vec("[a-z]{1,20}", 0..5), cut in 1usize..40) {
            let mut answer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_owned();
            for chunk in &chunks {
                answer = format!("{answer}{:x}\r\n{chunk}\r\n", chunk.len());
            }
            answer += "0\r\n\r\n";
            prop_assert_eq!(body(answer.as_bytes(), cut).unwrap(), Some(chunks.concat().into_bytes()));
        }
    }
}
