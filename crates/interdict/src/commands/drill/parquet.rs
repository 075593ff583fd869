//! A drill as Parquet, in the columns of `transfers-parquet`: addresses, hashes
//! and amounts as their bytes.
//!
//! The settings are fixed and no version or time is written: the same drill is
//! the same file.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use ::parquet::basic::{Compression, Encoding};
use ::parquet::data_type::{
    ByteArray, ByteArrayType, FixedLenByteArray, FixedLenByteArrayType, Int32Type, Int64Type,
};
use ::parquet::file::properties::{EnabledStatistics, WriterProperties, WriterVersion};
use ::parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use ::parquet::schema::parser::parse_message_type;
use ::parquet::schema::types::ColumnPath;
use anyhow::Result;
use drill::Block;
use model::{Chain, Position, Registry, Timestamp, Transfer, TxHash, UtxoTransaction};

/// A row group holds so many rows, and those of the block that reached it.
const ROWS_PER_GROUP: usize = 250_000;

pub struct ParquetFile {
    file: SerializedFileWriter<File>,
    is_utxo: bool,
    chain: ByteArray,
    rows: Rows,
}

/// A row group, column by column. An optional column has a level for each row
/// and a value where the level is 1.
#[derive(Default)]
struct Rows {
    time: Vec<i64>,
    tx: Vec<FixedLenByteArray>,
    height: Vec<i64>,
    tx_index: Vec<i32>,
    position: Optional<ByteArray>,
    log_index: Optional<i32>,
    from: Optional<ByteArray>,
    to: Optional<ByteArray>,
    symbol: Optional<ByteArray>,
    contract: Optional<ByteArray>,
    decimals: Optional<i32>,
    amount: Vec<FixedLenByteArray>,
    prev_tx: Optional<FixedLenByteArray>,
    prev_index: Optional<i32>,
    last_tx: Option<(TxHash, FixedLenByteArray)>,
}

struct Optional<T> {
    values: Vec<T>,
    levels: Vec<i16>,
}

impl<T> Default for Optional<T> {
    fn default() -> Optional<T> {
        Optional { values: Vec::new(), levels: Vec::new() }
    }
}

impl<T> Optional<T> {
    fn push(&mut self, value: Option<T>) {
        self.levels.push(i16::from(value.is_some()));
        self.values.extend(value);
    }

    fn clear(&mut self) {
        self.values.clear();
        self.levels.clear();
    }
}

impl ParquetFile {
    pub fn create(path: &Path, chain: Chain) -> Result<ParquetFile> {
        let schema = Arc::new(parse_message_type(&schema(chain))?);
        let file = SerializedFileWriter::new(File::create(path)?, schema, Arc::new(properties()))?;
        let text = chain.to_string();
        let (is_utxo, chain) = (chain.is_utxo(), ByteArray::from(text.as_str()));
        Ok(ParquetFile { file, is_utxo, chain, rows: Rows::default() })
    }

    pub fn block(&mut self, block: &Block) -> Result<()> {
        block.transfers.iter().for_each(|transfer| self.rows.transfer(transfer));
        block.transactions.iter().for_each(|tx| self.rows.transaction(tx));
        if self.rows.time.len() >= ROWS_PER_GROUP {
            self.write_group()?;
        }
        Ok(())
    }

    pub fn close(mut self) -> Result<()> {
        if !self.rows.time.is_empty() {
            self.write_group()?;
        }
        self.file.into_inner()?.sync_all()?;
        Ok(())
    }

    /// In the order of the schema.
    fn write_group(&mut self) -> Result<()> {
        let rows = &mut self.rows;
        let chains = vec![self.chain.clone(); rows.time.len()];
        let mut group = self.file.next_row_group()?;
        write::<ByteArrayType>(&mut group, &chains, None)?;
        write::<Int64Type>(&mut group, &rows.height, None)?;
        write::<Int64Type>(&mut group, &rows.time, None)?;
        write::<FixedLenByteArrayType>(&mut group, &rows.tx, None)?;
        write::<Int32Type>(&mut group, &rows.tx_index, None)?;
        write_optional::<ByteArrayType>(&mut group, &rows.position)?;
        if !self.is_utxo {
            write_optional::<Int32Type>(&mut group, &rows.log_index)?;
        }
        write_optional::<ByteArrayType>(&mut group, &rows.from)?;
        write_optional::<ByteArrayType>(&mut group, &rows.to)?;
        if !self.is_utxo {
            write_optional::<ByteArrayType>(&mut group, &rows.symbol)?;
            write_optional::<ByteArrayType>(&mut group, &rows.contract)?;
            write_optional::<Int32Type>(&mut group, &rows.decimals)?;
        }
        write::<FixedLenByteArrayType>(&mut group, &rows.amount, None)?;
        if self.is_utxo {
            write_optional::<FixedLenByteArrayType>(&mut group, &rows.prev_tx)?;
            write_optional::<Int32Type>(&mut group, &rows.prev_index)?;
        }
        group.close()?;
        rows.clear();
        Ok(())
    }
}

impl Rows {
    fn transfer(&mut self, transfer: &Transfer) {
        let amount = transfer.amount.to_be_bytes::<32>();
        self.head(transfer.tx.hash, transfer.height, transfer.tx_index, transfer.time);
        let log = match transfer.position {
            Position::Log(index) => Some(index.cast_signed()),
            _ => None,
        };
        let other = log.is_none().then(|| transfer.position.to_string());
        self.position.push(other.map(|text| ByteArray::from(text.as_str())));
        self.log_index.push(log);
        let bytes = |address: &model::Address| ByteArray::from(address.bytes().to_vec());
        self.from.push(transfer.from.as_ref().map(bytes));
        self.to.push(transfer.to.as_ref().map(bytes));
        let known = Registry::shipped().get(&transfer.asset);
        let symbol = known.and_then(|meta| meta.symbol.as_deref());
        self.symbol.push(symbol.map(ByteArray::from));
        self.contract.push(transfer.asset.contract().map(bytes));
        self.decimals.push(super::decimals(&transfer.asset).map(i32::from));
        self.amount.push(ByteArray::from(amount.to_vec()).into());
    }

    fn transaction(&mut self, tx: &UtxoTransaction) {
        for (input, index) in tx.inputs.iter().zip(0..) {
            let previous = input.previous.as_ref().expect("a drill knows what it spends");
            self.leg(tx, Position::Input(index), previous.value);
            self.from.push(Some(ByteArray::from(previous.address.bytes().to_vec())));
            self.to.push(None);
            self.prev_tx.push(Some(fixed(&input.outpoint.tx.hash)));
            self.prev_index.push(Some(input.outpoint.index.cast_signed()));
        }
        for (output, index) in tx.outputs.iter().zip(0..) {
            self.leg(tx, Position::Output(index), output.value);
            self.from.push(None);
            self.to.push(Some(ByteArray::from(output.address.bytes().to_vec())));
            self.prev_tx.push(None);
            self.prev_index.push(None);
        }
    }

    fn leg(&mut self, tx: &UtxoTransaction, position: Position, value: u64) {
        self.head(tx.id.hash, tx.height, tx.index, tx.time);
        self.position.push(Some(ByteArray::from(position.to_string().as_str())));
        let amount = model::U256::from(value).to_be_bytes::<32>();
        self.amount.push(ByteArray::from(amount.to_vec()).into());
    }

    fn head(&mut self, tx: TxHash, height: Option<u64>, index: Option<u32>, time: Timestamp) {
        self.time.push(time.as_millisecond());
        self.height.push(height.unwrap_or_default().cast_signed());
        self.tx_index.push(index.unwrap_or_default().cast_signed());
        let known = self.last_tx.as_ref().filter(|(known, _)| *known == tx);
        let bytes = known.map_or_else(|| fixed(&tx), |(_, bytes)| bytes.clone());
        self.last_tx = Some((tx, bytes.clone()));
        self.tx.push(bytes);
    }

    fn clear(&mut self) {
        self.time.clear();
        self.tx.clear();
        self.height.clear();
        self.tx_index.clear();
        self.amount.clear();
        for texts in
            [&mut self.position, &mut self.from, &mut self.to, &mut self.symbol, &mut self.contract]
        {
            texts.clear();
        }
        for numbers in [&mut self.log_index, &mut self.decimals, &mut self.prev_index] {
            numbers.clear();
        }
        self.prev_tx.clear();
    }
}

fn fixed(hash: &TxHash) -> FixedLenByteArray {
    ByteArray::from(hash.bytes().to_vec()).into()
}

fn write<T: ::parquet::data_type::DataType>(
    group: &mut SerializedRowGroupWriter<'_, File>,
    values: &[T::T],
    levels: Option<&[i16]>,
) -> Result<()> {
    let mut column = group.next_column()?.expect("columns are written in the schema's order");
    column.typed::<T>().write_batch(values, levels, None)?;
    column.close()?;
    Ok(())
}

fn write_optional<T: ::parquet::data_type::DataType>(
    group: &mut SerializedRowGroupWriter<'_, File>,
    column: &Optional<T::T>,
) -> Result<()> {
    write::<T>(group, &column.values, Some(&column.levels))
}

fn schema(chain: Chain) -> String {
    let hash = if matches!(chain, Chain::Solana(_)) { 64 } else { 32 };
    let head = format!(
        "REQUIRED BYTE_ARRAY chain (STRING); REQUIRED INT64 block; \
         REQUIRED INT64 time (TIMESTAMP(MILLIS,true)); \
         REQUIRED FIXED_LEN_BYTE_ARRAY({hash}) tx_hash; REQUIRED INT32 tx_index; \
         OPTIONAL BYTE_ARRAY position (STRING);"
    );
    let ends = "OPTIONAL BYTE_ARRAY from; OPTIONAL BYTE_ARRAY to;";
    let amount = "REQUIRED FIXED_LEN_BYTE_ARRAY(32) amount_base;";
    let rest = if chain.is_utxo() {
        format!(
            "{ends} {amount} OPTIONAL FIXED_LEN_BYTE_ARRAY(32) prev_tx; OPTIONAL INT32 prev_index;"
        )
    } else {
        format!(
            "OPTIONAL INT32 log_index; {ends} OPTIONAL BYTE_ARRAY asset (STRING); \
             OPTIONAL BYTE_ARRAY token_contract; OPTIONAL INT32 decimals; {amount}"
        )
    };
    format!("message transfers {{ {head} {rest} }}")
}

fn properties() -> WriterProperties {
    let mut properties = WriterProperties::builder()
        .set_writer_version(WriterVersion::PARQUET_1_0)
        .set_created_by("interdict drill".to_string())
        .set_compression(Compression::SNAPPY)
        .set_statistics_enabled(EnabledStatistics::None)
        .set_encoding(Encoding::PLAIN)
        .set_max_row_group_row_count(None);
    // Hashes and addresses are mostly new: a dictionary of them only costs.
    for column in ["tx_hash", "from", "to", "amount_base", "prev_tx"] {
        properties = properties.set_column_dictionary_enabled(ColumnPath::from(column), false);
    }
    properties.build()
}
