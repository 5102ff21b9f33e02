//! Feeds readers with damaged datagrams and documents: what the fuzz targets do, bounded.

#![expect(clippy::unwrap_used, reason = "a test")]

#[path = "../../tests/fuzz/src/cib.rs"]
#[expect(unreachable_pub, reason = "it is public in the fuzz crate")]
mod cib;
#[path = "../../tests/fuzz/src/directors.rs"]
#[expect(unreachable_pub, reason = "it is public in the fuzz crate")]
mod directors;

use proptest::prelude::*;
use proptest::sample::{Index, select};

const HEADER: usize = 44;

fn seeds_of(target: &str) -> Vec<Vec<u8>> {
    let directory = format!("{}/../tests/fuzz/seeds/{target}", env!("CARGO_MANIFEST_DIR"));
    let entries = std::fs::read_dir(directory).unwrap();
    entries.map(|entry| std::fs::read(entry.unwrap().path()).unwrap()).collect()
}

/// Signed, but for the code.
fn seeds() -> Vec<Vec<u8>> {
    seeds_of("directors")
}

#[test]
fn the_seeds_are_read_completely() {
    assert_eq!(seeds().len(), 9);
    assert!(seeds().iter().all(|seed| directors::check(seed)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(5000))]

    #[test]
    fn the_decoder_survives_damaged_datagrams(
        mut datagram in select(seeds()),
        damages in prop::collection::vec((any::<Index>(), any::<u8>()), 0..4),
        end in prop::option::of(any::<Index>()),
    ) {
        for (at, byte) in damages {
            let at = at.index(datagram.len());
            datagram[at] = byte;
        }
        if let Some(end) = end {
            datagram.truncate(HEADER + end.index(datagram.len() - HEADER + 1));
            let length = u16::try_from(datagram.len() - HEADER).unwrap();
            datagram[10..12].copy_from_slice(&length.to_be_bytes());
        }
        directors::check(&datagram);
    }
}

#[test]
fn the_documents_are_read() {
    assert_eq!(seeds_of("cib").len(), 4);
    assert!(seeds_of("cib").iter().all(|seed| cib::check(seed)));
}

/// Bytes that matter to TOML or XML, and some others.
fn byte() -> impl Strategy<Value = u8> {
    prop_oneof![select(b"<>/\"'=&;:-_!? \n[]{}#.,019az".to_vec()), any::<u8>()]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn the_readers_survive_damaged_documents(
        mut document in select(seeds_of("cib")),
        bytes in prop::collection::vec((any::<Index>(), byte()), 0..4),
        lines in prop::collection::vec((any::<Index>(), any::<Index>()), 0..3),
        end in prop::option::weighted(0.2, any::<Index>()),
    ) {
        for (at, byte) in bytes {
            let at = at.index(document.len());
            document[at] = byte;
        }
        let mut rows: Vec<&[u8]> = document.split_inclusive(|byte| *byte == b'\n').collect();
        for (from, to) in lines {
            let row = rows.remove(from.index(rows.len()));
            rows.insert(to.index(rows.len() + 1), row);
            rows.insert(to.index(rows.len() + 1), row);
        }
        let mut document = rows.concat();
        if let Some(end) = end {
            document.truncate(end.index(document.len()));
        }
        cib::check(&document);
    }
}
