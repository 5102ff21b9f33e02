//! Feeds the decoder with damaged answers of a kernel: what the fuzz target does, bounded and the same every
//! time.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test")]

#[path = "../../tests/fuzz/src/netlink.rs"]
#[expect(unreachable_pub, reason = "it is public in the fuzz crate")]
mod netlink;

use std::panic::catch_unwind;

const CASES: u64 = 100_000;

#[test]
fn the_decoder_survives_damaged_answers() {
    let seeds = seeds();
    let case = |number: u64| {
        let mut random = Random(number);
        let mut datagram = random.pick(&seeds).clone();
        for _ in 0..=random.below(4) {
            damage(&mut datagram, &mut random, &seeds);
        }
        datagram
    };
    for number in 0..CASES {
        let survived = catch_unwind(|| netlink::check(&case(number)));
        assert!(survived.is_ok(), "case {number}: {:02x?}", case(number));
    }
}

#[test]
fn the_seeds_are_read_completely() {
    for seed in seeds() {
        netlink::check(&seed);
        assert!(ipvs::wire::messages(&seed).all(|message| message.is_ok()));
    }
}

/// Datagrams of Linux 6.1.
fn seeds() -> Vec<Vec<u8>> {
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fuzz/seeds/netlink");
    let mut paths: Vec<_> =
        std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let seeds: Vec<_> = paths.iter().map(|path| std::fs::read(path).unwrap()).collect();
    assert!(seeds.len() >= 8);
    seeds
}

fn damage(datagram: &mut Vec<u8>, random: &mut Random, seeds: &[Vec<u8>]) {
    const TELLING: [u8; 8] = [0, 1, 2, 3, 4, 0x7f, 0x80, 0xff];
    if datagram.is_empty() {
        return datagram.push(0);
    }
    let at = random.below(datagram.len());
    match random.below(6) {
        0 => datagram[at] ^= 1 << random.below(8),
        1 => datagram[at] = *random.pick(&TELLING),
        2 => datagram.truncate(at),
        3 => drop(datagram.drain(at..(at + 4 * random.below(8)).min(datagram.len()))),
        4 => {
            let copy = datagram[at..(at + 4 * random.below(8)).min(datagram.len())].to_vec();
            datagram.splice(at..at, copy);
        }
        _ => {
            let other = random.pick(seeds);
            let from = random.below(other.len());
            datagram.truncate(at);
            datagram.extend_from_slice(&other[from..]);
        }
    }
}

/// `SplitMix64`.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() >> 32).unwrap() % bound
    }

    fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }
}
