//! `interdict lists`, from the outside: formats, history, refusals, updates, look-back.

mod common;

use std::io::{Read, Write};
use std::net::TcpListener;

use common::{Home, evm, fixture, hash, rows, texts};

const HIT: i32 = 10;

/// A plain list of so many addresses.
fn plain(count: u8) -> String {
    (1..=count).map(|byte| evm(byte) + "\n").collect()
}

fn import(home: &Home, text: &str, date: &str, more: &[&str]) -> common::Run {
    let file = home.write(&format!("police-{date}.txt"), text);
    let args = ["lists", "import", "addresses", &file, "--name", "police", "--date", date];
    home.run(&[&args[..], more].concat())
}

// -- formats -----------------------------------------------------------------------------

#[test]
fn the_united_nations_list_is_kept_with_its_parties() {
    let home = Home::new();
    let file = fixture("lists/un/UN_consolidated.xml.bz2");
    let said = home.ok(&["lists", "import", "un", &file]);
    assert!(said.contains("un of 2026-02-27: 0 entries and 1003 parties kept"), "{said}");
    assert!(home.ok(&["lists", "import", "un", &file]).contains("known, nothing changed"));
    let status = home.json(&["lists", "status", "--format", "json"]);
    assert_eq!((&status[0]["parties"], &status[0]["list"]), (&1003.into(), &"un".into()));
    home.refuses(&["lists", "import", "un", &file, "--date", "2026-01-01"], &["--date"]);
}

#[test]
fn the_tables_of_ofac_belong_together() {
    let home = Home::new();
    let folder = fixture("lists/ofac/csv");
    let said = home.ok(&["lists", "import", "ofac", &folder, "--date", "2019-12-01"]);
    assert!(said.contains("ofac-sdn of 2019-12-01: 2 entries and 37 parties kept"), "{said}");
    let file = fixture("lists/ofac/csv/sdn.csv");
    let again = home.ok(&["lists", "import", "ofac", &file, "--date", "2019-12-01"]);
    assert!(again.contains("known, nothing changed"), "{again}");
    let run = home.run(&["screen", "149w62rY42aZBox8fGcmqNsXUzSStKeq8C"]);
    assert_eq!(run.code, HIT);
    assert!(run.stdout.contains("KHORASHADIZADEH, Ali"), "{}", run.stdout);
}

#[test]
fn orders_that_run_out_take_their_entries_along() {
    let home = Home::new();
    let wallets = "Full name,ID,Passport,Date of birth,Wallet/user ID,Currency\nASO 18/26\n\
        ,,,,TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t,USDT\n-,-,P1,03/08/1991,105750906,\n";
    home.write(
        "il/releases.csv",
        "File,Last Updated,Validity\nSeizure order (ASO 18/26),01.02.2026,31.01.2028\n",
    );
    let file = home.write("il/wallets.csv", wallets);
    let said = home.ok(&["lists", "import", "il", &file, "--date", "2026-03-01"]);
    assert!(said.contains("il-nbctf of 2026-03-01: 2 entries of 1 party kept"), "{said}");
    for query in ["TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t", "105750906"] {
        assert_eq!(home.run(&["screen", query, "--as-of", "2028-01-31"]).code, HIT, "{query}");
        assert_eq!(home.run(&["screen", query, "--as-of", "2028-02-01"]).code, 0, "{query}");
    }
    let as_of = home.json(&["lists", "as-of", "2028-02-01", "--format", "json"]);
    assert_eq!((&as_of[0]["entries"], &as_of[0]["expired"]), (&0.into(), &2.into()));
}

#[test]
fn what_issuers_froze_is_a_list_for_each_asset() {
    let home = Home::new();
    let asset = "eip155:1/erc20:0xdac17f958d2ee523a2206206994597c13d831ec7";
    let text = format!(
        "asset,holder,action,time,tx\n{asset},{},freeze,2025-01-01,{}\n{asset},{},freeze,2025-01-02,{}\n{asset},{},release,2025-01-03,{}\n",
        evm(1),
        hash(1),
        evm(2),
        hash(2),
        evm(1),
        hash(3)
    );
    let file = home.write("frozen.csv", text);
    let said = home.ok(&["lists", "import", "issuer", &file]);
    assert!(said.contains("of 2025-01-03: 1 entry kept"), "{said}");
    assert_eq!(home.run(&["screen", &evm(2)]).code, HIT);
    assert_eq!(home.run(&["screen", &evm(1)]).code, 0);
    // As of a day when both were frozen, from the same file.
    home.ok(&["lists", "import", "issuer", &file, "--date", "2025-01-02"]);
    assert_eq!(home.run(&["screen", &evm(1), "--as-of", "2025-01-02"]).code, HIT);
}

#[test]
fn a_notice_and_a_table_of_ones_own() {
    let home = Home::new();
    let notice = home.write("psa.txt", format!("I-022625-PSA\nblock {} now", evm(7)));
    let said = home.ok(&["lists", "import", "fbi", &notice]);
    assert!(said.contains("psa of 2025-02-26: 1 entry kept"), "{said}");
    let own = home.write("own.csv", format!("id,name,wallet\n1,Jane Doe,{}\n", evm(8)));
    let said = home.ok(&["lists", "import", "csv", &own, "--date", "2025-03-01"]);
    assert!(said.contains("own of 2025-03-01: 1 entry of 1 party kept"), "{said}");
    assert!(home.run(&["screen", &evm(8)]).stdout.contains("Jane Doe"));
}

// -- lists that shrink -------------------------------------------------------------------

#[test]
fn a_list_that_lost_much_is_refused_and_the_last_one_stays() {
    let home = Home::new();
    assert_eq!(import(&home, &plain(20), "2025-01-01", &[]).code, 0);
    let before = home.ok(&["lists", "status"]);
    let refused = import(&home, &plain(17), "2025-02-01", &[]);
    assert_eq!((refused.code, refused.stdout.as_str()), (1, ""));
    for part in ["17 entries", "2025-01-01 had 20", "more than 10 %", "--accept-shrink"] {
        assert!(refused.stderr.contains(part), "{}", refused.stderr);
    }
    assert_eq!(home.ok(&["lists", "status"]), before);
    assert_eq!(home.run(&["screen", &evm(20), "--as-of", "2025-03-01"]).code, HIT);
    assert_eq!(import(&home, &plain(18), "2025-02-01", &[]).code, 0, "a tenth may go");
}

#[test]
fn it_may_shrink_where_somebody_says_why() {
    let home = Home::new();
    assert_eq!(import(&home, &plain(20), "2025-01-01", &[]).code, 0);
    assert_eq!(import(&home, &plain(2), "2025-02-01", &["--accept-shrink", " "]).code, 1);
    let why = ["--accept-shrink", "the case is closed"];
    let run = import(&home, &plain(2), "2025-02-01", &why);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(run.stderr.contains("warning: "), "{}", run.stderr);
    let status = home.json(&["lists", "status", "--format", "json"]);
    assert_eq!(status[1]["shrink_reason"], "the case is closed");
    assert_eq!(import(&home, &plain(1), "2025-03-01", &[]).code, 0, "few are not judged by shares");
    let allowed = import(&home, &plain(20), "2025-04-01", &[]).code;
    assert_eq!(allowed, 0);
    assert_eq!(import(&home, &plain(11), "2025-05-01", &["--max-shrink", "50"]).code, 0);
}

// -- history -----------------------------------------------------------------------------

#[test]
fn what_changed_between_two_days_is_told() {
    let home = Home::new();
    let keep = |rows: &str, date: &str| {
        let file = home.write("own.csv", format!("id,name,alias,wallet\n{rows}"));
        home.ok(&["lists", "import", "csv", &file, "--date", date]);
    };
    keep(&format!("1,Jane,,{}\n2,John,,{}\n", evm(1), evm(2)), "2025-01-01");
    keep(&format!("1,Jane,Janie,{}\n3,Jim,,{}\n", evm(1), evm(3)), "2025-02-01");
    let args = ["lists", "diff", "own", "2025-01-15", "2025-02-15"];
    let text = home.ok(&args);
    for part in [
        "from 2025-01-01 to 2025-02-01",
        "parties: 1 added, 1 removed, 1 changed; identifiers: 1 added, 1 removed, 0 changed",
        &format!("+ {}", evm(3)),
        &format!("- {}", evm(2)),
        "+ party 3  Jim",
        "names + Janie (alias, good)",
    ] {
        assert!(text.contains(part), "expected {part:?} in {text}");
    }
    let diff = home.json(&[&args[..], &["--format", "json"]].concat());
    assert_eq!(texts(&diff["identifiers"]["added"], "written"), [evm(3)]);
    assert_eq!(texts(&diff["parties"]["removed"], "id"), ["2"]);
    assert_eq!(diff["parties"]["changed"][0]["fields"][0]["field"], "names");
    assert_eq!(
        (&diff["from"]["date"], &diff["to"]["date"]),
        (&"2025-01-01".into(), &"2025-02-01".into())
    );
    home.refuses(
        &["lists", "diff", "own", "2024-01-01", "2025-02-01"],
        &["2024-01-01 is not covered", "2025-01-01"],
    );
    home.refuses(&["lists", "diff", "none", "2025-01-01", "2025-02-01"], &["no such list"]);

    let as_of = home.json(&["lists", "as-of", "2025-01-20", "--format", "json"]);
    assert_eq!(
        (&as_of[0]["date"], &as_of[0]["until"]),
        (&"2025-01-01".into(), &"2025-02-01".into())
    );
    assert_eq!(as_of[0]["entries"], 2);
    let before = home.ok(&["lists", "as-of", "2024-01-20"]);
    assert!(before.contains("not covered"), "{before}");
}

// -- look-back ---------------------------------------------------------------------------

fn with_transfers(home: &Home) {
    let row = |from: u8, to: u8, tx: u8, day: &str| {
        format!("{},{},{},{day} 00:00:00,1", evm(from), evm(to), hash(tx))
    };
    let rows = [row(1, 2, 1, "2025-01-01"), row(2, 3, 2, "2025-01-02"), row(4, 5, 3, "2025-01-03")];
    let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
    let file = home.write("t.csv", common::csv(&rows));
    home.ok(&["import", "transfers-csv", &file, "--chain", "ethereum"]);
}

#[test]
fn an_import_says_what_newly_listed_addresses_did() {
    let home = Home::new();
    with_transfers(&home);
    let first = import(&home, &format!("{}\n", evm(9)), "2025-01-02", &[]);
    assert!(
        first.stdout.contains("1 newly listed entry: no stored transfer touches any"),
        "{}",
        first.stdout
    );
    let run =
        import(&home, &format!("{}\n{}\n", evm(9), evm(2)), "2025-02-01", &["--report", "json"]);
    let kept: serde_json::Value = serde_json::from_str(&run.stdout).expect("JSON");
    let look_back = &kept["versions"][0]["look_back"];
    assert_eq!((&look_back["newly_listed"], &look_back["transfers"]), (&1.into(), &2.into()));
    let found = &look_back["findings"][0];
    assert_eq!(rows(&found["transfers"]).len(), 2);
    assert_eq!((&found["before"], &found["list"]), (&2.into(), &"police".into()));
    assert!(found["why"].as_str().expect("a sentence").contains("2 stored transfers touch it"));

    // The same again finds nothing new, and what is found stays.
    let args = ["lists", "look-back", "--format", "json"];
    let again = home.json(&args);
    assert_eq!((&again["findings_new"], rows(&again["findings"]).len()), (&0.into(), 1));
    let file = home.write(
        "more.csv",
        common::csv(&[&format!("{},{},{},2025-01-09 00:00:00,1", evm(2), evm(6), hash(9))]),
    );
    home.ok(&["import", "transfers-csv", &file, "--chain", "ethereum"]);
    assert_eq!(home.json(&args)["findings_new"], 1);
    let since = home.json(&[&args[..], &["--since", "2025-02-01"]].concat());
    assert_eq!(since["newly_listed"], 0);
    let since = home.json(&[&args[..], &["--since", "2025-01-15", "--list", "police"]].concat());
    assert_eq!(since["newly_listed"], 1);
    home.refuses(&["lists", "look-back", "--list", "none"], &["no such list"]);
    let text = home.ok(&["lists", "look-back"]);
    assert!(
        text.contains("2 newly listed entries: 1 finding, 0 of them new, in 3 stored transfers"),
        "{text}"
    );
}

#[test]
fn an_older_version_finds_nobody_new() {
    let home = Home::new();
    with_transfers(&home);
    assert_eq!(import(&home, &format!("{}\n", evm(9)), "2025-02-01", &[]).code, 0);
    let older = import(&home, &format!("{}\n", evm(2)), "2025-01-01", &[]);
    assert!(!older.stdout.contains("look-back"), "{}", older.stdout);
}

// -- updates -----------------------------------------------------------------------------

#[test]
fn nothing_is_fetched_until_it_is_set_up() {
    let home = Home::new();
    home.refuses(&["lists", "update"], &["no list is set up", "[lists.<name>]"]);
    home.write("interdict.toml", "[lists.own]\nformat = \"csv\"\npath = \"own.csv\"\n");
    home.refuses(&["lists", "update", "other"], &["other: no such list"]);
}

#[test]
fn a_file_that_something_else_keeps_up_to_date() {
    let home = Home::new();
    home.write(
        "interdict.toml",
        "[lists.notice]\nformat = \"fbi\"\npath = \"notice.txt\"\nname = \"police\"\n\
         [lists.gone]\nformat = \"un\"\npath = \"gone.xml\"\n",
    );
    home.write("notice.txt", format!("I-022625-PSA {}", evm(1)));
    let run = home.run(&["lists", "update"]);
    assert_eq!(run.code, 1, "one of them is gone");
    assert!(run.stdout.contains("police of 2025-02-26: 1 entry kept"), "{}", run.stdout);
    assert!(run.stdout.contains("gone: not updated"), "{}", run.stdout);
    assert!(run.stderr.contains("gone.xml"), "{}", run.stderr);
    let again = home.ok(&["lists", "update", "notice"]);
    assert!(again.contains("known, nothing changed"), "{again}");
}

/// Answers one connection after the other, and gives what was asked.
fn serve(answers: Vec<String>) -> (String, std::thread::JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let served = std::thread::spawn(move || {
        let mut asked = Vec::new();
        for answer in answers {
            let (mut socket, _) = listener.accept().expect("a connection");
            let mut bytes = vec![0; 8192];
            let read = socket.read(&mut bytes).expect("a question");
            asked.push(String::from_utf8_lossy(&bytes[..read]).to_lowercase());
            socket.write_all(answer.as_bytes()).expect("an answer");
        }
        asked
    });
    (url, served)
}

fn answer(etag: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 200 OK\r\nETag: \"{etag}\"\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
}

#[test]
fn a_list_is_fetched_once_and_a_broken_one_leaves_the_last() {
    let home = Home::new();
    let notice = |number: &str, count: u8| format!("{number}\n{}", plain(count));
    let whole = answer("b", &notice("I-022725-PSA", 21));
    let (url, served) = serve(vec![
        answer("a", &notice("I-022625-PSA", 20)),
        "HTTP/1.1 304 Not Modified\r\nConnection: close\r\n\r\n".to_string(),
        // Cut on its way, then shrunk, then good.
        whole[..whole.len() - 30].to_string(),
        answer("c", &notice("I-022725-PSA", 3)),
        whole.clone(),
    ]);
    home.write(
        "interdict.toml",
        format!(
            "[lists.notice]\nformat = \"fbi\"\nurl = \"{url}/notice.txt\"\nname = \"police\"\n"
        ),
    );
    let update = || home.run(&["lists", "update"]);
    let first = update();
    assert!(
        first.stdout.contains("police of 2025-02-26: 20 entries kept"),
        "{}{}",
        first.stdout,
        first.stderr
    );
    assert!(update().stdout.contains("nothing changed"));
    for said in ["connection broke", "more than 10 %"] {
        let run = update();
        assert_eq!(run.code, 1);
        assert!(run.stderr.contains(said), "{}", run.stderr);
        assert_eq!(rows(&home.json(&["lists", "status", "--format", "json"])).len(), 1);
    }
    let last = update();
    assert!(
        last.stdout.contains("police of 2025-02-27: 21 entries kept"),
        "{}{}",
        last.stdout,
        last.stderr
    );
    let asked = served.join().expect("served");
    assert!(asked[1].contains("if-none-match: \"a\""), "{}", asked[1]);
    assert!(asked[4].contains("if-none-match: \"a\""), "a refused copy is not known: {}", asked[4]);
    assert!(!home.path("home/downloads/notice").exists());
}
