//! The shipped files, and those that may only be tested with.
#![allow(clippy::print_stdout)]

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use model::Date;
use screen::ParsedList;
use screen::lists::{self, ofac};

#[allow(dead_code)]
pub const DATES: &[&str] = &["2025-03-04", "2025-11-19"];

#[allow(dead_code)]
pub fn day(text: &str) -> Date {
    text.parse().expect("a date")
}

#[allow(dead_code)]
pub fn ofac_folder(date: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/lists/ofac").join(date)
}

#[allow(dead_code)]
pub fn ofac_list(date: &str) -> ParsedList {
    let file =
        File::open(ofac_folder(date).join("sdn_advanced.xml.bz2")).expect("the fixture is there");
    let plain = lists::open(BufReader::new(file)).expect("it has a head");
    ofac::read(plain, "hash").expect("the published file reads")
}

/// What another program extracted: asset label and address.
#[allow(dead_code)]
pub fn extracted(date: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(ofac_folder(date)).expect("the fixture is there") {
        let path = entry.expect("a readable folder").path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_string();
        let Some(label) =
            name.strip_prefix("sanctioned_addresses_").and_then(|n| n.strip_suffix(".txt"))
        else {
            continue;
        };
        let text = std::fs::read_to_string(&path).expect("a text file");
        found.extend(
            text.lines()
                .filter(|line| !line.is_empty())
                .map(|line| (label.to_string(), line.to_string())),
        );
    }
    found.sort();
    found
}

/// Data that may be read in a test and not be shipped. Loud where it is not there.
#[allow(dead_code)]
pub fn shared(path: &str) -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    let folder = std::env::var_os("INTERDICT_SHARED").map_or(beside, PathBuf::from);
    let found = folder.join("data").join(path);
    if found.exists() {
        return Some(found);
    }
    println!("SKIPPED: {} is not there (set INTERDICT_SHARED)", found.display());
    None
}

#[allow(dead_code)]
pub fn open(path: &Path) -> Box<dyn std::io::BufRead> {
    let file = File::open(path).expect("the file is there");
    lists::open(BufReader::new(file)).expect("it has a head")
}

#[allow(dead_code)]
pub fn fixture(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/lists").join(path)
}
