//! The addresses of a vip on the owner's interface, whoever else is at work there.

use std::fs;
use std::net::UdpSocket;
use std::process::Command;
use std::time::Duration;

use jiff::civil::DateTime;

use super::farm::{CLUSTER, Farm, VIP, config};
use crate::network::{Node, Process};
use crate::patience::until;

/// By then an address that somebody took away is there again.
const BACK: Duration = Duration::from_millis(100);

/// Two addresses of IPv4, of which one is alone in its network, and one of IPv6.
const VIPS: &str = r#"
[[vip]]
name = "web"
addresses = ["192.168.71.205/24", "192.168.79.9/32", "fd00:71::205/64"]
interface = "eth0"
prefer = { litsha21 = 200 }
"#;

fn addresses(farm: &Farm, index: usize) -> String {
    farm.nodes[index].run(["ip", "-o", "address", "show", "dev", "eth0"])
}

fn has_all(farm: &Farm, index: usize) -> bool {
    let text = addresses(farm, index);
    [VIP, "192.168.79.9", "fd00:71::205"].iter().all(|address| text.contains(&format!("{address}/")))
}

fn has_none(farm: &Farm, index: usize) -> bool {
    let text = addresses(farm, index);
    ![VIP, "192.168.79.9", "fd00:71::205"].iter().any(|address| text.contains(&format!("{address}/")))
}

/// Where the station believes the address of IPv6 to be.
fn known_mac(farm: &Farm) -> Option<String> {
    word_after("lladdr", &farm.station.run(["ip", "-6", "neighbour", "show", "fd00:71::205", "dev", "eth0"]))
}

fn mac(farm: &Farm, index: usize) -> Option<String> {
    word_after("link/ether", &farm.nodes[index].run(["ip", "-o", "link", "show", "dev", "eth0"]))
}

fn word_after(name: &str, text: &str) -> Option<String> {
    text.split_whitespace().skip_while(|word| *word != name).nth(1).map(str::to_owned)
}

/// Hears from a machine's kernel what becomes of the vip's address.
struct Monitor {
    node: Node,
    _ip: Process,
}

impl Monitor {
    fn start(node: &Node) -> Self {
        let mut command = Command::new("ip");
        command.args(["-ts", "-o", "monitor", "address"]);
        let monitor = Self { node: node.clone(), _ip: node.spawn("monitor", command) };
        // Whatever it hears at first shows that it listens.
        until("it listens", || {
            node.run(["ip", "address", "replace", "127.0.0.2/8", "dev", "lo"]);
            !monitor.text().is_empty()
        });
        monitor
    }

    fn text(&self) -> String {
        fs::read_to_string(self.node.log("monitor")).unwrap_or_default()
    }

    /// For how long it was away, each time.
    fn absences(&self) -> Vec<Duration> {
        let text = self.text();
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        let mut gone: Option<DateTime> = None;
        let mut absences = Vec::new();
        for line in whole.lines().filter(|line| line.contains(&format!(" {VIP}/"))) {
            let at = line.trim_start_matches('[').split(']').next().and_then(|at| at.parse().ok());
            let at: DateTime = at.unwrap_or_else(|| panic!("{line}"));
            if line.contains("Deleted") {
                gone = Some(at);
            } else if let Some(gone) = gone.take() {
                absences.push(at.duration_since(gone).unsigned_abs());
            }
        }
        absences
    }
}

#[test]
fn all_addresses_of_a_vip_move_together_and_those_of_the_host_stay() {
    let mut farm = Farm::alone();
    // The service is of IPv4 only, the vip is not.
    let file = config(CLUSTER, VIPS).replace("vip = \"web\"\nport", "address = \"192.168.71.205\"\nport");
    farm.start_with(&file);
    until("the first has all", || has_all(&farm, 0) && has_none(&farm, 1) && has_none(&farm, 2));
    // A neighbour that asked once, and is silent from now on.
    farm.station.add_address("eth0", "fd00:71::99/64");
    until("the neighbour knows the first", || {
        farm.station.enter(|| UdpSocket::bind("[::]:0")?.send_to(b"?", "[fd00:71::205]:9")).is_ok()
            && known_mac(&farm) == mac(&farm, 0)
    });
    farm.say(0, ["node", "standby"]);
    until("another has all", || has_none(&farm, 0) && (has_all(&farm, 1) || has_all(&farm, 2)));
    let owner = if has_all(&farm, 1) { 1 } else { 2 };
    until("the neighbour was told of the other", || known_mac(&farm) == mac(&farm, owner));
    assert!(addresses(&farm, 0).contains("192.168.71.21/24"), "{}", addresses(&farm, 0));
    farm.say(0, ["node", "online"]);
    until("the first has all again", || has_all(&farm, 0) && has_none(&farm, 1) && has_none(&farm, 2));
}

#[test]
fn an_address_that_somebody_takes_away_is_back_and_one_that_somebody_adds_is_gone() {
    let mut farm = Farm::alone();
    farm.start();
    farm.until_settled();
    let net = format!("{VIP}/24");
    let away: Vec<Duration> = {
        let monitor = Monitor::start(&farm.nodes[0]);
        let times = 1..=5;
        let taken = times.map(|times| {
            farm.nodes[0].run(["ip", "address", "del", &net, "dev", "eth0"]);
            until("the address is back", || monitor.absences().len() == times);
        });
        taken.for_each(drop);
        monitor.absences()
    };
    println!("an address that was taken away was back after {away:?}");
    // A guest that is emulated stands still now and then.
    assert!(away.iter().min().is_some_and(|least| *least < BACK), "{away:?}");
    farm.nodes[1].run(["ip", "address", "add", &net, "dev", "eth0"]);
    until("the address is gone", || !farm.carries(1));
    let told = |index: usize, what: &str| {
        let events = farm.directors[index].happened();
        events.iter().any(|event| event.kind == "drift_repaired" && event.what.contains(what))
    };
    until("it is told", || told(0, "it is back") && told(1, "does not own it"));
}

#[test]
fn an_address_on_the_loopback_of_a_director_stays_when_it_starts() {
    let mut farm = Farm::alone();
    // So a director takes packets for the vip as a realserver by direct routing does.
    farm.nodes[1].set_sysctl("ipv4/conf/all/arp_ignore", "1");
    farm.nodes[1].add_address("lo", &format!("{VIP}/32"));
    farm.start();
    farm.until_settled();
    assert!(farm.nodes[1].run(["ip", "address", "show", "dev", "lo"]).contains(VIP));
}
