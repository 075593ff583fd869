//! Two million keys in memory: how many bytes they take, how long a question takes.
#![allow(clippy::print_stdout)]

use std::sync::LazyLock;

use divan::{Bencher, counter::ItemsCount};
use model::Key;
use screen::index::KeyIndex;

const KEYS: u64 = 2_000_000;
const QUESTIONS: u64 = 10_000;

/// Far apart and the same every time: a step of a Weyl sequence, mixed.
fn key(number: u64) -> Key {
    let mut state = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut bytes = [0; 20];
    for part in bytes.chunks_mut(8) {
        state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        state ^= state >> 27;
        part.copy_from_slice(&state.to_le_bytes()[..part.len()]);
    }
    match number % 3 {
        0 => Key::PublicKeyHash(bytes),
        1 => Key::ScriptHash(bytes),
        _ => Key::Keccak(bytes),
    }
}

static INDEX: LazyLock<KeyIndex> = LazyLock::new(|| {
    let keys: Vec<Key> = (0..KEYS).map(key).collect();
    let index = KeyIndex::new(&keys);
    println!("{} keys in {:.1} MB", index.len(), index.bytes() as f64 / 1e6);
    assert!(index.bytes() < 100_000_000);
    index
});

fn main() {
    assert_eq!(INDEX.len() as u64, KEYS);
    divan::main();
}

#[divan::bench]
fn keys_that_are_held(bencher: Bencher<'_, '_>) {
    ask(bencher, (0..QUESTIONS).map(|n| key(n * (KEYS / QUESTIONS))).collect(), true);
}

#[divan::bench]
fn keys_that_are_not_held(bencher: Bencher<'_, '_>) {
    ask(bencher, (0..QUESTIONS).map(|n| key(KEYS + n * 977)).collect(), false);
}

fn ask(bencher: Bencher<'_, '_>, keys: Vec<Key>, is_held: bool) {
    bencher.counter(ItemsCount::new(keys.len())).bench(|| {
        let found = keys.iter().filter(|key| INDEX.contains(key)).count();
        assert_eq!(found == keys.len(), is_held);
        found
    });
}
