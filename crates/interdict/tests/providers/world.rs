//! Small pasts: as a node would state them, and for each provider to tell in its way.

use model::{
    Account, Address, Asset, Chain, Evidence, Fact, Input, Outpoint, Output, Position, TimeSource,
    Timestamp, Transfer, TransferKind, TxHash, TxId, U256, UtxoTransaction,
};

pub const FIRST: u64 = 1_000;
/// Less is dust, which no trace follows.
pub const UNIT: u64 = 1_000_000_000_000_000;
const START: i64 = 1_740_000_000;

/// A transaction of an account chain. Everybody is a number.
#[derive(Clone, Debug)]
pub struct Tx {
    pub from: u8,
    pub to: u8,
    pub value: u64,
    pub fee: u64,
    pub failed: bool,
    /// What contracts moved on: from, to, value.
    pub inner: Vec<(u8, u8, u64)>,
    /// Events of one token: from, to, amount.
    pub tokens: Vec<(u8, u8, u64)>,
    /// In the block of the one before.
    pub joins: bool,
}

#[derive(Clone, Debug)]
pub struct World {
    pub chain: Chain,
    pub txs: Vec<Tx>,
}

impl Tx {
    pub fn pay(from: u8, to: u8, value: u64) -> Tx {
        let value = value * UNIT;
        let (inner, tokens) = (Vec::new(), Vec::new());
        Tx { from, to, value, fee: 0, failed: false, inner, tokens, joins: false }
    }

    pub fn names(&self, who: u8) -> bool {
        self.from == who || self.to == who
    }
}

pub fn time(n: usize) -> Timestamp {
    Timestamp::from_second(START + i64::try_from(n).expect("few") * 12).expect("in range")
}

pub fn height(n: usize) -> u64 {
    FIRST + n as u64
}

impl World {
    /// Which block, counted from 0.
    fn block(&self, n: usize) -> usize {
        (1..=n).filter(|n| !self.txs[*n].joins).count()
    }

    pub fn height(&self, n: usize) -> u64 {
        height(self.block(n))
    }

    pub fn time(&self, n: usize) -> Timestamp {
        time(self.block(n))
    }

    /// Those of the same block, in order.
    pub fn beside(&self, n: usize) -> Vec<usize> {
        (0..self.txs.len()).filter(|other| self.block(*other) == self.block(n)).collect()
    }

    /// Its place in its block.
    pub fn index(&self, n: usize) -> u32 {
        let before = self.beside(n).into_iter().filter(|other| *other < n).count();
        u32::try_from(before).expect("few")
    }

    /// The number in its block of its first event.
    pub fn first_log(&self, n: usize) -> u32 {
        let before =
            self.beside(n).into_iter().filter(|other| *other < n && !self.txs[*other].failed);
        u32::try_from(before.map(|n| self.txs[n].tokens.len()).sum::<usize>()).expect("few")
    }

    pub fn find(&self, id: &str) -> Option<usize> {
        (0..self.txs.len()).find(|n| self.id(*n).hash_text() == id)
    }

    pub fn address(&self, who: u8) -> Address {
        match self.chain {
            Chain::Tron(_) => Address::Tron([who + 1; 20]),
            Chain::Solana(_) => crate::solana::address(who),
            Chain::Bitcoin(_) => {
                let mut script = vec![0, 20];
                script.extend([who + 1; 20]);
                Address::Bitcoin(script.into())
            }
            _ => Address::Evm([who + 1; 20]),
        }
    }

    pub fn account(&self, who: u8) -> Account {
        Account { chain: self.chain, address: self.address(who) }
    }

    pub fn text(&self, who: u8) -> String {
        self.address(who).text(self.chain)
    }

    pub fn who(&self, text: &str) -> Option<u8> {
        (0..20).find(|who| self.text(*who) == text)
    }

    pub fn token(&self) -> Address {
        self.address(100)
    }

    pub fn id(&self, n: usize) -> TxId {
        let mut bytes = [7; 32];
        bytes[..8].copy_from_slice(&(n as u64 + 1).to_be_bytes());
        TxId { chain: self.chain, hash: TxHash::new(&bytes) }
    }

    /// As a node states it: everything with its position.
    pub fn facts(&self) -> Vec<Fact> {
        if matches!(self.chain, Chain::Solana(_)) {
            return crate::solana::facts(self);
        }
        (0..self.txs.len()).flat_map(|n| self.facts_of(n)).collect()
    }

    fn facts_of(&self, n: usize) -> Vec<Fact> {
        let tx = &self.txs[n];
        let mut facts = Vec::new();
        let mut add = |position, from, to, asset: Asset, amount: u64, kind, evidence| {
            let transfer = Transfer {
                tx: self.id(n),
                position,
                height: Some(self.height(n)),
                tx_index: Some(self.index(n)),
                time: self.time(n),
                time_source: TimeSource::Stated,
                from: Some(from),
                to,
                asset,
                amount: U256::from(amount),
                kind,
            };
            facts.push(Fact::Transfer { transfer, evidence });
        };
        let native = Asset::native(self.chain);
        let whole = Position::Call(Box::new([]));
        if tx.fee > 0 {
            let from = self.address(tx.from);
            add(
                Position::Fee,
                from,
                None,
                native.clone(),
                tx.fee,
                TransferKind::Fee,
                Evidence::Transaction,
            );
        }
        if !tx.failed {
            let kind = TransferKind::Value;
            if tx.value > 0 {
                let ends = (self.address(tx.from), Some(self.address(tx.to)));
                add(whole, ends.0, ends.1, native.clone(), tx.value, kind, Evidence::Transaction);
            }
            for (k, (from, to, value)) in (0u32..).zip(&tx.inner) {
                // Tron's nodes write others' code run in one's own place like this.
                if from == to && matches!(self.chain, Chain::Tron(_)) {
                    continue;
                }
                let ends = (self.address(*from), Some(self.address(*to)));
                let at = Position::Call(Box::new([k]));
                add(at, ends.0, ends.1, native.clone(), *value, kind, Evidence::Trace);
            }
            for (k, (from, to, amount)) in (self.first_log(n)..).zip(&tx.tokens) {
                let ends = (self.address(*from), Some(self.address(*to)));
                let token = Asset::token(self.chain, self.token());
                add(Position::Log(k), ends.0, ends.1, token, *amount, kind, Evidence::Log);
            }
        } else {
            facts.push(Fact::Failed { tx: self.id(n) });
        }
        facts
    }
}

/// Bitcoin: who pays whom out of what. Each spends some earlier outputs, the first
/// transactions make coins.
#[derive(Clone, Debug)]
pub struct Coins {
    pub world: World,
    pub txs: Vec<UtxoTransaction>,
}

impl Coins {
    /// `steps`: which unspent outputs (by number), and to whom they go.
    pub fn new(chain: Chain, steps: &[(Vec<u8>, Vec<u8>)]) -> Coins {
        let world = World { chain, txs: Vec::new() };
        let mut coins = Coins { world, txs: Vec::new() };
        let mut unspent: Vec<(Outpoint, Output)> = Vec::new();
        for (picks, receivers) in steps {
            let n = coins.txs.len();
            let mut inputs = Vec::new();
            for pick in picks {
                if unspent.is_empty() {
                    break;
                }
                let (outpoint, output) = unspent.remove(usize::from(*pick) % unspent.len());
                inputs.push(Input { outpoint, previous: Some(output) });
            }
            let is_coinbase = inputs.is_empty();
            let held: u64 =
                inputs.iter().filter_map(|i| i.previous.as_ref()).map(|o| o.value).sum();
            let total = if is_coinbase { 5_000_000_000 } else { held - held / 100 };
            let share = total / receivers.len().max(1) as u64;
            let id = coins.world.id(n);
            let output = |who: &u8| Output { address: coins.world.address(*who), value: share };
            let outputs: Vec<Output> = receivers.iter().map(output).collect();
            for (index, output) in (0u32..).zip(&outputs) {
                unspent.push((Outpoint { tx: id, index }, output.clone()));
            }
            let tx = UtxoTransaction {
                id,
                height: Some(height(n)),
                index: None,
                time: time(n),
                block: Some(coins.world.id(900 + n).hash),
                inputs,
                outputs,
                is_coinbase,
            };
            coins.txs.push(tx);
        }
        coins
    }

    pub fn facts(&self) -> Vec<Fact> {
        self.txs.iter().cloned().map(Fact::Utxo).collect()
    }

    pub fn names(&self, n: usize, who: u8) -> bool {
        let own = self.world.address(who);
        let tx = &self.txs[n];
        tx.outputs.iter().any(|output| output.address == own)
            || tx.inputs.iter().any(|i| i.previous.as_ref().is_some_and(|o| o.address == own))
    }
}
