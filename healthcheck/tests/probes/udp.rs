//! Datagrams.

use healthcheck::{Check, Code, Udp};

use crate::server::answer;
use crate::{LONG, SHORT, closed_port, contains, monitor, probe};

fn udp(reply: Option<&str>) -> Check {
    Check::Udp(Udp { payload: b"ping".to_vec(), reply: reply.map(contains) })
}

#[tokio::test]
async fn an_answer_counts_and_so_does_an_error() {
    let echo = answer(|question| vec![question.to_vec()]).await;
    let empty = answer(|_| vec![Vec::new()]).await;
    let largest = answer(|_| vec![[&[b'x'; 65000][..], b"ping"].concat()]).await;
    let silent = answer(|_| Vec::new()).await;
    let refuses = closed_port();
    // (name, target, reply, code, detail)
    let cases = [
        ("expected", echo, Some("ping"), Code::L7Ok, "answered"),
        ("another", echo, Some("pong"), Code::L7Status, "answer has no \"pong\""),
        ("empty", empty, Some("pong"), Code::L7Status, "answer has no \"pong\""),
        ("at the end of a long one", largest, Some("ping"), Code::L7Ok, "answered"),
        ("none", silent, Some("pong"), Code::L7Timeout, "no answer within 700ms"),
        ("none, nor expected", silent, None, Code::L4Ok, "no error within 700ms"),
        ("not expected", echo, None, Code::L4Ok, "answered"),
        ("refused", refuses, None, Code::L4Connection, "connection refused"),
        ("refused instead of a reply", refuses, Some("pong"), Code::L4Connection, "connection refused"),
    ];
    for (name, target, reply, code, detail) in cases {
        let timeout = if detail.ends_with("within 700ms") { SHORT } else { LONG };
        let outcome = probe(target, &monitor(udp(reply), timeout)).await;
        assert_eq!((outcome.code, outcome.detail.as_str()), (code, detail), "{name}");
    }
}
