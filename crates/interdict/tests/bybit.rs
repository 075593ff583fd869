//! The main job, end to end: the real theft from Bybit, judged by what was published
//! of it. What the fixtures say is read from them, not repeated here.

mod common;

use std::collections::{BTreeMap, BTreeSet};

use common::{Home, case_file, case_text, fixture, read, root, rows, texts};
use model::U256;
use model::amount::parse_units;
use serde_json::Value;

const ETH: &str = "eip155:1/slip44:60";
const CONSERVING: [&str; 4] = ["haircut", "fifo", "lifo", "tiho"];
const POLICIES: [&str; 6] = ["poison", "haircut", "fifo", "lifo", "tiho", "highest-value"];

// -- the 51 addresses of the FBI ---------------------------------------------------------

#[test]
fn all_listed_addresses_are_reached_within_three_transfers() {
    let truth = &truth()["fbi_coverage_in_this_graph"];
    let listed: BTreeSet<String> =
        read(fixture("bybit/fbi_psa250226_51.txt")).lines().map(account).collect();
    assert_eq!(listed.len(), number(&truth["listed"]));
    for policy in POLICIES {
        let report = Theft::new().trace(&["--policy", policy]);
        let nodes =
            rows(&report["nodes"]).iter().filter(|node| !rows(&node["listings"]).is_empty());
        let depths: BTreeMap<String, usize> =
            nodes.map(|node| (text(&node["account"]), number(&node["depth"]))).collect();
        assert_eq!(depths.keys().cloned().collect::<BTreeSet<_>>(), listed, "{policy}");
        let at = |depth| depths.values().filter(|of| **of == depth).count();
        assert_eq!(at(1), number(&truth["first_transfer_depth_1"]), "{policy}");
        assert_eq!(at(2), number(&truth["depth_2"]), "{policy}");
        assert_eq!(at(3), number(&truth["depth_3"]), "{policy}");
        assert_eq!(number(&report["totals"]["listed"]), number(&truth["reached"]), "{policy}");
        let by_depth = rows(&report["totals"]["by_depth"]).iter().map(|row| number(&row["listed"]));
        assert_eq!(by_depth.take(3).collect::<Vec<_>>(), [at(1), at(2), at(3)], "{policy}");
    }
}

#[test]
fn three_hops_are_enough_and_two_are_not() {
    let theft = Theft::new();
    assert_eq!(number(&theft.trace(&["--hops", "3"])["totals"]["listed"]), 51);
    assert_eq!(number(&theft.trace(&["--hops", "2"])["totals"]["listed"]), 42);
}

#[test]
fn a_listed_account_says_which_list_of_which_day() {
    let report = Theft::new().trace(&[]);
    for node in rows(&report["nodes"]) {
        for listing in rows(&node["listings"]) {
            assert_eq!(listing["list"], "fbi-psa250226");
            assert_eq!(listing["list_date"], "2025-02-26");
            assert_eq!(text(&listing["file_hash"]).len(), 64);
        }
    }
}

#[test]
fn the_destination_the_list_leaves_out_is_reached_unlisted() {
    let report = Theft::new().trace(&[]);
    for missing in rows(&truth()["fbi_coverage_in_this_graph"]["hop1_destination_not_on_fbi_list"])
    {
        let node = node(&report, &account(&text(missing)));
        assert_eq!(number(&node["depth"]), 1);
        assert_eq!(rows(&node["listings"]), [] as [Value; 0]);
    }
}

// -- poisoning ---------------------------------------------------------------------------

#[test]
fn spoofed_recipients_are_never_walked_and_their_transfers_are_findings() {
    let spoofed = spoofed();
    assert_eq!(spoofed.len(), 24);
    let recipients: BTreeSet<&String> = spoofed.iter().map(|transfer| &transfer.to).collect();
    let theft = Theft::new();
    for policy in POLICIES {
        let report = theft.trace(&["--policy", policy]);
        for account in texts(&report["nodes"], "account") {
            assert!(!recipients.contains(&account.to_string()), "{policy}: {account} is a node");
        }
        for edge in rows(&report["edges"]) {
            for end in ["from", "to"] {
                assert!(!recipients.contains(&text(&edge[end])), "{policy}: {edge}");
            }
        }
        let found: Vec<Spoofed> = rows(&report["findings"])
            .iter()
            .flat_map(|finding| rows(&finding["transfers"]))
            .map(|transfer| Spoofed {
                tx: text(&transfer["tx"]),
                to: text(&transfer["to"]),
                asset: text(&transfer["asset"]),
                amount: text(&transfer["amount"]),
            })
            .collect();
        for transfer in &spoofed {
            assert!(found.contains(transfer), "{policy}: no finding speaks of {transfer:?}");
        }
    }
}

#[test]
fn no_real_transfer_is_taken_for_poisoning_that_taint_should_have_walked() {
    let report = Theft::new().trace(&[]);
    let edges: BTreeSet<&str> = texts(&report["edges"], "tx").into_iter().collect();
    let from_source = legit().into_iter().filter(|row| row.from == account(ANCHOR));
    let missing: Vec<String> =
        from_source.map(|row| row.tx).filter(|tx| !edges.contains(tx.as_str())).collect();
    assert_eq!(missing, [] as [&str; 0]);
}

// -- the route of the highest value ------------------------------------------------------

#[test]
fn the_highest_value_leads_down_the_published_path() {
    let truth = truth();
    let expected: Vec<String> =
        texts(&truth["expected_path"], "").into_iter().map(account).collect();
    let report = Theft::new().trace(&["--policy", "highest-value", "--hops", "4"]);
    assert_eq!(texts(&report["route"], ""), expected);
    assert_eq!(report["route_end"], "hops");
    for (hop, name) in
        [("hop1", "eth"), ("hop2", "all"), ("hop3", "eth"), ("hop4", "eth")].iter().enumerate()
    {
        let (key, field) = name;
        let expected_out = eth_e4(&truth["expected_native_out"][key][field].to_string());
        let sent = native(edges_from(&report, &expected[hop]));
        assert_eq!(rounded_e4(sent), expected_out, "{key}: {} sent {sent}", expected[hop]);
    }
}

#[test]
fn the_regimes_of_the_third_hop_are_all_there() {
    let truth = truth();
    let hop = &truth["expected_native_out"]["hop3"];
    let path = texts(&truth["expected_path"], "");
    let report = Theft::new().trace(&["--policy", "highest-value", "--hops", "4"]);
    let edges = edges_from(&report, &account(path[2]));
    assert_eq!(edges.len(), number(&hop["transfers"]));
    let ends: BTreeSet<String> = edges.iter().map(|edge| text(&edge["to"])).collect();
    assert_eq!(ends.len(), number(&hop["destinations"]));
    for (regime, of_each) in [("regimeA", Some("each")), ("regimeB", None)] {
        let regime = &hop[regime];
        let day = text(&regime["date"]);
        let on_day: Vec<&Value> =
            edges.iter().copied().filter(|edge| text(&edge["time"]).starts_with(&day)).collect();
        assert_eq!(on_day.len(), number(&regime["n"]), "{day}");
        match of_each {
            Some(field) => {
                let each = eth_e4(&regime[field].to_string());
                assert!(
                    on_day.iter().all(|edge| rounded_e4(base(&edge["amount"])) == each),
                    "{day}"
                );
            }
            None => assert_eq!(rounded_e4(native(on_day)), eth_e4(&regime["eth"].to_string())),
        }
    }
}

#[test]
fn only_what_was_sent_after_the_first_arrival_is_followed() {
    let truth = truth();
    let last = account(texts(&truth["expected_path"], "")[4]);
    let rows = legit();
    let arrival =
        rows.iter().filter(|row| row.to == last).map(|row| &row.time).min().expect("it received");
    let sent = |of: &dyn Fn(&&Row) -> bool| -> U256 {
        let out = rows.iter().filter(|row| row.from == last && row.asset == "ETH");
        out.filter(of).map(|row| row.amount).sum()
    };
    let ever = sent(&|_| true);
    assert_eq!(rounded_e4(ever), eth_e4(&truth["expected_native_out"]["hop5"]["eth"].to_string()));
    let afterwards = sent(&|row| row.time >= *arrival);
    assert_eq!(rounded(afterwards, 2), parse_units("906.65", 2).expect("a number"));
    let theft = Theft::new();
    for policy in POLICIES {
        let report = theft.trace(&["--policy", policy]);
        assert_eq!(native(edges_from(&report, &last)), afterwards, "{policy}");
    }
}

// -- the inferred swap -------------------------------------------------------------------

#[test]
fn taint_crosses_the_swap_the_file_lacks_the_other_leg_of() {
    let hub = account(texts(&truth()["expected_path"], "")[2]);
    let theft = Theft::new();
    for policy in ["fifo", "haircut"] {
        let report = theft.trace(&["--policy", policy]);
        let tainted: U256 =
            edges_from(&report, &hub).iter().map(|edge| base(&edge["tainted"])).sum();
        assert!(tainted >= eth(95_000), "{policy}: {tainted} tainted out of {hub}");
        let crossings = rows(&report["crossings"]);
        assert!(!crossings.is_empty(), "{policy}");
        for crossing in crossings {
            assert_eq!(crossing["kind"], "inferred", "{policy}");
            let confidence = crossing["confidence"].as_f64().expect("a number");
            assert!(confidence > 0.0 && confidence < 1.0, "{policy}: {confidence}");
            assert_eq!(crossing["received"]["tx"], Value::Null, "the file lacks that leg");
            assert_eq!(crossing["received"]["asset"], ETH);
            assert!(!text(&crossing["why"]).is_empty());
        }
        let venues: BTreeSet<String> = crossings
            .iter()
            .flat_map(|crossing| texts(&crossing["paid"], "venue"))
            .map(str::to_string)
            .collect();
        let labelled = truth()["swap_venues_not_counterparties"].clone();
        let labelled =
            labelled.as_object().expect("venues").keys().map(|key| account(key)).collect();
        assert_eq!(venues, labelled, "{policy}");
    }
}

#[test]
fn a_refused_crossing_takes_the_taint_away_again() {
    let path = truth()["expected_path"].clone();
    let (swapper, hub) = (account(texts(&path, "")[1]), account(texts(&path, "")[2]));
    let theft = Theft::new();
    let refusal = format!(
        "{}\n[[crossing]]\ndecision = \"refuse\"\naccount = \"{swapper}\"\nreason = \"a test\"\n",
        case_text()
    );
    let case = theft.home.write("refused.toml", refusal);
    for policy in ["fifo", "haircut"] {
        let report = theft
            .home
            .json(&["-q", "trace", "--case", &case, "--policy", policy, "--format", "json"]);
        assert_eq!(rows(&report["crossings"]), [] as [Value; 0], "{policy}");
        let tainted: U256 =
            edges_from(&report, &hub).iter().map(|edge| base(&edge["tainted"])).sum();
        // One ETH came straight from the source.
        assert_eq!(tainted, eth(1), "{policy}");
        assert_books_balance(&report, policy);
    }
}

#[test]
fn without_the_labels_of_venues_nothing_crosses() {
    let home = Home::new();
    let transfers = fixture("bybit/transfers_legit.csv");
    home.ok(&["import", "transfers-csv", &transfers, "--chain", "ethereum"]);
    let report = home.json(&["trace", ANCHOR, "--format", "json"]);
    assert_eq!(rows(&report["crossings"]), [] as [Value; 0]);
}

// -- the books ---------------------------------------------------------------------------

#[test]
fn the_books_balance_to_the_base_unit() {
    let theft = Theft::new();
    for policy in CONSERVING {
        for more in [
            &[][..],
            &["--hops", "2"],
            &["--min-value", "100 ETH"],
            &["--budget", "40"],
            &["--until", "2025-02-22"],
        ] {
            let report = theft.trace(&[&["--policy", policy], more].concat());
            assert_eq!(report["conserves"], true);
            assert_books_balance(&report, &format!("{policy} {more:?}"));
        }
    }
    for policy in ["poison", "highest-value"] {
        assert_eq!(theft.trace(&["--policy", policy])["conserves"], false);
    }
}

#[test]
fn a_budget_that_cuts_says_what_was_cut() {
    let report = Theft::new().trace(&["--budget", "40"]);
    let cut = rows(&report["cut"]);
    assert!(
        cut.iter().any(|row| row["reason"] == "budget" && base(&row["amount"]) > U256::ZERO),
        "{cut:?}"
    );
}

// -- the contract ------------------------------------------------------------------------

#[test]
fn every_answer_is_as_the_schema_says() {
    let schema: Value = json(&read(root().join("crates/trace/schema/trace.schema.json")));
    let schema = jsonschema::validator_for(&schema).expect("a schema");
    let check = |report: &Value, what: &str| {
        let errors: Vec<String> =
            schema.iter_errors(report).map(|e| format!("{}: {e}", e.instance_path())).collect();
        assert_eq!(errors, [] as [&str; 0], "{what}");
    };
    let theft = Theft::new();
    let last = account(texts(&truth()["expected_path"], "")[4]);
    for policy in POLICIES {
        let forward = ["--policy", policy];
        let backward = ["--policy", policy, "--backward", &last];
        check(&theft.trace(&forward), policy);
        check(&theft.trace(&backward), &format!("{policy} backward"));
        check(
            &theft.trace(&[&forward[..], &["--compare"]].concat()),
            &format!("{policy} compared"),
        );
        check(
            &theft.trace(&[&backward[..], &["--compare"]].concat()),
            &format!("{policy} backward, compared"),
        );
    }
    check(
        &theft.trace(&["--hops", "1", "--min-value", "1usd", "--since", "2025-02-22"]),
        "bounded",
    );
}

#[test]
fn a_comparison_sets_every_policy_side_by_side() {
    let theft = Theft::new();
    let report = theft.trace(&["--compare"]);
    let comparison = &report["comparison"];
    let named: BTreeSet<&str> = texts(&comparison["policies"], "policy").into_iter().collect();
    assert_eq!(named, POLICIES.into_iter().collect());
    for compared in rows(&comparison["policies"]) {
        let alone = theft.trace(&["--policy", &text(&compared["policy"])]);
        assert_eq!(compared["by_asset"], alone["totals"]["by_asset"], "{}", compared["policy"]);
    }
    for range in rows(&comparison["ranges"]) {
        let said = range["by_policy"].as_object().expect("policies").values().map(base);
        let said: Vec<U256> = said.collect();
        assert_eq!(said.iter().max(), Some(&base(&range["max"])), "{range}");
        assert!(said.iter().min().expect("a policy") >= &base(&range["min"]), "{range}");
        assert!(base(&range["min"]) <= base(&range["max"]), "{range}");
    }
    assert_eq!(theft.trace(&[])["comparison"], Value::Null, "only where asked for");
}

#[test]
fn backward_leads_from_the_end_of_the_route_to_its_start() {
    let truth = truth();
    let path: Vec<String> = texts(&truth["expected_path"], "").into_iter().map(account).collect();
    let report = Theft::new().trace(&["--backward", &path[4]]);
    assert_eq!(report["direction"], "backward");
    for (steps, account) in path.iter().rev().enumerate() {
        assert_eq!(number(&node(&report, account)["depth"]), steps, "{account}");
    }
    assert_books_balance(&report, "backward");
}

// -- the case file -----------------------------------------------------------------------

#[test]
fn a_case_run_twice_says_the_same_and_imports_nothing_new() {
    let home = Home::new();
    let case = case_file();
    for format in ["json", "table"] {
        let args = ["trace", "--case", &case, "--format", format];
        let first = home.run(&args);
        let again = home.run(&args);
        assert_eq!((first.code, again.code), (0, 0), "{}", first.stderr);
        assert!(first.stdout == again.stdout, "{format}: the second answer differs");
        assert_eq!(again.stderr, "", "nothing new is imported");
    }
    let status = home.json(&["status", "--format", "json"]);
    assert_eq!(rows(&status["files"]).len(), 2);
    assert_eq!(number(&status["stats"]["transfers"]), legit().len() + spoofed().len());
}

#[test]
fn two_homes_give_the_same_bytes() {
    let args = ["--compare", "--policy", "fifo"];
    assert!(Theft::new().trace(&args) == Theft::new().trace(&args));
}

#[test]
fn files_imported_by_hand_in_another_order_give_the_same_answer() {
    let by_case = Theft::new();
    let by_hand = Home::new();
    let (legit, spoofed) =
        (fixture("bybit/transfers_legit.csv"), fixture("bybit/transfers_spoofed_sample.csv"));
    let list = fixture("bybit/fbi_psa250226_51.txt");
    by_hand.ok(&[
        "lists",
        "import",
        "addresses",
        &list,
        "--name",
        "fbi-psa250226",
        "--date",
        "2025-02-26",
    ]);
    by_hand.ok(&["import", "transfers-csv", &spoofed, "--chain", "eip155:1"]);
    by_hand.ok(&["import", "transfers-csv", &legit, "--chain", "ethereum"]);

    // The whole case finds its files already there.
    let run = by_hand.run(&["trace", "--case", &case_file(), "--format", "json"]);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    assert!(json(&run.stdout) == by_case.trace(&[]));

    // A case that names no files rests on them alone.
    let mut case: toml::Table = case_text().parse().expect("TOML");
    assert!(case.remove("import").is_some() && case.remove("list").is_some());
    let case = by_hand.write("bare.toml", case.to_string());
    for policy in POLICIES {
        let args = ["-q", "trace", "--case", &case, "--policy", policy, "--format", "json"];
        let (hand, whole) = (by_hand.json(&args), by_case.trace(&["--policy", policy]));
        for part in ["edges", "route", "crossings", "endpoints", "findings", "totals", "cut"] {
            assert!(hand[part] == whole[part], "{policy}: {part} differ");
        }
    }
}

#[test]
fn flags_override_the_case() {
    let theft = Theft::new();
    let plain = theft.trace(&[]);
    assert_eq!((&plain["policy"], &plain["direction"]), (&"haircut".into(), &"forward".into()));
    assert_eq!(texts(&plain["sources"], ""), [account(ANCHOR)]);

    assert_eq!(theft.trace(&["--policy", "lifo"])["policy"], "lifo");
    assert_eq!(theft.trace(&["--backward"])["direction"], "backward");
    let bounded = theft.trace(&[
        "--hops",
        "2",
        "--since",
        "2025-02-21",
        "--until",
        "2025-02-22",
        "--budget",
        "999",
    ]);
    let settings = &bounded["settings"];
    assert_eq!((number(&settings["hops_max"]), number(&settings["budget"])), (2, 999));
    assert_eq!(settings["since"], "2025-02-21T00:00:00Z");
    assert!(text(&settings["until"]).starts_with("2025-02-22T23:59:59"), "{settings}");

    let other = texts(&truth()["expected_path"], "")[3].to_string();
    assert_eq!(texts(&theft.trace(&[&other])["sources"], ""), [account(&other)]);

    let mut case: toml::Table = case_text().parse().expect("TOML");
    case["settings"] =
        toml::toml! { direction = "backward" policy = "fifo" hops = 1 budget = 77 }.into();
    let case = theft.home.write("backward.toml", case.to_string());
    let said = theft.home.json(&["-q", "trace", "--case", &case, "--format", "json"]);
    assert_eq!((&said["policy"], &said["direction"]), (&"fifo".into(), &"backward".into()));
    assert_eq!(
        (number(&said["settings"]["hops_max"]), number(&said["settings"]["budget"])),
        (1, 77)
    );
    let over = theft.home.json(&[
        "-q",
        "trace",
        "--case",
        &case,
        "--forward",
        "--hops",
        "3",
        "--format",
        "json",
    ]);
    assert_eq!((&over["direction"], number(&over["settings"]["hops_max"])), (&"forward".into(), 3));
}

#[test]
fn a_case_without_prices_says_what_is_unpriced_and_guesses_nothing() {
    let theft = Theft::new();
    let mut case: toml::Table = case_text().parse().expect("TOML");
    case.remove("price");
    let case = theft.home.write("unpriced.toml", case.to_string());
    let args = [
        "-q",
        "trace",
        "--case",
        &case,
        "--policy",
        "highest-value",
        "--hops",
        "4",
        "--format",
        "json",
    ];
    let report = theft.home.json(&args);
    assert!(!rows(&report["coverage"]["unpriced"]).is_empty());
    assert_eq!(
        rows(&theft.trace(&["--policy", "highest-value"])["coverage"]["unpriced"]),
        [] as [Value; 0]
    );
}

// -- helpers -----------------------------------------------------------------------------

const ANCHOR: &str = "0x47666fab8bd0ac7003bce3f5c3585383f09486e2";

/// A home in which the case is traced.
struct Theft {
    home: Home,
}

impl Theft {
    fn new() -> Theft {
        Theft { home: Home::new() }
    }

    #[track_caller]
    fn trace(&self, more: &[&str]) -> Value {
        let case = case_file();
        let args = ["-q", "trace", "--case", &case, "--format", "json"];
        self.home.json(&[&args, more].concat())
    }
}

#[derive(Debug, PartialEq, Eq)]
struct Spoofed {
    tx: String,
    to: String,
    asset: String,
    amount: String,
}

struct Row {
    tx: String,
    from: String,
    to: String,
    time: String,
    asset: String,
    amount: U256,
}

fn truth() -> Value {
    let truth = json(&read(fixture("bybit/ground_truth.json")));
    assert_eq!(truth["anchor"], ANCHOR);
    truth
}

/// The rows of a fixture by the names of its header: no cell of it is quoted.
fn table(name: &str) -> Vec<BTreeMap<String, String>> {
    let text = read(fixture(name));
    let mut lines = text.lines();
    let header: Vec<&str> = lines.next().expect("a header").split(',').collect();
    let row = |line: &str| {
        header.iter().map(ToString::to_string).zip(line.split(',').map(str::to_string)).collect()
    };
    lines.map(row).collect()
}

fn spoofed() -> Vec<Spoofed> {
    let of = |row: BTreeMap<String, String>| Spoofed {
        tx: row["tx_hash"].clone(),
        to: account(&row["to"]),
        asset: format!("eip155:1/erc20:{}", row["token_contract"].to_lowercase()),
        amount: wei(&row["amount"]).to_string(),
    };
    table("bybit/transfers_spoofed_sample.csv").into_iter().map(of).collect()
}

fn legit() -> Vec<Row> {
    let of = |row: BTreeMap<String, String>| Row {
        tx: row["tx_hash"].clone(),
        from: account(&row["from"]),
        to: account(&row["to"]),
        time: row["timestamp_utc"].clone(),
        asset: row["asset"].clone(),
        amount: wei(&row["amount"]),
    };
    table("bybit/transfers_legit.csv").into_iter().map(of).collect()
}

#[track_caller]
fn node<'a>(report: &'a Value, account: &str) -> &'a Value {
    let found = rows(&report["nodes"]).iter().find(|node| node["account"] == account);
    found.unwrap_or_else(|| panic!("{account} is not reached"))
}

/// Native transfers out of an account.
fn edges_from<'a>(report: &'a Value, account: &str) -> Vec<&'a Value> {
    rows(&report["edges"])
        .iter()
        .filter(|edge| edge["from"] == account && edge["asset"] == ETH)
        .collect()
}

fn native(edges: Vec<&Value>) -> U256 {
    edges.iter().map(|edge| base(&edge["amount"])).sum()
}

#[track_caller]
fn assert_books_balance(report: &Value, what: &str) {
    let totals = rows(&report["totals"]["by_asset"]);
    assert!(!totals.is_empty(), "{what}: no totals");
    for row in totals {
        let sum = |fields: &[&str]| -> U256 { fields.iter().map(|field| base(&row[field])).sum() };
        let came = sum(&["tainted_in", "crossed_in"]);
        let went = sum(&["resting", "at_services", "fees", "cut", "crossed_out"]);
        assert_eq!(came, went, "{what}: {row}");
    }
}

fn account(address: &str) -> String {
    format!("eip155:1:{}", address.trim().to_lowercase())
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("expected text, found {value}")).to_string()
}

fn number(value: &Value) -> usize {
    usize::try_from(value.as_u64().unwrap_or_else(|| panic!("expected a number, found {value}")))
        .expect("small")
}

fn base(value: &Value) -> U256 {
    model::amount::parse_base(value.as_str().expect("a string")).expect("base units")
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).expect("JSON")
}

fn wei(text: &str) -> U256 {
    parse_units(text, 18).expect("an amount")
}

fn eth(whole: u64) -> U256 {
    U256::from(whole) * U256::from(10).pow(U256::from(18))
}

/// To so many decimals, half up.
fn rounded(wei: U256, decimals: u64) -> U256 {
    let unit = U256::from(10).pow(U256::from(18 - decimals));
    (wei + unit / U256::from(2)) / unit
}

fn rounded_e4(wei: U256) -> U256 {
    rounded(wei, 4)
}

fn eth_e4(text: &str) -> U256 {
    parse_units(text, 4).expect("at most four decimals")
}
