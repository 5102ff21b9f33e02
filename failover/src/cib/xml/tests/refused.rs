//! What is refused, with its line and what mends it.

use super::*;

const USUAL: &str = "<expression id=\"e\" attribute=\"#uname\" operation=\"eq\" value=\"a\"/>";

fn location(rule: &str) -> String {
    let constraint = format!("\n<rsc_location id=\"l\" rsc=\"web\">{rule}</rsc_location>");
    whole("", &node("a"), &address("web", "192.0.2.1"), &constraint, "")
}

fn resource(text: &str) -> String {
    whole("", &node("a"), text, "", "")
}

/// (name, text, what is told)
type Case = (&'static str, String, &'static str);

fn elements() -> Vec<Case> {
    let edited = |from: &str, to: &str| {
        let text = location(&format!("<rule id=\"r\" score=\"1\">{USUAL}</rule>")).replacen(from, to, 1);
        assert!(text.contains(to), "{from}");
        text
    };
    vec![
        ("an element nobody knows", resource("<thing/>"), "line 4: <thing> is not known here; take it out"),
        (
            "an element in the wrong place",
            resource(&node("b")),
            "line 4: <node> is not known here; take it out",
        ),
        (
            "values of nothing",
            pairs("x", "instance_attributes", &[("ip", "192.0.2.1")]),
            "line 1: <instance_attributes> is not supported here; put it into the resource or the node that it belongs to",
        ),
        (
            "a date",
            location("<rule id=\"r\" score=\"1\"><date_expression id=\"d\"/></rule>"),
            "line 6: <date_expression> is not supported here; take it out: what holds does not depend on the time",
        ),
        (
            "a rule within a rule",
            location("<rule id=\"r\" score=\"1\"><rule id=\"s\"/></rule>"),
            "line 6: <rule> is not supported here; write it into <rsc_location>, and none within another",
        ),
        (
            "sets of resources",
            edited("<rule", "<resource_set id=\"s\"/><rule"),
            "line 6: <resource_set> is not supported here; write a constraint for each pair",
        ),
    ]
}

fn constraints() -> Vec<Case> {
    let edited = |from: &str, to: &str| {
        let text = location(&format!("<rule id=\"r\" score=\"1\">{USUAL}</rule>")).replacen(from, to, 1);
        assert!(text.contains(to), "{from}");
        text
    };
    vec![
        (
            "an attribute nobody knows",
            edited("rsc=", "rsc-pattern=\"w\" rsc="),
            "line 6: \"rsc-pattern\" of <rsc_location> is not supported; take it out",
        ),
        (
            "a role",
            edited("score=\"1\"", "score=\"1\" role=\"Master\""),
            "line 6: vips have no role \"Master\"; take it out",
        ),
        (
            "a score",
            edited("score=\"1\"", "score=\"much\""),
            "line 6: \"much\" is not a score; use a whole number, INFINITY or -INFINITY",
        ),
        (
            "an operation",
            edited("\"eq\"", "\"is\""),
            "line 6: there is no operation \"is\"; use one of lt, gt, lte, gte, eq, ne, defined, not_defined",
        ),
        (
            "a type",
            edited("value=\"a\"", "value=\"1.2\" type=\"version\""),
            "line 6: values are not compared as \"version\"; use type=\"string\" or type=\"number\"",
        ),
        (
            "a value of nothing",
            edited(" value=\"a\"", " "),
            "line 6: \"\" cannot be compared with; write 1 to 256 characters",
        ),
        (
            "a constraint twice",
            "<rsc_order id=\"o\" from=\"a\" to=\"b\"/>\n<rsc_order id=\"o\" from=\"b\" to=\"c\"/>".to_owned(),
            "line 2: there is already a constraint o; give each an id of its own",
        ),
    ]
}

fn resources() -> Vec<Case> {
    let web = || address("web", "192.0.2.1");
    vec![
        (
            "a policy",
            whole(&pairs("b", "cluster_property_set", &[("no-quorum-policy", "suicide")]), "", "", "", ""),
            "line 2: there is no policy \"suicide\"; use stop, freeze or ignore",
        ),
        (
            "what is to be left alone",
            whole(&pairs("b", "cluster_property_set", &[("is-managed-default", "false")]), "", "", "", ""),
            "line 2: lvsd leaves no vip alone; take it out, or the resource",
        ),
        (
            "a node twice",
            whole("", &format!("{}\n{}", node("a"), node("a")), "", "", ""),
            "line 4: there is already a node called a; take one of the two out",
        ),
        (
            "ten nodes",
            whole("", &(0..10).map(|number| node(&format!("n{number}"))).collect::<String>(), "", "", ""),
            "line 3: there are more than 9 nodes; take the others out",
        ),
        (
            "a resource of another kind",
            resource("<primitive id=\"db\" class=\"ocf\" provider=\"heartbeat\" type=\"mysql\"/>"),
            "line 4: lvsd does not run \"db\"; take it out: something else has to run it",
        ),
        (
            "a clone of an address",
            resource(&format!("<clone id=\"c\">{}</clone>", web())),
            "line 4: \"web\" is in a <clone>, and lvsd has none; take it out",
        ),
        (
            "no prefix",
            resource(&web().replace("cidr_netmask", "colour")),
            "line 4: \"web\" has no cidr_netmask; add the length of its prefix, for example 24",
        ),
        (
            "a mask with holes",
            resource(&web().replace("\"24\"", "\"255.0.255.0\"")),
            "line 4: \"255.0.255.0\" is not a mask; use the length of the prefix, for example 24",
        ),
        (
            "a long prefix",
            resource(&web().replace("\"24\"", "\"33\"")),
            "line 4: \"192.0.2.1/33\" is not an address with a prefix; a prefix has 32 bits at most, and 128 in IPv6",
        ),
        (
            "two interfaces",
            resource(&format!(
                "<group id=\"g\">{}{}</group>",
                web(),
                address("x", "192.0.2.2").replace("eth0", "eth1")
            )),
            "line 4: addresses of vip g are on eth0 and eth1; write two groups, and a rsc_colocation of them",
        ),
    ]
}

fn texts() -> Vec<Case> {
    vec![
        (
            "text in it",
            resource("web"),
            "line 4: there is text in <resources>: \"web\"; take it out; is the listing complete?",
        ),
        (
            "two documents",
            format!("{0}{0}", whole("", "", "", "", "")),
            "line 7: there is more than one <cib>; take one of the two out",
        ),
        ("nothing", String::new(), "line 1: there is no element; is it the right file?"),
        (
            "half of it",
            whole("", "", "", "", "").split("</cib>").next().unwrap().to_owned(),
            "line 6: this is not XML: expected 'cib' tag, but the text ends; compare the line with the original",
        ),
        (
            "an entity",
            resource("&who;"),
            "line 4: this is not XML: unknown entity reference 'who'; compare the line with the original",
        ),
        (
            "a character that a terminal would obey",
            resource("<primitive a\u{1b}=\"\"/>"),
            "line 4: this is not XML: expected '=' not '\\u{1b}'; compare the line with the original",
        ),
        (
            "a DTD",
            "<?xml version=\"1.0\"?>\n<!DOCTYPE cib [<!ENTITY a \"b\">]>\n<cib/>".to_owned(),
            "line 2: this is a DTD, or part of one; take it out: nothing of it is needed",
        ),
        (
            "a wide one",
            format!("<cib {}/>", (0..65).map(|number| format!("a{number}='' ")).collect::<Vec<_>>().concat()),
            "line 1: an element has more than 64 attributes; is it the right file?",
        ),
        (
            "a deep one",
            format!("\n{}", "<a b=\"\">".repeat(33)),
            "line 2: more than 32 elements are within each other; is it the right file?",
        ),
    ]
}

#[test]
fn what_is_wrong_is_told_with_its_line_and_what_mends_it() {
    let table = [elements(), constraints(), resources(), texts()].concat();
    let [told, expected]: [Vec<_>; 2] = [
        table.iter().map(|(name, text, _)| (*name, refused(text, Reading::Tolerant))).collect(),
        table.iter().map(|(name, _, expected)| (*name, vec![(*expected).to_owned()])).collect(),
    ];
    assert_eq!(told, expected);
}

#[test]
fn what_is_too_long_or_no_text_is_not_even_looked_at() {
    let whole = |bytes: &[u8]| Cib::from_xml(bytes, Reading::Tolerant).expect_err("it is none").to_string();
    assert_eq!(
        whole(&vec![b'<'; super::super::MAX_BYTES + 1]),
        "10485761 bytes are too many; 10485760 are read at most; is it the right file?"
    );
    assert_eq!(whole(b"<cib\xff/>"), "this is not UTF-8; save it as UTF-8, or is it the right file?");
}

#[test]
fn what_is_guessed_is_refused_by_a_strict_reading() {
    let text = resource(&address("web", "192.0.2.1").replace("name=\"nic\"", "name=\"broadcast\""));
    assert_eq!(told(&taken(&text)), ["line 4: \"web\" has no nic; eth0 is taken"]);
    assert_eq!(refused(&text, Reading::Strict), ["line 4: \"web\" has no nic; name its interface"]);
}
