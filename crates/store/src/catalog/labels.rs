//! Labels, kept by the pack they came in.

use model::{Confidence, Label, Subject, Tag, TagKind};
use rusqlite::{Connection, Row, params};

use crate::StoreError;
use crate::catalog::Catalog;
use crate::catalog::collection::{Outcome, replace, words_in, words_out};
use crate::catalog::identifier::identifier;
use crate::catalog::lists::date;
use crate::code::read;
use crate::error::{Doing, In};

impl Catalog {
    /// Keeps the labels of a pack whole, in place of what an earlier file of
    /// the same name held. The same file again changes nothing.
    pub fn put_labels(
        &mut self,
        collection: &str,
        file_hash: &str,
        labels: &[Label],
    ) -> Result<Outcome, StoreError> {
        let path = self.path.clone();
        self.keep_labels(collection, file_hash, labels).in_file(path.as_deref())
    }

    /// Every label, ordered by pack and place in it.
    pub fn labels(&self) -> Result<Vec<Label>, StoreError> {
        self.read_all(
            "SELECT l.account, l.tx, l.identifier, l.families, l.key, l.name, l.concepts, l.actor,
                    l.confidence, l.level, l.source, l.gathered_by, l.date, l.file_hash, l.network,
                    t.kind, t.is_cluster_definer, t.context, t.valid_until, t.is_own
             FROM collection c CROSS JOIN label l ON l.collection = c.id
             LEFT JOIN label_tag t ON t.collection = l.collection AND t.n = l.n
             ORDER BY c.name, l.n",
            |row| {
                let day: Option<String> = read(row, 12)?;
                Ok(Label {
                    subject: subject(row)?,
                    name: read(row, 5)?,
                    concepts: words_out(&read::<String>(row, 6)?)?,
                    actor: read(row, 7)?,
                    confidence: Confidence { id: read(row, 8)?, level: read(row, 9)? },
                    source: read(row, 10)?,
                    collection: read(row, 11)?,
                    date: day.as_deref().map(date).transpose()?,
                    file_hash: read(row, 13)?,
                    network: read(row, 14)?,
                    tag: tag(row)?,
                })
            },
        )
    }

    fn keep_labels(
        &mut self,
        collection: &str,
        file_hash: &str,
        labels: &[Label],
    ) -> Result<Outcome, StoreError> {
        let doing = || format!("keep the labels of {collection}");
        let db = self.write(&doing())?;
        let (outcome, id) = replace(&db, "labels", collection, file_hash)?;
        let Some(id) = id else { return Ok(outcome) };
        for (n, label) in (0i64..).zip(labels) {
            let concepts = words_in(&label.concepts)?;
            let of = columns_of(&label.subject)?;
            db.prepare_cached(
                "INSERT INTO label (collection, n, account, tx, identifier, families, key, name,
                    concepts, actor, confidence, level, source, gathered_by, date, file_hash, network)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)",
            )
            .and_then(|mut add| {
                add.execute(params![
                    id,
                    n,
                    of.account,
                    of.tx,
                    of.identifier,
                    of.families,
                    of.key,
                    label.name,
                    concepts,
                    label.actor,
                    label.confidence.id,
                    label.confidence.level,
                    label.source,
                    label.collection,
                    label.date.map(|date| date.to_string()),
                    label.file_hash,
                    label.network,
                ])
            })
            .doing(doing)?;
            if label.tag != Tag::default() {
                keep_tag(&db, id, n, &label.tag).doing(doing)?;
            }
        }
        db.commit().doing(doing)?;
        Ok(outcome)
    }
}

fn keep_tag(db: &Connection, id: i64, n: i64, tag: &Tag) -> rusqlite::Result<usize> {
    db.prepare_cached(
        "INSERT INTO label_tag (collection, n, kind, is_cluster_definer, context, valid_until, is_own)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?
    .execute(params![
        id,
        n,
        tag.kind.name(),
        tag.is_cluster_definer,
        tag.context,
        tag.valid_until.map(|date| date.to_string()),
        tag.is_own,
    ])
}

fn tag(row: &Row<'_>) -> Result<Tag, StoreError> {
    let Some(kind) = read::<Option<String>>(row, 15)? else { return Ok(Tag::default()) };
    let wrong = || StoreError::value("read a label", format!("{kind:?} is no kind of label"));
    let until: Option<String> = read(row, 18)?;
    Ok(Tag {
        kind: TagKind::named(&kind).ok_or_else(wrong)?,
        is_cluster_definer: read(row, 16)?,
        context: read(row, 17)?,
        valid_until: until.as_deref().map(date).transpose()?,
        is_own: read(row, 19)?,
        ..Tag::default()
    })
}

/// A subject is an account, a transaction, or an identifier with its key.
#[derive(Default)]
struct SubjectColumns {
    account: Option<String>,
    tx: Option<String>,
    identifier: Option<String>,
    families: Option<String>,
    key: Option<String>,
}

fn columns_of(subject: &Subject) -> Result<SubjectColumns, StoreError> {
    Ok(match subject {
        Subject::Account(account) => {
            SubjectColumns { account: Some(account.to_string()), ..SubjectColumns::default() }
        }
        Subject::Transaction(tx) => {
            SubjectColumns { tx: Some(tx.to_string()), ..SubjectColumns::default() }
        }
        Subject::Identifier(identifier) => SubjectColumns {
            identifier: Some(identifier.text.clone()),
            families: Some(words_in(&identifier.families)?),
            key: Some(identifier.key.to_string()),
            ..SubjectColumns::default()
        },
    })
}

fn subject(row: &Row<'_>) -> Result<Subject, StoreError> {
    if let Some(account) = read::<Option<String>>(row, 0)? {
        let parsed = account.parse().map(Subject::Account);
        return parsed
            .map_err(|_| StoreError::value("read a label", format!("{account:?} is no account")));
    }
    if let Some(tx) = read::<Option<String>>(row, 1)? {
        let parsed = tx.parse().map(Subject::Transaction);
        return parsed
            .map_err(|_| StoreError::value("read a label", format!("{tx:?} is no transaction")));
    }
    identifier(row, 2).map(Subject::Identifier)
}
