//! What IPVS has besides its table.

use ipvs::{Connection, Group, Interface, Op, Role, SyncDaemon, Timeouts};

use crate::{connect, run, scheduled, stop_daemon, tcp};

#[test]
fn timeouts_are_set_one_by_one() {
    let mut connection = connect();
    let before = connection.timeouts().unwrap();
    assert_eq!(before, Timeouts { tcp: 900, tcp_fin: 120, udp: 300 });
    connection.set_timeouts(Timeouts { tcp_fin: 30, ..Timeouts::default() }).unwrap();
    assert_eq!(connection.timeouts().unwrap(), Timeouts { tcp_fin: 30, ..before });
    assert!(run("ipvsadm", &["-Ln", "--timeout"]).contains("900 30 300"));
}

#[test]
fn the_version_is_known() {
    let info = connect().info().unwrap();
    assert_eq!(info.version, (1, 2, 1));
    assert!(info.connection_table_size.is_power_of_two());
}

fn daemon(role: Role) -> SyncDaemon {
    SyncDaemon {
        role,
        interface: Interface::new("lo").unwrap(),
        sync_id: 5,
        max_length: None,
        group: None,
        port: None,
        ttl: None,
    }
}

#[test]
fn synchronisation_daemons_start_and_stop() {
    let mut connection = connect();
    assert_eq!(connection.daemons().unwrap(), []);

    connection.start_daemon(&daemon(Role::Master)).unwrap();
    let group = |address: &str| Some(Group::new(address.parse().unwrap()).unwrap());
    let detailed = SyncDaemon {
        max_length: Some(1400),
        group: group("ff02::51"),
        port: Some(9999),
        ttl: Some(3),
        sync_id: 255,
        ..daemon(Role::Backup)
    };
    connection.start_daemon(&detailed).unwrap();
    let defaults = SyncDaemon {
        max_length: Some(1472),
        group: group("224.0.0.81"),
        port: Some(8848),
        ttl: Some(1),
        ..daemon(Role::Master)
    };
    assert_eq!(connection.daemons().unwrap(), [defaults, detailed.clone()]);
    let listed = run("ipvsadm", &["-Ln", "--daemon"]);
    assert!(listed.contains("maxlen=1400, group=ff02::51, port=9999, ttl=3"), "{listed}");

    stop_daemon(&mut connection, Role::Master);
    assert_eq!(connection.daemons().unwrap(), [detailed]);
    stop_daemon(&mut connection, Role::Backup);
    assert_eq!(connection.daemons().unwrap(), []);
}

#[test]
fn flush_and_zero_are_writes_and_questions_are_not() {
    let mut connection = connect();
    let id = tcp("192.0.2.1", 80);
    assert_eq!(connection.apply(&[Op::AddService(id, scheduled("rr"))]).unwrap(), []);
    assert_eq!(connection.writes(), 1);
    connection.zero(Some(id)).unwrap();
    connection.zero(None).unwrap();
    assert_eq!(connection.writes(), 3);
    connection.flush().unwrap();
    assert_eq!(connection.writes(), 4);
    assert_eq!(connection.list().unwrap().services, []);
    questions(&mut connection);
    assert_eq!(connection.writes(), 4);
}

fn questions(connection: &mut Connection) {
    connection.info().unwrap();
    connection.timeouts().unwrap();
    connection.daemons().unwrap();
    connection.observe(tcp("192.0.2.1", 80)).unwrap();
}
