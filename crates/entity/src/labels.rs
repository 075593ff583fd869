//! Published labels, one file a format. A file is read whole or not at all.

pub mod actorpack;
mod context;
mod error;
pub mod mining_pools;
pub mod name_tags;
pub mod own;
mod subject;
pub mod tagpack;
mod yaml;

use std::collections::HashMap;

use model::{Date, Label};

pub use actorpack::Actor;
pub use error::LabelError;

/// The file that is read, in the words of the caller.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// What a person would call it: its name. Errors begin with it.
    pub name: String,
    /// SHA-256 in hex.
    pub file_hash: String,
    /// When it was gathered, for labels that do not say.
    pub date: Option<Date>,
}

/// Gives labels that name an actor but no concept the categories of that actor.
/// Done when labels are read, so that a newer ActorPack speaks for older labels.
///
/// Binance runs an exchange and a DEX. Which of them a wallet of Binance belongs
/// to is not said, and money must not be followed through an exchange as through
/// a DEX: where an actor is both, the label gets what stops a walk.
pub fn enrich(labels: &mut [Label], actors: &[Actor]) {
    let by_id: HashMap<&str, &Actor> =
        actors.iter().map(|actor| (actor.id.as_str(), actor)).collect();
    for label in labels.iter_mut().filter(|label| label.concepts.is_empty()) {
        let actor = label.actor.as_deref().and_then(|id| by_id.get(id));
        if let Some(actor) = actor {
            label.concepts = categories(actor);
        }
    }
}

fn categories(actor: &Actor) -> Vec<String> {
    const PASSAGES: &[&str] = &["defi_dex", "defi_bridge"];
    let is_exchange = actor.categories.iter().any(|category| category == "exchange");
    let is_kept = |category: &&String| !(is_exchange && PASSAGES.contains(&category.as_str()));
    actor.categories.iter().filter(is_kept).cloned().collect()
}
