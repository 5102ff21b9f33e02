//! The DC's work: it writes who is to own what.

use std::sync::Arc;

use super::placement::{Candidate, place};
use super::{Core, Notice};
use crate::cib::score::common_file;
use crate::cib::{Cib, Document};
use crate::guard::Guard;
use crate::message::{Cause, Grant, Reach, Standing, Table, Version};
use crate::moment::Moment;
use crate::name::NodeId;

/// What the DC keeps in mind.
#[derive(Clone, Debug, Default)]
pub(super) struct Government {
    /// What nodes reached when that last had settled, by their ids.
    settled: Vec<Reach>,
    /// What they reach now, and when that counts.
    changing: Option<(Vec<Reach>, Moment)>,
    /// Until then it waits for a majority to confirm what may have been committed before.
    waits: Option<Moment>,
    /// What it wanted to write down, and could not.
    refused: Option<Cib>,
}

impl Government {
    pub(super) fn due(&self) -> impl Iterator<Item = Moment> {
        [self.changing.as_ref().map(|(_, at)| *at), self.waits].into_iter().flatten()
    }
}

impl Core {
    /// Begins with what is: nobody moves because the DC is new.
    pub(super) fn take_office(&mut self) {
        let waits = self.register.is_in_doubt().then(|| self.now + self.settings.keepalive);
        self.government = Government { settled: self.reached(), waits, ..Government::default() };
        self.watch_failures();
        self.ask_anew();
    }

    /// What this node says of itself.
    pub(super) fn standing(&self) -> Standing {
        Standing {
            leaves: self.leaves,
            unfit: self.able.unfit,
            file: self.able.file,
            hears: self.alive(),
            reach: self.able.reach,
            barred: self.bars(),
        }
    }

    /// What each node says of itself; nothing of those that this node does not hear, or that do not hear it. A vip is
    /// granted to another before the promises to its silent owner end, so that it is claimed by then.
    fn standings(&self) -> Vec<Option<Standing>> {
        let (me, now, deadtime) = (self.settings.me, self.now, self.settings.deadtime);
        let heard = |node: NodeId| {
            let peer = self.peers.get(node.index()).filter(|peer| !peer.is_quiet(now, deadtime))?;
            let standing = &peer.latest.as_ref()?.standing;
            standing.hears.contains(me).then(|| standing.clone())
        };
        let all = self.settings.nodes();
        all.map(|node| if node == me { Some(self.standing()) } else { heard(node) }).collect()
    }

    /// What each node reaches; of one that is not heard, what it last did, so that its silence changes nothing.
    fn reached(&self) -> Vec<Reach> {
        let of = |node: NodeId| {
            let latest = self.peers.get(node.index()).and_then(|peer| peer.latest.as_ref());
            latest.map(|message| message.standing.reach).unwrap_or_default()
        };
        let all = self.settings.nodes();
        all.map(|node| if node == self.settings.me { self.able.reach } else { of(node) }).collect()
    }

    /// The files of all nodes; of one that is not heard, what it last had.
    fn files(&self) -> Vec<u64> {
        let others = self.settings.others().filter_map(|node| self.peers.get(node.index())?.latest.as_ref());
        others.map(|message| message.standing.file).chain([self.able.file]).collect()
    }

    /// Takes what nodes reach for a fact when it has not changed for a while, and then that of all nodes at once: the
    /// loss of what they all reach moves nothing.
    fn settle(&mut self) {
        let reached = self.reached();
        if reached == self.government.settled || !self.guards(Guard::Dampening) {
            (self.government.settled, self.government.changing) = (reached, None);
            return;
        }
        match &self.government.changing {
            Some((changing, at)) if *changing == reached => {
                if *at <= self.now {
                    (self.government.settled, self.government.changing) = (reached, None);
                }
            }
            _ => self.government.changing = Some((reached, self.now + self.settings.dampen)),
        }
    }

    /// As the DC, places the vips.
    pub(super) fn govern(&mut self) {
        if !self.leads() {
            return;
        }
        self.settle();
        let standings = self.standings();
        let heard: Vec<u64> = standings.iter().flatten().map(|standing| standing.file).collect();
        let file = common_file(&heard, &self.files(), Some(self.able.file)).unwrap_or(self.able.file);
        let reached = self.government.settled.iter().copied().chain(std::iter::repeat(Reach::default()));
        let nodes = self.settings.nodes().zip(&standings).zip(reached);
        let candidates: Vec<Candidate<'_>> = nodes
            .map(|((node, standing), reach)| Candidate {
                node,
                standing: standing.as_ref(),
                same_file: standing.as_ref().is_some_and(|standing| standing.file == file),
                reach,
                leads: node == self.settings.me,
            })
            .collect();
        self.keep_house(self.able.file == file);
        if self.government.waits.is_some_and(|until| self.now < until) && self.register.is_in_doubt() {
            return;
        }
        let starting = self.now < self.started + self.settings.initdead;
        let silent = standings.iter().any(Option::is_none);
        if starting && silent && self.table.grants.iter().all(|grant| grant.owner.is_none()) {
            return;
        }
        let grants = place(&self.settings, &self.chart, &candidates, &self.table, starting);
        if grants != self.table.grants {
            self.write(grants);
        }
    }

    /// As the DC, writes a table that is later than all that it knows of.
    pub(super) fn write(&mut self, grants: Vec<Grant>) {
        let Version { term, number } = self.table.version;
        // A DC alone, or whoever forgot its term, may have written in one that no majority knows of.
        let version = if term < self.term() {
            Version { term: self.term(), number: 1 }
        } else {
            Version { term, number: number + 1 }
        };
        self.adopt(Table { version, grants });
        self.news = true;
    }

    /// As the DC, writes into the document what the file declares, if that is the file that counts, and what failed.
    fn keep_house(&mut self, declares: bool) {
        if !self.may_write() {
            return;
        }
        let committed = Arc::clone(self.register.committed().cib());
        let mut cib = Cib::clone(&committed);
        self.write_failures(&mut cib);
        if declares && cib.declared != self.settings.declared {
            cib.declare(self.settings.declared.clone());
            cib.version = committed.version.configured();
        } else {
            cib.version = committed.version.updated();
        }
        let changed = Cib { version: committed.version, ..cib.clone() } != *committed;
        if !changed || self.government.refused.as_ref() == Some(&cib) {
            return;
        }
        match Document::write(&cib) {
            Ok(document) => self.write_document(&document),
            Err(problems) => {
                self.tell(Notice::Undeclared(problems.to_string()));
                self.government.refused = Some(cib);
            }
        }
    }

    /// Takes a later table for the one that counts.
    pub(super) fn adopt(&mut self, table: Table) {
        for grant in &table.grants {
            let from = self.table.owner(grant.vip);
            if from != grant.owner {
                let (vip, to, cause) = (grant.vip, grant.owner, grant.cause);
                self.tell(Notice::Granted { vip, from, to, cause });
            }
        }
        let gone = self.table.grants.iter().filter(|known| table.grant(known.vip).is_none());
        let gone: Vec<_> = gone.filter_map(|grant| Some((grant.vip, grant.owner?))).collect();
        for (vip, owner) in gone {
            self.tell(Notice::Granted { vip, from: Some(owner), to: None, cause: Cause::Nobody });
        }
        self.table = table;
    }

    /// Whether all that are there know the table by which this node owns nothing.
    pub(super) fn is_handed_over(&self) -> bool {
        let knows = |node: NodeId| {
            self.latest(node).is_none_or(|message| message.table.version >= self.table.version)
        };
        self.table.grants.iter().all(|grant| grant.owner != Some(self.settings.me))
            && self.settings.others().all(knows)
    }
}
