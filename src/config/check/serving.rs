//! Realservers as a service has them: what they leave open, it decides.

use std::cell::LazyCell;
use std::sync::Arc;

use healthcheck::Monitor;
use ipvs::{Destination, Endpoint, Family, ServiceId};

use super::Unique;
use super::forwarding::{Forwarding, Method, forward};
use super::monitor::{Adopter, Spec};
use super::realserver::{Member, Members};
use crate::config::Realserver;
use crate::config::report::{Problems, Reported, Span};

/// What a service decides for its realservers.
pub(super) struct Context<'a> {
    pub(super) problems: &'a Problems,
    /// The service as it is called in messages.
    pub(super) label: &'a str,
    pub(super) ids: &'a [ServiceId],
    pub(super) forwarding: Forwarding,
    /// Where to say what the service lacks.
    pub(super) span: Span,
    pub(super) adopter: Adopter<'a>,
}

impl Context<'_> {
    /// The service's realservers, if all are right.
    pub(super) fn realservers(&self, members: &Members) -> Result<Vec<Realserver>, Reported> {
        let unsaid = LazyCell::new(|| self.forwarding_unsaid());
        let mut endpoints = Unique::new();
        let mut realservers = Vec::with_capacity(members.list.len());
        let mut complete = members.complete;
        for member in &members.list {
            let method = member.forwarding.method().or_else(|| self.forwarding.method());
            let realserver = match method {
                Some(method) => self.realserver(member, method, &mut endpoints),
                None => Err(*unsaid),
            };
            match realserver {
                Ok(realserver) => realservers.push(realserver),
                Err(reported) => complete = Err(reported),
            }
        }
        complete?;
        self.every_id_is_served(&realservers)?;
        Ok(realservers)
    }

    /// Reports that the service leaves open what it should not.
    pub(super) fn forwarding_unsaid(&self) -> Reported {
        let what = format!("{} does not say how packets reach its realservers", self.label);
        self.problems.add(self.span, what, "add forward = \"nat\", \"dr\" or \"tun\"")
    }

    /// The monitors of those realservers that have none of their own.
    pub(super) fn monitors(
        &self,
        specs: &[Spec],
        realservers: &[Realserver],
    ) -> Result<Vec<Arc<Monitor>>, Reported> {
        let watched = realservers.iter().filter(|realserver| realserver.monitors.is_none());
        self.adopter.adopt(specs, &watched.map(|realserver| realserver.endpoint))
    }

    fn every_id_is_served(&self, realservers: &[Realserver]) -> Result<(), Reported> {
        let served = |id| realservers.iter().any(|realserver| realserver.serves(id));
        let Some(alone) = self.ids.iter().find(|&&id| !served(id)) else {
            return Ok(());
        };
        let what = format!("{} has no realserver for {alone}", self.label);
        let family = family_name(alone.family());
        let help = format!("add an {family} realserver, or use `address` instead of `vip`");
        Err(self.problems.add(self.span, what, help))
    }

    pub(super) fn realserver(
        &self,
        member: &Member,
        method: Method,
        endpoints: &mut Unique<Endpoint>,
    ) -> Result<Realserver, Reported> {
        let tunnel = match (member.forwarding.tunnel(), method) {
            (None, Method::Tun) => self.forwarding.tunnel(),
            (None, Method::Nat | Method::Dr | Method::Local) => None,
            (Some(tunnel), Method::Tun) => Some(tunnel),
            (Some(tunnel), Method::Nat | Method::Dr | Method::Local) => {
                let what = format!("{} forwards to this realserver by {method}, not by tunnel", self.label);
                return Err(self.problems.add(
                    tunnel.span,
                    what,
                    "take `tunnel` out, or add forward = \"tun\"",
                ));
            }
        };
        self.family(member, method)?;
        let port = self.port(member, method)?;
        let endpoint = Endpoint::new(member.address, port)
            .map_err(|invalid| self.problems.add(member.span, invalid.to_string(), "use the IPv4 address"))?;
        endpoints.claim(endpoint, member.span).map_err(|earlier| {
            let what = format!("{} has the realserver {endpoint} twice", self.label);
            self.problems.add_collision(member.span, earlier, what, "take one out")
        })?;
        let monitors =
            member.monitors.as_ref().map(|own| self.adopter.adopt(own, &std::iter::once(endpoint)));
        Ok(Realserver {
            name: member.name.clone(),
            endpoint,
            destination: Destination {
                forward: forward(method, tunnel),
                weight: member.weight,
                thresholds: member.thresholds,
            },
            monitors: monitors.transpose()?,
        })
    }

    fn family(&self, member: &Member, method: Method) -> Result<(), Reported> {
        let family = Family::from(member.address);
        if method == Method::Tun || self.ids.iter().any(|id| id.family() == family) {
            return Ok(());
        }
        let this = family_name(family);
        let other = family_name(match family {
            Family::V4 => Family::V6,
            Family::V6 => Family::V4,
        });
        let by_mark = self.ids.iter().any(|id| matches!(id, ServiceId::Mark { .. }));
        let what =
            format!("{} is {other} only, and {method} keeps the family: {}", self.label, member.address);
        let help = if by_mark {
            format!("add family = \"{}\" to the service, or use an {other} address", this.to_lowercase())
        } else {
            format!("use an {other} address, or forward = \"tun\"")
        };
        Err(self.problems.add(member.span, what, help))
    }

    fn port(&self, member: &Member, method: Method) -> Result<u16, Reported> {
        // All ids of a service have the same port; a mark has none.
        let service_port = self.ids.iter().find_map(|id| match id {
            ServiceId::Address { endpoint, .. } => Some(endpoint.port()),
            ServiceId::Mark { .. } => None,
        });
        let Some(port) = member.port else {
            return Ok(service_port.unwrap_or(0));
        };
        let service = self.label;
        match (service_port, method) {
            (service_port, _) if service_port.unwrap_or(0) == port.value => Ok(port.value),
            (Some(0), _) => {
                let what = format!("{service} takes every port, and packets keep theirs");
                Err(self.problems.add(port.span, what, "take the port out"))
            }
            (Some(_), Method::Nat) if port.value == 0 => {
                let help = "name the port, or leave it out: it is the service's then";
                Err(self.problems.add(port.span, "port 0 is no port of a realserver", help))
            }
            (_, Method::Nat | Method::Local) => Ok(port.value),
            (service_port, Method::Dr | Method::Tun) => {
                let what = match service_port {
                    Some(taken) => format!(
                        "{method} does not translate ports: {service} has port {taken}, this realserver {}",
                        port.value
                    ),
                    None => format!("{method} does not translate ports: {service} takes those of the mark"),
                };
                let help = "take the port out, or use forward = \"nat\"";
                Err(self.problems.add(port.span, what, help))
            }
        }
    }
}

fn family_name(family: Family) -> &'static str {
    match family {
        Family::V4 => "IPv4",
        Family::V6 => "IPv6",
    }
}
