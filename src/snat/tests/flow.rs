//! Which flows are forgotten.

use std::net::IpAddr;

use super::rules;
use crate::config::Interface;
use crate::snat::{Flow, Stale, Tuple};

const UDP: u8 = 17;
const TCP: u8 = 6;
const ICMP: u8 = 1;
const WEB: &str = "192.168.71.205";
const HOST: &str = "192.168.71.21";

/// A flow from here to there, which answers to `answered`.
fn flow(protocol: u8, from: &str, (to, port): (&str, u16), answered: &str) -> Flow {
    let address = |text: &str| -> IpAddr { text.parse().unwrap() };
    Flow {
        protocol,
        original: Tuple { source: address(from), destination: address(to), port },
        reply: Tuple { source: address(to), destination: address(answered), port: 40_000 },
    }
}

fn is_stale(vips: &[&str], flow: &Flow) -> bool {
    let address = |text: &str| -> IpAddr { text.parse().unwrap() };
    let stale = Stale {
        rules: rules(vips),
        former: [WEB, "192.168.71.206", "192.168.71.207"].map(address).into(),
        local: [HOST, WEB].map(address).into(),
    };
    let far = |to: IpAddr| to.to_string().starts_with("10.").then(|| Interface::new("eth9").unwrap());
    stale.is(flow, |to| far(to).or_else(|| Interface::new("eth0")))
}

#[test]
fn only_flows_whose_source_would_be_another_are_forgotten() {
    let snmp = ("192.168.4.9", 161);
    let cases = [
        ("began before the rule", &["web"][..], flow(UDP, HOST, snmp, HOST), true),
        ("began after it", &["web"], flow(UDP, HOST, snmp, WEB), false),
        ("sent by the vip itself", &["web"], flow(UDP, WEB, snmp, WEB), false),
        ("to another port", &["web"], flow(UDP, HOST, ("192.168.4.9", 162), HOST), false),
        ("to another network", &["web"], flow(UDP, HOST, ("192.168.5.9", 161), HOST), false),
        ("by another interface", &["web"], flow(UDP, HOST, ("10.0.0.1", 123), HOST), false),
        ("by the rule's interface", &["web"], flow(UDP, HOST, ("192.168.5.9", 123), HOST), true),
        ("ICMP by any interface", &["web"], flow(ICMP, HOST, ("10.0.0.1", 0), HOST), true),
        ("to this machine", &["web"], flow(UDP, "192.168.71.9", (HOST, 123), "192.168.71.9"), false),
        ("to a service", &["web"], flow(UDP, "192.168.71.9", (WEB, 123), "192.168.71.9"), false),
        ("a heartbeat", &["web"], flow(UDP, "192.168.68.201", ("192.168.68.202", 694), HOST), false),
        (
            "a connection goes on as it is",
            &["mail"],
            flow(TCP, "192.168.68.9", ("10.0.0.1", 25), HOST),
            false,
        ),
        ("the vip left", &[], flow(UDP, HOST, snmp, WEB), true),
        ("the vip left a connection", &[], flow(TCP, HOST, ("10.0.0.1", 25), "192.168.71.207"), true),
        ("somebody else's source", &[], flow(UDP, HOST, snmp, "192.168.71.99"), false),
        ("its rule left, the vip did not", &["web"], flow(UDP, HOST, ("192.168.4.9", 162), WEB), true),
        ("the same, a connection", &["web"], flow(TCP, HOST, ("192.168.4.9", 162), WEB), false),
        ("not masqueraded yet", &[], flow(UDP, "192.168.68.9", ("192.168.4.9", 53), "192.168.68.9"), true),
        ("masqueraded", &[], flow(UDP, "192.168.68.9", ("192.168.4.9", 53), HOST), false),
    ];
    for (name, vips, flow, expected) in cases {
        assert_eq!(is_stale(vips, &flow), expected, "{name}");
    }
}
