//! The document: changed on one director, and on all; whatever happens to whom.

use std::fs;

use jiff::{SignedDuration, Timestamp};
use lvsd::snapshot::cluster::Cib;
use nix::sys::signal::Signal;

use super::farm::{CLUSTER, Farm, NAMES, VIPS, config};
use crate::patience::until;

const TWO_KEEPALIVES: SignedDuration = SignedDuration::from_secs(1);

/// Slower than the others' by so much that an emulated guest keeps it as well.
fn slow() -> String {
    config(&CLUSTER.replace("\"200ms\"", "\"500ms\"").replace("\"1s\"", "\"3s\""), VIPS)
}

/// The document that a director reads.
fn cib(farm: &Farm, index: usize) -> Cib {
    farm.status(index).cluster.expect("a cluster").cib
}

/// Whether a director reads that a node is in standby, which outlives all.
fn stands_by(farm: &Farm, index: usize, node: usize) -> bool {
    let file = farm.directors[index].state().with_file_name("cib-committed.toml");
    let text = fs::read_to_string(file).unwrap_or_default();
    let place = text.split("[[node]]").skip(1).find(|it| it.contains(NAMES[node]));
    place.is_some_and(|it| it.contains("standby = true"))
}

/// When a director last told of something of this kind. All have the same clock.
fn told_at(farm: &Farm, index: usize, kind: &str) -> Timestamp {
    let events = farm.directors[index].happened();
    let last = events.iter().rev().find(|event| event.kind == kind);
    last.unwrap_or_else(|| panic!("{} told no {kind}: {events:?}", NAMES[index])).at
}

#[track_caller]
fn until_all_agree(farm: &Farm, members: &[usize]) -> Cib {
    until("all have the same document", || {
        let all: Vec<Cib> = members.iter().map(|index| cib(farm, *index)).collect();
        all.windows(2).all(|pair| pair[0].digest == pair[1].digest)
    });
    cib(farm, members[0])
}

fn order(farm: &Farm, index: usize, word: [&str; 3]) -> (bool, String) {
    let output = farm.directors[index].lvsd(word);
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&said).into_owned())
}

#[test]
fn a_change_is_on_all_directors_at_once_and_outlives_them() {
    let mut farm = Farm::alone();
    farm.start_with(&slow());
    farm.until_settled();
    let before = until_all_agree(&farm, &[0, 1, 2]);

    farm.say(1, ["node", "standby", NAMES[2]]);
    let said = told_at(&farm, 1, "operator_said");
    until("all directors read it", || {
        let reads = |index| cib(&farm, index).version != before.version;
        (0..3).all(|index| reads(index) && told_at(&farm, index, "cib_changed") > said)
    });
    let read = (0..3).map(|index| told_at(&farm, index, "cib_changed")).max();
    let took = read.expect("three directors").duration_since(said);
    println!("a change was on all directors {took:#} after it was asked for");
    assert!(took < TWO_KEEPALIVES, "{took:?}");
    until("all have it on disk", || (0..3).all(|index| stands_by(&farm, index, 2)));

    // All down, and up.
    farm.restart_all(Signal::SIGKILL);
    farm.until_owner(0);
    let kept = until_all_agree(&farm, &[0, 1, 2]);
    assert!((0..3).all(|index| stands_by(&farm, index, 2)), "{kept:?}");

    // One is away while it is changed; the DC dies right after.
    farm.stop(2, Signal::SIGKILL);
    let dc = farm.until_dc(&[0, 1]);
    farm.say(1, ["vip", "move", "web", NAMES[1]]);
    farm.until_owner(1);
    let moved = until_all_agree(&farm, &[0, 1]);
    farm.start_again(2);
    farm.stop(dc, Signal::SIGKILL);
    let left: Vec<usize> = (0..3).filter(|index| *index != dc).collect();
    farm.until_dc(&left);
    assert_eq!(until_all_agree(&farm, &left).digest, moved.digest);
    farm.start_again(dc);
    assert_eq!(until_all_agree(&farm, &[0, 1, 2]).digest, moved.digest);
    farm.until_dc(&[0, 1, 2]);
    farm.say(0, ["vip", "release", "web"]);
    farm.until_owner(0);

    // A torn file is put aside and told, and the next change writes it anew.
    farm.stop(2, Signal::SIGTERM);
    let torn = farm.directors[2].state().with_file_name("cib-accepted.toml");
    let whole = fs::read(&torn).expect("a document");
    fs::write(&torn, &whole[..whole.len() / 2]).expect("a torn one");
    farm.start_again(2);
    until("it is told", || farm.has_told(2, "state_error", "cib-accepted.toml.refused"));
    until_all_agree(&farm, &[0, 1, 2]);
    assert!(stands_by(&farm, 2, 2));
    farm.say(0, ["node", "online", NAMES[2]]);
    until("it is whole again", || torn.exists() && !stands_by(&farm, 2, 2));
}

#[test]
fn of_two_that_write_at_once_both_are_heeded_and_a_minority_only_reads() {
    let mut farm = Farm::alone();
    farm.start();
    farm.until_settled();
    std::thread::scope(|scope| {
        let farm = &farm;
        scope.spawn(move || farm.say(1, ["node", "standby", NAMES[1]]));
        scope.spawn(move || farm.say(2, ["vip", "move", "web", NAMES[2]]));
    });
    farm.until_owner(2);
    let agreed = until_all_agree(&farm, &[0, 1, 2]);
    until("it is on disk", || stands_by(&farm, 0, 1));

    farm.cut_off(0);
    until("it knows itself alone", || !farm.status(0).cluster.expect("a cluster").quorate);
    assert_eq!(cib(&farm, 0).digest, agreed.digest, "it reads");
    let (done, said) = order(&farm, 0, ["node", "online", NAMES[1]]);
    assert!(!done && said.contains("no majority"), "{said}");
    farm.until_dc(&[1, 2]);
    farm.say(2, ["node", "online", NAMES[1]]);
    let changed = until_all_agree(&farm, &[1, 2]);
    assert_ne!(changed.digest, agreed.digest);
    assert_eq!(cib(&farm, 0).digest, agreed.digest, "it does not know better");
    farm.reconnect(0);
    assert_eq!(until_all_agree(&farm, &[0, 1, 2]).digest, changed.digest);
}
