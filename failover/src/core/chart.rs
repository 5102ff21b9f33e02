//! What the committed document says, looked up once.

use std::time::Duration;

use super::Settings;
use crate::cib::Cib;
use crate::cib::score::Rules;
use crate::name::{NodeId, NodeSet, VipId};

/// What the document says.
#[derive(Clone, Debug)]
pub(super) struct Chart {
    /// What each node is worth to each vip.
    pub(super) rules: Rules,
    /// The nodes that it declares.
    pub(super) nodes: NodeSet,
    /// Who is in standby.
    pub(super) standby: NodeSet,
    /// The vips, in the order of the document.
    pub(super) vips: Vec<Vip>,
}

/// A vip, as the document has it.
#[derive(Clone, Debug)]
pub(super) struct Vip {
    pub(super) id: VipId,
    pub(super) name: String,
    /// To which node an operator moved it.
    pub(super) pin: Option<NodeId>,
    /// How often it failed at each node of late, by their ids.
    failures: Vec<u32>,
    /// So many failures bar it from a node; 0 for none.
    threshold: u32,
    /// So long after the last they are forgotten.
    pub(super) timeout: Duration,
}

impl Chart {
    pub(super) fn of(cib: &Cib, settings: &Settings) -> Self {
        let rules = Rules::of(cib);
        let failures = |vip: &String, (node, _): &(String, _)| cib.failures.get(&(vip.clone(), node.clone()));
        let vips = cib.declared.vips.iter().enumerate().map(|(place, vip)| Vip {
            id: VipId::of(&vip.name),
            name: vip.name.clone(),
            pin: rules.moved(place),
            failures: settings
                .declared
                .nodes
                .iter()
                .map(|node| failures(&vip.name, node).copied().unwrap_or_default())
                .collect(),
            threshold: vip.migration_threshold,
            timeout: vip.failure_timeout,
        });
        Self {
            vips: vips.collect(),
            nodes: (0..cib.declared.nodes.len()).filter_map(NodeId::new).collect(),
            standby: cib.standby.iter().filter_map(|name| rules.node(name)).collect(),
            rules,
        }
    }

    pub(super) fn vip(&self, id: VipId) -> Option<&Vip> {
        self.vips.iter().find(|vip| vip.id == id)
    }
}

impl Vip {
    /// How often it failed at a node.
    pub(super) fn failures(&self, node: NodeId) -> u32 {
        self.failures.get(node.index()).copied().unwrap_or_default()
    }

    /// Whether so many failures are too many.
    pub(super) const fn is_too_much(&self, failures: u32) -> bool {
        self.threshold > 0 && failures >= self.threshold
    }
}
