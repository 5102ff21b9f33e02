//! What the cluster is like: `<status>`.

use std::collections::BTreeSet;

use super::page::Page;
use super::resources::{Agent, Members};
use crate::cib::Cib;
use crate::cib::xml::read::FAIL_COUNT;
use crate::cib::xml::{NodeStatus, Status};

pub(super) fn write(cib: &Cib, status: &Status, members: &Members, page: &mut Page) {
    let failed = cib.failures.keys().map(|(_, node)| node);
    let nodes: BTreeSet<&String> = status.nodes.keys().chain(failed).collect();
    let unknown = NodeStatus::default();
    for name in nodes {
        let node = status.nodes.get(name).unwrap_or(&unknown);
        let [active, member, crmd, join] = if node.online {
            ["active", "true", "online", "member"]
        } else {
            ["dead", "false", "offline", "down"]
        };
        let attributes = [
            ("id", name.as_str()),
            ("uname", name),
            ("ha", active),
            ("in_ccm", member),
            ("crmd", crmd),
            ("join", join),
            ("expected", "member"),
        ];
        page.within("node_state", &attributes, |page| {
            transient(cib, name, node, members, page);
            page.within("lrm", &[("id", name)], |page| {
                page.within("lrm_resources", &[], |page| {
                    node.vips.iter().for_each(|vip| running(cib, vip, members, page));
                });
            });
        });
    }
}

fn transient(cib: &Cib, name: &str, node: &NodeStatus, members: &Members, page: &mut Page) {
    let mut pairs: Vec<(&str, String)> =
        node.attributes.iter().map(|(name, value)| (name.as_str(), value.clone())).collect();
    let failures = cib.failures.iter().filter(|((_, at), _)| at == name);
    let counts: Vec<(String, String)> = failures
        .map(|((vip, _), count)| (format!("{FAIL_COUNT}{}", first(members, vip)), count.to_string()))
        .collect();
    pairs.extend(counts.iter().map(|(name, count)| (name.as_str(), count.clone())));
    if !pairs.is_empty() {
        page.within("transient_attributes", &[("id", name)], |page| {
            page.pairs("instance_attributes", &format!("status-{name}"), &pairs);
        });
    }
}

/// The resource that stands for a vip, where Heartbeat knows primitives only.
fn first<'a>(members: &'a Members, vip: &'a str) -> &'a str {
    members.get(vip).and_then(|names| names.first()).map_or(vip, String::as_str)
}

/// That each primitive of a vip was started, and is.
fn running(cib: &Cib, vip: &str, members: &Members, page: &mut Page) {
    const KEY: &str = "1:1:0:00000000-0000-0000-0000-000000000000";
    let known = cib.declared.vips.iter().find(|known| known.name == vip);
    let addresses = known.map_or(&[][..], |known| known.addresses.as_slice());
    let own = [vip.to_owned()];
    let names = members.get(vip).map_or(&own[..], Vec::as_slice);
    let [call_id, rc_code, op_status, key, magic] =
        ["call_id", "rc_code", "op_status", "transition_key", "transition_magic"]
            .map(|name| page.joined(name));
    for (at, name) in names.iter().enumerate() {
        let agent = Agent::of(page.dialect, addresses.get(at).map_or("", String::as_str)).name();
        let resource = [("id", name.as_str()), ("type", agent), ("class", "ocf"), ("provider", "heartbeat")];
        page.within("lrm_resource", &resource, |page| {
            let op = format!("{name}_start_0");
            let result = format!("0:0;{KEY}");
            let attributes = [
                ("id", op.as_str()),
                ("operation", "start"),
                ("interval", "0"),
                (&call_id, "1"),
                (&rc_code, "0"),
                (&op_status, "0"),
                (&key, KEY),
                (&magic, &result),
            ];
            page.leaf("lrm_rsc_op", &attributes);
        });
    }
}
