//! Many objects, lost answers and other writers.

use std::process::Command;
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Duration;

use ipvs::{Bound, Connection, Destination, Error, Forward, Op, Protocol, Refusal, ServiceId, Table, plan};
use nix::sys::socket::{setsockopt, sockopt};

use crate::{add, connect, converge, endpoint, numbered, run, scheduled, service_at, tcp};

fn numbered_service(number: u32) -> ServiceId {
    service_at(Protocol::Tcp, numbered(number))
}

/// `services` services with `destinations` destinations each.
fn table(services: u32, destinations: u32) -> Table {
    let destinations: std::collections::BTreeMap<_, _> =
        (1..=destinations).map(|number| (numbered(number), Destination::new(Forward::Route))).collect();
    let bound = Bound { service: scheduled("rr"), destinations };
    (1..=services).map(|number| (numbered_service(number), bound.clone())).collect()
}

#[test]
fn listings_of_many_parts_are_whole() {
    let mut connection = connect();
    converge(&mut connection, &table(2000, 1));
    converge(&mut connection, &table(2, 700));
}

#[test]
fn failures_in_the_middle_of_ten_thousand_are_attributed() {
    let mut connection = connect();
    let id = tcp("192.0.2.1", 80);
    let mut ops = vec![Op::AddService(id, scheduled("rr"))];
    ops.extend((1..10_000).map(|number| Op::AddService(numbered_service(number), scheduled("rr"))));
    // At the start and at the end of a batch of 200, in its middle, two in a row, and the very last.
    let places = [1, 199, 200, 399, 5050, 5051, 9999];
    for place in places {
        ops[place] = match place % 2 {
            0 => add(tcp("192.0.2.99", 80), endpoint("10.0.0.1", 80), Forward::Route),
            _ => Op::AddService(id, scheduled("rr")),
        };
    }
    let failures = connection.apply(&ops).unwrap();
    assert_eq!(failures.iter().map(|failure| failure.index).collect::<Vec<_>>(), places);
    for failure in failures {
        assert_eq!(failure.op, ops[failure.index]);
        let expected = if failure.index % 2 == 0 { Refusal::NoService } else { Refusal::ServiceExists };
        assert_eq!(failure.refusal, expected, "{failure}");
    }
    assert_eq!(connection.writes(), 10_000);
    assert_eq!(connection.list().unwrap().services.len(), 10_000 - places.len());
}

#[test]
fn a_batch_that_fails_as_a_whole_is_not_an_overrun() {
    let mut connection = connect();
    let op = add(tcp("192.0.2.99", 80), endpoint("10.0.0.1", 80), Forward::Route);
    let failures = connection.apply(&vec![op; 1000]).unwrap();
    assert_eq!(failures.len(), 1000);
    assert!(failures.iter().enumerate().all(|(place, failure)| place == failure.index));
}

#[test]
fn lost_answers_are_an_overrun_and_do_not_disturb_what_follows() {
    let mut connection = connect();
    let wanted = table(100, 1);
    converge(&mut connection, &wanted);

    // The kernel makes the least of it: room for two or three answers.
    setsockopt(&connection, sockopt::RcvBuf, &1).unwrap();
    let exists = plan(&Table::new(), &wanted);
    for _ in 0..3 {
        assert!(matches!(connection.apply(&exists), Err(Error::Overrun)));
        assert_eq!(connection.list().unwrap().table(), wanted);
    }
}

/// Every service has a destination from before until it is deleted, so an empty one was never there.
#[test]
fn services_that_vanish_during_a_listing_are_not_seen_empty() {
    const AT_ONCE: u32 = 30;
    let mut connection = connect();
    let begin = Arc::new(Barrier::new(2));
    for _ in 0..5 {
        converge(&mut connection, &table(300, 1));
        // A thread is born into the network namespace of the one that starts it.
        let deleting = thread::spawn({
            let begin = Arc::clone(&begin);
            move || {
                let mut connection = Connection::open().unwrap();
                for first in (1..=300).step_by(AT_ONCE as usize) {
                    let ids: Vec<_> = (first..first + AT_ONCE).map(numbered_service).collect();
                    begin.wait();
                    for id in ids {
                        assert_eq!(connection.apply(&[Op::DeleteService(id)]).unwrap(), []);
                        assert_eq!(connection.observe(id).unwrap(), None);
                    }
                    begin.wait();
                }
            }
        });
        for left in (0..300).rev().step_by(AT_ONCE as usize) {
            begin.wait();
            let listing = connection.list().unwrap();
            let empty = listing.services.iter().filter(|service| service.destinations.is_empty()).count();
            assert_eq!(empty, 0);
            begin.wait();
            let listing = connection.list().unwrap();
            assert_eq!(listing.services.len(), (left + 1 - AT_ONCE) as usize);
        }
        deleting.join().unwrap();
    }
}

/// The kernel puts a new destination first and goes on with a dump by its number, and so repeats some.
#[test]
fn destinations_that_are_added_during_a_listing_push_none_in_twice() {
    let mut connection = connect();
    converge(&mut connection, &table(1, 500));
    let id = numbered_service(1);
    let adding = thread::spawn(move || {
        let mut connection = Connection::open().unwrap();
        for number in 501..=1500 {
            assert_eq!(connection.apply(&[add(id, numbered(number), Forward::Route)]).unwrap(), []);
        }
    });
    let mut count = 0;
    while count < 1500 {
        let observed = connection.observe(id).unwrap().unwrap();
        assert_eq!(observed.destinations.len(), observed.bound().destinations.len());
        count = observed.destinations.len();
        let listing = connection.list().unwrap();
        assert_eq!(listing.services[0].destinations.len(), listing.services[0].bound().destinations.len());
    }
    adding.join().unwrap();
}

#[test]
fn services_that_vanish_from_another_namespace_hide_none() {
    let mut connection = connect();
    let wanted = table(1000, 0);
    converge(&mut connection, &wanted);
    let neighbour = thread::spawn(|| {
        let mut connection = connect();
        let ops = plan(&Table::new(), &table(3000, 0));
        for _ in 0..10 {
            assert_eq!(connection.apply(&ops).unwrap(), []);
            connection.flush().unwrap();
        }
    });
    while !neighbour.is_finished() {
        let services = connection.list().unwrap().services;
        assert_eq!(services.len(), wanted.len());
    }
    neighbour.join().unwrap();
}

/// Left to itself, the kernel would load the module with IPVS locked, and the namespaces would hold up the module.
#[test]
fn a_scheduler_is_loaded_while_namespaces_die() {
    let mut connection = connect();
    let unload = || Command::new("rmmod").arg("ip_vs_lblc").status().unwrap();
    run("modprobe", &["ip_vs_lblc"]);
    // Another test may be using it.
    while !unload().success() {
        thread::yield_now();
    }
    let dying: Vec<_> = (0..12).map(|_| thread::spawn(|| drop(connect()))).collect();
    for namespace in dying {
        namespace.join().unwrap();
    }
    let (sender, receiver) = std::sync::mpsc::channel();
    thread::spawn(move || {
        let add_service = Op::AddService(tcp("192.0.2.1", 80), scheduled("lblc"));
        sender.send(connection.apply(&[add_service])).unwrap();
    });
    let failures = receiver.recv_timeout(Duration::from_secs(60)).expect("IPVS is locked").unwrap();
    assert_eq!(failures, []);
}
