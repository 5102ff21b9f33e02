use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, Command, Stdio};

use failover::announce::Announcement;
use failover::packet::PacketSocket;

use super::neighbour::{Neighbour, OUR_MAC};
use super::{enter_new_network, eventually, interface};
use crate::kernel::address::Addresses;

const OLD_MAC: &str = "02:00:00:00:00:99";

/// Starts to read the wire; the frames are printed, and there are as many as this.
fn capture(neighbour: &Neighbour, frames: usize) -> (Child, BufReader<std::process::ChildStderr>) {
    let filter = "arp or icmp6[icmp6type] == icmp6-neighboradvert";
    let command =
        format!("netns exec {} timeout 20 tcpdump -c {frames} -i wire -n -e -vv -t", neighbour.namespace);
    let mut tcpdump = Command::new("ip")
        .args(command.split_whitespace())
        .arg(filter)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stderr = BufReader::new(tcpdump.stderr.take().unwrap());
    let mut line = String::new();
    while !line.contains("listening on wire") {
        line.clear();
        assert_ne!(stderr.read_line(&mut line).unwrap(), 0, "tcpdump does not start");
    }
    (tcpdump, stderr)
}

#[test]
#[ignore = "needs the lab's kernel"]
fn a_neighbour_learns_where_an_address_is_now() {
    enter_new_network();
    let neighbour = Neighbour::new();
    // For an hour after a change, believe no ARP but what RFC 5944 calls gratuitous.
    neighbour.ip("ntable change name arp_cache dev wire locktime 3600000");
    let mut addresses = Addresses::open().unwrap();
    let link = addresses.links().unwrap()[&interface("eth0")];
    let socket = PacketSocket::open().unwrap();
    let (mut tcpdump, stderr) = capture(&neighbour, 3);

    for net in ["192.168.71.205/24", "2001:db8::205/64"] {
        let net: ipnet::IpNet = net.parse().unwrap();
        let address = net.addr();
        neighbour.ip(&format!("neigh replace {address} lladdr {OLD_MAC} dev wire nud stale"));
        addresses.add(&interface("eth0"), net).unwrap();
        let announcement = Announcement { address, mac: link.mac.unwrap(), router: false };
        for frame in announcement.frames() {
            let known = neighbour.ip(&format!("neigh show {address}"));
            socket.send(link.index, &frame).unwrap();
            eventually(&format!("{known} becomes {OUR_MAC}"), || {
                neighbour.ip(&format!("neigh show {address}")).contains(OUR_MAC)
            });
            // Each frame alone must do.
            neighbour.ip(&format!("neigh replace {address} lladdr {OLD_MAC} dev wire nud stale"));
        }
    }

    let mut seen = String::new();
    tcpdump.stdout.take().unwrap().read_to_string(&mut seen).unwrap();
    tcpdump.wait().unwrap();
    drop(stderr);
    for expected in [
        "02:00:00:00:02:15 > ff:ff:ff:ff:ff:ff, ethertype ARP (0x0806), length 42",
        "Request who-has 192.168.71.205 tell 192.168.71.205",
        "Reply 192.168.71.205 is-at 02:00:00:00:02:15",
        "02:00:00:00:02:15 > 33:33:00:00:00:01, ethertype IPv6 (0x86dd), length 86",
        "hlim 255",
        "[icmp6 sum ok] ICMP6, neighbor advertisement, length 32, tgt is 2001:db8::205, Flags [override]",
        "destination link-address option (2), length 8 (1): 02:00:00:00:02:15",
    ] {
        assert!(seen.contains(expected), "{expected:?} is not in\n{seen}");
    }
}

#[test]
#[ignore = "needs the lab's kernel"]
fn a_frame_for_an_interface_that_is_gone_is_an_error() {
    enter_new_network();
    let socket = PacketSocket::open().unwrap();
    for (interface, length) in [(4711, 42), (u32::MAX, 42), (1, 13), (1, 0)] {
        socket.send(interface, &vec![0; length]).unwrap_err();
    }
}
