//! Tables of EVM chains: what a row of each states, whoever wrote the file.
//!
//! `ethereum-etl` and `cryo` export the same things under slightly different
//! names; a column is asked for by all of them.

mod logs;
mod tables;
mod traces;

use std::collections::BTreeSet;

use model::{Chain, TimeSource, Timestamp, TxId};

use super::error::{ImportError, Place, Problem};
use super::fields::{Fields, Names};
use super::run::Run;
use crate::evm::place::{InTx, block_event};
use traces::TraceBuffer;

pub const HEIGHT: Names<'_> = &["block_number", "number"];
pub const TIME: Names<'_> = &["block_timestamp", "timestamp"];
pub const TX: Names<'_> = &["transaction_hash", "hash"];
pub const TX_INDEX: Names<'_> = &["transaction_index", "transaction_position"];
pub const FROM: Names<'_> = &["from_address", "action_from"];
pub const TO: Names<'_> = &["to_address", "action_to"];
pub const VALUE: Names<'_> = &[
    "value",
    "value_string",
    "value_binary",
    "value_u256binary",
    "value_str",
    "action_value",
    "value_u64",
    "value_f64",
    "value_float",
    "value_f32",
];
pub const LOG_INDEX: Names<'_> = &["log_index"];
const CHAIN_ID: Names<'_> = &["chain_id"];

/// What a file of an EVM export holds. In the order to import them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Table {
    Blocks,
    Tokens,
    Contracts,
    Transactions,
    Receipts,
    Traces,
    /// Value-moving calls without their place in the call tree (`cryo`).
    NativeTransfers,
    Logs,
    TokenTransfers,
    NftTransfers,
}

impl Table {
    /// Tells a table by its columns.
    pub fn by_columns(has: &dyn Fn(&str) -> bool) -> Option<Table> {
        let any = |names: &[&str]| names.iter().any(|name| has(name));
        let table = if any(&["trace_type", "action_type"]) {
            Table::Traces
        } else if has("transfer_index") && has("from_address") {
            Table::NativeTransfers
        } else if any(&["topics", "topic0"]) {
            Table::Logs
        } else if has("symbol") && has("decimals") {
            Table::Tokens
        } else if has("is_erc721") {
            Table::Contracts
        } else if any(&[
            "erc721",
            "token_id",
            "token_id_string",
            "token_id_binary",
            "token_id_u256binary",
        ]) && has("log_index")
        {
            Table::NftTransfers
        } else if any(&["token_address", "erc20"]) && has("log_index") {
            Table::TokenTransfers
        } else if any(TX) && has("from_address") && any(VALUE) {
            Table::Transactions
        } else if has("cumulative_gas_used") {
            Table::Receipts
        } else if any(HEIGHT) && any(&["hash", "block_hash"]) && has("timestamp") {
            Table::Blocks
        } else {
            return None;
        };
        Some(table)
    }

    /// `ethereum-etl`'s streams say what each line is.
    pub fn by_type(name: &str) -> Option<Table> {
        Some(match name {
            "block" => Table::Blocks,
            "token" => Table::Tokens,
            "contract" => Table::Contracts,
            "transaction" => Table::Transactions,
            "receipt" => Table::Receipts,
            "trace" => Table::Traces,
            "log" => Table::Logs,
            "token_transfer" => Table::TokenTransfers,
            _ => return None,
        })
    }

    pub const EXPECTED: &'static str = "columns of blocks, transactions, receipts, traces, logs, token transfers, tokens or contracts";
}

/// What earlier rows of a file told.
#[derive(Default)]
pub struct Evm {
    traces: TraceBuffer,
    /// Contracts this very file calls ERC-721.
    nft_contracts: BTreeSet<[u8; 20]>,
    said: BTreeSet<&'static str>,
}

impl Evm {
    pub fn row(
        &mut self,
        table: Table,
        fields: &Fields<'_>,
        run: &mut Run<'_>,
    ) -> Result<(), ImportError> {
        run.row();
        let chain = self.chain(fields, run)?;
        match table {
            Table::Blocks => self.block(chain, fields, run),
            Table::Tokens => tables::token(chain, fields, run),
            Table::Contracts => self.contract(fields),
            Table::Transactions => self.transaction(chain, fields, run),
            Table::Receipts => tables::receipt(chain, fields, run),
            Table::Traces => {
                let trace = traces::trace(fields)?;
                self.traces.add(chain, trace, fields.place, run)
            }
            Table::NativeTransfers => {
                let what =
                    "native_transfers lists delegate calls like real ones: prefer the traces table";
                self.once("delegate calls", Some(fields.place), what, run)?;
                let trace = traces::native_transfer(fields)?;
                self.traces.add(chain, trace, fields.place, run)
            }
            Table::Logs => logs::log(chain, fields, run),
            Table::TokenTransfers => logs::token_transfer(chain, fields, &self.nft_contracts, run),
            Table::NftTransfers => logs::nft_transfer(chain, fields, run),
        }
    }

    pub fn finish(&mut self, run: &mut Run<'_>) -> Result<(), ImportError> {
        self.traces.flush(run)
    }

    fn contract(&mut self, fields: &Fields<'_>) -> Result<(), ImportError> {
        self.nft_contracts.extend(nft_contract(fields)?);
        Ok(())
    }

    /// Said by the row, else by the user, else taken for Ethereum.
    fn chain(&mut self, fields: &Fields<'_>, run: &mut Run<'_>) -> Result<Chain, ImportError> {
        let stated = fields.whole(CHAIN_ID)?.map(Chain::Evm);
        match (stated, run.options.chain) {
            (Some(stated), Some(given)) if stated != given => Err(fields.error(
                CHAIN_ID,
                Problem::other(format!("the file says {stated}, --chain says {given}")),
            )),
            (Some(stated), _) => Ok(stated),
            (None, Some(given @ Chain::Evm(_))) => Ok(given),
            (None, Some(given)) => Err(run.error(
                None,
                None,
                Problem::other(format!("{given} is not an EVM chain, as this format needs")),
            )),
            (None, None) => {
                let what = "the file does not say its chain: Ethereum (eip155:1) assumed; --chain says another";
                self.once("chain", None, what, run)?;
                Ok(Chain::ETHEREUM)
            }
        }
    }

    /// An oddity of the whole file is stated once.
    fn once(
        &mut self,
        about: &'static str,
        place: Option<Place>,
        what: &str,
        run: &mut Run<'_>,
    ) -> Result<(), ImportError> {
        if self.said.insert(about) { run.oddity(place, what) } else { Ok(()) }
    }
}

/// The address of a contract that is called ERC-721.
pub fn nft_contract(fields: &Fields<'_>) -> Result<Option<[u8; 20]>, ImportError> {
    if !fields.boolean(&["is_erc721"])?.unwrap_or(false) {
        return Ok(None);
    }
    fields.address(&["address"])
}

/// What every row of a transaction says alike.
fn in_tx(chain: Chain, fields: &Fields<'_>) -> Result<InTx, ImportError> {
    let hash = fields.hash(TX)?.ok_or_else(|| fields.missing(TX, "a transaction hash"))?;
    within(TxId { chain, hash }, fields)
}

fn within(tx: TxId, fields: &Fields<'_>) -> Result<InTx, ImportError> {
    let (time, time_source) = time(fields)?;
    Ok(InTx {
        tx,
        height: fields.whole(HEIGHT)?,
        tx_index: fields.whole32(TX_INDEX)?,
        time,
        time_source,
    })
}

/// Many tables have heights only: the store then knows the time from elsewhere.
fn time(fields: &Fields<'_>) -> Result<(Timestamp, TimeSource), ImportError> {
    let time = fields.time(TIME)?;
    Ok(time.map_or((Timestamp::UNIX_EPOCH, TimeSource::Unknown), |time| (time, TimeSource::Stated)))
}

fn required<T>(
    value: Option<T>,
    fields: &Fields<'_>,
    names: Names<'_>,
    expected: &str,
) -> Result<T, ImportError> {
    value.ok_or_else(|| fields.missing(names, expected))
}

#[cfg(test)]
mod tests;
