//! The home itself: checked, mended, made small, taken out, copied and put back.

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use common::{Home, csv, evm, hash};
use serde_json::Value;

/// Two files of transfers, in a home.
fn filled() -> (Home, [String; 2]) {
    let home = Home::new();
    let row = |from: u8, to: u8, tx: u8, minute: u8, amount: u8| {
        let (from, to, tx) = (evm(from), evm(to), hash(tx));
        format!("{from},{to},{tx},2025-02-21 14:{minute:02}:00,{amount}")
    };
    let first = [row(1, 2, 1, 0, 5), row(2, 3, 2, 1, 4)];
    let second = [row(3, 4, 3, 2, 3), row(1, 2, 1, 0, 5), row(4, 5, 4, 3, 2)];
    let table = |rows: &[String]| csv(&rows.iter().map(String::as_str).collect::<Vec<_>>());
    let files = [home.write("first.csv", table(&first)), home.write("second.csv", table(&second))];
    home.ok(&["import", "transfers-csv", &files[0], &files[1], "--chain", "ethereum"]);
    (home, files)
}

fn trace(home: &Home) -> Value {
    home.json(&["trace", &evm(1), "--format", "json"])
}

fn segments(home: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(home.join("segments")).expect("a folder");
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    paths
}

fn flip(path: &Path, at: usize) {
    let mut bytes = fs::read(path).expect("a segment");
    let at = at.min(bytes.len() - 1);
    bytes[at] ^= 0x40;
    fs::write(path, bytes).expect("writes");
}

#[test]
fn a_whole_home_says_so() {
    let (home, _) = filled();
    let said = home.ok(&["store", "check"]);
    assert!(said.starts_with("whole: 2 segments, 4 transfers"), "{said}");
}

#[test]
fn a_damaged_segment_is_named_with_what_it_held_and_mended_from_its_files() {
    let (home, files) = filled();
    let before = trace(&home);
    let segment = &segments(&home.path("home"))[0];
    flip(segment, 100);

    let run = home.run(&["store", "check"]);
    assert_ne!(run.code, 0, "{}", run.stdout);
    let name = segment.file_name().and_then(|name| name.to_str()).expect("a name");
    for part in [name, "ethereum", "2 transfers", "2025-02-21T14:00:00Z", &files[0], "--repair"] {
        let said = format!("{}{}", run.stdout, run.stderr);
        assert!(said.contains(part), "expected {part:?} in: {said}");
    }

    // Nothing is given up for what cannot be had again.
    let table = fs::read(&files[0]).expect("reads");
    fs::write(&files[0], "another table").expect("writes");
    let run = home.run(&["store", "check", "--repair"]);
    assert_ne!(run.code, 0);
    assert!(run.stderr.contains("nothing was changed"), "{}", run.stderr);
    assert!(run.stderr.contains(&files[0]), "{}", run.stderr);
    assert!(segment.exists());

    fs::write(&files[0], table).expect("writes");
    let said = home.ok(&["store", "check", "--repair"]);
    assert!(said.contains("repaired: 1 files imported again"), "{said}");
    home.ok(&["store", "check"]);
    assert_eq!(trace(&home), before);
}

#[test]
fn every_flipped_byte_is_found_and_never_an_answer() {
    let (home, _) = filled();
    let before = trace(&home);
    let segment = &segments(&home.path("home"))[1];
    let whole = fs::read(segment).expect("a segment");
    for at in (0..whole.len()).step_by(whole.len() / 12 + 1) {
        flip(segment, at);
        let run = home.run(&["store", "check"]);
        assert_ne!(run.code, 0, "byte {at} of {}: {}", whole.len(), run.stdout);
        let run = home.run(&["trace", &evm(1), "--format", "json"]);
        match run.code {
            0 => assert_eq!(serde_json::from_str::<Value>(&run.stdout).expect("JSON"), before),
            _ => assert!(run.stderr.contains("store check"), "byte {at}: {}", run.stderr),
        }
        fs::write(segment, &whole).expect("writes");
    }
    home.ok(&["store", "check"]);
}

#[test]
fn a_segment_that_is_gone_is_named() {
    let (home, _) = filled();
    let segment = segments(&home.path("home")).remove(0);
    fs::remove_file(&segment).expect("removes");
    let name = segment.file_name().and_then(|name| name.to_str()).expect("a name").to_string();
    home.refuses(&["trace", &evm(1)], &[&name, "store check"]);
    let run = home.run(&["store", "check"]);
    assert!(run.code != 0 && run.stdout.contains(&name), "{}", run.stdout);
    home.ok(&["store", "check", "--repair"]);
    home.ok(&["trace", &evm(1)]);
}

#[test]
fn stats_count_what_is_held() {
    let (home, _) = filled();
    let stats = home.json(&["store", "stats", "--format", "json"]);
    assert_eq!((&stats["transfers"], &stats["addresses"]), (&4.into(), &5.into()));
    assert_eq!((&stats["segments"], &stats["files"]), (&2.into(), &2.into()));
    let bytes = stats["bytes_on_disk"].as_f64().expect("a number");
    let each = stats["bytes_per_transfer"].as_f64().expect("a number");
    assert!((bytes / 4.0 - each).abs() < 0.1, "{stats}");
    assert_eq!(stats["chains"][0]["chain"], "eip155:1");
    let said = home.ok(&["store", "stats"]);
    assert!(said.starts_with("4 transfers, 5 addresses, 2 segments"), "{said}");
}

#[test]
fn compacting_changes_no_answer() {
    let (home, _) = filled();
    let before = trace(&home);
    fs::write(home.path("home/segments/eip155-1-99.seg"), "left by a crash").expect("writes");
    home.ok(&["store", "compact"]);
    assert_eq!(segments(&home.path("home")).len(), 1);
    assert_eq!(trace(&home), before);
    home.ok(&["store", "check"]);
    // Every file is still known.
    let stats = home.json(&["store", "stats", "--format", "json"]);
    assert_eq!((&stats["segments"], &stats["files"]), (&1.into(), &2.into()));
}

#[test]
fn an_export_is_taken_in_again() {
    let (home, _) = filled();
    let out = home.path("tables");
    let out = out.to_str().expect("UTF-8");
    let said = home.ok(&["store", "export", "--format", "parquet", "--out", out]);
    let file = format!("{out}/transfers-eip155-1.parquet");
    assert_eq!(said, format!("{file}: 4 transfers\n"));

    let other = Home::new();
    other.ok(&["import", "transfers-parquet", &file]);
    assert_eq!(
        trace(&other)["edges"].as_array().map(Vec::len),
        trace(&home)["edges"].as_array().map(Vec::len)
    );
    let again = other.ok(&["import", "transfers-parquet", &file]);
    assert!(again.contains("known, nothing changed"), "{again}");

    let said = home.ok(&[
        "store",
        "export",
        "--format",
        "arrow",
        "--out",
        out,
        "--until",
        "2025-02-21T14:01:00Z",
    ]);
    assert!(said.contains("transfers-eip155-1.arrow: 2 transfers"), "{said}");
    assert!(
        fs::read(format!("{out}/transfers-eip155-1.arrow")).expect("reads").starts_with(b"ARROW1")
    );
}

#[test]
fn a_backup_is_a_home_and_comes_back_whole() {
    let (home, files) = filled();
    let bundle = home.path("a.bundle");
    home.ok(&["trace", &evm(1), "--bundle", bundle.to_str().expect("UTF-8")]);
    let copy = home.path("copy");
    let copy_text = copy.to_str().expect("UTF-8");
    home.ok(&["store", "backup", "--out", copy_text]);
    home.refuses(&["store", "backup", "--out", copy_text], &["something is there"]);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let key = fs::metadata(copy.join("keys/ed25519.key")).expect("the key is there");
        assert_eq!(key.permissions().mode() & 0o777, 0o600);
        let folder = fs::metadata(&copy).expect("a folder").permissions().mode();
        assert_eq!(folder & 0o777, 0o700);
    }
    // What happens to the home afterwards does not reach the copy.
    let before = trace(&home);
    home.refuses(&["store", "restore", "--from", copy_text], &["something is there"]);
    fs::remove_dir_all(home.path("home")).expect("is lost");
    home.ok(&["store", "restore", "--from", copy_text]);
    assert_eq!(trace(&home), before);
    let known = home.ok(&["import", "transfers-csv", &files[0], "--chain", "ethereum"]);
    assert!(known.contains("known"), "{known}");
}

#[test]
fn a_damaged_backup_is_not_restored() {
    let (home, _) = filled();
    let copy = home.path("copy");
    let copy_text = copy.to_str().expect("UTF-8");
    home.ok(&["store", "backup", "--out", copy_text]);
    flip(&segments(&copy)[0], 60);
    fs::remove_dir_all(home.path("home")).expect("is lost");
    home.refuses(&["store", "restore", "--from", copy_text], &["damaged", "nothing was restored"]);
    assert!(!home.path("home").exists());
    home.refuses(&["store", "restore", "--from", "nowhere"], &["nowhere", "store backup"]);
}
