//! What followed blocks tell that is no transfer and settles with nothing: kept in tables of the catalog, by
//! the height of the block, so that it goes when the block does and stays when it is final.

use model::{Chain, Fact, Freeze, Oddity};

use crate::StoreError;
use crate::catalog::{Commit, FileId};
use crate::hot::FollowedBlock;

#[derive(Default)]
pub(crate) struct Beside {
    oddities: Vec<(u64, Oddity)>,
    freezes: Vec<(u64, Freeze)>,
}

impl Beside {
    pub(crate) fn of(blocks: &[FollowedBlock]) -> Beside {
        let mut beside = Beside::default();
        for FollowedBlock { height, facts, .. } in blocks {
            for fact in facts {
                match fact {
                    Fact::Oddity(oddity) => beside.oddities.push((*height, oddity.clone())),
                    Fact::Freeze(freeze) => beside.freezes.push((*height, freeze.clone())),
                    _ => {}
                }
            }
        }
        beside
    }

    /// Is it kept here, and so of no concern to segments?
    pub(crate) fn holds(fact: &Fact) -> bool {
        matches!(fact, Fact::Oddity(_) | Fact::Freeze(_))
    }

    pub(crate) fn keep(&self, commit: &mut Commit<'_>, chain: Chain) -> Result<(), StoreError> {
        if self.oddities.is_empty() && self.freezes.is_empty() {
            return Ok(());
        }
        let file = commit.followed_file(chain)?;
        for (height, oddity) in &self.oddities {
            commit.add_followed_oddity(file, *height, oddity)?;
        }
        for (height, freeze) in &self.freezes {
            commit.add_followed_freeze(file, *height, freeze)?;
        }
        Ok(())
    }

    /// Forgets what blocks above a height told, or all of them.
    pub(crate) fn forget(
        commit: &mut Commit<'_>,
        file: FileId,
        above: Option<u64>,
    ) -> Result<(), StoreError> {
        commit.drop_followed_oddities(file, above)?;
        commit.drop_followed_freezes(file, above)
    }
}
