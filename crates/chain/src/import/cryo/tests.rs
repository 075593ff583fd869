//! Parquet files written with the library that reads them, in `cryo`'s columns.

use std::sync::Arc;

use model::{Asset, Fact, Memory, TimeSource, Transfer, TransferKind, U256};
use parquet::basic::Compression;
use parquet::column::writer::ColumnWriter;
use parquet::data_type::ByteArray;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use proptest::prelude::*;

use crate::import::testing::{facts_of, oddities, on, settled};
use crate::import::{Format, ImportError, Options, Summary, Table, import_file, plan};

/// One column, a value for each row.
enum Column {
    U32(&'static str, Vec<Option<u32>>),
    U64(&'static str, Vec<Option<u64>>),
    Bytes(&'static str, Vec<Option<Vec<u8>>>),
    Text(&'static str, Vec<Option<String>>),
    Bool(&'static str, Vec<Option<bool>>),
    F64(&'static str, Vec<Option<f64>>),
}

use Column::{Bool, Bytes, F64, Text, U32, U64};

impl Column {
    fn schema(&self) -> String {
        match self {
            U32(name, _) => format!("OPTIONAL INT32 {name} (INTEGER(32,false));"),
            U64(name, _) => format!("OPTIONAL INT64 {name} (INTEGER(64,false));"),
            Bytes(name, _) => format!("OPTIONAL BYTE_ARRAY {name};"),
            Text(name, _) => format!("OPTIONAL BYTE_ARRAY {name} (STRING);"),
            Bool(name, _) => format!("OPTIONAL BOOLEAN {name};"),
            F64(name, _) => format!("OPTIONAL DOUBLE {name};"),
        }
    }

    fn write(&self, into: &mut ColumnWriter<'_>) {
        fn split<T: Clone, U>(
            values: &[Option<T>],
            convert: impl Fn(T) -> U,
        ) -> (Vec<U>, Vec<i16>) {
            (
                values.iter().flatten().cloned().map(convert).collect(),
                values.iter().map(|v| i16::from(v.is_some())).collect(),
            )
        }
        match (self, into) {
            (U32(_, values), ColumnWriter::Int32ColumnWriter(writer)) => {
                let (values, levels) = split(values, u32::cast_signed);
                writer.write_batch(&values, Some(&levels), None).expect("written");
            }
            (U64(_, values), ColumnWriter::Int64ColumnWriter(writer)) => {
                let (values, levels) = split(values, u64::cast_signed);
                writer.write_batch(&values, Some(&levels), None).expect("written");
            }
            (Bytes(_, values), ColumnWriter::ByteArrayColumnWriter(writer)) => {
                let (values, levels) = split(values, ByteArray::from);
                writer.write_batch(&values, Some(&levels), None).expect("written");
            }
            (Text(_, values), ColumnWriter::ByteArrayColumnWriter(writer)) => {
                let (values, levels) = split(values, |text| ByteArray::from(text.into_bytes()));
                writer.write_batch(&values, Some(&levels), None).expect("written");
            }
            (Bool(_, values), ColumnWriter::BoolColumnWriter(writer)) => {
                let (values, levels) = split(values, |value| value);
                writer.write_batch(&values, Some(&levels), None).expect("written");
            }
            (F64(_, values), ColumnWriter::DoubleColumnWriter(writer)) => {
                let (values, levels) = split(values, |value| value);
                writer.write_batch(&values, Some(&levels), None).expect("written");
            }
            _ => panic!("the schema is made from the columns"),
        }
    }
}

fn parquet(columns: &[Column], compression: Compression) -> Vec<u8> {
    let fields: String = columns.iter().map(Column::schema).collect();
    let schema = parse_message_type(&format!("message schema {{ {fields} }}")).expect("a schema");
    let properties = WriterProperties::builder().set_compression(compression).build();
    let mut bytes = Vec::new();
    let mut writer = SerializedFileWriter::new(&mut bytes, Arc::new(schema), Arc::new(properties))
        .expect("a writer");
    let mut group = writer.next_row_group().expect("a group");
    for column in columns {
        let mut into = group.next_column().expect("a column").expect("one for each");
        column.write(into.untyped());
        into.close().expect("closed");
    }
    group.close().expect("closed");
    writer.close().expect("closed");
    bytes
}

fn read(columns: &[Column]) -> Result<(Vec<Fact>, Summary), ImportError> {
    facts_of(Format::Cryo, "x.parquet", &parquet(columns, Compression::SNAPPY), &Options::default())
}

fn story(files: &[&[Column]]) -> Memory {
    let facts: Vec<Fact> =
        files.iter().flat_map(|columns| read(columns).expect("imports").0).collect();
    settled(&facts)
}

fn hash(n: u8) -> Option<Vec<u8>> {
    Some(vec![n; 32])
}

fn address(n: u8) -> Option<Vec<u8>> {
    Some(vec![n; 20])
}

/// As `cryo` writes a number of 256 bits in binary.
fn binary(value: u64) -> Option<Vec<u8>> {
    Some(U256::from(value).to_be_bytes::<32>().to_vec())
}

/// Two transactions: one moves 50, one fails.
fn transactions() -> Vec<Column> {
    vec![
        U32("block_number", vec![Some(100), Some(100)]),
        U64("transaction_index", vec![Some(0), Some(1)]),
        Bytes("transaction_hash", vec![hash(1), hash(2)]),
        U64("nonce", vec![Some(0), Some(0)]),
        Bytes("from_address", vec![address(0xa), address(0xa)]),
        Bytes("to_address", vec![address(0xb), address(0xb)]),
        Bytes("value_binary", vec![binary(50), binary(60)]),
        Text("value_string", vec![Some("50".into()), Some("60".into())]),
        F64("value_f64", vec![Some(50.0), Some(60.0)]),
        Bytes("input", vec![Some(vec![0; 100]), None]),
        U64("gas_used", vec![Some(3), Some(4)]),
        U64("gas_price", vec![Some(7), Some(7)]),
        Bool("success", vec![Some(true), Some(false)]),
        U32("timestamp", vec![Some(1_700_000_000), Some(1_700_000_000)]),
        U64("chain_id", vec![Some(1), Some(1)]),
    ]
}

fn told(memory: &Memory) -> Vec<String> {
    let end = |address: &Option<model::Address>| {
        address.as_ref().map_or("-".into(), |a| format!("{:x}", a.bytes()[0]))
    };
    let tell =
        |t: &Transfer| format!("{}>{} {} {}", end(&t.from), end(&t.to), t.amount, t.position);
    let mut told: Vec<String> = memory.transfers().iter().map(tell).collect();
    told.sort();
    told
}

fn check_error(columns: &[Column], expected: &str) {
    let error = read(columns).expect_err(expected).to_string();
    assert!(error.contains(expected), "{error}\n does not say: {expected}");
}

#[test]
fn transactions_move_value_and_fees() {
    let (facts, summary) = read(&transactions()).expect("imports");
    assert_eq!((summary.rows, summary.transactions, oddities(&facts).len()), (2, 2, 0));
    let memory = settled(&facts);
    assert_eq!(told(&memory), ["a>- 21 fee", "a>- 28 fee", "a>b 50 call"]);
    assert!(
        memory
            .transfers()
            .iter()
            .all(|t| t.time.as_second() == 1_700_000_000 && t.height == Some(100))
    );
}

#[test]
fn every_compression_and_hex_read_alike() {
    let expected = read(&transactions()).expect("imports").0;
    let all = [
        Compression::UNCOMPRESSED,
        Compression::GZIP(Default::default()),
        Compression::ZSTD(Default::default()),
        Compression::LZ4_RAW,
    ];
    for compression in all {
        let bytes = parquet(&transactions(), compression);
        assert_eq!(
            facts_of(Format::Cryo, "x.parquet", &bytes, &Options::default()).expect("imports").0,
            expected
        );
    }
    let hex = |bytes: &[u8]| format!("0x{}", model::hex::encode(bytes));
    let columns = transactions().into_iter().map(|column| match column {
        Bytes(name, values) => Text(name, values.into_iter().map(|v| v.map(|v| hex(&v))).collect()),
        other => other,
    });
    assert_eq!(read(&columns.collect::<Vec<_>>()).expect("imports").0, expected);
}

#[test]
fn token_transfers_and_logs_are_the_same_events() {
    let at = || {
        vec![
            U32("block_number", vec![Some(5), Some(5)]),
            U32("transaction_index", vec![Some(0), Some(0)]),
            U32("log_index", vec![Some(7), Some(8)]),
            Bytes("transaction_hash", vec![hash(1), hash(1)]),
            U64("chain_id", vec![Some(137), Some(137)]),
        ]
    };
    let mut erc20 = at();
    erc20.extend([
        Bytes("erc20", vec![address(0xc), address(0xd)]),
        Bytes("from_address", vec![address(0xa), address(0xa)]),
        Bytes("to_address", vec![address(0xb), address(0xb)]),
        Bytes("value_u256binary", vec![binary(9), binary(894)]),
    ]);
    let topic = |n: u8| Some([vec![0; 12], vec![n; 20]].concat());
    let transfer = Some(alloy_primitives::keccak256("Transfer(address,address,uint256)").to_vec());
    let mut logs = at();
    logs.extend([
        Bytes("address", vec![address(0xc), address(0xd)]),
        Bytes("topic0", vec![transfer.clone(), transfer]),
        Bytes("topic1", vec![topic(0xa), topic(0xa)]),
        Bytes("topic2", vec![topic(0xb), topic(0xb)]),
        Bytes("topic3", vec![None, binary(894)]),
        Bytes("data", vec![binary(9), Some(vec![])]),
    ]);
    assert_eq!(told(&story(&[&erc20])), ["a>b 894 log8", "a>b 9 log7"]);
    let memory = story(&[&erc20, &logs]);
    assert_eq!(told(&memory), ["a>b 1 log8", "a>b 9 log7"]);
    assert_eq!(memory.transfers().iter().filter(|t| t.asset.is_nft()).count(), 1);
    assert!(memory.transfers().iter().all(|t| t.tx.chain == model::Chain::POLYGON));

    let mut erc721 = at();
    erc721.extend([
        Bytes("erc721", vec![address(0xc), address(0xd)]),
        Bytes("from_address", vec![address(0xa), address(0xa)]),
        Bytes("to_address", vec![address(0xb), address(0xb)]),
        Text("token_id_string", vec![Some("1".into()), Some("894".into())]),
    ]);
    assert!(
        story(&[&erc721])
            .transfers()
            .iter()
            .all(|t| t.kind == TransferKind::Nft && t.amount == U256::from(1))
    );
}

/// The calls of transaction 1, which sends 50 on: b keeps 20.
fn traces() -> Vec<Column> {
    let text =
        |values: [&str; 4]| values.map(|v| Some(v.to_string()).filter(|v| !v.is_empty())).to_vec();
    vec![
        Bytes("action_from", vec![address(0xa), address(0xb), address(0xb), address(0xe)]),
        Bytes("action_to", vec![address(0xb), address(0xc), address(0xd), None]),
        Text("action_value", text(["50", "30", "30", "2000"])),
        Text("action_call_type", text(["call", "call", "delegate_call", ""])),
        Text("action_reward_type", text(["", "", "", "reward"])),
        Text("action_type", text(["call", "call", "call", "reward"])),
        Bytes("result_address", vec![None, None, None, None]),
        Text("trace_address", text(["", "0", "1", ""])),
        U32("transaction_index", vec![Some(0), Some(0), Some(0), None]),
        Bytes("transaction_hash", vec![hash(1), hash(1), hash(1), None]),
        U32("block_number", vec![Some(100); 4]),
        Text("error", text(["", "", "", ""])),
        U64("chain_id", vec![Some(1); 4]),
    ]
}

#[test]
fn traces_replace_the_value_of_transactions() {
    let memory = story(&[&transactions(), &traces()]);
    assert_eq!(
        told(&memory),
        ["->e 2000 reward0", "a>- 21 fee", "a>- 28 fee", "a>b 50 call", "b>c 30 call_0"]
    );
    assert!(
        memory.transfers().iter().all(|t| t.time_source == TimeSource::Stated),
        "traces borrow the block's time"
    );
}

#[test]
fn native_transfers_merge_with_traces() {
    let native = vec![
        U32("block_number", vec![Some(100); 3]),
        U32("transaction_index", vec![Some(0), Some(0), None]),
        U32("transfer_index", vec![Some(0), Some(1), Some(2)]),
        Bytes("transaction_hash", vec![hash(1), hash(1), None]),
        Bytes("from_address", vec![address(0xa), address(0xb), address(0)]),
        Bytes("to_address", vec![address(0xb), address(0xc), address(0xe)]),
        Bytes("value_binary", vec![binary(50), binary(30), binary(2000)]),
        U64("chain_id", vec![Some(1); 3]),
    ];
    assert_eq!(told(&story(&[&native])), ["->e 2000 reward0", "a>b 50 nth0", "b>c 30 nth0"]);
    let both = story(&[&transactions(), &native, &traces()]);
    assert_eq!(told(&both), told(&story(&[&transactions(), &traces()])));
    assert!(oddities(&read(&native).expect("imports").0)[0].contains("delegate calls"));
}

#[test]
fn blocks_give_times() {
    let blocks = vec![
        Bytes("block_hash", vec![hash(9)]),
        U32("block_number", vec![Some(5)]),
        U32("timestamp", vec![Some(1_600_000_000)]),
        U64("chain_id", vec![Some(1)]),
    ];
    let (facts, summary) = read(&blocks).expect("imports");
    assert_eq!(summary.blocks, 1);
    let Fact::Block(block) = &facts[0] else { panic!("a block") };
    assert_eq!((block.height, block.time.as_second()), (Some(5), 1_600_000_000));
}

#[test]
fn tokens_of_metadata_are_described() {
    let tokens = vec![
        Bytes("erc20", vec![address(0xc)]),
        Text("symbol", vec![Some("FOO".into())]),
        U32("decimals", vec![Some(6)]),
        U64("chain_id", vec![Some(1)]),
    ];
    let (facts, _) = read(&tokens).expect("imports");
    let Fact::Asset(meta) = &facts[0] else { panic!("an asset") };
    let expected: Asset =
        format!("eip155:1/erc20:0x{}", "0c".repeat(20)).parse().expect("an asset");
    assert_eq!(
        (&meta.asset, meta.symbol.as_deref(), meta.decimals),
        (&expected, Some("FOO"), Some(6))
    );
}

#[test]
fn what_is_not_exact_or_not_there_is_refused() {
    let without = |names: &[&str]| -> Vec<Column> {
        let is_out = |column: &Column| {
            let (U32(name, _)
            | U64(name, _)
            | Bytes(name, _)
            | Text(name, _)
            | Bool(name, _)
            | F64(name, _)) = column;
            names.contains(name)
        };
        transactions().into_iter().filter(|column| !is_out(column)).collect()
    };
    check_error(
        &without(&["value_binary", "value_string"]),
        "row 1: field value_f64: a floating point number, which is not exact",
    );
    check_error(&without(&["transaction_hash"]), "not a dataset of this format");
    let mut bad = without(&["from_address"]);
    bad.push(Bytes("from_address", vec![address(1), Some(vec![1; 19])]));
    check_error(
        &bad,
        r#"row 2: field from_address: "0x01010101010101010101010101010101010101" is not an address"#,
    );
    let mut bad = without(&["block_number"]);
    bad.push(F64("block_number", vec![Some(1.5), Some(2.0)]));
    check_error(&bad, "row 1: field block_number: a floating point number");

    let bytes = parquet(&transactions(), Compression::SNAPPY);
    let error = facts_of(Format::Cryo, "x.parquet", &bytes, &on("eip155:137"))
        .expect_err("another chain")
        .to_string();
    assert!(
        error.contains("row 1: field chain_id: the file says eip155:1, --chain says eip155:137"),
        "{error}"
    );
}

#[test]
fn a_directory_is_planned_by_what_its_files_hold() {
    let directory = tempfile::tempdir().expect("a directory");
    let write = |name: &str, columns: &[Column]| {
        std::fs::write(directory.path().join(name), parquet(columns, Compression::SNAPPY))
            .expect("written");
    };
    write("a.parquet", &traces());
    write("b.parquet", &transactions());
    std::fs::write(directory.path().join("report.json"), "{}").expect("written");
    let files =
        plan(Format::Cryo, &[directory.path().to_path_buf()], &Options::default()).expect("a plan");
    let tables: Vec<_> = files.iter().filter_map(|file| file.table).collect();
    assert_eq!(tables, [Table::Transactions, Table::Traces]);
    let mut read = 0;
    let options = Options::default();
    let summary =
        import_file(Format::Cryo, &files[0], &options, &mut |bytes| read = bytes, &mut |_| Ok(()))
            .expect("imports");
    assert_eq!(
        summary.sha256,
        crate::import::input::sha256(&parquet(&transactions(), Compression::SNAPPY)[..])
            .expect("read")
    );
    assert!(read > 0);
}

#[test]
fn a_row_of_nothing_is_refused() {
    // As a file reads that promises more rows than it holds: logs need no field by themselves.
    let topics = [Bytes("topic0", vec![hash(1), None]), U32("log_index", vec![Some(1), None])];
    check_error(&topics, "row 2: the row holds nothing at all");
}

#[test]
fn damaged_files_are_errors() {
    let whole = parquet(&transactions(), Compression::SNAPPY);
    let read = |bytes: &[u8]| facts_of(Format::Cryo, "x.parquet", bytes, &Options::default());
    for end in [0, 4, whole.len() / 2, whole.len() - 1] {
        let error = read(&whole[..end]).expect_err("cut short").to_string();
        assert!(error.starts_with("x.parquet: not readable as Parquet"), "{error}");
    }
}

proptest! {
    #[test]
    fn no_bytes_panic(flips in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..5)) {
        let mut bytes = parquet(&transactions(), Compression::SNAPPY);
        for (at, flip) in flips {
            let at = at.index(bytes.len());
            bytes[at] = flip;
        }
        let _ = facts_of(Format::Cryo, "x.parquet", &bytes, &Options::default());
    }
}
