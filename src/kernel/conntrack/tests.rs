//! Entries as the kernel writes them, and what is left of them.

use super::{CTA_ID, CTA_TUPLE_ORIG, CTA_TUPLE_REPLY, flow, name};
use crate::snat::{Flow, Tuple};

fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
    let mut bytes = u16::try_from(4 + value.len()).unwrap().to_ne_bytes().to_vec();
    bytes.extend(kind.to_ne_bytes());
    bytes.extend(value);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}

fn tuple(from: [u8; 4], to: [u8; 4], ports: [u16; 2]) -> Vec<u8> {
    let ip = [attribute(1, &from), attribute(2, &to)].concat();
    let [source, destination] = ports.map(u16::to_be_bytes);
    let carried = [attribute(1, &[17]), attribute(2, &source), attribute(3, &destination)].concat();
    [attribute(0x8001, &ip), attribute(0x8002, &carried)].concat()
}

/// An SNMP request of 192.168.71.21 as 192.168.71.205.
fn entry() -> Vec<u8> {
    let original = tuple([192, 168, 71, 21], [192, 168, 4, 9], [40_000, 161]);
    let reply = tuple([192, 168, 4, 9], [192, 168, 71, 205], [161, 40_000]);
    [
        vec![2, 0, 0, 0],
        attribute(CTA_TUPLE_ORIG | 0x8000, &original),
        attribute(CTA_TUPLE_REPLY | 0x8000, &reply),
        attribute(7, &30_u32.to_be_bytes()),
        attribute(CTA_ID, &[1, 2, 3, 4]),
    ]
    .concat()
}

#[test]
fn an_entry_is_read_and_named() {
    let expected = Flow {
        protocol: 17,
        original: Tuple {
            source: "192.168.71.21".parse().unwrap(),
            destination: "192.168.4.9".parse().unwrap(),
            port: 161,
        },
        reply: Tuple {
            source: "192.168.4.9".parse().unwrap(),
            destination: "192.168.71.205".parse().unwrap(),
            port: 40_000,
        },
    };
    assert_eq!(flow(&entry()).unwrap(), Some(expected));
    let original = tuple([192, 168, 71, 21], [192, 168, 4, 9], [40_000, 161]);
    let wanted =
        [vec![2, 0, 0, 0], attribute(CTA_TUPLE_ORIG | 0x8000, &original), attribute(CTA_ID, &[1, 2, 3, 4])];
    assert_eq!(name(&entry()).unwrap(), wanted.concat());
}

#[test]
fn what_is_cut_short_or_altered_is_refused_or_another_flow_and_never_a_panic() {
    let whole = entry();
    for length in 0..whole.len() {
        let cut = whole.get(..length).unwrap_or_default();
        let read = flow(cut);
        assert!(read.is_err() || read.is_ok_and(|it| it.is_none_or(|it| Some(it) == flow(&whole).unwrap())));
        let _ = name(cut);
    }
    for at in 0..whole.len() {
        for value in [0, 1, 0x7f, 0xff] {
            let mut altered = whole.clone();
            altered[at] = value;
            let _ = (flow(&altered), name(&altered));
        }
    }
}
