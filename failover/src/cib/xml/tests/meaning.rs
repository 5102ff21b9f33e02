//! What becomes of what.

use super::*;

/// What a document has beside its nodes, and what is told.
fn meant(text: &str) -> (String, Vec<String>) {
    let imported = taken(text);
    let document = imported.cib.to_string();
    let from = document.find("\n[[vip]]").unwrap_or(document.len());
    (document[from..].to_owned(), told(&imported))
}

fn vip(name: &str, address: &str, more: &str) -> String {
    format!(
        "\n[[vip]]\nname = \"{name}\"\naddresses = [{address}]\ninterface = \"eth0\"\n{more}\
         migration_threshold = 3\nfailure_timeout = \"10m\"\n"
    )
}

fn primitive(id: &str, class: &str, kind: &str, set: &[(&str, &str)]) -> String {
    let pairs = pairs(id, "instance_attributes", set);
    format!(
        "<primitive id=\"{id}\" class=\"{class}\" provider=\"heartbeat\" type=\"{kind}\">{pairs}</primitive>"
    )
}

type Set<'a> = &'a [(&'a str, &'a str)];

#[test]
fn addresses_become_vips() {
    let text =
        |set: &[(&str, &str)], kind| whole("", &node("a"), &primitive("web", "ocf", kind, set), "", "");
    // (name, what is said, type, address, what is told)
    let table: &[(&str, Set<'_>, &str, &str, &[&str])] = &[
        (
            "a length",
            &[("ip", "192.0.2.1"), ("cidr_netmask", "24"), ("nic", "eth0")],
            "IPaddr",
            "192.0.2.1/24",
            &[],
        ),
        (
            "a length with the address",
            &[("ip", "192.0.2.1/25"), ("nic", "eth0")],
            "IPaddr2",
            "192.0.2.1/25",
            &[],
        ),
        (
            "a label",
            &[("ip", "192.0.2.1"), ("cidr_netmask", "24"), ("nic", "eth0:1")],
            "IPaddr",
            "192.0.2.1/24",
            &["line 4: \"web\" has no label of its own: \"eth0:1\" is on \"eth0\""],
        ),
        ("IPv6", &[("ipv6addr", "2001:db8::1/64"), ("nic", "eth0")], "IPv6addr", "2001:db8::1/64", &[]),
        (
            "IPv6, as today",
            &[("ip", "2001:db8::1"), ("cidr_netmask", "64"), ("nic", "eth0")],
            "IPaddr2",
            "2001:db8::1/64",
            &[],
        ),
        (
            "what means nothing, and what nobody knows",
            &[("ip", "192.0.2.1/24"), ("nic", "eth0"), ("ARP_REPEAT", "10"), ("colour", "blue")],
            "IPaddr",
            "192.0.2.1/24",
            &["line 4: \"colour\" of vip web is not taken"],
        ),
    ];
    for (name, set, kind, address, expected) in table {
        let (document, told) = meant(&text(set, kind));
        assert_eq!(document, vip("web", &format!("{address:?}"), "stickiness = 0\n"), "{name}");
        assert_eq!(told, *expected, "{name}");
    }
}

#[test]
fn a_group_counts_its_stickiness_as_heartbeat_does() {
    let group = |meta: &str| {
        let members =
            [address("x", "192.0.2.1"), address("y", "192.0.2.2"), primitive("z", "lsb", "httpd", &[])];
        format!("<group id=\"web\">{meta}{}</group>", members.concat())
    };
    let own = pairs("web", "meta_attributes", &[("resource_stickiness", "5"), ("migration-threshold", "3")]);
    let (document, told) = meant(&whole("", &node("a"), &group(&own), "", ""));
    let addresses = "\"192.0.2.1/24\", \"192.0.2.2/24\"";
    assert_eq!(document, vip("web", addresses, "stickiness = 45\n"));
    assert_eq!(
        told,
        [
            "line 4: \"z\" is dropped: lvsd runs addresses only, and something else has to run it",
            "line 4: Heartbeat 2.1 counts the stickiness of a group of 3 9 times: 5 becomes 45",
        ]
    );
    let today = whole("", &node("a"), &group(&own), "", "");
    let today = today.replacen("<cib", "<cib validate-with=\"pacemaker-1.0\"", 1);
    assert_eq!(meant(&today).0, vip("web", addresses, "stickiness = 15\n"));
    let all = pairs("boot", "cluster_property_set", &[("default-resource-stickiness", "INFINITY")]);
    let (document, told) = meant(&whole(&all, &node("a"), &group(""), "", ""));
    assert_eq!(document, vip("web", addresses, "stickiness = \"always\"\n"));
    assert_eq!(told.len(), 1);
}

#[test]
fn what_lvsd_does_by_itself_is_dropped_with_its_constraints() {
    let shooter = primitive("shooter", "stonith", "external/ssh", &[]);
    let pinger = primitive("pinger", "ocf", "pingd", &[("multiplier", "100"), ("name", "reach")]);
    let resources = [
        address("web", "192.0.2.1"),
        format!("<clone id=\"shooters\">{shooter}</clone>"),
        format!("<clone id=\"pingers\">{pinger}</clone>"),
        primitive("watch", "lsb", "mon", &[]),
    ];
    let constraints = "\n<rsc_colocation id=\"c\" from=\"web\" to=\"watch\" score=\"INFINITY\"/>\
                       \n<rsc_order id=\"o\" from=\"shooter:0\" to=\"web\"/>\
                       \n<rsc_location id=\"l\" rsc=\"web\"><rule id=\"r\" score_attribute=\"reach\">\
                       <expression id=\"e\" attribute=\"reach\" operation=\"gt\" value=\"0\"/></rule></rsc_location>";
    let text = whole("", &node("a"), &resources.concat(), constraints, "");
    let (document, told) = meant(&text);
    let location = "\n[[location]]\nid = \"l\"\nvip = \"web\"\nscore_attribute = \"pingd\"\n\
                    all = [{ attribute = \"pingd\", operation = \"gt\", value = \"0\" }]\n";
    assert_eq!(document, vip("web", "\"192.0.2.1/24\"", "stickiness = 0\n") + location);
    assert_eq!(taken(&text).cib.declared.multiplier, 100);
    assert_eq!(
        told,
        [
            "line 4: \"pinger\" is dropped: directors ping by themselves: the hosts are in `ping` of lvsd.toml",
            "line 4: \"shooter\" is dropped: nothing is shot: a director without a lease gives up by itself",
            "line 4: \"watch\" is dropped: services and their checks are in lvsd.toml, on every director at all times",
            "line 6: a rsc_colocation is dropped with what it is about: \"watch\"",
            "line 7: a rsc_order is dropped with what it is about: \"shooter:0\"",
        ]
    );
}

#[test]
fn constraints_are_read_as_they_are_meant() {
    let vips = [address("web", "192.0.2.1"), address("mail", "192.0.2.2")].concat();
    let location = |inside: &str| format!("<rsc_location id=\"l\" rsc=\"web\">{inside}</rsc_location>");
    let at = |id: &str, by: &str, name: &str| {
        format!("<expression id=\"{id}\" attribute=\"{by}\" operation=\"eq\" value=\"{name}\"/>")
    };
    let order = |first: &str, then: &str| {
        format!("\n[[order]]\nid = \"o\"\nfirst = \"{first}\"\nthen = \"{then}\"\n")
    };
    let place = |id: &str, score: &str, rule: &str| {
        format!("\n[[location]]\nid = \"{id}\"\nvip = \"web\"\nscore = {score}\n{rule}\n")
    };
    let asks = |name: &str| format!("{{ attribute = \"#uname\", operation = \"eq\", value = \"{name}\" }}");
    // (name, constraint, meaning)
    let table = [
        ("from after to", "<rsc_order id=\"o\" from=\"web\" to=\"mail\"/>".to_owned(), order("mail", "web")),
        (
            "from before to",
            "<rsc_order id=\"o\" from=\"web\" type=\"before\" to=\"mail\" score=\"INFINITY\"/>".to_owned(),
            order("web", "mail"),
        ),
        (
            "first, then",
            "<rsc_order id=\"o\" first=\"web\" then=\"mail\" kind=\"Mandatory\"/>".to_owned(),
            order("web", "mail"),
        ),
        (
            "not necessary",
            "<rsc_order id=\"o\" from=\"web\" to=\"mail\" score=\"0\"/>".to_owned(),
            String::new(),
        ),
        (
            "from follows to",
            "<rsc_colocation id=\"c\" rsc=\"web\" with-rsc=\"mail\" score=\"-7\"/>".to_owned(),
            "\n[[colocation]]\nid = \"c\"\nvip = \"web\"\nwith = \"mail\"\nscore = -7\n".to_owned(),
        ),
        (
            "a node",
            "<rsc_location id=\"l\" rsc=\"web\" node=\"a\" score=\"-INFINITY\"/>".to_owned(),
            place("l", "\"never\"", &format!("all = [{}]", asks("a"))),
        ),
        (
            "a node by its id",
            location(&format!("<rule id=\"r\" score=\"9\">{}</rule>", at("e", "#id", "b-id"))),
            place("l", "9", "all = [{ attribute = \"#id\", operation = \"eq\", value = \"b\" }]"),
        ),
        (
            "one of two nodes",
            location(&format!(
                "<rule id=\"r\" score=\"9\" boolean-op=\"or\">{}{}</rule>",
                at("e", "#uname", "a"),
                at("f", "#uname", "b")
            )),
            place("l", "9", &format!("any = [{}, {}]", asks("a"), asks("b"))),
        ),
        (
            "two rules",
            location(&format!(
                "<rule id=\"r\" score=\"9\">{}</rule><rule id=\"s\" score=\"8\">{}</rule>",
                at("e", "#uname", "a"),
                at("f", "#uname", "b")
            )),
            place("r", "9", &format!("all = [{}]", asks("a")))
                + &place("s", "8", &format!("all = [{}]", asks("b"))),
        ),
    ];
    let nodes = format!("{}<node id=\"b-id\" uname=\"b\" type=\"member\"/>", node("a"));
    let [web, mail] = [("web", "192.0.2.1"), ("mail", "192.0.2.2")]
        .map(|(name, ip)| vip(name, &format!("\"{ip}/24\""), "stickiness = 0\n"));
    for (name, constraint, meaning) in table {
        let (document, _) = meant(&whole("", &nodes, &vips, &constraint, ""));
        assert_eq!(document, format!("{web}{mail}{meaning}"), "{name}");
    }
}

#[test]
fn constraints_of_members_are_those_of_their_group() {
    let group =
        format!("<group id=\"web\">{}{}</group>", address("x", "192.0.2.1"), address("y", "192.0.2.2"));
    let constraints =
        "<rsc_order id=\"within\" from=\"y\" to=\"x\"/>\n<rsc_order id=\"o\" from=\"mail\" to=\"y\"/>";
    let text = whole("", &node("a"), &(group + &address("mail", "192.0.2.3")), constraints, "");
    let imported = taken(&text);
    assert_eq!(
        imported.cib.orders().map(|(id, order)| (id, &*order.first)).collect::<Vec<_>>(),
        [("o", "web")]
    );
    assert_eq!(told(&imported), ["line 5: a rsc_order is dropped: both are of vip web"]);
}

#[test]
fn where_nothing_may_be_anywhere_the_others_are_barred() {
    let all = pairs("boot", "cluster_property_set", &[("symmetric-cluster", "false")]);
    let wish = "<rsc_location id=\"l\" rsc=\"web\" node=\"a\" score=\"5\"/>";
    let (document, told) =
        meant(&whole(&all, &format!("{}{}", node("a"), node("b")), &address("web", "192.0.2.1"), wish, ""));
    assert!(
        document.ends_with(
            "\n[[location]]\nid = \"symmetric-cluster-web\"\nvip = \"web\"\nscore = \"never\"\n\
             all = [{ attribute = \"#uname\", operation = \"ne\", value = \"a\" }]\n"
        ),
        "{document}"
    );
    assert_eq!(
        told,
        ["line 1: symmetric-cluster is false: by location symmetric-cluster-web vip web is at [a] only"]
    );
}

#[test]
fn the_status_says_what_failed_and_what_is_where() {
    let group =
        format!("<group id=\"web\">{}{}</group>", address("x", "192.0.2.1"), address("y", "192.0.2.2"));
    let set = pairs(
        "a",
        "instance_attributes",
        &[
            ("pingd", "100"),
            ("fail-count-x", "2"),
            ("fail-count-y#monitor_5000", "INFINITY"),
            ("shutdown", "0"),
        ],
    );
    let had = "<lrm id=\"a\"><lrm_resources><lrm_resource id=\"y\">\
               <lrm_rsc_op operation=\"monitor\" call-id=\"9\" rc-code=\"0\"/></lrm_resource>\
               <lrm_resource id=\"mail\"><lrm_rsc_op operation=\"start\" call_id=\"1\" rc_code=\"0\"/>\
               <lrm_rsc_op operation=\"stop\" call_id=\"2\" rc_code=\"0\"/></lrm_resource></lrm_resources></lrm>";
    let states = format!(
        "<node_state id=\"a\" uname=\"a\" in_ccm=\"1700000000\" crmd=\"1700000001\">\
         <transient_attributes id=\"a\">{set}</transient_attributes>{had}</node_state>\
         <node_state id=\"b\" uname=\"b\" in_ccm=\"true\" crmd=\"offline\"/>"
    );
    let resources = group + &address("mail", "192.0.2.3");
    let Imported { cib, status, .. } =
        taken(&whole("", &format!("{}{}", node("a"), node("b")), &resources, "", &states));
    assert_eq!(cib.failures, BTreeMap::from([(("web".to_owned(), "a".to_owned()), 1_000_000)]));
    let a = NodeStatus {
        online: true,
        attributes: BTreeMap::from([("pingd".to_owned(), "100".to_owned())]),
        vips: BTreeSet::from(["web".to_owned()]),
    };
    let nodes = BTreeMap::from([("a".to_owned(), a), ("b".to_owned(), NodeStatus::default())]);
    assert_eq!(status.nodes, nodes);
}
