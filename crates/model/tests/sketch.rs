//! Sketches: what is told is what is held, and an error names its line.

use model::{Chain, Position, Transaction, TransferKind, View, sketch};

fn error(text: &str) -> String {
    sketch::parse(text).expect_err(text).to_string()
}

#[test]
fn an_account_chain_is_told_line_by_line() {
    let told = sketch::parse(
        "chain ethereum
         token USDX decimals 6
         thief -> a1    100 ETH  day 0        # the theft
         a1 -> fee     0.01 ETH  day 0 +10m
         a1 -> venue     50 ETH  day 1 +2h  tx swap
         venue -> a1  90.5 USDX  day 1 +2h  tx swap
         label exchange venue
         price ETH 2700",
    )
    .expect("a sketch");
    let memory = told.memory();
    let amounts: Vec<String> = memory.transfers().iter().map(|t| t.amount.to_string()).collect();
    assert_eq!(
        amounts,
        ["100000000000000000000", "10000000000000000", "50000000000000000000", "90500000"]
    );
    let times: Vec<String> = memory.transfers().iter().map(|t| t.time.to_string()).collect();
    assert_eq!(times[1..3], ["2025-01-01T00:10:00Z", "2025-01-02T02:00:00Z"]);
    assert_eq!(memory.transfers()[0].from_account(), Some(told.account("thief")));

    let fee = &memory.transfers()[1];
    assert_eq!((fee.kind, &fee.position, &fee.to), (TransferKind::Fee, &Position::Fee, &None));

    let swap = memory.transaction(&told.tx("swap")).expect("memory answers");
    let Some(Transaction::Account { transfers, .. }) = swap else { panic!("two lines share it") };
    assert_eq!(transfers.len(), 2);
    assert_eq!(told.labels.len(), 1);
}

#[test]
fn bitcoin_is_told_by_outpoints() {
    let told = sketch::parse(
        "chain bitcoin
         t0: coinbase => miner 50 BTC  day 0
         t1: t0:0 => a 20 BTC, b 29.9 BTC  day 0 +10m
         t2: missing:3 + t1:1 => c 30 BTC  day 0 +20m",
    )
    .expect("a sketch");
    let memory = told.memory();
    let transaction = |name: &str| match memory.transaction(&told.tx(name)).expect("answers") {
        Some(Transaction::Utxo(tx)) => tx,
        other => panic!("{name} is told, found {other:?}"),
    };
    assert!(transaction("t0").is_coinbase);
    assert_eq!(transaction("t1").fee().map(|fee| fee.to_string()), Some("10000000".into()));
    assert_eq!(transaction("t2").unresolved().count(), 1);
    assert_eq!(transaction("t2").fee(), None);
}

#[test]
fn a_name_is_one_address_and_an_address_is_itself() {
    let address = "0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed";
    let told = sketch::parse(&format!("chain ethereum\na -> {address} 1 ETH day 0")).expect("told");
    let again = sketch::parse("chain ethereum").expect("told");
    assert_eq!(told.account("a"), again.account("a"));
    assert_ne!(told.account("a"), told.account("b"));
    assert_eq!(told.account(address).to_string(), format!("{}:{address}", Chain::ETHEREUM));
}

#[test]
fn an_error_names_its_line() {
    for (text, at) in [
        ("a -> b 1 ETH day 0", "line 1: expected a line `chain"),
        ("chain nowhere", "line 1: \"nowhere\" is not a chain"),
        ("chain ethereum\n\n# why\na -> b", "line 4: expected `<from> -> <to>"),
        ("chain ethereum\na -> b 1 NONE day 0", "line 2: no asset \"NONE\""),
        ("chain ethereum\na -> b x ETH day 0", "line 2: \"x\" is not a decimal"),
        ("chain ethereum\na -> b 1 ETH", "line 2: expected `day <n>`"),
        ("chain ethereum\na -> b 1 ETH day one", "line 2: \"one\" is no day"),
        ("chain ethereum\na -> b 1 ETH day 0 +5x", "line 2: \"5x\" is no length of time"),
        ("chain ethereum\na -> b 1 ETH day 0 +", "line 2: \"\" is no length of time"),
        ("chain ethereum\na -> b 1 ETH day 0 and more", "line 2: unknown words"),
        ("chain ethereum\na -> b 1 ETH day 9223372036854775807", "line 2: the day is too far"),
        ("chain ethereum\na -> b 1 ETH day 99999999999", "line 2: "),
        ("chain ethereum\ntoken", "line 2: expected `token"),
        ("chain ethereum\ntoken X decimals many", "line 2: \"many\" is no number"),
        ("chain ethereum\ntoken X at 0x12", "line 2: \"0x12\" is not an address"),
        ("chain ethereum\ntoken X colour red", "line 2: unknown words"),
        ("chain ethereum\nprice NONE 1", "line 2: no asset"),
        ("chain bitcoin\nt1: t0 => a 1 BTC day 0", "line 2: expected <tx>:<n>"),
        ("chain bitcoin\nt1: t0:x => a 1 BTC day 0", "line 2: \"x\" is no output number"),
        ("chain bitcoin\nt1: t0:0 => a 1 ETH day 0", "line 2: expected `<name> <amount> BTC`"),
        ("chain bitcoin\nt1 => a 1 BTC day 0", "line 2: expected `<tx>:"),
        (
            "chain bitcoin\nt1: t0:0 => a 999999999999999 BTC day 0",
            "line 2: 999999999999999 is too",
        ),
    ] {
        assert!(error(text).starts_with(at), "{text:?}: {}", error(text));
    }
}

proptest::proptest! {
    #[test]
    fn any_text_is_a_sketch_or_an_error(text in "((chain (ethereum|bitcoin)|[a-z]+ -> [a-z]+ [0-9.e]+ ETH day -?[0-9]+ .*|t[0-9]: .* => .* day .*|(token|price|label) .*|.*)\n){0,6}") {
        if let Ok(told) = sketch::parse(&text) {
            told.memory();
        }
    }
}
