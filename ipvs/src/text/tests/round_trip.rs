//! What `-S` writes, `-R` reads back.

use proptest::prelude::*;

use super::{Book, table};
use crate::arbitrary;
use crate::text::{Entry, EntryText, Names, Numeric, SaveText, parse, restore};
use crate::{
    Bound, Endpoint, Forward, Netmask, Observed, ObservedDestination, Protocol, ServiceId, Statistics, Table,
};

fn observed(table: &Table) -> Vec<Observed> {
    let destination = |(endpoint, destination): (&Endpoint, &_)| ObservedDestination {
        endpoint: *endpoint,
        destination: *destination,
        active: 0,
        inactive: 0,
        persistent: 0,
        statistics: Statistics::default(),
    };
    let service = |(id, bound): (&ServiceId, &Bound)| Observed {
        id: *id,
        service: bound.service.clone(),
        statistics: Statistics::default(),
        destinations: bound.destinations.iter().map(destination).collect(),
    };
    table.iter().map(service).collect()
}

fn save(table: &Table, names: &dyn Names) -> String {
    SaveText { services: &observed(table), names }.to_string()
}

/// The part of a table that ipvsadm has options for, in the form that it gives it.
fn expressible(table: Table) -> Table {
    table.into_iter().map(|(id, bound)| (id, expressible_service(id, bound))).collect()
}

fn expressible_service(id: ServiceId, bound: Bound) -> Bound {
    let mut service = bound.service;
    if service.persistence.is_none() {
        service.netmask = Netmask::Host;
    }
    if let ServiceId::Address { protocol: Protocol::Tcp | Protocol::Sctp, .. } = id {
        service.one_packet = false;
    }
    let destinations = bound.destinations.into_iter().filter_map(|(endpoint, mut destination)| {
        let port = match id {
            ServiceId::Address { endpoint, .. } => endpoint.port(),
            ServiceId::Mark { .. } => endpoint.port(),
        };
        let port = match destination.forward {
            Forward::Bypass => return None,
            Forward::Masquerade => endpoint.port(),
            Forward::Local => {
                destination.forward = Forward::Route;
                port
            }
            Forward::Route | Forward::Tunnel(_) => port,
        };
        Some((Endpoint::new(endpoint.address(), port).expect("it was one"), destination))
    });
    Bound { service, destinations: destinations.collect() }
}

const WORDS: [&str; 30] = [
    "-A",
    "-E",
    "-D",
    "-a",
    "-e",
    "-d",
    "-L",
    "-Z",
    "-S",
    "--set",
    "-t",
    "-u",
    "-f",
    "-6",
    "-r",
    "-M",
    "-p",
    "-b",
    "-i",
    "-m",
    "--tun-type",
    "gue",
    "1.2.3.4:80",
    "[::1]:80",
    "5",
    "--",
    "-Lnc",
    "--stats",
    "=",
    "",
];

proptest! {
    #[test]
    fn what_is_saved_is_restored(any in arbitrary::table()) {
        let wanted = expressible(any);
        for names in [&Numeric as &dyn Names, &Book] {
            let text = save(&wanted, names);
            prop_assert_eq!(&table(&text), &wanted, "{}", text);
        }
    }

    #[test]
    fn whatever_is_saved_can_be_read(any in arbitrary::table()) {
        let text = save(&any, &Numeric);
        prop_assert!(restore("ipvsadm", &text, &Numeric).is_ok(), "{}", text);
    }

    #[test]
    fn no_arguments_make_it_panic(
        words in prop::collection::vec(prop_oneof![
            4 => prop::sample::select(WORDS.to_vec()).prop_map(str::to_owned),
            1 => any::<String>(),
        ], 0..8)
    ) {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let _ = parse("ipvsadm", &words, &Book);
    }

    #[test]
    fn no_line_of_connections_makes_it_panic(line in any::<String>(), words in prop::collection::vec("[0-9A-F:.]{0,9}|TCP|NONE", 0..13)) {
        for line in [line, words.join(" ")] {
            if let Some(entry) = Entry::parse(&line) {
                let _ = EntryText { entry, engines: true, names: &Book }.to_string();
            }
        }
    }
}

#[test]
fn what_no_option_says_is_named_and_left_out() {
    let mut any =
        table("-A -t 1.2.3.4:80 -s rr\n-a -t 1.2.3.4:80 -r 10.0.0.1:80 -m\n-A -t 1.2.3.5:80 -p 5\n");
    for bound in any.values_mut() {
        for destination in bound.destinations.values_mut() {
            destination.forward = Forward::Bypass;
        }
    }
    let every_port = "tcp 1.2.3.6:0".parse().expect("an id");
    let bound = any.values().next().expect("the first").clone();
    any.insert(every_port, bound);

    let services = observed(&any);
    let text = SaveText { services: &services, names: &Numeric };
    assert_eq!(text.to_string(), "-A -t 1.2.3.4:80 -s rr\n-A -t 1.2.3.5:80 -s wlc -p 5\n");
    assert_eq!(
        text.left_out().collect::<Vec<_>>(),
        [
            "service tcp 1.2.3.6:0: every port needs persistence",
            "destination 10.0.0.1:80 of tcp 1.2.3.4:80: no option says bypass",
        ]
    );
}
