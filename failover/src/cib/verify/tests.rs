use std::time::Duration;

use super::Times;
use crate::cib::Cib;
use crate::cib::sample::TEXT as SOUND;

fn findings(text: &str, hosts: Option<u32>) -> Vec<String> {
    let findings = Cib::read(text.as_bytes()).unwrap().verify(hosts);
    findings.iter().map(ToString::to_string).collect()
}

#[test]
fn there_is_nothing_to_say_of_what_is_sound() {
    assert_eq!(findings(SOUND, None), [""; 0]);
    assert_eq!(findings(SOUND, Some(3)), [""; 0]);
}

/// (name, what is replaced, by what, what is told)
const TABLE: &[(&str, &str, &str, &[&str])] = &[
    (
        "a vip that is none, in a location",
        "vip = \"web\"\nscore",
        "vip = \"wob\"\nscore",
        &["error[unknown-vip] location up: there is no vip called \"wob\"; the vips are web, mail"],
    ),
    (
        "a vip that is none, in a colocation",
        "with = \"web\"",
        "with = \"wob\"",
        &["error[unknown-vip] colocation apart: there is no vip called \"wob\"; the vips are web, mail"],
    ),
    (
        "a vip that is none, in an order",
        "[[colocation]]",
        "[[order]]\nid = \"o\"\nfirst = \"x\"\nthen = \"web\"\n[[colocation]]",
        &["error[unknown-vip] order o: there is no vip called \"x\"; the vips are web, mail"],
    ),
    (
        "a move of nothing to nowhere",
        "[[colocation]]",
        "[[move]]\nvip = \"x\"\nnode = \"y\"\n[[colocation]]",
        &[
            "error[unknown-node] move of x: there is no node called \"y\"; the directors are a, b",
            "error[unknown-vip] move of x: there is no vip called \"x\"; the vips are web, mail",
        ],
    ),
    (
        "failures at a witness",
        "[[colocation]]",
        "[[failure]]\nvip = \"web\"\nnode = \"w\"\ncount = 1\n[[colocation]]",
        &["error[witness] failures of web at w: w is a witness, which owns nothing; the directors are a, b"],
    ),
    (
        "a preference for nobody",
        "{ a = 200 }",
        "{ z = 200 }",
        &["error[unknown-node] vip web: there is no node called \"z\"; the directors are a, b"],
    ),
    (
        "a preference for a witness",
        "{ a = 200 }",
        "{ w = 200 }",
        &["error[witness] vip web: w is a witness, which owns nothing; the directors are a, b"],
    ),
    (
        "a vip that follows itself",
        "with = \"web\"",
        "with = \"mail\"",
        &[
            "error[circle] colocation apart: mail waits for mail, which waits for mail; take one of the constraints out",
        ],
    ),
    (
        "two that follow each other",
        "score = \"never\"",
        "score = \"always\"\n[[colocation]]\nid = \"other\"\nvip = \"web\"\nwith = \"mail\"\nscore = 5",
        &[
            "error[circle] colocation apart: mail waits for web, which waits for mail; take one of the constraints out",
            "error[circle] colocation other: web waits for mail, which waits for web; take one of the constraints out",
        ],
    ),
    (
        "two that avoid each other",
        "score = \"never\"",
        "score = \"never\"\n[[colocation]]\nid = \"other\"\nvip = \"web\"\nwith = \"mail\"\nscore = \"never\"",
        &[
            "warning[mutual] colocation apart: mail minds where web is, and the other way round; one constraint is enough: the vip that minds less is placed first",
        ],
    ),
    (
        "one that follows and comes first",
        "score = \"never\"",
        "score = \"always\"\n[[order]]\nid = \"o\"\nfirst = \"mail\"\nthen = \"web\"",
        &[
            "error[circle] colocation apart: mail waits for web, which waits for mail; take one of the constraints out",
            "error[circle] order o: web waits for mail, which waits for web; take one of the constraints out",
        ],
    ),
    (
        "a preference that outweighs pings",
        "{ a = 200 }",
        "{ a = 300 }",
        &[
            "warning[outweighed] vip web: connectivity cannot move it away from a: worth 300 there without a ping host, and 300 at b with 1 times 300 for pings; use ping = { multiplier = 301 } or more, or keep preference and stickiness together below 300",
        ],
    ),
    (
        "a preference for ever",
        "{ a = 200 }",
        "{ a = \"always\" }",
        &[
            "warning[outweighed] vip web: connectivity cannot move it away from a: worth 1000000 there without a ping host, and 300 at b with 1 times 300 for pings; use numbers instead of \"always\"",
        ],
    ),
    (
        "nobody",
        "{ a = 200 }",
        "{ a = \"never\", b = \"never\" }",
        &[
            "warning[nowhere] vip web: every director is \"never\": nobody will own it; let at least one have it",
        ],
    ),
    (
        "a rule for nobody",
        "operation = \"defined\"",
        "operation = \"gt\", value = \"9000\"",
        &[
            "warning[never-matches] location up: no node can ever match this rule; compare #uname with a node's name, pingd with what the ping hosts add up to, or take it out",
            "warning[outweighed] vip web: connectivity cannot move it away from a: worth 200 there without a ping host, and 0 at b with 1 times 300 for pings; use ping = { multiplier = 501 } or more, or keep preference and stickiness together below 300",
        ],
    ),
    (
        "a rule that contradicts itself",
        "all = [",
        "all = [{ attribute = \"#uname\", operation = \"eq\", value = \"a\" }, { attribute = \"#uname\", operation = \"eq\", value = \"b\" }, ",
        &[
            "warning[never-matches] location up: no node can ever match this rule; compare #uname with a node's name, pingd with what the ping hosts add up to, or take it out",
            "warning[outweighed] vip web: connectivity cannot move it away from a: worth 200 there without a ping host, and 0 at b with 1 times 300 for pings; use ping = { multiplier = 501 } or more, or keep preference and stickiness together below 300",
        ],
    ),
    (
        "an attribute that is none",
        "score_attribute = \"pingd\"\nall = [{ attribute = \"pingd\", operation = \"defined\" }]",
        "score_attribute = \"load\"",
        &[
            "warning[counts-nothing] location up: no node has an attribute \"load\" to count; use score_attribute = \"pingd\"",
        ],
    ),
    (
        "an even number of voters",
        "[[node]]\nname = \"w\"\nrole = \"witness\"\n",
        "",
        &[
            "warning[even-voters] nodes: 2 voters: split in halves, neither has a majority; add a node with role = \"witness\" to the file",
        ],
    ),
    (
        "a policy that is not safe",
        "\"stop\"",
        "\"ignore\"",
        &[
            "warning[unsafe-policy] properties: without a majority every director takes all vips; use no_quorum_policy = \"stop\" in the file, and a witness",
        ],
    ),
    (
        "all in standby",
        "name = \"a\"\n\n[[node]]\nname = \"b\"",
        "name = \"a\"\nstandby = true\n\n[[node]]\nname = \"b\"\nstandby = true",
        &[
            "warning[all-standby] nodes: all directors are in standby: no vip is anywhere; use `lvsd node online NODE`",
        ],
    ),
];

#[test]
fn what_nobody_means_is_found() {
    for (name, from, to, told) in TABLE {
        let text = SOUND.replacen(from, to, 1);
        assert_ne!(text, SOUND, "{name}");
        assert_eq!(findings(&text, None), *told, "{name}");
    }
}

#[test]
fn what_pings_outweigh_depends_on_how_many_there_are() {
    let outweighed =
        |text: &str, hosts| findings(text, hosts).iter().any(|it| it.starts_with("warning[outweighed]"));
    let text = SOUND.replace("{ a = 200 }", "{ a = 800 }");
    assert_eq!([Some(1), Some(2), Some(3)].map(|hosts| outweighed(&text, hosts)), [true, true, false]);
    // Heartbeat's group of two with a stickiness of 777, preferred with 3500, and three hosts of 2000.
    let text = SOUND.replace("{ a = 200 }", "{ a = 3500 }\nstickiness = 3108").replace("300", "2000");
    assert!(outweighed(&text, Some(3)));
    assert!(!outweighed(&text.replace("stickiness = 3108", "stickiness = 0"), Some(3)));
    // A rule that bars is not outweighed.
    let text = SOUND.replace("score_attribute = \"pingd\"", "score = \"never\"");
    let text = text
        .replace("operation = \"defined\"", "operation = \"lt\", value = \"1\"")
        .replace("200", "\"always\"");
    assert!(!outweighed(&text, Some(1)));

    assert_eq!(
        findings(SOUND, Some(0)),
        [
            "warning[no-ping-hosts] vip web: its rules count what nodes ping, and nothing is pinged; add ping = { hosts = [...] } \
          to the file"
        ]
    );
}

#[test]
fn times_that_do_not_fit_are_told() {
    let ms = Duration::from_millis;
    let sound = Times {
        keepalive: ms(200),
        warntime: ms(400),
        deadtime: ms(1000),
        initdead: ms(1020),
        dampen: Some(ms(1001)),
    };
    assert_eq!(sound.verify(), []);
    // (what differs, how what is told begins, and how it ends)
    let table = [
        (
            Times { keepalive: ms(251), warntime: ms(502), ..sound },
            "deadtime: a deadtime of 1s is less than four times the keepalive of 251ms",
            "use 1004ms or more",
        ),
        (
            Times { warntime: ms(399), ..sound },
            "warntime: a warntime of 399ms is less than twice the keepalive of 200ms",
            "use 400ms or more",
        ),
        (
            Times { initdead: ms(1019), ..sound },
            "initdead: an initdead of 1019ms is hardly more than the deadtime of 1s",
            "use 2s or more",
        ),
        (
            Times { dampen: Some(ms(1000)), ..sound },
            "ping: a dampen of 1s is not more than the deadtime of 1s",
            "use 2s or more",
        ),
        (
            Times { dampen: Some(Duration::ZERO), ..sound },
            "ping: a dampen of 0s is not more than the deadtime of 1s",
            "use 2s or more",
        ),
    ];
    for (times, beginning, end) in table {
        let told: Vec<String> = times.verify().iter().map(ToString::to_string).collect();
        let [one] = &told[..] else { panic!("{told:?}") };
        assert!(one.starts_with(&format!("warning[timing] {beginning}")) && one.ends_with(end), "{one}");
    }
    assert_eq!(Times { dampen: None, ..sound }.verify(), []);
}
