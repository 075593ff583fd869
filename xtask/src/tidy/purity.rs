//! The pure crates do no I/O, read no clock and no environment: the same
//! snapshot and settings give the same findings.
//!
//! Two nets: no I/O crate among their dependencies, and none of the standard
//! library's doors in their sources.

use anyhow::Result;

use super::{Fault, Tree, dependencies};

const PURE: &[&str] = &["model", "entity", "screen", "token", "trace", "detect", "guard", "drill"];

/// Guests that open files, sockets or clocks.
const IO_CRATES: &[&str] = &[
    "async-std",
    "axum",
    "chrono",
    "fastrand",
    "getrandom",
    "hyper",
    "indicatif",
    "memmap2",
    "mio",
    "postgres",
    "rand",
    "reqwest",
    "rusqlite",
    "smol",
    "socket2",
    "sqlx",
    "tempfile",
    "tokio",
    "tracing-subscriber",
    "ureq",
    "walkdir",
];

/// A door of the standard library (or of `jiff`, for the clock), and what to do instead.
const DOORS: &[(&str, &str)] = &[
    ("std::fs", "take a `Read`, or bytes"),
    ("std::net", "only `chain` and `share` talk to the network"),
    ("std::env", "take a setting"),
    ("std::process", "leave it to the binary"),
    ("std::thread", "leave it to the binary"),
    ("SystemTime", "take the time as an argument"),
    ("Instant::now", "take a budget as an argument"),
    ("Timestamp::now", "take the time as an argument"),
    ("Zoned::now", "take the time as an argument"),
];

pub fn check(tree: &Tree) -> Result<Vec<Fault>> {
    let mut faults = Vec::new();
    for name in tree.crates().filter(|name| PURE.contains(name)) {
        for used in dependencies(&tree.manifest(name)?) {
            if IO_CRATES.contains(&used.as_str()) {
                faults.push(format!("crate {name}: is pure, but depends on `{used}`"));
            }
        }
        let sources = format!("crates/{name}/src/");
        for file in tree.with_extension("rs").filter(|file| file.starts_with(&sources)) {
            faults.extend(doors(file, &tree.text(file).unwrap_or_default()));
        }
    }
    Ok(faults)
}

fn doors(file: &str, text: &str) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let code = line.split_once("//").map_or(line, |(code, _)| code);
        for (door, instead) in DOORS.iter().filter(|(door, _)| code.contains(door)) {
            faults.push(format!("{file}:{number}: a pure crate mentions `{door}`; {instead}"));
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_door_is_found_in_code_and_not_in_comments() {
        let text =
            "//! Not std::fs.\nuse std::collections::BTreeMap;\nlet t = SystemTime::now();\n";
        let found = doors("a.rs", text);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].starts_with("a.rs:3:"), "{found:?}");
    }
}
