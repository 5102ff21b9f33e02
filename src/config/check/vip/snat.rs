//! `snat`: traffic that leaves with an address of the vip.

use std::net::IpAddr;

use ipnet::IpNet;
use ipvs::Family;

use crate::config::check::traffic::{self, traffic};
use crate::config::report::Reported;
use crate::config::section::{Schema, Section};
use crate::config::traffic::Snat;
use crate::config::value;

const SNAT: Schema =
    Schema { title: "snat", keys: &["out", "source", "destination", "protocol", "port", "to"], later: &[] };

const HELP: &str = "write snat = [ { destination = \"192.0.2.0/24\", protocol = \"udp\", port = 161 } ]";

/// Reads the rules of a vip with these addresses.
pub(super) fn snat(
    section: &Section<'_>,
    addresses: Result<&[IpNet], Reported>,
) -> Result<Vec<Snat>, Reported> {
    if section.get("snat").is_none() {
        return Ok(Vec::new());
    }
    let rules = section.list("snat", HELP)?.iter().map(|value| {
        let rule = Section::open(&SNAT, value, section.problems, HELP)?;
        let to = rule.optional("to", value::address);
        let (traffic, family) = traffic(&rule)?;
        let to = to?;
        let addresses = addresses?;
        let to = match to {
            Some(to) if !addresses.iter().any(|net| net.addr() == to.value) => {
                let what = format!("{} is not an address of this vip", to.value);
                let help = format!("it has {}", listed(addresses));
                return Err(rule.problems.add(to.span, what, help));
            }
            Some(to) if family.is_some_and(|family| family != family_of(to.value)) => {
                let what = format!("the packets of this rule cannot have the source {}", to.value);
                return Err(rule.problems.add(to.span, what, "take an address of their family"));
            }
            Some(to) => vec![to.value],
            None => sources(&rule, addresses, family)?,
        };
        Ok(Snat { traffic, to })
    });
    let rules: Vec<_> = rules.collect();
    rules.into_iter().collect()
}

/// The vip's first address of each family that the rule is for.
fn sources(rule: &Section<'_>, addresses: &[IpNet], family: Option<Family>) -> Result<Vec<IpAddr>, Reported> {
    let first = |family| addresses.iter().find(|net| traffic::family(**net) == family).map(IpNet::addr);
    match family {
        None => Ok([Family::V4, Family::V6].into_iter().filter_map(first).collect()),
        Some(family) => first(family).map(|address| vec![address]).ok_or_else(|| {
            let name = if family == Family::V4 { "IPv4" } else { "IPv6" };
            let what = format!("this rule is for {name}, and the vip has no {name} address");
            let help = format!("add one to `addresses`, or take the rule out: it has {}", listed(addresses));
            rule.problems.add(rule.span, what, help)
        }),
    }
}

fn family_of(address: IpAddr) -> Family {
    traffic::family(address.into())
}

fn listed(addresses: &[IpNet]) -> String {
    addresses.iter().map(|net| net.addr().to_string()).collect::<Vec<_>>().join(", ")
}
