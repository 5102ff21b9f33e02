//! Documents in the shapes in which articles of the time print them, with the same damage.

use super::*;

/// As `haresources2cib.py` wrote it, and as a printer left it.
const LISTING: &str = r##"Listing. What the three directors start from
<cib admin_epoch="0" have_quorum="true" num_peers="3" cib_feature_revision="1.3" generated="true"
ccm_transition="4" dc_uuid="7d31f0aa-0002" epoch="31" num_updates="1207">
<configuration>
<crm_config>
<cluster_property_set id="bootstrap">
<attributes>
<nvpair id="bootstrap-symmetric" name="symmetric_cluster" value="true"/>
<nvpair id="bootstrap-quorum" name="no_quorum_policy" value="stop"/>
<nvpair id="bootstrap-stickiness" name="default_resource_stickiness" value="0"/>
<nvpair id="bootstrap-stonith" name="stonith_enabled" value="false"/>
<nvpair id="bootstrap-idle" name="transition_idle_timeout" value="5min"/>
<nvpair id="bootstrap-managed" name="is_managed_default" value="true"/>
<attributes>
<cluster_property_set>
<crm_config>
<nodes>
<node uname="litsha21" type="normal" id="7d31f0aa-0001">
<instance_attributes id="standby-7d31f0aa-0001">
<attributes>
<nvpair name="standby" id="standby-7d31f0aa-0001" value="off"/>
<attributes>
<instance_attributes>
<node>
<node uname="litsha22" type="normal" id="7d31f0aa-0002">
<instance_attributes id="standby-7d31f0aa-0002">
<attributes>
<nvpair name="standby" id="standby-7d31f0aa-0002" value="on"/>
<attributes>
<instance_attributes>
<node>
<nodes>
<resources>
<primitive class="ocf" provider="heartbeat" type="IPaddr" id="IPaddr_1">
<operations>
<op id="IPaddr_1_mon" interval="5s" name="monitor" timeout="5s"/>
<operations>
<instance_attributes id="IPaddr_1_inst_attr">
<attributes>
<nvpair id="IPaddr_1_attr_0" name="ip" value="192.0.2.205"/>
<nvpair id="IPaddr_1_attr_1" name="netmask" value="24"/>
<nvpair id="IPaddr_1_attr_2" name="nic" value="eth0"/>
<nvpair id="IPaddr_1_attr_3" name="broadcast" value="192.0.2.255"/>
<attributes>
<instance_attributes>
<primitive>
<resources>
<constraints>
<rsc_location id="rsc_location_IPaddr_1" rsc="IPaddr_1">
<rule id="prefered_location_IPaddr_1" score="200">
<expression attribute="#uname" id="prefered_location_IPaddr_1_expr" operation="eq"
value="litsha21"/>
<rule>
<rsc_location>
<rsc_location id="IPaddr_1:connected" rsc="IPaddr_1">
<rule id="IPaddr_1:connected:rule" score_attribute="pingd">
<expression id="IPaddr_1:connected:expr" attribute="pingd" operation="defined"/>
<rule>
<rsc_location>
<constraints>
<configuration>
<cib>
|
"##;

/// What it says.
const MEANT: &str = r#"version = "0.31.1207"

[properties]
no_quorum_policy = "stop"
ping_multiplier = 1

[[node]]
name = "litsha21"
role = "director"
standby = false

[[node]]
name = "litsha22"
role = "director"
standby = true

[[vip]]
name = "IPaddr_1"
addresses = ["192.0.2.205/24"]
interface = "eth0"
prefer = { litsha21 = 200 }
stickiness = 0
migration_threshold = 3
failure_timeout = "10m"

[[location]]
id = "IPaddr_1:connected"
vip = "IPaddr_1"
score_attribute = "pingd"
all = [{ attribute = "pingd", operation = "defined" }]
"#;

#[test]
fn a_listing_that_lost_its_slashes_means_what_it_meant() {
    let imported = taken(LISTING);
    assert_eq!(imported.cib.to_string(), MEANT);
    assert!(imported.whole && imported.status.quorate);
    assert_eq!(imported.status.dc.as_deref(), Some("litsha22"));
    assert_eq!(
        told(&imported),
        [
            "mended 22 x: a closing tag has lost its slash (lines 14, 15, 16, 22, 23, 24, 29, 30, 31, 32, ...)",
            "mended 2 x: an id is there twice (lines 21, 28)",
            "mended 1 x: there is no <status> (line 2)",
            "mended 6 x: a name is spelled as another release does (lines 8, 9, 10, 11, 13, 41)",
            "mended 2 x: there is text around the elements (lines 1, 63)",
            "line 56: what a ping is worth is not in this file but in ha.cf (pingd -m): 1 is taken",
        ]
    );
}

#[test]
fn nothing_of_it_is_mended_by_a_strict_reading() {
    let refused = refused(LISTING, Reading::Strict);
    assert_eq!(refused.len(), 22 + 2 + 1 + 6 + 2);
    assert_eq!(refused.first().unwrap(), "line 1: there is text around the elements; take it out");
}

/// (name, text, document but for its head, what is told)
const FRAGMENTS: &[(&str, &str, &str, &[&str])] = &[
    (
        "a location",
        r##"<rsc_location id="home_ip" rsc="ip">
  <rule id="home_ip_rule" score="INFINITY">
    <expression attribute="#uname" id="home_ip_expr" operation="eq" value="su2"/>
  </rule>
</rsc_location>"##,
        r##"
[[location]]
id = "home_ip"
vip = "ip"
score = "always"
all = [{ attribute = "#uname", operation = "eq", value = "su2" }]
"##,
        &[],
    ),
    (
        "an order, of a name with a space",
        r#"<rsc_order id="nfs_second" to="disk" from="the server"/>"#,
        r#"
[[order]]
id = "nfs_second"
first = "disk"
then = "the_server"
"#,
        &[
            "mended 1 x: a name has characters that names of lvsd do not have (line 1)",
            "line 1: \"the server\" is called the_server from now on",
        ],
    ),
    (
        "two colocations, of instances of a clone",
        "<rsc_colocation id=\"apart_1\" from=\"lock:0\" to=\"lock:1\" score=\"-INFINITY\"/>\n\n\
         <rsc_colocation id=\"apart_2\" from=\"lock:1\" to=\"lock:0\" score=\"-INFINITY\"/>",
        r#"
[[colocation]]
id = "apart_1"
vip = "lock:0"
with = "lock:1"
score = "never"

[[colocation]]
id = "apart_2"
vip = "lock:1"
with = "lock:0"
score = "never"
"#,
        &[],
    ),
    (
        "a rule that counts pings by another name, after a prompt",
        r#"[root@rh3 ~]# cat pings.xml
<rsc_location id="pings" rsc="http">
  <rule id="pings-rule" score_attribute="my_pings" >
    <expression id="pings-defined"
      attribute="my_pings" operation="defined"/>
  </rule>
</rsc_location>
[root@rh3 ~]# cibadmin -C -o constraints -x pings.xml > /dev/null"#,
        r#"
[[location]]
id = "pings"
vip = "http"
score_attribute = "pingd"
all = [{ attribute = "pingd", operation = "defined" }]
"#,
        &[
            "mended 2 x: there is text around the elements (lines 1, 8)",
            "line 3: \"my_pings\" is what nodes ping, and becomes pingd",
        ],
    ),
    (
        "an expression without an id",
        r##"<rsc_location id="run_1" rsc="apache_1">
  <rule id="pref_run_1" score="3500">
    <expression attribute="#uname" operation="eq" value="rh3.example.com"/>
  </rule>
</rsc_location>"##,
        r##"
[[location]]
id = "run_1"
vip = "apache_1"
score = 3500
all = [{ attribute = "#uname", operation = "eq", value = "rh3.example.com" }]
"##,
        &["mended 1 x: an element has no id (line 3)"],
    ),
    (
        "constraints in their section: a move, and an order",
        r##"<constraints>
 <rsc_location id="cli-prefer-nfs" rsc="nfs">
  <rule id="prefered_cli-prefer-nfs" score="INFINITY">
   <expression attribute="#uname" id="nfs-01" operation="eq" value="su2"/>
  </rule>
 </rsc_location>
 <rsc_order id="disk-before-nfs" from="nfs" to="disks" score="INFINITY" type="after"/>
</constraints>"##,
        r#"
[[order]]
id = "disk-before-nfs"
first = "disks"
then = "nfs"

[[move]]
vip = "nfs"
node = "su2"
"#,
        &["line 2: vip nfs is moved to su2, as by `lvsd vip move`"],
    ),
    (
        "a group with an address and a server, with typographic quotes",
        r#"<group id="nfs">
 <meta_attributes id="nfs-attributes"><attributes>
  <nvpair id="nfs-01" name="target_role" value="stopped"/>
  <nvpair id="nfs-02" name="collocated" value="true"/>
 </attributes></meta_attributes>
 <primitive id="server" class="lsb" type="nfsserver">
  <operations><op name="monitor" interval="5s" timeout="5s" prereq="nothing" onfail=”fence” id="op-01"/></operations>
 </primitive>
 <primitive id="ip" class="ocf" provider="heartbeat" type="IPaddr">
  <operations><op name="monitor" interval="5s" timeout="5s" prereq="nothing" onfail=”fence” id="op-02"/></operations>
  <instance_attributes id="ia"><attributes>
   <nvpair id="ia-01" name="ip" value="192.0.2.10"/>
   <nvpair id="ia-02" name="cidr_netmask" value="255.255.255.0"/>
  </attributes></instance_attributes>
 </primitive>
</group>"#,
        r#"
[[vip]]
name = "nfs"
addresses = ["192.0.2.10/24"]
interface = "eth0"
stickiness = 0
migration_threshold = 3
failure_timeout = "10m"

[[location]]
id = "target_role-nfs"
vip = "nfs"
score = "never"
"#,
        &[
            "mended 2 x: a value has typographic quotes (lines 7, 10)",
            "mended 3 x: a name is spelled as another release does (lines 7, 10, 13)",
            "line 3: vip nfs is stopped by location target_role-nfs",
            "line 6: \"server\" is dropped: lvsd runs addresses only, and something else has to run it",
            "line 7 and 1 more: on_fail=\"fence\" is not taken: a vip that fails is put elsewhere",
            "line 9: \"ip\" has no nic; eth0 is taken",
        ],
    ),
];

#[test]
fn fragments_are_taken_as_cibadmin_takes_them() {
    for (name, text, document, expected) in FRAGMENTS {
        let imported = taken(text);
        let head = Cib::default().to_string();
        assert_eq!(imported.cib.to_string(), format!("{head}{document}"), "{name}");
        assert_eq!(told(&imported), *expected, "{name}");
        assert!(!imported.whole, "{name}");
    }
}

#[test]
fn properties_alone_are_a_fragment_too() {
    let set = [
        ("cluster-delay", "40"),
        ("default-resource-stickiness", "INFINITY"),
        ("default-resource-failure-stickiness", "-500"),
        ("stonith-enabled", "true"),
        ("stonith-action", "poweroff"),
        ("no-quorum-policy", "freeze"),
    ];
    let text = format!("{}\n{}", pairs("boot", "cluster_property_set", &set), address("ip", "192.0.2.1"));
    let imported = taken(&text);
    let declared = &imported.cib.declared;
    assert_eq!(declared.policy, NoQuorum::Freeze);
    assert_eq!(declared.vips.first().unwrap().stickiness, Score::INFINITY);
    assert_eq!(
        told(&imported),
        [
            "line 1: a failure is worth no points: after migration_threshold of them a vip is barred",
            "line 1: nothing is shot: a director without a lease gives up by itself",
        ]
    );
}
