//! The daemons that share a vip: what they are told, and how they are started.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::time::Duration;

use crate::farm::{NAMES, VIP};
use crate::lab::network::{Node, Process};
use crate::web;

/// Who keeps the vip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Brand {
    Lvsd,
    Keepalived,
}

/// How fast they are to be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timing {
    /// From heartbeat to heartbeat, for both.
    pub(crate) heartbeat: Duration,
    /// Lvsd's; keepalived's follows from the heartbeat.
    pub(crate) deadtime: Duration,
}

impl Brand {
    pub(crate) const ALL: [Self; 2] = [Self::Lvsd, Self::Keepalived];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Lvsd => "lvsd",
            Self::Keepalived => "keepalived",
        }
    }

    /// Writes its files.
    pub(crate) fn prepare(self, node: &Node, index: usize, timing: &Timing) {
        let write = |name: &str, text: String| {
            let path = node.directory().join(name);
            fs::write(&path, text).expect("the lab's directory is writable");
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("a mode");
        };
        match self {
            Self::Lvsd => {
                write("authkeys", "auth 1\n1 sha256 the laboratory's own secret\n".to_owned());
                write("lvsd.toml", lvsd_file(timing));
            }
            Self::Keepalived => {
                write("keepalived.conf", keepalived_file(index, timing));
                web::write_table(node);
            }
        }
        web::take_over_connections(node);
    }

    /// Starts it with them.
    pub(crate) fn spawn(self, node: &Node) -> Process {
        let file = |name: &str| node.directory().join(name);
        let mut command = match self {
            Self::Lvsd => Command::new(env!("CARGO_BIN_EXE_lvsd")),
            Self::Keepalived => Command::new("keepalived"),
        };
        match self {
            Self::Lvsd => command
                .env("STATE_DIRECTORY", node.directory())
                .args(["run", "--node", node.name(), "-c"])
                .arg(file("lvsd.toml"))
                .arg("--socket")
                .arg(file("lvsd.sock")),
            Self::Keepalived => command
                .args(["--dont-fork", "--vrrp", "--no-syslog", "--log-console", "--use-file"])
                .arg(file("keepalived.conf"))
                .arg("--pid")
                .arg(file("keepalived.pid"))
                .arg("--vrrp_pid")
                .arg(file("vrrp.pid")),
        };
        node.spawn(self.name(), command)
    }
}

fn lvsd_file(timing: &Timing) -> String {
    let node = |(number, name): (u8, &str)| {
        let (heartbeat, service) = (200 + number, 20 + number);
        format!(
            "  {{ name = \"{name}\", links = [\"192.168.68.{heartbeat}\", \"192.168.71.{service}\"] }},\n"
        )
    };
    let nodes: Vec<String> = (1..).zip(NAMES).map(node).collect();
    format!(
        "[cluster]\nname = \"web\"\nnodes = [\n{}]\nkeepalive = \"{}ms\"\ndeadtime = \"{}ms\"\n\n\
         [[vip]]\nname = \"web\"\naddresses = [\"{VIP}/24\"]\ninterface = \"eth0\"\nprefer = {{ {} = 200 }}\n{}",
        nodes.concat(),
        timing.heartbeat.as_millis(),
        timing.deadtime.as_millis(),
        NAMES[0],
        web::service(),
    )
}

/// As the manual page has it: preempting, multicast on the heartbeat network, all else as it comes.
fn keepalived_file(index: usize, timing: &Timing) -> String {
    let priority = 150 - 50 * index;
    format!(
        "global_defs {{\n  router_id {}\n}}\n\
         vrrp_instance web {{\n  version 3\n  state BACKUP\n  interface eth1\n  virtual_router_id 51\n  \
         priority {priority}\n  advert_int {}\n  track_interface {{\n    eth0\n  }}\n  \
         virtual_ipaddress {{\n    {VIP}/24 dev eth0\n  }}\n}}\n",
        NAMES[index],
        timing.heartbeat.as_secs_f64(),
    )
}
