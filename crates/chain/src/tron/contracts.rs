//! What a transaction's own contract moves.
//!
//! Stake (freeze, unfreeze, delegate, vote) stays its owner's and is no
//! transfer, though it cannot be spent meanwhile: a delegate gets energy, never
//! TRX. What voting and producing earned is a transfer once it is withdrawn: no
//! node says when it was earned.

use model::{U256, hex};
use prost::Message;

use super::proto::{self, Permission};
use super::replies::{Info, Said, address, address_of};
use super::verify::Checked;

/// Numbers of `Transaction.Contract.ContractType`, with their names.
const KINDS: &[(i32, &str)] = &[
    (0, "AccountCreateContract"),
    (TRANSFER, "TransferContract"),
    (TRANSFER_ASSET, "TransferAssetContract"),
    (3, "VoteAssetContract"),
    (4, "VoteWitnessContract"),
    (5, "WitnessCreateContract"),
    (ASSET_ISSUE, "AssetIssueContract"),
    (8, "WitnessUpdateContract"),
    (PARTICIPATE, "ParticipateAssetIssueContract"),
    (10, "AccountUpdateContract"),
    (11, "FreezeBalanceContract"),
    (12, "UnfreezeBalanceContract"),
    (WITHDRAW, "WithdrawBalanceContract"),
    (14, "UnfreezeAssetContract"),
    (15, "UpdateAssetContract"),
    (16, "ProposalCreateContract"),
    (17, "ProposalApproveContract"),
    (18, "ProposalDeleteContract"),
    (19, "SetAccountIdContract"),
    (20, "CustomContract"),
    (CREATE, "CreateSmartContract"),
    (TRIGGER, "TriggerSmartContract"),
    (32, "GetContract"),
    (33, "UpdateSettingContract"),
    (41, "ExchangeCreateContract"),
    (42, "ExchangeInjectContract"),
    (43, "ExchangeWithdrawContract"),
    (44, "ExchangeTransactionContract"),
    (45, "UpdateEnergyLimitContract"),
    (PERMISSION, "AccountPermissionUpdateContract"),
    (48, "ClearABIContract"),
    (49, "UpdateBrokerageContract"),
    (SHIELDED, "ShieldedTransferContract"),
    (52, "MarketSellAssetContract"),
    (53, "MarketCancelOrderContract"),
    (54, "FreezeBalanceV2Contract"),
    (55, "UnfreezeBalanceV2Contract"),
    (56, "WithdrawExpireUnfreezeContract"),
    (57, "DelegateResourceContract"),
    (58, "UnDelegateResourceContract"),
    (59, "CancelAllUnfreezeV2Contract"),
];

const TRANSFER: i32 = 1;
const TRANSFER_ASSET: i32 = 2;
const ASSET_ISSUE: i32 = 6;
const PARTICIPATE: i32 = 9;
const WITHDRAW: i32 = 13;
const CREATE: i32 = 30;
const TRIGGER: i32 = 31;
const PERMISSION: i32 = 46;
const SHIELDED: i32 = 51;

/// Token numbers begin here. Before tokens had numbers they were named by names.
const TRC10_FIRST: u64 = 1_000_001;

/// What a transaction says it does.
#[derive(Debug, PartialEq, Eq)]
pub struct Deed {
    /// Whose transaction it is: pays its fee. None where nobody signed it.
    pub owner: Option<[u8; 20]>,
    pub moves: Vec<Move>,
    /// Worth knowing, and no transfer.
    pub odd: Vec<String>,
    pub issued: Option<Issued>,
}

#[derive(Debug, PartialEq, Eq)]
pub struct Move {
    pub from: Option<[u8; 20]>,
    pub to: [u8; 20],
    pub coin: Coin,
    pub amount: U256,
    pub is_reward: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coin {
    Trx,
    Trc10(u64),
}

/// A TRC-10 token that the transaction made.
#[derive(Debug, PartialEq, Eq)]
pub struct Issued {
    pub id: u64,
    pub symbol: String,
    pub decimals: u8,
}

/// Reads the contract. The error says what is impossible about it.
pub fn read(tx: &Checked, info: &Info) -> Result<Deed, String> {
    let mut deed = Deed { owner: None, moves: Vec::new(), odd: Vec::new(), issued: None };
    match tx.kind {
        TRANSFER => transfer(tx, &mut deed)?,
        TRANSFER_ASSET => transfer_asset(tx, &mut deed)?,
        PARTICIPATE => participate(tx, &mut deed)?,
        ASSET_ISSUE => issue(tx, info, &mut deed)?,
        CREATE => create(tx, info, &mut deed)?,
        TRIGGER => trigger(tx, &mut deed)?,
        WITHDRAW => withdraw(tx, info, &mut deed)?,
        PERMISSION => permission(tx, &mut deed)?,
        SHIELDED => {
            let message: proto::ShieldedTransfer = decode(tx)?;
            // From the shielded side nobody is named.
            deed.owner = address(&message.from);
            deed.odd.push("a shielded transfer: what it moves is not read".into());
        }
        kind => {
            deed.owner = Some(owner(&decode::<proto::Owned>(tx)?.owner)?);
            deed.odd.extend(not_read(kind));
        }
    }
    Ok(deed)
}

/// Moves value by books of the chain that nodes do not show in a block.
fn not_read(kind: i32) -> Option<String> {
    match kind {
        41..=44 => {
            Some("it trades with one of the chain's own exchanges, which is not read".into())
        }
        52 | 53 => Some("an order on the chain's own market, which is not read".into()),
        20 | 32 => Some(format!("a contract of kind {kind}, which is not read")),
        _ if KINDS.iter().all(|(known, _)| *known != kind) => {
            Some(format!("a contract of a kind not known here, {kind}: what it moves is not read"))
        }
        _ => None,
    }
}

fn transfer(tx: &Checked, deed: &mut Deed) -> Result<(), String> {
    let message: proto::Transfer = decode(tx)?;
    let from = owner(&message.owner)?;
    deed.owner = Some(from);
    deed.give(Some(from), account(&message.to)?, Coin::Trx, message.amount)
}

fn transfer_asset(tx: &Checked, deed: &mut Deed) -> Result<(), String> {
    let message: proto::TransferAsset = decode(tx)?;
    let from = owner(&message.owner)?;
    deed.owner = Some(from);
    match token(&message.asset_name) {
        Some(coin) => deed.give(Some(from), account(&message.to)?, coin, message.amount),
        None => {
            let name = String::from_utf8_lossy(&message.asset_name).into_owned();
            let what = "it moves a token by its name, whose number is not said, and is left out";
            deed.odd.push(format!("{what}: {name:?}"));
            Ok(())
        }
    }
}

fn participate(tx: &Checked, deed: &mut Deed) -> Result<(), String> {
    let message: proto::ParticipateAssetIssue = decode(tx)?;
    let from = owner(&message.owner)?;
    deed.owner = Some(from);
    let what = "it buys a token from its issuer: the TRX is stated, the tokens are not said";
    deed.odd.push(what.into());
    deed.give(Some(from), account(&message.to)?, Coin::Trx, message.amount)
}

/// All of a new token is its issuer's, what is locked for a time too.
fn issue(tx: &Checked, info: &Info, deed: &mut Deed) -> Result<(), String> {
    let message: proto::AssetIssue = decode(tx)?;
    let issuer = owner(&message.owner)?;
    deed.owner = Some(issuer);
    let id = info.asset_issue_id.as_deref().and_then(|id| token(id.as_bytes()));
    let Some(Coin::Trc10(id)) = id else {
        deed.odd.push("it makes a token whose number is not said".into());
        return Ok(());
    };
    let symbol = if message.abbr.is_empty() { &message.name } else { &message.abbr };
    let symbol = String::from_utf8_lossy(symbol).into_owned();
    let decimals = u8::try_from(message.precision).map_err(|_| "a token of such decimals")?;
    deed.issued = Some(Issued { id, symbol, decimals });
    deed.give(None, issuer, Coin::Trc10(id), message.total_supply)
}

fn create(tx: &Checked, info: &Info, deed: &mut Deed) -> Result<(), String> {
    let message: proto::CreateSmartContract = decode(tx)?;
    let from = owner(&message.owner)?;
    deed.owner = Some(from);
    let contract = created(&tx.id, &from);
    let stated = info.contract_address.as_deref().filter(|text| !text.is_empty());
    if stated.is_some_and(|text| address_of(text) != Some(contract)) {
        return Err("its answers name another created contract than id and owner make".into());
    }
    let value = message.new_contract.unwrap_or_default().call_value;
    deed.give(Some(from), contract, Coin::Trx, value)?;
    deed.give_token(from, contract, message.token_id, message.call_token_value)
}

fn trigger(tx: &Checked, deed: &mut Deed) -> Result<(), String> {
    let message: proto::TriggerSmartContract = decode(tx)?;
    let from = owner(&message.owner)?;
    deed.owner = Some(from);
    let contract = account(&message.contract)?;
    deed.give(Some(from), contract, Coin::Trx, message.call_value)?;
    deed.give_token(from, contract, message.token_id, message.call_token_value)
}

fn withdraw(tx: &Checked, info: &Info, deed: &mut Deed) -> Result<(), String> {
    let message: proto::Owned = decode(tx)?;
    let to = owner(&message.owner)?;
    deed.owner = Some(to);
    deed.give(None, to, Coin::Trx, info.withdraw_amount)?;
    deed.moves.iter_mut().for_each(|given| given.is_reward = true);
    Ok(())
}

/// Whoever holds the owner permission holds the account: a theft can be this alone.
fn permission(tx: &Checked, deed: &mut Deed) -> Result<(), String> {
    let message: proto::AccountPermissionUpdate = decode(tx)?;
    let account = owner(&message.account)?;
    deed.owner = Some(account);
    let mut parts = Vec::new();
    parts.extend(message.owner.iter().map(|permission| held("owner", permission)));
    parts.extend(message.witness.iter().map(|permission| held("witness", permission)));
    parts.extend(message.actives.iter().map(|permission| held("active", permission)));
    let whose = model::Address::Tron(account).text(model::Chain::TRON);
    deed.odd.push(format!("permissions of {whose} changed: {}", parts.join("; ")));
    Ok(())
}

fn held(name: &str, permission: &Permission) -> String {
    let keys = permission.keys.iter().map(|key| {
        let who = address(&key.address).map_or_else(
            || hex::encode(&key.address),
            |bytes| model::Address::Tron(bytes).text(model::Chain::TRON),
        );
        format!("{who} (weight {})", key.weight)
    });
    let keys: Vec<String> = keys.collect();
    format!("{name} by {} at threshold {}", keys.join(", "), permission.threshold)
}

impl Deed {
    fn give(
        &mut self,
        from: Option<[u8; 20]>,
        to: [u8; 20],
        coin: Coin,
        amount: i64,
    ) -> Result<(), String> {
        let amount = amount_of(coin, amount)?;
        if !amount.is_zero() {
            self.moves.push(Move { from, to, coin, amount, is_reward: false });
        }
        Ok(())
    }

    fn give_token(
        &mut self,
        from: [u8; 20],
        to: [u8; 20],
        id: i64,
        amount: i64,
    ) -> Result<(), String> {
        if amount == 0 {
            return Ok(());
        }
        let id = u64::try_from(id).map_err(|_| format!("a token numbered {id}"))?;
        self.give(Some(from), to, Coin::Trc10(id), amount)
    }
}

/// All TRX there ever were is about 10^17 sun. Test networks hand out more.
const SUN_MAX: i64 = 1_000_000_000_000_000_000;

pub fn amount_of(coin: Coin, amount: i64) -> Result<U256, String> {
    let is_possible = amount >= 0 && (coin != Coin::Trx || amount <= SUN_MAX);
    let amount = u64::try_from(amount).ok().filter(|_| is_possible).map(U256::from);
    amount.ok_or_else(|| "an amount that cannot be".to_string())
}

/// A token as transactions name it: its number in digits.
pub fn token(name: &[u8]) -> Option<Coin> {
    let text = std::str::from_utf8(name).ok()?;
    let id: u64 = text.parse().ok().filter(|id| *id >= TRC10_FIRST)?;
    Some(Coin::Trc10(id))
}

/// `WalletUtil.generateContractAddress` of java-tron.
pub fn created(tx: &[u8; 32], owner: &[u8; 20]) -> [u8; 20] {
    let digest = alloy_primitives::keccak256([&tx[..], &[0x41], owner].concat());
    digest[12..].try_into().expect("32 bytes less 12")
}

/// Does the JSON say what the bytes do? Only bytes are read; a node whose
/// JSON says otherwise means to deceive whoever reads that.
pub fn agree(tx: &Checked, (kind, said): &(Option<String>, Said)) -> Result<(), String> {
    let name = KINDS.iter().find(|(known, _)| *known == tx.kind).map(|(_, name)| *name);
    if let (Some(kind), Some(name)) = (kind, name)
        && kind != name
    {
        return Err(format!("{kind} for {name}"));
    }
    match tx.kind {
        TRANSFER => {
            let message: proto::Transfer = decode(tx)?;
            same_bytes("owner_address", said.owner_address.as_deref(), &message.owner)?;
            same_bytes("to_address", said.to_address.as_deref(), &message.to)?;
            same_number("amount", said.amount, message.amount)
        }
        TRANSFER_ASSET => {
            let message: proto::TransferAsset = decode(tx)?;
            same_bytes("owner_address", said.owner_address.as_deref(), &message.owner)?;
            same_bytes("to_address", said.to_address.as_deref(), &message.to)?;
            same_number("amount", said.amount, message.amount)
        }
        TRIGGER => {
            let message: proto::TriggerSmartContract = decode(tx)?;
            same_bytes("owner_address", said.owner_address.as_deref(), &message.owner)?;
            same_bytes("contract_address", said.contract_address.as_deref(), &message.contract)?;
            same_number("call_value", said.call_value, message.call_value)
        }
        _ => Ok(()),
    }
}

fn same_bytes(name: &str, said: Option<&str>, bytes: &[u8]) -> Result<(), String> {
    match said {
        Some(said) if hex::decode(said).as_deref() != Some(bytes) => {
            Err(format!("{name} {said} for {}", hex::encode(bytes)))
        }
        _ => Ok(()),
    }
}

fn same_number(name: &str, said: Option<i64>, number: i64) -> Result<(), String> {
    match said {
        Some(said) if said != number => Err(format!("{name} {said} for {number}")),
        _ => Ok(()),
    }
}

fn decode<M: Message + Default>(tx: &Checked) -> Result<M, String> {
    M::decode(&tx.value[..]).map_err(|_| "its contract's bytes are not of its kind".to_string())
}

fn owner(bytes: &[u8]) -> Result<[u8; 20], String> {
    address(bytes).ok_or_else(|| format!("an owner {}, no address", hex::encode(bytes)))
}

fn account(bytes: &[u8]) -> Result<[u8; 20], String> {
    address(bytes).ok_or_else(|| format!("a receiver {}, no address", hex::encode(bytes)))
}

/// Whom a transaction of the first block gives what.
pub fn genesis(tx: &Checked) -> Result<Option<([u8; 20], U256)>, String> {
    if tx.kind != TRANSFER {
        return Ok(None);
    }
    let message: proto::Transfer = decode(tx)?;
    let amount = u64::try_from(message.amount).map_err(|_| "an amount below zero")?;
    Ok((amount > 0).then_some((account(&message.to)?, U256::from(amount))))
}
