//! Random blocks by seed, on an account chain and on Bitcoin.

use std::cell::RefCell;

use model::{
    Account, Address, Asset, BlockFact, Book, Chain, Confidence, Evidence, Fact, Input, Label,
    Outpoint, Output, Position, Subject, TimeSource, Timestamp, Transfer, TransferKind, TxHash,
    TxId, U256, UtxoTransaction,
};
use store::FollowedBlock;

const ADDRESSES: u8 = 10;
/// The first of them are labelled.
const LABELLED: u8 = 3;

pub struct World {
    pub chain: Chain,
    dice: RefCell<u64>,
}

impl World {
    pub fn new(chain: Chain, seed: u64) -> World {
        World { chain, dice: RefCell::new(seed.wrapping_mul(77) + 5) }
    }

    /// Splitmix64.
    fn below(&self, n: u64) -> u64 {
        let mut dice = self.dice.borrow_mut();
        *dice = dice.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = *dice;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % n
    }

    fn some(&self) -> u8 {
        u8::try_from(self.below(u64::from(ADDRESSES))).expect("few")
    }

    pub fn address(&self, n: u8) -> Account {
        let bytes = match self.chain.is_utxo() {
            // A witness program of 20 bytes.
            true => [&[0, 20][..], &[n + 1; 20]].concat(),
            false => vec![n + 1; 20],
        };
        let address = Address::from_bytes(&bytes, self.chain).expect("an address");
        Account { chain: self.chain, address }
    }

    pub fn book(&self) -> Book {
        let mut book = Book::default();
        for (n, concept) in (0..LABELLED).zip(["mixing_service", "exchange", "theft"]) {
            book.add_label(label(&self.address(n), concept));
        }
        book
    }
}

pub fn label(account: &Account, concept: &str) -> Label {
    Label {
        subject: Subject::Account(account.clone()),
        name: format!("{concept} of {account}"),
        concepts: vec![concept.into()],
        actor: None,
        confidence: Confidence::named("ownership").expect("a grade"),
        source: "test".into(),
        collection: format!("test {concept} {account}"),
        date: None,
        file_hash: "00".into(),
        network: None,
        tag: Default::default(),
    }
}

/// So many blocks from the first on.
pub fn blocks(world: &World, count: u64) -> Vec<FollowedBlock> {
    let mut blocks: Vec<FollowedBlock> = Vec::new();
    for _ in 0..count {
        let next = again(world, &blocks, 0);
        blocks.push(next);
    }
    blocks
}

/// Another block on top of these; `salt` tells it from others of its height.
pub fn again(world: &World, below: &[FollowedBlock], salt: u64) -> FollowedBlock {
    let height = below.last().map_or(100, |last| last.height + 1);
    let time = Timestamp::from_second(1_700_000_000 + i64::try_from(height).expect("small") * 600)
        .expect("a time");
    let (hash, parent) =
        (hash(height, salt, 0), below.last().map_or(TxHash::new(&[9; 32]), |b| b.hash));
    let chain = world.chain;
    let mut facts = vec![Fact::Block(BlockFact {
        chain,
        hash: Some(hash),
        parent: Some(parent),
        height: Some(height),
        time,
        work: None,
    })];
    facts.extend(match chain.is_utxo() {
        true => coins(world, below, height, time, salt),
        false => transfers(world, height, time, salt),
    });
    FollowedBlock { chain, height, hash, parent, time, unseen: String::new(), facts }
}

fn hash(height: u64, salt: u64, n: u64) -> TxHash {
    let mut bytes = [1; 32];
    bytes[..8].copy_from_slice(&height.to_be_bytes());
    bytes[8..16].copy_from_slice(&salt.to_be_bytes());
    bytes[16..24].copy_from_slice(&n.to_be_bytes());
    TxHash::new(&bytes)
}

fn transfers(world: &World, height: u64, time: Timestamp, salt: u64) -> Vec<Fact> {
    let token =
        Asset::token(world.chain, Address::from_bytes(&[0xee; 20], world.chain).expect("one"));
    let one = |n: u64| {
        let from = world.address(world.some()).address;
        let asset = if world.below(3) == 0 { token.clone() } else { Asset::native(world.chain) };
        let transfer = Transfer {
            tx: TxId { chain: world.chain, hash: hash(height, salt, n + 1) },
            position: Position::Log(u32::try_from(n).expect("few")),
            height: Some(height),
            tx_index: Some(u32::try_from(n).expect("few")),
            time,
            time_source: TimeSource::Stated,
            from: Some(from).filter(|_| world.below(8) != 0),
            to: Some(world.address(world.some()).address).filter(|_| world.below(8) != 0),
            asset,
            amount: U256::from(world.below(1000)),
            kind: TransferKind::Value,
        };
        Fact::Transfer { transfer, evidence: Evidence::Log }
    };
    (0..world.below(6)).map(one).collect()
}

/// A coinbase, and transactions that spend what the blocks below and this one made.
fn coins(
    world: &World,
    below: &[FollowedBlock],
    height: u64,
    time: Timestamp,
    salt: u64,
) -> Vec<Fact> {
    let mut unspent: Vec<(Outpoint, Output)> = Vec::new();
    let take = |tx: &UtxoTransaction, unspent: &mut Vec<(Outpoint, Output)>| {
        unspent.retain(|(out, _)| tx.inputs.iter().all(|input| input.outpoint != *out));
        for (index, output) in (0u32..).zip(&tx.outputs) {
            unspent.push((Outpoint { tx: tx.id, index }, output.clone()));
        }
    };
    for fact in below.iter().flat_map(|block| &block.facts) {
        if let Fact::Utxo(tx) = fact {
            take(tx, &mut unspent);
        }
    }
    let id = |n: u64| TxId { chain: world.chain, hash: hash(height, salt, n + 1) };
    let pay = |value: u64| Output { address: world.address(world.some()).address, value };
    let mut all = vec![UtxoTransaction {
        id: id(0),
        height: Some(height),
        index: Some(0),
        time,
        block: None,
        inputs: Vec::new(),
        outputs: vec![pay(5000)],
        is_coinbase: true,
    }];
    take(&all[0], &mut unspent);
    for n in 1..=world.below(3) {
        let mut inputs = Vec::new();
        for _ in 0..=world.below(2) {
            if unspent.is_empty() {
                continue;
            }
            let at = usize::try_from(world.below(unspent.len() as u64)).expect("few");
            let (outpoint, output) = unspent.remove(at);
            inputs.push(Input { outpoint, previous: Some(output) });
        }
        let mut left: u64 =
            inputs.iter().filter_map(|input| input.previous.as_ref()).map(|o| o.value).sum();
        let mut outputs = Vec::new();
        while left > 10 && outputs.len() < 3 {
            let value = 1 + world.below(left);
            left -= value;
            outputs.push(pay(value));
        }
        if inputs.is_empty() || outputs.is_empty() {
            continue;
        }
        let index = u32::try_from(n).ok();
        let tx = UtxoTransaction {
            id: id(n),
            height: Some(height),
            index,
            time,
            block: None,
            inputs,
            outputs,
            is_coinbase: false,
        };
        take(&tx, &mut unspent);
        all.push(tx);
    }
    all.into_iter().map(Fact::Utxo).collect()
}
