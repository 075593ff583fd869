//! How fast plain transfers in order of time are taken in: told, settled, written
//! and merged. `cargo bench -p store --bench ingest -- 10` takes in ten million.
//!
//! What is told is made up while it runs; making it up is timed alone and taken off.

use std::io::Write;
use std::time::Instant;

use model::{
    Address, Asset, Chain, Evidence, Fact, Position, TimeSource, Timestamp, Transfer, TransferKind,
    TxHash, TxId, U256,
};
use store::FileRecord;
use store::catalog::Catalog;
use store::ingest::{Batch, Sizes};
use store::layers::Layers;
use store::shelf::Shelf;

const ETH: Chain = Chain::ETHEREUM;

fn main() {
    let millions = std::env::args().find_map(|arg| arg.parse().ok()).unwrap_or(1u64);
    let count = millions * 1_000_000;
    let started = Instant::now();
    let mut bytes = 0u64;
    Past::new().tell(count, |fact| bytes += u64::from(matches!(fact, Fact::Transfer { .. })));
    assert_eq!(bytes, count);
    let telling = started.elapsed().as_secs_f64();

    let home = tempfile::tempdir().expect("a folder");
    let catalog = Catalog::open(home.path()).expect("opens");
    let writer = catalog.writer("bench").expect("nobody else writes");
    let shelf = Shelf::in_home(home.path());
    let record = FileRecord { name: "bench".into(), purpose: "bench".into(), bytes: 0 };
    let started = Instant::now();
    let mut batch =
        Batch::begin(&catalog, writer, shelf.clone(), Layers::default(), record, Sizes::USUAL);
    Past::new().tell(count, |fact| batch.put(&fact).expect("puts"));
    let counts = batch.commit("none").expect("commits");
    let taken = started.elapsed().as_secs_f64();
    assert_eq!(counts.transfers_new, count);

    let state = catalog.state().expect("reads");
    let on_disk: u64 = state.segments.iter().map(|row| row.bytes).sum();
    let per_second = |seconds: f64| count as f64 / seconds / 1e6;
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "{millions} M transfers: made up in {telling:.2} s, taken in in {taken:.2} s, \
         {:.2} M/s without making up; {} segments, {:.1} bytes a transfer",
        per_second(taken - telling),
        state.segments.len(),
        on_disk as f64 / count as f64,
    )
    .expect("prints");
}

/// One or two transfers a transaction, a third of the receivers new.
struct Past {
    seed: u64,
    accounts: u64,
    assets: Vec<Asset>,
}

impl Past {
    fn new() -> Past {
        let mut assets = vec![Asset::native(ETH)];
        assets.extend((0..20).map(|n| Asset::token(ETH, address(u64::MAX - n))));
        Past { seed: 7, accounts: 1000, assets }
    }

    fn tell(&mut self, count: u64, mut take: impl FnMut(Fact)) {
        let mut told = 0;
        let mut n = 0u64;
        while told < count {
            n += 1;
            let height = n / 150;
            let time =
                Timestamp::from_second(1_600_000_000 + i64::try_from(height).expect("small") * 12)
                    .expect("in range");
            let mut hash = [0; 32];
            for part in hash.chunks_mut(8) {
                part.copy_from_slice(&self.random().to_le_bytes());
            }
            let legs = 1 + u64::from(self.random().is_multiple_of(3));
            for leg in 0..legs.min(count - told) {
                let transfer = Transfer {
                    tx: TxId { chain: ETH, hash: TxHash::new(&hash) },
                    position: Position::Log(u32::try_from(leg).expect("small")),
                    height: Some(height),
                    tx_index: Some(u32::try_from(n % 150).expect("small")),
                    time,
                    time_source: TimeSource::Stated,
                    from: Some(self.known()),
                    to: Some(self.receiver()),
                    asset: self.asset(),
                    amount: U256::from(self.random() >> (self.random() % 50)),
                    kind: TransferKind::Value,
                };
                take(Fact::Transfer { transfer, evidence: Evidence::Log });
                told += 1;
            }
        }
    }

    fn receiver(&mut self) -> Address {
        if self.random() % 100 < 35 {
            self.accounts += 1;
            return address(self.accounts);
        }
        self.known()
    }

    /// Some rather than others: the lower of two.
    fn known(&mut self) -> Address {
        let (a, b) = (self.random() % self.accounts, self.random() % self.accounts);
        address(a.min(b))
    }

    fn asset(&mut self) -> Asset {
        let at = (self.random() % 40).saturating_sub(20);
        self.assets[usize::try_from(at).expect("small")].clone()
    }

    fn random(&mut self) -> u64 {
        self.seed ^= self.seed << 13;
        self.seed ^= self.seed >> 7;
        self.seed ^= self.seed << 17;
        self.seed
    }
}

fn address(n: u64) -> Address {
    let mut bytes = [0; 20];
    bytes[..8].copy_from_slice(&n.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes());
    bytes[8..16].copy_from_slice(&n.to_le_bytes());
    Address::Evm(bytes)
}
