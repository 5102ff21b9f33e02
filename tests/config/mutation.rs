//! Damages files: what the fuzz target does, bounded and the same every time.

#[path = "../fuzz/src/config.rs"]
#[expect(unreachable_pub, reason = "it is public in the fuzz crate")]
mod config;

use std::panic::catch_unwind;

use crate::{root, toml_files};

const CASES: u64 = 20_000;

#[test]
fn no_damaged_file_makes_the_parser_panic_and_every_refusal_can_be_told() {
    let read = |directory| -> Vec<Vec<u8>> {
        toml_files(&root().join(directory)).iter().map(|path| std::fs::read(path).unwrap()).collect()
    };
    let good = [read("configs"), read("tests/config/good")].concat();
    let bad = read("tests/config/bad");
    let case = |seed: u64| {
        let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let base = if random.below(4) == 0 { &bad } else { &good };
        let mut bytes = base[random.below(base.len())].clone();
        let other = &bad[random.below(bad.len())];
        for _ in 0..=random.below(3) {
            damage(&mut random, &mut bytes, other);
        }
        bytes
    };
    let mut taken = 0;
    for seed in 1..=CASES {
        let Ok(valid) = catch_unwind(|| config::check(&case(seed))) else {
            panic!("case {seed}:\n{}", String::from_utf8_lossy(&case(seed)));
        };
        taken += u64::from(valid);
    }
    // Both happen often, or the damage is not worth much.
    assert!((1000..CASES - 5000).contains(&taken), "{taken} taken");
}

/// One mistake: bytes changed, cut out, doubled, or brought in from another file.
#[expect(clippy::indexing_slicing, reason = "a test that goes out of bounds fails")]
fn damage(random: &mut Random, bytes: &mut Vec<u8>, other: &[u8]) {
    const TOKENS: [&str; 19] = [
        "\"", "'''", "[[", "]]", "[", "]", "{", "}", "=", ",", "\n", "\r", "\t", ".", "-1", "0x", "\u{202e}",
        "\u{feff}", "\0",
    ];
    let at = random.below(bytes.len() + 1);
    let end = (at + random.below(24)).min(bytes.len());
    match random.below(6) {
        0 => bytes.truncate(at),
        1 => drop(bytes.drain(at..end)),
        2 => {
            let copy = bytes[at..end].to_vec();
            bytes.splice(at..at, copy);
        }
        3 => {
            let token = TOKENS[random.below(TOKENS.len())];
            bytes.splice(at..end.min(at + token.len()), token.bytes());
        }
        4 => {
            let from = random.below(other.len() + 1);
            let to = (from + random.below(80)).min(other.len());
            bytes.splice(at..end, other[from..to].iter().copied());
        }
        _ => {
            if let Some(byte) = bytes.get_mut(at) {
                *byte = random.below(256).to_le_bytes()[0];
            }
        }
    }
}

/// Marsaglia's xorshift64: a seed is enough to see a failure again.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % bound as u64).expect("it is below a usize")
    }
}
