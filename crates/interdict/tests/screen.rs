//! Is it on a list, on this day or that? The judge is what another program extracted
//! from the same files of OFAC.

mod common;

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::sync::OnceLock;

use common::{Home, Run, evm, fixture, read, rows, texts};
use model::{Address, Chain};
use serde_json::{Value, json};

const HIT: i32 = 10;
const MARCH: &str = "2025-03-04";
const NOVEMBER: &str = "2025-11-19";

// -- OFAC --------------------------------------------------------------------------------

#[test]
fn every_extracted_address_is_a_hit_on_the_list_of_its_day() {
    let home = ofac();
    for day in [MARCH, NOVEMBER] {
        let files = extracted(day);
        assert!(files.len() > 10, "{day}: {files:?}");
        for file in files {
            let asset = asset_label(&file);
            let wanted = addresses(&file);
            assert!(!wanted.is_empty(), "{}", file.display());
            let file = file.to_str().expect("UTF-8");
            let run = home.run(&["screen", "--file", file, "--format", "json", "--as-of", day]);
            assert_eq!(run.code, HIT, "{file}: {}", run.stderr);
            let answers: Value = serde_json::from_str(&run.stdout).expect("JSON");
            assert_eq!(texts(&answers, "query"), wanted, "{file}: in the order of the file");
            for answer in rows(&answers) {
                let listed = |hit: &Value| {
                    hit["list"] == "ofac-sdn"
                        && hit["list_date"] == day
                        && hit["asset_label"] == asset
                };
                assert!(rows(&answer["hits"]).iter().any(listed), "{file}: {answer}");
                assert_eq!(answer["covered"], true, "{file}");
            }
        }
    }
}

#[test]
fn a_delisted_address_is_a_hit_before_and_none_after() {
    let home = ofac();
    let of = |day| {
        addresses(&PathBuf::from(fixture(&format!(
            "lists/ofac/{day}/sanctioned_addresses_ETH.txt"
        ))))
    };
    let still: BTreeSet<String> =
        extracted(NOVEMBER).iter().flat_map(|file| addresses(file)).collect();
    let delisted: Vec<String> =
        of(MARCH).into_iter().filter(|address| !still.contains(address)).collect();
    assert!(delisted.len() > 50, "Tornado Cash went between the two");
    let file = home.write("delisted.txt", delisted.join("\n"));

    let before = screened(home, &["--file", &file, "--as-of", "2025-03-05"], HIT);
    for answer in rows(&before) {
        let hit = only(&answer["hits"]);
        assert_eq!(
            (&hit["list_date"], &hit["first_seen"], &hit["last_seen"]),
            (&MARCH.into(), &MARCH.into(), &MARCH.into())
        );
        assert_eq!(hit["absent_since"], NOVEMBER, "{answer}");
        assert_eq!(hit["delisted_on"], Value::Null, "no stored list gives it");
        assert!(hit["party"].is_string() && hit["programme"].is_string(), "{answer}");
        assert_eq!(rows(&answer["former"]), [] as [Value; 0]);
    }
    // Until the list of November, that of March is the one in force.
    screened(home, &[&delisted[0], "--as-of", "2025-11-18"], HIT);
    let after = screened(home, &["--file", &file, "--as-of", "2025-11-20"], 0);
    for answer in rows(&after) {
        assert_eq!(rows(&answer["hits"]), [] as [Value; 0], "{answer}");
        assert_eq!(only(&answer["former"])["absent_since"], NOVEMBER);
        assert_eq!(only(&answer["searched"])["list_date"], NOVEMBER);
    }
    let said = home.ok(&["screen", &delisted[0], "--as-of", "2025-11-20"]);
    assert!(
        said.contains("no hit") && said.contains("formerly on ofac-sdn, absent since 2025-11-19"),
        "{said}"
    );
}

#[test]
fn an_address_on_both_lists_is_seen_first_and_last() {
    let home = ofac();
    let of = |day| extracted(day).iter().flat_map(|file| addresses(file)).collect::<BTreeSet<_>>();
    let (march, november) = (of(MARCH), of(NOVEMBER));
    let on_both = march.intersection(&november).next().expect("one on both");
    for (as_of, list_date) in
        [("2025-03-04", MARCH), ("2025-11-18", MARCH), ("2025-11-19", NOVEMBER)]
    {
        let answers = screened(home, &[on_both, "--as-of", as_of], HIT);
        let hit = &rows(&only(&answers)["hits"])[0];
        assert_eq!(hit["list_date"], list_date);
        assert_eq!((&hit["first_seen"], &hit["last_seen"]), (&MARCH.into(), &NOVEMBER.into()));
        assert_eq!(hit["absent_since"], Value::Null);
    }
    let new = november.difference(&march).next().expect("one that is new");
    let answers = screened(home, &[new, "--as-of", "2025-11-20"], HIT);
    assert_eq!(rows(&only(&answers)["hits"])[0]["first_seen"], NOVEMBER);
    assert_eq!(rows(&only(&screened(home, &[new, "--as-of", MARCH], 0))["hits"]), [] as [Value; 0]);
}

#[test]
fn other_writings_of_a_listed_key_are_hits() {
    let home = ofac();
    let of = |asset: &str| {
        addresses(&PathBuf::from(fixture(&format!(
            "lists/ofac/{NOVEMBER}/sanctioned_addresses_{asset}.txt"
        ))))
    };
    let one = |asset: &str, head: &str| {
        of(asset)
            .into_iter()
            .find(|address| address.starts_with(head))
            .unwrap_or_else(|| panic!("no {head} in {asset}"))
    };
    let hits = |query: &str, listed: &str, relation: &str| {
        let answers = screened(home, &[query, "--as-of", NOVEMBER], HIT);
        let hits = rows(&only(&answers)["hits"]);
        let is = |hit: &Value| hit["written"] == listed && hit["match"] == relation;
        assert!(hits.iter().any(is), "{query} is {listed}: {hits:?}");
    };

    let tron = one("TRX", "T");
    let bytes = Address::parse(&tron, Chain::TRON).expect("an address").bytes().to_vec();
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    hits(&tron, &tron, "same address");
    hits(&format!("41{hex}"), &tron, "same address");
    hits(&format!("41{}", hex.to_uppercase()), &tron, "same address");
    hits(&format!("0x{hex}"), &tron, "same key");

    let ethereum = one("ETH", "0x");
    let on_tron = Address::parse(&ethereum, Chain::ETHEREUM).expect("an address");
    let on_tron =
        Address::from_bytes(on_tron.bytes(), Chain::TRON).expect("twenty bytes").text(Chain::TRON);
    let digits = ethereum.trim_start_matches("0x");
    hits(&ethereum.to_lowercase(), &ethereum, "same address");
    hits(&format!("0x{}", digits.to_uppercase()), &ethereum, "same address");
    hits(&format!("eip155:1:{ethereum}"), &ethereum, "same address");
    hits(&format!("  {ethereum}\u{200b} "), &ethereum, "same address");
    hits(&on_tron, &ethereum, "same key");

    let segwit = one("XBT", "bc1q");
    hits(&segwit.to_uppercase(), &segwit, "same address");
    hits(&format!("bitcoin:{segwit}?amount=1"), &segwit, "same address");

    let legacy = one("XBT", "1");
    let script = Address::parse(&legacy, Chain::BITCOIN).expect("an address").bytes().to_vec();
    let witness = [&[0, 20], &script[3..23]].concat();
    let witness =
        Address::from_bytes(&witness, Chain::BITCOIN).expect("a script").text(Chain::BITCOIN);
    assert!(witness.starts_with("bc1q"), "{witness}");
    hits(&witness, &legacy, "same key");

    let cash = one("BCH", "q");
    hits(&format!("bitcoincash:{cash}"), &cash, "same address");
    hits(&format!("BITCOINCASH:{}", cash.to_uppercase()), &cash, "same address");
}

#[test]
fn an_imported_list_says_what_it_holds() {
    let status = ofac().json(&["lists", "status", "--format", "json"]);
    assert_eq!(texts(&status, "date"), [MARCH, NOVEMBER]);
    assert_eq!(texts(&status, "list"), ["ofac-sdn", "ofac-sdn"]);
    for row in rows(&status) {
        assert!(row["entries"].as_u64() > Some(700), "{row}");
        assert_eq!(row["file_hash"].as_str().map(str::len), Some(64));
    }
}

// -- answers -----------------------------------------------------------------------------

#[test]
fn the_exit_code_tells_a_hit_from_none_from_an_error() {
    let home = listed("2025-01-01", &[&evm(1)]);
    assert_eq!(home.run(&["screen", &evm(1)]).code, HIT);
    assert_eq!(home.run(&["screen", &evm(2)]).code, 0);
    assert_eq!(home.run(&["screen", &evm(2), &evm(1), &evm(3)]).code, HIT, "one is enough");
    assert_eq!(home.run(&["screen", &evm(1), "--format", "json"]).code, HIT);
    assert_eq!(home.run(&["screen", &evm(2), "--format", "json"]).code, 0);
    home.refuses(&["screen"], &["required"]);
    home.refuses(&["screen", "--file", "nowhere.txt"], &["nowhere.txt", "No such file"]);
    home.refuses(&["screen", &evm(1), "--as-of", "2025-13-01"], &["2025-13-01", "--as-of"]);
    home.refuses(&["screen", &evm(1), "--file", "some.txt"], &["--file"]);
}

#[test]
fn an_answer_has_the_fields_of_the_contract() {
    let home = listed("2025-01-01", &[&format!("{}, Mallory", evm(1))]);
    let answers = screened(&home, &[&evm(1), "--as-of", "2025-01-02"], HIT);
    let hit = only(&only(&answers)["hits"]);
    let expected = [
        ("list", json!("police")),
        ("list_date", json!("2025-01-01")),
        ("party", json!("Mallory")),
        ("programme", Value::Null),
        ("asset_label", Value::Null),
        ("listed_on", Value::Null),
        ("first_seen", json!("2025-01-01")),
        ("last_seen", json!("2025-01-01")),
        ("absent_since", Value::Null),
        ("delisted_on", Value::Null),
    ];
    for (field, value) in expected {
        assert_eq!(hit.get(field), Some(&value), "{field}");
    }
    let searched = only(&only(&answers)["searched"]);
    assert_eq!(
        (&searched["list"], &searched["list_date"], &searched["entries"]),
        (&"police".into(), &"2025-01-01".into(), &1.into())
    );
}

#[test]
fn a_day_before_the_first_list_is_not_covered() {
    let home = listed("2025-01-01", &[&evm(1)]);
    let answers = screened(&home, &[&evm(1), "--as-of", "2024-12-31"], 0);
    let answer = only(&answers);
    assert_eq!((&answer["covered"], &answer["hits"]), (&false.into(), &json!([])));
    let searched = only(&answer["searched"]);
    assert_eq!((&searched["covered"], &searched["list_date"]), (&false.into(), &Value::Null));
    let said = home.ok(&["screen", &evm(1), "--as-of", "2024-12-31"]);
    assert!(said.contains("not covered"), "{said}");
    assert_eq!(
        home.run(&["screen", &evm(1), "--as-of", "2025-01-01"]).code,
        HIT,
        "that very day is"
    );
}

#[test]
fn two_lists_of_which_one_covers_the_day() {
    let home = listed("2025-01-01", &[&evm(1)]);
    keep(&home, "later", "2025-06-01", &[&evm(1), &evm(2)]);
    let answers = screened(&home, &[&evm(2), "--as-of", "2025-03-01"], 0);
    assert_eq!(only(&answers)["covered"], false);
    let answers = screened(&home, &[&evm(1), "--as-of", "2025-07-01"], HIT);
    assert_eq!(only(&answers)["covered"], true);
    assert_eq!(texts(&only(&answers)["hits"], "list"), ["later", "police"]);
}

#[test]
fn an_entry_that_comes_and_goes_and_comes_back() {
    let home = listed("2025-01-01", &[&evm(1), &evm(9)]);
    keep(&home, "police", "2025-02-01", &[&evm(9)]);
    keep(&home, "police", "2025-03-01", &[&evm(1), &evm(9)]);
    for (as_of, code) in [("2025-01-15", HIT), ("2025-02-15", 0), ("2025-03-15", HIT)] {
        let answers = screened(&home, &[&evm(1), "--as-of", as_of], code);
        let answer = only(&answers);
        let seen = if code == HIT { only(&answer["hits"]) } else { only(&answer["former"]) };
        assert_eq!(
            (&seen["first_seen"], &seen["last_seen"]),
            (&"2025-01-01".into(), &"2025-03-01".into())
        );
        assert_eq!(seen["absent_since"], Value::Null, "it is there in the latest version");
    }
}

#[test]
fn a_wrong_checksum_is_looked_up_and_noted() {
    let right = "0x098B716B8Aaf21512996dC57EB0615e2383E2f96";
    let wrong = "0x098b716B8Aaf21512996dC57EB0615e2383E2f96";
    let home = listed("2025-01-01", &[right]);
    let answers = screened(&home, &[wrong], HIT);
    let note = only(&answers)["note"].as_str().expect("a note");
    assert!(note.contains("checksum") && note.contains(right), "{note}");
    assert_eq!(only(&screened(&home, &[right], HIT))["note"], Value::Null);
    let said = home.run(&["screen", wrong]).stdout;
    assert!(said.contains("LISTED") && said.contains("checksum"), "{said}");
}

#[test]
fn text_of_no_known_format_is_a_claim_and_matches_itself() {
    let home = listed("2025-01-01", &["not-an-address-77"]);
    let answers = screened(&home, &["not-an-address-77"], HIT);
    assert_eq!(only(&answers)["valid"], false);
    assert!(only(&answers)["note"].is_string());
    let answers = screened(&home, &["not-an-address-78"], 0);
    assert!(only(&answers)["note"].as_str().expect("a note").contains("no valid address"));
}

#[test]
fn a_file_is_one_query_a_line_in_order() {
    let home = listed("2025-01-01", &[&evm(2)]);
    let lines = format!("\u{feff}{}\r\n\n   {}  \nhello\n{}", evm(3), evm(2), evm(3));
    let file = home.write("queries.txt", &lines);
    let expected = [evm(3), evm(2), "hello".to_string(), evm(3)];
    assert_eq!(texts(&screened(&home, &["--file", &file], HIT), "query"), expected);
    let mut piped = home.command(&["screen", "--file", "-", "--format", "json"]);
    let run = Run::of(&piped.write_stdin(lines).output().expect("it runs"));
    assert_eq!(run.code, HIT);
    assert_eq!(texts(&serde_json::from_str(&run.stdout).expect("JSON"), "query"), expected);
}

#[test]
fn a_file_that_is_no_list_of_queries_is_refused() {
    let home = listed("2025-01-01", &[&evm(2)]);
    let bytes = home.write("bytes.bin", [b"abc\n".as_slice(), b"\xff\xfe\xfd\n"].concat());
    home.refuses(&["screen", "--file", &bytes], &["bytes.bin", "line 2", "UTF-8"]);
    let long = home.write("long.txt", format!("{}\n{}\n", evm(1), "a".repeat(5000)));
    home.refuses(&["screen", "--file", &long], &["long.txt", "line 2", "4096"]);
    let folder = home.path("").to_str().expect("UTF-8").to_string();
    let error = home.refuses(&["screen", "--file", &folder], &["directory"]);
    assert!(!error.contains("UTF-8"), "{error}");
}

#[test]
fn a_file_without_a_query_is_said_not_passed_over() {
    let home = listed("2025-01-01", &[&evm(2)]);
    let empty = home.write("empty.txt", "\n  \n");
    let run = home.run(&["-q", "screen", "--file", &empty, "--format", "json"]);
    assert_eq!((run.code, run.stdout.trim()), (0, "[]"));
    assert!(
        run.stderr.contains("empty.txt") && run.stderr.contains("nothing was screened"),
        "{}",
        run.stderr
    );
}

#[test]
fn control_characters_of_a_query_never_reach_the_terminal() {
    let home = listed("2025-01-01", &["\u{1b}[31mred"]);
    for query in ["\u{1b}[31mred", "\u{7}bell\u{202e}gnp"] {
        let said = home.run(&["screen", query]).stdout;
        assert!(!said.contains('\u{1b}') && !said.contains('\u{7}'), "{said:?}");
    }
}

// -- lists -------------------------------------------------------------------------------

#[test]
fn an_empty_home_says_what_to_do() {
    Home::new().refuses(&["screen", &evm(1)], &["no store", "interdict import"]);
    let home = Home::new();
    let rows =
        common::csv(&[&format!("{},{},{},2025-01-01 00:00:00,1", evm(1), evm(2), common::hash(3))]);
    let transfers = home.write("t.csv", rows);
    home.ok(&["import", "transfers-csv", &transfers, "--chain", "ethereum"]);
    home.refuses(&["screen", &evm(1)], &["no list", "interdict lists import"]);
}

#[test]
fn a_list_imported_twice_changes_nothing() {
    let home = listed("2025-01-01", &[&evm(1)]);
    let before = home.ok(&["lists", "status"]);
    let file = home.write("police.txt", evm(1) + "\n");
    let args = ["lists", "import", "addresses", &file, "--name", "police", "--date", "2025-01-01"];
    let said = home.ok(&args);
    assert!(said.contains("known, nothing changed"), "{said}");
    assert_eq!(home.ok(&["lists", "status"]), before);
}

#[test]
fn the_same_entries_of_a_later_day_are_a_later_version() {
    let home = listed("2025-01-01", &[&evm(1)]);
    keep(&home, "police", "2025-06-01", &[&evm(1)]);
    let answers = screened(&home, &[&evm(1), "--as-of", "2025-07-01"], HIT);
    let hit = only(&only(&answers)["hits"]);
    assert_eq!(
        (&hit["list_date"], &hit["first_seen"]),
        (&"2025-06-01".into(), &"2025-01-01".into())
    );
}

#[test]
fn one_file_can_be_two_lists() {
    let home = listed("2025-01-01", &[&evm(1)]);
    keep(&home, "other", "2025-01-01", &[&evm(1)]);
    assert_eq!(
        texts(&home.json(&["lists", "status", "--format", "json"]), "list"),
        ["other", "police"]
    );
}

#[test]
fn a_list_of_nobody_is_refused_as_it_would_clear_everybody() {
    let home = listed("2025-01-01", &[&evm(1)]);
    let empty = home.write("empty.txt", "");
    let args = ["lists", "import", "addresses", &empty, "--name", "police", "--date", "2025-06-01"];
    home.refuses(&args, &["empty.txt", "no address"]);
    assert_eq!(home.run(&["screen", &evm(1), "--as-of", "2025-07-01"]).code, HIT);
    home.refuses(&["lists", "import", "ofac", &empty], &["empty.txt"]);
    let nameless = home.write("some.txt", evm(1));
    home.refuses(
        &["lists", "import", "addresses", &nameless, "--name", " ", "--date", "2025-06-01"],
        &["--name"],
    );
}

#[test]
fn a_list_that_cannot_be_read_changes_nothing() {
    let home = listed("2025-01-01", &[&evm(1)]);
    let before = home.ok(&["lists", "status"]);
    let half = fs::read(fixture("lists/ofac/2025-03-04/sdn_advanced.xml.bz2")).expect("the list");
    let half = home.write("half.xml.bz2", &half[..half.len() / 40]);
    home.refuses(&["lists", "import", "ofac", &half], &["half.xml.bz2"]);
    home.refuses(&["lists", "import", "ofac", "nowhere.xml"], &["nowhere.xml", "No such file"]);
    let wrong = fixture("bybit/fbi_psa250226_51.txt");
    home.refuses(&["lists", "import", "ofac", &wrong], &["fbi_psa250226_51.txt"]);
    assert_eq!(home.ok(&["lists", "status"]), before);
}

// -- helpers -----------------------------------------------------------------------------

/// A home with both lists of OFAC. Reading them takes seconds: one for all, never changed.
fn ofac() -> &'static Home {
    static HOME: OnceLock<Home> = OnceLock::new();
    HOME.get_or_init(|| {
        let home = Home::new();
        // The later one first: order is the dates', not ours.
        for day in [NOVEMBER, MARCH] {
            let file = fixture(&format!("lists/ofac/{day}/sdn_advanced.xml.bz2"));
            let said = home.ok(&["lists", "import", "ofac", &file]);
            assert!(said.contains(&format!("ofac-sdn of {day}")), "{said}");
            let again = home.ok(&["lists", "import", "ofac", &file]);
            assert!(again.contains("known, nothing changed"), "{again}");
        }
        home
    })
}

/// A home with a list named police.
fn listed(date: &str, lines: &[&str]) -> Home {
    let home = Home::new();
    keep(&home, "police", date, lines);
    home
}

fn keep(home: &Home, name: &str, date: &str, lines: &[&str]) {
    let file = home.write(&format!("{name}.txt"), lines.join("\n") + "\n");
    let said = home.ok(&["lists", "import", "addresses", &file, "--name", name, "--date", date]);
    assert!(said.contains("entries kept") || said.contains("entry kept"), "{said}");
}

#[track_caller]
fn screened(home: &Home, args: &[&str], code: i32) -> Value {
    let run = home.run(&[&["screen", "--format", "json"], args].concat());
    assert_eq!(run.code, code, "{args:?}: {}{}", run.stdout, run.stderr);
    serde_json::from_str(&run.stdout).expect("JSON")
}

#[track_caller]
fn only(array: &Value) -> &Value {
    let [one] = rows(array) else { panic!("expected one: {array}") };
    one
}

fn extracted(day: &str) -> Vec<PathBuf> {
    let folder = fs::read_dir(fixture(&format!("lists/ofac/{day}"))).expect("a folder");
    let mut files: Vec<PathBuf> = folder.map(|entry| entry.expect("a file").path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "txt"));
    files.sort();
    files
}

fn asset_label(file: &std::path::Path) -> String {
    let stem = file.file_stem().expect("a name").to_str().expect("UTF-8");
    stem.rsplit('_').next().expect("an asset").to_string()
}

fn addresses(file: &std::path::Path) -> Vec<String> {
    read(file).lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_string).collect()
}

#[test]
fn every_address_of_a_notice_is_screened_and_no_other_word() {
    let home = ofac();
    let listed = "0x098B716B8Aaf21512996dC57EB0615e2383E2f96";
    let notice = format!(
        "The stolen funds (see {listed}) were moved\nto {}, whose owner, Trading House 12, is unknown.\n\
         Again: {listed}.\n",
        evm(0x77)
    );
    let file = home.write("notice.txt", notice);
    let run = home.run(&["screen", "--extract", "--file", &file, "--format", "json"]);
    assert_eq!(run.code, HIT, "{}", run.stderr);
    let answers: Value = serde_json::from_str(&run.stdout).expect("JSON");
    assert_eq!(texts(&answers, "query"), [listed.to_string(), evm(0x77)]);
    assert!(rows(&answers).iter().all(|answer| answer["kind"] == "address"));
    let empty = home.write("mail.txt", "Nothing to see here.");
    let run = home.run(&["screen", "--extract", "--file", &empty]);
    assert_eq!(run.code, 0);
    assert!(run.stderr.contains("holds no address"), "{}", run.stderr);
    home.refuses(&["screen", "--extract", listed], &["--extract", "cannot be used with"]);
}
