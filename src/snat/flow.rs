//! Flows that netfilter knows, and which of them have a source that no rule gives any more, or not yet the one they
//! should have.
//!
//! Rules decide on the first packet of a flow, and the flow keeps what was decided. So flows that began before a rule
//! was there go on with the wrong source as long as somebody uses them, and those that have the address of a vip that
//! left go on with an address that is another director's. These are forgotten: their next packet begins a new flow.
//! TCP and SCTP would not survive another source; a connection that works is left alone.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::rule::{Act, Guard, Rule, family_of};
use crate::config::{Carried, Interface, Traffic};

/// A flow: what its first packet had, and what the answer to it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flow {
    /// The number of its protocol.
    pub protocol: u8,
    /// As it began.
    pub original: Tuple,
    /// As it is answered.
    pub reply: Tuple,
}

/// From where to where a packet goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tuple {
    /// Whence.
    pub source: IpAddr,
    /// Whither.
    pub destination: IpAddr,
    /// The port whither; 0 where there are no ports.
    pub port: u16,
}

/// What has to be known to judge flows.
#[derive(Clone, Debug, Default)]
pub struct Stale {
    /// The rules in force.
    pub rules: Vec<Rule>,
    /// The sources that rules gave before.
    pub former: BTreeSet<IpAddr>,
    /// This machine's own addresses, and those of services: what is sent to them is not sent by rules.
    pub local: BTreeSet<IpAddr>,
}

impl Stale {
    /// The interfaces that matter.
    #[must_use]
    pub fn interfaces(&self) -> BTreeSet<Interface> {
        let out = self.rules.iter().filter_map(|rule| match &rule.guard {
            Guard::Traffic(_, traffic) => traffic.out.clone(),
            Guard::Service(_) | Guard::Heartbeat(..) => None,
        });
        out.collect()
    }

    /// Whether a flow has to be forgotten. `leaves_by` says by which interface packets to an address leave.
    #[must_use]
    pub fn is(&self, flow: &Flow, leaves_by: impl Fn(IpAddr) -> Option<Interface>) -> bool {
        let source = flow.reply.destination;
        let translated = source != flow.original.source;
        // What came to this machine, or for a service, was not sent by it.
        if self.local.contains(&flow.original.destination) {
            return false;
        }
        let given = self.rules.iter().any(|rule| rule.act == Act::Source(source));
        if translated && self.former.contains(&source) && !given {
            return true;
        }
        if is_connection(flow.protocol) {
            return false;
        }
        let Some(rule) = self.rules.iter().find(|rule| rule.guard.fits(flow, &leaves_by)) else {
            // The vip is here, and a rule for this flow is not.
            return translated && self.former.contains(&source);
        };
        match rule.act {
            Act::Source(address) => source != address,
            Act::Masquerade => matches!(rule.guard, Guard::Traffic(..)) && !translated,
            Act::Leave => false,
        }
    }
}

fn is_connection(protocol: u8) -> bool {
    [Carried::Tcp, Carried::Sctp].iter().any(|carried| carried.number() == protocol)
}

impl Guard {
    fn fits(&self, flow: &Flow, leaves_by: &impl Fn(IpAddr) -> Option<Interface>) -> bool {
        let Tuple { source, destination, port } = flow.original;
        match self {
            Self::Heartbeat(to, at) => {
                destination == *to && port == *at && flow.protocol == Carried::Udp.number()
            }
            // To a service's address; see `Stale::local`. Marks are not in a flow.
            Self::Service(_) => false,
            Self::Traffic(family, traffic) => {
                let Traffic { out, source: from, destination: to, protocol, ports } = traffic;
                family_of(destination) == *family
                    && from.is_none_or(|net| net.contains(&source))
                    && to.is_none_or(|net| net.contains(&destination))
                    && protocol.is_none_or(|protocol| protocol.number() == flow.protocol)
                    && (ports.is_empty() || ports.iter().any(|ports| ports.contains(&port)))
                    && out.as_ref().is_none_or(|out| leaves_by(destination).as_ref() == Some(out))
            }
        }
    }
}
