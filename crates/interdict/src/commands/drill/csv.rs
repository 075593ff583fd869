//! A drill as CSV, in the columns of `transfers-csv`.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use anyhow::Result;
use drill::Block;
use model::{Address, Chain, Position, Registry, Timestamp, Transfer, TxId, UtxoTransaction};

pub struct CsvFile {
    file: BufWriter<File>,
    chain: String,
    /// The transaction and the time of the row before, written out.
    tx: Option<(TxId, String)>,
    time: Option<(Timestamp, String)>,
}

const ACCOUNT: &str = "chain,block,time,tx_hash,tx_index,position,from,to,asset,token_contract,decimals,amount_base\n";
const UTXO: &str =
    "chain,block,time,tx_hash,tx_index,position,from,to,amount_base,prev_tx,prev_index\n";

impl CsvFile {
    pub fn create(path: &Path, chain: Chain) -> Result<CsvFile> {
        let mut file = BufWriter::with_capacity(1 << 20, File::create(path)?);
        file.write_all(if chain.is_utxo() { UTXO } else { ACCOUNT }.as_bytes())?;
        Ok(CsvFile { file, chain: chain.to_string(), tx: None, time: None })
    }

    pub fn block(&mut self, block: &Block) -> Result<()> {
        for transfer in &block.transfers {
            self.transfer(transfer)?;
        }
        for tx in &block.transactions {
            self.transaction(tx)?;
        }
        Ok(())
    }

    pub fn close(self) -> Result<()> {
        self.file.into_inner().map_err(|e| e.into_error())?.sync_all()?;
        Ok(())
    }

    fn transfer(&mut self, transfer: &Transfer) -> Result<()> {
        let chain = transfer.tx.chain;
        self.head(transfer.tx, transfer.height, transfer.tx_index, transfer.time)?;
        let text = |end: &Option<Address>| end.as_ref().map(|end| end.text(chain));
        let (from, to) = (text(&transfer.from), text(&transfer.to));
        write!(
            self.file,
            "{},{},{},",
            transfer.position,
            from.as_deref().unwrap_or_default(),
            to.as_deref().unwrap_or_default()
        )?;
        let known = Registry::shipped().get(&transfer.asset);
        let symbol = known.and_then(|meta| meta.symbol.as_deref()).unwrap_or_default();
        let contract = transfer.asset.contract().map(|contract| contract.text(chain));
        let decimals = super::decimals(&transfer.asset).map(|decimals| decimals.to_string());
        writeln!(
            self.file,
            "{symbol},{},{},{}",
            contract.unwrap_or_default(),
            decimals.unwrap_or_default(),
            transfer.amount
        )?;
        Ok(())
    }

    fn transaction(&mut self, tx: &UtxoTransaction) -> Result<()> {
        let chain = tx.id.chain;
        for (input, index) in tx.inputs.iter().zip(0..) {
            self.head(tx.id, tx.height, tx.index, tx.time)?;
            let previous = input.previous.as_ref().expect("a drill knows what it spends");
            let (from, value) = (previous.address.text(chain), previous.value);
            let (spent, at) = (input.outpoint.tx.hash_text(), input.outpoint.index);
            let position = Position::Input(index);
            writeln!(self.file, "{position},{from},,{value},{spent},{at}")?;
        }
        for (output, index) in tx.outputs.iter().zip(0..) {
            self.head(tx.id, tx.height, tx.index, tx.time)?;
            let (to, value) = (output.address.text(chain), output.value);
            writeln!(self.file, "{},,{to},{value},,", Position::Output(index))?;
        }
        Ok(())
    }

    /// What the rows of a transaction have in common.
    fn head(
        &mut self,
        tx: TxId,
        height: Option<u64>,
        index: Option<u32>,
        time: Timestamp,
    ) -> Result<()> {
        if self.tx.as_ref().is_none_or(|(known, _)| *known != tx) {
            self.tx = Some((tx, tx.hash_text()));
        }
        if self.time.as_ref().is_none_or(|(known, _)| *known != time) {
            self.time = Some((time, time.to_string()));
        }
        let hash = self.tx.as_ref().map_or("", |(_, text)| text);
        let time = self.time.as_ref().map_or("", |(_, text)| text);
        let (height, index) = (height.unwrap_or_default(), index.unwrap_or_default());
        write!(self.file, "{},{height},{time},{hash},{index},", self.chain)?;
        Ok(())
    }
}
