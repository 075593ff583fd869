//! The one writer of the store, shared by the followers of all chains.

use std::sync::{Arc, Mutex};

use chain::source::Block;
use model::Chain;
use store::Following;
use store::hot::FollowedBlock;

/// A handle on it. Its work blocks, and so runs beside the tasks that talk to nodes.
#[derive(Clone)]
pub struct Keeper {
    following: Arc<Mutex<Following>>,
}

impl Keeper {
    pub fn new(following: Following) -> Keeper {
        Keeper { following: Arc::new(Mutex::new(following)) }
    }

    /// Does something with the store, one after the other. Once begun it is finished, also when whoever
    /// waits for it goes away.
    pub async fn with<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Following) -> T + Send + 'static,
    ) -> T {
        let following = self.following.clone();
        let done = tokio::task::spawn_blocking(move || {
            let mut following = following.lock().expect("the store does not panic");
            work(&mut following)
        });
        done.await.expect("the store does not panic, and nobody aborts its work")
    }
}

/// A block as the store wants it.
pub fn followed(chain: Chain, block: Block, unseen: &str) -> FollowedBlock {
    let Block { at, facts } = block;
    FollowedBlock {
        chain,
        height: at.height,
        hash: at.hash,
        parent: at.parent,
        time: at.time,
        unseen: unseen.to_string(),
        facts,
    }
}
