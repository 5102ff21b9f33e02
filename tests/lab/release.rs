//! The way out: what lvsd made goes, and what it found stays.

use nix::sys::signal::Signal;

use crate::{
    director::Director,
    lone::{Lone, Snapshot},
    stage::service,
};

const WEB: &str = "vip = 'web'\nport = 80\nscheduler = 'rr'\nforward = 'nat'";
const WEB6: &str = "vip = 'web6'\nport = 80\nscheduler = 'rr'\nforward = 'nat'";

/// A director that was not empty before: one of the file's addresses and a service of somebody else's are there.
fn directed() -> (Lone, Director, Snapshot) {
    let lone = Lone::new();
    lone.node.add_address("eth0", "192.168.71.205/24");
    lone.node.run(["ipvsadm", "-A", "-t", "192.168.71.21:8080", "-s", "wlc"]);
    let before = lone.snapshot();

    let web = service(WEB, ["{ name = 'rs1', address = '192.168.71.101' }".to_owned()]);
    let web6 = service(WEB6, ["{ name = 'rs1', address = 'fd00:71::101' }".to_owned()]);
    let director = lone.direct(&[web, web6.replace("name = \"web\"", "name = \"web6\"")].concat());
    let during = lone.snapshot();
    for rule in ["192.168.71.205:80", "fd00:71::205", "192.168.71.21:8080"] {
        assert!(during.rules.contains(rule), "{during:?}");
    }
    assert_eq!(lone.sysctl("ipv4/ip_forward"), "1");
    assert_eq!(lone.sysctl("ipv6/conf/all/forwarding"), "1");
    assert_eq!(
        lone.addresses(),
        ["192.168.71.21/24", "192.168.71.205/24", "fd00:71::205/64", "fd00:71::21/64"]
    );
    (lone, director, before)
}

fn is_released(lone: &Lone, director: &Director, before: &Snapshot) {
    let output = director.lvsd(["release"]);
    assert!(output.status.success(), "{output:?}");
    assert_eq!(lone.snapshot().kernel(), *before);

    let again = director.lvsd(["release"]);
    assert!(again.status.success(), "{again:?}");
    assert_eq!(String::from_utf8_lossy(&again.stdout), "nothing to change\n");
}

#[test]
fn a_running_daemon_gives_all_back_and_ends() {
    let (lone, mut director, before) = directed();
    let output = director.lvsd(["release"]);
    assert!(output.status.success(), "{output:?}");
    assert!(director.wait().success());
    assert_eq!(lone.snapshot().kernel(), before);
    assert!(director.log().contains("released"));
    is_released(&lone, &director, &before);
}

#[test]
fn without_a_daemon_the_command_gives_all_back() {
    for signal in [Signal::SIGTERM, Signal::SIGKILL] {
        let (lone, mut director, before) = directed();
        director.stop(signal);
        is_released(&lone, &director, &before);
    }
}
