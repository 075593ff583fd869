//! What every route has at hand.

use std::sync::Arc;

use case::db::Db;

/// Cloned into every request.
#[derive(Clone)]
pub struct App {
    pub db: Arc<Db>,
}
