//! Several that write the document at once, and a DC that dies while they do.

use std::sync::Barrier;
use std::thread::{self, sleep};
use std::time::Duration;

use lvsd::api::{Committed, Replaced};
use nix::sys::signal::Signal;

use super::farm::{Farm, NAMES};
use crate::patience::until;

/// One way over each cable: what is said in an instant elsewhere takes long enough here to be interrupted.
const DISTANCE: Duration = Duration::from_millis(20);

/// Who writes, counted from the DC, and how long afterwards the DC dies. It takes a proposal some 200 ms to be offered to
/// the DC, asked for by it, asked for by the others, and confirmed; half of that from the DC itself.
const DEATHS: [(usize, u64); 5] = [(1, 60), (0, 20), (1, 130), (0, 60), (1, 190)];

/// As often as two may miss each other.
const ROUNDS: usize = 10;

/// The text that a director reads.
fn query(farm: &Farm, index: usize) -> String {
    let (_, answer) = farm.directors[index].ask("GET", "/v1/cib").expect("lvsd answers");
    serde_json::from_str::<Committed>(&answer).expect("a document").text
}

#[track_caller]
fn until_all_agree(farm: &Farm) -> String {
    let cib = |index| farm.status(index).cluster.expect("a cluster").cib;
    until("all have the same document", || {
        let all = [0, 1, 2].map(cib);
        all.iter().all(|it| it.committed && (&it.version, &it.digest) == (&all[0].version, &all[0].digest))
    });
    query(farm, 0)
}

/// The text of a constraint, which moves nothing.
fn mark(id: &str) -> String {
    format!(
        "\n[[location]]\nid = \"{id}\"\nvip = \"web\"\nscore = 1\n\
         all = [{{ attribute = \"#uname\", operation = \"eq\", value = \"{}\" }}]\n",
        NAMES[0]
    )
}

/// Puts the document with one more constraint in its place: what is said of it, if that is heard.
fn write(farm: &Farm, index: usize, base: &str, id: &str) -> Option<Replaced> {
    let text = base.to_owned() + &mark(id);
    let (_, answer) = farm.directors[index].hand_over("POST", "/v1/cib", &text).ok()?;
    Some(serde_json::from_str(&answer).expect("what came of it"))
}

fn has(document: &str, id: &str) -> bool {
    document.contains(&format!("id = \"{id}\""))
}

/// A farm whose directors are far from each other.
fn far_apart() -> Farm {
    let mut farm = Farm::alone();
    farm.start();
    farm.until_settled();
    for node in &farm.nodes {
        for index in [0, 1] {
            node.eth(index).delay(DISTANCE);
        }
    }
    farm
}

/// Two write from the same version at once: whether they did at the same time, so that the DC had to choose.
fn race(farm: &Farm, id: &str) -> bool {
    let base = until_all_agree(farm);
    let (ids, start) = ([1, 2].map(|index| format!("{id}-{index}")), Barrier::new(2));
    let outcomes = thread::scope(|scope| {
        let both = [1, 2].map(|index| {
            let (base, ids, start) = (&base, &ids, &start);
            scope.spawn(move || {
                start.wait();
                write(farm, index, base, &ids[index - 1])
            })
        });
        both.map(|it| it.join().expect("a writer").expect("an answer"))
    });
    let after = until_all_agree(farm);
    let done: Vec<usize> = (0..2).filter(|index| outcomes[*index].done).collect();
    assert_eq!(done.len(), 1, "one is first: {outcomes:?}");
    let (winner, loser) = (done[0], 1 - done[0]);
    assert!(has(&after, &ids[winner]) && !has(&after, &ids[loser]), "{outcomes:?}\n{after}");
    let why = &outcomes[loser].message;
    let outrun = why.contains("somebody else was first: the document is");
    assert!(outrun || why.contains("made from an earlier one"), "{why}");
    // Whoever was first is known by what he changed.
    assert!(!outrun || why.contains(&ids[winner]), "{why}");
    outrun
}

#[test]
fn a_dc_that_dies_amid_a_change_leaves_all_of_it_or_nothing_and_of_two_writers_one_is_told_who_was_first() {
    let mut farm = far_apart();
    let mut amid = 0;
    for (number, (step, delay)) in DEATHS.into_iter().enumerate() {
        let base = until_all_agree(&farm);
        let dc = farm.until_dc(&[0, 1, 2]);
        let (writer, id) = ((dc + step) % NAMES.len(), format!("amid-{number}"));
        let said = thread::scope(|scope| {
            let written = scope.spawn(|| write(&farm, writer, &base, &id));
            sleep(Duration::from_millis(delay));
            amid += usize::from(!written.is_finished());
            farm.directors[dc].signal(Signal::SIGKILL);
            written.join().expect("a writer")
        });
        farm.directors[dc].wait();
        farm.start_again(dc);
        farm.until_dc(&[0, 1, 2]);
        let after = until_all_agree(&farm);
        let there = has(&after, &id);
        println!("the DC died {delay} ms after {writer} wrote; there: {there}; said: {said:?}");
        let body = |text: &str| text.split_once('\n').expect("lines").1.to_owned();
        assert!(there || body(&after) == body(&base), "{after}");
        let Some(Replaced { done, message, .. }) = said else { continue };
        assert!(!done || there, "it was said to be done: {message}");
        let denied = message.contains("nothing was") || message.contains("nothing of yours");
        assert!(!denied || !there, "it was said not to be: {message}");
    }
    assert!(amid >= 3, "of {DEATHS:?}, {amid} DCs died before the writer was answered");

    let truly = (1..=ROUNDS).find(|round| race(&farm, &format!("race-{round}")));
    println!("two writers met in round {truly:?}");
    assert!(truly.is_some(), "they never wrote at the same time");
}
