//! What is written is what is read, by us and by ipvsadm.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use ipvs::{
    Bound, Destination, Encapsulation, Endpoint, Family, Flags, Forward, GreChecksum, GueChecksum, Netmask,
    Op, PersistenceTimeout, Protocol, Refusal, Scheduler, Service, Table, Thresholds, Weight, arbitrary,
    plan,
};
use proptest::test_runner::{Config, TestRunner};

use crate::{
    IPIP, connect, converge, endpoint, gue, mark, numbered, persistent, run, scheduled, service_at, tcp,
};

/// A table with every kind of object.
fn varied() -> Table {
    let sip = Service {
        flags: Flags::THIRD,
        persistence: Some(persistent(60, Some("sip"))),
        netmask: Netmask::v4(Ipv4Addr::new(255, 255, 255, 0)),
        one_packet: true,
        ..scheduled("rr")
    };
    let maglev = Service {
        flags: Flags::FALLBACK | Flags::PORT,
        persistence: Some(persistent(PersistenceTimeout::MAX_SECONDS, None)),
        netmask: Netmask::v6(64).unwrap(),
        ..scheduled("mh")
    };
    let forwards = [
        Forward::Masquerade,
        Forward::Local,
        Forward::Route,
        Forward::Bypass,
        IPIP,
        gue(6080, GueChecksum::None),
        gue(6080, GueChecksum::Full),
        gue(0xffff, GueChecksum::Remote),
        Forward::Tunnel(Encapsulation::Gre { checksum: GreChecksum::None }),
        Forward::Tunnel(Encapsulation::Gre { checksum: GreChecksum::Full }),
    ];
    let every_forward =
        (1..).zip(forwards).map(|(number, forward)| (numbered(number), Destination::new(forward)));
    let bounded = Destination {
        weight: Weight::MAX,
        thresholds: Thresholds::new(Thresholds::MAX, 50).unwrap(),
        ..Destination::new(Forward::Route)
    };
    let quiesced = Destination { weight: Weight::QUIESCED, ..Destination::new(gue(1, GueChecksum::Full)) };
    let with = |service, destinations: &[(Endpoint, Destination)]| Bound {
        service,
        destinations: destinations.iter().copied().collect(),
    };
    let mut all = with(scheduled("wlc"), &every_forward.collect::<Vec<_>>());
    all.destinations.insert(endpoint("2001:db8::2", 80), quiesced);
    [
        (tcp("192.0.2.1", 80), all),
        (
            service_at(Protocol::Udp, endpoint("192.0.2.1", 5060)),
            with(sip, &[(endpoint("192.0.2.9", 0), bounded)]),
        ),
        (
            service_at(Protocol::Sctp, endpoint("2001:db8::1", 0)),
            with(maglev, &[(endpoint("192.0.2.9", 9), quiesced)]),
        ),
        (tcp("2001:db8::1", 443), with(scheduled("none"), &[])),
        (mark(7, Family::V4), with(scheduled("sh"), &[(endpoint("192.0.2.9", 0), bounded)])),
        (mark(7, Family::V6), with(scheduled("fo"), &[(endpoint("2001:db8::9", 0), bounded)])),
        (mark(u32::MAX, Family::V4), with(scheduled("ovf"), &[])),
    ]
    .into()
}

#[test]
fn every_kind_of_object_reads_back_as_it_was_written() {
    let mut connection = connect();
    let wanted = varied();
    converge(&mut connection, &wanted);

    let writes = connection.writes();
    assert_eq!(writes, 7 + 11 + 4, "one request for each object");
    converge(&mut connection, &wanted);
    assert_eq!(connection.writes(), writes, "nothing is written where nothing changes");

    for (id, bound) in &wanted {
        let observed = connection.observe(*id).unwrap().unwrap();
        assert_eq!((observed.id, &observed.bound()), (*id, bound));
    }
    let missing = connection.observe(tcp("192.0.2.99", 80)).unwrap();
    assert_eq!(missing, None, "not an empty one");
}

#[test]
fn ipvsadm_reads_what_was_written() {
    let mut connection = connect();
    converge(&mut connection, &varied());
    let saved = run("ipvsadm", &["-Sn"]);
    // It has no letter for bypass, writes local as direct routing and a mark above 2^31 as a negative number.
    let saved: BTreeSet<_> = saved
        .lines()
        .map(str::trim_end)
        .filter(|line| !line.contains("(null)") && !line.contains("-f -"))
        .collect();
    let expected = [
        "-A --sctp-service [2001:db8::1]:0 -s mh -p 2678400 -M 64 -b mh-fallback,mh-port",
        "-A -f 7 -6 -s fo",
        "-A -f 7 -s sh",
        "-A -t 192.0.2.1:80 -s wlc",
        "-A -t [2001:db8::1]:443 -s none",
        "-A -u 192.0.2.1:5060 -s rr -p 60 -M 255.255.255.0 --pe sip -o -b flag-3",
        "-a --sctp-service [2001:db8::1]:0 -r 192.0.2.9:9 -i -w 0 --tun-type gue --tun-port 1 --tun-csum",
        "-a -f 7 -6 -r [2001:db8::9]:0 -g -w 2147483647",
        "-a -f 7 -r 192.0.2.9:0 -g -w 2147483647",
        "-a -t 192.0.2.1:80 -r 10.0.0.10:80 -i -w 1 --tun-type gre --tun-csum",
        "-a -t 192.0.2.1:80 -r 10.0.0.1:80 -m -w 1",
        "-a -t 192.0.2.1:80 -r 10.0.0.2:80 -g -w 1",
        "-a -t 192.0.2.1:80 -r 10.0.0.3:80 -g -w 1",
        "-a -t 192.0.2.1:80 -r 10.0.0.5:80 -i -w 1 --tun-type ipip",
        "-a -t 192.0.2.1:80 -r 10.0.0.6:80 -i -w 1 --tun-type gue --tun-port 6080 --tun-nocsum",
        "-a -t 192.0.2.1:80 -r 10.0.0.7:80 -i -w 1 --tun-type gue --tun-port 6080 --tun-csum",
        "-a -t 192.0.2.1:80 -r 10.0.0.8:80 -i -w 1 --tun-type gue --tun-port 65535 --tun-remcsum",
        "-a -t 192.0.2.1:80 -r 10.0.0.9:80 -i -w 1 --tun-type gre --tun-nocsum",
        "-a -t 192.0.2.1:80 -r [2001:db8::2]:80 -i -w 0 --tun-type gue --tun-port 1 --tun-csum",
        "-a -u 192.0.2.1:5060 -r 192.0.2.9:0 -g -w 2147483647",
    ];
    assert_eq!(saved, expected.into());
    assert!(run("ipvsadm", &["-Ln", "--thresholds"]).contains("2147483647 50"), "thresholds");
}

#[test]
fn what_ipvsadm_wrote_is_read() {
    let mut connection = connect();
    run(
        "ipvsadm",
        &["-A", "-u", "192.0.2.1:53", "-s", "sh", "-b", "sh-port", "-o", "-p", "90", "-M", "255.255.0.0"],
    );
    run(
        "ipvsadm",
        &["-a", "-u", "192.0.2.1:53", "-r", "10.0.0.1:5353", "-m", "-w", "7", "-x", "100", "-y", "80"],
    );
    let service = Service {
        flags: Flags::PORT,
        persistence: Some(persistent(90, None)),
        netmask: Netmask::v4(Ipv4Addr::new(255, 255, 0, 0)),
        one_packet: true,
        ..scheduled("sh")
    };
    let destination = Destination {
        forward: Forward::Masquerade,
        weight: Weight::new(7).unwrap(),
        thresholds: Thresholds::new(100, 80).unwrap(),
    };
    let bound = Bound { service, destinations: [(endpoint("10.0.0.1", 5353), destination)].into() };
    let id = service_at(Protocol::Udp, endpoint("192.0.2.1", 53));
    assert_eq!(connection.list().unwrap().table(), Table::from([(id, bound)]));
}

#[test]
fn every_scheduler_of_this_kernel_is_taken() {
    let mut connection = connect();
    let mut taken = 0;
    for (number, name) in (1..).zip(Scheduler::KNOWN) {
        let module = std::process::Command::new("modinfo").arg(format!("ip_vs_{name}")).output().unwrap();
        let id = service_at(Protocol::Tcp, numbered(number));
        let failures = connection.apply(&[Op::AddService(id, scheduled(name))]).unwrap();
        let refusals: Vec<_> = failures.into_iter().map(|failure| failure.refusal).collect();
        if module.status.success() {
            assert_eq!(refusals, [], "{name}");
            taken += 1;
        } else {
            assert_eq!(refusals, [Refusal::NoScheduler(Scheduler::new(name).unwrap())]);
        }
    }
    assert!(taken >= 10, "only {taken} schedulers are there");
}

#[test]
fn plans_lead_the_kernel_from_any_table_to_any_other() {
    let connection = RefCell::new(connect());
    let mut runner = TestRunner::new(Config {
        cases: 50,
        max_shrink_iters: 100,
        failure_persistence: None,
        ..Config::default()
    });
    let result = runner.run(&arbitrary::two_tables(), |(first, second)| {
        let mut connection = connection.borrow_mut();
        converge(&mut connection, &first);
        let writes = connection.writes();
        converge(&mut connection, &second);
        assert_eq!(connection.writes() - writes, plan(&first, &second).len() as u64);
        Ok(())
    });
    result.unwrap();
}
