//! `source_nat`: whether realservers see the director instead of the client.

use ipvs::Forward;

use crate::config::report::Reported;
use crate::config::section::Section;
use crate::config::{Fallback, Realserver, value};

/// Reads it. Only a realserver by NAT gives its answers back to the director.
pub(super) fn source_nat(
    section: &Section<'_>,
    realservers: &[Realserver],
    fallback: Option<Fallback>,
) -> Result<bool, Reported> {
    let Some(at) = section.optional("source_nat", value::boolean)?.filter(|at| at.value) else {
        return Ok(false);
    };
    let fallback = fallback.iter().map(|fallback| (fallback.endpoint, fallback.destination.forward));
    let realservers = realservers.iter().map(|it| (it.endpoint, it.destination.forward));
    let mut all = realservers.chain(fallback);
    match all.find(|(_, forward)| matches!(forward, Forward::Route | Forward::Tunnel(_))) {
        None => Ok(true),
        Some((endpoint, _)) => {
            let what = format!("`source_nat` works only by NAT, and {endpoint} is reached otherwise");
            Err(section.problems.add(at.span, what, "use forward = \"nat\", or take `source_nat` out"))
        }
    }
}
