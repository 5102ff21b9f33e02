//! What the cluster was like.

use super::{Reader, Target};
use crate::cib::xml::element::{Element, Pairs};
use crate::cib::xml::{NodeStatus, word};

/// Before the name of a resource, the attribute that counts its failures.
pub(in crate::cib::xml) const FAIL_COUNT: &str = "fail-count-";

/// Attributes that mean nothing to lvsd.
const MEANINGLESS: &[&str] = &["probe_complete", "shutdown", "terminate"];

impl<'n> Reader<'n> {
    pub(super) fn state(&mut self, state: &Element<'n, '_>) {
        let [unames, ids] = &self.nodes;
        let (uname, id) = (state.peek("uname"), state.peek("id"));
        let known = uname.and_then(|uname| unames.get(uname)).or_else(|| id.and_then(|id| ids.get(id)));
        let name = match (known, uname.or(id)) {
            (Some(known), _) => known.clone(),
            (None, Some(name)) => self.name(state, name),
            (None, None) => return state.problem("<node_state> has no uname", "add uname=\"...\""),
        };
        let on = |name| state.peek(name).is_none_or(is_on);
        let mut node = NodeStatus {
            online: on("in_ccm") && state.peek("crmd").is_some_and(is_on),
            ..NodeStatus::default()
        };
        for child in state.descendants() {
            match child.name() {
                "transient_attributes" => self.attributes(&name, &child, &mut node),
                "lrm_resource" => {
                    let id = child.peek("id").unwrap_or_default();
                    if let Some(vip) = self.of_vip(&child, id).filter(|_| runs(&child)) {
                        node.vips.insert(vip);
                    }
                }
                _ => {}
            }
        }
        self.status.nodes.insert(name, node);
    }

    /// The vip of a resource; none if lvsd does not have it.
    fn of_vip(&self, element: &Element<'_, '_>, id: &str) -> Option<String> {
        match self.target(id) {
            Some(Target::Vip(name)) => Some(name),
            Some(Target::Dropped) => None,
            None => Some(self.name(element, id)),
        }
    }

    fn attributes(&mut self, node: &str, element: &Element<'n, '_>, status: &mut NodeStatus) {
        let mut pairs = Pairs::default();
        for set in element.children() {
            match set.name() {
                "instance_attributes" => pairs.add(&set),
                _ => set.refuse(),
            }
        }
        pairs.ignore(MEANINGLESS);
        for pair in pairs.rest() {
            if pair.name.starts_with("last-failure-") {
                continue;
            }
            if let Some(of) = pair.name.strip_prefix(FAIL_COUNT) {
                let id = of.split('#').next().unwrap_or_default();
                let count = pair.element.value(pair.value, word::count).unwrap_or_default();
                if let Some(vip) = self.of_vip(&pair.element, id) {
                    let known = self.cib.failures.entry((vip, node.to_owned())).or_default();
                    *known = known.saturating_add(count).min(1_000_000);
                }
            } else if word::is_attribute(pair.name) && word::is_comparand(pair.value) {
                let name = if self.pingd.as_deref() == Some(pair.name) { "pingd" } else { pair.name };
                status.attributes.insert(name.to_owned(), pair.value.to_owned());
            } else {
                pair.element.note(format!("{} of node {node} is not taken", word::quoted(pair.name)));
            }
        }
    }
}

/// Whether a word of a state means yes: today's Pacemaker writes when it became so.
fn is_on(word: &str) -> bool {
    matches!(word, "true" | "online") || word.parse::<u64>().is_ok_and(|since| since > 0)
}

/// Whether the last thing done with a resource left it running.
fn runs(resource: &Element<'_, '_>) -> bool {
    let field = |op: &Element<'_, '_>, names: [&str; 2]| {
        names.iter().find_map(|name| op.peek(name)).and_then(|value| value.parse::<i64>().ok())
    };
    let ops = resource.children();
    let done = ops.iter().filter(|op| field(op, ["op_status", "op-status"]).is_none_or(|status| status == 0));
    let last = done.max_by_key(|op| field(op, ["call_id", "call-id"]));
    last.is_some_and(|op| {
        let starts = matches!(op.peek("operation"), Some("start" | "monitor"));
        starts && field(op, ["rc_code", "rc-code"]) == Some(0)
    })
}
