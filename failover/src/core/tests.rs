//! A few nodes on a perfect network. What can go wrong is for the simulation.

mod faults;
mod net;
mod register;

use std::time::Duration;

use super::{NodeState, Ownership, Paper};
use crate::core::{Core, NoQuorum, Output, Settings};
use crate::message::{Bar, Cause, Message, Reach, Term};
use crate::score::Score;
use faults::{START, a_message, kept, received, told};
use net::{Net, VIP, ms, node, table_of, three, two, with_policy};

const LONG: Duration = ms(10_000);

#[test]
fn the_preferred_node_gets_the_vip() {
    let mut net = Net::new(&three());
    net.run(LONG);
    assert_eq!(net.owners(), [0]);
    assert!((0..3).all(|id| net.view(id).quorate));
}

#[test]
fn a_dead_owner_is_replaced_after_its_lease_and_gets_the_vip_back_when_it_returns() {
    let mut net = Net::new(&three());
    net.run(LONG);
    net.kill(0);
    net.run(ms(750));
    assert_eq!(net.owners(), [], "its lease runs");
    net.run(ms(300));
    assert_eq!(net.owners(), [1]);
    assert_eq!(net.view(1).vips[0].cause, Some(Cause::Dead(node(0))));
    assert_eq!(net.view(1).nodes[0].state, NodeState::Dead);

    net.start(0);
    net.run(LONG);
    assert_eq!(net.owners(), [0], "it is preferred");
    assert_eq!(net.view(1).vips[0].cause, Some(Cause::Preferred));
}

#[test]
fn those_who_are_left_ask_for_the_vip_of_a_silent_owner_before_they_may_take_it() {
    let mut net = Net::new(&three());
    net.run(LONG);
    assert_eq!(net.inquired, []);
    net.kill(0);
    while net.inquired.len() < 2 {
        assert_eq!(net.owners(), []);
        net.run(ms(1));
    }
    assert_eq!(net.inquired, [(1, VIP), (2, VIP)]);
    assert_eq!(net.owners(), []);
    net.run(LONG);
    assert_eq!(net.inquired, [(1, VIP), (2, VIP)], "once");
}

#[test]
fn an_owner_that_was_the_dc_is_replaced_as_soon_as_the_promises_to_it_end() {
    let mut net = Net::new(&three());
    net.run(LONG);
    assert_eq!(net.view(1).leader, Some(node(0)));
    net.kill(0);
    while net.owners().is_empty() {
        assert!(net.view(1).quorate, "there is a majority all the time");
        net.run(ms(1));
    }
    let silence = net.view(1).nodes[0].silence.unwrap();
    assert!((ms(1_010)..ms(1_014)).contains(&silence), "{silence:?}");
}

#[test]
fn an_owner_whose_last_word_was_an_answer_is_replaced_as_soon_as_the_promises_to_it_end() {
    let mut settings = three();
    settings.declared.vips[0].prefer = [("b".into(), Score::new(200))].into();
    for after in (0..200).step_by(20) {
        let mut net = Net::new(&settings);
        net.run(LONG);
        assert_eq!((net.owners(), net.view(1).leader), (vec![1], Some(node(0))));
        let before = net.lease(1);
        while net.lease(1) == before {
            net.run(ms(1));
        }
        net.run(ms(after));
        let lease = net.lease(1).unwrap();
        net.kill(1);
        let (mut granted, mut took) = (None, ms(0));
        while net.owners().is_empty() {
            net.run(ms(1));
            took = net.now().since(lease);
            granted = granted.or_else(|| (net.view(0).vips[0].owner != Some(node(1))).then_some(took));
        }
        // From the end of its lease to that of the promises: a hundredth more where it was a hundredth less, and
        // what is left for taking it off.
        assert!((ms(121)..ms(125)).contains(&took), "{took:?}, {after} ms after its last heartbeat");
        assert!(granted < Some(ms(110)), "granted after {granted:?}, {after} ms after its last heartbeat");
    }
}

#[test]
fn a_vote_is_written_once() {
    let mut net = Net::new(&three());
    net.run(LONG);
    let term = net.view(2).term;
    net.kill(0);
    net.run(LONG);
    assert_eq!(net.view(2).leader, Some(node(1)));
    let of_the_voter = |(id, paper): &&(usize, Paper)| *id == 2 && paper.term > term;
    let votes: Vec<_> = net.stored.iter().filter(of_the_voter).map(|(_, paper)| paper.vote).collect();
    assert_eq!(votes, [Some(node(1))]);
}

#[test]
fn of_those_that_would_be_the_dc_at_the_same_time_one_is_in_the_next_term() {
    let mut net = Net::new(&three());
    net.run(LONG);
    for _ in 0..100 {
        let term = net.view(0).term;
        (0..3).for_each(|id| net.kill(id));
        (0..3).for_each(|id| net.start(id));
        net.run(LONG);
        assert_eq!((net.view(0).term, net.view(0).leader), (term.next(), Some(node(0))));
    }
}

#[test]
fn a_majority_that_is_lost_is_told_a_while_after_the_dc_is() {
    let mut net = Net::new(&three());
    net.run(LONG);
    net.kill(1);
    net.kill(2);
    while net.view(0).leader.is_some() {
        net.run(ms(1));
    }
    net.run(ms(900));
    assert!(net.view(0).quorate);
    net.run(ms(200));
    assert!(!net.view(0).quorate);
}

#[test]
fn a_sticky_vip_stays() {
    let mut settings = three();
    settings.declared.vips[0].stickiness = Score::new(300);
    let mut net = Net::new(&settings);
    net.run(LONG);
    net.kill(0);
    net.run(LONG);
    net.start(0);
    net.run(LONG);
    assert_eq!(net.owners(), [1]);
}

#[test]
fn standby_and_moves_take_a_few_messages() {
    let mut net = Net::new(&three());
    net.run(LONG);
    net.standby(0, true);
    net.run(ms(20));
    assert_eq!(net.owners(), [1]);
    net.standby(0, false);
    net.run(ms(20));
    assert_eq!(net.owners(), [0]);

    net.pin(1, Some(1));
    net.run(ms(20));
    assert_eq!(net.owners(), [1]);
    assert_eq!(net.view(0).vips[0].cause, Some(Cause::Moved));
    net.pin(0, None);
    net.run(ms(20));
    assert_eq!(net.owners(), [0]);

    net.edit(1, |cib| {
        cib.standby.insert("a".into());
    });
    net.run(ms(20));
    assert_eq!(net.owners(), [1]);
}

#[test]
fn whoever_has_another_file_takes_nothing_over_though_it_becomes_the_dc() {
    let mut net = Net::new(&three());
    net.able(1, |able| able.file = 2);
    net.run(LONG);
    net.kill(0);
    net.run(LONG);
    assert_eq!((net.owners(), net.view(1).leader), (vec![2], Some(node(1))));
    assert_eq!(net.view(2).common_file(), Some(1));

    net.able(1, |able| able.file = 1);
    net.able(2, |able| able.file = 2);
    net.standby(2, true);
    net.run(LONG);
    assert_eq!(net.owners(), [1]);
}

#[test]
fn what_is_said_in_a_term_that_is_over_is_answered_once_by_an_announcement() {
    let own = Paper { term: Term(5), vote: None, lease: ms(1_000) };
    let mut core = Core::new(three(), START, Some(own), kept(), 1);
    let table = table_of(node(0));
    told(&mut core, START, received(1, 1, &Message { term: Term(5), table, ..a_message() }));
    let of_term = |term| Message { term: Term(term), ..a_message() };
    let led = |term| Message { leader: Some(node(1)), ..of_term(term) };
    let claiming = |term| Message { claims: vec![VIP], ..of_term(term) };
    let said = [
        (of_term(1), false),
        (led(1), true),
        (led(1), false),
        (claiming(1), false),
        (claiming(2), true),
        (led(5), false),
    ];
    for (sequence, (message, announced)) in (2..).zip(said) {
        let outputs = told(&mut core, START, received(1, sequence, &message));
        let count = outputs.iter().filter(|output| matches!(output, Output::Announce)).count();
        assert_eq!(count, usize::from(announced), "message {sequence}");
    }
}

#[test]
fn whoever_leaves_hands_over_first() {
    let mut net = Net::new(&three());
    net.run(LONG);
    net.leave(0);
    net.run(ms(30));
    assert!(net.has_left(0));
    net.kill(0);
    assert_eq!(net.owners(), [1]);
    net.run(LONG);
    assert_eq!(net.owners(), [1]);
    assert_eq!(net.view(1).nodes[0].state, NodeState::Left);
}

#[test]
fn the_last_to_leave_waits_for_nobody() {
    let mut net = Net::new(&three());
    net.run(LONG);
    net.kill(1);
    net.kill(2);
    net.run(LONG);
    net.leave(0);
    net.run(ms(30));
    assert!(net.has_left(0));
}

#[test]
fn a_minority_owns_nothing() {
    let mut net = Net::new(&three());
    net.run(LONG);
    net.cut(0, 1);
    net.cut(0, 2);
    net.run(LONG);
    assert_eq!(net.owners(), [1]);
    assert!(!net.view(0).quorate);
    net.mend();
    net.run(LONG);
    assert_eq!(net.owners(), [0]);
}

#[test]
fn two_nodes_without_a_tie_break_stop_when_they_part() {
    let mut net = Net::new(&two());
    net.run(LONG);
    assert_eq!(net.owners(), [0]);
    net.cut(0, 1);
    net.run(LONG);
    assert_eq!(net.owners(), []);
}

#[test]
fn of_two_nodes_the_one_that_reaches_the_ping_host_goes_on() {
    let settings = Settings { tie_break: true, pings: true, ..two() };
    let mut net = Net::new(&settings);
    (0..2).for_each(|id| net.able(id, |able| able.reach.pings = 1));
    net.run(LONG);
    assert_eq!(net.owners(), [0]);
    net.able(0, |able| able.reach.pings = 0);
    net.cut(0, 1);
    net.run(LONG);
    assert_eq!(net.owners(), [1]);
}

#[test]
fn the_owner_of_two_keeps_the_vip_without_a_gap_when_the_other_dies() {
    let settings = Settings { tie_break: true, pings: true, ..two() };
    let mut net = Net::new(&settings);
    (0..2).for_each(|id| net.able(id, |able| able.reach.pings = 1));
    net.run(LONG);
    let since = net.held_since(0);
    net.kill(1);
    net.run(LONG);
    assert_eq!(net.held_since(0), since);
}

#[test]
fn one_of_two_that_was_cut_off_listens_for_the_other_before_it_takes_anything() {
    let settings = Settings { tie_break: true, pings: true, ..two() };
    let mut net = Net::new(&settings);
    (0..2).for_each(|id| net.able(id, |able| able.reach.pings = 1));
    net.run(LONG);
    net.cut(0, 1);
    net.able(0, |able| {
        able.barred.insert(VIP, Bar::Carrier);
    });
    net.run(LONG);
    assert_eq!(net.owners(), [1]);
    // Its interface is there before it hears anything.
    net.able(0, |able| able.barred.clear());
    net.run(ms(500));
    assert_eq!(net.owners(), [1]);
    net.mend();
    net.run(LONG);
    assert_eq!(net.owners(), [0]);
}

#[test]
fn frozen_vips_stay_without_a_majority() {
    let settings = with_policy(NoQuorum::Freeze);
    let mut net = Net::new(&settings);
    net.run(LONG);
    net.kill(1);
    net.kill(2);
    net.run(LONG);
    assert_eq!(net.owners(), [0]);
}

#[test]
fn whoever_is_left_goes_on_if_quorum_is_ignored() {
    let settings = with_policy(NoQuorum::Ignore);
    let mut net = Net::new(&settings);
    net.run(LONG);
    net.kill(0);
    net.kill(2);
    net.run(LONG);
    assert_eq!(net.owners(), [1]);
}

#[test]
fn a_node_without_carrier_gives_the_vip_away() {
    let mut net = Net::new(&three());
    net.run(LONG);
    net.able(0, |able| {
        able.barred.insert(VIP, Bar::Carrier);
    });
    net.run(ms(20));
    assert_eq!(net.owners(), [1]);
    assert_eq!(net.view(2).vips[0].cause, Some(Cause::Barred(node(0), Bar::Carrier)));
}

#[test]
fn reach_outranks_preference_and_its_loss_for_all_moves_nothing() {
    let mut net = Net::new(&Settings { pings: true, ..three() });
    (0..3).for_each(|id| net.able(id, |able| able.reach.pings = 2));
    net.run(LONG);
    assert_eq!(net.owners(), [0]);
    net.able(0, |able| able.reach.pings = 1);
    net.run(ms(1_900));
    assert_eq!(net.owners(), [0], "it has not settled");
    net.run(ms(200));
    assert_eq!(net.owners(), [1]);

    net.able(1, |able| able.reach = Reach::default());
    net.run(ms(1_000));
    net.able(0, |able| able.reach = Reach::default());
    net.run(ms(1_000));
    net.able(2, |able| able.reach = Reach::default());
    net.run(LONG);
    assert_eq!(net.owners(), [1], "nobody reaches anything");
}

#[test]
fn what_fails_thrice_moves_until_the_failures_are_forgotten() {
    let mut net = Net::new(&three());
    net.fail_takes(0, true);
    net.run(LONG);
    assert_eq!(net.owners(), [1]);
    assert_eq!(net.view(1).vips[0].cause, Some(Cause::Barred(node(0), Bar::Failed)));
    net.fail_takes(0, false);
    net.run(ms(590_000));
    assert_eq!(net.owners(), [1]);
    net.run(ms(20_000));
    assert_eq!(net.owners(), [0]);
}

#[test]
fn how_often_a_vip_may_fail_and_for_how_long_is_the_files_to_say() {
    let mut settings = three();
    settings.declared.vips[0].migration_threshold = 1;
    settings.declared.vips[0].failure_timeout = ms(60_000);
    let mut net = Net::new(&settings);
    net.fail_takes(0, true);
    net.run(LONG);
    assert_eq!(net.refused, 1, "it is not tried again");
    net.fail_takes(0, false);
    net.run(ms(50_000));
    assert_eq!(net.owners(), [1]);
    net.run(LONG * 2);
    assert_eq!(net.owners(), [0]);
}

#[test]
fn a_witness_owns_nothing() {
    let mut settings = three();
    settings.declared.nodes[1].1 = crate::core::Role::Witness;
    let mut net = Net::new(&settings);
    net.run(LONG);
    net.kill(0);
    net.run(LONG);
    assert_eq!(net.owners(), [2]);
    net.kill(2);
    net.run(LONG);
    assert_eq!(net.owners(), []);
    assert!(matches!(net.view(1).vips[0].here, Ownership::None));
}
