//! A cable between a node and a switch: it can be cut, slowed down and made lossy.

use std::{
    process::Command,
    sync::{Arc, Mutex},
    time::Duration,
};

use super::{namespace::Namespace, process::succeed};

/// Fails and heals both directions alike.
pub(crate) struct Link {
    ends: [End; 2],
    impairment: Mutex<Impairment>,
}

/// One end of the cable; the first is the switch's port.
pub(super) struct End {
    pub(super) namespace: Arc<Namespace>,
    pub(super) name: String,
}

#[derive(Default)]
struct Impairment {
    delay: Duration,
    loss_percent: u8,
}

impl Link {
    pub(super) fn new(port: End, interface: End) -> Self {
        Self { ends: [port, interface], impairment: Mutex::default() }
    }

    /// Pulls the plug: the node sees its interface without carrier.
    pub(crate) fn cut(&self) {
        let [port, _] = &self.ends;
        port.namespace.rtnl.set_down(&port.name);
    }

    /// As good as new: plugged in, no delay, no loss.
    pub(crate) fn heal(&self) {
        let [port, _] = &self.ends;
        port.namespace.rtnl.set_up(&port.name);
        self.impair(|impairment| *impairment = Impairment::default());
    }

    /// Delays every packet, each way.
    pub(crate) fn delay(&self, delay: Duration) {
        self.impair(|impairment| impairment.delay = delay);
    }

    /// Loses this many of a hundred packets, each way, without a word: the carrier stays.
    pub(crate) fn loss(&self, percent: u8) {
        self.impair(|impairment| impairment.loss_percent = percent);
    }

    fn impair(&self, change: impl FnOnce(&mut Impairment)) {
        let mut impairment = self.impairment.lock().expect("no other user panics");
        let before = impairment.is_none();
        change(&mut impairment);
        if before && impairment.is_none() {
            return;
        }
        let delay = format!("{}us", impairment.delay.as_micros());
        let loss = format!("{}%", impairment.loss_percent);
        for End { namespace, name } in &self.ends {
            let mut tc = Command::new("tc");
            if impairment.is_none() {
                tc.args(["qdisc", "del", "dev", name, "root"]);
            } else {
                tc.args(["qdisc", "replace", "dev", name, "root", "netem", "limit", "10000"]);
                tc.args(["delay", &delay, "loss", &loss]);
            }
            succeed(&namespace.enter(|| tc.output()), &tc);
        }
    }
}

impl Impairment {
    fn is_none(&self) -> bool {
        self.delay.is_zero() && self.loss_percent == 0
    }
}
