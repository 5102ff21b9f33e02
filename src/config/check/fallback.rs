//! `fallback`: who serves when no realserver does.

use ipvs::{Thresholds, Weight};
use toml::de::DeValue;

use super::Unique;
use super::forwarding::{Forwarding, Method};
use super::realserver::{Member, plain};
use super::serving::Context;
use super::vip::Vips;
use crate::config::report::Reported;
use crate::config::section::{Schema, Section, wrong_type};
use crate::config::{Fallback, Name, Realserver, value};

const FALLBACK: Schema =
    Schema { title: "fallback", keys: &["address", "port", "forward", "tunnel"], later: &[] };

const HELP: &str =
    "write fallback = \"192.0.2.30:8080\", or fallback = { address = \"192.0.2.30\", forward = \"dr\" }";

/// Reads the key `fallback` of a service.
pub(super) fn member(section: &Section<'_>, vips: &Vips<'_>) -> Result<Option<Member>, Reported> {
    let problems = section.problems;
    let Some(value) = section.get("fallback") else {
        return Ok(None);
    };
    let member = match value.get_ref() {
        DeValue::String(text) => plain(value, text, problems)?,
        DeValue::Table(table) => described(&Section::new(&FALLBACK, value.span().into(), table, problems))?,
        other => {
            return Err(problems.add(value.span().into(), wrong_type("an address or a table", other), HELP));
        }
    };
    member.is_no_vip(problems, vips)?;
    Ok(Some(member))
}

fn described(section: &Section<'_>) -> Result<Member, Reported> {
    let address = section.required("address", "add address = \"192.0.2.30\"", value::address);
    let port = section.optional("port", |value| value::port(value, 0));
    let forwarding = Forwarding::read(section);
    let (address, port) = (address?.value, port?);
    Ok(Member {
        span: section.span,
        name: Name::of_realserver(&address.to_string(), address, port.map(|at| at.value)),
        address,
        port,
        weight: Weight::ONE,
        thresholds: Thresholds::NONE,
        forwarding: forwarding?,
        monitors: None,
    })
}

impl Context<'_> {
    /// The service's fallback, which is none of its realservers.
    pub(super) fn fallback(&self, member: &Member, realservers: &[Realserver]) -> Result<Fallback, Reported> {
        let local = member.address.is_loopback().then_some(Method::Local);
        let method = member.forwarding.method().or(local).or_else(|| self.forwarding.method());
        let method = method.ok_or_else(|| self.forwarding_unsaid())?;
        let Realserver { endpoint, destination, .. } = self.realserver(member, method, &mut Unique::new())?;
        if realservers.iter().any(|realserver| realserver.endpoint == endpoint) {
            let what = format!("{endpoint} is a realserver of {}", self.label);
            return Err(self.problems.add(member.span, what, "use another one, or take it out"));
        }
        Ok(Fallback { endpoint, destination })
    }
}
