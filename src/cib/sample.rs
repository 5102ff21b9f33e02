//! A cluster of two directors and a witness, for tests.

use std::sync::Arc;
use std::time::Duration;

use failover::cib::Document;
use failover::core::{NodeState, NodeView, Ownership, Role, View, VipView};
use failover::message::{Reach, Term};
use failover::{Moment, NodeId, VipId};

use super::Scene;
use crate::cluster::Report;

/// `web` prefers `a`; `mail` is at `b`.
pub(crate) const TEXT: &str = include_str!("sample.toml");

pub(crate) fn id(index: usize) -> NodeId {
    NodeId::new(index).unwrap()
}

/// The sample's cluster: all reach all, `web` is at `a` and `mail` at `b`; changed somehow.
pub(crate) fn scene(text: &str, change: impl FnOnce(&mut View)) -> Scene {
    let node = |role| NodeView {
        role,
        state: NodeState::Online,
        silence: Some(Duration::ZERO),
        late: 0,
        unfit: None,
        lease: None,
        file: Some(7),
        document: None,
        hears: (0..3).map(id).collect(),
        reach: Reach { pings: 1, realservers: 2 },
        barred: Vec::new(),
        links: Vec::new(),
    };
    let vip = |name: &str, owner| VipView {
        id: VipId::of(name),
        owner: Some(id(owner)),
        pin: None,
        cause: None,
        here: Ownership::None,
    };
    let mut view = View {
        quorate: true,
        leader: Some(id(0)),
        term: Term(7),
        needed: 2,
        document: Document::read(Term(7), text.as_bytes()).unwrap(),
        nodes: vec![node(Role::Director), node(Role::Director), node(Role::Witness)],
        vips: vec![vip("web", 0), vip("mail", 1)],
    };
    change(&mut view);
    let report = Report {
        at: Moment::from_origin(Duration::from_secs(1)),
        view,
        announced: Vec::new(),
        rejections: Vec::new(),
        strangers: 0,
        unwritten: None,
        left: false,
    };
    Scene { report: Arc::new(report), ping_hosts: 1, without: None }
}
