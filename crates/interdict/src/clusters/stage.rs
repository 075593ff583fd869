//! Clusters as a stage: blocks in, blocks back, as the store hands them over.

use entity::cluster::Excluded;
use entity::clusterer::{Clusterer, Services};
use entity::heuristics::Rules;
use model::{Chain, Fact, Transfer};
use store::StoreError;
use store::hot::FollowedBlock;
use store::stage::Stage;

/// Clusters of one followed chain, all of whose blocks can be undone.
pub struct Clustering {
    pub clusterer: Clusterer,
}

impl Clustering {
    pub fn new(chain: Chain, rules: Rules, services: Services) -> Clustering {
        Clustering { clusterer: Clusterer::new(chain, rules, services, Excluded::default()) }
    }
}

impl Stage for Clustering {
    fn checkpoint(&self) -> Result<Option<u64>, StoreError> {
        Ok(self.clusterer.hot_height())
    }

    fn execute(&mut self, blocks: &[FollowedBlock]) -> Result<(), StoreError> {
        for block in blocks {
            self.clusterer.begin_hot(block.height);
            let mut transfers: Vec<Transfer> = Vec::new();
            for fact in &block.facts {
                match fact {
                    Fact::Utxo(tx) => self.clusterer.take_utxo(tx),
                    Fact::Transfer { transfer, .. } => transfers.push(transfer.clone()),
                    _ => {}
                }
            }
            transfers.sort_by(Transfer::cmp_time);
            let of_one = transfers.chunk_by(|a, b| a.tx == b.tx);
            of_one.for_each(|transfers| self.clusterer.take_transfers(transfers));
        }
        Ok(())
    }

    fn unwind(&mut self, to: Option<u64>) -> Result<(), StoreError> {
        self.clusterer.unwind(to);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use drill::owners::{OwnersSettings, Town};
    use entity::heuristics::Rule;

    use super::*;

    fn blocks(chain: Chain) -> Vec<FollowedBlock> {
        let settings =
            OwnersSettings { chain, seed: 5, transactions: 300, people: 60, has_payjoins: true };
        let town = Town::build(&settings).expect("settings that can be");
        town.blocks
            .into_iter()
            .map(|mut block| {
                let header = block.header.clone();
                FollowedBlock {
                    chain,
                    height: header.height.expect("known"),
                    hash: header.hash.expect("known"),
                    parent: header.parent.expect("known"),
                    time: header.time,
                    unseen: String::new(),
                    facts: block.drain_facts().collect(),
                }
            })
            .collect()
    }

    /// Everything there is to see: every cluster, and what was met.
    fn shows(stage: &mut Clustering) -> (BTreeMap<String, u32>, u64, usize) {
        let clusterer = &stage.clusterer;
        let all = 0..u32::try_from(clusterer.clusters().len()).expect("few");
        let clusters = all.map(|number| {
            (clusterer.account(number).to_string(), clusterer.clusters().cluster(number))
        });
        (clusters.collect(), clusterer.taken().transactions, clusterer.rounds().len())
    }

    #[test]
    fn clusters_keep_the_laws_of_a_stage() {
        for chain in [Chain::BITCOIN, Chain::ETHEREUM] {
            let make = || Clustering::new(chain, Rules::of(&Rule::ALL), Services::default());
            store::stage::check(&blocks(chain), make, shows);
        }
    }
}
