//! What Heartbeat 2.1 prints of two web servers, each with an address, comes out of the XML of such a cluster.

use super::*;
use crate::NodeId;
use crate::cib::score::{Node, Rules, Situation};
use crate::core::NodeState;

/// Two nodes, of which one prefers each group of an address and a server.
fn cluster(
    stickiness: &str,
    preferences: [Option<&str>; 2],
    pings: [&str; 2],
    owners: [&str; 2],
) -> Imported {
    let properties = pairs("boot", "cluster_property_set", &[("default-resource-stickiness", stickiness)]);
    let group = |number: usize| {
        let server = format!(
            "<primitive id=\"httpd_{number}\" class=\"ocf\" provider=\"heartbeat\" type=\"apache\"/>"
        );
        let ip = address(&format!("ip_{number}"), &format!("192.0.2.{number}"));
        format!("<group id=\"group_{number}\">{ip}{server}</group>")
    };
    let constraints = |number: usize, node: &str, preference: Option<&str>| {
        let prefer = preference.map(|score| {
            format!(
                "<rsc_location id=\"run_{number}\" rsc=\"group_{number}\"><rule id=\"run_{number}_rule\" score=\"{score}\">\
                 <expression id=\"run_{number}_at\" attribute=\"#uname\" operation=\"eq\" value=\"{node}\"/></rule></rsc_location>"
            )
        });
        format!(
            "{}<rsc_location id=\"pings_{number}\" rsc=\"group_{number}\"><rule id=\"pings_{number}_rule\" \
             score_attribute=\"my_pings\"><expression id=\"pings_{number}_is\" attribute=\"my_pings\" \
             operation=\"defined\"/></rule></rsc_location>",
            prefer.unwrap_or_default()
        )
    };
    let state = |node: &str, pings: &str| {
        let attributes = pairs(node, "instance_attributes", &[("my_pings", pings)]);
        let started = |number: usize| {
            format!(
                "<lrm_resource id=\"ip_{number}\"><lrm_rsc_op operation=\"start\" call_id=\"3\" rc_code=\"0\"/>\
                 <lrm_rsc_op operation=\"monitor\" call_id=\"2\" rc_code=\"7\"/></lrm_resource>"
            )
        };
        let had = [1, 2].into_iter().zip(owners).filter(|(_, owner)| *owner == node);
        let had = had.map(|(number, _)| started(number)).collect::<Vec<_>>().concat();
        format!(
            "<node_state id=\"{node}\" uname=\"{node}\" in_ccm=\"true\" crmd=\"online\">\
             <transient_attributes id=\"{node}\">{attributes}</transient_attributes>\
             <lrm id=\"{node}\"><lrm_resources>{had}</lrm_resources></lrm></node_state>"
        )
    };
    let [one, two] = preferences;
    taken(&whole(
        &properties,
        &format!("{}{}", node("rh2"), node("rh3")),
        &format!("{}{}", group(1), group(2)),
        &format!("{}{}", constraints(1, "rh3", one), constraints(2, "rh2", two)),
        &format!("{}{}", state("rh2", pings[0]), state("rh3", pings[1])),
    ))
}

/// What the nodes are worth to each group, with what the document and the status say.
fn scores(imported: &Imported) -> [[i32; 2]; 2] {
    let Imported { cib, status, .. } = imported;
    let names: Vec<&String> = cib.declared.nodes.iter().map(|(name, _)| name).collect();
    let nodes: Vec<Node<'_>> = names
        .iter()
        .map(|name| {
            let known = &status.nodes[*name];
            let pings = known.attributes["pingd"].parse::<u32>().unwrap() / cib.declared.multiplier;
            let state = if known.online { NodeState::Online } else { NodeState::Dead };
            Node { state, pings: Some(pings), realservers: 2, leads: false, barred: &[] }
        })
        .collect();
    let has = |vip: &str| {
        names.iter().position(|name| status.nodes[*name].vips.contains(vip)).and_then(NodeId::new)
    };
    let owners: Vec<Option<NodeId>> = cib.declared.vips.iter().map(|vip| has(&vip.name)).collect();
    let now = Situation { nodes: &nodes, owners: &owners, places: &owners };
    let rules = Rules::of(cib);
    [0, 1].map(|vip| [0, 1].map(|node| rules.score(vip, NodeId::new(node).unwrap(), &now).get()))
}

#[test]
fn scores_come_out_as_printed() {
    let preferred = |score| [Some(score), Some(score)];
    // (name, imported, [rh2, rh3] for each group)
    let table = [
        (
            "active and passive, healthy",
            cluster("777", [None, None], ["6000", "6000"], ["rh3", "rh3"]),
            [[6000, 9108], [6000, 9108]],
        ),
        (
            "the owner lost what it pings, and the groups moved",
            cluster("777", [None, None], ["6000", "0"], ["rh2", "rh2"]),
            [[9108, 0], [9108, 0]],
        ),
        (
            "active and active, and connectivity counts too little",
            cluster("777", preferred("3500"), ["0", "6000"], ["rh3", "rh2"]),
            [[0, 12_608], [6608, 6000]],
        ),
        (
            "the same, and it counts enough",
            cluster("0", preferred("1000"), ["0", "6000"], ["rh3", "rh3"]),
            [[0, 7000], [1000, 6000]],
        ),
    ];
    for (name, imported, expected) in table {
        assert_eq!(scores(&imported), expected, "{name}");
    }
}

#[test]
fn the_listing_stays_where_connectivity_is_lost() {
    let text = whole(
        "",
        &format!("{}{}", node("litsha21"), node("litsha22")),
        &address("ip", "192.0.2.205"),
        "<rsc_location id=\"rsc_location_ip\" rsc=\"ip\"><rule id=\"r\" score=\"200\"><expression id=\"e\" \
         attribute=\"#uname\" operation=\"eq\" value=\"litsha21\"/></rule></rsc_location>\
         <rsc_location id=\"up\" rsc=\"ip\"><rule id=\"up-r\" score_attribute=\"pingd\"><expression id=\"up-e\" \
         attribute=\"pingd\" operation=\"defined\"/></rule></rsc_location>",
        "",
    );
    let mut imported = taken(&text);
    imported.cib.declared.multiplier = 100;
    imported.cib.declared.vips.push(imported.cib.declared.vips[0].clone());
    for (name, pings) in [("litsha21", "0"), ("litsha22", "100")] {
        let attributes = BTreeMap::from([("pingd".to_owned(), pings.to_owned())]);
        let node = NodeStatus { online: true, attributes, vips: BTreeSet::new() };
        imported.status.nodes.insert(name.to_owned(), node);
    }
    assert_eq!(scores(&imported)[0], [200, 100]);
}
