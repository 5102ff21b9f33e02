//! What changes a document.

use super::{Cib, Declared};

impl Cib {
    /// Says what the files declare now. What was said of nodes and vips that are not declared any more is dropped.
    pub fn declare(&mut self, declared: Declared) {
        let has_node = |name: &String| declared.nodes.iter().any(|(known, _)| known == name);
        let has_vip = |name: &String| declared.vips.iter().any(|known| known.name == *name);
        self.standby.retain(|node| has_node(node));
        self.moves.retain(|vip, node| has_vip(vip) && has_node(node));
        self.failures.retain(|(vip, node), _| has_vip(vip) && has_node(node));
        self.declared = declared;
    }
}
