//! What ipvsadm 1.31 does with these arguments and tables was found by running it on Linux 6.1.

mod grammar;
mod listing;
mod matrix;
mod round_trip;

use std::net::{IpAddr, Ipv4Addr};

use super::{Command, Names, Usage, parse, restore};
use crate::{Bound, Op, Protocol, Table};

/// A few names, as in `/etc/hosts` and `/etc/services`.
struct Book;

const HOSTS: [(&str, &str); 4] = [
    ("127.0.0.1", "localhost"),
    ("10.0.0.78", "fourhost"),
    ("2001:db8::78", "sixhost"),
    ("10.0.0.77", "averyveryveryveryverylonghostname.averylongdomainname.example.org"),
];
const PORTS: [(u16, Protocol, &str); 4] = [
    (80, Protocol::Tcp, "http"),
    (53, Protocol::Tcp, "domain"),
    (53, Protocol::Udp, "domain"),
    (69, Protocol::Udp, "tftp"),
];

impl Names for Book {
    fn address(&self, host: &str) -> Option<Ipv4Addr> {
        HOSTS.into_iter().find(|&(_, name)| name == host)?.0.parse().ok()
    }

    fn port(&self, service: &str, protocol: Protocol) -> Option<u16> {
        PORTS.into_iter().find(|&(_, of, name)| of == protocol && name == service).map(|it| it.0)
    }

    fn host(&self, address: IpAddr) -> Option<String> {
        HOSTS.into_iter().find(|(known, _)| *known == address.to_string()).map(|it| it.1.to_owned())
    }

    fn service(&self, port: u16, protocol: Protocol) -> Option<String> {
        PORTS.into_iter().find(|it| it.0 == port && it.1 == protocol).map(|it| it.2.to_owned())
    }
}

/// Parses words that stand apart by one blank; `''` is an empty word, `~` a blank within one.
fn command(line: &str) -> Result<Command, Usage> {
    let words: Vec<String> = line.split(' ').map(|word| word.replace("''", "").replace('~', " ")).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    parse("ipvsadm", &words, &Book)
}

/// The table that a save file makes.
fn table(text: &str) -> Table {
    let mut table = Table::new();
    for (line, command) in restore("ipvsadm", text, &Book).expect("a save file") {
        match command {
            Command::Change(Op::AddService(id, service)) => {
                assert!(table.insert(id, Bound::new(service)).is_none(), "line {line} repeats a service");
            }
            Command::Change(Op::AddDestination { service, endpoint, destination }) => {
                let bound = table.get_mut(&service).expect("a service before its destinations");
                let earlier = bound.destinations.insert(endpoint, destination);
                assert!(earlier.is_none(), "line {line} repeats a destination");
            }
            other => panic!("line {line} is {other:?}"),
        }
    }
    table
}
