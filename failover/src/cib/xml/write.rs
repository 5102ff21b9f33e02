//! Writing: a complete `<cib>`. Whatever has to have an id has one of its own, which depends on what it is only.

mod constraints;
mod page;
mod resources;
mod status;

use std::collections::BTreeSet;

use super::{Dialect, Status};
use crate::cib::{Cib, Constraint};
use crate::core::Role;

use page::Page;

/// The name of the schema that Pacemaker is to look at the document with.
const SCHEMA: &str = "pacemaker-1.0";

pub(super) fn write(cib: &Cib, status: &Status, dialect: Dialect) -> String {
    let mut page = Page::new(dialect, taken(cib, status, dialect));
    let members = resources::members(cib, &mut page);
    let version = cib.version;
    let [admin_epoch, epoch, num_updates] =
        [version.admin_epoch, version.epoch, version.num_updates].map(|number| number.to_string());
    let quorate = status.quorate.to_string();
    let [have_quorum, dc_uuid] = ["have_quorum", "dc_uuid"].map(|name| page.joined(name));
    let mut attributes = vec![
        ("admin_epoch", admin_epoch.as_str()),
        ("epoch", &epoch),
        ("num_updates", &num_updates),
        (&have_quorum, &quorate),
    ];
    attributes.extend(status.dc.as_deref().map(|dc| (&*dc_uuid, dc)));
    if dialect == Dialect::Pacemaker {
        attributes.push(("validate-with", SCHEMA));
    }
    page.within("cib", &attributes, |page| {
        page.within("configuration", &[], |page| {
            page.within("crm_config", &[], |page| properties(cib, page));
            page.within("nodes", &[], |page| nodes(cib, page));
            page.within("resources", &[], |page| resources::write(cib, &members, page));
            page.within("constraints", &[], |page| constraints::write(cib, page));
        });
        page.within("status", &[], |page| status::write(cib, status, &members, page));
    });
    page.into_text()
}

/// The ids that mean something: what else has an id must not be mistaken for it.
fn taken(cib: &Cib, status: &Status, dialect: Dialect) -> BTreeSet<String> {
    let declared = cib.declared.vips.iter().map(|vip| &vip.name);
    let moved = cib.moves.keys().chain(cib.failures.keys().map(|(vip, _)| vip));
    let had = status.nodes.values().flat_map(|node| &node.vips);
    let mut taken: BTreeSet<String> = declared.chain(moved).chain(had).cloned().collect();
    for constraint in cib.constraints.values() {
        match constraint {
            Constraint::Location(location) => taken.extend([location.vip.clone()]),
            Constraint::Colocation(it) => taken.extend([it.vip.clone(), it.with.clone()]),
            Constraint::Order(order) => taken.extend([order.first.clone(), order.then.clone()]),
        }
    }
    taken.extend(constraints::ids(cib, dialect));
    taken
}

fn properties(cib: &Cib, page: &mut Page) {
    let pairs = [
        ("symmetric-cluster", "true".to_owned()),
        ("no-quorum-policy", cib.declared.policy.name().to_owned()),
        ("stonith-enabled", "false".to_owned()),
        ("lvsd_ping_multiplier", cib.declared.multiplier.to_string()),
    ];
    page.pairs("cluster_property_set", "cib-bootstrap-options", &pairs);
}

fn nodes(cib: &Cib, page: &mut Page) {
    for (name, role) in &cib.declared.nodes {
        let standby = cib.standby.contains(name);
        let on = || "on".to_owned();
        let mut pairs = Vec::new();
        if standby || *role == Role::Witness {
            pairs.push(("standby", on()));
        }
        if *role == Role::Witness {
            pairs.push(("lvsd_role", role.name().to_owned()));
            pairs.extend(standby.then(|| ("lvsd_standby", on())));
        }
        page.within("node", &[("id", name), ("uname", name), ("type", "normal")], |page| {
            page.pairs("instance_attributes", &format!("nodes-{name}"), &pairs);
        });
    }
}
