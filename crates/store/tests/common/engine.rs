//! The engine in memory, without the store around it.

use std::sync::Arc;

use model::{
    Chain, Fact, Input, Memory, Outpoint, Output, Position, Transfer, TxId, UtxoTransaction, memory,
};
use store::catalog::{Catalog, Writer};
use store::ingest::{Batch, Sizes};
use store::layers::{Layer, Layers};
use store::merging::{self, Merging};
use store::shelf::Shelf;
use store::snapshot::Snapshot;
use store::{Counts, FileRecord};

pub struct Engine {
    catalog: Catalog,
    writer: Arc<Writer>,
    shelf: Shelf,
    sizes: Sizes,
    files: usize,
}

impl Engine {
    pub fn new(run_rows: usize, segment_rows: u64) -> Engine {
        let catalog = Catalog::open_in_memory().expect("opens");
        let writer = catalog.writer("test").expect("nobody else writes");
        // Reading waits for every merge, so that a seed tells the same story again.
        let sizes = Sizes { run_rows, fan_out: 3, segment_rows, runs_max: 0 };
        Engine { catalog, writer, shelf: Shelf::in_memory(), sizes, files: 0 }
    }

    pub fn layers(&mut self) -> Layers {
        let state = self.catalog.state().expect("reads");
        self.shelf.layers(&state).expect("opens").expect("nobody merged meanwhile")
    }

    pub fn import(&mut self, facts: &[Fact]) -> Counts {
        self.files += 1;
        let name = format!("file {}", self.files);
        let batch = self.put(facts);
        batch.commit(&name).expect("commits")
    }

    /// A batch that is not committed yet.
    pub fn put(&mut self, facts: &[Fact]) -> Batch<'_> {
        let layers = self.layers();
        let record = FileRecord { name: "facts".into(), purpose: "test".into(), bytes: 7 };
        let (writer, shelf) = (self.writer.clone(), self.shelf.clone());
        let mut batch = Batch::begin(&self.catalog, writer, shelf, layers, record, self.sizes);
        facts.iter().for_each(|fact| batch.put(fact).expect("puts"));
        batch
    }

    /// Begins merges of some layers, chosen by these numbers; to be installed later.
    pub fn begin_merges(&mut self, chosen: &[u8]) -> Vec<Merging> {
        let layers = self.layers();
        let mut begun = Vec::new();
        for chain in layers.chains() {
            let asked = layers.base(chain).iter().zip(chosen.iter().cycle());
            let inputs: Vec<Layer> = asked
                .filter(|(_, chosen)| *chosen % 2 == 0)
                .map(|(layer, _)| layer.clone())
                .collect();
            if !inputs.is_empty() {
                begun.push(Merging::of(chain, inputs));
            }
        }
        begun
    }

    pub fn install(&mut self, begun: Vec<Merging>) {
        for merging in begun {
            let written = merging.write(&self.writer, &self.shelf).expect("merges");
            let (catalog, writer, shelf) = (&mut self.catalog, &self.writer, &self.shelf);
            merging::install(catalog, writer, shelf, &merging, written).expect("installs");
        }
    }

    /// Merges by the policy, until it is content.
    pub fn merge(&mut self) {
        while let Some(merging) = merging::next(&self.layers(), &self.sizes) {
            self.install(vec![merging]);
        }
    }

    /// Everything visible, as a store answers.
    pub fn snapshot(&mut self) -> Snapshot {
        let state = self.catalog.state().expect("reads");
        Snapshot::new(&self.layers(), state.assets, None)
    }

    /// Everything visible, read row by row: as plainly as it can be.
    pub fn memory(&mut self) -> Memory {
        let layers = self.layers();
        let mut transfers = Vec::new();
        let mut utxo = Vec::new();
        for chain in layers.chains() {
            for layer in layers.visible(chain) {
                layer.segment.check().expect("is whole");
                let (mut shown, mut unresolved) = (0, 0);
                for entry in 0..layer.segment.head().entries {
                    if !layer.is_visible(entry) {
                        continue;
                    }
                    match read(layer, chain, entry) {
                        Read::Rows(rows) => {
                            shown += rows.len() as u64;
                            transfers.extend(rows);
                        }
                        Read::Utxo(tx) => {
                            shown += memory::legs(&tx).len() as u64;
                            unresolved += tx.unresolved().count() as u64;
                            utxo.push(*tx);
                        }
                    }
                }
                assert_eq!(layer.transfers(), shown, "a mask knows what it hides");
                assert_eq!(layer.unresolved_inputs(), unresolved, "a mask knows what it hides");
            }
        }
        let state = self.catalog.state().expect("reads");
        Memory::settled(transfers, utxo, state.assets.values().cloned().collect())
    }
}

enum Read {
    Rows(Vec<Transfer>),
    Utxo(Box<UtxoTransaction>),
}

fn read(layer: &Layer, chain: Chain, number: u32) -> Read {
    let segment = &layer.segment;
    let entry = segment.entry(number).expect("an entry");
    let transfer = |row| segment.transfer(row).expect("a row");
    if !entry.is_utxo {
        let rows = entry.rows.map(|row| transfer(row).expect("only inputs are hidden"));
        return Read::Rows(rows.collect());
    }
    let mut tx = UtxoTransaction {
        id: TxId { chain, hash: entry.hash },
        height: entry.height,
        index: entry.tx_index,
        time: entry.time,
        block: entry.block,
        inputs: Vec::new(),
        outputs: Vec::new(),
        is_coinbase: entry.is_coinbase,
    };
    for row in entry.rows {
        let output = transfer(row).map(|leg| Output {
            address: leg.from.or(leg.to).expect("an end"),
            value: leg.amount.to(),
        });
        match segment.row(row).expect("a row").position {
            Position::Input(n) => {
                assert_eq!(n as usize, tx.inputs.len(), "inputs are complete and in order");
                let (hash, index) = segment.previous(row).expect("reads").expect("it spends");
                let outpoint = Outpoint { tx: TxId { chain, hash }, index };
                tx.inputs.push(Input { outpoint, previous: output });
            }
            _ => tx.outputs.push(output.expect("an output is never hidden")),
        }
    }
    Read::Utxo(Box::new(tx))
}
