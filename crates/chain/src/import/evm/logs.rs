//! Events that move tokens, raw or already decoded.

use std::collections::BTreeSet;

use model::{Chain, Evidence, Fact, FreezeAction, TimeSource, TransferKind};

use super::{FROM, Fields, ImportError, LOG_INDEX, Names, Run, TO, VALUE, in_tx, required};
use crate::evm::events::{self, Event, Moved, What};

const TOKEN: Names<'_> = &["token_address", "erc20", "erc721"];
const NFT: Names<'_> = &["erc721", "erc20", "token_address"];
const TOKEN_ID: Names<'_> =
    &["token_id", "token_id_string", "token_id_binary", "token_id_u256binary", "token_id_f64"];
const ADDRESS: Names<'_> = &["address", "contract_address"];

/// One token moved by an event, and where that stands.
struct At {
    contract: [u8; 20],
    log_index: u32,
    moved: Moved,
}

pub fn token_transfer(
    chain: Chain,
    fields: &Fields<'_>,
    nft_contracts: &BTreeSet<[u8; 20]>,
    run: &mut Run<'_>,
) -> Result<(), ImportError> {
    let contract = required(fields.address(TOKEN)?, fields, TOKEN, "the token's contract")?;
    let value = required(fields.base(VALUE)?, fields, VALUE, "an amount")?;
    let is_nft = run.nft_contracts.contains(&contract) || nft_contracts.contains(&contract);
    let what = if is_nft { What::one(value) } else { What::Amount(value) };
    state(chain, moved(contract, what, fields)?, fields, run)
}

pub fn nft_transfer(
    chain: Chain,
    fields: &Fields<'_>,
    run: &mut Run<'_>,
) -> Result<(), ImportError> {
    let contract = required(fields.address(NFT)?, fields, NFT, "the token's contract")?;
    let id = required(fields.base(TOKEN_ID)?, fields, TOKEN_ID, "a token's id")?;
    state(chain, moved(contract, What::one(id), fields)?, fields, run)
}

/// A raw event. Only `Transfer` with its two addresses indexed moves a token
/// here: 3 topics and 32 bytes are ERC-20, 4 topics ERC-721. Issuers' freezes are kept; others say nothing.
pub fn log(chain: Chain, fields: &Fields<'_>, run: &mut Run<'_>) -> Result<(), ImportError> {
    let topics = topics(fields)?;
    let Some((name, indexed)) = topics.split_first() else { return Ok(()) };
    // Most events are neither: their data is not even read.
    if *name != events::TRANSFER && !events::is_freeze(name) {
        return Ok(());
    }
    let data = fields.bytes(&["data"])?.unwrap_or_default();
    if let Some((holder, action)) = events::freeze(&topics, &data) {
        return freeze(chain, holder, action, fields, run);
    }
    let moved = match events::transfer(indexed, &data) {
        Some(Event::Moved(moved)) => moved,
        Some(Event::Odd(what)) => return run.oddity(Some(fields.place), what),
        _ => return Ok(()),
    };
    let contract = required(fields.address(ADDRESS)?, fields, ADDRESS, "the contract's address")?;
    let log_index = required(fields.whole32(LOG_INDEX)?, fields, LOG_INDEX, "a log index")?;
    state(chain, At { contract, log_index, moved }, fields, run)
}

/// Any contract may say so, of its own token only.
fn freeze(
    chain: Chain,
    holder: [u8; 20],
    action: FreezeAction,
    fields: &Fields<'_>,
    run: &mut Run<'_>,
) -> Result<(), ImportError> {
    let contract = required(fields.address(ADDRESS)?, fields, ADDRESS, "the contract's address")?;
    let log_index = required(fields.whole32(LOG_INDEX)?, fields, LOG_INDEX, "a log index")?;
    let about = in_tx(chain, fields)?;
    for fact in about.freeze(contract, log_index, holder, action) {
        // Transfers get their time from elsewhere; since when somebody is frozen must be said here.
        if matches!(fact, Fact::Freeze(_)) && about.time_source == TimeSource::Unknown {
            run.oddity(Some(fields.place), "a freeze whose row says no time is left out")?;
        } else {
            run.state(fact)?;
        }
    }
    Ok(())
}

fn moved(contract: [u8; 20], what: What, fields: &Fields<'_>) -> Result<At, ImportError> {
    let log_index = required(fields.whole32(LOG_INDEX)?, fields, LOG_INDEX, "a log index")?;
    let from = Some(required(fields.address(FROM)?, fields, FROM, "an address")?);
    let to = Some(required(fields.address(TO)?, fields, TO, "an address")?);
    Ok(At { contract, log_index, moved: Moved { from, to, what } })
}

fn state(chain: Chain, at: At, fields: &Fields<'_>, run: &mut Run<'_>) -> Result<(), ImportError> {
    let about = in_tx(chain, fields)?;
    let transfer = about.token(at.contract, at.log_index, &at.moved);
    if transfer.kind == TransferKind::Nft {
        run.state(Fact::NftLog { tx: about.tx, log_index: at.log_index })?;
    }
    run.transfer(transfer, Evidence::Log)
}

/// From one column each (`cryo`), or a list (`ethereum-etl`).
fn topics(fields: &Fields<'_>) -> Result<Vec<[u8; 32]>, ImportError> {
    let mut topics = Vec::new();
    if let Some(list) = fields.text(&["topics"])? {
        for topic in list.trim_matches(['[', ']']).split([',', '|']) {
            let topic = topic.trim_matches([' ', '"', '\'']);
            topics.push(
                crate::import::fields::unhex_array(topic)
                    .ok_or_else(|| fields.wrong(&["topics"], "a list of topics of 32 bytes"))?,
            );
        }
        return Ok(topics);
    }
    for name in ["topic0", "topic1", "topic2", "topic3"] {
        let Some(topic) = fields.hash(&[name])? else { break };
        topics.push(topic.bytes().try_into().expect("a hash read from 32 bytes has 32 bytes"));
    }
    Ok(topics)
}
