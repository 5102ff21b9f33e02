mod articles;
mod meaning;
mod mended;
mod refused;
mod scores;

use std::collections::{BTreeMap, BTreeSet};

use proptest::collection::{btree_map, btree_set};
use proptest::prelude::*;

use super::{Dialect, Imported, NodeStatus, Reading, Status};
use crate::Score;
use crate::cib::{Cib, arbitrary};
use crate::core::NoQuorum;

const DIALECTS: [Dialect; 2] = [Dialect::Heartbeat, Dialect::Pacemaker];

fn taken(text: &str) -> Imported {
    Cib::from_xml(text.as_bytes(), Reading::Tolerant).unwrap_or_else(|problems| panic!("{problems}\n{text}"))
}

fn told(imported: &Imported) -> Vec<String> {
    let repairs = imported.repairs.iter().map(ToString::to_string);
    repairs.chain(imported.notes.iter().map(ToString::to_string)).collect()
}

fn refused(text: &str, reading: Reading) -> Vec<String> {
    let problems = Cib::from_xml(text.as_bytes(), reading).expect_err(text);
    problems.iter().map(ToString::to_string).collect()
}

/// A `<cib>` with these sections.
fn whole(crm_config: &str, nodes: &str, resources: &str, constraints: &str, status: &str) -> String {
    format!(
        "<cib admin_epoch=\"0\" epoch=\"1\" num_updates=\"2\"><configuration>\n<crm_config>{crm_config}</crm_config>\n\
         <nodes>{nodes}</nodes>\n<resources>{resources}</resources>\n<constraints>{constraints}</constraints>\n\
         </configuration><status>{status}</status></cib>\n"
    )
}

/// Named values with ids of their own.
fn pairs(of: &str, set: &str, pairs: &[(&str, &str)]) -> String {
    let pair = |(name, value): &(&str, &str)| {
        format!("<nvpair id=\"{of}-{set}-{name}\" name=\"{name}\" value=\"{value}\"/>")
    };
    let pairs: String = pairs.iter().map(pair).collect();
    format!("<{set} id=\"{of}-{set}\"><attributes>{pairs}</attributes></{set}>")
}

fn node(name: &str) -> String {
    format!("<node id=\"{name}\" uname=\"{name}\" type=\"normal\"/>")
}

fn address(id: &str, ip: &str) -> String {
    let pairs = pairs(id, "instance_attributes", &[("ip", ip), ("cidr_netmask", "24"), ("nic", "eth0")]);
    format!("<primitive id=\"{id}\" class=\"ocf\" provider=\"heartbeat\" type=\"IPaddr\">{pairs}</primitive>")
}

/// A status of a document, in which the nodes that it says nothing of are unknown.
fn status(cib: &Cib) -> impl Strategy<Value = Status> + use<> {
    let name = || "[a-z0-9]{1,4}";
    let node = (any::<bool>(), btree_map("[!-~]{1,8}", "[ -~]{1,8}", 0..3), btree_set(name(), 0..3));
    let dc = cib.declared.nodes.first().map(|(name, _)| name.clone());
    let nodes = btree_map(name(), node, 0..4);
    let first = cib.declared.vips.first().map(|vip| vip.name.clone());
    (any::<bool>(), any::<bool>(), nodes).prop_map(move |(quorate, has_dc, nodes)| {
        let node = |(name, (online, attributes, vips)): (String, (bool, BTreeMap<_, _>, BTreeSet<_>))| {
            let vips = vips.into_iter().chain(first.clone()).collect();
            (name, NodeStatus { online, attributes, vips })
        };
        Status { dc: dc.clone().filter(|_| has_dc), quorate, nodes: nodes.into_iter().map(node).collect() }
    })
}

proptest! {
    #[test]
    fn what_is_written_is_read_again(
        (cib, status) in arbitrary::cib().prop_flat_map(|cib| (Just(cib.clone()), status(&cib))),
    ) {
        let mut expected = status.clone();
        for (_, node) in cib.failures.keys() {
            expected.nodes.entry(node.clone()).or_default();
        }
        for dialect in DIALECTS {
            let text = cib.to_xml(&status, dialect);
            let read = Cib::from_xml(text.as_bytes(), Reading::Strict).map_err(|problems| {
                TestCaseError::fail(format!("{problems}\n{text}"))
            })?;
            prop_assert!(read.whole);
            prop_assert_eq!(&read.cib, &cib, "{}", text);
            prop_assert_eq!(&read.status, &expected, "{}", text);
        }
    }
}

#[test]
fn each_id_is_there_once_and_does_not_depend_on_others() {
    let text = |vips: &str| {
        let text = whole("", &node("a"), vips, "", "");
        taken(&text).cib.to_xml(&Status::default(), Dialect::Heartbeat)
    };
    // The second address of `web` is called as a vip is.
    let group =
        format!("<group id=\"web\">{}{}</group>", address("x", "192.0.2.1"), address("y", "192.0.2.2"));
    let two = text(&format!("{group}{}", address("web-2", "192.0.2.3")));
    let three = text(&format!("{}{group}{}", address("mail", "192.0.2.4"), address("web-2", "192.0.2.3")));
    let ids = |text: &str| -> Vec<String> {
        let parts = text.split(" id=\"").skip(1).filter_map(|part| part.split('"').next());
        parts.map(str::to_owned).collect()
    };
    let [two, three] = [ids(&two), ids(&three)];
    assert!(two.contains(&"web-2-2".to_owned()), "{two:?}");
    assert_eq!(two.iter().collect::<BTreeSet<_>>().len(), two.len(), "{two:?}");
    assert!(two.iter().all(|id| three.contains(id)), "{two:?} {three:?}");
}
