//! Prices: taken in, shown, used, and never without their source and time.

mod common;

use common::Home;
use serde_json::Value;

const ETH: &str = "eip155:1/slip44:60";
const ALICE: &str = "0x1111111111111111111111111111111111111111";

fn home() -> Home {
    let home = Home::new();
    let row = |n: u8, time: &str, amount: &str| {
        let tx = format!("0x{n:064x}");
        format!("{tx},{time},{ALICE},0x222222222222222222222222222222222222222{n},{amount}\n")
    };
    let table = "tx,time,from,to,amount\n".to_string()
        + &row(1, "2025-02-21 14:05:00", "2")
        + &row(2, "2025-02-21 20:00:00", "1.5")
        + &row(3, "2025-02-23 20:00:00", "1");
    let table = home.write("theft.csv", table);
    home.ok(&["import", "transfers-csv", &table, "--chain", "ethereum"]);
    home
}

fn import(home: &Home, table: &str) -> String {
    let path = home.write("prices.csv", table);
    home.ok(&["prices", "import", &path, "--asset", ETH, "--source", "somebody's export"])
}

#[test]
fn a_figure_in_usd_says_its_price_its_time_and_its_source() {
    let home = home();
    assert!(home.json(&["trace", ALICE, "--format", "json"]).get("worth").is_none());
    let table = "time,usd\n2025-02-21,2700.5\n2025-02-21T14:00:00Z,2800\n";
    assert!(import(&home, table).contains("2 prices, 2 new or changed"));
    assert!(import(&home, table).contains("2 prices, 0 new or changed"));

    let report = home.json(&["trace", ALICE, "--format", "json"]);
    let usd: Vec<(Value, Value)> = report["worth"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|row| (row["price"]["usd"].clone(), row["price"]["at"].clone()))
        .collect();
    assert_eq!(usd[0], ("4050.75".into(), Value::Null));
    assert_eq!(usd[1], ("5600".into(), "2025-02-21T14:00:00Z".into()));
    assert_eq!(usd[2].0, Value::Null, "missing is missing");

    let table = home.ok(&["trace", ALICE]).replace('\n', " ");
    let words: Vec<&str> = table.split_whitespace().collect();
    let table = words.join(" ");
    for said in [
        "were worth 4050.75 USD, at 2700.5 USD of the day 2025-02-21 (somebody's export).",
        "were worth 5600 USD, at 2800 USD of 2025-02-21T14:00:00Z (somebody's export).",
        "Of 1 ETH on 2025-02-23 no price is known.",
    ] {
        assert!(table.contains(said), "{said}: {table}");
    }
    // Those sentences are all that is said of dollars.
    assert_eq!(table.matches("USD").count(), 4, "{table}");
    for row in report["worth"].as_array().expect("a list") {
        let Some(price) = row["price"].as_object() else { continue };
        assert!(row["date"].is_string() && price["source"] == "somebody's export", "{row}");
    }
    let whole = report.to_string();
    assert_eq!(whole.matches("\"usd").count(), 4, "no other figure in USD: {whole}");
    let page = home.ok(&["trace", ALICE, "--format", "html"]);
    assert!(page.contains("at 2800 USD of 2025-02-21T14:00:00Z"), "the picture says it too");
    home.ok(&["trace", ALICE, "--bundle", "b.bundle"]);
    home.ok(&["verify", "b.bundle"]);
}

#[test]
fn what_a_case_says_of_a_day_comes_first() {
    let home = home();
    import(&home, "time,usd\n2025-02-21,2700.5\n2025-02-21T14:00:00Z,2800\n");
    let case = format!(
        "title = \"t\"\nchain = \"ethereum\"\nsources = [\"{ALICE}\"]\n\
         [[price]]\nasset = \"{ETH}\"\ndate = \"2025-02-21\"\nusd = \"1000\"\nsource = \"the case\"\n"
    );
    let case = home.write("case.toml", case);
    let report = home.json(&["trace", "--case", &case, "--format", "json"]);
    assert_eq!(report["worth"][0]["price"]["usd"], "3500");
    assert_eq!(report["worth"][0]["price"]["source"], "the case");
}

/// What stands in the file itself is the trace's alone, until it is asked to stay; and then it counts once.
#[test]
fn a_case_keeps_its_labels_and_prices_where_it_is_asked_to() {
    let home = home();
    let to = "eip155:1:0x2222222222222222222222222222222222222221";
    let case = |name: &str| {
        let text = format!(
            "title = \"t\"\nchain = \"ethereum\"\nsources = [\"{ALICE}\"]\n\
             [[label]]\naccount = \"{to}\"\nname = \"{name}\"\nconcepts = [\"exchange\"]\n\
             confidence = \"forensic\"\nsource = \"a letter\"\n\
             [[price]]\nasset = \"{ETH}\"\ndate = \"2025-02-21\"\nusd = \"1000\"\nsource = \"the case\"\n"
        );
        home.write("case.toml", text)
    };
    let trace = |path: &str, more: &[&str]| {
        home.json(&[&["trace", "--case", path, "--format", "json"][..], more].concat())
    };
    let names = || {
        let who = home.json(&["who", to, "--format", "json"]);
        let labels = who["labels"].as_array().cloned().unwrap_or_default();
        labels.iter().map(|label| label["name"].to_string()).collect::<Vec<_>>()
    };
    let path = case("Kestrel");
    let alone = trace(&path, &[]);
    assert_eq!(names(), [""; 0]);
    assert!(home.ok(&["prices", "list"]).starts_with("No prices"));

    assert_eq!(trace(&path, &["--keep"]), alone, "kept, they count once");
    assert_eq!(names(), ["\"Kestrel\""]);
    assert!(home.ok(&["prices", "list"]).contains("2025-02-21  1000 USD  the case"));
    trace(&case("Kestrel Exchange"), &["--keep"]);
    assert_eq!(names(), ["\"Kestrel Exchange\""], "another version takes the earlier one's place");
    home.refuses(&["trace", ALICE, "--keep"], &["--case"]);
}

#[test]
fn prices_are_shown_and_a_slip_keeps_nothing() {
    let home = Home::new();
    let path = home.write("bad.csv", "time,usd\n2025-02-21,1\n2025-02-22,x\n");
    let import = ["prices", "import", &path, "--asset", ETH, "--source", "s"];
    home.refuses(&import, &["bad.csv: line 3", "expected USD"]);
    home.refuses(&["prices", "import", &path, "--asset", "ETH", "--source", "s"], &["CAIP-19"]);
    let path = home.write("good.csv", "date,close\n2025-02-21,2741.59\n");
    home.ok(&["prices", "import", &path, "--asset", ETH, "--source", "s"]);
    assert_eq!(home.ok(&["prices", "list"]), format!("{ETH}  2025-02-21  2741.59 USD  s\n"));
    let rows = home.json(&["prices", "list", "--format", "json"]);
    assert_eq!(rows[0]["usd"], "2741.59");
    assert_eq!(
        home.json(&["prices", "list", "--asset", "eip155:10/slip44:60", "--format", "json"]),
        Value::Array(vec![])
    );
}
