//! Names, transactions and tokens on the command line, and what was decided about them.

mod common;

use common::{Home, Run, evm, fixture, hash, rows, texts};
use serde_json::{Value, json};

const HIT: i32 = 10;
const DAY: &str = "2026-03-01";

/// A home with the UN's list of 27 February 2026.
fn un() -> Home {
    let home = Home::new();
    home.ok(&["lists", "import", "un", &fixture("lists/un/UN_consolidated.xml.bz2")]);
    home
}

fn screened(home: &Home, args: &[&str], code: i32) -> Value {
    let args = [&["screen", "--format", "json", "--as-of", DAY], args].concat();
    let run = home.run(&args);
    assert_eq!(run.code, code, "{args:?}: {}", run.stderr);
    serde_json::from_str(&run.stdout).expect("JSON")
}

#[test]
fn a_name_is_found_and_says_why() {
    let home = un();
    let answers = screened(&home, &["Erik Badege", "--birth", "1971", "--country", "CD"], HIT);
    let answer = &rows(&answers)[0];
    assert_eq!(answer["kind"], "name");
    assert!(answer["note"].as_str().expect("it is said").contains("read as a name"), "{answer}");
    assert_eq!((&answer["exposure"], &answer["risk"]), (&Value::Null, &Value::Null));
    let hit = &rows(&answer["hits"])[0];
    assert_eq!((&hit["party"], &hit["party_id"]), (&"ERIC BADEGE".into(), &"CDi.001".into()));
    assert_eq!((&hit["match"], &hit["list_date"]), (&"name".into(), &"2026-02-27".into()));
    assert_eq!(hit["listed_on"], "2012-12-31");
    assert_eq!((&hit["first_seen"], &hit["absent_since"]), (&"2026-02-27".into(), &Value::Null));
    assert!(hit["score"].as_f64() > Some(0.9), "{hit}");
    let sum: f64 =
        rows(&hit["pieces"]).iter().filter_map(|piece| piece["contribution"].as_f64()).sum();
    assert!((sum - hit["score"].as_f64().expect("a score")).abs() < 0.001, "{hit}");
    assert!(texts(&hit["pieces"], "similarity").contains(&"birth_agrees"), "{hit}");
    let said = home.run(&["screen", "Eric Badege", "--as-of", DAY]);
    assert_eq!(said.code, HIT);
    assert!(
        said.stdout.contains("POSSIBLY LISTED") && said.stdout.contains("badege"),
        "{}",
        said.stdout
    );
}

#[test]
fn who_left_the_list_is_no_hit() {
    let home = un();
    for name in ["ANAS HASAN KHATTAB", "MUNIR AL QUBAYSI", "ABU MOHAMMED AL-JAWLANI"] {
        screened(&home, &[name], 0);
    }
}

#[test]
fn a_table_of_customers_is_answered_in_order() {
    let home = un();
    let table = "customer,name,birth,country\n7,Eric Badege,1971,CD\n8,Jane Roe,1990,GB\n9,Eric Badege,1999,\n";
    let file = home.write("customers.csv", table);
    let answers = screened(&home, &["--file", &file], HIT);
    assert_eq!(texts(&answers, "query"), ["Eric Badege", "Jane Roe", "Eric Badege"]);
    let hits: Vec<usize> =
        rows(&answers).iter().map(|answer| rows(&answer["hits"]).len()).collect();
    assert_eq!((hits[0], hits[1]), (1, 0));
    let score = |at: usize| rows(&rows(&answers)[at]["hits"])[0]["score"].as_f64();
    assert!(score(0) > score(2), "another birth speaks against");
    let mut piped =
        home.command(&["screen", "--file", "-", "--csv", "--format", "json", "--as-of", DAY]);
    let run = Run::of(&piped.write_stdin(table).output().expect("it runs"));
    assert_eq!(serde_json::from_str::<Value>(&run.stdout).expect("JSON"), answers);

    let wrong = home.write("wrong.csv", "name,birth\nJane Roe,1990\nJohn Roe,soon\n");
    home.refuses(&["screen", "--file", &wrong], &["wrong.csv", "line 3", "birth", "soon"]);
    home.refuses(&["screen", "--file", &file, "--csv", "--lists", "nowhere"], &["nowhere", "un"]);
    home.refuses(&["screen", "x y", "--threshold", "7"], &["--threshold 7", "0.5 to 1"]);
}

#[test]
fn a_list_can_be_left_out_or_asked_for_more() {
    let home = un();
    home.ok(&[
        "lists",
        "import",
        "addresses",
        &home.write("a.txt", evm(1)),
        "--date",
        "2026-01-01",
        "--name",
        "own",
    ]);
    screened(&home, &["Eric Badege"], HIT);
    screened(&home, &["Eric Badege", "--lists", "own"], 0);
    screened(&home, &["Erik Badege", "--threshold", "un=0.99"], 0);
    screened(&home, &[&evm(1), "--lists", "own"], HIT);
    screened(&home, &[&evm(1), "--lists", "un"], 0);
}

#[test]
fn a_cleared_pair_stays_cleared_until_the_question_changes() {
    let home = un();
    let party = "un:CDi.001";
    let clear = |subject: &[&str]| {
        let args = [
            &[
                "decisions",
                "clear",
                "Eric Badege",
                "--party",
                party,
                "--reason",
                "another one",
                "--by",
                "Me",
            ],
            subject,
        ];
        home.ok(&args.concat())
    };
    clear(&["--customer", "7", "--birth", "1990"]);
    let asked = ["Eric Badege", "--customer", "7", "--birth", "1990"];
    let cleared = screened(&home, &asked, 0);
    let of = &rows(&rows(&cleared)[0]["cleared"])[0];
    assert_eq!(of["decision"]["verdict"], "cleared");
    assert_eq!(
        (&of["decision"]["reason"], &of["decision"]["decided_by"]),
        (&"another one".into(), &"Me".into())
    );

    screened(&home, &["Eric Badege"], HIT);
    screened(&home, &["Eric Badege", "--customer", "8", "--birth", "1990"], HIT);
    let changed = screened(&home, &["Eric Badege", "--customer", "7", "--birth", "1971"], HIT);
    assert_eq!(rows(&rows(&changed)[0]["hits"])[0]["decision"]["reopened"], "query_changed");

    home.ok(&[
        "decisions",
        "withdraw",
        "Eric Badege",
        "--party",
        party,
        "--reason",
        "a mistake",
        "--by",
        "Me",
        "--customer",
        "7",
    ]);
    screened(&home, &asked, HIT);
    let kept = home.json(&["decisions", "list", "--format", "json"]);
    assert_eq!(texts(&kept, "verdict"), ["cleared", "withdrawn"]);

    let args = ["decisions", "clear", "x", "--party", "un:nobody", "--reason", "r", "--by", "b"];
    home.refuses(&args, &["nobody"]);
    let args = ["decisions", "clear", "x", "--party", party, "--reason", " ", "--by", "b"];
    home.refuses(&args, &["--reason"]);
}

#[test]
fn a_transaction_is_everybody_in_it() {
    let home = Home::new();
    let tx = hash(7);
    let table =
        format!("from,to,tx_hash,time,amount\n{},{},{tx},2026-01-01 00:00:00,5\n", evm(1), evm(2));
    home.ok(&["import", "transfers-csv", &home.write("t.csv", table), "--chain", "ethereum"]);
    home.ok(&[
        "lists",
        "import",
        "addresses",
        &home.write("a.txt", evm(2)),
        "--date",
        "2026-01-01",
    ]);
    let answers = screened(&home, &[&tx], HIT);
    let answer = &rows(&answers)[0];
    assert_eq!((&answer["kind"], &answer["valid"]), (&"tx".into(), &json!(true)));
    let hits = rows(&answer["hits"]);
    assert_eq!(hits.len(), 1, "{answer}");
    let who = hits[0]["counterparty"].as_str().expect("said");
    assert!(
        who.starts_with("was paid ") && who.to_lowercase().ends_with(&evm(2).to_lowercase()),
        "{who}"
    );

    let unknown = screened(&home, &[&hash(8)], 0);
    let answer = &rows(&unknown)[0];
    assert_eq!((&answer["kind"], &answer["covered"]), (&"tx".into(), &json!(false)));
    assert!(answer["note"].as_str().expect("a note").contains("not in the store"), "{answer}");
}

#[test]
fn a_listed_contract_is_a_hit_as_a_token() {
    let home = Home::new();
    home.ok(&[
        "lists",
        "import",
        "addresses",
        &home.write("a.txt", evm(2)),
        "--date",
        "2026-01-01",
    ]);
    let answers = screened(&home, &[&evm(2), "--kind", "token"], HIT);
    assert_eq!(rows(&answers)[0]["kind"], "token");
    screened(&home, &[&evm(3), "--kind", "token"], 0);
}
