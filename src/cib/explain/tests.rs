//! What decides, in words.

use failover::VipId;
use failover::core::{NodeState, View};
use failover::message::{Bar, Unfit};

use crate::cib::Scene;
use crate::cib::sample::{TEXT, id, scene};

fn sentence(scene: &Scene, vip: &str) -> String {
    let all = scene.explain();
    all.into_iter().find(|it| it.vip == vip).unwrap().sentence
}

#[test]
fn the_sentence_says_what_decides() {
    const WEB: &str = "[[vip]]\nname = \"web\"";
    type Change = fn(&mut View);
    let no_change: Change = |_| {};
    // (name, what is added to the document, what else is so, of which vip, the sentence)
    let table: &[(&str, &str, Change, &str, &str)] = &[
        (
            "a preference",
            "",
            no_change,
            "web",
            "web is at a, because a is worth 200 (prefers a 200), and b 0",
        ),
        (
            "stickiness",
            "",
            no_change,
            "mail",
            "mail is at b, because b is worth 100 (stickiness 100), and a 0",
        ),
        (
            "a move",
            "[[move]]\nvip = \"web\"\nnode = \"b\"\n",
            no_change,
            "web",
            "web moves from a to b, because an operator moved it there",
        ),
        (
            "pings before scores",
            "",
            |view| view.nodes[0].reach.pings = 0,
            "web",
            "web moves from a to b, because b reaches 1 ping host and most realservers, and a most realservers",
        ),
        (
            "nobody reaches anything",
            "",
            |view| view.nodes.iter_mut().for_each(|node| node.reach.pings = 0),
            "mail",
            "mail is at b, because nobody reaches anything, which is no reason to be elsewhere",
        ),
        (
            "nobody else",
            "",
            |view| view.nodes[1].state = NodeState::Dead,
            "web",
            "web is at a, because nobody else can have it (b: is not heard; c: is a witness)",
        ),
        (
            "not ready",
            "",
            |view| view.nodes[1].unfit = Some(Unfit::Checks),
            "web",
            "web is at a, because nobody else can have it (b: its checks do not know yet how the realservers are; \
             c: is a witness)",
        ),
        (
            "another file",
            "",
            |view| view.nodes[1].file = Some(8),
            "web",
            "web is at a, because nobody else can have it (b: its file differs from that of most nodes; c: is a witness)",
        ),
        (
            "nobody",
            "",
            |view| {
                view.nodes[0].barred = vec![(VipId::of("web"), Bar::Carrier)];
                view.nodes[1].state = NodeState::Left;
            },
            "web",
            "web leaves a and is nowhere, because nobody can have it (a: its interface has no carrier; b: has left; \
             c: is a witness)",
        ),
        (
            "a tie, and fewer vips",
            "",
            |view| view.vips[1].owner = None,
            "mail",
            "mail goes to b, because a is worth as much (0) and has more vips",
        ),
        (
            "it does not hear the DC",
            "",
            |view| view.nodes[1].hears = [id(1)].into_iter().collect(),
            "web",
            "web is at a, because nobody else can have it (b: is not heard; c: is a witness)",
        ),
        (
            "no quorum",
            "",
            |view| view.quorate = false,
            "web",
            "no majority with a DC is heard here; with one, web stays at a, because a is worth 200 (prefers a 200), \
             and b 0",
        ),
    ];
    for (name, more, change, vip, expected) in table {
        assert!(TEXT.contains(WEB));
        let scene = scene(&format!("{TEXT}\n{more}"), change);
        assert_eq!(sentence(&scene, vip), *expected, "{name}");
    }
}

#[test]
fn what_if_a_node_went() {
    let all = scene(TEXT, |_| {});
    assert_eq!(
        sentence(&all.without(id(0)), "web"),
        "without a, web moves from a to b, because nobody else can have it (a: is not heard; c: is a witness)"
    );
    assert_eq!(
        sentence(&all.without(id(2)), "web"),
        "without c, web stays at a, because a is worth 200 (prefers a 200), and b 0"
    );
    let two = scene(TEXT, |view| view.nodes[2].state = NodeState::Dead);
    assert_eq!(
        sentence(&two.without(id(1)), "web"),
        "without b, 1 of 2 votes that are needed are left, so no majority places web: no_quorum_policy is \"stop\""
    );
}

#[test]
fn the_table_has_every_term_and_its_sum() {
    let text = format!("{TEXT}\n[[failure]]\nvip = \"web\"\nnode = \"b\"\ncount = 2\n");
    let standby = text.replace("name = \"b\"\n", "name = \"b\"\nstandby = true\n");
    let shown = |text: &str| scene(text, |_| {}).explain()[0].to_string();
    assert_eq!(
        shown(&text),
        "web is at a, because a is worth 200 (prefers a 200), and b 0 (failed 2 times 0)\n  \
         node  reaches                           score  why\n  \
         a     1 ping host and most realservers    200  prefers a 200\n  \
         b     1 ping host and most realservers      0  failed 2 times\n  \
         c     1 ping host and most realservers  never  is a witness never\n"
    );
    assert!(shown(&standby).contains("b     1 ping host and most realservers  never  is in standby never"));
}
