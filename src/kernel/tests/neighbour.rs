//! Another machine on our wire.

use std::sync::atomic::{AtomicU32, Ordering};

use super::ip;

pub(crate) const OUR_MAC: &str = "02:00:00:00:02:15";

/// The machine at the other end of `eth0`, a network of its own.
pub(crate) struct Neighbour {
    pub(crate) namespace: String,
}

impl Neighbour {
    pub(crate) fn new() -> Self {
        // Namespaces have their names in common, and tests run at the same time.
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let namespace = format!("lvsd-neighbour-{}", COUNT.fetch_add(1, Ordering::Relaxed));
        ip(&format!("netns add {namespace}"));
        let neighbour = Self { namespace };
        neighbour.connect();
        neighbour
    }

    /// Puts up the wire between us.
    pub(crate) fn connect(&self) {
        ip(&format!("link add eth0 address {OUR_MAC} type veth peer wire netns {}", self.namespace));
        ip("link set eth0 up");
        self.ip("link set wire up");
        self.ip("addr add 192.168.71.254/24 dev wire");
    }

    pub(crate) fn ip(&self, arguments: &str) -> String {
        ip(&format!("-n {} {arguments}", self.namespace))
    }

    /// Runs a command there.
    pub(crate) fn run(&self, command: &str) -> String {
        ip(&format!("netns exec {} {command}", self.namespace))
    }
}

impl Drop for Neighbour {
    fn drop(&mut self) {
        ip(&format!("netns del {}", self.namespace));
    }
}
