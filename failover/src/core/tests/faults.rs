//! What the simulation found: the smallest case of each.

use crate::cib::{Document, Resource};
use crate::core::voter::Voter;
use crate::core::{Core, Event, Kept, Output, Paper, Settings};
use crate::message::{Ack, Ballot, Message, Table, Term, Version};
use crate::moment::Moment;
use crate::name::{LinkId, NodeId, VipId};

use super::net::{Net, VIP, ms, node, table_of, three, two};

pub(super) const START: Moment = Moment::from_origin(ms(1_000));

pub(super) fn told(core: &mut Core, at: Moment, event: Event) -> Vec<Output> {
    core.handle(at, event);
    std::iter::from_fn(|| core.poll_output()).collect()
}

fn said(outputs: &[Output]) -> impl Iterator<Item = (NodeId, &Message)> {
    outputs.iter().filter_map(|output| match output {
        Output::Send { to, message, .. } => Some((*to, &**message)),
        _ => None,
    })
}

/// A document that is no news to anybody.
pub(super) fn kept() -> Kept {
    Kept { accepted: Some(Document::empty()), committed: None }
}

pub(super) fn received(from: usize, sequence: u64, message: &Message) -> Event {
    Event::Received {
        from: node(from),
        link: LinkId(0),
        session: 1,
        sequence,
        message: Box::new(message.clone()),
    }
}

pub(super) fn a_message() -> Message {
    let mut other = Core::new(Settings { me: node(1), ..three() }, START, None, Kept::default(), 1);
    let outputs = told(&mut other, START, Event::Tick);
    let first = said(&outputs).next().map(|(_, message)| message.clone());
    first.expect("it says that it is there")
}

#[test]
fn a_vote_of_an_earlier_life_is_not_given_again() {
    let paper = Paper { term: Term(1), vote: Some(node(1)), lease: ms(1_000) };
    let mut core = Core::new(three(), START, Some(paper), kept(), 1);
    let outputs = told(&mut core, START, received(1, 1, &Message { term: Term(1), ..a_message() }));
    assert!(said(&outputs).all(|(_, message)| !matches!(message.ballot, Some(Ballot::Vote(..)))));
}

#[test]
fn a_question_that_was_overtaken_is_answered() {
    let mut core = Core::new(three(), START, None, Kept::default(), 1);
    told(&mut core, START, received(1, 2, &a_message()));
    let outputs = told(&mut core, START, received(1, 1, &Message { urgent: true, ..a_message() }));
    let acks: Vec<Option<u64>> = said(&outputs)
        .filter(|(to, _)| *to == node(1))
        .map(|(_, message)| message.ack.as_ref().map(|ack| ack.sequence))
        .collect();
    assert_eq!(acks, [Some(1)]);
}

#[test]
fn nothing_is_promised_for_longer_than_the_disk_remembers() {
    let paper = Paper { term: Term(1), vote: None, lease: ms(1_000) };
    let mut core = Core::new(three(), START, Some(paper), kept(), 1);
    let ready = START + ms(2_000);
    let mut message =
        Message { term: Term(1), urgent: true, lease: ms(3_000), claims: vec![VIP], ..a_message() };
    message.table = table_of(node(1));
    let promises = |outputs: &[Output]| -> Vec<Ack> {
        said(outputs)
            .filter_map(|(_, message)| message.ack.clone())
            .filter(|ack| !ack.vips.is_empty())
            .collect()
    };
    let outputs = told(&mut core, ready, received(1, 1, &message));
    assert_eq!(promises(&outputs), []);
    let stored = outputs.iter().find_map(|output| match output {
        Output::Store(paper) if paper.lease == ms(3_000) => Some(*paper),
        _ => None,
    });
    let outputs = told(&mut core, ready, Event::Stored(stored.expect("it is to be remembered")));
    assert_eq!(promises(&outputs), [Ack { sequence: 1, vips: vec![VIP] }]);
}

#[test]
fn a_longer_lease_does_not_lengthen_what_was_promised() {
    let mut net = Net::new(&three());
    net.run(ms(10_000));
    let before = net.lease(0);
    net.configure(0, Settings { deadtime: ms(3_000), ..three() });
    assert!(net.lease(0) <= before);
}

#[test]
fn who_takes_over_from_the_only_other_voter_does_not_wait_for_its_own_next_beat() {
    let mut net = Net::new(&two());
    net.run(ms(10_000));
    net.standby(0, true);
    net.run(ms(12));
    assert_eq!(net.owners(), [1]);
}

#[test]
fn an_operator_may_wish_standby_of_the_node_that_is_asked() {
    let mut net = Net::new(&three());
    net.run(ms(10_000));
    net.standby(0, true);
    net.run(ms(20));
    net.pin(0, Some(2));
    net.run(ms(20));
    assert_eq!(net.owners(), [2]);
}

#[test]
fn a_shorter_lease_does_not_shorten_what_was_promised() {
    let mut voter = Voter::new(START);
    voter.promise(START, node(1), &[VIP], ms(3_000));
    voter.promise(START, node(1), &[VIP], ms(1_000));
    assert_eq!(voter.promisable(START + ms(2_000), node(2), &[VIP], &table_of(node(2)), true), []);
}

#[test]
fn a_table_of_a_term_that_was_forgotten_is_replaced_by_a_later_one() {
    let mut net = Net::new(&three());
    net.run(ms(10_000));
    let Some(leader) = net.view(0).leader else { panic!("there is a DC") };
    let forgotten = Version { term: Term(99), number: 7 };
    net.hear_table(leader.index(), Table { version: forgotten, ..table_of(node(2)) });
    net.run(ms(50));
    assert_eq!(net.owners(), [0], "it is preferred there");
    assert!((0..3).all(|id| net.view(id).vips[0].owner == Some(node(0))));
}

#[test]
fn a_dc_whose_file_knows_nothing_of_a_vip_does_not_grant_it_to_itself() {
    let mut net = Net::new(&three());
    net.run(ms(10_000));
    assert_eq!(net.view(0).leader, Some(node(0)));
    let other = Resource { name: "other".into(), ..net.view(0).document.cib().declared.vips[0].clone() };
    let id = VipId::of(&other.name);
    net.edit(0, |cib| cib.declared.vips.push(other));
    net.run(ms(10_000));
    let mut granted = net.granted.iter().filter(|(_, vip, _)| *vip == id);
    assert!(granted.all(|(_, _, to)| *to != Some(node(0))), "{:?}", net.granted);
}
