//! Events that move tokens, raw or already decoded.

use std::collections::BTreeSet;

use model::{Address, Asset, AssetKind, Chain, Evidence, Fact, Position, TransferKind, U256};

use super::{FROM, Fields, ImportError, InTx, LOG_INDEX, Names, Run, TO, VALUE, required};

/// keccak256("Transfer(address,address,uint256)"), of ERC-20 and ERC-721 alike.
const TRANSFER: [u8; 32] = [
    0xdd, 0xf2, 0x52, 0xad, 0x1b, 0xe2, 0xc8, 0x9b, 0x69, 0xc2, 0xb0, 0x68, 0xfc, 0x37, 0x8d, 0xaa,
    0x95, 0x2b, 0xa7, 0xf1, 0x63, 0xc4, 0xa1, 0x16, 0x28, 0xf5, 0x5a, 0x4d, 0xf5, 0x23, 0xb3, 0xef,
];

const TOKEN: Names<'_> = &["token_address", "erc20", "erc721"];
const NFT: Names<'_> = &["erc721", "erc20", "token_address"];
const TOKEN_ID: Names<'_> =
    &["token_id", "token_id_string", "token_id_binary", "token_id_u256binary", "token_id_f64"];
const ADDRESS: Names<'_> = &["address", "contract_address"];

/// One token moved by an event.
struct Moved {
    contract: [u8; 20],
    log_index: u32,
    from: [u8; 20],
    to: [u8; 20],
    what: What,
}

enum What {
    Amount(U256),
    /// ERC-721: the token's id.
    Nft(U256),
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
    let what = if is_nft { What::Nft(value) } else { What::Amount(value) };
    state(chain, moved(contract, what, fields)?, fields, run)
}

pub fn nft_transfer(
    chain: Chain,
    fields: &Fields<'_>,
    run: &mut Run<'_>,
) -> Result<(), ImportError> {
    let contract = required(fields.address(NFT)?, fields, NFT, "the token's contract")?;
    let id = required(fields.base(TOKEN_ID)?, fields, TOKEN_ID, "a token's id")?;
    state(chain, moved(contract, What::Nft(id), fields)?, fields, run)
}

/// A raw event. Only `Transfer` with its two addresses indexed moves a token
/// here: 3 topics and 32 bytes are ERC-20, 4 topics ERC-721. Others are no transfers.
pub fn log(chain: Chain, fields: &Fields<'_>, run: &mut Run<'_>) -> Result<(), ImportError> {
    let topics = topics(fields)?;
    let [transfer, from, to, rest @ ..] = topics.as_slice() else { return Ok(()) };
    if *transfer != TRANSFER {
        return Ok(());
    }
    let data = fields.bytes(&["data"])?.unwrap_or_default();
    let what = match rest {
        [] if data.len() == 32 => What::Amount(U256::from_be_slice(&data)),
        [id] => What::Nft(U256::from_be_slice(id)),
        _ => return Ok(()),
    };
    let (Some(from), Some(to)) = (topic_address(from), topic_address(to)) else {
        return run.oddity(
            Some(fields.place),
            "a Transfer event whose topics are not addresses is left out",
        );
    };
    let contract = required(fields.address(ADDRESS)?, fields, ADDRESS, "the contract's address")?;
    let log_index = required(fields.whole32(LOG_INDEX)?, fields, LOG_INDEX, "a log index")?;
    state(chain, Moved { contract, log_index, from, to, what }, fields, run)
}

fn moved(contract: [u8; 20], what: What, fields: &Fields<'_>) -> Result<Moved, ImportError> {
    Ok(Moved {
        contract,
        log_index: required(fields.whole32(LOG_INDEX)?, fields, LOG_INDEX, "a log index")?,
        from: required(fields.address(FROM)?, fields, FROM, "an address")?,
        to: required(fields.address(TO)?, fields, TO, "an address")?,
        what,
    })
}

fn state(
    chain: Chain,
    moved: Moved,
    fields: &Fields<'_>,
    run: &mut Run<'_>,
) -> Result<(), ImportError> {
    let about = InTx::read(chain, fields)?;
    let contract = Address::Evm(moved.contract);
    let mut transfer =
        about.native(Position::Log(moved.log_index), Some(moved.from), Some(moved.to), U256::ZERO);
    match moved.what {
        What::Amount(amount) => {
            transfer.asset = Asset::token(chain, contract);
            transfer.amount = amount;
        }
        What::Nft(id) => {
            transfer.asset = Asset { chain, kind: AssetKind::Nft { contract, id } };
            transfer.amount = U256::from(1);
            transfer.kind = TransferKind::Nft;
            run.state(Fact::NftLog { tx: about.tx, log_index: moved.log_index })?;
        }
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

fn topic_address(topic: &[u8; 32]) -> Option<[u8; 20]> {
    let (zeros, address) = topic.split_at(12);
    (zeros == [0; 12]).then(|| address.try_into().ok()).flatten()
}
