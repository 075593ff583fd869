//! Making a home as small as it can be: few segments, nothing masked, no page unused.

use std::sync::Arc;

use crate::catalog::Writer;
use crate::layers::Layer;
use crate::merging::Merging;
use crate::{Store, StoreError};

/// What compacting did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Compacted {
    pub segments_before: u64,
    pub segments_after: u64,
    /// Files that no catalog named, left by a crash.
    pub files_removed: u64,
    pub bytes_before: u64,
    pub bytes_after: u64,
}

impl Store {
    /// Merges all that can be merged, drops masked rows and files nobody names, and
    /// gives unused pages of the catalog back.
    pub fn compact(&mut self) -> Result<Compacted, StoreError> {
        let writer = self.catalog.writer("compact")?;
        self.parts().finish_merge()?;
        self.refresh()?;
        let files_removed = self.remove_orphans(&writer)? as u64;
        let mut done = Compacted {
            segments_before: self.current.state.segments.len() as u64,
            bytes_before: self.bytes_on_disk()?,
            files_removed,
            ..Compacted::default()
        };
        self.merge_all(&writer)?;
        self.catalog.shrink()?;
        done.segments_after = self.current.state.segments.len() as u64;
        done.bytes_after = self.bytes_on_disk()?;
        Ok(done)
    }

    fn merge_all(&mut self, writer: &Arc<Writer>) -> Result<(), StoreError> {
        let chains: Vec<_> = self.current.layers.chains().collect();
        for chain in chains {
            for inputs in groups(self.current.layers.base(chain), self.sizes.segment_rows) {
                self.parts().merge(&Merging::of(chain, inputs), writer)?;
            }
        }
        Ok(())
    }
}

/// Layers to merge: neighbours in time, each group of at most so many rows. One
/// alone is written anew only to leave out what is masked.
fn groups(layers: &[Layer], rows_max: u64) -> Vec<Vec<Layer>> {
    let mut layers = layers.to_vec();
    layers.sort_by_key(|layer| (layer.segment.head().time_first, layer.id));
    let mut groups: Vec<Vec<Layer>> = Vec::new();
    let mut rows = 0;
    for layer in layers {
        let more = u64::from(layer.segment.head().rows);
        match groups.last_mut() {
            Some(group) if rows + more <= rows_max => {
                rows += more;
                group.push(layer);
            }
            _ => {
                rows = more;
                groups.push(vec![layer]);
            }
        }
    }
    groups.retain(|group| group.len() > 1 || group.iter().any(|layer| !layer.masked.is_empty()));
    groups
}
