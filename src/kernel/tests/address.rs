use std::collections::BTreeMap;
use std::fs;
use std::net::IpAddr;

use ipnet::IpNet;

use super::{enter_new_network, interface, ip};
use crate::config::Interface;
use crate::kernel::address::{Addresses, Assigned, Changes, Error, Notices};

/// An interface's addresses, as `ip` lists them.
fn listed(interface: &str) -> Vec<String> {
    let lines = ip(&format!("-o addr show dev {interface} scope global"));
    lines.lines().map(|line| line.split_whitespace().nth(3).unwrap().to_owned()).collect()
}

#[test]
#[ignore = "needs the lab's kernel"]
fn addresses_come_and_go() {
    enter_new_network();
    ip("link add eth0 type dummy");
    ip("link set eth0 up");
    let eth0 = interface("eth0");
    let mut addresses = Addresses::open().unwrap();
    for net in ["192.168.71.205/24", "192.168.71.206/32", "2001:db8::205/64", "2001:db8::206/128"] {
        let net: IpNet = net.parse().unwrap();
        for attempt in ["first", "again"] {
            addresses.add(&eth0, net).unwrap();
            assert_eq!(listed("eth0"), [net.to_string()], "{attempt}");
        }
        let link_local = "fe80::/10".parse::<IpNet>().unwrap();
        let ours = addresses.list().unwrap().into_iter();
        let ours = ours.filter(|assigned| assigned.interface == eth0 && !link_local.contains(&assigned.net));
        let expected = Assigned { interface: eth0.clone(), net, connected: Some(net.trunc()) };
        assert_eq!(ours.collect::<Vec<_>>(), [expected]);
        for attempt in ["first", "again"] {
            addresses.remove(&eth0, net).unwrap();
            assert!(listed("eth0").is_empty(), "{attempt}");
        }
    }
}

#[test]
#[ignore = "needs the lab's kernel"]
fn an_ipv6_address_is_usable_at_once() {
    enter_new_network();
    ip("link add eth0 type veth peer eth1");
    ip("link set eth0 up");
    ip("link set eth1 up");
    Addresses::open().unwrap().add(&interface("eth0"), "2001:db8::205/64".parse().unwrap()).unwrap();
    let line = ip("-o -6 addr show dev eth0 scope global");
    assert!(line.contains(" nodad ") && !line.contains("tentative"), "{line}");
    std::net::UdpSocket::bind("[2001:db8::205]:0").unwrap();
}

#[test]
#[ignore = "needs the lab's kernel"]
fn what_the_host_sends_itself_keeps_its_own_address() {
    enter_new_network();
    ip("link add eth0 type dummy");
    ip("link set eth0 up");
    let table =
        [("192.0.2.1/24", "192.0.2.2/24", "192.0.2.9"), ("2001:db8::1/64", "2001:db8::2/64", "2001:db8::9")];
    for (own, vip, peer) in table {
        ip(&format!("addr add {own} dev eth0"));
        Addresses::open().unwrap().add(&interface("eth0"), vip.parse().unwrap()).unwrap();
        let way = ip(&format!("-o route get {peer}"));
        let source = format!(" src {} ", own.split('/').next().unwrap());
        assert!(way.contains(&source), "{way}");
    }
}

#[test]
#[ignore = "needs the lab's kernel"]
fn an_interface_that_is_not_there_takes_no_address_and_has_none() {
    enter_new_network();
    let net = "192.168.71.205/24".parse().unwrap();
    let mut addresses = Addresses::open().unwrap();
    addresses.remove(&interface("eth7"), net).unwrap();
    let error = addresses.add(&interface("eth7"), net).unwrap_err();
    assert!(matches!(error, Error::NoInterface { .. }), "{error:?}");

    ip("link add eth0 type dummy");
    ip("link property add dev eth0 altname eth7");
    let error = addresses.add(&interface("eth7"), net).unwrap_err();
    assert!(matches!(error, Error::NoInterface { .. }), "by another name: {error:?}");
}

#[test]
#[ignore = "needs the lab's kernel"]
fn where_ipv6_is_disabled_the_error_says_so() {
    enter_new_network();
    ip("link add eth0 type dummy");
    fs::write("/proc/sys/net/ipv6/conf/eth0/disable_ipv6", "1").unwrap();
    let net = "2001:db8::205/64".parse().unwrap();
    let error = Addresses::open().unwrap().add(&interface("eth0"), net).unwrap_err();
    assert!(matches!(error, Error::Ipv6Disabled { .. }), "{error:?}");
}

#[test]
#[ignore = "needs the lab's kernel"]
fn other_addresses_of_a_network_survive_the_first_one() {
    enter_new_network();
    for promote in ["0", "1"] {
        ip("link add eth0 type dummy");
        ip("link set eth0 up");
        fs::write("/proc/sys/net/ipv4/conf/eth0/promote_secondaries", promote).unwrap();
        ip("addr add 192.0.2.1/24 dev eth0");
        ip("addr add 192.0.2.2/24 brd 192.0.2.255 dev eth0 label eth0:two");
        ip("addr add 192.0.2.3/24 dev eth0 valid_lft 4000 preferred_lft 3000");
        ip("addr add 192.0.2.4/32 dev eth0");
        ip("addr add 198.51.100.1/24 dev eth0");
        let mut addresses = Addresses::open().unwrap();
        let eth0 = interface("eth0");

        addresses.remove(&eth0, "192.0.2.1/24".parse().unwrap()).unwrap();
        let mut rest = listed("eth0");
        rest.sort();
        assert_eq!(rest, ["192.0.2.2/24", "192.0.2.3/24", "192.0.2.4/32", "198.51.100.1/24"], "{promote}");
        let two = ip("-o addr show dev eth0 to 192.0.2.2");
        assert!(two.contains("brd 192.0.2.255") && two.contains("eth0:two"), "{two}");
        assert!(!two.contains("secondary"), "{two}");
        let three = ip("addr show dev eth0 to 192.0.2.3");
        assert!(three.contains("secondary") && !three.contains("forever"), "{three}");
        assert!(ip("route get 192.0.2.77").contains("dev eth0 src 192.0.2.2"));

        addresses.remove(&eth0, "192.0.2.3/24".parse().unwrap()).unwrap();
        assert_eq!(listed("eth0").len(), 3, "{promote}");
        ip("link del eth0");
    }
}

#[test]
#[ignore = "needs the lab's kernel"]
fn links_are_described() {
    enter_new_network();
    ip("link add eth0 address 02:00:00:00:02:15 type veth peer eth1");
    ip("link set eth0 up");
    ip("link add vlan.7 link eth0 type vlan id 7");
    ip("link add tunnel type ipip remote 192.0.2.1");
    let mut addresses = Addresses::open().unwrap();
    let links = addresses.links().unwrap();
    let mac = Some([2, 0, 0, 0, 2, 0x15]);
    let described: BTreeMap<_, _> = links
        .iter()
        .map(|(name, link)| (name.as_str(), (link.mac == mac, link.up, link.carrier, link.loopback)))
        .collect();
    assert_eq!(described["lo"], (false, true, true, true));
    assert_eq!(described["eth0"], (true, true, false, false));
    assert_eq!(described["vlan.7"], (true, false, false, false));
    assert_eq!(described["tunnel"], (false, false, false, false));
    assert_eq!((links[&interface("lo")].mac, links[&interface("tunnel")].mac), (None, None));

    ip("link set eth1 up");
    let eth0 = addresses.links().unwrap()[&interface("eth0")];
    assert!(eth0.carrier);
    assert!(ip("-o link show eth0").starts_with(&format!("{}: eth0@", eth0.index)));
}

#[test]
#[ignore = "needs the lab's kernel"]
fn a_thousand_addresses_are_listed_whole() {
    enter_new_network();
    ip("link add eth0 type dummy");
    let eth0 = interface("eth0");
    let mut addresses = Addresses::open().unwrap();
    let nets = (0..1000_u32).map(|n| format!("10.{}.{}.1/24", n / 256, n % 256));
    let mut nets: Vec<_> = nets.collect();
    for net in &nets {
        addresses.add(&eth0, net.parse().unwrap()).unwrap();
    }
    let listed = addresses.list().unwrap();
    let of_eth0 = listed.iter().filter(|assigned| assigned.interface == eth0);
    let mut of_eth0: Vec<_> = of_eth0.map(|assigned| assigned.net.to_string()).collect();
    nets.sort();
    of_eth0.sort();
    assert_eq!(of_eth0, nets);
}

#[test]
#[ignore = "needs the lab's kernel"]
fn changes_are_noticed() {
    enter_new_network();
    let mut notices = Notices::open().unwrap();
    assert_eq!(notices.drain().unwrap(), Changes::default());
    let nothing = Changes::default();
    let links = Changes { links: true, ..nothing };
    let addresses = Changes { addresses: true, ..nothing };
    let routes = Changes { routes: true, ..nothing };
    let both = Changes { links: true, ..addresses };
    let cases = [
        ("link add eth0 type dummy", links),
        ("addr add 192.0.2.1/24 dev eth0", Changes { routes: true, ..addresses }),
        ("addr del 192.0.2.1/24 dev eth0", Changes { routes: true, ..addresses }),
        ("addr add 2001:db8::1/64 dev eth0", addresses),
        ("route add 203.0.113.0/24 dev lo", routes),
        ("route del 203.0.113.0/24 dev lo", routes),
        ("rule add from 203.0.113.0/24 table 7", routes),
        ("nexthop add id 7 blackhole", routes),
        ("-6 route add 2001:db9::/64 dev lo", nothing),
        ("link del eth0", both),
    ];
    for (command, expected) in cases {
        ip(command);
        assert_eq!(notices.drain().unwrap(), expected, "{command}");
        assert_eq!(notices.drain().unwrap(), Changes::default(), "{command}, once more");
    }
}

#[test]
#[ignore = "needs the lab's kernel"]
fn when_notices_are_lost_everything_may_have_changed() {
    enter_new_network();
    ip("link add eth0 type dummy");
    let mut notices = Notices::open().unwrap();
    let mut addresses = Addresses::open().unwrap();
    for last in 1..250 {
        let net = format!("10.0.0.{last}/32").parse().unwrap();
        addresses.add(&interface("eth0"), net).unwrap();
        addresses.remove(&interface("eth0"), net).unwrap();
    }
    let everything = Changes { links: true, addresses: true, routes: true };
    assert_eq!(notices.drain().unwrap(), everything);
    assert_eq!(notices.drain().unwrap(), Changes::default());
}

#[test]
#[ignore = "needs the lab's kernel"]
fn the_way_to_an_address_is_found() {
    enter_new_network();
    for (name, v4, v6) in [
        ("wide", "10.0.0.1/8", "2001:db8::1/32"),
        ("narrow", "10.1.2.1/24", "2001:db8:1:2::1/64"),
        ("twin", "10.1.2.2/24", "fd00::1/64"),
        ("outside", "192.0.2.1/24", "fd01::1/64"),
        ("off", "172.16.0.1/12", "fd02::1/64"),
    ] {
        ip(&format!("link add {name} type dummy"));
        ip(&format!("link set dev {name} up"));
        ip(&format!("addr add {v4} dev {name}"));
        ip(&format!("addr add {v6} dev {name} nodad"));
    }
    ip("link set dev off down");
    ip("addr add 10.3.0.1/16 dev outside noprefixroute");
    ip("addr add 10.4.0.1 peer 10.4.9.0/24 dev outside");
    ip("route add default via 192.0.2.254");
    ip("-6 route add default via fd01::254");
    ip("route add blackhole 203.0.113.0/24");
    ip("route add unreachable 198.51.100.0/24");
    ip("-6 route add prohibit 2001:db9::/64");

    let cases = [
        ("connected", "10.200.0.7", Some("wide")),
        ("connected, IPv6", "2001:db8:ffff::7", Some("wide")),
        ("the longest of the connected", "2001:db8:1:2::7", Some("narrow")),
        ("between two, what the kernel says", "10.1.2.7", Some("narrow")),
        ("through a gateway", "8.8.8.8", Some("outside")),
        ("through a gateway, IPv6", "2001:4860::8", Some("outside")),
        ("connected by an interface that is down", "172.16.0.7", Some("outside")),
        ("connected, but without a route", "10.3.0.7", Some("wide")),
        ("around a peer", "10.4.9.7", Some("outside")),
        ("not around an address that has a peer", "10.4.0.7", Some("wide")),
        ("our own", "10.1.2.1", None),
        ("our own, IPv6", "2001:db8::1", None),
        ("loopback", "127.0.0.2", None),
        ("loopback, IPv6", "::1", None),
        ("a black hole", "203.0.113.1", None),
        ("unreachable", "198.51.100.1", None),
        ("prohibited", "2001:db9::1", None),
        ("multicast", "224.0.0.81", None),
        ("unspecified", "0.0.0.0", None),
    ];
    let asked: Vec<IpAddr> = cases.iter().map(|(_, address, _)| address.parse().unwrap()).collect();
    let towards = Addresses::open().unwrap().towards(&asked).unwrap();
    for ((name, address, expected), asked) in cases.iter().zip(&asked) {
        assert_eq!(towards.get(asked).map(Interface::as_str), *expected, "{name}: {address}");
    }
}
