//! What the kernel refuses, and why.

use std::process::Command;

use ipvs::{
    Connection, Destination, Error, Family, Forward, Group, Interface, Netmask, Op, Refusal, Role, Scheduler,
    Service, SyncDaemon, Table, Timeouts, apply,
};

use crate::{IPIP, add, connect, endpoint, mark, persistent, scheduled, stop_daemon, tcp};

#[test]
fn the_kernel_refuses_what_the_model_refuses() {
    let mut connection = connect();
    let (present, absent) = (tcp("192.0.2.1", 80), tcp("192.0.2.9", 80));
    let (v4, v6) = (endpoint("10.0.0.1", 80), endpoint("2001:db8::1", 80));
    let destination = Destination::new(Forward::Route);
    let edit = |service, endpoint, forward| Op::EditDestination {
        service,
        endpoint,
        destination: Destination::new(forward),
    };
    let delete = |service, endpoint| Op::DeleteDestination { service, endpoint };
    let prefix = Service { netmask: Netmask::V6(64), ..scheduled("rr") };
    let mask = Service { netmask: Netmask::V4([255, 0, 0, 0].into()), ..scheduled("rr") };
    let ops = [
        Op::DeleteService(present),
        Op::EditService(present, scheduled("rr")),
        add(present, v4, Forward::Route),
        Op::AddService(present, scheduled("rr")),
        Op::AddService(present, scheduled("rr")),
        edit(present, v4, Forward::Route),
        delete(present, v4),
        add(present, v4, Forward::Route),
        add(present, v4, Forward::Route),
        add(absent, v4, Forward::Route),
        edit(absent, v4, Forward::Route),
        delete(absent, v4),
        add(present, v6, Forward::Route),
        add(present, v6, IPIP),
        edit(present, v6, Forward::Masquerade),
        delete(present, v6),
        delete(present, v6),
        add(present, endpoint("0.0.0.0", 80), Forward::Route),
        add(present, endpoint("0.1.2.3", 80), Forward::Route),
        add(present, endpoint("224.0.0.1", 80), Forward::Route),
        add(present, endpoint("255.255.255.255", 80), Forward::Route),
        add(present, endpoint("127.0.0.1", 80), Forward::Route),
        add(present, endpoint("::", 80), IPIP),
        add(present, endpoint("ff02::1", 80), IPIP),
        add(present, endpoint("::1", 80), IPIP),
        Op::EditService(present, scheduled("wlc")),
        Op::EditService(present, prefix.clone()),
        Op::AddService(absent, prefix),
        Op::AddService(mark(1, Family::V6), mask),
        Op::DeleteService(present),
        Op::DeleteService(present),
    ];
    let mut table = Table::new();
    for op in &ops {
        let expected: Vec<_> = apply(&mut table, op).err().into_iter().collect();
        let failures = connection.apply(std::slice::from_ref(op)).unwrap();
        let refusals: Vec<_> = failures.into_iter().map(|failure| failure.refusal).collect();
        assert_eq!(refusals, expected, "{op}");
        assert_eq!(connection.list().unwrap().table(), table, "{op}");
    }
    assert_eq!(destination.weight.get(), 1);
}

#[test]
fn what_only_the_kernel_knows_is_named() {
    let mut connection = connect();
    let id = tcp("192.0.2.1", 80);
    let nonsense = || Scheduler::new("nonsense").unwrap();
    let pe = Service { persistence: Some(persistent(60, Some("nonsense"))), ..scheduled("rr") };
    let cases = [
        (Op::AddService(id, Service::new(nonsense())), Refusal::NoScheduler(nonsense())),
        (
            Op::AddService(id, pe.clone()),
            Refusal::NoEngine {
                engine: pe.persistence.unwrap().engine.unwrap(),
                scheduler: Scheduler::new("rr").unwrap(),
            },
        ),
    ];
    for (op, expected) in cases {
        let failures = connection.apply(std::slice::from_ref(&op)).unwrap();
        assert_eq!(failures.len(), 1, "{op}");
        assert_eq!((failures[0].index, &failures[0].op, &failures[0].refusal), (0, &op, &expected));
    }
}

fn refused<T: std::fmt::Debug>(result: Result<T, Error>) -> (String, Refusal) {
    match result {
        Err(Error::Refused { attempt, refusal }) => (attempt, refusal),
        other => panic!("not refused: {other:?}"),
    }
}

#[test]
fn single_requests_say_what_was_attempted() {
    let mut connection = connect();
    let daemon = |interface| SyncDaemon {
        role: Role::Master,
        interface: Interface::new(interface).unwrap(),
        sync_id: 1,
        max_length: None,
        group: None,
        port: None,
        ttl: None,
    };
    let long = Timeouts { tcp: u32::MAX, ..Timeouts::default() };
    connection.start_daemon(&daemon("lo")).unwrap();
    let cases = [
        (
            refused(connection.zero(Some(tcp("192.0.2.1", 80)))),
            "zero the counters of service tcp 192.0.2.1:80",
            Refusal::NoService,
        ),
        (
            refused(connection.stop_daemon(Role::Backup)),
            "stop the backup synchronisation daemon",
            Refusal::NoDaemon,
        ),
        (
            refused(connection.start_daemon(&daemon("lo"))),
            "start the master synchronisation daemon on lo",
            Refusal::DaemonRuns,
        ),
        (
            refused(connection.start_daemon(&SyncDaemon { role: Role::Backup, ..daemon("nowhere0") })),
            "start the backup synchronisation daemon on nowhere0",
            Refusal::NoInterface(Interface::new("nowhere0").unwrap()),
        ),
        (
            refused(connection.set_timeouts(long)),
            "set the timeouts",
            Refusal::Invalid("a timeout is too long for the kernel"),
        ),
    ];
    for ((attempt, refusal), expected, why) in cases {
        assert_eq!((attempt.as_str(), refusal), (expected, why));
    }
}

#[test]
fn synchronisation_and_mixed_families_exclude_each_other() {
    let mut connection = connect();
    let id = tcp("192.0.2.1", 80);
    let daemon = SyncDaemon {
        role: Role::Master,
        interface: Interface::new("lo").unwrap(),
        sync_id: 1,
        max_length: None,
        group: Some(Group::new("224.0.0.81".parse().unwrap()).unwrap()),
        port: None,
        ttl: None,
    };
    let mixed = add(id, endpoint("2001:db8::1", 80), IPIP);
    let [add_service, delete_service] = [Op::AddService(id, scheduled("rr")), Op::DeleteService(id)];

    connection.start_daemon(&daemon).unwrap();
    let failures = connection.apply(&[add_service.clone(), mixed.clone()]).unwrap();
    assert_eq!(failures.len(), 1);
    assert_eq!(
        failures[0].refusal.to_string(),
        "a destination of another address family than its service excludes the synchronisation daemon"
    );
    stop_daemon(&mut connection, Role::Master);
    assert_eq!(connection.apply(&[delete_service, add_service, mixed]).unwrap(), []);
    let (_, refusal) = refused(connection.start_daemon(&daemon));
    assert!(matches!(refusal, Refusal::Invalid(_)), "{refusal:?}");
}

/// Runs itself once more without the one capability.
#[test]
fn root_without_the_capability_is_refused() {
    const NAME: &str = "refusals::root_without_the_capability_is_refused";
    const INSIDE: &str = "IPVS_TEST_INSIDE";
    if std::env::var_os(INSIDE).is_some() {
        let mut connection = Connection::open().unwrap();
        assert_eq!(refused(connection.list()), ("list the services".into(), Refusal::Permission));
        assert_eq!(refused(connection.info()).1, Refusal::Permission);
        let add_service = Op::AddService(tcp("192.0.2.1", 80), scheduled("rr"));
        assert_eq!(connection.apply(&[add_service]).unwrap()[0].refusal, Refusal::Permission);
        return;
    }
    drop(connect());
    let itself = std::env::current_exe().unwrap();
    let output = Command::new("setpriv")
        .args(["--bounding-set", "-net_admin"])
        .arg(itself)
        .args(["--exact", NAME])
        .env(INSIDE, "1")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("1 passed"), "{output:?}");
}
