//! The lab itself: what it promises about links, and that it leaves nothing behind.

use std::{
    panic,
    process::Command,
    time::{Duration, Instant},
};

use netlink_packet_route::link::InfoKind;

use crate::{
    network::{Lab, Namespace, Node},
    patience::until,
    responder::Responder,
};

const SERVER: &str = "10.0.0.2:80";

fn pair(lab: &Lab) -> (Node, Node) {
    let lan = lab.switch();
    let client = lab.node("client").link(&lan, "10.0.0.1/24");
    let server = lab.node("server").link(&lan, "10.0.0.2/24");
    (client, server)
}

fn has_carrier(node: &Node) -> bool {
    node.run(["ip", "link", "show", "eth0"]).contains("LOWER_UP")
}

#[test]
fn a_cut_link_carries_nothing_and_a_healed_one_everything() {
    let lab = Lab::new();
    let (client, server) = pair(&lab);
    let _responder = Responder::start(&server, [SERVER]);
    assert_eq!(client.ask(SERVER).unwrap(), "server");
    assert!(has_carrier(&server));

    server.eth(0).cut();
    client.ask(SERVER).unwrap_err();
    assert!(!has_carrier(&server));

    server.eth(0).heal();
    assert_eq!(client.ask(SERVER).unwrap(), "server");
    assert!(has_carrier(&server));
}

#[test]
fn a_slow_link_delays_each_way_until_healed() {
    let lab = Lab::new();
    let (client, server) = pair(&lab);
    let _responder = Responder::start(&server, [SERVER]);
    let mut connection = client.connect(SERVER).unwrap();
    let mut round_trip = || {
        let start = Instant::now();
        connection.ask().unwrap();
        start.elapsed()
    };

    server.eth(0).delay(Duration::from_millis(300));
    assert!(round_trip() >= Duration::from_millis(600));

    server.eth(0).heal();
    assert!(round_trip() < Duration::from_millis(600));
}

#[test]
fn a_lossy_link_loses_silently() {
    let lab = Lab::new();
    let (client, server) = pair(&lab);
    let _responder = Responder::start(&server, [SERVER]);
    let datagrams = client.datagrams_to(SERVER);
    assert_eq!(datagrams.ask().unwrap(), "server");

    client.eth(0).loss(100);
    datagrams.ask().unwrap_err();
    assert!(has_carrier(&client));

    client.eth(0).heal();
    assert_eq!(datagrams.ask().unwrap(), "server");
}

#[test]
fn nothing_is_left_of_a_lab_that_panicked() {
    // A cable from here into the lab: it goes when the namespace at its other end goes.
    let outside = Namespace::new();
    outside.rtnl.add("br0", InfoKind::Bridge);
    let here = || outside.enter(|| Command::new("ip").args(["-brief", "link"]).output().unwrap().stdout);
    let is_cabled = || String::from_utf8_lossy(&here()).contains("cable");

    let (pid, directory) = {
        let story = panic::catch_unwind(|| {
            let lab = Lab::new();
            let (client, server) = pair(&lab);
            outside.rtnl.add_cable("cable", "br0", "outside", client.namespace());
            let _responder = Responder::start(&server, [SERVER]);
            let _connection = client.connect(SERVER).unwrap();
            let mut sleeper = Command::new("sleep");
            sleeper.arg("1000");
            let sleeper = client.spawn("sleep", sleeper);
            assert!(is_cabled());
            client.capture();
            panic::panic_any((sleeper.id(), client.directory().to_owned()));
        });
        *story.unwrap_err().downcast::<(u32, std::path::PathBuf)>().unwrap()
    };

    until("the client's namespace is gone", || !is_cabled());
    assert!(!std::path::Path::new(&format!("/proc/{pid}")).exists());
    assert!(!directory.exists());
}
