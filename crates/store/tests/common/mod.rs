//! What the tests of the store share.
#![allow(dead_code, reason = "each file of tests uses its part")]

use std::fs;
use std::ops::{ControlFlow, RangeInclusive};
use std::path::Path;

use model::{
    Account, Address, Asset, Chain, Coverage, Direction, Fact, Limits, Outpoint, Seek, Timestamp,
    Transfer, TxHash, TxId, U256, View,
};
use store::reference::Reference;
use store::snapshot::Snapshot;
use store::{Counts, FileRecord, Store};

pub const CHAINS: [Chain; 2] = [Chain::ETHEREUM, Chain::BITCOIN];

pub fn hash(n: u8) -> TxHash {
    TxHash::new(&[n; 32])
}

pub fn tx(chain: Chain, n: u8) -> TxId {
    TxId { chain, hash: hash(n) }
}

pub fn address(chain: Chain, n: u8) -> Address {
    let bytes: Vec<u8> = if chain.is_utxo() { vec![0x51, n] } else { vec![n; 20] };
    Address::from_bytes(&bytes, chain).expect("a length of the family")
}

pub fn account(chain: Chain, n: u8) -> Account {
    Account { chain, address: address(chain, n) }
}

/// Native, two tokens, and what they are when their amounts were ids.
pub fn assets() -> Vec<Asset> {
    let eth = Chain::ETHEREUM;
    let mut assets = vec![Asset::native(eth), Asset::native(Chain::BITCOIN)];
    for n in [10, 11] {
        let contract = address(eth, n);
        assets.push(Asset::token(eth, contract.clone()));
        for id in 0..3 {
            let kind = model::AssetKind::Nft { contract: contract.clone(), id: U256::from(id) };
            assets.push(Asset { chain: eth, kind });
        }
    }
    assets
}

/// Ten moments, one of them between two seconds.
pub fn time(n: u8) -> Timestamp {
    let nanos = if n == 3 { 500_000_000 } else { 0 };
    Timestamp::new(1_700_000_000 + i64::from(n), nanos).expect("in range")
}

/// What takes in files and answers.
pub trait Keeps: View {
    fn import(&mut self, file: &FileRecord, sha256: &str, facts: &[Fact]) -> Counts;
}

impl Keeps for Store {
    fn import(&mut self, file: &FileRecord, sha256: &str, facts: &[Fact]) -> Counts {
        let mut batch = self.begin(file).expect("begins");
        facts.iter().for_each(|fact| batch.put(fact).expect("puts"));
        batch.commit(sha256).expect("commits")
    }
}

impl Keeps for Reference {
    fn import(&mut self, file: &FileRecord, sha256: &str, facts: &[Fact]) -> Counts {
        let mut batch = self.begin(file).expect("begins");
        facts.iter().for_each(|fact| batch.put(fact).expect("puts"));
        batch.commit(sha256).expect("commits")
    }
}

pub fn import(store: &mut impl Keeps, name: &str, facts: &[Fact]) -> Counts {
    store.import(&file(name), &format!("sha of {name}"), facts)
}

pub fn file(name: &str) -> FileRecord {
    FileRecord { name: name.into(), purpose: "test".into(), bytes: 7 }
}

/// Two views answer everything alike.
pub fn check_same(a: &dyn View, b: &dyn View) {
    for chain in CHAINS {
        check_accounts(a, b, chain);
        check_transactions(a, b, chain);
        for (since, until) in [(None, None), (Some(time(3)), None), (Some(time(1)), Some(time(4)))]
        {
            assert_eq!(scan(a, chain, since, until), scan(b, chain, since, until), "scan {chain}");
        }
    }
    let assets = assets();
    assert_eq!(a.assets(&assets).expect("assets"), b.assets(&assets).expect("assets"));
    assert_eq!(held(a), held(b));
}

/// What is at some heights is what a scan over everything finds there.
pub fn check_heights(snapshot: &Snapshot, view: &dyn View) {
    for chain in CHAINS {
        let all = scan(view, chain, None, None);
        for heights in
            [0..=u64::MAX, 0..=1, 2..=3, 3..=3, 4..=u64::MAX, 9..=20, RangeInclusive::new(3, 2)]
        {
            let is_within = |row: &&Transfer| row.height.is_some_and(|at| heights.contains(&at));
            let expected: Vec<Transfer> = all.iter().filter(is_within).cloned().collect();
            let mut found = Vec::new();
            let scanned = snapshot.scan_heights(chain, heights.clone(), &mut |row| {
                found.push(row.clone());
                ControlFlow::Continue(())
            });
            scanned.expect("scans");
            assert_eq!(found, expected, "{chain} {heights:?}");
        }
    }
}

/// What is held; whether it is everything, only the follower of a chain knows.
fn held(view: &dyn View) -> Vec<Coverage> {
    let mut held = view.coverage().expect("coverage");
    held.iter_mut().for_each(|coverage| coverage.is_complete = false);
    held
}

fn check_accounts(a: &dyn View, b: &dyn View, chain: Chain) {
    let accounts: Vec<Account> = (0..6).map(|n| account(chain, n)).collect();
    assert_eq!(a.degree(&accounts).expect("degree"), b.degree(&accounts).expect("degree"));
    for limits in limits() {
        for direction in [Direction::Forward, Direction::Backward] {
            for bound in [None, Some(time(2)), Some(time(3))] {
                let frontier: Vec<Seek> = accounts
                    .iter()
                    .map(|account| Seek { account: account.clone(), bound })
                    .collect();
                let ask =
                    |view: &dyn View| view.expand(direction, &frontier, &limits).expect("expands");
                assert_eq!(ask(a), ask(b), "{direction:?} {limits:?} {bound:?}");
            }
        }
    }
}

fn check_transactions(a: &dyn View, b: &dyn View, chain: Chain) {
    for n in 0..10 {
        let id = tx(chain, n);
        assert_eq!(
            a.transaction(&id).expect("a transaction"),
            b.transaction(&id).expect("a transaction")
        );
        let outpoints: Vec<Outpoint> = (0..4).map(|index| Outpoint { tx: id, index }).collect();
        assert_eq!(
            a.spends(&outpoints).expect("spends"),
            b.spends(&outpoints).expect("spends"),
            "{id}"
        );
    }
}

fn limits() -> Vec<Limits> {
    let mut all: Vec<Limits> =
        [0, 1, 2, 5].map(|per_account| Limits { per_account, ..Limits::NONE }).into();
    all.push(Limits::NONE);
    all.push(Limits { since: Some(time(2)), until: Some(time(4)), per_account: 2, ..Limits::NONE });
    all.push(Limits { assets: Some(assets()[1..3].to_vec()), per_account: 1, ..Limits::NONE });
    all.push(Limits { min_base: U256::from(2), ..Limits::NONE });
    all
}

pub fn scan(
    view: &dyn View,
    chain: Chain,
    since: Option<Timestamp>,
    until: Option<Timestamp>,
) -> Vec<Transfer> {
    let mut all = Vec::new();
    view.scan(chain, since, until, &mut |transfer| {
        all.push(transfer.clone());
        ControlFlow::Continue(())
    })
    .expect("scans");
    all
}

/// A home as it lies there.
pub fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("makes");
    for entry in fs::read_dir(from).expect("reads") {
        let path = entry.expect("reads").path();
        let target = to.join(path.file_name().expect("a name"));
        if path.is_dir() {
            copy_folder(&path, &target);
        } else {
            fs::copy(&path, &target).expect("copies");
        }
    }
}
