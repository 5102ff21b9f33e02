//! What a cluster risks.

use failover::Score;
use failover::cib::verify::{Finding, Times};

use crate::config::{Cluster, NoQuorum, Role, TieBreak, Vip};

impl Cluster {
    /// What its operator should know.
    pub(super) fn warnings(&self, vips: &[Vip]) -> Vec<String> {
        let own = [self.links(), self.loopback(), self.voters(), self.policy()];
        let times = self.timing().into_iter().map(|finding| format!("{}; {}", finding.what, finding.help));
        let own =
            own.into_iter().flatten().chain(times).map(|warning| format!("cluster {}: {warning}", self.name));
        own.chain(vips.iter().filter_map(|vip| self.homeless(vip))).collect()
    }

    /// Why two directors may answer at once; nothing if the file does not allow it.
    #[must_use]
    pub fn risks(&self) -> Vec<String> {
        [self.halves(), self.policy()].into_iter().flatten().collect()
    }

    /// Which of its times do not fit together.
    #[must_use]
    pub fn timing(&self) -> Vec<Finding> {
        let Self { keepalive, warntime, deadtime, initdead, .. } = *self;
        let dampen = self.ping.as_ref().map(|ping| ping.dampen);
        Times { keepalive, warntime, deadtime, initdead, dampen }.verify()
    }

    fn links(&self) -> Option<String> {
        let single = self.nodes.iter().all(|node| node.links.len() == 1);
        single.then(|| {
            "a single heartbeat link: when it fails, directors that live count as dead; give each node a second link, \
             through another network"
                .to_owned()
        })
    }

    fn loopback(&self) -> Option<String> {
        let mut links = self.nodes.iter().flat_map(|node| &node.links);
        let link = links.find(|link| link.is_loopback())?;
        Some(format!("no other machine can reach the link {link}"))
    }

    fn voters(&self) -> Option<String> {
        match (self.nodes.len(), self.tie_break) {
            (_, Some(TieBreak::Ping)) => self.halves(),
            (2, None) => {
                let consequence = match self.policy {
                    NoQuorum::Stop => "and gives up its vips",
                    NoQuorum::Freeze => "and takes none",
                    NoQuorum::Ignore => "and takes all, safe or not",
                };
                Some(format!(
                    "two voters: when one of them dies, the other has no majority {consequence}; add a third node with \
                     role = \"witness\""
                ))
            }
            (even, None) if even % 2 == 0 => Some(format!(
                "{even} voters: split in halves, neither has a majority, and they survive no more deaths than {} would; add a \
                 node with role = \"witness\"",
                even - 1
            )),
            _ => None,
        }
    }

    fn halves(&self) -> Option<String> {
        self.tie_break.map(|TieBreak::Ping| {
            "tie_break = \"ping\": when both nodes reach the ping hosts and not each other, two directors may answer at \
             once; a third node with role = \"witness\" is safe"
                .to_owned()
        })
    }

    fn policy(&self) -> Option<String> {
        let keeps = match self.policy {
            NoQuorum::Stop => return None,
            NoQuorum::Freeze => "keeps its vips, which the majority may have given to another",
            NoQuorum::Ignore => "takes all vips that it misses, as do those that it does not hear",
        };
        Some(format!(
            "no_quorum_policy = \"{}\" is unsafe: a director without a majority {keeps}: two may answer at once; \
             \"stop\" is safe",
            self.policy.name()
        ))
    }

    /// Whether a vip can be nowhere.
    fn homeless(&self, vip: &Vip) -> Option<String> {
        let mut directors = self.nodes.iter().filter(|node| node.role == Role::Director);
        let never = directors.all(|node| vip.prefer.get(&node.name) == Some(&Score::NEG_INFINITY));
        never.then(|| {
            format!("vip {}: `prefer` says \"never\" of every director: nobody will own it", vip.name)
        })
    }
}
