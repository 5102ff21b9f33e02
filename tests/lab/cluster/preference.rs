//! A vip for each of two directors, which prefers it.

use super::farm::{CLUSTER, Farm, NAMES, VIP, config};
use crate::patience::until;

const MAIL: &str = "192.168.71.206";

const VIPS: &str = r#"
[[vip]]
name = "web"
addresses = ["192.168.71.205/24"]
interface = "eth0"
prefer = { litsha21 = 200, litsha22 = 100 }

[[vip]]
name = "mail"
addresses = ["192.168.71.206/24"]
interface = "eth0"
prefer = { litsha22 = 200, litsha21 = 100 }
"#;

/// Who has each of the two.
fn owners(farm: &Farm) -> [Vec<usize>; 2] {
    [VIP, MAIL].map(|vip| (0..NAMES.len()).filter(|index| farm.carries_address(*index, vip)).collect())
}

#[test]
fn each_of_two_directors_has_a_vip_and_both_while_the_other_is_away() {
    let mut farm = Farm::alone();
    farm.start_with(&config(CLUSTER, VIPS));
    let home = [vec![0], vec![1]];
    until("each has its own", || owners(&farm) == home);
    for (lost, left) in [(0, 1), (1, 0)] {
        farm.cut_off(lost);
        until("the other has both", || owners(&farm) == [vec![left], vec![left]]);
        farm.reconnect(lost);
        until("each has its own again", || owners(&farm) == home);
    }
}
