//! What may take the place of a document.

use failover::cib::xml::Dialect;

use super::*;
use crate::cib::sample::{TEXT, scene};

fn draft(edit: impl Fn(String) -> String) -> Result<Draft, Objection> {
    scene(TEXT, |_| {}).draft(edit(TEXT.to_owned()).as_bytes(), Source::Toml, None)
}

fn version(text: &str) -> Version {
    text.parse().unwrap()
}

#[test]
fn what_would_move_is_told_before_it_does() {
    let unchanged = draft(|text| text).unwrap();
    assert_eq!((unchanged.changes.len(), unchanged.moves), (0, vec!["no vip would move".to_owned()]));
    assert_eq!((unchanged.base, unchanged.cib.version), (version("0.5.0"), version("0.5.0")));

    let standby = draft(|text| text.replace("name = \"a\"\n", "name = \"a\"\nstandby = true\n")).unwrap();
    assert_eq!(standby.changes, ["~ node a: standby = false -> true"]);
    assert_eq!(standby.cib.version, version("0.6.0"));
    assert_eq!(
        standby.moves,
        [
            "this would move web from a to b, because nobody else can have it (a: is in standby; c: is a witness)",
        ]
    );
    assert_eq!(standby.outage, [""; 0]);

    let nowhere =
        draft(|text| text + "\n[[location]]\nid = \"x\"\nvip = \"web\"\nscore = \"never\"\nall = []\n")
            .unwrap();
    assert_eq!(
        nowhere.outage,
        [
            "this would take web off a and leave it nowhere, because nobody can have it (a: location x; b: location x; \
          c: is a witness, location x)"
        ]
    );
    assert!(nowhere.told.iter().any(|it| it.starts_with("warning[nowhere]")), "{:?}", nowhere.told);
}

#[test]
fn a_version_says_what_a_document_was_made_from() {
    let at = |says: &str| {
        let changed = |text: String| {
            text.replace("0.5.0", says).replacen("name = \"b\"\n", "name = \"b\"\nstandby = true\n", 1)
        };
        draft(changed).map(|draft| draft.cib.version)
    };
    assert_eq!(at("0.5.0"), Ok(version("0.6.0")));
    assert_eq!(at("1.0.0"), Ok(version("1.0.0")));
    let earlier = Objection::Earlier { is: version("0.5.0"), says: version("0.4.9") };
    assert_eq!(at("0.4.9"), Err(earlier));
    let expecting = |wanted| scene(TEXT, |_| {}).draft(TEXT.as_bytes(), Source::Toml, Some(version(wanted)));
    assert!(expecting("0.5.0").is_ok());
    assert_eq!(
        expecting("0.4.0").unwrap_err().to_string(),
        "the document is 0.5.0, not 0.4.0: somebody changed it; query it again"
    );
}

#[test]
fn what_is_declared_and_what_cannot_be_is_refused() {
    // (from, to, what is said)
    let table = [
        (
            "192.0.2.5/24",
            "192.0.2.9/24",
            "this is declared by lvsd.toml: change it there on every director, and reload\n\
             ~ vip web: addresses = [\"192.0.2.5/24\"] -> [\"192.0.2.9/24\"]",
        ),
        ("prefer = { a = 200 }\n", "", "~ vip web: prefer = { a = 200 } -> nothing"),
        ("\"stop\"", "\"freeze\"", "~ properties: no_quorum_policy = \"stop\" -> \"freeze\""),
        ("name = \"c\"\nrole = \"witness\"", "name = \"c\"", "~ node c: role = \"witness\" -> \"director\""),
        (
            "[[vip]]\nname = \"web\"",
            "[[move]]\nvip = \"web\"\nnode = \"x\"\n\n[[vip]]\nname = \"web\"",
            "error[unknown-node] move of web: there is no node called \"x\"",
        ),
        ("version", "vresion", "vresion"),
    ];
    for (from, to, expected) in table {
        let said = draft(|text| text.replacen(from, to, 1)).unwrap_err().to_string();
        assert!(said.contains(expected), "{from}: {said}");
    }
}

#[test]
fn xml_is_matched_to_what_is_declared() {
    let scene = scene(TEXT, |_| {});
    let drafted = |text: &str| scene.draft(text.as_bytes(), Source::Xml, None);
    for dialect in [Dialect::Heartbeat, Dialect::Pacemaker] {
        let own = scene.committed().to_xml(&scene.status(), dialect);
        let draft = drafted(&own).unwrap();
        assert!(draft.is_idle(), "{own}");
        assert_eq!(draft.cib, *scene.committed());
    }

    let address = |id: &str, ip: &str| {
        format!(
            "<primitive id=\"{id}\" class=\"ocf\" provider=\"heartbeat\" type=\"IPaddr\"><instance_attributes \
             id=\"{id}-i\"><attributes><nvpair id=\"{id}-ip\" name=\"ip\" value=\"{ip}\"/><nvpair id=\"{id}-m\" name=\"cidr_netmask\" value=\"24\"/></attributes>\
             </instance_attributes></primitive>"
        )
    };
    let node = |name: &str| format!("<node id=\"{name}\" uname=\"{name}\" type=\"normal\"/>");
    let whole = |resources: &str, nodes: &str| {
        format!(
            "<cib admin_epoch=\"1\" epoch=\"1\" num_updates=\"0\"><configuration><crm_config/><nodes>{nodes}</nodes>\
             <resources>{resources}</resources><constraints><rsc_location id=\"l\" rsc=\"IPaddr_1\"><rule id=\"r\" \
             score=\"500\"><expression id=\"e\" attribute=\"#uname\" operation=\"eq\" value=\"b\"/></rule>\
             </rsc_location></constraints></configuration><status/></cib>"
        )
    };
    let nodes = ["c", "b", "a"].map(node).concat();
    // Stickiness is said by leaving it out, so the declared one would change.
    let changed = drafted(&whole(&(address("IPaddr_1", "192.0.2.5") + &address("x", "192.0.2.6")), &nodes));
    let said = changed.unwrap_err().to_string();
    assert!(said.ends_with("~ vip mail: stickiness = 100 -> 0"), "{said}");

    let calm = TEXT.replace("stickiness = 100\n", "");
    let calm = crate::cib::sample::scene(&calm, |_| {});
    let text = whole(&(address("IPaddr_1", "192.0.2.5") + &address("x", "192.0.2.6")), &nodes);
    let draft = calm.draft(text.as_bytes(), Source::Xml, None).unwrap();
    assert_eq!(draft.cib.declared, calm.committed().declared);
    assert_eq!(draft.cib.version, version("1.1.0"));
    assert!(
        draft.told.contains(&"IPaddr_1 is vip web, which has its addresses".to_owned()),
        "{:?}",
        draft.told
    );
    assert!(draft.moves[0].starts_with("this would move web from a to b, because"), "{:?}", draft.moves);

    let missing = calm.draft(whole(&address("x", "192.0.2.6"), &nodes).as_bytes(), Source::Xml, None);
    let said = missing.unwrap_err().to_string();
    assert!(said.contains("- vip web: addresses = 192.0.2.5/24"), "{said}");
    let part = calm.draft(node("a").as_bytes(), Source::Xml, None);
    assert_eq!(part, Err(Objection::Part));
}
