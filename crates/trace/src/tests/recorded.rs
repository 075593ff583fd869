//! The answers of the walk as it was first written, plain and slow, over pasts by
//! seed. Whatever is made faster must still say the same, byte for byte.

use super::world::{World, world};
use crate::{Policy, Settings, run};

const SEEDS: u64 = 800;
const RECORDED: &str = include_str!("recorded.txt");

/// FNV-1a over every policy's report as JSON.
fn fingerprint(seed: u64) -> u64 {
    let World { memory, book, settings } = world(seed);
    let mut hash = 0xcbf2_9ce4_8422_2325u64;
    for policy in Policy::ALL {
        let compare = policy == Policy::Fifo && seed.is_multiple_of(3);
        let one = Settings { policy, compare, ..settings.clone() };
        let said = match run(&memory, &book, &one) {
            // What it was worth and where the order is not told is said since; the answer is
            // the same.
            Ok(report) => {
                let mut report = crate::Report { worth: Vec::new(), ..report };
                report.coverage.notes.retain(|note| !note.contains("in which order"));
                serde_json::to_string(&report).expect("json")
            }
            Err(error) => error.to_string(),
        };
        for byte in said.bytes() {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
    hash
}

#[test]
fn the_answers_are_those_recorded() {
    let recorded: Vec<&str> = RECORDED.lines().collect();
    assert_eq!(recorded.len() as u64, SEEDS);
    let differing: Vec<u64> = (0..SEEDS)
        .zip(recorded)
        .filter(|(seed, said)| format!("{:016x}", fingerprint(*seed)) != **said)
        .map(|(seed, _)| seed)
        .collect();
    assert!(differing.is_empty(), "other answers than recorded for seeds {differing:?}");
}

/// `cargo test -p trace -- --ignored --nocapture record_the_answers` prints what
/// `recorded.txt` is to hold, when an answer is meant to change.
#[test]
#[ignore = "prints the answers instead of checking them"]
#[allow(clippy::print_stdout, reason = "somebody reads it")]
fn record_the_answers() {
    for seed in 0..SEEDS {
        println!("{:016x}", fingerprint(seed));
    }
}
