//! What the core says, in words.

use failover::core::{NodeState, Role, View};
use failover::message::{Bar, Cause, Unfit};
use failover::{NodeId, Score, VipId};

use crate::cluster::Names;
use crate::config::Vip;

/// Why a node cannot have a vip now.
pub(in crate::director) fn obstacle(view: &View, names: &Names, vip: &Vip, node: NodeId) -> Option<String> {
    let name = names.node(node);
    let known = view.nodes.get(node.index())?;
    if known.role == Role::Witness {
        return Some("it is a witness".to_owned());
    }
    if vip.prefer.iter().any(|(it, score)| it.as_str() == name && *score == Score::NEG_INFINITY) {
        return Some("the file says \"never\"".to_owned());
    }
    match known.state {
        NodeState::Online | NodeState::Suspect => {}
        NodeState::Standby => return Some("it is in standby".to_owned()),
        NodeState::Leaving | NodeState::Left => return Some("it has left".to_owned()),
        NodeState::Dead | NodeState::Unknown => return Some("it is not heard".to_owned()),
    }
    let id = VipId::of(vip.name.as_str());
    if let Some((_, bar)) = known.barred.iter().find(|(barred, _)| *barred == id) {
        return Some(bar_words(*bar).to_owned());
    }
    let owns = view.vips.iter().any(|vip| vip.id == id && vip.owner == Some(node));
    let why = match known.unfit {
        Some(unfit) => unfit_words(unfit),
        None if known.file != view.common_file() => "its file differs from that of most nodes",
        None => return None,
    };
    (!owns).then(|| why.to_owned())
}

pub(in crate::director) fn bar_words(bar: Bar) -> &'static str {
    match bar {
        Bar::Carrier => "its interface has no carrier",
        Bar::Foreign => "somebody else answers for it there",
        Bar::Failed => "it failed there too often",
        Bar::Unknown => "its file does not have it",
    }
}

pub(in crate::director) fn unfit_words(unfit: Unfit) -> &'static str {
    match unfit {
        Unfit::Table => "its kernel does not hold what the file says",
        Unfit::Checks => "its checks do not know yet how the realservers are",
    }
}

/// Why a vip is where it is.
pub(in crate::director) fn reason(names: &Names, cause: Cause) -> String {
    match cause {
        Cause::Vacant => "nobody had it".to_owned(),
        Cause::Dead(node) => format!("{} fell silent", names.node(node)),
        Cause::Left(node) => format!("{} ended and handed it over", names.node(node)),
        Cause::Standby(node) => format!("{} was put into standby", names.node(node)),
        Cause::Barred(node, bar) => format!("{} cannot carry it: {}", names.node(node), bar_words(bar)),
        Cause::Reach(node) => format!("{} reaches less", names.node(node)),
        Cause::Preferred => "the file prefers it there".to_owned(),
        Cause::Moved => "an operator moved it".to_owned(),
        Cause::Nobody => "no director can have it".to_owned(),
    }
}

pub(in crate::director) fn mac_words(mac: [u8; 6]) -> String {
    mac.map(|byte| format!("{byte:02x}")).join(":")
}
