//! Bitcoin rows that say what each input spends: whole transactions.
//!
//! The rows of one transaction stand together, inputs and outputs each in order
//! from 0. That is how a missing or scattered row shows: a piece of a transaction
//! lacks its outputs or begins with another number.

use model::{Fact, Input, Outpoint, Output, Position, Transfer, U256, UtxoTransaction};

use super::{AMOUNT_BASE, CONTRACT, POSITION, PREV_TX, TX};
use crate::import::error::{ImportError, Place, Problem};
use crate::import::fields::Fields;
use crate::import::run::Run;

#[derive(Default)]
pub struct Spending {
    open: Option<(Place, UtxoTransaction)>,
}

impl Spending {
    pub fn leg(
        &mut self,
        leg: Transfer,
        spent: Option<Outpoint>,
        fields: &Fields<'_>,
        run: &mut Run<'_>,
    ) -> Result<(), ImportError> {
        if self.open.as_ref().is_some_and(|(_, tx)| tx.id != leg.tx) {
            self.flush(run)?;
        }
        let (_, tx) = self.open.get_or_insert_with(|| (fields.place, begin(&leg)));
        if (tx.height, tx.index, tx.time) != (leg.height, leg.tx_index, leg.time) {
            let what = "another block, place or time than the row before says of this transaction";
            return Err(fields.error(TX, Problem::other(what)));
        }
        if !leg.asset.is_native() {
            let what = "an input or output of Bitcoin holds bitcoin: leave it empty";
            return Err(fields.error(CONTRACT, Problem::other(what)));
        }
        let value = u64::try_from(leg.amount);
        let value = value.map_err(|_| fields.wrong(AMOUNT_BASE, "satoshi of 64 bits"))?;
        let (known, stated) = match leg.position {
            Position::Input(stated) => (tx.inputs.len(), stated),
            Position::Output(stated) => (tx.outputs.len(), stated),
            _ => unreachable!("rows of Bitcoin were checked to be inputs or outputs"),
        };
        if u32::try_from(known) != Ok(stated) {
            let what = "the next number of this transaction: its rows stand together, inputs and outputs each in order from 0";
            return Err(fields.wrong(POSITION, what));
        }
        let end = leg.from.or(leg.to).expect("rows of Bitcoin were checked to have an address");
        let output = Output { address: end, value };
        match (leg.position, spent) {
            (Position::Input(_), Some(outpoint)) => {
                tx.inputs.push(Input { outpoint, previous: Some(output) });
            }
            (Position::Input(_), None) => {
                return Err(fields.missing(PREV_TX, "the output this input spends"));
            }
            (_, Some(_)) => {
                let what = "an output spends nothing: leave it empty";
                return Err(fields.error(PREV_TX, Problem::other(what)));
            }
            (_, None) => tx.outputs.push(output),
        }
        Ok(())
    }

    /// Hands over the transaction that just ended.
    pub fn flush(&mut self, run: &mut Run<'_>) -> Result<(), ImportError> {
        let Some((place, mut tx)) = self.open.take() else { return Ok(()) };
        tx.is_coinbase = tx.inputs.is_empty();
        let wrong = |run: &Run<'_>, what: &str| {
            let what = format!("transaction {}: {what}", tx.id.hash_text());
            Err(run.error(Some(place), Some("position"), Problem::other(what)))
        };
        if tx.outputs.is_empty() {
            return wrong(run, "no outputs: its rows stand together, inputs and outputs");
        }
        let value_in = tx.value_in().unwrap_or(U256::ZERO);
        if !tx.is_coinbase && value_in < tx.value_out() {
            return wrong(run, "its outputs hold more than its inputs");
        }
        run.state(Fact::Utxo(tx))
    }
}

fn begin(leg: &Transfer) -> UtxoTransaction {
    UtxoTransaction {
        id: leg.tx,
        height: leg.height,
        index: leg.tx_index,
        time: leg.time,
        block: None,
        inputs: Vec::new(),
        outputs: Vec::new(),
        is_coinbase: false,
    }
}
