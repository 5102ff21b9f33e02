//! DNS queries.

use std::net::IpAddr;

use healthcheck::{Check, Code, Dns};

use crate::server::answer;

const A: (u16, &str) = (1, "A");
const AAAA: (u16, &str) = (28, "AAAA");

/// An answer to a query, with an error code and records of a type and with the given data.
fn reply(query: &[u8], rcode: u8, records: &[(u16, &[u8])]) -> Vec<u8> {
    let mut answer = query.to_vec();
    answer[2] |= 0x80;
    answer[3] = rcode;
    answer[7] = u8::try_from(records.len()).unwrap();
    for (rtype, data) in records {
        answer.extend([0xc0, 12]);
        answer.extend(rtype.to_be_bytes());
        answer.extend([0, 1, 0, 0, 0, 60]);
        answer.extend(u16::try_from(data.len()).unwrap().to_be_bytes());
        answer.extend(*data);
    }
    answer
}

fn right(query: &[u8]) -> Vec<u8> {
    reply(query, 0, &[(5, &[0xc0, 12]), (1, &[192, 0, 2, 1])])
}

/// An answer to a query, spoiled.
fn spoil(query: &[u8], spoil: fn(&mut Vec<u8>)) -> Vec<u8> {
    let mut answer = right(query);
    spoil(&mut answer);
    answer
}

fn wrong_id(query: &[u8]) -> Vec<u8> {
    spoil(query, |it| it[0] = !it[0])
}

#[tokio::test]
async fn an_answer_is_to_our_question_and_without_error() {
    /// What a server answers to a query.
    type Answers = fn(&[u8]) -> Vec<Vec<u8>>;
    let v4: Option<IpAddr> = Some([192, 0, 2, 1].into());
    let v6: Option<IpAddr> = Some([0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1].into());
    // (name, type, expected address, answers, code, detail)
    let cases: [(_, _, _, Answers, _, _); 17] = [
        ("an answer", A, None, |q| vec![right(q)], Code::L7Ok, "1 A records"),
        ("no records", A, None, |q| vec![reply(q, 0, &[])], Code::L7Ok, "0 A records"),
        ("the address", A, v4, |q| vec![right(q)], Code::L7Ok, "1 A records"),
        (
            "the IPv6 address",
            AAAA,
            v6,
            |q| vec![reply(q, 0, &[(28, &[0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1])])],
            Code::L7Ok,
            "1 AAAA records",
        ),
        (
            "another address",
            A,
            v4,
            |q| vec![reply(q, 0, &[(1, &[192, 0, 2, 2])])],
            Code::L7Status,
            "answer has no 192.0.2.1",
        ),
        ("NXDOMAIN", A, v4, |q| vec![reply(q, 3, &[])], Code::L7Status, "NXDOMAIN"),
        ("SERVFAIL", A, None, |q| vec![reply(q, 2, &[])], Code::L7Status, "SERVFAIL"),
        (
            "REFUSED without the question",
            A,
            None,
            |q| vec![[&q[..2], &[0x80, 5, 0, 0, 0, 0, 0, 0, 0, 0]].concat()],
            Code::L7Status,
            "REFUSED",
        ),
        ("another query's first", A, v4, |q| vec![wrong_id(q), right(q)], Code::L7Ok, "1 A records"),
        ("only another query's", A, v4, |q| vec![wrong_id(q)], Code::L7Timeout, "no answer within 700ms"),
        ("silence", A, None, |_| Vec::new(), Code::L7Timeout, "no answer within 700ms"),
        (
            "another question's",
            A,
            None,
            |q| vec![spoil(q, |it| it[13] = b'x')],
            Code::L7Response,
            "answer to another question",
        ),
        ("the query itself", A, None, |q| vec![q.to_vec()], Code::L7Response, "answer is a query"),
        ("short", A, None, |q| vec![q[..11].to_vec()], Code::L7Response, "answer is shorter than a header"),
        ("empty", A, None, |_| vec![Vec::new()], Code::L7Response, "answer is shorter than a header"),
        (
            "cut",
            A,
            None,
            |q| vec![spoil(q, |it| it.truncate(it.len() - 1))],
            Code::L7Response,
            "malformed answer: unexpected end of input",
        ),
        (
            "an address that is too long",
            A,
            v4,
            |q| vec![reply(q, 0, &[(1, &[192, 0, 2, 1, 0])])],
            Code::L7Response,
            "malformed answer: trailing data in option",
        ),
    ];
    for (name, record, address, answers, code, detail) in cases {
        let check = Check::Dns(Dns { name: "www.example".to_owned(), record, address });
        let outcome = crate::check(answer(answers).await, check, code).await;
        assert_eq!((outcome.code, outcome.detail.as_str()), (code, detail), "{name}");
    }
}

#[tokio::test]
async fn names_that_point_at_themselves_have_an_end() {
    let target = answer(|query| {
        // The record's name is a pointer to itself.
        let mut answer = right(query);
        let record = u8::try_from(query.len()).unwrap();
        answer[query.len()..query.len() + 2].copy_from_slice(&[0xc0, record]);
        vec![answer]
    })
    .await;
    let check = Check::Dns(Dns { name: "www.example".to_owned(), record: A, address: None });
    assert_eq!(crate::check(target, check, Code::L7Response).await.code, Code::L7Response);
}

#[tokio::test]
async fn a_name_that_is_none_is_not_asked_for() {
    let name = format!("{}.example", "x".repeat(64));
    let check = Check::Dns(Dns { name, record: A, address: None });
    let outcome = crate::check(crate::closed_port(), check, Code::L7Response).await;
    assert_eq!(outcome.code, Code::L7Response);
    assert!(outcome.detail.starts_with("cannot ask for the name"), "{}", outcome.detail);
}
