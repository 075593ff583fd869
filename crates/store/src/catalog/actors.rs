//! Actors: who a label's actor id stands for.

use rusqlite::params;

use crate::StoreError;
use crate::catalog::Catalog;
use crate::catalog::collection::{Outcome, replace, words_in, words_out};
use crate::code::read;
use crate::error::{Doing, In};

/// Somebody behind addresses, as an ActorPack describes them.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Actor {
    pub id: String,
    /// The name for people.
    pub label: String,
    pub uri: Option<String>,
    /// Concept ids of the taxonomy.
    pub categories: Vec<String>,
    /// ISO 3166 codes, as the pack writes them.
    pub jurisdictions: Vec<String>,
}

impl Catalog {
    /// Keeps the actors of a pack whole, in place of what an earlier file of
    /// the same name held.
    pub fn put_actors(
        &mut self,
        collection: &str,
        file_hash: &str,
        actors: &[Actor],
    ) -> Result<Outcome, StoreError> {
        let path = self.path.clone();
        self.keep_actors(collection, file_hash, actors).in_file(path.as_deref())
    }

    /// Every actor, ordered by pack and place in it.
    pub fn actors(&self) -> Result<Vec<Actor>, StoreError> {
        self.read_all(
            "SELECT a.id, a.label, a.uri, a.categories, a.jurisdictions
             FROM actor a CROSS JOIN collection c ON c.id = a.collection ORDER BY c.name, a.n",
            |row| {
                Ok(Actor {
                    id: read(row, 0)?,
                    label: read(row, 1)?,
                    uri: read(row, 2)?,
                    categories: words_out(&read::<String>(row, 3)?)?,
                    jurisdictions: words_out(&read::<String>(row, 4)?)?,
                })
            },
        )
    }

    fn keep_actors(
        &mut self,
        collection: &str,
        file_hash: &str,
        actors: &[Actor],
    ) -> Result<Outcome, StoreError> {
        let doing = || format!("keep the actors of {collection}");
        let db = self.write(&doing())?;
        let (outcome, id) = replace(&db, "actors", collection, file_hash)?;
        let Some(id) = id else { return Ok(outcome) };
        for (n, actor) in (0i64..).zip(actors) {
            let (categories, jurisdictions) =
                (words_in(&actor.categories)?, words_in(&actor.jurisdictions)?);
            db.prepare_cached(
                "INSERT INTO actor (collection, n, id, label, uri, categories, jurisdictions)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            )
            .and_then(|mut add| {
                add.execute(params![
                    id,
                    n,
                    actor.id,
                    actor.label,
                    actor.uri,
                    categories,
                    jurisdictions
                ])
            })
            .doing(doing)?;
        }
        db.commit().doing(doing)?;
        Ok(outcome)
    }
}
