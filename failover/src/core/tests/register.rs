//! What becomes of the document.

use crate::cib::{Cib, Constraint, Declared, Digest, Document, Location, MAX_BYTES, Rule, Version, Worth};
use crate::core::{Declined, Event, NoQuorum, NodeState, Settings};
use crate::message::{Bar, Cause};
use crate::score::Score;

use super::net::{Net, ms, name, node, three, two};

const LONG: std::time::Duration = ms(10_000);

fn version(net: &Net, id: usize) -> Version {
    net.view(id).document.version()
}

fn is_in_standby(net: &Net, id: usize, whom: usize) -> bool {
    net.view(id).document.cib().standby.contains(&name(whom))
}

/// What makes the document long.
fn fill(cib: &mut Cib, bytes: usize) {
    let location =
        Location { vip: "web".into(), worth: Worth::Score(Score::new(1)), rule: Rule::All(Vec::new()) };
    let constraints = (0..bytes / 60).map(|it| (format!("l{it:05}"), Constraint::Location(location.clone())));
    cib.constraints.extend(constraints);
}

#[test]
fn what_the_file_declares_is_in_the_document_of_all() {
    let mut net = Net::new(&three());
    net.run(LONG);
    for id in 0..3 {
        assert_eq!(net.view(id).document.cib().declared, three().declared);
        assert_eq!(version(&net, id).to_string(), "0.1.0");
        let mentions = net.view(id).nodes.into_iter().map(|node| node.document.unwrap());
        let own = net.view(id).document;
        assert!(mentions.into_iter().all(|it| it.committed && it.digest == own.digest()));
    }
}

#[test]
fn a_change_is_on_all_within_two_keepalives_whoever_proposes_it() {
    for proposer in 0..3 {
        let mut net = Net::new(&three());
        net.run(LONG);
        net.edit(proposer, |cib| {
            cib.standby.insert(name(1));
        });
        net.run(three().keepalive * 2);
        assert!((0..3).all(|id| is_in_standby(&net, id, 1)), "proposed by {proposer}");
        assert_eq!(net.answers, [(proposer as u64, Ok("0.2.0".parse().unwrap()))]);
        assert_eq!(net.view(0).nodes[1].state, NodeState::Standby);
    }
}

#[test]
fn of_two_that_write_at_once_one_wins_and_the_other_is_told() {
    let mut net = Net::new(&three());
    net.run(LONG);
    for (writer, whom) in [(1, 1), (2, 2)] {
        net.edit(writer, |cib| {
            cib.standby.insert(name(whom));
        });
    }
    net.run(three().keepalive * 4);
    let now = version(&net, 0);
    assert_eq!(net.answers.len(), 2);
    assert_eq!(net.answers.iter().filter(|(_, it)| *it == Ok(now)).count(), 1);
    assert_eq!(net.answers.iter().filter(|(_, it)| *it == Err(Declined::Conflict(now))).count(), 1);
    assert_ne!(is_in_standby(&net, 0, 1), is_in_standby(&net, 0, 2));
}

#[test]
fn a_minority_reads_and_cannot_write() {
    let mut net = Net::new(&three());
    net.run(LONG);
    net.cut(0, 1);
    net.cut(0, 2);
    net.run(LONG);
    net.edit(0, |cib| {
        cib.standby.insert(name(1));
    });
    net.run(LONG);
    assert_eq!(net.answers, [(0, Err(Declined::NoQuorum))]);
    assert_eq!(version(&net, 0).to_string(), "0.1.0");
    assert!(!is_in_standby(&net, 0, 1));
}

#[test]
fn who_was_away_learns_what_was_changed_meanwhile() {
    let mut net = Net::new(&three());
    net.run(LONG);
    net.kill(0);
    net.run(LONG);
    net.edit(1, |cib| {
        cib.standby.insert(name(0));
        fill(cib, 30_000);
    });
    net.run(LONG);
    assert!(net.view(1).document.text().len() > 20_000);
    assert_eq!(net.view(1).nodes[0].state, NodeState::Dead);
    net.start(0);
    net.run(LONG);
    assert!(is_in_standby(&net, 0, 0), "it was put into standby while it was dead");
    assert_eq!(net.owners(), [1]);
}

#[test]
fn all_down_and_up_again_forget_nothing() {
    let mut net = Net::new(&three());
    net.run(LONG);
    net.standby(0, true);
    net.run(LONG);
    (0..3).for_each(|id| net.kill(id));
    (0..3).for_each(|id| net.start(id));
    assert!((0..3).all(|id| is_in_standby(&net, id, 0)), "it is read before anybody was heard");
    net.run(LONG);
    assert_eq!(net.owners(), [1]);
}

#[test]
fn who_has_an_older_document_is_not_elected() {
    let mut net = Net::new(&three());
    net.run(LONG);
    net.cut(0, 1);
    net.cut(0, 2);
    net.run(LONG);
    net.edit(1, |cib| {
        cib.standby.insert(name(2));
    });
    net.run(LONG);
    net.kill(2);
    net.kill(1);
    net.mend();
    net.start(2);
    net.run(LONG);
    assert!(is_in_standby(&net, 0, 2), "only one of those two has it");
}

#[test]
fn who_lost_its_document_votes_no_earlier_than_who_lost_its_vote() {
    let mut net = Net::new(&three());
    net.run(LONG);
    (0..3).for_each(|id| net.kill(id));
    (1..3).for_each(|id| net.kept[id].accepted = None);
    (0..3).for_each(|id| net.start(id));
    net.run(three().initdead.saturating_sub(ms(100)));
    assert!(!net.view(0).quorate);
    net.run(LONG);
    assert!(net.view(0).quorate);
}

#[test]
fn what_no_majority_has_on_disk_is_not_committed() {
    let mut net = Net::new(&three());
    net.run(LONG);
    net.full.extend([1, 2]);
    net.edit(0, |cib| {
        cib.standby.insert(name(1));
    });
    net.run(LONG);
    assert_eq!(net.answers, [(0, Err(Declined::Unknown))]);
    assert!((0..3).all(|id| !is_in_standby(&net, id, 1)));
    assert_eq!(net.owners(), [0], "a full disk moves nothing");
}

#[test]
fn of_what_was_not_committed_nobody_is_sure_before_the_next_dc_is() {
    let mut net = Net::new(&three());
    net.run(LONG);
    net.full.extend([1, 2]);
    net.edit(0, |cib| {
        cib.standby.insert(name(1));
    });
    net.run(LONG);
    net.full.clear();
    net.kill(0);
    net.run(LONG);
    net.start(0);
    net.run(LONG);
    assert!((0..3).all(|id| !is_in_standby(&net, id, 1)), "the others never had it");
    let digests: Vec<Digest> = (0..3).map(|id| net.view(id).nodes[0].document.unwrap().digest).collect();
    assert_eq!(digests, [net.view(1).document.digest(); 3], "and it is gone where it was");
}

#[test]
fn a_proposal_that_is_no_later_is_refused() {
    let mut net = Net::new(&three());
    net.run(LONG);
    let committed = net.view(1).document;
    let cib = Cib { standby: [name(1)].into(), ..Cib::clone(committed.cib()) };
    let document = Document::write(&cib).unwrap();
    net.propose(1, Event::Propose { ticket: 7, base: committed.version(), document });
    net.run(LONG);
    assert_eq!(net.answers, [(7, Err(Declined::Invalid))]);
}

#[test]
fn what_is_committed_already_is_confirmed_and_what_is_no_longer_is_not() {
    let mut net = Net::new(&three());
    net.run(LONG);
    let document = net.view(1).document;
    let base = document.version();
    net.propose(1, Event::Propose { ticket: 7, base, document: document.clone() });
    net.run(three().keepalive);
    assert_eq!(net.answers.pop(), Some((7, Ok(base))));
    net.cut(1, 0);
    net.cut(1, 2);
    net.edit(0, |cib| {
        cib.standby.insert(name(1));
    });
    net.run(LONG);
    net.answers.clear();
    net.mend();
    net.propose(1, Event::Propose { ticket: 8, base, document });
    net.run(LONG);
    assert_eq!(net.answers, [(8, Err(Declined::Conflict(version(&net, 0))))]);
}

#[test]
fn a_document_that_fills_all_that_it_may_comes_through() {
    let mut net = Net::new(&three());
    net.run(LONG);
    net.edit(2, |cib| fill(cib, MAX_BYTES - 3_000));
    net.run(three().keepalive * 2);
    assert_eq!(version(&net, 1).to_string(), "0.2.0");
    assert!(net.view(1).document.text().len() > 50_000);
}

#[test]
fn failures_are_counted_in_the_document_and_cleared_with_it() {
    let mut net = Net::new(&three());
    net.fail_takes(0, true);
    net.run(LONG);
    let failures = [(("web".to_owned(), name(0)), 3)];
    assert_eq!(net.view(2).document.cib().failures, failures.into());
    assert_eq!(net.refused, 3, "no more often than it is counted");
    assert_eq!(net.view(1).vips[0].cause, Some(Cause::Barred(node(0), Bar::Failed)));
    (0..3).for_each(|id| net.kill(id));
    (0..3).for_each(|id| net.start(id));
    net.fail_takes(0, false);
    net.run(LONG);
    assert_eq!(net.owners(), [1], "nobody forgets them by a restart");
    net.edit(1, |cib| cib.failures.clear());
    net.run(LONG);
    assert_eq!(net.owners(), [0]);
}

#[test]
fn what_two_dcs_wrote_without_a_majority_becomes_one_document_when_they_meet() {
    for edits in [[1, 1], [2, 1], [1, 2]] {
        let declared = Declared { policy: NoQuorum::Ignore, vips: Vec::new(), ..two().declared };
        let mut net = Net::new(&Settings { declared, ..two() });
        net.cut(0, 1);
        net.run(LONG);
        for (id, edits) in edits.into_iter().enumerate() {
            for edit in 0..edits {
                net.standby(id, edit == 0);
                net.run(LONG);
            }
        }
        assert_ne!(net.view(0).document.digest(), net.view(1).document.digest());
        net.mend();
        net.run(LONG);
        assert_eq!(net.view(0).document.digest(), net.view(1).document.digest(), "{edits:?}");
    }
}
