//! The newest state of the catalog this process knows, opened.

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
        let mut state = catalog.state()?;
        let layers = loop {
            if let Some(layers) = shelf.layers(&state)? {
                break layers;
            }
            let newer = catalog.state()?;
            if newer.generation == state.generation {
                return Err(shelf.missing(&state));
            }
            state = newer;
        };
        let snapshot = Snapshot::new(&layers, hot::assets(&state)?, earlier)
            .with_followed(state.followed.clone());
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
