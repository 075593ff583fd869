//! The mempool of a real node: what pays or spends from a watched address is
//! seen, and later confirmed, replaced or dropped; told by news and by looking.

mod bitcoind;

use std::collections::HashSet;
use std::sync::Arc;

use bitcoin::consensus::encode::serialize_hex;
use bitcoin::{Amount, OutPoint, Transaction, TxOut};
use chain::bitcoin::{Mempool, Node};
use chain::source::{PendingEvent, Source};
use model::{Address, BitcoinNetwork, Chain, TxId, U256};
use serde_json::{Value, json};

use bitcoind::Bitcoind;
use bitcoind::coins::{Coin, Lock, Purse};

const REGTEST: Chain = Chain::Bitcoin(BitcoinNetwork::Regtest);
const LOCK: Lock = Lock::WitnessKeyHash;

struct Scene {
    node: Bitcoind,
    alice: Purse,
    bob: Purse,
    /// Of Alice, one each.
    coins: Vec<Coin>,
    events: Mempool,
}

impl Scene {
    /// Alice has ripe coins; Bob is watched.
    async fn set(publishes: bool) -> Option<Scene> {
        let node = Bitcoind::start_with(publishes).await?;
        let (alice, bob) = (Purse::new(1), Purse::new(2));
        let script = alice.script(LOCK);
        let to = format!("raw({})", script.to_hex_string());
        node.ask("generatetodescriptor", json!([110, to])).await;
        let mut coins = Vec::new();
        for height in 1..10 {
            let hash = node.ask("getblockhash", json!([height])).await;
            let block = node.ask("getblock", json!([hash, 2])).await;
            let txid = block["tx"][0]["txid"].as_str().expect("an id").parse().expect("an id");
            let value = Amount::from_int_btc(50);
            coins.push(Coin {
                at: OutPoint::new(txid, 0),
                out: TxOut { value, script_pubkey: script.clone() },
                lock: LOCK,
                ripe: 0,
            });
        }
        let source = Arc::new(Node::connect(&node.options()).await.expect("connects"));
        let watched = HashSet::from([Address::Bitcoin(bob.script(LOCK).as_bytes().into())]);
        let events = Mempool::of(source, watched).await.expect("listens");
        Some(Scene { node, alice, bob, coins, events })
    }

    /// One of Alice's coins to Bob, less a fee.
    fn payment(&self, coin: usize, fee: u64) -> Transaction {
        let value = Amount::from_sat(5_000_000_000 - fee);
        let script_pubkey = self.bob.script(LOCK);
        self.alice.pay(&[self.coins[coin].clone()], vec![TxOut { value, script_pubkey }])
    }

    async fn send(&self, tx: &Transaction) -> TxId {
        let answer = self.node.ask("sendrawtransaction", json!([serialize_hex(tx), 0])).await;
        assert_eq!(answer, json!(tx.compute_txid().to_string()));
        id(tx)
    }

    /// All of the mempool, to this script: two blocks of one second must differ.
    async fn mine(&self, script: &str) -> Value {
        let made = self.node.ask("generatetodescriptor", json!([1, script])).await;
        made[0].clone()
    }

    async fn next(&mut self) -> PendingEvent {
        self.events.next().await.expect("an event")
    }

    async fn expect_seen(&mut self, tx: TxId) {
        let PendingEvent::Seen(seen) = self.next().await else { panic!("{tx} is seen first") };
        assert_eq!((seen.tx, seen.is_whole), (tx, true));
        let sum = |is_in: bool| -> U256 {
            let legs = seen.moves.iter().filter(|leg| leg.from.is_some() == is_in);
            legs.map(|leg| leg.amount).sum()
        };
        assert!(sum(true) > sum(false), "there is a fee");
    }
}

fn id(tx: &Transaction) -> TxId {
    TxId::parse(&tx.compute_txid().to_string(), REGTEST).expect("an id")
}

async fn story(publishes: bool) {
    let Some(mut scene) = Scene::set(publishes).await else { return };

    // One that was there before anyone looked; one that Alice keeps to herself.
    let early = scene.send(&scene.payment(0, 1_000)).await;
    let kept = TxOut { value: Amount::from_int_btc(49), script_pubkey: scene.alice.script(LOCK) };
    let own = scene.alice.pay(&[scene.coins[1].clone()], vec![kept]);
    scene.send(&own).await;
    scene.expect_seen(early).await;

    // Bob spends what nobody has confirmed.
    let received = scene.payment(0, 1_000);
    let coin = Coin {
        at: OutPoint::new(received.compute_txid(), 0),
        out: received.output[0].clone(),
        lock: LOCK,
        ripe: 0,
    };
    let value = Amount::from_sat(5_000_000_000 - 3_000);
    let onward = TxOut { value, script_pubkey: scene.alice.script(LOCK) };
    let onward = scene.send(&scene.bob.pay(&[coin], vec![onward])).await;
    scene.expect_seen(onward).await;

    // A payment whose fee is raised.
    let cheap = scene.send(&scene.payment(2, 1_000)).await;
    scene.expect_seen(cheap).await;
    let dear = scene.send(&scene.payment(2, 9_000)).await;
    let mut both = [scene.next().await, scene.next().await];
    both.sort_by_key(|event| event.tx() == dear);
    assert_eq!(both[0], PendingEvent::Replaced { tx: cheap, by: Some(dear) });
    assert!(matches!(&both[1], PendingEvent::Seen(seen) if seen.tx == dear));

    // A block takes them all, is undone, and taken back.
    let block = scene.mine("raw(51)").await;
    let mut taken = HashSet::new();
    for _ in 0..3 {
        let PendingEvent::Confirmed { tx, height, block: at } = scene.next().await else {
            panic!("confirmed")
        };
        assert_eq!((height, json!(at.text(REGTEST))), (111, block.clone()));
        taken.insert(tx);
    }
    assert_eq!(taken, HashSet::from([early, onward, dear]));
    scene.node.ask("invalidateblock", json!([block])).await;
    let mut back = HashSet::new();
    for _ in 0..3 {
        let PendingEvent::Seen(seen) = scene.next().await else { panic!("seen again") };
        back.insert(seen.tx);
    }
    assert_eq!(back, taken);
    scene.mine("raw(5151)").await;
    for _ in 0..3 {
        assert!(
            matches!(scene.next().await, PendingEvent::Confirmed { tx, .. } if taken.contains(&tx))
        );
    }

    // A block with another payment of the same coin.
    let lost = scene.send(&scene.payment(3, 1_000)).await;
    scene.expect_seen(lost).await;
    let kept = TxOut { value: Amount::from_int_btc(49), script_pubkey: scene.alice.script(LOCK) };
    let rival = scene.alice.pay(&[scene.coins[3].clone()], vec![kept]);
    scene.node.ask("generateblock", json!(["raw(51)", [serialize_hex(&rival)]])).await;
    assert_eq!(scene.next().await, PendingEvent::Replaced { tx: lost, by: Some(id(&rival)) });

    // A node that starts anew has forgotten.
    let forgotten = scene.send(&scene.payment(4, 1_000)).await;
    scene.expect_seen(forgotten).await;
    scene.node.stop().await;
    scene.node.start_again().await;
    assert_eq!(scene.next().await, PendingEvent::Dropped { tx: forgotten });
    let late = scene.send(&scene.payment(5, 1_000)).await;
    scene.expect_seen(late).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pending_payments_are_told_by_news() {
    story(true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pending_payments_are_told_by_looking() {
    story(false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_pending_never_becomes_a_fact() {
    let Some(mut scene) = Scene::set(true).await else { return };
    let pending = scene.send(&scene.payment(0, 1_000)).await;
    scene.expect_seen(pending).await;
    let source = Node::connect(&scene.node.options()).await.expect("connects");
    let tip = source.tip().await.expect("answers").height;
    for height in 0..=tip {
        let block = source.block(height).await.expect("reads");
        let holds = block.facts.iter().any(|fact| match fact {
            model::Fact::Utxo(tx) => tx.id == pending,
            _ => false,
        });
        assert!(!holds, "block {height}");
    }
}
