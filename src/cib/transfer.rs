//! Whether an operator can move a vip: asked of the forecast with the move in it, before anything is changed.

use failover::NodeId;
use failover::cib::Cib;
use failover::cib::score::{Reason, Term};
use failover::message::Bar;

use super::forecast::Prospect;
use super::scene::Scene;

/// How directors come to agree on what is declared.
pub(super) const SAME_FILE: &str = "give all directors the same lvsd.toml";
/// How to take a constraint out.
const TAKE_OUT: &str = "out of the document (`lvsd cib query`, `lvsd cib replace`)";

impl Scene {
    /// Why a vip would not go to a node if it were moved there, and what helps; nothing if it would.
    #[must_use]
    pub fn refuses(&self, vip: &str, node: NodeId) -> Option<String> {
        let Some(prospect) = self.prospect(vip, Some(node)) else { return Some(undeclared()) };
        let Some(chance) = prospect.chance(node) else {
            return Some("the document in force does not declare the node".to_owned());
        };
        chance.objection.clone()
    }

    /// The best node for a vip among those that do not have it, or why there is none.
    pub fn elsewhere(&self, vip: &str) -> Result<NodeId, String> {
        let prospect = self.prospect(vip, None).ok_or_else(undeclared)?;
        let others = || prospect.chances.iter().filter(|chance| Some(chance.node) != prospect.now);
        let best = others().filter(|chance| chance.obstacle.is_none()).max_by_key(|chance| chance.rank);
        best.map(|chance| chance.node).ok_or_else(|| {
            let each = others().filter_map(|it| Some(format!("{}: {}", it.name, it.obstacle.as_ref()?)));
            format!("no other director can have it ({})", each.collect::<Vec<_>>().join("; "))
        })
    }

    /// What becomes of a vip once it is moved to a node, or once no move of it counts.
    fn prospect(&self, vip: &str, to: Option<NodeId>) -> Option<Prospect> {
        let mut cib = Cib::clone(self.committed());
        let to = to.and_then(|node| cib.declared.nodes.get(node.index())).map(|(name, _)| name.clone());
        cib.moves.remove(vip);
        cib.moves.extend(to.map(|name| (vip.to_owned(), name)));
        self.forecast(&cib).into_iter().find(|prospect| prospect.vip == vip)
    }
}

fn undeclared() -> String {
    format!("the document in force does not declare it; {SAME_FILE}")
}

/// What forbids a vip a node, in a sentence; and what an operator can do about it.
pub(super) fn objection(vip: &str, node: &str, vetoes: &[&Term<'_>]) -> String {
    let why = vetoes.iter().map(|veto| match veto.reason {
        Reason::Preferred { .. } => "the file says \"never\"".to_owned(),
        Reason::Barred(Bar::Failed)
        | Reason::Failed(_)
        | Reason::Left
        | Reason::NotHeard
        | Reason::Standby
        | Reason::Witness => format!("it {veto}"),
        _ => veto.to_string(),
    });
    let why = why.collect::<Vec<_>>().join(", ");
    let help = vetoes.iter().filter_map(|veto| remedy(vip, node, &veto.reason));
    std::iter::once(why).chain(help).collect::<Vec<_>>().join("; ")
}

/// What an operator can do about what forbids a vip a node, where he can do anything.
fn remedy(vip: &str, node: &str, veto: &Reason<'_>) -> Option<String> {
    Some(match veto {
        Reason::Standby => format!("say `lvsd node online {node}` first"),
        Reason::Failed(_) | Reason::Barred(Bar::Failed) => {
            format!("say `lvsd vip cleanup {vip} {node}` first")
        }
        Reason::Preferred { .. } => format!("change `prefer` of {vip} in it"),
        Reason::Location { id, .. } => format!("take location {id} {TAKE_OUT}"),
        Reason::Follows { id, with, together: false } => {
            format!("move {with} there, or take colocation {id} {TAKE_OUT}")
        }
        Reason::Follows { id, with, together: true } => {
            format!("move {with} elsewhere first, or take colocation {id} {TAKE_OUT}")
        }
        Reason::Waits { id, first } => format!("see why {first} is nowhere, or take order {id} {TAKE_OUT}"),
        Reason::Barred(Bar::Unknown) => SAME_FILE.to_owned(),
        Reason::Barred(Bar::Carrier | Bar::Foreign)
        | Reason::Witness
        | Reason::Left
        | Reason::NotHeard
        | Reason::Sticky
        | Reason::Moved => return None,
    })
}

#[cfg(test)]
mod tests;
