//! The rules that a file asks for: those that always hold, and those of each vip.

use std::collections::BTreeSet;

use failover::VipId;
use ipvs::Family;

use super::rule::{Act, Guard, Rule, family_of};
use super::script::Present;
use crate::config::{Config, Traffic};

/// All rules of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Catalogue {
    /// Heartbeats, where there is a rule that could take them along.
    heartbeats: Vec<Rule>,
    /// The packets of services, where netfilter sees them.
    services: Vec<Rule>,
    /// Vips with rules, in the file's order.
    vips: Vec<(VipId, Vec<Rule>)>,
    /// What comes last.
    last: Vec<Rule>,
    /// This director stands alone: all vips are its own.
    alone: bool,
}

impl Catalogue {
    /// The rules of a file.
    #[must_use]
    pub fn of(config: &Config) -> Self {
        let vips: Vec<(VipId, Vec<Rule>)> = config
            .vips
            .iter()
            .filter(|vip| !vip.snat.is_empty())
            .map(|vip| {
                let of = format!("vip {}", vip.name);
                let rule = |to, traffic: &Traffic| Rule {
                    of: of.clone(),
                    guard: Guard::Traffic(family_of(to), traffic.clone()),
                    act: Act::Source(to),
                };
                let rules =
                    vip.snat.iter().flat_map(|snat| snat.to.iter().map(|to| rule(*to, &snat.traffic)));
                (VipId::of(vip.name.as_str()), rules.collect())
            })
            .collect();
        let last: Vec<Rule> = config.host.masquerade.iter().flat_map(masquerade).collect();
        let (heartbeats, services) = (heartbeats(config), services(config));
        Self { heartbeats, services, vips, last, alone: config.cluster.is_none() }
    }

    /// The rules that hold while these vips are here.
    #[must_use]
    pub fn rules(&self, here: &BTreeSet<VipId>) -> Vec<Rule> {
        let vips = self.vips.iter().filter(|(vip, _)| self.alone || here.contains(vip));
        let broad: Vec<&Rule> = vips.flat_map(|(_, rules)| rules).chain(&self.last).collect();
        let heartbeats = self.heartbeats.iter().filter(|_| !broad.is_empty());
        heartbeats.chain(&self.services).chain(broad.iter().copied()).cloned().collect()
    }

    /// The rules of a vip.
    #[must_use]
    pub fn rules_of(&self, vip: VipId) -> &[Rule] {
        self.vips.iter().find(|(known, _)| *known == vip).map(|(_, rules)| &rules[..]).unwrap_or_default()
    }

    /// The vips of which rules are there.
    #[must_use]
    pub fn seen(&self, present: &[Present]) -> BTreeSet<VipId> {
        let has = |of: &str| present.iter().any(|it| it.owner() == Some(of));
        let seen = self.vips.iter().filter(|(_, rules)| rules.first().is_some_and(|rule| has(&rule.of)));
        seen.map(|(vip, _)| *vip).collect()
    }

    /// Whether there are rules without regard to a cluster.
    #[must_use]
    pub fn has_lasting(&self) -> bool {
        !self.rules(&BTreeSet::new()).is_empty()
    }

    /// Whether there can be any rule.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.services.is_empty() && self.vips.is_empty() && self.last.is_empty()
    }
}

/// A rule that is for all packets by an interface must not take the heartbeats with it.
fn heartbeats(config: &Config) -> Vec<Rule> {
    let Some(cluster) = &config.cluster else { return Vec::new() };
    let rule =
        |to| Rule { of: "cluster".to_owned(), guard: Guard::Heartbeat(to, cluster.port), act: Act::Leave };
    cluster.nodes.iter().flat_map(|node| &node.links).map(|to| rule(*to)).collect()
}

/// Where one service needs conntrack, netfilter sees the packets of all: those of the others keep their source.
fn services(config: &Config) -> Vec<Rule> {
    if !config.services.iter().any(|service| service.source_nat) {
        return Vec::new();
    }
    let rules = config.services.iter().flat_map(|service| {
        let act = if service.source_nat { Act::Masquerade } else { Act::Leave };
        let of = format!("service {}", service.name);
        service.ids.iter().map(move |id| Rule { of: of.clone(), guard: Guard::Service(*id), act })
    });
    rules.collect()
}

fn masquerade(traffic: &Traffic) -> Vec<Rule> {
    let said = traffic.source.or(traffic.destination).map(|net| family_of(net.addr()));
    let families = match said {
        Some(family) => vec![family],
        None => vec![Family::V4, Family::V6],
    };
    let rule = |family| Rule {
        of: "host".to_owned(),
        guard: Guard::Traffic(family, traffic.clone()),
        act: Act::Masquerade,
    };
    families.into_iter().map(rule).collect()
}
