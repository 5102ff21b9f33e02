//! What the vips have to know of the cluster.

use std::net::IpAddr;

use super::node::Placed;
use crate::config::Name;
use crate::config::check::Unique;
use crate::config::cluster::Role;
use crate::config::report::{Problems, Reported, Span};
use crate::config::section::{At, listed, quoted};

/// The nodes, and the addresses that no vip can have.
pub(in crate::config::check) struct Peers {
    /// Absent in a file without a cluster.
    nodes: Result<Option<Vec<(Name, Role)>>, Reported>,
    links: Unique<IpAddr>,
    ping_hosts: Unique<IpAddr>,
}

impl Peers {
    /// Of a file without a cluster.
    pub(super) fn none() -> Self {
        Self { nodes: Ok(None), links: Unique::new(), ping_hosts: Unique::new() }
    }

    /// Of a cluster that is wrong.
    pub(super) fn unknown(reported: Reported) -> Self {
        Self { nodes: Err(reported), ..Self::none() }
    }

    pub(super) fn know(&mut self, nodes: &Result<Vec<Placed>, Reported>) {
        let known = |nodes: &Vec<Placed>| nodes.iter().map(|node| (node.name.clone(), node.role)).collect();
        self.nodes = nodes.as_ref().map(|nodes| Some(known(nodes))).map_err(|&reported| reported);
    }

    /// Takes an address for a link.
    pub(super) fn link(&mut self, problems: &Problems, link: At<IpAddr>) -> Result<(), Reported> {
        self.links.claim(link.value, link.span).map_err(|earlier| {
            let what = format!("{} is already a link", link.value);
            problems.add_collision(link.span, earlier, what, "use each address once")
        })
    }

    /// Takes an address for a ping host.
    pub(super) fn ping_host(&mut self, problems: &Problems, host: At<IpAddr>) -> Result<(), Reported> {
        let At { value: address, span } = host;
        if let Some(&link) = self.links.0.get(&address) {
            let what = format!("{address} is a link of a node");
            let help = "ping what stands for the network, for example its router";
            return Err(problems.add_collision(span, link, what, help));
        }
        self.ping_hosts.claim(address, span).map_err(|earlier| {
            let what = format!("{address} is already a ping host");
            problems.add_collision(span, earlier, what, "take one of the two out")
        })
    }

    /// Refuses an address that stays where it is.
    pub(in crate::config::check) fn is_free(
        &self,
        problems: &Problems,
        vip: At<IpAddr>,
    ) -> Result<(), Reported> {
        let taken = [(&self.links, "a link of a node"), (&self.ping_hosts, "a ping host")];
        for (addresses, kind) in taken {
            if let Some(&earlier) = addresses.0.get(&vip.value) {
                let what = format!("{} is {kind}, and would move with the vip", vip.value);
                return Err(problems.add_collision(vip.span, earlier, what, "use an address of its own"));
            }
        }
        Ok(())
    }

    /// Whether there is a cluster.
    pub(in crate::config::check) fn are_there(&self) -> Result<bool, Reported> {
        self.nodes.as_ref().map(Option::is_some).map_err(|&reported| reported)
    }

    /// The director of this name.
    pub(in crate::config::check) fn director(
        &self,
        problems: &Problems,
        name: &str,
        span: Span,
    ) -> Result<Name, Reported> {
        let nodes = self.nodes.as_ref().map_err(|&reported| reported)?.as_deref().unwrap_or_default();
        let directors = nodes.iter().filter(|(_, role)| *role == Role::Director);
        let directors: Vec<&str> = directors.map(|(name, _)| name.as_str()).collect();
        let fault =
            |what: String| problems.add(span, what, format!("the directors are {}", listed(&directors)));
        match nodes.iter().find(|(node, _)| node.as_str() == name) {
            Some((node, Role::Director)) => Ok(node.clone()),
            Some((node, Role::Witness)) => {
                Err(fault(format!("{node} is a witness: it votes and owns nothing")))
            }
            None => Err(fault(format!("there is no node called {}", quoted(name)))),
        }
    }
}
