//! Scores that do not do what they look like. Found out by counting them.

use std::cmp::Reverse;

use super::Finding;
use crate::NodeId;
use crate::cib::score::{Node, Reason, Rules, Situation};
use crate::cib::{Cib, Worth};
use crate::core::{NodeState, Role};
use crate::score::Score;

/// The most hosts that are pinged.
const MOST_HOSTS: u32 = 16;

pub(super) fn weighed(cib: &Cib, ping_hosts: Option<u32>) -> Vec<Finding> {
    // A part of a document says nothing of what it does not show.
    if cib.declared.nodes.is_empty() {
        return Vec::new();
    }
    let scales = Scales { cib, rules: Rules::of(cib), ping_hosts };
    let rules = cib.locations().filter_map(|(id, location)| scales.dead_rule(id, &location.worth));
    let vips = 0..cib.declared.vips.len();
    let vips = vips.flat_map(|vip| {
        let nowhere = scales.nowhere(vip);
        let held = scales.held(vip).filter(|_| nowhere.is_none());
        [nowhere, held].into_iter().flatten()
    });
    rules.chain(vips).collect()
}

struct Scales<'a> {
    cib: &'a Cib,
    rules: Rules,
    ping_hosts: Option<u32>,
}

impl Scales<'_> {
    fn directors(&self) -> impl Iterator<Item = NodeId> {
        let nodes = self.cib.declared.nodes.iter().enumerate();
        nodes.filter(|(_, (_, role))| *role == Role::Director).filter_map(|(at, _)| NodeId::new(at))
    }

    fn name(&self, node: NodeId) -> &str {
        self.cib.declared.nodes.get(node.index()).map_or("", |(name, _)| name)
    }

    /// What a vip is worth at a node by what is said of the two, whatever happens to them and to others.
    fn own(&self, vip: usize, node: NodeId, owner: Option<NodeId>, known: Node<'_>) -> Score {
        let nodes = vec![known; self.cib.declared.nodes.len()];
        let owners = vec![owner; self.cib.declared.vips.len()];
        let now = Situation { nodes: &nodes, owners: &owners, places: &owners };
        let lasting = |reason: &Reason<'_>| {
            matches!(reason, Reason::Preferred { .. } | Reason::Sticky | Reason::Location { .. })
        };
        let terms = self.rules.terms(vip, node, &now);
        terms.iter().filter(|term| lasting(&term.reason)).map(|term| term.score).sum()
    }

    /// A rule that holds nowhere, whatever nodes ping and whoever is the DC; or that counts what there is not.
    fn dead_rule(&self, id: &str, worth: &Worth) -> Option<Finding> {
        let place = format!("location {id}");
        if !self.rules.can_hold(id, self.ping_hosts.unwrap_or(MOST_HOSTS)) {
            let help =
                "compare #uname with a node's name, pingd with what the ping hosts add up to, or take it out";
            return Some(Finding::warning("never-matches", place, "no node can ever match this rule", help));
        }
        match worth {
            Worth::Attribute(attribute) if attribute != "pingd" => {
                let what = format!("no node has an attribute {attribute:?} to count");
                Some(Finding::warning("counts-nothing", place, what, "use score_attribute = \"pingd\""))
            }
            _ => None,
        }
    }

    /// A vip that no director may have.
    fn nowhere(&self, vip: usize) -> Option<Finding> {
        let best = Node { pings: Some(self.ping_hosts.unwrap_or(MOST_HOSTS)), ..ONLINE };
        let mut directors = self.directors().peekable();
        directors.peek()?;
        let never = |node| self.own(vip, node, None, best) == Score::NEG_INFINITY;
        if !directors.all(never) {
            return None;
        }
        let name = &self.cib.declared.vips.get(vip)?.name;
        let what = "every director is \"never\": nobody will own it";
        Some(Finding::warning("nowhere", format!("vip {name}"), what, "let at least one have it"))
    }

    /// A vip whose rules count what nodes ping, and that stays all the same with a director that reaches nothing.
    fn held(&self, vip: usize) -> Option<Finding> {
        if !self.rules.counts_pings(vip) {
            return None;
        }
        let place = format!("vip {}", self.cib.declared.vips.get(vip)?.name);
        let hosts = self.ping_hosts.unwrap_or(1);
        if hosts == 0 {
            let what = "its rules count what nodes ping, and nothing is pinged";
            return Some(Finding::warning(
                "no-ping-hosts",
                place,
                what,
                "add ping = { hosts = [...] } to the file",
            ));
        }
        let blind = Node { pings: Some(0), ..ONLINE };
        let seeing = Node { pings: Some(hosts), ..ONLINE };
        let stuck = |owner: NodeId| {
            let here = self.own(vip, owner, Some(owner), blind);
            let others = self.directors().filter(|node| *node != owner);
            let others = others.map(|node| (self.own(vip, node, Some(owner), seeing), Reverse(node)));
            let (there, Reverse(other)) = others.max().filter(|(there, _)| *there > Score::NEG_INFINITY)?;
            (here >= there).then_some((here, owner, there, other))
        };
        let (here, owner, there, other) =
            self.directors().filter_map(stuck).max_by_key(|it| (it.0, Reverse(it.1)))?;
        let multiplier = self.cib.declared.multiplier;
        let what = format!(
            "connectivity cannot move it away from {}: worth {} there without a ping host, and {} at {} with {hosts} times \
             {multiplier} for pings",
            self.name(owner),
            here.get(),
            there.get(),
            self.name(other)
        );
        let lead = i64::from(here.get()) - i64::from(there.get()) + i64::from(hosts) * i64::from(multiplier);
        let help = match u32::try_from(lead / i64::from(hosts) + 1) {
            Ok(enough) if here < Score::INFINITY => format!(
                "use ping = {{ multiplier = {enough} }} or more, or keep preference and stickiness together below {}",
                i64::from(hosts) * i64::from(multiplier)
            ),
            _ => "use numbers instead of \"always\"".to_owned(),
        };
        Some(Finding::warning("outweighed", place, what, help))
    }
}

const ONLINE: Node<'static> =
    Node { state: NodeState::Online, pings: None, realservers: 2, leads: false, barred: &[] };
