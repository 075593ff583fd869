//! Where the bytes of a store are.

use std::collections::BTreeMap;

use model::Chain;

use crate::Store;

/// The segments of one chain.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct ChainLayout {
    pub chain: Chain,
    pub segments: u64,
    /// Transfers that are shown.
    pub transfers: u64,
    /// Transfers that a newer segment replaces: compacting drops them.
    pub masked: u64,
    pub bytes: u64,
    /// Bytes of each section, over all segments; checksums and directories apart.
    pub sections: BTreeMap<&'static str, u64>,
}

impl Store {
    /// Each chain's segments and what is in them.
    pub fn layout(&self) -> Vec<ChainLayout> {
        let layers = &self.current.layers;
        layers.chains().map(|chain| self.layout_of(chain)).collect()
    }

    fn layout_of(&self, chain: Chain) -> ChainLayout {
        let mut layout = ChainLayout {
            chain,
            segments: 0,
            transfers: 0,
            masked: 0,
            bytes: 0,
            sections: BTreeMap::new(),
        };
        for layer in self.current.layers.visible(chain) {
            layout.segments += 1;
            layout.transfers += layer.transfers();
            layout.masked += layer.masked_counts.transfers;
            layout.bytes += layer.segment.bytes_len();
            for (section, bytes) in layer.segment.sections() {
                *layout.sections.entry(section).or_default() += bytes;
            }
        }
        layout
    }
}
