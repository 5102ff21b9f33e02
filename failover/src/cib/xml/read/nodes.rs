//! Nodes.

use super::Reader;
use crate::cib::xml::element::{Element, Pairs};
use crate::cib::xml::word;
use crate::core::Role;
use crate::name::MAX_NODES;

impl<'n> Reader<'n> {
    pub(super) fn node(&mut self, node: &Element<'n, '_>) {
        let id = node.label();
        let kind = node.required(&["type"]);
        let uname = node.required(&["uname"]);
        node.ignore(&["description"]);
        node.end();
        let mut pairs = Pairs::default();
        for child in node.children() {
            match child.name() {
                "instance_attributes" => pairs.add(&child),
                _ => child.refuse(),
            }
        }
        let (Some(uname), Some(kind)) = (uname, kind) else { return };
        match kind {
            "normal" | "member" => {}
            "ping" => {
                return node
                    .note(format!("node {}: ping hosts are in `ping` of lvsd.toml", word::quoted(uname)));
            }
            other => {
                return node.problem(
                    format!("there are no nodes of type {}", word::quoted(other)),
                    "use type=\"normal\"",
                );
            }
        }
        let name = self.name(node, uname);
        let role = match pairs.take(&["lvsd_role"]).map(|pair| pair.value) {
            Some("witness") => Role::Witness,
            _ => Role::Director,
        };
        let standby = pairs.read(&["standby"], word::boolean).unwrap_or_default();
        // A witness is one that Heartbeat places nothing on.
        let standby = match role {
            Role::Director => standby,
            Role::Witness => pairs.read(&["lvsd_standby"], word::boolean).unwrap_or_default(),
        };
        for pair in pairs.rest() {
            pair.element.note(format!("{} of node {name} is not taken", word::quoted(pair.name)));
            self.fixed.insert(pair.name.to_owned());
        }
        let nodes = &mut self.cib.declared.nodes;
        if nodes.iter().any(|(known, _)| *known == name) {
            return node.problem(format!("there is already a node called {name}"), "take one of the two out");
        }
        if nodes.len() == MAX_NODES {
            return node.problem(format!("there are more than {MAX_NODES} nodes"), "take the others out");
        }
        nodes.push((name.clone(), role));
        if standby {
            self.cib.standby.insert(name.clone());
        }
        let [unames, ids] = &mut self.nodes;
        unames.insert(uname.to_owned(), name.clone());
        ids.insert(id.unwrap_or(uname).to_owned(), name);
    }
}
