//! What operators say of nodes and vips, and what they see of it.

use lvsd::snapshot::Snapshot;

use super::farm::{CLUSTER, Farm, NAMES, VIPS, config};
use crate::patience::until;

/// Says something to a director; what it answers, and whether it was done.
fn say<const N: usize>(farm: &Farm, index: usize, words: [&str; N]) -> (bool, String) {
    let output = farm.directors[index].lvsd(words);
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(text).expect("it is text"))
}

/// What needs an operator, as far as it is the cluster's.
fn problems(snapshot: &Snapshot) -> Vec<String> {
    let ours = ["cluster", "node ", "link ", "vip "];
    let ours = snapshot.problems.iter().filter(|it| ours.iter().any(|part| it.object.starts_with(part)));
    ours.map(|it| format!("{}: {}", it.object, it.what)).collect()
}

#[test]
fn an_operator_moves_vips_and_directors_in_and_out_and_sees_it() {
    let mut farm = Farm::alone();
    // Nothing here is about time, so a guest that is slow must not look dead.
    let patient = CLUSTER.replace("\"200ms\"", "\"400ms\"\nwarntime = \"3s\"").replace("\"1s\"", "\"5s\"");
    farm.start_with(&config(&patient, VIPS));
    farm.until_owner(0);
    until("nothing of the cluster needs an operator", || {
        (0..NAMES.len()).all(|index| problems(&farm.status(index)).is_empty())
    });
    let seen = farm.status(1);
    let cluster = seen.cluster.as_ref().expect("a cluster");
    assert!(cluster.quorate && cluster.votes == 3 && cluster.votes_needed == 2, "{cluster:?}");
    assert!(cluster.nodes.iter().all(|node| node.config_match == Some(true)), "{cluster:?}");
    assert_eq!((seen.vips[0].owner.as_deref(), seen.vips[0].mine), (Some(NAMES[0]), false));
    let lease = farm.status(0).vips[0].lease_remaining_seconds;
    assert!(lease.is_some_and(|left| left > 0.0 && left < 5.0), "{lease:?}");

    // (who is asked, the words, where the vip is then)
    let table: [(usize, &[&str], usize); 5] = [
        (2, &["vip", "move", "web", "litsha22"], 1),
        (0, &["vip", "release", "web"], 0),
        (1, &["node", "standby", "litsha21"], 1),
        (0, &["node", "online"], 0),
        (0, &["vip", "move", "web"], 1),
    ];
    for (asked, words, owner) in table {
        let (done, said) = match *words {
            [a, b] => say(&farm, asked, [a, b]),
            [a, b, c] => say(&farm, asked, [a, b, c]),
            [a, b, c, d] => say(&farm, asked, [a, b, c, d]),
            _ => unreachable!(),
        };
        eprintln!("{words:?}: {said}");
        assert!(done, "{words:?}: {said}");
        farm.until_owner(owner);
    }
    let (done, said) = say(&farm, 0, ["vip", "move", "web", "litsha29"]);
    assert!(!done && said.contains("there is no node \"litsha29\"; there is litsha21"), "{said}");

    farm.cut_off(2);
    until("the silent node is told", || {
        let seen = problems(&farm.status(0));
        seen == ["node litsha23: dead: silent on all links"]
    });
    until("the silent node knows itself alone", || {
        let alone = farm.status(2);
        alone.vips[0].owner.is_none() && problems(&alone).iter().any(|it| it.contains("no quorum"))
    });
    let (done, said) = say(&farm, 0, ["vip", "move", "web", "litsha23"]);
    assert!(!done && said.contains("vip web cannot go to litsha23: it is not heard"), "{said}");
    print!("{}", say(&farm, 0, ["status"]).1);
}
