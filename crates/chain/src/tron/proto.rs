//! The protocol buffers of Tron that say where value goes: only the fields read here.
//!
//! A transaction's id is the hash of its `raw` message, so what these bytes say
//! was signed; what a node writes beside them as JSON was not.
//! Source: `core/Tron.proto` and `core/contract/*.proto` of <https://github.com/tronprotocol/protocol>.

use prost::Message;

/// `BlockHeader.raw`: its hash, with the height in front, is the block's id.
#[derive(Clone, PartialEq, Message)]
pub struct Header {
    #[prost(int64, tag = "1")]
    pub timestamp: i64,
    #[prost(bytes = "vec", tag = "2")]
    pub tx_trie_root: Vec<u8>,
    #[prost(bytes = "vec", tag = "3")]
    pub parent_hash: Vec<u8>,
    #[prost(int64, tag = "7")]
    pub number: i64,
    #[prost(int64, tag = "8")]
    pub witness_id: i64,
    #[prost(bytes = "vec", tag = "9")]
    pub witness_address: Vec<u8>,
    #[prost(int32, tag = "10")]
    pub version: i32,
    #[prost(bytes = "vec", tag = "11")]
    pub account_state_root: Vec<u8>,
}

/// `Transaction` around the bytes of its `raw`: the leaf of a block's tree.
#[derive(Clone, PartialEq, Message)]
pub struct Transaction {
    #[prost(bytes = "vec", tag = "1")]
    pub raw: Vec<u8>,
    #[prost(bytes = "vec", repeated, tag = "2")]
    pub signature: Vec<Vec<u8>>,
    #[prost(message, repeated, tag = "5")]
    pub ret: Vec<Ret>,
}

/// `Transaction.Result`, as far as blocks hold it.
#[derive(Clone, PartialEq, Message)]
pub struct Ret {
    #[prost(int64, tag = "1")]
    pub fee: i64,
    #[prost(int32, tag = "2")]
    pub code: i32,
    #[prost(int32, tag = "3")]
    pub contract_ret: i32,
}

/// `Transaction.raw`.
#[derive(Clone, PartialEq, Message)]
pub struct Raw {
    #[prost(message, repeated, tag = "11")]
    pub contract: Vec<Contract>,
}

#[derive(Clone, PartialEq, Message)]
pub struct Contract {
    #[prost(int32, tag = "1")]
    pub kind: i32,
    #[prost(message, optional, tag = "2")]
    pub parameter: Option<Any>,
}

#[derive(Clone, PartialEq, Message)]
pub struct Any {
    #[prost(string, tag = "1")]
    pub type_url: String,
    #[prost(bytes = "vec", tag = "2")]
    pub value: Vec<u8>,
}

/// What most contracts have in common. A few name a token before it.
#[derive(Clone, PartialEq, Message)]
pub struct Owned {
    #[prost(bytes = "vec", tag = "1")]
    pub owner: Vec<u8>,
}

#[derive(Clone, PartialEq, Message)]
pub struct Transfer {
    #[prost(bytes = "vec", tag = "1")]
    pub owner: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    pub to: Vec<u8>,
    #[prost(int64, tag = "3")]
    pub amount: i64,
}

#[derive(Clone, PartialEq, Message)]
pub struct TransferAsset {
    #[prost(bytes = "vec", tag = "1")]
    pub asset_name: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    pub owner: Vec<u8>,
    #[prost(bytes = "vec", tag = "3")]
    pub to: Vec<u8>,
    #[prost(int64, tag = "4")]
    pub amount: i64,
}

/// TRX for tokens from their issuer's first sale.
#[derive(Clone, PartialEq, Message)]
pub struct ParticipateAssetIssue {
    #[prost(bytes = "vec", tag = "1")]
    pub owner: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    pub to: Vec<u8>,
    #[prost(bytes = "vec", tag = "3")]
    pub asset_name: Vec<u8>,
    #[prost(int64, tag = "4")]
    pub amount: i64,
}

#[derive(Clone, PartialEq, Message)]
pub struct AssetIssue {
    #[prost(bytes = "vec", tag = "1")]
    pub owner: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    pub name: Vec<u8>,
    #[prost(bytes = "vec", tag = "3")]
    pub abbr: Vec<u8>,
    #[prost(int64, tag = "4")]
    pub total_supply: i64,
    #[prost(int32, tag = "7")]
    pub precision: i32,
}

/// TRX and tokens from the transparent side to the shielded one, and back.
#[derive(Clone, PartialEq, Message)]
pub struct ShieldedTransfer {
    #[prost(bytes = "vec", tag = "1")]
    pub from: Vec<u8>,
}

#[derive(Clone, PartialEq, Message)]
pub struct CreateSmartContract {
    #[prost(bytes = "vec", tag = "1")]
    pub owner: Vec<u8>,
    #[prost(message, optional, tag = "2")]
    pub new_contract: Option<SmartContract>,
    #[prost(int64, tag = "3")]
    pub call_token_value: i64,
    #[prost(int64, tag = "4")]
    pub token_id: i64,
}

#[derive(Clone, PartialEq, Message)]
pub struct SmartContract {
    #[prost(int64, tag = "5")]
    pub call_value: i64,
}

#[derive(Clone, PartialEq, Message)]
pub struct TriggerSmartContract {
    #[prost(bytes = "vec", tag = "1")]
    pub owner: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    pub contract: Vec<u8>,
    #[prost(int64, tag = "3")]
    pub call_value: i64,
    #[prost(int64, tag = "5")]
    pub call_token_value: i64,
    #[prost(int64, tag = "6")]
    pub token_id: i64,
}

#[derive(Clone, PartialEq, Message)]
pub struct AccountPermissionUpdate {
    #[prost(bytes = "vec", tag = "1")]
    pub account: Vec<u8>,
    #[prost(message, optional, tag = "2")]
    pub owner: Option<Permission>,
    #[prost(message, optional, tag = "3")]
    pub witness: Option<Permission>,
    #[prost(message, repeated, tag = "4")]
    pub actives: Vec<Permission>,
}

#[derive(Clone, PartialEq, Message)]
pub struct Permission {
    #[prost(int64, tag = "4")]
    pub threshold: i64,
    #[prost(message, repeated, tag = "7")]
    pub keys: Vec<Key>,
}

#[derive(Clone, PartialEq, Message)]
pub struct Key {
    #[prost(bytes = "vec", tag = "1")]
    pub address: Vec<u8>,
    #[prost(int64, tag = "2")]
    pub weight: i64,
}
