//! `[host]`: what may be set on this machine.

use super::traffic::traffic;
use crate::config::report::Reported;
use crate::config::section::{Schema, Section};
use crate::config::traffic::Traffic;
use crate::config::{Host, value};

const HOST: Schema =
    Schema { title: "[host]", keys: &["ip_forward", "send_redirects", "masquerade"], later: &[] };

const MASQUERADE: Schema =
    Schema { title: "masquerade", keys: &["out", "source", "destination", "protocol", "port"], later: &[] };

const MASQUERADE_HELP: &str = "write masquerade = [ { source = \"192.0.2.0/24\", out = \"eth0\" } ]";

/// Reads it.
pub(super) fn host(root: &Section<'_>) -> Result<Host, Reported> {
    let Some(value) = root.get("host") else {
        return Ok(Host::default());
    };
    let help = "write [host], with its keys on the lines below";
    let section = Section::open(&HOST, value, root.problems, help)?;
    let ip_forward = section.optional("ip_forward", value::boolean);
    let send_redirects = section.optional("send_redirects", value::boolean);
    let masquerade = masquerade(&section);
    Ok(Host {
        ip_forward: ip_forward?.map(|at| at.value),
        send_redirects: send_redirects?.map(|at| at.value),
        masquerade: masquerade?,
    })
}

fn masquerade(section: &Section<'_>) -> Result<Vec<Traffic>, Reported> {
    if section.get("masquerade").is_none() {
        return Ok(Vec::new());
    }
    let rules = section.list("masquerade", MASQUERADE_HELP)?.iter().map(|value| {
        let rule = Section::open(&MASQUERADE, value, section.problems, MASQUERADE_HELP)?;
        let (traffic, _) = traffic(&rule)?;
        if traffic.source.is_none() {
            return Err(
                rule.missing("source", "add the network of the realservers: source = \"192.0.2.0/24\"")
            );
        }
        Ok(traffic)
    });
    let rules: Vec<_> = rules.collect();
    rules.into_iter().collect()
}
