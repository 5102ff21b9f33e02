//! Vips as resources: one address is a primitive, several are a group.

use std::collections::BTreeMap;

use super::page::Page;
use crate::cib::xml::Dialect;
use crate::cib::xml::read::counted;
use crate::cib::{Cib, Resource};
use crate::score::Score;

/// What the primitives of each vip are called.
pub(super) type Members = BTreeMap<String, Vec<String>>;

/// Finds names for the primitives of vips that have several.
pub(super) fn members(cib: &Cib, page: &mut Page) -> Members {
    let mut names = |vip: &Resource| match vip.addresses.len() {
        1 => vec![vip.name.clone()],
        several => (1..=several).map(|number| page.id(&format!("{}-{number}", vip.name))).collect(),
    };
    cib.declared.vips.iter().map(|vip| (vip.name.clone(), names(vip))).collect()
}

pub(super) fn write(cib: &Cib, members: &Members, page: &mut Page) {
    for vip in &cib.declared.vips {
        let primitives = members.get(&vip.name).map_or(&[][..], Vec::as_slice);
        let meta = meta(vip, page);
        let meta: Vec<(&str, String)> = meta.iter().map(|(name, it)| (name.as_str(), it.clone())).collect();
        match (primitives, vip.addresses.as_slice()) {
            ([id], [address]) => primitive(page, id, address, &vip.interface, &meta),
            _ => page.within("group", &[("id", &vip.name)], |page| {
                page.pairs("meta_attributes", &format!("{}-meta", vip.name), &meta);
                for (id, address) in primitives.iter().zip(&vip.addresses) {
                    primitive(page, id, address, &vip.interface, &[]);
                }
            }),
        }
    }
}

fn meta(vip: &Resource, page: &Page) -> Vec<(String, String)> {
    let mut pairs = Vec::new();
    let times = counted(page.dialect, vip.addresses.len()).max(1);
    let (total, most) = (i64::from(vip.stickiness.get()), i64::from(Score::INFINITY.get()));
    let each = if total.abs() == most { total } else { total / times };
    if each != 0 {
        let each = Score::new(i32::try_from(each).unwrap_or_default());
        pairs.push((page.joined("resource_stickiness").into_owned(), score(each)));
    }
    if total.abs() != most && each * times != total {
        pairs.push(("lvsd_stickiness".to_owned(), score(vip.stickiness)));
    }
    pairs.push(("migration-threshold".to_owned(), vip.migration_threshold.to_string()));
    let milliseconds = vip.failure_timeout.as_millis();
    let time = match milliseconds % 1000 {
        0 => format!("{}s", milliseconds / 1000),
        _ => format!("{milliseconds}ms"),
    };
    pairs.push(("failure-timeout".to_owned(), time));
    pairs
}

fn primitive(page: &mut Page, id: &str, address: &str, interface: &str, meta: &[(&str, String)]) {
    let (ip, length) = address.split_once('/').unwrap_or((address, ""));
    let agent = Agent::of(page.dialect, ip);
    let mut pairs = match agent {
        Agent::IPv6addr => vec![("ipv6addr", address.to_owned())],
        Agent::IPaddr2 => vec![("ip", ip.to_owned()), ("cidr_netmask", length.to_owned())],
    };
    pairs.push(("nic", interface.to_owned()));
    let attributes = [("id", id), ("class", "ocf"), ("provider", "heartbeat"), ("type", agent.name())];
    page.within("primitive", &attributes, |page| {
        page.within("operations", &[], |page| {
            let op = page.id(&format!("{id}-monitor"));
            page.leaf("op", &[("id", &op), ("name", "monitor"), ("interval", "5s"), ("timeout", "5s")]);
        });
        page.pairs("meta_attributes", &format!("{id}-meta"), meta);
        page.pairs("instance_attributes", &format!("{id}-attributes"), &pairs);
    });
}

/// Who has an address for Heartbeat. Only today's `IPaddr2` does so for IPv6.
#[derive(Clone, Copy)]
pub(super) enum Agent {
    IPaddr2,
    IPv6addr,
}

impl Agent {
    pub(super) fn of(dialect: Dialect, address: &str) -> Self {
        match dialect {
            Dialect::Heartbeat if address.contains(':') => Self::IPv6addr,
            _ => Self::IPaddr2,
        }
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::IPaddr2 => "IPaddr2",
            Self::IPv6addr => "IPv6addr",
        }
    }
}

/// A score as Heartbeat writes it.
pub(super) fn score(score: Score) -> String {
    match score {
        Score::INFINITY => "INFINITY".to_owned(),
        Score::NEG_INFINITY => "-INFINITY".to_owned(),
        score => score.get().to_string(),
    }
}
