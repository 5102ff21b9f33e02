//! Constraints, and what they are called.

mod location;

use sha2::{Digest, Sha256};

use super::{Reader, Target};
use crate::cib::xml::Dialect;
use crate::cib::xml::element::Element;
use crate::cib::xml::word::{self, quoted};
use crate::cib::{Colocation, Constraint, Order};
use crate::score::Score;

/// Before the name of a vip, the id of the location that says which nodes it prefers, as `haresources2cib.py` has it.
pub(in crate::cib::xml) const PREFER: &str = "rsc_location_";
/// Before the name of a vip, the id of the location that moves it, as `crm_resource --migrate` has it.
pub(in crate::cib::xml) const MOVE: &str = "cli-prefer-";
/// Before the id of a constraint that would be mistaken for something else.
const OWN: &str = "lvsd.";

/// What a constraint of a document is called in XML: its id, unless that would mean something else there. Pacemaker takes
/// no id that has a colon, or does not start with a letter.
pub(in crate::cib::xml) fn encoded(id: &str, dialect: Dialect, taken: impl Fn(&str) -> bool) -> String {
    let mistaken = [OWN, PREFER, MOVE].iter().any(|prefix| id.starts_with(prefix)) || taken(id);
    let valid = id.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') && !id.contains(':');
    match dialect {
        Dialect::Heartbeat if mistaken => format!("{OWN}{id}"),
        Dialect::Pacemaker if mistaken || !valid => {
            format!("{OWN}{}", id.replace('_', "__").replace(':', "_."))
        }
        _ => id.to_owned(),
    }
}

/// The reverse of it.
fn decoded(id: &str, dialect: Dialect, taken: impl Fn(&str) -> bool) -> String {
    let meant = id.strip_prefix(OWN).map(|rest| match dialect {
        Dialect::Heartbeat => rest.to_owned(),
        Dialect::Pacemaker => {
            rest.split("__").map(|part| part.replace("_.", ":")).collect::<Vec<_>>().join("_")
        }
    });
    meant.filter(|meant| encoded(meant, dialect, taken) == id).unwrap_or_else(|| id.to_owned())
}

impl<'n> Reader<'n> {
    pub(super) fn constraint(&mut self, constraint: &Element<'n, '_>) {
        match constraint.name() {
            "rsc_location" => self.location(constraint),
            "rsc_colocation" => self.colocation(constraint),
            _ => self.order(constraint),
        }
        constraint.end();
    }

    /// The vip that a constraint is about; none if that is not taken, and so neither is the constraint.
    fn vip_of(&self, constraint: &Element<'n, '_>, id: &str) -> Option<String> {
        match self.target(id) {
            Some(Target::Vip(name)) => Some(name),
            Some(Target::Dropped) => {
                let tag = constraint.name();
                constraint.note(format!("a {tag} is dropped with what it is about: {}", quoted(id)));
                None
            }
            None => {
                if self.whole {
                    constraint.note(format!("there is no resource {}", quoted(id)));
                }
                Some(self.name(constraint, id))
            }
        }
    }

    /// The name of a constraint. The same text is always called the same.
    fn id_of(&self, constraint: &Element<'n, '_>) -> String {
        let taken = |id: &str| self.cib.declared.vips.iter().any(|vip| vip.name == id);
        if let Some(id) = constraint.label() {
            self.name(constraint, &decoded(id, self.dialect, taken))
        } else {
            let [a, b, c, d, ..] = <[u8; 32]>::from(Sha256::digest(constraint.source()));
            format!("{}-{a:02x}{b:02x}{c:02x}{d:02x}", constraint.name())
        }
    }

    pub(super) fn add_constraint(&mut self, element: &Element<'n, '_>, id: String, constraint: Constraint) {
        if self.cib.constraints.contains_key(&id) {
            element.problem(format!("there is already a constraint {id}"), "give each an id of its own");
        }
        self.cib.constraints.insert(id, constraint);
    }

    fn colocation(&mut self, colocation: &Element<'n, '_>) {
        let id = self.id_of(colocation);
        let from = colocation.required(&["from", "rsc"]);
        let to = colocation.required(&["to", "with-rsc"]);
        let score = colocation.required(&["score"]);
        started(colocation, &["from_role", "rsc-role"]);
        started(colocation, &["to_role", "with-rsc-role"]);
        if colocation.read(&["symmetrical"], word::boolean) == Some(true) {
            colocation.problem("vips do not follow each other", "write a second one, the other way round");
        }
        let score = score.and_then(|score| colocation.value(score, word::score));
        let (Some(from), Some(to), Some(score)) = (from, to, score) else { return };
        let (Some(vip), Some(with)) = (self.vip_of(colocation, from), self.vip_of(colocation, to)) else {
            return;
        };
        if vip == with && from != to {
            return colocation.note(format!("a rsc_colocation is dropped: both are of vip {vip}"));
        }
        self.add_constraint(colocation, id, Constraint::Colocation(Colocation { vip, with, score }));
    }

    fn order(&mut self, order: &Element<'n, '_>) {
        let id = self.id_of(order);
        let (first, then) = if let Some(first) = order.optional(&["first"]) {
            (Some(first), order.required(&["then"]))
        } else {
            let from = order.required(&["from"]);
            let to = order.required(&["to"]);
            match order.optional(&["type"]) {
                None | Some("after") => (to, from),
                Some("before") => (from, to),
                Some(other) => {
                    order.problem(format!("there is no type {}", quoted(other)), "use before, after");
                    (None, None)
                }
            }
        };
        for action in [&["action", "first-action"], &["to_action", "then-action"]] {
            if let Some(action) = order.optional(action).filter(|action| *action != "start") {
                order.problem(format!("{} is not ordered", quoted(action)), "vips only start after others");
            }
        }
        if order.read(&["symmetrical"], word::boolean) == Some(false) {
            order.note(
                "a vip is given up as soon as that which it needs is nowhere, whatever symmetrical says",
            );
        }
        let optional = order.read(&["score"], word::score) == Some(Score::default());
        let optional = optional || matches!(order.optional(&["kind"]), Some("Optional" | "Serialize"));
        let (Some(first), Some(then)) = (first, then) else { return };
        let (Some(first_vip), Some(then_vip)) = (self.vip_of(order, first), self.vip_of(order, then)) else {
            return;
        };
        if optional {
            return order.note("a rsc_order is dropped: that which is not necessary is not waited for");
        }
        if first_vip == then_vip && first != then {
            return order.note(format!("a rsc_order is dropped: both are of vip {first_vip}"));
        }
        self.add_constraint(order, id, Constraint::Order(Order { first: first_vip, then: then_vip }));
    }
}

/// Complains of a role that vips do not have.
fn started(element: &Element<'_, '_>, names: &'static [&'static str]) {
    if let Some(role) = element.optional(names).filter(|role| !role.eq_ignore_ascii_case("started")) {
        element.problem(format!("vips have no role {}", quoted(role)), "take it out");
    }
}
