//! The shipped OFAC files, and a small hand-made one.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use model::Date;
use screen::ParsedList;
use screen::lists::{self, ofac};

pub const DATES: &[&str] = &["2025-03-04", "2025-11-19"];

pub fn day(text: &str) -> Date {
    text.parse().expect("a date")
}

pub fn ofac_folder(date: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/lists/ofac").join(date)
}

pub fn ofac_list(date: &str) -> ParsedList {
    let file =
        File::open(ofac_folder(date).join("sdn_advanced.xml.bz2")).expect("the fixture is there");
    let plain = lists::open(BufReader::new(file)).expect("it has a head");
    ofac::read(plain, "hash").expect("the published file reads")
}

/// What another program extracted: asset label and address.
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
