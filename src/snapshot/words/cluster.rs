//! A cluster in words.

use super::Tone;
use crate::snapshot::Vip;
use crate::snapshot::cluster::{Cluster, Hold, LinkState, Node, NodeState};

impl NodeState {
    /// How much it wants to be looked at.
    #[must_use]
    pub const fn tone(self) -> Tone {
        match self {
            Self::Online => Tone::Good,
            Self::Standby | Self::Leaving | Self::Left => Tone::Note,
            Self::Suspect => Tone::Warn,
            Self::Dead | Self::Unknown => Tone::Bad,
        }
    }
}

impl LinkState {
    /// How much it wants to be looked at.
    #[must_use]
    pub const fn tone(self) -> Tone {
        match self {
            Self::Up => Tone::Good,
            Self::Down => Tone::Bad,
        }
    }
}

impl Cluster {
    /// Whether there is a majority, in a word, and how much that wants to be looked at.
    #[must_use]
    pub const fn quorum(&self) -> (Tone, &'static str) {
        if self.quorate { (Tone::Good, "quorate") } else { (Tone::Bad, "no quorum") }
    }

    /// What else there is to know of it.
    #[must_use]
    pub fn facts(&self) -> Vec<String> {
        let dc = self.dc.as_deref().map_or_else(|| "no DC".to_owned(), |dc| format!("DC {dc}"));
        let tie_break = self.tie_break.iter().map(|it| format!("tie_break {it}"));
        let own = [
            format!("{} of {} nodes heard, {} needed", self.votes, self.nodes.len(), self.votes_needed),
            dc,
            format!("term {}", self.term),
            format!("document {} ({})", self.cib.version, self.cib.digest),
            format!("no_quorum_policy {}", self.policy),
        ];
        own.into_iter().chain(tie_break).collect()
    }

    /// The datagrams that were not taken.
    #[must_use]
    pub fn rejections(&self) -> String {
        let strangers = (self.strangers > 0).then(|| format!("{} from strangers", self.strangers));
        let rejected = self.rejected.iter().filter(|(_, count)| **count > 0);
        let rejected = rejected.map(|(why, count)| format!("{count} {why}"));
        rejected.chain(strangers).collect::<Vec<_>>().join(", ")
    }

    /// What there is to know of a node beyond its state.
    #[must_use]
    pub fn remark(&self, node: &Node) -> String {
        let mut remarks = Vec::new();
        if self.dc.as_ref() == Some(&node.name) {
            remarks.push("DC".to_owned());
        }
        if node.config_match == Some(false) {
            remarks.push("its file differs".to_owned());
        }
        if let Some(cib) = node.cib.as_ref().filter(|_| node.cib_match == Some(false)) {
            remarks.push(format!("its document is {} ({})", cib.version, cib.digest));
        }
        if node.deadtime_match == Some(false) {
            remarks.push("its deadtime differs".to_owned());
        }
        remarks.extend(node.unfit.clone().filter(|_| node.role == "director"));
        let deaf = self.nodes.iter().filter(|it| it.state.is_heard() && !node.hears.contains(&it.name));
        let deaf: Vec<&str> = deaf.map(|it| it.name.as_str()).collect();
        if node.state.is_heard() && !deaf.is_empty() {
            remarks.push(format!("does not hear {}", deaf.join(", ")));
        }
        if node.late > 0 {
            remarks.push(format!("late {} times", node.late));
        }
        remarks.join("; ")
    }
}

impl Vip {
    /// Where it is, and how much that wants to be looked at.
    #[must_use]
    pub fn place(&self) -> (Tone, String) {
        match (&self.owner, self.here) {
            _ if self.mine => (Tone::Good, "here".to_owned()),
            (_, Hold::Asking) => (Tone::Warn, "coming here".to_owned()),
            (_, Hold::Yielding) => (Tone::Warn, "leaving here".to_owned()),
            (Some(owner), _) => (Tone::Note, format!("at {owner}")),
            (None, _) => (Tone::Bad, "nowhere".to_owned()),
        }
    }

    /// Why it is there, and what else there is to know.
    #[must_use]
    pub fn remark(&self) -> String {
        let mut remarks = vec![self.reason.clone()];
        if let Some(node) = &self.pinned_to {
            let word = if self.owner.as_ref() == Some(node) {
                "stays".into()
            } else {
                format!("is to be at {node}")
            };
            remarks.push(format!("{word} until `lvsd vip release {}`", self.name));
        }
        if let Some(announced) = &self.announced {
            let confirmed =
                format!("{} of {} neighbours know", announced.confirmed.len(), announced.asked.len());
            let confirmed = (!announced.asked.is_empty()).then_some(confirmed);
            remarks.push(format!("announced {} times", announced.times));
            remarks.extend(confirmed);
        }
        if let Some(snat) = self.snat.as_ref().filter(|snat| self.mine || snat.active) {
            let rules = if snat.rules.len() == 1 { "rule" } else { "rules" };
            let verdict = if snat.active { "for its traffic" } else { "not in force" };
            remarks.push(format!("{} {rules} {verdict}", snat.rules.len()));
        }
        let others = self.conflicts.iter().map(|it| format!("{} has {} as well", it.mac, it.address));
        remarks.extend(others);
        if self.owner.is_none() {
            remarks.extend(self.obstacles.iter().map(|(node, why)| format!("{node}: {why}")));
        }
        remarks.join("; ")
    }

    /// How long its lease goes on, where there is one.
    #[must_use]
    pub fn lease(&self) -> String {
        self.lease_remaining_seconds.map(|left| format!("lease {left:.2}s")).unwrap_or_default()
    }
}

/// How long ago a node was heard.
#[must_use]
pub fn heard(node: &Node) -> String {
    match node.last_heard_seconds {
        None => "never heard".to_owned(),
        Some(_) if node.links.is_empty() => "this node".to_owned(),
        Some(seconds) if seconds < 60.0 => format!("{seconds:.1}s ago"),
        Some(seconds) => {
            format!("{} ago", super::span(std::time::Duration::from_secs_f64(seconds).as_secs()))
        }
    }
}
