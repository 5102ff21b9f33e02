//! A datagram and its answer.

use tokio::net::UdpSocket;

use super::attempt::{Attempt, Finding, Found};
use crate::{Code, Udp, dialer};

/// The largest datagram.
const LARGEST: usize = 64 * 1024;

pub(super) async fn check(attempt: &Attempt<'_>, udp: &Udp) -> Found {
    let (late, missing) = match udp.reply {
        Some(_) => (Code::L7Timeout, "no answer"),
        None => (Code::L4Ok, "no error"),
    };
    attempt
        .limit(late, missing, async {
            let socket = ask(attempt, &udp.payload).await?;
            let mut answer = Vec::with_capacity(LARGEST);
            hear(&socket, &mut answer).await?;
            match &udp.reply {
                Some(expected) if expected.is_in(&answer) => Ok(Finding::new(Code::L7Ok, "answered")),
                Some(expected) => Err(Finding::new(Code::L7Status, format!("answer has no {expected}"))),
                None => Ok(Finding::new(Code::L4Ok, "answered")),
            }
        })
        .await
}

/// Sends a question.
pub(super) async fn ask(attempt: &Attempt<'_>, question: &[u8]) -> Found<UdpSocket> {
    let asked = async {
        let socket = dialer::datagrams(attempt.target, attempt.origin).await?;
        socket.send(question).await?;
        Ok(socket)
    };
    asked.await.map_err(|error| Finding::error(Code::L4Connection, &error))
}

/// Hears one datagram, as much of it as there is room for.
pub(super) async fn hear(socket: &UdpSocket, answer: &mut Vec<u8>) -> Found<()> {
    answer.clear();
    let heard = socket.recv_buf(answer).await;
    heard.map(drop).map_err(|error| Finding::error(Code::L4Connection, &error))
}
