//! What becomes of a vip without a majority, where the file says that it is to be risked.

use super::farm::{BOTH, CLUSTER, Farm, VIPS, config};
use crate::patience::until;

#[test]
fn without_a_majority_a_frozen_vip_stays_and_an_ignored_one_is_taken_by_all() {
    let mut farm = Farm::alone();
    let file = |policy: &str| config(&format!("{CLUSTER}no_quorum_policy = \"{policy}\"\n"), VIPS);
    farm.start_with(&file("freeze"));
    farm.until_settled();

    // Each is alone, and none was in a majority without the owner: what is where it is stays, and nobody takes it.
    (1..3).for_each(|index| farm.drop_heartbeats(index, BOTH));
    until("nobody has a majority", || {
        (0..3).all(|index| farm.status(index).cluster.is_some_and(|cluster| !cluster.quorate))
    });
    assert_eq!(farm.owners(), [0]);
    farm.let_heartbeats_pass();
    farm.until_settled();

    // The owner is alone, and the others are a majority: the risk.
    farm.drop_heartbeats(0, BOTH);
    until("two have the vip", || farm.owners() == [0, 1]);
    farm.let_heartbeats_pass();
    farm.until_settled();
    until("one has the vip", || farm.owners() == [0]);

    for (director, index) in farm.directors.iter().zip(0..) {
        let output = director.reload(&file("ignore"));
        assert!(output.status.success(), "{index}: {output:?}");
    }
    farm.until_settled();
    (1..3).for_each(|index| farm.drop_heartbeats(index, BOTH));
    until("all have the vip", || farm.owners() == [0, 1, 2]);
    farm.let_heartbeats_pass();
    farm.until_settled();
    until("one has the vip", || farm.owners() == [0]);
}
