//! Three directors that share a vip, and a station that asks for it.
//!
//! ```text
//!  station --+-- service network 192.168.71.0/24 --+-- realserver
//!            |            |            |           |
//!            |        litsha21     litsha22    litsha23
//!            |            |            |           |
//!            |         heartbeat network 192.168.68.0/24
//! ```

use std::net::Ipv4Addr;
use std::time::Duration;

use nix::sys::signal::Signal;

use crate::asker::{Asker, Echo};
use crate::daemon::{Brand, Timing};
use crate::lab::network::{Lab, Node, Process};
use crate::lab::patience::until;
use crate::lab::visitor::Visitor;
use crate::lab::watcher::Watcher;
use crate::web::{REALSERVER, Web};

pub(crate) const VIP: &str = "192.168.71.205";
pub(crate) const NAMES: [&str; 3] = ["litsha21", "litsha22", "litsha23"];
const STATION: &str = "192.168.71.99";

/// What has been as it should be for so long stays so.
const STEADY: Duration = Duration::from_millis(1500);

/// The network with all daemons of one brand; the first director is preferred.
pub(crate) struct Farm {
    pub(crate) asker: Asker,
    pub(crate) directors: Vec<Director>,
    station: Node,
    _web: Web,
    _lab: Lab,
}

/// A director, whose daemon can be stopped and started.
pub(crate) struct Director {
    pub(crate) node: Node,
    pub(crate) address: Ipv4Addr,
    daemon: Process,
    _echo: Echo,
}

impl Farm {
    /// Starts everything, and waits until the preferred director has the vip.
    pub(crate) fn start(brand: Brand, timing: &Timing) -> Self {
        let lab = Lab::new();
        let [service, heartbeat] = [(); 2].map(|()| lab.switch());
        let station = lab.node("station").link(&service, &format!("{STATION}/24"));
        let realserver = lab.node("realserver").link(&service, &format!("{REALSERVER}/24"));
        let director = |(number, name): (u8, &str)| {
            let address = Ipv4Addr::new(192, 168, 71, 20 + number);
            let node = lab
                .node(name)
                .link(&service, &format!("{address}/24"))
                .link(&heartbeat, &format!("192.168.68.{}/24", 200 + number));
            brand.prepare(&node, usize::from(number - 1), timing);
            (address, node)
        };
        let nodes: Vec<_> = (1..).zip(NAMES).map(director).collect();
        let started = nodes.into_iter().map(|(address, node)| Director {
            daemon: brand.spawn(&node),
            _echo: Echo::start(&node),
            address,
            node,
        });
        let farm = Self {
            directors: started.collect(),
            asker: Asker::start(&station, VIP.parse().expect("an address")),
            station,
            _web: Web::start(&realserver),
            _lab: lab,
        };
        farm.settle();
        farm
    }

    /// The preferred director.
    pub(crate) fn first(&self) -> &Director {
        &self.directors[0]
    }

    /// Stops the daemon of the preferred director.
    pub(crate) fn stop(&mut self) {
        self.directors[0].daemon.signal(Signal::SIGTERM);
    }

    /// Starts it again.
    pub(crate) fn start_again(&mut self, brand: Brand) {
        let first = &mut self.directors[0];
        first.daemon.wait();
        first.daemon = brand.spawn(&first.node);
        self.settle();
    }

    /// Waits until the preferred director has the vip, and all is quiet.
    pub(crate) fn settle(&self) {
        let by = self.first().address;
        until("the preferred director has the vip", || self.asker.is_steady(by, STEADY));
    }

    /// Waits until another director has it.
    pub(crate) fn settle_elsewhere(&self) {
        let others: Vec<Ipv4Addr> = self.directors[1..].iter().map(|it| it.address).collect();
        let lately = Duration::from_millis(300);
        until("another director has the vip", || others.iter().any(|by| self.asker.is_steady(*by, lately)));
    }

    /// Has the station ask by ARP who has the vip.
    pub(crate) fn watch(&self) -> Watcher {
        Watcher::start(&self.station, STATION, VIP)
    }

    /// Has the station ask by HTTP, over and over, and leave it to its kernel to send again what is lost.
    pub(crate) fn visit(&self) -> Visitor {
        Visitor::patient(&self.station, &format!("{VIP}:80"))
    }

    /// Stops all daemons as they are meant to be stopped.
    pub(crate) fn end(mut self) {
        for director in &self.directors {
            director.daemon.signal(Signal::SIGTERM);
        }
        for director in &mut self.directors {
            director.daemon.wait();
        }
    }
}

impl Director {
    pub(crate) fn process(&self) -> u32 {
        self.daemon.id()
    }
}
