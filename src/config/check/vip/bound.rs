//! What a cluster bears.

use failover::{MAX_VIPS, VipId};

use super::{Peers, Unique};
use crate::config::Name;
use crate::config::report::Reported;
use crate::config::section::Section;

/// Refuses more vips than directors tell each other about.
pub(super) fn within_bounds(vips: &[Section<'_>], peers: &Peers) -> Result<(), Reported> {
    match vips.get(MAX_VIPS) {
        Some(vip) if peers.are_there()? => {
            let what = format!("a cluster has {MAX_VIPS} vips at most, and here are {}", vips.len());
            let help = "put addresses that move together into one vip, or make two clusters";
            Err(vip.problems.add(vip.span, what, help))
        }
        _ => Ok(()),
    }
}

/// Refuses a vip that directors would take for another one.
pub(super) fn is_told_apart(
    section: &Section<'_>,
    name: &Name,
    ids: &mut Unique<VipId>,
    peers: &Peers,
) -> Result<(), Reported> {
    match ids.claim(VipId::of(name.as_str()), section.span) {
        Err(earlier) if peers.are_there()? => {
            let what = format!("directors could not tell {name} from another vip: the two names hash alike");
            Err(section.problems.add_collision(section.span, earlier, what, "give one of them another name"))
        }
        _ => Ok(()),
    }
}
