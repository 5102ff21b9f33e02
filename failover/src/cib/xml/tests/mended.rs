//! Damage, one kind at a time.

use super::*;

/// (name, damaged, what it means, what is told)
fn table() -> Vec<(&'static str, String, String, Vec<&'static str>)> {
    let sound = whole("", &node("a"), &address("web", "192.0.2.1"), "", "");
    let damaged = |from: &str, to: &str| {
        let text = sound.replacen(from, to, 1);
        assert_ne!(text, sound, "{from}");
        text
    };
    vec![
        (
            "slashes of the whole end",
            damaged("</configuration><status></status></cib>", "<configuration><status/><cib>"),
            sound.clone(),
            vec!["mended 2 x: a closing tag has lost its slash (lines 6, 6)"],
        ),
        (
            "quotes around an address, and straight ones in them",
            damaged("value=\"192.0.2.1\"", "value=“192.0.2.1”"),
            sound.clone(),
            vec!["mended 1 x: a value has typographic quotes (line 4)"],
        ),
        (
            "no ids where they mean nothing",
            damaged(" id=\"web-instance_attributes-ip\"", "").replace(" id=\"web-instance_attributes\"", ""),
            sound.clone(),
            vec!["mended 2 x: an element has no id (lines 4, 4)"],
        ),
        (
            "the same id in two places",
            damaged("id=\"web-instance_attributes-ip\"", "id=\"web\""),
            sound.clone(),
            vec!["mended 1 x: an id is there twice (line 4)"],
        ),
        (
            "no status",
            damaged("<status></status>", ""),
            sound.clone(),
            vec!["mended 1 x: there is no <status> (line 1)"],
        ),
        (
            "an old name, and a dotted mask",
            damaged("name=\"cidr_netmask\" value=\"24\"", "name=\"netmask\" value=\"255.255.255.0\""),
            sound.clone(),
            vec!["mended 2 x: a name is spelled as another release does (lines 4, 4)"],
        ),
        (
            "text around it",
            format!("What follows is XML:\n\n{sound}|\n"),
            format!("\n\n{sound}"),
            vec!["mended 2 x: there is text around the elements (lines 1, 9)"],
        ),
        (
            "a name with a blank",
            damaged("id=\"web\"", "id=\"the web\""),
            sound.replace("\"web\"", "\"the_web\""),
            vec![
                "mended 1 x: a name has characters that names of lvsd do not have (line 4)",
                "line 4: \"the web\" is called the_web from now on",
            ],
        ),
    ]
}

#[test]
fn damage_with_one_meaning_is_mended_and_told() {
    for (name, damaged, meant, expected) in table() {
        let mended = taken(&damaged);
        assert_eq!(mended.cib, taken(&meant).cib, "{name}");
        assert_eq!(told(&mended), expected, "{name}");
    }
}

#[test]
fn a_strict_reading_refuses_each() {
    for (name, damaged, meant, _) in table() {
        assert!(Cib::from_xml(meant.as_bytes(), Reading::Strict).is_ok(), "{name}");
        let repairs = taken(&damaged).repairs;
        let lines: Vec<usize> = repairs.iter().flat_map(|repaired| repaired.lines.clone()).collect();
        let problems = Cib::from_xml(damaged.as_bytes(), Reading::Strict).expect_err(name);
        let told: Vec<usize> = problems.iter().map(|problem| problem.line).collect();
        assert_eq!(told, lines, "{name}: {problems}");
    }
}

#[test]
fn a_tag_without_attributes_that_is_not_the_innermost_stays() {
    let text = whole("", &node("a"), "", "", "").replace("</nodes>", "<nodes>").replace("</node>", "");
    let mended = taken(&text);
    assert_eq!(told(&mended), ["mended 1 x: a closing tag has lost its slash (line 3)"]);
    let text = text.replace("</crm_config>", "<configuration>");
    assert_eq!(
        refused(&text, Reading::Tolerant),
        ["line 6: this is not XML: expected 'crm_config' tag, not 'cib'; compare the line with the original"]
    );
}

#[test]
fn an_id_that_is_made_up_is_always_the_same() {
    let order = "<rsc_order from=\"mail\" to=\"web\"/>";
    let id = |text: &str| taken(text).cib.constraints.into_keys().next().unwrap();
    assert_eq!(id(order), id(&format!("\n<constraints>{order}</constraints>")));
    assert_ne!(id(order), id("<rsc_order from=\"mail\" to=\"news\"/>"));
}
