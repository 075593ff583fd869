//! A miner who pays at random under every kind of lock, through reorgs.

#![allow(clippy::print_stdout, reason = "a random test says its seed")]

use std::collections::HashMap;

use bitcoin::consensus::encode::serialize_hex;
use bitcoin::{Amount, OutPoint, TxOut, Txid};
use serde_json::{Value, json};

use super::Bitcoind;
use super::coins::{Coin, Dice, Lock, Purse};

/// Coinbases may be spent after so many blocks.
pub const MATURITY: u64 = 100;

/// A miner who pays at random, and knows what it had at each block.
pub struct Story {
    pub purse: Purse,
    pub dice: Dice,
    pub coins: Vec<Coin>,
    /// By the hash of the newest block.
    past: HashMap<String, (u64, Vec<Coin>)>,
    pub height: u64,
    pub paid: u64,
}

impl Story {
    pub async fn begin(node: &Bitcoind, seed: u64) -> Story {
        println!("seed {seed}");
        let mut story = Story {
            purse: Purse::new(7),
            dice: Dice(seed),
            coins: Vec::new(),
            past: HashMap::new(),
            height: 0,
            paid: 0,
        };
        for n in 0..MATURITY + 20 {
            let lock = Lock::ALL[usize::try_from(n).expect("few") % Lock::ALL.len()];
            story.mine(node, lock, &[]).await;
        }
        story
    }

    /// One block of so many random payments.
    pub async fn block(&mut self, node: &Bitcoind, payments: u64) {
        let mut raw = Vec::new();
        for _ in 0..payments {
            let tx = self.purse.random(&mut self.dice, &mut self.coins, self.height + 1);
            raw.extend(tx.map(|tx| serialize_hex(&tx)));
        }
        self.paid += raw.len() as u64;
        let lock = Lock::ALL[self.dice.index(Lock::ALL.len())];
        self.mine(node, lock, &raw).await;
    }

    /// Mines what is given, and nothing of the mempool. The coinbase is ours.
    pub async fn mine(&mut self, node: &Bitcoind, lock: Lock, raw: &[String]) {
        let script = self.purse.script(lock);
        let output = format!("raw({})", script.to_hex_string());
        let made = node.ask("generateblock", json!([output, raw])).await;
        self.height += 1;
        let hash = made["hash"].as_str().expect("a hash").to_string();
        let block = node.ask("getblock", json!([hash, 2])).await;
        let coinbase = &block["tx"][0];
        let txid: Txid = coinbase["txid"].as_str().expect("an id").parse().expect("an id");
        let value = Amount::from_sat(satoshi(&coinbase["vout"][0]["value"]));
        self.coins.push(Coin {
            at: OutPoint::new(txid, 0),
            out: TxOut { value, script_pubkey: script },
            lock,
            ripe: self.height + MATURITY,
        });
        self.past.insert(hash, (self.height, self.coins.clone()));
    }

    /// Undoes so many blocks; mines one more than that in their place.
    pub async fn reorg(&mut self, node: &Bitcoind, depth: u64) -> String {
        let first = node.ask("getblockhash", json!([self.height - depth + 1])).await;
        node.ask("invalidateblock", json!([first])).await;
        self.recall(node).await;
        for _ in 0..=depth {
            let payments = self.dice.roll(8);
            self.block(node, payments).await;
        }
        first.as_str().expect("a hash").to_string()
    }

    /// What we have is what we had at the node's newest block.
    pub async fn recall(&mut self, node: &Bitcoind) {
        let tip = node.ask("getbestblockhash", json!([])).await;
        let (height, coins) = &self.past[tip.as_str().expect("a hash")];
        (self.height, self.coins) = (*height, coins.clone());
    }
}

pub fn satoshi(value: &Value) -> u64 {
    model::amount::parse_units(&value.to_string(), 8).expect("an amount").to()
}
