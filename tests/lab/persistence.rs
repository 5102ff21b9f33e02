//! The same client comes back to the same realserver; who is the same, the netmask says.

use crate::{
    director::Director,
    realserver::{Forward, Realserver},
    stage::{Stage, service},
};

const SERVER: &str = "192.168.71.205:80";
const NEIGHBOUR: &str = "192.168.4.101";
const STRANGER: &str = "192.168.5.100";

/// A client with three addresses: its own, one of the same /24, and one of another.
struct Persistent {
    stage: Stage,
    _realservers: [Realserver; 2],
    _director: Director,
}

impl Persistent {
    fn new(keys: &str) -> Self {
        let stage = Stage::new();
        stage.client.add_address("eth0", &format!("{NEIGHBOUR}/24"));
        stage.client.add_address("eth0", &format!("{STRANGER}/24"));
        stage.router.add_address("eth0", "192.168.5.1/24");
        let realservers = stage.realservers(Forward::Nat);
        let keys = format!("vip = 'web'\nport = 80\nscheduler = 'rr'\npersistent = '300s'\n{keys}");
        let director = stage.direct(&service(&keys, realservers.iter().map(Realserver::toml)));
        Self { stage, _realservers: realservers, _director: director }
    }

    fn ask(&self) -> String {
        self.stage.client.ask(SERVER).unwrap()
    }

    fn ask_from(&self, address: &str) -> String {
        self.stage.client.connect_from(&format!("{address}:0"), SERVER).unwrap().realserver
    }
}

#[test]
fn a_client_stays_and_its_neighbour_moves_on() {
    let persistent = Persistent::new("");
    let mine = persistent.ask();
    let neighbours = persistent.ask_from(NEIGHBOUR);
    assert_ne!(neighbours, mine);

    for _ in 0..3 {
        assert_eq!(persistent.ask(), mine);
        assert_eq!(persistent.ask_from(NEIGHBOUR), neighbours);
    }
}

#[test]
fn a_netmask_keeps_a_whole_network_together() {
    let persistent = Persistent::new("netmask = '255.255.255.0'");
    let mine = persistent.ask();
    assert_eq!(persistent.ask_from(NEIGHBOUR), mine);
    assert_ne!(persistent.ask_from(STRANGER), mine);
    assert_eq!(persistent.ask_from(NEIGHBOUR), mine);
}
