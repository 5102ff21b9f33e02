//! Looking the names of a document up.

use super::rule::Place;
use super::{Follow, Member, Need, Rules, Wishes};
use crate::cib::{Cib, Resource};
use crate::name::{NodeId, VipId};

impl Rules {
    /// What a document says. What it says of nodes and vips that it does not declare counts nothing.
    #[must_use]
    pub fn of(cib: &Cib) -> Self {
        let declared = &cib.declared;
        let nodes = declared.nodes.iter().map(|(name, role)| Member {
            name: name.clone(),
            role: *role,
            standby: cib.standby.contains(name),
        });
        let vips: Vec<Wishes> = declared.vips.iter().map(|vip| Wishes::of(cib, vip)).collect();
        let sequence = sequence(&vips);
        Self { multiplier: declared.multiplier, nodes: nodes.collect(), vips, sequence }
    }
}

impl Wishes {
    fn of(cib: &Cib, vip: &Resource) -> Self {
        let nodes = &cib.declared.nodes;
        let vip_named = |name: &String| cib.declared.vips.iter().position(|vip| vip.name == *name);
        let node_named =
            |name: &String| nodes.iter().position(|(node, _)| node == name).and_then(NodeId::new);
        let preferred = |node| vip.prefer.get(node).copied().unwrap_or_default();
        let failed =
            |node: &String| cib.failures.get(&(vip.name.clone(), node.clone())).copied().unwrap_or_default();
        let places = cib.locations().filter(|(_, location)| location.vip == vip.name);
        let follows = cib.colocations().filter(|(_, it)| it.vip == vip.name && it.with != vip.name);
        let needs = cib.orders().filter(|(_, order)| order.then == vip.name && order.first != vip.name);
        Self {
            id: VipId::of(&vip.name),
            name: vip.name.clone(),
            stickiness: vip.stickiness,
            moved: cib.moves.get(&vip.name).and_then(node_named),
            prefer: nodes.iter().map(|(node, _)| preferred(node)).collect(),
            failures: nodes.iter().map(|(node, _)| failed(node)).collect(),
            threshold: vip.migration_threshold,
            places: places.map(|(id, location)| Place::of(id, location)).collect(),
            follows: follows
                .filter_map(|(id, it)| {
                    Some(Follow { id: id.to_owned(), with: vip_named(&it.with)?, score: it.score })
                })
                .collect(),
            needs: needs
                .filter_map(|(id, it)| Some(Need { id: id.to_owned(), first: vip_named(&it.first)? }))
                .collect(),
        }
    }

    /// The vips that have to be decided before this one.
    fn after(&self) -> impl Iterator<Item = usize> {
        let followed = self.follows.iter().map(|follow| follow.with);
        followed.chain(self.needs.iter().map(|need| need.first))
    }
}

/// All vips, in the order of the document but for those that others wait for. A circle is cut where it is entered.
fn sequence(vips: &[Wishes]) -> Vec<usize> {
    let mut entered = vec![false; vips.len()];
    let mut sequence = Vec::with_capacity(vips.len());
    for start in 0..vips.len() {
        // A vip, and whether those before it are in the sequence already.
        let mut open = vec![(start, false)];
        while let Some((vip, ready)) = open.pop() {
            if ready {
                sequence.push(vip);
            } else if let (Some(wishes), Some(entered @ false)) = (vips.get(vip), entered.get_mut(vip)) {
                *entered = true;
                open.push((vip, true));
                let mut before: Vec<usize> = wishes.after().collect();
                before.sort_unstable();
                open.extend(before.into_iter().rev().map(|vip| (vip, false)));
            }
        }
    }
    sequence
}
