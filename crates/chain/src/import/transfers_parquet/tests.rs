//! Parquet files written with the library that reads them, beside the same table as CSV.

use std::sync::Arc;

use model::{Fact, Position, U256, UtxoTransaction};
use parquet::column::writer::ColumnWriter;
use parquet::data_type::{ByteArray, FixedLenByteArray};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use proptest::prelude::*;

use crate::import::testing::{facts_of, on};
use crate::import::{Format, ImportError, Options, Summary};

/// A column of the schema language and its values; none is null.
enum Column {
    I32(&'static str, Vec<Option<i32>>),
    I64(&'static str, Vec<Option<i64>>),
    F64(&'static str, Vec<Option<f64>>),
    Bytes(&'static str, Vec<Option<Vec<u8>>>),
    Fixed(&'static str, Vec<Option<Vec<u8>>>),
}

use Column::{Bytes, F64, Fixed, I32, I64};

fn text(kind: &'static str, values: &[&str]) -> Column {
    let value = |text: &&str| (!text.is_empty()).then(|| text.as_bytes().to_vec());
    Bytes(kind, values.iter().map(value).collect())
}

fn split<T: Clone, U>(values: &[Option<T>], convert: impl Fn(T) -> U) -> (Vec<U>, Vec<i16>) {
    let levels = values.iter().map(|v| i16::from(v.is_some())).collect();
    (values.iter().flatten().cloned().map(convert).collect(), levels)
}

impl Column {
    fn kind(&self) -> &'static str {
        match self {
            I32(kind, _) | I64(kind, _) | F64(kind, _) | Bytes(kind, _) | Fixed(kind, _) => kind,
        }
    }

    fn write(&self, into: &mut ColumnWriter<'_>) {
        let written = match (self, into) {
            (I32(_, values), ColumnWriter::Int32ColumnWriter(into)) => {
                let (values, levels) = split(values, |v| v);
                into.write_batch(&values, Some(&levels), None)
            }
            (I64(_, values), ColumnWriter::Int64ColumnWriter(into)) => {
                let (values, levels) = split(values, |v| v);
                into.write_batch(&values, Some(&levels), None)
            }
            (F64(_, values), ColumnWriter::DoubleColumnWriter(into)) => {
                let (values, levels) = split(values, |v| v);
                into.write_batch(&values, Some(&levels), None)
            }
            (Bytes(_, values), ColumnWriter::ByteArrayColumnWriter(into)) => {
                let (values, levels) = split(values, ByteArray::from);
                into.write_batch(&values, Some(&levels), None)
            }
            (Fixed(_, values), ColumnWriter::FixedLenByteArrayColumnWriter(into)) => {
                let fixed = |v: Vec<u8>| FixedLenByteArray::from(ByteArray::from(v));
                let (values, levels) = split(values, fixed);
                into.write_batch(&values, Some(&levels), None)
            }
            _ => panic!("the schema is made from the columns"),
        };
        written.expect("written");
    }
}

/// Each group of columns is a row group.
fn parquet(groups: &[Vec<Column>]) -> Vec<u8> {
    let fields: String =
        groups[0].iter().map(|column| format!("OPTIONAL {};", column.kind())).collect();
    let schema = parse_message_type(&format!("message schema {{ {fields} }}")).expect("a schema");
    let properties = Arc::new(WriterProperties::builder().build());
    let mut bytes = Vec::new();
    let mut writer =
        SerializedFileWriter::new(&mut bytes, Arc::new(schema), properties).expect("a writer");
    for columns in groups {
        let mut group = writer.next_row_group().expect("a group");
        for column in columns {
            let mut into = group.next_column().expect("a column").expect("one for each");
            column.write(into.untyped());
            into.close().expect("closed");
        }
        group.close().expect("closed");
    }
    writer.close().expect("closed");
    bytes
}

fn read(columns: Vec<Column>, options: &Options) -> Result<(Vec<Fact>, Summary), ImportError> {
    facts_of(Format::TransfersParquet, "t.parquet", &parquet(&[columns]), options)
}

fn csv(table: &str, options: &Options) -> Vec<Fact> {
    facts_of(Format::TransfersCsv, "t.csv", table.as_bytes(), options).expect("imports").0
}

const A: [u8; 20] = [0xaa; 20];
const B: [u8; 20] = [0xbb; 20];
const USDT: &str = "0xdac17f958d2ee523a2206206994597c13d831ec7";

fn hex(bytes: &[u8]) -> String {
    format!("0x{}", model::hex::encode(bytes))
}

fn some(bytes: &[u8]) -> Option<Vec<u8>> {
    Some(bytes.to_vec())
}

fn big(value: u64) -> Option<Vec<u8>> {
    some(&U256::from(value).to_be_bytes::<32>())
}

/// A payment with its fee and a token, every column typed.
fn typed() -> Vec<Column> {
    let usdt = model::Address::parse(USDT, model::Chain::ETHEREUM).expect("an address");
    vec![
        text("BYTE_ARRAY chain (STRING)", &["eip155:1", "eip155:1", "eip155:1"]),
        I64("INT64 block", vec![Some(100); 3]),
        I64("INT64 time (TIMESTAMP(MILLIS,true))", vec![Some(1_740_148_187_000); 3]),
        Fixed("FIXED_LEN_BYTE_ARRAY(32) tx_hash", vec![some(&[7; 32]); 3]),
        I32("INT32 tx_index (INTEGER(32,false))", vec![Some(4); 3]),
        text("BYTE_ARRAY position (STRING)", &["call", "", "fee"]),
        I32("INT32 log_index", vec![None, Some(12), None]),
        Bytes("BYTE_ARRAY from", vec![some(&A); 3]),
        Bytes("BYTE_ARRAY to", vec![some(&B), some(&B), None]),
        text("BYTE_ARRAY asset (STRING)", &["ETH", "USDT", "ETH"]),
        Bytes("BYTE_ARRAY token_contract", vec![None, some(usdt.bytes()), None]),
        Fixed("FIXED_LEN_BYTE_ARRAY(32) amount_base", vec![big(50), big(7_000_000), big(3)]),
    ]
}

fn same_as_csv() -> Vec<Fact> {
    let (tx, a, b) = (hex(&[7; 32]), hex(&A), hex(&B));
    let head = format!("eip155:1,100,2025-02-21 14:29:47,{tx},4");
    let table = format!(
        "chain,block,time,tx_hash,tx_index,position,from,to,asset,token_contract,amount_base\n\
         {head},call,{a},{b},ETH,,50\n\
         {head},log12,{a},{b},USDT,{USDT},7000000\n\
         {head},fee,{a},,ETH,,3\n"
    );
    csv(&table, &Options::default())
}

#[test]
fn typed_columns_say_what_the_same_csv_says() {
    let (facts, summary) = read(typed(), &Options::default()).expect("imports");
    assert_eq!((summary.rows, summary.transfers), (3, 3));
    assert_eq!(facts, same_as_csv());
}

#[test]
fn every_way_to_type_a_column_reads_alike() {
    let tx = hex(&[7; 32]);
    let decimal =
        |value: i64| Some(U256::from(value.cast_unsigned()).to_be_bytes::<32>()[16..].to_vec());
    let ways: Vec<(&str, Column)> = vec![
        ("tx_hash", text("BYTE_ARRAY tx_hash (STRING)", &[&tx, &tx, &tx])),
        ("tx_hash", text("BYTE_ARRAY tx_hash", &[&tx, &tx, &tx])),
        ("tx_hash", Bytes("BYTE_ARRAY tx_hash", vec![some(&[7; 32]); 3])),
        ("from", text("BYTE_ARRAY from (STRING)", &[&hex(&A), &hex(&A), &hex(&A)])),
        ("from", Fixed("FIXED_LEN_BYTE_ARRAY(20) from", vec![some(&A); 3])),
        ("time", I64("INT64 time", vec![Some(1_740_148_187); 3])),
        ("time", I64("INT64 time (TIMESTAMP(MICROS,true))", vec![Some(1_740_148_187_000_000); 3])),
        ("time", I64("INT64 time (TIMESTAMP_MILLIS)", vec![Some(1_740_148_187_000); 3])),
        ("time", text("BYTE_ARRAY time (STRING)", &["2025-02-21 14:29:47"; 3])),
        ("amount_base", text("BYTE_ARRAY amount_base (STRING)", &["50", "7000000", "3"])),
        (
            "amount_base",
            I64("INT64 amount_base (INTEGER(64,false))", vec![Some(50), Some(7_000_000), Some(3)]),
        ),
        (
            "amount_base",
            Fixed(
                "FIXED_LEN_BYTE_ARRAY(16) amount_base (DECIMAL(38,0))",
                vec![decimal(50), decimal(7_000_000), decimal(3)],
            ),
        ),
        ("block", text("BYTE_ARRAY block (STRING)", &["100"; 3])),
    ];
    for (name, way) in ways {
        let kind = way.kind();
        let mut columns = typed();
        let is_it = |column: &Column| column.kind().split(' ').nth(1) == Some(name);
        let at = columns.iter().position(is_it).expect(name);
        columns[at] = way;
        let found = read(columns, &Options::default()).unwrap_or_else(|e| panic!("{kind}: {e}"));
        assert_eq!(found.0, same_as_csv(), "{kind}");
    }
}

fn check_error(name: &str, column: Column, expected: &str) {
    let mut columns = typed();
    let at = columns.iter().position(|column| column.kind().split(' ').nth(1) == Some(name));
    columns[at.expect(name)] = column;
    let error = read(columns, &Options::default()).expect_err(expected).to_string();
    assert_eq!(error, format!("t.parquet: {expected}"));
}

#[test]
fn a_wrong_value_is_named_with_its_row_and_column() {
    check_error(
        "amount_base",
        F64("DOUBLE amount_base", vec![Some(1.0); 3]),
        "row 1: field amount_base: a floating point number, which is not exact: export the amount as text or bytes",
    );
    check_error(
        "amount_base",
        I64("INT64 amount_base", vec![Some(1), Some(-5), Some(1)]),
        r#"row 2: field amount_base: "-5" is not a whole number of base units"#,
    );
    check_error(
        "time",
        I32("INT32 time (DATE)", vec![Some(20_140); 3]),
        r#"row 1: field time: "2025-02-21" is not a time: 2025-02-21 14:29:47, RFC 3339, or unix seconds"#,
    );
    check_error(
        "tx_hash",
        Bytes("BYTE_ARRAY tx_hash", vec![some(&[7; 32]), some(&[7; 32]), some(&[7; 31])]),
        &format!(
            r#"row 3: field tx_hash: "{}" is not a transaction hash of ethereum"#,
            hex(&[7; 31])
        ),
    );
    check_error(
        "from",
        Bytes("BYTE_ARRAY from", vec![some(&A), some(&[0xff; 3]), some(&A)]),
        r#"row 2: field from: "0xffffff" is not an address of ethereum"#,
    );
    check_error(
        "position",
        text("BYTE_ARRAY position (STRING)", &["call", "", "middle"]),
        r#"row 3: field position: "middle" is not a position such as log12, call_0_1 or out0"#,
    );
}

#[test]
fn a_missing_column_and_what_is_no_parquet_are_said() {
    let mut columns = typed();
    columns.retain(|column| !column.kind().contains(" tx_hash"));
    let error = read(columns, &Options::default()).expect_err("no hash").to_string();
    assert!(error.contains("a column tx_hash or tx"), "{error}");
    let error = facts_of(Format::TransfersParquet, "t.parquet", b"PAR1 no", &Options::default());
    assert!(error.expect_err("no Parquet").to_string().contains("not readable as Parquet"));
}

#[test]
fn row_groups_follow_each_other_and_rows_are_counted_through() {
    let bytes = parquet(&[typed(), typed()]);
    let (facts, summary) =
        facts_of(Format::TransfersParquet, "t.parquet", &bytes, &Options::default())
            .expect("imports");
    assert_eq!(summary.rows, 6);
    assert_eq!(facts.iter().filter(|f| matches!(f, Fact::Transfer { .. })).count(), 6);
    let mut second = typed();
    second[5] = text("BYTE_ARRAY position (STRING)", &["call", "", "middle"]);
    let bytes = parquet(&[typed(), second]);
    let error = facts_of(Format::TransfersParquet, "t.parquet", &bytes, &Options::default());
    assert!(error.expect_err("wrong").to_string().contains("row 6"));
}

#[test]
fn rows_without_a_position_are_numbered_among_their_equals() {
    let mut columns = typed();
    let dropped = ["position", "log_index", "asset", "token_contract", "to", "amount_base"];
    columns.retain(|column| !dropped.contains(&column.kind().split(' ').nth(1).expect("a name")));
    columns.push(Bytes("BYTE_ARRAY to", vec![some(&B); 3]));
    columns.push(text("BYTE_ARRAY amount_base (STRING)", &["50", "7", "50"]));
    let (facts, _) = read(columns, &Options::default()).expect("imports");
    let position = |fact: &Fact| match fact {
        Fact::Transfer { transfer, .. } => Some(transfer.position.clone()),
        _ => None,
    };
    let positions: Vec<Position> = facts.iter().filter_map(position).collect();
    assert_eq!(positions, [Position::Nth(0), Position::Nth(0), Position::Nth(1)]);
}

// -- Bitcoin -----------------------------------------------------------------------------

fn script(n: u8) -> Option<Vec<u8>> {
    Some([&[0x00, 0x14][..], &[n; 20]].concat())
}

/// A coinbase of 50, and a transaction that spends it: 30 and 19, a fee of 1.
fn spending() -> Vec<Column> {
    vec![
        I64("INT64 time", vec![Some(1_740_148_187); 4]),
        Bytes("BYTE_ARRAY tx_hash", [1, 2, 2, 2].map(|n| some(&[n; 32])).to_vec()),
        I32("INT32 tx_index", [0, 1, 1, 1].map(Some).to_vec()),
        text("BYTE_ARRAY position (STRING)", &["out0", "in0", "out0", "out1"]),
        Bytes("BYTE_ARRAY from", vec![None, script(1), None, None]),
        Bytes("BYTE_ARRAY to", vec![script(1), None, script(2), script(1)]),
        I64("INT64 amount_base", [50, 50, 30, 19].map(Some).to_vec()),
        Bytes("BYTE_ARRAY prev_tx", vec![None, some(&[1; 32]), None, None]),
        I32("INT32 prev_index", vec![None, Some(0), None, None]),
    ]
}

#[test]
fn rows_that_say_what_they_spend_make_transactions() {
    let (facts, summary) = read(spending(), &on("bitcoin")).expect("imports");
    assert_eq!((summary.rows, summary.transactions, summary.transfers), (4, 2, 0));
    let transactions: Vec<&UtxoTransaction> = facts
        .iter()
        .map(|fact| match fact {
            Fact::Utxo(tx) => tx,
            other => panic!("{other:?}"),
        })
        .collect();
    let [coinbase, spender] = transactions[..] else { panic!("{transactions:?}") };
    assert!(coinbase.is_coinbase && !spender.is_coinbase);
    assert_eq!(spender.fee(), Some(U256::from(1)));
    assert_eq!(spender.inputs[0].outpoint.tx, coinbase.id);
    assert_eq!(spender.inputs[0].previous.as_ref(), Some(&coinbase.outputs[0]));
}

#[test]
fn a_transaction_whose_rows_are_not_whole_is_refused() {
    let check = |column: usize, changed: Column, expected: &str| {
        let mut columns = spending();
        columns[column] = changed;
        let error = read(columns, &on("bitcoin")).expect_err(expected).to_string();
        assert!(error.contains(expected), "{error}\n does not say: {expected}");
    };
    let scattered = [1, 2, 3, 2].map(|n| some(&[n; 32])).to_vec();
    check(1, Bytes("BYTE_ARRAY tx_hash", scattered), "its rows stand together");
    let skipped = text("BYTE_ARRAY position (STRING)", &["out0", "in1", "out0", "out1"]);
    check(3, skipped, "row 2: field position: \"in1\" is not the next number");
    let more = I64("INT64 amount_base", [50, 50, 30, 21].map(Some).to_vec());
    check(6, more, "its outputs hold more than its inputs");
    let unsaid = Bytes("BYTE_ARRAY prev_tx", vec![None; 4]);
    check(7, unsaid, "row 2: field prev_tx: nothing there");
    let said_of_output = I32("INT32 prev_index", [Some(0); 4].to_vec());
    check(8, said_of_output, "row 1: field prev_tx: nothing there");
    let elsewhere = I32("INT32 tx_index", [0, 1, 1, 2].map(Some).to_vec());
    check(2, elsewhere, "row 4: field tx_hash: another block, place or time");
}

#[test]
fn the_same_rows_as_csv_make_the_same_transactions() {
    let (one, two) = (hex(&[1; 32]), hex(&[2; 32]));
    let of = |n| {
        let script = script(n).expect("a script");
        model::Address::Bitcoin(script.into()).text(model::Chain::BITCOIN)
    };
    let table = format!(
        "time,tx_hash,tx_index,position,from,to,amount_base,prev_tx,prev_index\n\
         1740148187,{one},0,out0,,{a},50,,\n\
         1740148187,{two},1,in0,{a},,50,{one},0\n\
         1740148187,{two},1,out0,,{b},30,,\n\
         1740148187,{two},1,out1,,{a},19,,\n",
        a = of(1),
        b = of(2),
    );
    let columnar = read(spending(), &on("bitcoin")).expect("imports").0;
    assert_eq!(csv(&table, &on("bitcoin")), columnar);
}

proptest! {
    #[test]
    fn no_bytes_crash_the_importer(at in 4usize..2_000, value: u8, cut in 0usize..2_000) {
        let mut bytes = parquet(&[typed()]);
        let at = at % bytes.len();
        bytes[at] = value;
        bytes.truncate(bytes.len().saturating_sub(if cut % 3 == 0 { cut } else { 0 }));
        drop(facts_of(Format::TransfersParquet, "t.parquet", &bytes, &Options::default()));
    }
}
