//! Stands in for the daemon until it runs: programs the table once, with ipvsadm.

use std::{
    fmt::Write as _,
    io::Write as _,
    process::{Command, Stdio},
};

use toml::{Table, Value};

use crate::network::Node;

/// Whether directors do without the daemon.
pub(crate) const IN_PLACE: bool = true;

pub(crate) fn apply(node: &Node, config: &str) {
    let config: Table = config.parse().expect("a director's file is TOML");
    for vip in tables(&config, "vip") {
        for address in vip["addresses"].as_array().unwrap() {
            node.add_address(text(&vip, "interface").unwrap(), address.as_str().unwrap());
        }
    }
    node.set_sysctl("ipv4/ip_forward", "1");
    node.set_sysctl("ipv6/conf/all/forwarding", "1");
    let mut rules = String::new();
    for service in tables(&config, "service") {
        rule(&config, &service, &mut rules);
    }
    let mut restore = Command::new("ipvsadm");
    restore.arg("-R").stdin(Stdio::piped());
    let mut restore = node.enter(|| restore.spawn()).unwrap();
    restore.stdin.take().unwrap().write_all(rules.as_bytes()).unwrap();
    assert!(restore.wait().unwrap().success(), "ipvsadm refused\n{rules}");
}

fn rule(config: &Table, service: &Table, rules: &mut String) {
    let port = number(service, "port").unwrap_or(0);
    let id = match (number(service, "fwmark"), text(service, "vip")) {
        (Some(mark), _) => format!("-f {mark}"),
        (None, Some(vip)) => {
            let vip = tables(config, "vip").into_iter().find(|it| text(it, "name") == Some(vip)).unwrap();
            let address = vip["addresses"][0].as_str().unwrap().split('/').next().unwrap().to_owned();
            let protocol = if text(service, "protocol") == Some("udp") { "-u" } else { "-t" };
            format!("{protocol} {}", endpoint(&address, port))
        }
        _ => panic!("a service without an address"),
    };
    write!(rules, "-A {id} -s {}", text(service, "scheduler").unwrap_or("wlc")).unwrap();
    if let Some(seconds) = text(service, "persistent") {
        write!(rules, " -p {}", seconds.trim_end_matches('s')).unwrap();
    }
    if let Some(netmask) = text(service, "netmask") {
        write!(rules, " -M {netmask}").unwrap();
    }
    if service.get("one_packet").and_then(Value::as_bool) == Some(true) {
        rules.push_str(" -o");
    }
    rules.push('\n');
    for realserver in tables(service, "realservers") {
        let forward = match text(&realserver, "forward") {
            Some("dr") => "-g".to_owned(),
            Some("tun") => format!("-i{}", tunnel(&realserver)),
            _ => "-m".to_owned(),
        };
        let weight = number(&realserver, "weight").unwrap_or(1);
        let port = number(&realserver, "port").unwrap_or(port);
        let address = endpoint(text(&realserver, "address").unwrap(), port);
        writeln!(rules, "-a {id} -r {address} {forward} -w {weight}").unwrap();
    }
}

fn tunnel(realserver: &Table) -> String {
    let Some(tunnel) = realserver.get("tunnel").and_then(Value::as_table) else {
        return String::new();
    };
    let port = number(tunnel, "port").map(|port| format!(" --tun-port {port}"));
    format!(" --tun-type {}{}", text(tunnel, "type").unwrap(), port.unwrap_or_default())
}

fn endpoint(address: &str, port: i64) -> String {
    if address.contains(':') { format!("[{address}]:{port}") } else { format!("{address}:{port}") }
}

fn tables(parent: &Table, key: &str) -> Vec<Table> {
    let tables = parent.get(key).and_then(Value::as_array).into_iter().flatten();
    tables.map(|it| it.as_table().unwrap().clone()).collect()
}

fn text<'a>(table: &'a Table, key: &str) -> Option<&'a str> {
    table.get(key)?.as_str()
}

fn number(table: &Table, key: &str) -> Option<i64> {
    table.get(key)?.as_integer()
}
