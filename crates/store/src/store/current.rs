//! The newest state of the catalog this process knows, opened.

use std::collections::BTreeSet;

use model::{Chain, Coverage};

use crate::StoreError;
use crate::catalog::{Catalog, State};
use crate::hot;
use crate::layers::Layers;
use crate::shelf::Shelf;
use crate::snapshot::Snapshot;

pub(crate) struct Current {
    pub(crate) state: State,
    pub(crate) layers: Layers,
    pub(crate) snapshot: Snapshot,
}

impl Current {
    /// Reads the state and opens its segments. A file that is gone was merged away
    /// since, so that there is a newer state: unless there is none.
    pub(crate) fn load(
        catalog: &Catalog,
        shelf: &Shelf,
        earlier: Option<&Snapshot>,
    ) -> Result<Current, StoreError> {
        let mut state = catalog.state_beside(&|id| shelf.is_open(id))?;
        let layers = loop {
            if let Some(layers) = shelf.layers(&state)? {
                break layers;
            }
            let newer = catalog.state_beside(&|id| shelf.is_open(id))?;
            if newer.generation == state.generation {
                break shelf.layers_of_newest(&newer)?;
            }
            state = newer;
        };
        let held = layers.unreadable().map(|chain| held(&state, chain));
        let snapshot = Snapshot::new(&layers, hot::assets(&state)?, earlier)
            .with_followed(state.followed.clone())
            .with_unreadable(layers.clone(), held.collect());
        Ok(Current { state, layers, snapshot })
    }

    /// True where others, or this process, committed since.
    pub(crate) fn refresh(&mut self, catalog: &Catalog, shelf: &Shelf) -> Result<bool, StoreError> {
        if catalog.generation()? == self.state.generation {
            return Ok(false);
        }
        *self = Current::load(catalog, shelf, Some(&self.snapshot))?;
        Ok(true)
    }
}

/// What is held of a chain that cannot be read, as far as the catalog says it.
fn held(state: &State, chain: Chain) -> Coverage {
    let mut held = Coverage::nothing(chain);
    let mut ids = BTreeSet::new();
    let hot = state.hot.iter().map(|row| &row.segment);
    for row in state.segments.iter().chain(hot).filter(|row| row.chain == chain) {
        ids.insert(row.id);
        held.transfers += row.transfers;
        held.height_first = held.height_first.into_iter().chain(row.height_first).min();
        held.height_last = held.height_last.max(row.height_last);
        held.time_first = held.time_first.into_iter().chain(row.time_first).min();
        held.time_last = held.time_last.max(row.time_last);
    }
    let masked: u64 =
        state.masks.iter().filter(|mask| ids.contains(&mask.on)).map(|mask| mask.transfers).sum();
    held.transfers = held.transfers.saturating_sub(masked);
    held
}
