//! Feeds the reader of the kernel's flows with damaged entries: what the fuzz target does, bounded.

#[path = "fuzz/src/conntrack.rs"]
#[expect(unreachable_pub, reason = "it is public in the fuzz crate")]
mod conntrack;

use proptest::prelude::*;
use proptest::sample::{Index, select};

fn seeds() -> Vec<Vec<u8>> {
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fuzz/seeds/conntrack");
    let entries = std::fs::read_dir(directory).expect("the seeds are there");
    entries.map(|entry| std::fs::read(entry.expect("an entry").path()).expect("a seed")).collect()
}

#[test]
fn the_seeds_are_flows() {
    assert_eq!(seeds().len(), 4);
    assert!(seeds().iter().all(|seed| conntrack::check(seed)));
}

/// Bytes that matter to lengths and kinds, and some others.
fn byte() -> impl Strategy<Value = u8> {
    prop_oneof![0..24_u8, select(vec![0x7f, 0x80, 0xff]), any::<u8>()]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(5000))]

    #[test]
    fn the_reader_survives_damaged_entries(
        mut entry in select(seeds()),
        damages in prop::collection::vec((any::<Index>(), byte()), 0..4),
        doubled in prop::option::of((any::<Index>(), any::<Index>())),
        end in prop::option::of(any::<Index>()),
    ) {
        for (at, byte) in damages {
            let at = at.index(entry.len());
            entry[at] = byte;
        }
        if let Some((from, to)) = doubled {
            let from = from.index(entry.len());
            let copy = entry.split_off(from);
            let at = to.index(copy.len());
            entry.extend(copy.iter().take(at).chain(&copy));
        }
        if let Some(end) = end {
            entry.truncate(end.index(entry.len()));
        }
        conntrack::check(&entry);
    }
}
