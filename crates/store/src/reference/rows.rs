//! Transfers and Bitcoin transactions, read back from their rows.

use model::headers::Placed;
use model::memory::{Claim, merge_transactions, place_transaction};
use model::{Address, Chain, Input, Outpoint, Output, Position, Transfer, TxId, UtxoTransaction};
use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::StoreError;
use crate::code::{amount_out, evidence_out, hash_out, join_time, kind_out, read, time_source_out};
use crate::error::Doing;
use crate::reference::names::{Names, tx_hash};

/// The start of a question for transfers; `t` is the table.
macro_rules! transfers_of {
    ($table:literal $(, $more:literal)*) => {
        concat!(
            "SELECT t.tx, x.chain, x.hash, t.position, t.height, t.tx_index, t.time, t.time_ns, ",
            "t.time_source, s.address, g.address, t.asset, t.amount, t.kind",
            $(", ", $more,)*
            " FROM ", $table, " t CROSS JOIN tx x ON x.id = t.tx",
            " LEFT JOIN account s ON s.id = t.source LEFT JOIN account g ON g.id = t.target "
        )
    };
}
pub(crate) use transfers_of;

const DOING: &str = "read a transfer";

pub(crate) fn transfer(
    db: &Connection,
    names: &mut Names,
    row: &Row<'_>,
) -> Result<Transfer, StoreError> {
    let (tx, chain, hash) = read(row, 0).and_then(|tx: i64| {
        Ok((
            tx,
            read::<i64>(row, 1)?,
            row.get_ref(2).and_then(|v| Ok(v.as_blob()?)).doing(|| DOING)?,
        ))
    })?;
    let chain = names.chain(db, chain)?;
    let id = TxId { chain, hash: tx_hash(tx, hash)? };
    let wrong =
        |field: &str| StoreError::value(format!("{DOING} of {id}"), format!("its {field} is none"));
    let position: Position = row
        .get_ref(3)
        .ok()
        .and_then(|text| text.as_str().ok()?.parse().ok())
        .ok_or_else(|| wrong("position"))?;
    let amount = row.get_ref(12).ok().and_then(|blob| amount_out(blob.as_blob().ok()?));
    Ok(Transfer {
        tx: id,
        position,
        height: read::<Option<i64>>(row, 4)?.map(i64::cast_unsigned),
        tx_index: read(row, 5)?,
        time: join_time(read(row, 6)?, read(row, 7)?).ok_or_else(|| wrong("time"))?,
        time_source: time_source_out(read(row, 8)?).ok_or_else(|| wrong("time source"))?,
        from: address(row, 9, chain)?,
        to: address(row, 10, chain)?,
        asset: names.asset(db, read(row, 11)?)?,
        amount: amount.ok_or_else(|| wrong("amount"))?,
        kind: kind_out(read(row, 13)?).ok_or_else(|| wrong("kind"))?,
    })
}

/// What all files claim of one transaction on an account chain.
pub(crate) fn claims(
    db: &Connection,
    names: &mut Names,
    tx: i64,
) -> Result<Vec<Claim>, StoreError> {
    let doing = || format!("read the claims of transaction {tx}");
    let mut ask = db
        .prepare_cached(concat!(transfers_of!("claim", "t.evidence"), "WHERE t.tx = ?1"))
        .doing(doing)?;
    let mut rows = ask.query([tx]).doing(doing)?;
    let mut claims = Vec::new();
    while let Some(row) = rows.next().doing(doing)? {
        let evidence = evidence_out(read(row, 14)?)
            .ok_or_else(|| StoreError::value(doing(), "evidence of no kind"))?;
        claims.push((transfer(db, names, row)?, evidence));
    }
    Ok(claims)
}

pub(crate) fn address(
    row: &Row<'_>,
    at: usize,
    chain: Chain,
) -> Result<Option<Address>, StoreError> {
    let bytes = row.get_ref(at).and_then(|value| Ok(value.as_blob_or_null()?)).doing(|| DOING)?;
    bytes
        .map(|bytes| {
            Address::from_bytes(bytes, chain).ok_or_else(|| {
                StoreError::value("read an address", format!("{} bytes on {chain}", bytes.len()))
            })
        })
        .transpose()
}

/// A Bitcoin transaction as all standing claims together tell it, each input
/// with what it spends where that is held, and the claim it is read from.
pub(crate) struct Chosen {
    pub(crate) tx: UtxoTransaction,
    pub(crate) claim: i64,
}

pub(crate) fn utxo(
    db: &Connection,
    names: &mut Names,
    tx: i64,
) -> Result<Option<Chosen>, StoreError> {
    let claims = standing_claims(db, names, tx)?;
    let Some(merged) = merge_transactions(claims.iter().map(|claim| claim.tx.clone()).collect())
    else {
        return Ok(None);
    };
    let chosen = claims.iter().find(|claim| is_read_from(&merged, &claim.tx));
    let claim = chosen.map(|claim| claim.claim).ok_or_else(|| {
        StoreError::value(
            format!("read transaction {}", merged.id),
            "no claim has its inputs and outputs",
        )
    })?;
    Ok(Some(Chosen { tx: merged, claim }))
}

/// Fills each input's previous output from the transactions that are held.
pub(crate) fn resolve(
    db: &Connection,
    names: &mut Names,
    tx: &mut UtxoTransaction,
) -> Result<(), StoreError> {
    for input in tx.inputs.iter_mut().filter(|input| input.previous.is_none()) {
        input.previous = output_at(db, names, &input.outpoint)?;
    }
    Ok(())
}

/// The same outpoints spent and the same outputs made: then the claim's rows
/// say what the merged transaction says.
fn is_read_from(merged: &UtxoTransaction, claim: &UtxoTransaction) -> bool {
    let outpoints =
        |tx: &UtxoTransaction| tx.inputs.iter().map(|input| input.outpoint).collect::<Vec<_>>();
    merged.outputs == claim.outputs && outpoints(merged) == outpoints(claim)
}

fn standing_claims(db: &Connection, names: &mut Names, tx: i64) -> Result<Vec<Chosen>, StoreError> {
    let claims = utxo_claims(db, names, tx)?;
    let placed = claims.into_iter().filter_map(|(claim, place)| {
        let tx = place_transaction(claim.tx, place.as_ref())?;
        Some(Chosen { tx, claim: claim.claim })
    });
    Ok(placed.collect())
}

/// Every claim of a Bitcoin transaction as its file told it, and where its
/// block is.
pub(crate) fn utxo_claims(
    db: &Connection,
    names: &mut Names,
    tx: i64,
) -> Result<Vec<(Chosen, Option<Placed>)>, StoreError> {
    let doing = || format!("read the claims of transaction {tx}");
    let mut ask = db
        .prepare_cached(
            "SELECT c.id, c.height, c.tx_index, c.time, c.time_ns, c.block, c.is_coinbase,
                    p.stands, p.height
             FROM utxo_claim c CROSS JOIN tx x ON x.id = c.tx
             LEFT JOIN placed p ON p.chain = x.chain AND p.hash = c.block
             WHERE c.tx = ?1 ORDER BY c.id",
        )
        .doing(doing)?;
    let mut rows = ask.query([tx]).doing(doing)?;
    let mut claims = Vec::new();
    while let Some(row) = rows.next().doing(doing)? {
        let id = names.tx(db, tx)?;
        let claim = read(row, 0)?;
        let time = join_time(read(row, 3)?, read(row, 4)?);
        let block: Option<Vec<u8>> = read(row, 5)?;
        let stands: Option<bool> = read(row, 7)?;
        let height: Option<i64> = read(row, 8)?;
        let tx = UtxoTransaction {
            id,
            height: read::<Option<i64>>(row, 1)?.map(i64::cast_unsigned),
            index: read(row, 2)?,
            time: time.ok_or_else(|| StoreError::value(doing(), "its time is none"))?,
            block: block.as_deref().and_then(hash_out),
            inputs: inputs(db, names, claim, id.chain)?,
            outputs: outputs(db, claim, id.chain)?,
            is_coinbase: read(row, 6)?,
        };
        let place = stands.map(|stands| Placed { height: height.map(i64::cast_unsigned), stands });
        claims.push((Chosen { tx, claim }, place));
    }
    Ok(claims)
}

fn inputs(
    db: &Connection,
    names: &mut Names,
    claim: i64,
    chain: Chain,
) -> Result<Vec<Input>, StoreError> {
    let doing = || format!("read the inputs of claim {claim}");
    let mut ask = db
        .prepare_cached(
            "SELECT x.chain, x.hash, i.prev_n, a.address, i.value, i.prev_tx
             FROM utxo_input i CROSS JOIN tx x ON x.id = i.prev_tx
             LEFT JOIN account a ON a.id = i.account
             WHERE i.claim = ?1 ORDER BY i.n",
        )
        .doing(doing)?;
    let mut rows = ask.query([claim]).doing(doing)?;
    let mut inputs = Vec::new();
    while let Some(row) = rows.next().doing(doing)? {
        let hash: Vec<u8> = read(row, 1)?;
        let tx =
            TxId { chain: names.chain(db, read(row, 0)?)?, hash: tx_hash(read(row, 5)?, &hash)? };
        let previous = match (address(row, 3, chain)?, read::<Option<i64>>(row, 4)?) {
            (Some(address), Some(value)) => Some(Output { address, value: value.cast_unsigned() }),
            _ => None,
        };
        inputs.push(Input { outpoint: Outpoint { tx, index: read(row, 2)? }, previous });
    }
    Ok(inputs)
}

fn outputs(db: &Connection, claim: i64, chain: Chain) -> Result<Vec<Output>, StoreError> {
    let doing = || format!("read the outputs of claim {claim}");
    let mut ask = db
        .prepare_cached(
            "SELECT a.address, o.value FROM utxo_output o CROSS JOIN account a ON a.id = o.account
             WHERE o.claim = ?1 ORDER BY o.n",
        )
        .doing(doing)?;
    let mut rows = ask.query([claim]).doing(doing)?;
    let mut outputs = Vec::new();
    while let Some(row) = rows.next().doing(doing)? {
        outputs.push(output(row, chain)?);
    }
    Ok(outputs)
}

fn output_at(
    db: &Connection,
    names: &mut Names,
    outpoint: &Outpoint,
) -> Result<Option<Output>, StoreError> {
    let doing = || format!("read the output {outpoint}");
    let tx = names.tx_id(db, &outpoint.tx)?;
    let mut ask = db
        .prepare_cached(
            "SELECT a.address, o.value
             FROM utxo_claim c CROSS JOIN utxo_output o ON o.claim = c.id AND o.n = ?2
             CROSS JOIN account a ON a.id = o.account
             WHERE c.tx = ?1 AND c.is_chosen = 1",
        )
        .doing(doing)?;
    ask.query_row(params![tx, outpoint.index], |row| Ok(output(row, outpoint.tx.chain)))
        .optional()
        .doing(doing)?
        .transpose()
}

fn output(row: &Row<'_>, chain: Chain) -> Result<Output, StoreError> {
    let address = address(row, 0, chain)?;
    let address =
        address.ok_or_else(|| StoreError::value("read an output", "it has no address"))?;
    Ok(Output { address, value: read::<i64>(row, 1)?.cast_unsigned() })
}
