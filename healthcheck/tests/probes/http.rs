//! HTTP requests and answers.

use std::net::SocketAddr;
use std::sync::Arc;

use healthcheck::{Check, Code, Credentials, Expected, Http, HttpVersion, Statuses, Tls};
use regex::bytes::Regex;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::mpsc;

use crate::server::Deed::{Bytes, Drip, Flood, Hang, Hear, Reset, Say};
use crate::server::{Script, accept, serve};
use crate::tls::Authority;
use crate::{closed_port, contains};

pub(crate) fn http() -> Http {
    Http {
        tls: None,
        version: HttpVersion::Http11,
        method: "GET".to_owned(),
        path: "/".to_owned(),
        host: None,
        headers: Vec::new(),
        credentials: None,
        statuses: Statuses::default(),
        body: None,
        max_body: 64 * 1024,
    }
}

fn matches(regex: &str) -> Expected {
    Expected::Matches(Arc::new(Regex::new(regex).unwrap()))
}

const NO_ANSWER: &str = "no answer within 700ms";
const NO_BODY: &str = "no complete body within 700ms";
const CUT: &str = "closed before the answer was complete";

#[tokio::test]
async fn the_head_is_enough_where_no_body_is_expected() {
    // (name, script, code, detail)
    let cases: [(_, Script, _, _); 22] = [
        ("200", &[Hear, Say("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")], Code::L7Ok, "200 OK"),
        ("other words", &[Hear, Say("HTTP/1.1 200 Fine\r\nContent-Length: 0\r\n\r\n")], Code::L7Ok, "200 OK"),
        ("HTTP/1.0", &[Hear, Say("HTTP/1.0 200 OK\r\n\r\nhi")], Code::L7Ok, "200 OK"),
        ("redirection", &[Hear, Say("HTTP/1.1 302 Found\r\nLocation: /x\r\n\r\n")], Code::L7Ok, "302 Found"),
        (
            "100 first",
            &[Hear, Say("HTTP/1.1 100 Go\r\n\r\nHTTP/1.1 204 No\r\n\r\n")],
            Code::L7Ok,
            "204 No Content",
        ),
        (
            "no body comes",
            &[Hear, Say("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"), Hang],
            Code::L7Ok,
            "200 OK",
        ),
        ("large body", &[Hear, Say("HTTP/1.1 200 OK\r\n\r\n"), Flood("x")], Code::L7Ok, "200 OK"),
        (
            "500",
            &[Hear, Say("HTTP/1.1 500 Oops\r\n\r\n")],
            Code::L7Status,
            "status 500 Internal Server Error",
        ),
        ("599", &[Hear, Say("HTTP/1.1 599 Oops\r\n\r\n")], Code::L7Status, "status 599"),
        ("garbage", &[Hear, Bytes(b"\x00\xff\x1b[31m\r\n\r\n")], Code::L7Response, "invalid HTTP version"),
        ("garbage without end", &[Hear, Flood("garbage")], Code::L7Response, "invalid HTTP version"),
        ("HTTP/0.9", &[Hear, Say("<html>hi</html>")], Code::L7Response, "invalid HTTP version"),
        ("HTTP/2", &[Hear, Say("HTTP/2.0 200 OK\r\n\r\n")], Code::L7Response, "invalid HTTP version"),
        ("no status", &[Hear, Say("HTTP/1.1 x OK\r\n\r\n")], Code::L7Response, "invalid HTTP status"),
        ("closed", &[Hear], Code::L7Response, CUT),
        ("closed inside the head", &[Hear, Say("HTTP/1.1 200 OK\r\nA: b")], Code::L7Response, CUT),
        ("reset", &[Hear, Reset], Code::L7Response, "connection reset by peer"),
        (
            "head without end",
            &[Hear, Say("HTTP/1.1 200 OK\r\n"), Flood("A: b\r\n")],
            Code::L7Response,
            "message head is too large",
        ),
        (
            "header without end",
            &[Hear, Say("HTTP/1.1 200 OK\r\nA: "), Flood("b")],
            Code::L7Response,
            "message head is too large",
        ),
        ("silence", &[Hang], Code::L7Timeout, NO_ANSWER),
        ("drip", &[Hear, Say("HTTP/1.1 200 OK\r\n"), Drip("A: b\r\n")], Code::L7Timeout, NO_ANSWER),
        ("only 100", &[Hear, Flood("HTTP/1.1 100 Go\r\n\r\n")], Code::L7Timeout, NO_ANSWER),
    ];
    for (name, script, code, detail) in cases {
        let outcome = crate::check(serve(script).await, Check::Http(Box::new(http())), code).await;
        assert_eq!((outcome.code, outcome.detail.as_str()), (code, detail), "{name}");
    }
    let refused = crate::check(closed_port(), Check::Http(Box::new(http())), Code::L4Connection).await;
    assert_eq!((refused.code, refused.detail.as_str()), (Code::L4Connection, "connection refused"));
}

#[tokio::test]
async fn a_body_is_read_as_far_as_it_matters() {
    const CHUNKED: Script = &[
        Hear,
        Say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nu\r\n1;x=y\r\np\r\n0\r\n\r\n"),
    ];
    const COUNTED: Script = &[Hear, Say("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nup"), Hang];
    const UNTIL_CLOSED: Script = &[Hear, Say("HTTP/1.0 200 OK\r\n\r\nup")];
    const CUT_SHORT: Script = &[Hear, Say("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nup")];
    const STALLED: Script = &[Hear, Say("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nup"), Hang];
    const ENDLESS: Script = &[Hear, Say("HTTP/1.1 200 OK\r\n\r\n"), Flood("up")];
    const DRIPPING: Script = &[Hear, Say("HTTP/1.1 200 OK\r\n\r\n"), Drip("up")];
    const BAD_CHUNK: Script = &[Hear, Say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n")];
    const EMPTY: Script = &[Hear, Say("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")];
    // (name, script, expected, code, detail)
    let cases = [
        ("chunked", CHUNKED, contains("up"), Code::L7Ok, "200 OK"),
        ("chunked, a match", CHUNKED, matches("^up$"), Code::L7Ok, "200 OK"),
        ("counted", COUNTED, contains("up"), Code::L7Ok, "200 OK"),
        ("counted, a match", COUNTED, matches("^up$"), Code::L7Ok, "200 OK"),
        ("until it is closed", UNTIL_CLOSED, matches("^up$"), Code::L7Ok, "200 OK"),
        ("another", COUNTED, contains("down"), Code::L7Status, "body has no \"down\""),
        ("no match", COUNTED, matches("^down$"), Code::L7Status, "body has no match of ^down$"),
        ("empty", EMPTY, contains("up"), Code::L7Status, "body has no \"up\""),
        ("found before the cut", CUT_SHORT, contains("up"), Code::L7Ok, "200 OK"),
        ("cut short", CUT_SHORT, contains("down"), Code::L7Response, CUT),
        ("a match, but cut short", CUT_SHORT, matches("up"), Code::L7Response, CUT),
        ("found before it stalls", STALLED, contains("up"), Code::L7Ok, "200 OK"),
        ("stalled", STALLED, matches("up"), Code::L7Timeout, NO_BODY),
        ("found in what has no end", ENDLESS, contains("up"), Code::L7Ok, "200 OK"),
        ("not found in what has no end", ENDLESS, contains("down"), Code::L7Status, "body has no \"down\""),
        ("a match in what has no end", ENDLESS, matches("^(up)+$"), Code::L7Ok, "200 OK"),
        ("drip", DRIPPING, contains("down"), Code::L7Timeout, NO_BODY),
        ("not a chunk", BAD_CHUNK, contains("up"), Code::L7Response, "invalid chunk"),
    ];
    for (name, script, expected, code, detail) in cases {
        let check = Check::Http(Box::new(Http { body: Some(expected), ..http() }));
        let outcome = crate::check(serve(script).await, check, code).await;
        assert_eq!((outcome.code, outcome.detail.as_str()), (code, detail), "{name}");
    }
}

/// A server that tells what it was asked.
async fn witness(address: &str) -> (SocketAddr, mpsc::Receiver<String>) {
    let (asked, questions) = mpsc::channel(16);
    let target = accept(address, move |mut connection| {
        let asked = asked.clone();
        async move {
            let mut question = Vec::new();
            while !question.ends_with(b"\r\n\r\n")
                && connection.read_buf(&mut question).await.unwrap_or(0) > 0
            {}
            let _ = connection.write_all(b"HTTP/1.1 204 No\r\n\r\n").await;
            let _ = asked.send(String::from_utf8(question).unwrap()).await;
        }
    })
    .await;
    (target, questions)
}

#[tokio::test]
async fn a_request_is_what_the_monitor_says() {
    let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    // (name, listens, request, what is sent, PORT for the port)
    let cases = [
        (
            "least",
            "127.0.0.1:0",
            http(),
            "GET / HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nUser-Agent: lvsd\r\nConnection: close\r\n\r\n",
        ),
        (
            "IPv6, HTTP/1.0",
            "[::1]:0",
            Http { version: HttpVersion::Http10, ..http() },
            "GET / HTTP/1.0\r\nHost: [::1]:PORT\r\nUser-Agent: lvsd\r\nConnection: close\r\n\r\n",
        ),
        (
            "most",
            "127.0.0.1:0",
            Http {
                method: "HEAD".to_owned(),
                path: "/a/b?c=%20d".to_owned(),
                host: Some("www.example".to_owned()),
                headers: vec![header("X-A", "1"), header("User-Agent", "me"), header("X-A", "2")],
                credentials: Some(Credentials {
                    user: "Aladdin".to_owned(),
                    password: "open sesame".to_owned(),
                }),
                ..http()
            },
            "HEAD /a/b?c=%20d HTTP/1.1\r\nHost: www.example\r\nConnection: close\r\n\
             Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\nX-A: 1\r\nUser-Agent: me\r\nX-A: 2\r\n\r\n",
        ),
    ];
    for (name, listens, http, expected) in cases {
        let (target, mut questions) = witness(listens).await;
        let outcome = crate::check(target, Check::Http(Box::new(http)), Code::L7Ok).await;
        assert_eq!(outcome.code, Code::L7Ok, "{name}: {outcome:?}");
        let expected = expected.replace("PORT", &target.port().to_string());
        assert_eq!(questions.recv().await.unwrap(), expected, "{name}");
    }
}

#[tokio::test]
async fn nothing_can_be_smuggled_into_a_request() {
    let smuggled = "x\r\nX-Smuggled: 1";
    let cases = [
        ("method", Http { method: smuggled.to_owned(), ..http() }),
        ("path", Http { path: format!("/{smuggled}"), ..http() }),
        ("host", Http { host: Some(smuggled.to_owned()), ..http() }),
        ("header's name", Http { headers: vec![(smuggled.to_owned(), "1".to_owned())], ..http() }),
        ("header's value", Http { headers: vec![("X-A".to_owned(), smuggled.to_owned())], ..http() }),
    ];
    let target = accept("127.0.0.1:0", |_| async { panic!("must not be asked") }).await;
    for (name, http) in cases {
        let outcome = crate::check(target, Check::Http(Box::new(http)), Code::L7Response).await;
        assert_eq!(outcome.code, Code::L7Response, "{name}");
        assert!(outcome.detail.starts_with("the request cannot be sent"), "{name}: {outcome:?}");
    }
}

#[tokio::test]
async fn https_is_the_same_over_tls() {
    const BODY: Script = &[Hear, Say("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nup"), Hang];
    let authority = Authority::new("ours");
    let good = authority.serve("www.example", BODY).await;
    let silent = authority.serve("www.example", &[Hang]).await;
    let plain = serve(BODY).await;
    // (name, target, server name, code, detail)
    let cases = [
        ("good", good, "www.example", Code::L7Ok, "200 OK"),
        (
            "another name",
            good,
            "other.example",
            Code::L6Response,
            "certificate is for www.example, not other.example",
        ),
        ("no TLS", plain, "www.example", Code::L6Response, "peer does not speak TLS"),
        ("silent", silent, "www.example", Code::L7Timeout, NO_ANSWER),
    ];
    for (name, target, server_name, code, detail) in cases {
        let tls = Tls { server_name: Some(server_name.to_owned()), trust: authority.trust() };
        let check = Check::Http(Box::new(Http { tls: Some(tls), body: Some(contains("up")), ..http() }));
        let outcome = crate::check(target, check, code).await;
        assert_eq!((outcome.code, outcome.detail.as_str()), (code, detail), "{name}");
    }
}
