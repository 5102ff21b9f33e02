use std::num::NonZeroU16;
use std::ops::ControlFlow::{Break, Continue};

use super::{Lost, Window};
use crate::wire::Request;
use crate::{Destination, Encapsulation, Endpoint, Forward, GueChecksum, Op, Protocol, ServiceId};

const FAMILY: u16 = 0x20;
const PORT: u32 = 77;

const ERROR: u16 = 2;
const DONE: u16 = 3;
const OVERRUN: u16 = 4;
const INTERRUPTED: u16 = 0x10;

/// A message to `port`, numbered, with a body.
fn message(kind: u16, flags: u16, number: u32, port: u32, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(16 + body.len()).unwrap();
    let header = [
        &length.to_ne_bytes()[..],
        &kind.to_ne_bytes(),
        &flags.to_ne_bytes(),
        &number.to_ne_bytes(),
        &port.to_ne_bytes(),
    ];
    [&header.concat(), body].concat()
}

fn verdict(number: u32, errno: i32) -> Vec<u8> {
    message(ERROR, 0, number, PORT, &(-errno).to_ne_bytes())
}

fn object(number: u32, attributes: &[u8]) -> Vec<u8> {
    message(FAMILY, 2, number, PORT, &[&[1, 1, 0, 0], attributes].concat())
}

fn done(number: u32, errno: i32) -> Vec<u8> {
    message(DONE, 2, number, PORT, &(-errno).to_ne_bytes())
}

/// A window whose second batch, of three requests, is under way: numbers 2, 3 and 4.
fn window() -> Window {
    let mut window = Window::new(FAMILY, PORT);
    window.open();
    assert!(window.push(&Request::Flush));
    window.close();
    window.open();
    for _ in 0..3 {
        assert!(window.push(&Request::Info));
    }
    window.close();
    window
}

/// What the window makes of a datagram: the replies as text, and how it goes on.
fn receive(window: &Window, datagram: &[u8]) -> (Vec<String>, &'static str) {
    let mut replies = Vec::new();
    let end = window.receive(datagram, |reply| {
        replies.push(match reply.outcome {
            Ok(attributes) => format!("{}: {attributes:?}", reply.index),
            Err(errno) => format!("{}: errno {errno}", reply.index),
        });
    });
    let end = match end {
        Ok(Continue(())) => "more",
        Ok(Break(())) => "ended",
        Err(Lost) => "lost",
    };
    (replies, end)
}

#[test]
fn answers_belong_to_the_request_of_their_number() {
    let other_family = message(0x21, 0, 3, PORT, &[1, 1, 0, 0, 9]);
    let cases: [(_, Vec<u8>, &[&str], _); 16] = [
        ("the first fails", verdict(2, 17), &["0: errno 17"], "more"),
        ("the first is acknowledged unasked", verdict(2, 0), &[], "more"),
        ("the last is acknowledged", verdict(4, 0), &[], "ended"),
        ("the last fails", verdict(4, 3), &["2: errno 3"], "ended"),
        ("an object", object(3, &[7]), &["1: [7]"], "more"),
        (
            "two objects in a datagram",
            [object(3, &[7, 0, 0, 0]), object(4, &[8])].concat(),
            &["1: [7, 0, 0, 0]", "2: [8]"],
            "more",
        ),
        ("the dump ends", done(4, 0), &[], "ended"),
        ("the dump fails", done(4, 12), &["2: errno 12"], "ended"),
        (
            "all in one datagram",
            [verdict(2, 1), verdict(3, 2), verdict(4, 0)].concat(),
            &["0: errno 1", "1: errno 2"],
            "ended",
        ),
        ("late: the batch before", verdict(1, 1), &[], "more"),
        ("a number that nobody sent", verdict(5, 1), &[], "more"),
        ("another socket's", message(ERROR, 0, 4, PORT + 1, &[0; 4]), &[], "more"),
        ("another family's", other_family, &[], "more"),
        ("a late dump that was interrupted", message(DONE, INTERRUPTED, 1, PORT, &[0; 4]), &[], "more"),
        ("an empty datagram", Vec::new(), &[], "more"),
        ("an end of a request that is not the last", done(3, 0), &[], "more"),
    ];
    let window = window();
    for (name, datagram, replies, end) in cases {
        let received = receive(&window, &datagram);
        assert_eq!(received, (replies.iter().map(ToString::to_string).collect(), end), "{name}");
    }
}

#[test]
fn what_cannot_be_relied_on_is_lost() {
    let cut = object(3, &[7; 8]);
    let cases = [
        ("the kernel says so", message(OVERRUN, 0, 3, PORT, &[])),
        ("the table changed under a dump", message(DONE, INTERRUPTED, 4, PORT, &[0; 4])),
        ("an object of an interrupted dump", message(FAMILY, INTERRUPTED | 2, 4, PORT, &[1, 1, 0, 0])),
        ("a message cut short", cut[..cut.len() - 1].to_vec()),
        ("an error without a number", message(ERROR, 0, 3, PORT, &[])),
        ("nothing but noise", vec![0xff; 20]),
    ];
    let window = window();
    for (name, datagram) in cases {
        assert_eq!(receive(&window, &datagram).1, "lost", "{name}");
    }
}

#[test]
fn only_the_last_request_asks_for_an_acknowledgement() {
    let mut window = Window::new(FAMILY, PORT);
    window.open();
    window.push(&Request::Flush);
    window.push(&Request::Info);
    window.push(&Request::Services);
    let flags: Vec<_> =
        window.close().chunks(20).map(|message| u16::from_ne_bytes([message[6], message[7]])).collect();
    assert_eq!(flags, [0x001, 0x001, 0x305]);
}

#[test]
fn numbers_run_on_and_wrap() {
    let mut window = Window::new(FAMILY, PORT);
    window.first = u32::MAX;
    window.open();
    window.push(&Request::Info);
    window.push(&Request::Info);
    window.close();
    assert_eq!(receive(&window, &verdict(u32::MAX, 5)), (vec!["0: errno 5".into()], "more"));
    assert_eq!(receive(&window, &verdict(0, 0)), (vec![], "ended"));
    window.open();
    assert_eq!(window.first, 1);
}

#[test]
fn a_batch_is_full_at_200_requests_or_with_a_dump() {
    let endpoint = Endpoint::new("192.0.2.1".parse().unwrap(), 80).unwrap();
    let service = ServiceId::Address { protocol: Protocol::Tcp, endpoint };
    let largest = Op::AddDestination {
        service,
        endpoint,
        destination: Destination::new(Forward::Tunnel(Encapsulation::Gue {
            port: NonZeroU16::MIN,
            checksum: GueChecksum::Full,
        })),
    };
    let cases = [
        ("small requests", Request::Info, 200),
        ("the largest requests", Request::Change(&largest), 200),
        ("a dump", Request::Destinations(service), 1),
    ];
    for (name, request, expected) in cases {
        let mut window = Window::new(FAMILY, PORT);
        for round in 0..2 {
            window.open();
            let count = (0..1000).take_while(|_| window.push(&request)).count();
            assert_eq!(count, expected, "{name}, batch {round}");
            assert!(window.close().len() < 36 * 1024, "{name}");
        }
    }
}
