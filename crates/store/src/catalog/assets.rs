//! What files say of assets, merged by the model's rule.

use std::collections::BTreeMap;

use model::{Asset, AssetMeta, memory};
use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::StoreError;
use crate::catalog::Catalog;
use crate::code::{freezable_in, freezable_out, read, read_all};
use crate::error::{Doing, In};

impl Catalog {
    /// What is known of an asset: what files told, beside what its family has in common.
    pub fn asset(&self, asset: &Asset) -> Result<AssetMeta, StoreError> {
        let told = find(&self.db, asset).in_file(self.path.as_deref())?;
        Ok(with_family(asset, told.as_ref()))
    }
}

/// What files told of any asset.
pub(super) fn all(db: &Connection) -> Result<BTreeMap<Asset, AssetMeta>, StoreError> {
    let sql = "SELECT symbol, decimals, freezable, caip19 FROM asset";
    let told = read_all(db, sql, [], |row| {
        let text: String = read(row, 3)?;
        let asset: Asset =
            text.parse().map_err(|_| StoreError::value("read an asset", format!("{text:?}")))?;
        let known = with_family(&asset, Some(&meta(row, asset.clone())?));
        Ok((asset, known))
    })?;
    Ok(told.into_iter().collect())
}

pub(super) fn merge(db: &Connection, told: &AssetMeta) -> Result<(), StoreError> {
    let text = told.asset.to_string();
    if text.parse::<Asset>().as_ref() != Ok(&told.asset) {
        return Err(StoreError::value("keep an asset", format!("{text} names another one")));
    }
    let mut known = with_family(&told.asset, find(db, &told.asset)?.as_ref());
    memory::merge_meta(&mut known, told);
    let freezable = freezable_in(known.freezable);
    db.prepare_cached(
        "INSERT OR REPLACE INTO asset (caip19, symbol, decimals, freezable) VALUES (?1, ?2, ?3, ?4)",
    )
    .and_then(|mut put| put.execute(params![text, known.symbol, known.decimals, freezable]))
    .doing(|| format!("keep what is known of {text}"))
    .map(drop)
}

fn find(db: &Connection, asset: &Asset) -> Result<Option<AssetMeta>, StoreError> {
    let doing = || format!("read what is known of {asset}");
    let mut ask = db
        .prepare_cached("SELECT symbol, decimals, freezable FROM asset WHERE caip19 = ?1")
        .doing(doing)?;
    let found = ask.query_row([asset.to_string()], |row| Ok(meta(row, asset.clone())));
    found.optional().doing(doing)?.transpose()
}

fn meta(row: &Row<'_>, asset: Asset) -> Result<AssetMeta, StoreError> {
    let freezable = freezable_out(read(row, 2)?);
    let freezable = freezable
        .ok_or_else(|| StoreError::value(format!("read {asset}"), "an unknown freezable"))?;
    Ok(AssetMeta { asset, symbol: read(row, 0)?, decimals: read(row, 1)?, freezable })
}

fn with_family(asset: &Asset, told: Option<&AssetMeta>) -> AssetMeta {
    let mut known = AssetMeta::unknown(asset.clone());
    told.into_iter().for_each(|told| memory::merge_meta(&mut known, told));
    known
}
