//! What resource agents are for lvsd.

/// What a resource agent is for lvsd.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Agent {
    /// It has an address.
    Address,
    /// It says what a node pings.
    Pingd,
    /// Not needed, for this reason.
    Dropped(&'static str),
    /// Something else.
    Foreign,
}

const FENCING: &str = "nothing is shot: a director without a lease gives up by itself";
const SERVICES: &str = "services and their checks are in lvsd.toml, on every director at all times";
const SNAT: &str = "source addresses are in lvsd.toml";

/// (type, what it is)
const AGENTS: &[(&str, Agent)] = &[
    ("IPaddr", Agent::Address),
    ("IPaddr2", Agent::Address),
    ("IPv6addr", Agent::Address),
    ("pingd", Agent::Pingd),
    ("ping", Agent::Pingd),
    ("ldirectord", Agent::Dropped(SERVICES)),
    ("mon", Agent::Dropped(SERVICES)),
    ("ipvsadm", Agent::Dropped(SERVICES)),
    ("SendArp", Agent::Dropped("vips are announced by themselves")),
    ("IPsrcaddr", Agent::Dropped(SNAT)),
    ("iptables", Agent::Dropped(SNAT)),
    ("MailTo", Agent::Dropped("follow `lvsd events`")),
    ("Dummy", Agent::Dropped("it does nothing")),
];

/// What an address may say that means nothing to lvsd.
pub(super) const MEANINGLESS: &[&str] = &[
    "ARP_BACKGROUND",
    "ARP_INTERVAL_MS",
    "ARP_NETMASK",
    "ARP_REPEAT",
    "arp_bg",
    "arp_count",
    "arp_interval",
    "arp_mac",
    "broadcast",
    "iflabel",
    "lvs_support",
];

impl Agent {
    /// The agent of a class and a type.
    pub(super) fn of(class: &str, kind: &str) -> Self {
        if class == "stonith" {
            return Self::Dropped(FENCING);
        }
        let known = AGENTS.iter().find(|(name, _)| *name == kind);
        known.map_or(Self::Foreign, |(_, agent)| *agent)
    }
}
