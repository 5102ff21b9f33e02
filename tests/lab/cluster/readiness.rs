//! A director that is not ready takes nothing over.

use super::farm::{CLUSTER, Farm, NAMES, VIPS, config};
use crate::patience::until;

#[test]
fn a_director_with_another_file_takes_nothing_over_and_says_why() {
    let mut farm = Farm::alone();
    let file = config(CLUSTER, VIPS);
    let other = file.replace("scheduler = \"rr\"", "scheduler = \"wrr\"");
    assert_ne!(file, other);
    farm.start_with(&file);
    farm.until_settled();
    let reload = |farm: &Farm, file: &str| {
        let output = farm.directors[1].reload(file);
        assert!(output.status.success(), "{output:?}");
    };
    let differs = |farm: &Farm, index: usize, node: usize| {
        farm.status(index).cluster.is_some_and(|cluster| cluster.nodes[node].config_match == Some(false))
    };

    // It would be the next, as the first in the file.
    reload(&farm, &other);
    until("the others know", || differs(&farm, 0, 1) && differs(&farm, 2, 1));
    // On a slow machine it had the vip until the preferred one was there.
    let taken =
        |farm: &Farm| farm.directors[1].happened().iter().filter(|event| event.kind == "vip_taken").count();
    let before = taken(&farm);
    farm.cut_off(0);
    farm.until_owner(2);
    until("it says so", || farm.status(2).vips[0].owner.as_deref() == Some(NAMES[2]));
    for index in [1, 2] {
        let obstacle = farm.status(index).vips[0].obstacles.get(NAMES[1]).cloned();
        assert_eq!(obstacle.as_deref(), Some("its file differs from that of most nodes"), "{index}");
    }
    for (index, node) in [(1, "node litsha23"), (2, "node litsha22")] {
        let what = "its file differs from this director's";
        let problems = farm.status(index).problems;
        assert!(problems.iter().any(|it| it.object == node && it.what == what), "{index}: {problems:?}");
    }
    assert_eq!(taken(&farm), before, "{:?}", farm.directors[1].happened());

    reload(&farm, &file);
    farm.reconnect(0);
    farm.until_settled();
    until("nothing differs", || !differs(&farm, 0, 1) && !differs(&farm, 2, 1));
    farm.say(0, ["node", "standby"]);
    farm.until_owner(1);
}
