use model::{
    Address, Asset, AssetKind, Chain, Fact, Position, Registry, TimeSource, Transfer, TransferKind,
    U256, View,
};
use proptest::prelude::*;

use crate::import::ImportError;
use crate::import::testing::{facts_in_chunks, facts_of, oddities, on, read_fixture, settled};
use crate::import::{Format, Options, Summary};

const HEADER: &str = "tx_hash,time,from,to,amount,asset,token_contract";
const A: &str = "0x47666fab8bd0ac7003bce3f5c3585383f09486e2";
const B: &str = "0xa4b2fd68593b6f34e51cb9edb66e71c1b4ab449e";
const USDT: &str = "0xdac17f958d2ee523a2206206994597c13d831ec7";

fn hash(n: u8) -> String {
    format!("0x{}", format!("{n:02x}").repeat(32))
}

fn read(text: &str) -> Result<(Vec<Fact>, Summary), ImportError> {
    facts_of(Format::TransfersCsv, "transfers.csv", text.as_bytes(), &on("eip155:1"))
}

fn transfers(facts: &[Fact]) -> Vec<Transfer> {
    let transfer = |fact: &Fact| match fact {
        Fact::Transfer { transfer, .. } => Some(transfer.clone()),
        _ => None,
    };
    facts.iter().filter_map(transfer).collect()
}

/// The one transfer of a row under this header.
fn one(header: &str, row: &str) -> Transfer {
    let (facts, _) = read(&format!("{header}\n{row}\n")).expect("a good row");
    transfers(&facts).remove(0)
}

fn check_error(header: &str, row: &str, expected: &str) {
    let error = read(&format!("{header}\n{row}\n")).expect_err(row).to_string();
    assert!(error.starts_with("transfers.csv: line "), "{error}");
    assert!(error.contains(expected), "{error}\n does not say: {expected}");
}

#[test]
fn the_bybit_files_import_whole() {
    for (file, count) in [("transfers_legit.csv", 199), ("transfers_spoofed_sample.csv", 24)] {
        let bytes = read_fixture(&format!("bybit/{file}"));
        let (facts, summary) =
            facts_of(Format::TransfersCsv, file, &bytes, &on("eip155:1")).expect(file);
        assert_eq!((summary.rows, summary.transfers), (count, count));
        assert_eq!(settled(&facts).transfers().len() as u64, count, "no two rows are one transfer");
    }
}

#[test]
fn genuine_tokens_need_no_decimals_and_counterfeits_keep_their_letters() {
    let legit = read_fixture("bybit/transfers_legit.csv");
    let (facts, _) =
        facts_of(Format::TransfersCsv, "legit.csv", &legit, &on("eip155:1")).expect("imports");
    assert_eq!(oddities(&facts), Vec::<String>::new());

    let spoofed = read_fixture("bybit/transfers_spoofed_sample.csv");
    let (facts, summary) =
        facts_of(Format::TransfersCsv, "spoofed.csv", &spoofed, &on("eip155:1")).expect("imports");
    let fake: Asset =
        "eip155:1/erc20:0xee33058e9fceb8ebece8bdb0e70fcb257595c562".parse().expect("an asset");
    let meta = settled(&facts).assets(&[fake]).expect("in memory").remove(0);
    assert_eq!(meta.symbol.as_deref(), Some("stEТH"), "with a Cyrillic Т");
    let contracts: std::collections::BTreeSet<_> =
        transfers(&facts).into_iter().map(|t| t.asset).collect();
    let unknown = contracts.iter().filter(|asset| Registry::shipped().get(asset).is_none()).count();
    assert_eq!(summary.oddities, unknown as u64, "one for each token whose decimals nobody knows");
}

#[test]
fn the_first_hop_of_bybit_adds_up() {
    let bytes = read_fixture("bybit/transfers_legit.csv");
    let (facts, _) =
        facts_of(Format::TransfersCsv, "legit.csv", &bytes, &on("eip155:1")).expect("imports");
    let thief = Some(Address::parse(A, Chain::ETHEREUM).expect("an address"));
    let sent = transfers(&facts).into_iter().filter(|t| t.from == thief && t.asset.is_native());
    let total: U256 = sent.map(|t| t.amount).sum();
    assert_eq!(model::amount::format_units(total, 18), "400001");
}

#[test]
fn a_row_says_everything_it_can() {
    let header = "TX Hash;Timestamp;From;To;Amount_Base;Asset;Contract;Chain;Height;Tx-Index;Position;Decimals;nonsense";
    let row = format!("{};1740148187;{A};{B};250;FOO;{USDT};eip155:137;7;3;call_0_1;2;x", hash(1));
    let transfer = one(header, &row);
    assert_eq!(transfer.tx.to_string(), format!("eip155:137:{}", hash(1)));
    assert_eq!(transfer.position.to_string(), "call_0_1");
    assert_eq!((transfer.height, transfer.tx_index), (Some(7), Some(3)));
    assert_eq!(transfer.time.as_second(), 1_740_148_187);
    assert_eq!(transfer.time_source, TimeSource::Stated);
    assert_eq!(transfer.amount, U256::from(250));
    assert_eq!(transfer.asset.to_string(), format!("eip155:137/erc20:{USDT}"));
}

#[test]
fn delimiters_marks_and_spaces_do_not_matter() {
    let row = [&hash(1), "2025-02-21 14:29:47", A, B, "1.5e1"];
    let expected = one("tx,time,from,to,amount", &row.join(","));
    assert_eq!(expected.amount, model::amount::parse_units("15", 18).expect("fits"));
    for (mark, delimiter) in [("", ";"), ("", "\t"), ("\u{feff}", ","), ("\u{feff}", ";")] {
        let header = ["tx", " Time ", "FROM", "to", "amount"].join(delimiter);
        let text = format!("{mark}{header}\r\n{}\r\n", row.join(delimiter));
        let (facts, _) = read(&text).expect("imports");
        assert_eq!(transfers(&facts), std::slice::from_ref(&expected));
    }
}

#[test]
fn an_empty_end_is_issue_or_burn() {
    let header = "tx,time,from,to,amount";
    assert_eq!(one(header, &format!("{},1,,{B},1", hash(1))).from, None);
    assert_eq!(one(header, &format!("{},1,{A},,1", hash(1))).to, None);
    check_error(
        header,
        &format!("{},1,,,1", hash(1)),
        "field from: neither a sender nor a receiver",
    );
}

#[test]
fn equals_of_a_transaction_are_numbered() {
    let same = format!("{},1,{A},{B},1", hash(1));
    let other = format!("{},1,{A},{B},1", hash(2));
    let (facts, _) =
        read(&format!("tx,time,from,to,amount\n{same}\n{other}\n{same}\n")).expect("imports");
    let positions: Vec<_> = transfers(&facts).into_iter().map(|t| t.position.to_string()).collect();
    assert_eq!(positions, ["nth0", "nth0", "nth1"]);
}

#[test]
fn kinds_and_log_indices_are_positions() {
    let header = "tx,time,from,to,amount,kind,log_index";
    let fee = one(header, &format!("{},1,{A},,0.1,fee,", hash(1)));
    assert_eq!((fee.kind, fee.position), (TransferKind::Fee, Position::Fee));
    let log = one(header, &format!("{},1,{A},{B},0.1,,12", hash(1)));
    assert_eq!((log.kind, log.position), (TransferKind::Value, Position::Log(12)));
    check_error(
        header,
        &format!("{},1,{A},{B},0.1,fee,", hash(1)),
        "field to: a fee has no receiver",
    );
    check_error(
        header,
        &format!("{},1,{A},{B},0.1,gift,", hash(1)),
        r#"field kind: "gift" is not value, fee or reward"#,
    );
}

#[test]
fn bitcoin_rows_are_legs() {
    let address = "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa";
    let read = |row: &str| {
        let text = format!("tx,time,from,to,amount,position\n{row}\n");
        facts_of(Format::TransfersCsv, "transfers.csv", text.as_bytes(), &on("bitcoin"))
    };
    let (facts, _) = read(&format!("{},1,,{address},0.5,out0", hash(1))).expect("imports");
    assert_eq!(transfers(&facts)[0].amount, U256::from(50_000_000));
    let [said] = &oddities(&facts)[..] else { panic!("{:?}", oddities(&facts)) };
    assert!(said.contains("line 2") && said.contains("follows blocks only"), "{said}");
    let error =
        read(&format!("{},1,{address},{address},0.5,", hash(1))).expect_err("no leg").to_string();
    assert!(error.contains("import the blocks"), "{error}");
    let error =
        read(&format!("{},1,{address},,0.5,out0", hash(1))).expect_err("wrong end").to_string();
    assert!(error.contains("an output has a receiver"), "{error}");
}

#[test]
fn native_coins_of_test_networks_have_their_own_decimals() {
    let amount = |chain: &str, position: &str, row: &str| {
        let text = format!("tx,time,from,to,amount,position\n{row},0.5,{position}\n");
        let (facts, _) = facts_of(Format::TransfersCsv, "t.csv", text.as_bytes(), &on(chain))
            .unwrap_or_else(|e| panic!("{chain}: {e}"));
        let assumed = oddities(&facts).iter().any(|said| said.contains("assumed"));
        (transfers(&facts)[0].amount, assumed)
    };
    let row = format!("{},1,,mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJRfn", hash(1));
    assert_eq!(amount("bitcoin-testnet", "out0", &row), (U256::from(50_000_000), false));
    let row = format!("{},1,,TJRabPrwbZy45sbavfcjinPJC18kjpRTv8", &hash(1)[2..]);
    assert_eq!(amount("tron-nile", "", &row), (U256::from(500_000), false));
    let row = format!("{},1,{A},{B}", hash(1));
    let (base, is_assumed) = amount("eip155:987654", "", &row);
    assert_eq!((base, is_assumed), (U256::from(500_000_000_000_000_000u64), true));
}

#[test]
fn a_token_needs_its_contract() {
    let header = "tx,time,from,to,amount,asset";
    check_error(
        header,
        &format!("{},1,{A},{B},1,USDT", hash(1)),
        r#"expected the contract of "USDT""#,
    );
    assert_eq!(one(header, &format!("{},1,{A},{B},1,eth", hash(1))).asset.kind, AssetKind::Native);
}

#[test]
fn every_wrong_field_is_named() {
    let good = [&hash(1), "2025-02-21 14:29:47", A, B, "1", "ETH", ""];
    let wrong = [
        (0, "0x12", r#"field tx_hash: "0x12" is not a transaction hash of ethereum"#),
        (0, "", "field tx_hash: nothing there: expected a transaction hash"),
        (1, "2025-02-21", r#"field time: "2025-02-21" is not a time"#),
        (1, "", "field time: nothing there"),
        (2, "0x47666fab8bd0ac7003bce3f5c3585383f09486", "field from: "),
        (3, "nobody", r#"field to: "nobody" is not an address of ethereum"#),
        (4, "1.000,5", r#"7 fields"#),
        (4, "\"1,5\"", r#"field amount: "1,5" is not a decimal number"#),
        (4, "-1", r#"field amount: "-1" is not a decimal number"#),
        (4, "", "field amount: nothing there"),
        (4, "0.0000000000000000001", "is not an amount with at most 18 decimals"),
        (4, &"9".repeat(90), "is not an amount of 256 bits"),
        (6, "0x1", "field token_contract: "),
    ];
    for (at, value, expected) in wrong {
        let mut row = good;
        row[at] = value;
        if expected == "7 fields" {
            check_error(HEADER, &row.join(","), "8 fields, expected 7");
        } else {
            check_error(HEADER, &row.join(","), expected);
        }
    }
    let more = [
        ("block", "12a", r#"field block: "12a" is not a whole number"#),
        ("tx_index", "4294967296", "field tx_index: "),
        ("position", "log", r#"field position: "log" is not a position"#),
        ("position", "in0", "inputs and outputs exist on Bitcoin only"),
        ("log_index", "x", "field log_index: "),
        ("decimals", "78", "field decimals: "),
        ("chain", "eip155:x", r#"field chain: "eip155:x" is not a chain"#),
        ("amount_base", "1.5", "field amount_base: "),
    ];
    for (column, value, expected) in more {
        check_error(
            &format!("{HEADER},{column}"),
            &format!("{},{value}", good.join(",")),
            expected,
        );
    }
}

#[test]
fn the_line_is_named_even_after_quoted_newlines() {
    let row = format!("{},1,{A},{B},1,\"a\nb\"", hash(1));
    let bad = format!("{},1,{A},{B},x,c", hash(2));
    let error =
        read(&format!("tx,time,from,to,amount,note\n{row}\n{bad}\n")).expect_err("bad").to_string();
    assert_eq!(error, r#"transfers.csv: line 4: field amount: "x" is not a decimal number"#);
}

#[test]
fn the_line_is_named_whatever_ends_the_lines() {
    let header = "tx,time,from,to,amount";
    let good = format!("{},1,{A},{B},1", hash(1));
    let bad = format!("{},1,{A},{B},x", hash(2));
    let cases = [
        (format!("{header}\n{good}\n{bad}\n"), 3),
        (format!("{header}\r\n{good}\r\n{bad}\r\n"), 3),
        (format!("{header}\r\n{good}\r\n{bad}"), 3),
        (format!("{header}\n{bad}"), 2),
        (format!("{header}\n\n{good}\n\n\n{bad}\n"), 6),
        (format!("{header}\r\n\r\n{good}\r\n \r\n{bad}\r\n\r\n"), 5),
    ];
    for (text, line) in cases {
        let error = read(&text).expect_err("bad").to_string();
        assert!(error.starts_with(&format!("transfers.csv: line {line}: ")), "{text:?}: {error}");
        let mended = text.replace(&bad, &good);
        assert!(read(&mended).is_ok(), "{mended:?}");
    }
    let error = read(&format!("{header}\r{good}\r")).expect_err("bad").to_string();
    assert!(error.contains("carriage returns"), "{error}");
}

#[test]
fn missing_columns_and_chains_are_named() {
    let error = |text: &str| read(text).expect_err(text).to_string();
    assert!(
        error("tx,time,from,to\n")
            .contains("field amount: nothing there: expected a column amount")
    );
    assert!(error("tx,from,to,amount\n").contains("field time: "));
    assert!(error("tx,tx,time,from,to,amount\n").contains(r#"column "tx" is there twice"#));
    assert!(error("").contains("the file is empty"));
    let text = format!("tx,time,from,to,amount\n{},1,{A},{B},1\n", hash(1));
    let error = facts_of(Format::TransfersCsv, "t.csv", text.as_bytes(), &Options::default())
        .expect_err("no chain");
    assert!(error.to_string().contains("--chain"), "{error}");
}

#[test]
fn hostile_bytes_are_errors() {
    let header = b"tx,time,from,to,amount\n".to_vec();
    let quote = [header.clone(), b"\"".to_vec(), vec![b'a'; 40 << 20]].concat();
    let long = [b"tx,".to_vec(), vec![b'a'; 1 << 20]].concat();
    let utf8 = [header.clone(), format!("{},1,", hash(1)).into_bytes(), b"\xff\xfe,x,1\n".to_vec()]
        .concat();
    let nul = [header, format!("{},1,{A}\0,{B},1\n", hash(1)).into_bytes()].concat();
    let cases: [(&[u8], &str); 7] = [
        (&quote, "a record is longer"),
        (&long, "the first line is longer"),
        (&utf8, "line 2: field from: not UTF-8"),
        (&nul, "line 2: field from: "),
        (b"\xff\xfet\0x\0", "UTF-16"),
        (b"\x1f\x8b\x08\0", "compressed"),
        (b"t\0x,time\n", "zero byte"),
    ];
    for (bytes, expected) in cases {
        let error = facts_of(Format::TransfersCsv, "t.csv", bytes, &on("eip155:1"))
            .expect_err(expected)
            .to_string();
        assert!(error.contains(expected), "{error}\n does not say: {expected}");
        assert!(error.len() < 400, "{} bytes", error.len());
    }
}

#[test]
fn decimals_that_contradict_the_registry_are_an_oddity() {
    let row = format!("{},1,{A},{B},1,USDT,{USDT},18", hash(1));
    let (facts, _) = read(&format!("{HEADER},decimals\n{row}\n")).expect("imports");
    assert_eq!(oddities(&facts).len(), 1);
    assert!(oddities(&facts)[0].contains("has 6 decimals, the file says 18"));
}

#[test]
fn a_sink_that_refuses_ends_the_import() {
    let bytes = read_fixture("bybit/transfers_legit.csv");
    let mut taken = 0;
    let mut sink = |_| {
        taken += 1;
        if taken == 3 { Err("the disk is full".into()) } else { Ok(()) }
    };
    let error = crate::import::import_bytes(
        Format::TransfersCsv,
        "t.csv",
        &bytes,
        &on("eip155:1"),
        &mut sink,
    )
    .expect_err("refused");
    assert_eq!(std::error::Error::source(&error).expect("kept").to_string(), "the disk is full");
    assert_eq!(taken, 3);
}

prop_compose! {
    fn row()(tx in 0u8..4, from in 0u8..3, to in 0u8..3, amount in 0u8..3) -> String {
        let address = |n: u8| format!("0x{}", format!("{n:02x}").repeat(20));
        // One time a transaction: rows of one cannot differ in it.
        format!("{},{},{},{},{amount}", hash(tx), 1_700_000_000 + u64::from(tx), address(from), address(to))
    }
}

proptest! {
    #[test]
    fn order_repetition_and_chunks_do_not_matter(
        rows in proptest::collection::vec(row(), 0..20).prop_flat_map(|rows| (Just(rows.clone()), Just(rows).prop_shuffle())),
        chunk in 1usize..64,
    ) {
        let text = |rows: &[String]| format!("tx,time,from,to,amount\n{}\n", rows.join("\n"));
        let (facts, summary) = read(&text(&rows.0)).expect("imports");
        let expected = settled(&facts).transfers().to_vec();

        let (shuffled, _) = read(&text(&rows.1)).expect("imports");
        prop_assert_eq!(settled(&shuffled).transfers().to_vec(), expected.clone());

        let twice = [facts.clone(), facts.clone()].concat();
        prop_assert_eq!(settled(&twice).transfers().to_vec(), expected);

        let bytes = text(&rows.0);
        let (chunked, again) =
            facts_in_chunks(Format::TransfersCsv, "transfers.csv", bytes.as_bytes(), &on("eip155:1"), chunk).expect("imports");
        prop_assert_eq!(chunked, facts);
        prop_assert_eq!(again, summary);
    }

    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let text = [HEADER.as_bytes(), b"\n", &bytes].concat();
        let _ = facts_of(Format::TransfersCsv, "t.csv", &text, &on("eip155:1"));
        let _ = facts_of(Format::TransfersCsv, "t.csv", &bytes, &on("eip155:1"));
    }
}
