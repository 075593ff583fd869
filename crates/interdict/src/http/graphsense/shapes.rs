//! What GraphSense's clients read, field by field. Sources: `graphsenselib/web/models`, version 2.15.

use std::collections::BTreeMap;

use model::U256;
use serde::Serialize;

/// Base units. Clients read a whole number, so no text, and no float either.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Values {
    value: i128,
    /// No prices are given.
    fiat_values: [(); 0],
}

impl Values {
    /// What is beyond every asset's units is the most there can be.
    pub fn of(amount: U256) -> Values {
        Values { value: i128::try_from(amount).unwrap_or(i128::MAX), fiat_values: [] }
    }

    pub fn negative(self) -> Values {
        Values { value: -self.value, ..self }
    }
}

#[derive(Serialize)]
pub struct Stats {
    pub currencies: Vec<CurrencyStats>,
    pub version: &'static str,
}

#[derive(Serialize)]
pub struct CurrencyStats {
    pub name: String,
    pub network_type: &'static str,
    pub no_blocks: u64,
    pub no_txs: u64,
    pub no_addresses: u64,
    pub no_entities: u64,
    pub no_address_relations: u64,
    pub no_labels: usize,
    pub no_tagged_addresses: usize,
    pub timestamp: i64,
}

#[derive(Serialize)]
pub struct Search {
    pub currencies: Vec<Found>,
    pub labels: Vec<String>,
    pub actors: Vec<String>,
}

#[derive(Serialize)]
pub struct Found {
    pub currency: String,
    pub addresses: Vec<String>,
    pub txs: Vec<String>,
}

#[derive(Serialize)]
pub struct TxSummary {
    pub height: u64,
    pub timestamp: i64,
    pub tx_hash: String,
}

#[derive(Serialize)]
pub struct Address {
    pub currency: String,
    pub address: String,
    pub entity: u32,
    pub cluster: u32,
    pub balance: Values,
    pub total_received: Values,
    pub total_spent: Values,
    pub first_tx: Option<TxSummary>,
    pub last_tx: Option<TxSummary>,
    pub in_degree: usize,
    pub out_degree: usize,
    pub no_incoming_txs: usize,
    pub no_outgoing_txs: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aggregates_truncated: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total_tokens_received: Option<BTreeMap<String, Values>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total_tokens_spent: Option<BTreeMap<String, Values>>,
}

#[derive(Serialize)]
pub struct AddressTags {
    pub address_tags: Vec<AddressTag>,
    pub next_page: Option<String>,
}

#[derive(Serialize)]
pub struct AddressTag {
    pub label: String,
    pub tag_type: &'static str,
    pub tagpack_title: String,
    pub tagpack_is_public: bool,
    pub currency: String,
    pub category: Option<String>,
    pub concepts: Vec<String>,
    pub actor: Option<String>,
    pub source: String,
    pub confidence: String,
    pub confidence_level: u8,
    pub address: String,
    pub entity: u32,
    pub cluster: u32,
}

#[derive(Serialize)]
pub struct AddressTxs {
    pub address_txs: Vec<AddressTx>,
    pub next_page: Option<String>,
}

#[derive(Serialize)]
#[serde(untagged)]
pub enum AddressTx {
    Utxo(AddressTxUtxo),
    Account(TxAccount),
}

#[derive(Serialize)]
pub struct AddressTxUtxo {
    pub tx_type: &'static str,
    pub tx_hash: String,
    pub currency: String,
    pub coinbase: bool,
    pub height: u64,
    pub timestamp: i64,
    pub value: Values,
}

#[derive(Serialize)]
pub struct TxAccount {
    pub tx_type: &'static str,
    pub identifier: String,
    pub currency: String,
    pub network: String,
    pub tx_hash: String,
    pub height: u64,
    pub timestamp: i64,
    pub value: Values,
    pub from_address: String,
    pub to_address: String,
    pub token_tx_id: Option<u32>,
}

#[derive(Serialize)]
pub struct Neighbors {
    pub neighbors: Vec<Neighbor>,
    pub next_page: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub neighbors_truncated: Option<bool>,
}

#[derive(Serialize)]
pub struct Neighbor {
    pub value: Values,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_values: Option<BTreeMap<String, Values>>,
    pub no_txs: u64,
    pub labels: Vec<String>,
    pub address: Address,
}

#[derive(Serialize)]
#[serde(untagged)]
pub enum Tx {
    Utxo(TxUtxo),
    Account(TxAccount),
}

#[derive(Serialize)]
pub struct TxUtxo {
    pub tx_type: &'static str,
    pub currency: String,
    pub tx_hash: String,
    pub coinbase: bool,
    pub height: u64,
    pub no_inputs: usize,
    pub no_outputs: usize,
    pub timestamp: i64,
    pub total_input: Values,
    pub total_output: Values,
    pub inputs: Option<Vec<TxValue>>,
    pub outputs: Option<Vec<TxValue>>,
}

#[derive(Serialize)]
pub struct TxValue {
    pub address: Vec<String>,
    pub value: Values,
    pub index: usize,
}
