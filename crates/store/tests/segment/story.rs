//! A past told plainly, the draft it becomes, and the naive answers to what a segment is asked.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use model::transfer::Equal;
use model::{
    Address, Asset, AssetKind, Chain, Evidence, Input, Outpoint, Output, Position, TimeSource,
    Timestamp, Transfer, TransferKind, TxHash, TxId, U256, UtxoTransaction,
};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use store::segment::told::Told;
use store::segment::{Draft, DraftEntry, DraftRow, NOBODY};

#[derive(Clone, Debug)]
pub struct Story {
    pub chain: Chain,
    pub entries: Vec<EntryStory>,
    pub block_times: BTreeMap<u64, Timestamp>,
}

#[derive(Clone, Debug)]
pub struct EntryStory {
    pub hash: TxHash,
    pub time: Timestamp,
    pub height: Option<u64>,
    pub tx_index: Option<u32>,
    pub rows: Vec<RowStory>,
    pub is_utxo: bool,
    pub is_coinbase: bool,
    pub block: Option<TxHash>,
    pub is_height_told: bool,
    pub told: Option<Told>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowStory {
    pub from: Option<Address>,
    pub to: Option<Address>,
    pub asset: Asset,
    pub amount: U256,
    pub position: Position,
    pub kind: TransferKind,
    pub time_source: TimeSource,
    pub evidence: Evidence,
    pub is_time_told: bool,
    pub is_hidden: bool,
    pub is_previous_told: bool,
    pub previous: Option<(TxHash, u32)>,
}

impl Story {
    pub fn draft(&self) -> Draft {
        let mut draft = Draft::new(self.chain);
        for entry in &self.entries {
            let first = draft.rows.len() as u32;
            for row in &entry.rows {
                let row = row.draft(&mut draft);
                draft.rows.push(row);
            }
            let told = entry.told.as_ref().map(|told| {
                draft.told.push(told.encode());
                draft.told.len() as u32 - 1
            });
            let hash = draft.hashes.intern(entry.hash.bytes());
            let block = entry.block.map(|block| draft.blocks.intern(block.bytes()));
            draft.entries.push(DraftEntry {
                hash,
                time: entry.time,
                height: entry.height,
                tx_index: entry.tx_index,
                rows: first..draft.rows.len() as u32,
                is_utxo: entry.is_utxo,
                is_coinbase: entry.is_coinbase,
                block,
                is_height_told: entry.is_height_told,
                told,
            });
        }
        draft.block_times = self.block_times.iter().map(|(h, t)| (*h, *t)).rev().collect();
        draft
    }

    /// Entries and their rows in the order a segment has them.
    pub fn sorted(&self) -> Story {
        let mut story = self.clone();
        story.entries.sort_by(EntryStory::cmp_time);
        for entry in &mut story.entries {
            let place = entry.clone();
            let chain = self.chain;
            entry.rows.sort_by(|a, b| place.transfer(chain, a).cmp_time(&place.transfer(chain, b)));
        }
        story
    }

    pub fn rows(&self) -> impl Iterator<Item = (usize, &EntryStory, &RowStory)> {
        let rows = |(at, entry)| {
            let entry: &EntryStory = entry;
            entry.rows.iter().map(move |row| (at, entry, row))
        };
        self.entries.iter().enumerate().flat_map(rows)
    }

    /// Only these entries.
    pub fn keep(&self, mut keeps: impl FnMut(usize, &EntryStory) -> bool) -> Story {
        let mut at = 0;
        let mut story = self.clone();
        story.entries.retain(|entry| {
            at += 1;
            keeps(at - 1, entry)
        });
        story
    }
}

impl EntryStory {
    pub fn cmp_time(&self, other: &EntryStory) -> Ordering {
        (self.time, self.height, self.tx_index, self.hash).cmp(&(
            other.time,
            other.height,
            other.tx_index,
            other.hash,
        ))
    }

    pub fn transfer(&self, chain: Chain, row: &RowStory) -> Transfer {
        Transfer {
            tx: TxId { chain, hash: self.hash },
            position: row.position.clone(),
            height: self.height,
            tx_index: self.tx_index,
            time: self.time,
            time_source: row.time_source,
            from: row.from.clone(),
            to: row.to.clone(),
            asset: row.asset.clone(),
            amount: row.amount,
            kind: row.kind,
        }
    }

    pub fn heights(&self) -> BTreeSet<u64> {
        let mut heights: BTreeSet<u64> = self.height.into_iter().collect();
        if let Some(told) = &self.told {
            heights.extend(told.claims.iter().filter_map(|(transfer, _)| transfer.height));
            heights.extend(told.utxo.iter().filter_map(|tx| tx.height));
        }
        heights
    }

    pub fn blocks(&self) -> BTreeSet<TxHash> {
        let told = self.told.iter().flat_map(|told| &told.utxo).filter_map(|tx| tx.block);
        self.block.into_iter().chain(told).collect()
    }
}

impl RowStory {
    fn draft(&self, draft: &mut Draft) -> DraftRow {
        let mut end = |address: &Option<Address>| {
            address.as_ref().map_or(NOBODY, |address| draft.addresses.intern(address.bytes()))
        };
        let (from, to) = (end(&self.from), end(&self.to));
        let known = draft.assets.iter().position(|asset| *asset == self.asset);
        let asset = known.unwrap_or_else(|| {
            draft.assets.push(self.asset.clone());
            draft.assets.len() - 1
        });
        let previous =
            self.previous.map(|(hash, index)| (draft.hashes.intern(hash.bytes()), index));
        DraftRow {
            from,
            to,
            asset: asset as u32,
            amount: self.amount,
            position: self.position.clone(),
            kind: self.kind,
            time_source: self.time_source,
            evidence: self.evidence,
            is_time_told: self.is_time_told,
            is_hidden: self.is_hidden,
            is_previous_told: self.is_previous_told,
            previous,
        }
    }

    pub fn equal(&self) -> Equal {
        Equal {
            from: self.from.clone(),
            to: self.to.clone(),
            asset: self.asset.clone(),
            amount: self.amount,
        }
    }
}

/// Any past of this chain, the strange ones first.
pub fn stories(chain: Chain, most: usize) -> impl Strategy<Value = Story> {
    let times = (0u64..20, time()).prop_map(|(height, time)| (height * height, time));
    (vec(entry(chain), 0..most), vec(times, 0..6)).prop_map(move |(entries, times)| {
        let mut story = Story { chain, entries, block_times: BTreeMap::new() };
        for (height, time) in times {
            let known = story.block_times.entry(height).or_insert(time);
            *known = time.max(*known);
        }
        let mut seen = BTreeSet::new();
        story
            .entries
            .retain(|entry| seen.insert((entry.time, entry.height, entry.tx_index, entry.hash)));
        story
    })
}

fn entry(chain: Chain) -> BoxedStrategy<EntryStory> {
    let place = (time(), option::of(height()), option::of(0u32..3));
    let marks = (any::<bool>(), any::<bool>(), option::weighted(0.2, told(chain)));
    let rows = vec(row(chain), 0..6);
    (hash(chain), place, rows, option::of(block()), marks)
        .prop_map(move |(hash, (time, height, tx_index), mut rows, block, marks)| {
            let (is_height_told, is_coinbase, told) = marks;
            let mut seen = BTreeSet::new();
            rows.retain(|row| seen.insert((row.position.clone(), row.equal())));
            let is_utxo = chain.is_utxo();
            EntryStory {
                hash,
                time,
                height,
                tx_index,
                rows,
                is_utxo,
                is_coinbase: is_utxo && is_coinbase,
                block: block.filter(|_| is_utxo),
                is_height_told,
                told,
            }
        })
        .boxed()
}

fn row(chain: Chain) -> BoxedStrategy<RowStory> {
    let ends = (option::of(address(chain)), option::of(address(chain)));
    let kinds = (0..4usize, 0..3usize, 0..4usize, any::<bool>());
    let spent = (hash(chain), prop_oneof![0u32..3, any::<u32>()], any::<bool>(), any::<bool>());
    (ends, asset(chain), amount(), position(), kinds, spent)
        .prop_map(move |((from, to), asset, amount, position, kinds, spent)| {
            let (kind, time_source, evidence, is_time_told) = kinds;
            let (hash, index, is_hidden, is_previous_told) = spent;
            let kind =
                [TransferKind::Value, TransferKind::Fee, TransferKind::Reward, TransferKind::Nft]
                    [kind];
            let source = [TimeSource::Stated, TimeSource::Estimated, TimeSource::Unknown];
            let is_input = chain.is_utxo() && matches!(position, Position::Input(_));
            let evidence =
                [Evidence::Row, Evidence::Transaction, Evidence::Trace, Evidence::Log][evidence];
            RowStory {
                from: from.filter(|_| !(is_input && is_hidden)),
                to,
                asset,
                amount,
                position,
                kind,
                time_source: source[time_source],
                evidence,
                is_time_told,
                is_hidden: is_input && is_hidden,
                is_previous_told: is_input && is_previous_told,
                previous: is_input.then_some((hash, index)),
            }
        })
        .boxed()
}

fn time() -> impl Strategy<Value = Timestamp> {
    prop_oneof![
        Just(Timestamp::UNIX_EPOCH),
        Just(Timestamp::MIN),
        Just(Timestamp::MAX),
        (1_700_000_000i64..1_700_000_004, prop_oneof![Just(0), 0i32..999_999_999])
            .prop_map(|(second, nanos)| Timestamp::new(second, nanos).expect("in range")),
        (-2i64..2, -999_999_999i32..999_999_999)
            .prop_map(|(second, nanos)| { Timestamp::new(second, nanos).expect("in range") }),
    ]
}

fn height() -> impl Strategy<Value = u64> {
    prop_oneof![4 => 0u64..5, 1 => Just(u64::MAX), 1 => any::<u64>()]
}

fn hash(chain: Chain) -> impl Strategy<Value = TxHash> + Clone {
    let len = if matches!(chain, Chain::Solana(_)) { 64 } else { 32 };
    (0u8..12, 0u8..8).prop_map(move |(n, odd)| {
        // One in eight of another length, as a strange file may have it.
        let len = if n == 11 && odd == 0 { 96 - len } else { len };
        TxHash::new(&vec![n; len])
    })
}

fn block() -> impl Strategy<Value = TxHash> {
    (0u8..4).prop_map(|n| TxHash::new(&[n | 0x80; 32]))
}

fn address(chain: Chain) -> impl Strategy<Value = Address> {
    (0u8..8).prop_map(move |n| match chain {
        Chain::Bitcoin(_) => {
            let script: Vec<u8> = (0..n * 9).collect();
            Address::Bitcoin(script.into())
        }
        Chain::Evm(_) => Address::Evm([n; 20]),
        Chain::Tron(_) => Address::Tron([n; 20]),
        Chain::Solana(_) => Address::Solana([n; 32]),
    })
}

fn asset(chain: Chain) -> BoxedStrategy<Asset> {
    if chain.is_utxo() {
        return Just(Asset::native(chain)).boxed();
    }
    let kind = prop_oneof![
        Just(AssetKind::Native),
        address(chain).prop_map(AssetKind::Token),
        (address(chain), amount()).prop_map(|(contract, id)| AssetKind::Nft { contract, id }),
        any::<u64>().prop_map(AssetKind::Trc10),
    ];
    kind.prop_map(move |kind| Asset { chain, kind }).boxed()
}

pub fn amount() -> impl Strategy<Value = U256> {
    prop_oneof![
        (0u64..4).prop_map(U256::from),
        any::<u64>().prop_map(U256::from),
        any::<[u64; 4]>().prop_map(U256::from_limbs),
        (0u64..1000, 0u64..75)
            .prop_map(|(n, zeros)| { U256::from(n) * U256::from(10).pow(U256::from(zeros)) }),
        Just(U256::MAX),
        (0usize..256).prop_map(|bit| U256::from(1) << bit),
    ]
}

pub fn position() -> impl Strategy<Value = Position> {
    let number = || prop_oneof![0u32..4, any::<u32>()];
    let path = prop_oneof![
        vec(0u32..4, 0..3),
        vec(0u32..17, 0..9),
        vec(any::<u32>(), 0..5),
        vec(0u32..40, 60..70),
    ];
    prop_oneof![
        2 => number().prop_map(Position::Input),
        1 => number().prop_map(Position::Output),
        2 => path.prop_map(|path| Position::Call(path.into())),
        1 => number().prop_map(Position::Log),
        1 => number().prop_map(Position::Reward),
        1 => Just(Position::Fee),
        2 => (0u32..2).prop_map(Position::Nth),
    ]
}

/// Claims that have nothing to do with the rows: a segment only keeps them.
pub fn told(chain: Chain) -> BoxedStrategy<Told> {
    let claim = (hash(chain), time(), option::of(height()), option::of(any::<u32>()), row(chain))
        .prop_map(move |(hash, time, height, tx_index, row)| {
            let entry = EntryStory {
                hash,
                time,
                height,
                tx_index,
                rows: Vec::new(),
                is_utxo: false,
                is_coinbase: false,
                block: None,
                is_height_told: true,
                told: None,
            };
            (entry.transfer(chain, &row), row.evidence)
        });
    let output =
        || (address(chain), any::<u64>()).prop_map(|(address, value)| Output { address, value });
    let input = (hash(chain), any::<u32>(), option::of(output())).prop_map(
        move |(hash, index, previous)| {
            let outpoint = Outpoint { tx: TxId { chain, hash }, index };
            Input { outpoint, previous }
        },
    );
    let place = (option::of(height()), option::of(any::<u32>()), time(), option::of(block()));
    let utxo = (hash(chain), place, vec(input, 0..3), vec(output(), 0..3), any::<bool>()).prop_map(
        move |(hash, (height, index, time, block), inputs, outputs, is_coinbase)| {
            let id = TxId { chain, hash };
            UtxoTransaction { id, height, index, time, block, inputs, outputs, is_coinbase }
        },
    );
    let logs = proptest::collection::btree_set(any::<u32>(), 0..3);
    let utxo = if chain.is_utxo() { vec(utxo, 0..3).boxed() } else { Just(Vec::new()).boxed() };
    (vec(claim, 0..3), utxo, any::<bool>(), logs)
        .prop_map(|(claims, utxo, is_failed, nft_logs)| Told { claims, utxo, is_failed, nft_logs })
        .boxed()
}
