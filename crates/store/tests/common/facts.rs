//! Random facts that collide: few addresses, transactions, blocks and amounts.

use model::{
    Asset, AssetMeta, BlockFact, Chain, Evidence, Fact, Freezable, Freeze, FreezeAction, Input,
    Oddity, Outpoint, Output, Position, TimeSource, Transfer, TransferKind, U256, UtxoTransaction,
};
use proptest::option::weighted;
use proptest::prelude::*;

use crate::common::{address, assets, hash, time, tx};

const ETH: Chain = Chain::ETHEREUM;
const BTC: Chain = Chain::BITCOIN;

fn position() -> impl Strategy<Value = Position> {
    prop_oneof![
        3 => (0u32..3).prop_map(Position::Nth),
        3 => (0u32..3).prop_map(Position::Log),
        2 => prop_oneof![Just(Position::Call([].into())), Just(Position::Call([0, 1].into()))],
        1 => Just(Position::Fee),
        1 => (0u32..2).prop_map(Position::Reward),
    ]
}

fn time_source() -> impl Strategy<Value = TimeSource> {
    prop_oneof![
        3 => Just(TimeSource::Stated),
        1 => Just(TimeSource::Estimated),
        3 => Just(TimeSource::Unknown),
    ]
}

fn evidence() -> impl Strategy<Value = Evidence> {
    prop_oneof![
        Just(Evidence::Row),
        Just(Evidence::Transaction),
        Just(Evidence::Trace),
        Just(Evidence::Log),
    ]
}

fn asset(chain: Chain) -> impl Strategy<Value = Asset> {
    prop_oneof![
        1 => Just(Asset::native(chain)),
        2 => prop::sample::select(vec![10u8, 11]).prop_map(|n| Asset::token(ETH, address(ETH, n))),
        1 => prop::sample::select(assets()),
    ]
}

/// Few addresses, transactions and amounts, so that claims collide.
fn transfer(chain: Chain) -> impl Strategy<Value = Fact> {
    let place = (0u8..4, position(), weighted(0.8, 1u64..5), weighted(0.5, 0u32..2));
    let when = (0u8..6, time_source());
    let what = (weighted(0.9, 0u8..3), weighted(0.9, 0u8..3), asset(chain), 0u8..3, 0u8..8);
    (place, when, what, evidence()).prop_map(
        move |(
            (n, position, height, tx_index),
            (at, time_source),
            (from, to, asset, amount, kind),
            evidence,
        )| {
            let kind = match (&position, kind) {
                (Position::Fee, _) | (_, 0) => TransferKind::Fee,
                (_, 1) => TransferKind::Reward,
                (_, 2) => TransferKind::Nft,
                _ => TransferKind::Value,
            };
            let is_unknown = time_source == TimeSource::Unknown;
            let transfer = Transfer {
                tx: tx(chain, n),
                position,
                height,
                tx_index,
                time: if is_unknown { model::Timestamp::UNIX_EPOCH } else { time(at) },
                time_source,
                from: from.map(|n| address(chain, n)),
                to: to.map(|n| address(chain, n)),
                asset,
                amount: U256::from(amount),
                kind,
            };
            Fact::Transfer { transfer, evidence }
        },
    )
}

fn output() -> impl Strategy<Value = Output> {
    (0u8..4, 0u64..4).prop_map(|(n, value)| Output { address: address(BTC, n), value })
}

fn utxo() -> impl Strategy<Value = Fact> {
    let outpoint = (0u8..7, 0u32..3).prop_map(|(n, index)| Outpoint { tx: tx(BTC, n), index });
    let input = (outpoint, weighted(0.2, output()))
        .prop_map(|(outpoint, previous)| Input { outpoint, previous });
    let inputs = prop::collection::vec(input, 0..3);
    let outputs = prop::collection::vec(output(), 0..3);
    let place = (weighted(0.3, 1u64..5), weighted(0.5, 0u32..3), weighted(0.8, 1u8..7));
    (0u8..6, place, 0u8..6, inputs, outputs).prop_map(
        |(n, (height, index, block), at, inputs, outputs)| {
            Fact::Utxo(UtxoTransaction {
                id: tx(BTC, n),
                height,
                index,
                time: time(at),
                block: block.map(hash),
                is_coinbase: inputs.is_empty(),
                inputs,
                outputs,
            })
        },
    )
}

fn block() -> impl Strategy<Value = Fact> {
    let tree = (weighted(0.8, 1u8..7), weighted(0.8, 0u8..7), weighted(0.3, 1u8..4));
    (any::<bool>(), tree, weighted(0.6, 1u64..6), 0u8..6).prop_map(
        |(is_eth, (own, parent, work), height, at)| {
            Fact::Block(BlockFact {
                chain: if is_eth { ETH } else { BTC },
                hash: own.map(hash),
                parent: parent.map(hash),
                height,
                time: time(at),
                work: work.map(|work| U256::from(work).to_be_bytes()),
            })
        },
    )
}

fn meta() -> impl Strategy<Value = Fact> {
    let freezable =
        prop_oneof![Just(Freezable::Yes), Just(Freezable::No), Just(Freezable::Unknown)];
    (prop::sample::select(assets()), weighted(0.5, "[A-C]"), weighted(0.5, 0u8..3), freezable)
        .prop_map(|(asset, symbol, decimals, freezable)| {
            Fact::Asset(AssetMeta { asset, symbol, decimals, freezable })
        })
}

fn freeze() -> impl Strategy<Value = Fact> {
    let action = prop_oneof![
        2 => Just(FreezeAction::Freeze),
        1 => Just(FreezeAction::Release),
        1 => (0u64..3).prop_map(|amount| FreezeAction::Destroy(U256::from(amount))),
    ];
    (0u8..3, 0u32..2, weighted(0.7, 1u64..5), 0u8..6, 0u8..3, action).prop_map(
        |(n, log_index, height, at, holder, action)| {
            let (asset, holder) = (Asset::token(ETH, address(ETH, 10)), address(ETH, holder));
            let (tx, time) = (tx(ETH, n), time(at));
            Fact::Freeze(Freeze { tx, log_index, height, time, asset, holder, action })
        },
    )
}

pub fn fact() -> impl Strategy<Value = Fact> {
    prop_oneof![
        12 => transfer(ETH),
        2 => transfer(BTC),
        6 => utxo(),
        6 => block(),
        1 => (1u64..5).prop_map(|height| Fact::TracesCover { chain: ETH, height }),
        1 => (0u8..4).prop_map(|n| Fact::Failed { tx: tx(ETH, n) }),
        2 => (0u8..4, 0u32..3).prop_map(|(n, log_index)| Fact::NftLog { tx: tx(ETH, n), log_index }),
        1 => meta(),
        2 => freeze(),
        1 => Just(Fact::Oddity(Oddity { at: "row 1".into(), what: "odd".into(), transfer: None })),
    ]
}

/// Facts, the same in another order with some told again, and the files' sizes.
pub fn story() -> impl Strategy<Value = (Vec<Fact>, Vec<Fact>, Vec<usize>)> {
    prop::collection::vec(fact(), 0..40).prop_flat_map(|facts| {
        let again = prop::sample::subsequence(facts.clone(), 0..=facts.len());
        let told = again.prop_flat_map({
            let facts = facts.clone();
            move |again| Just([facts.clone(), again].concat()).prop_shuffle()
        });
        (Just(facts), told, prop::collection::vec(1usize..12, 1..8))
    })
}
