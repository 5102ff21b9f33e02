//! A DNS query over UDP.

use std::net::IpAddr;

use domain::base::iana::Rcode;
use domain::base::wire::ParseError;
use domain::base::{Message, MessageBuilder, Name, Rtype};
use domain::rdata::{A, Aaaa};

use super::attempt::{Attempt, Finding, Found};
use super::{random, udp};
use crate::{Code, Dns};

/// Room for an answer; without EDNS it has 512 bytes at most.
const ROOM: usize = 4096;

pub(super) async fn check(attempt: &Attempt<'_>, dns: &Dns) -> Found {
    let [id @ .., _, _, _, _, _, _] = random().to_ne_bytes();
    let query = query(dns, u16::from_ne_bytes(id))
        .ok_or_else(|| Finding::new(Code::L7Response, format!("cannot ask for the name {}", dns.name)))?;
    attempt
        .limit(Code::L7Timeout, "no answer", async {
            let socket = udp::ask(attempt, query.as_slice()).await?;
            let mut answer = Vec::with_capacity(ROOM);
            loop {
                udp::hear(&socket, &mut answer).await?;
                if let Some(found) = judge(dns, &query, &answer) {
                    return found;
                }
            }
        })
        .await
}

fn query(dns: &Dns, id: u16) -> Option<Message<Vec<u8>>> {
    let name: Name<Vec<u8>> = dns.name.parse().ok()?;
    let mut message = MessageBuilder::new_vec();
    message.header_mut().set_id(id);
    message.header_mut().set_rd(true);
    let mut message = message.question();
    message.push((name, Rtype::from_int(dns.record.0))).ok()?;
    Some(message.into_message())
}

/// What an answer says; nothing if it answers another query, maybe one of an earlier check.
fn judge(dns: &Dns, query: &Message<Vec<u8>>, answer: &[u8]) -> Option<Found> {
    let Ok(answer) = Message::from_octets(answer) else {
        return Some(Err(Finding::new(Code::L7Response, "answer is shorter than a header")));
    };
    let header = answer.header();
    if header.id() != query.header().id() {
        return None;
    }
    Some(if !header.qr() {
        Err(Finding::new(Code::L7Response, "answer is a query"))
    } else if header.rcode() != Rcode::NOERROR {
        Err(Finding::new(Code::L7Status, header.rcode().to_string()))
    } else if !answer.is_answer(query) {
        Err(Finding::new(Code::L7Response, "answer to another question"))
    } else {
        match (records(&answer, Rtype::from_int(dns.record.0), dns.address), dns.address) {
            (Err(error), _) => Err(Finding::new(Code::L7Response, format!("malformed answer: {error}"))),
            (Ok(Records { held: false, .. }), Some(address)) => {
                Err(Finding::new(Code::L7Status, format!("answer has no {address}")))
            }
            (Ok(Records { count, .. }), _) => {
                Ok(Finding::new(Code::L7Ok, format!("{count} {} records", dns.record.1)))
            }
        }
    })
}

/// What there is in an answer.
#[derive(Default)]
struct Records {
    /// How many records are of the type that was asked for.
    count: usize,
    /// Whether an address is among them.
    held: bool,
}

fn records(answer: &Message<&[u8]>, rtype: Rtype, address: Option<IpAddr>) -> Result<Records, ParseError> {
    let mut records = Records::default();
    for record in answer.answer()? {
        let record = record?;
        records.count += usize::from(record.rtype() == rtype);
        let holds = match address {
            Some(IpAddr::V4(address)) => {
                record.to_record::<A>()?.is_some_and(|it| it.data().addr() == address)
            }
            Some(IpAddr::V6(address)) => {
                record.to_record::<Aaaa>()?.is_some_and(|it| it.data().addr() == address)
            }
            None => false,
        };
        records.held |= holds;
    }
    Ok(records)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn asked() -> (Dns, Message<Vec<u8>>) {
        let dns =
            Dns { name: "www.example".to_owned(), record: (1, "A"), address: Some([192, 0, 2, 1].into()) };
        let query = query(&dns, 7).unwrap();
        (dns, query)
    }

    proptest! {
        #[test]
        fn no_answer_is_met_with_a_panic(answer: Vec<u8>) {
            let (dns, query) = asked();
            prop_assert!(!matches!(judge(&dns, &query, &answer), Some(Ok(_))));
        }

        /// Behind a header and a question that are right.
        #[test]
        fn no_record_is_met_with_a_panic(counts: [u8; 6], records: Vec<u8>) {
            let (dns, query) = asked();
            let mut answer = query.as_slice().to_owned();
            answer[2] |= 0x80;
            answer[6..12].copy_from_slice(&counts);
            answer.extend(records);
            prop_assert!(!matches!(judge(&dns, &query, &answer), None | Some(Ok(_))));
        }
    }
}
