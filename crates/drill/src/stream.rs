//! The stream: block after block, whatever the chain.

use crate::account::AccountStream;
use crate::block::Block;
use crate::services::Service;
use crate::settings::{Settings, SettingsError};
use crate::truth::Truth;
use crate::utxo::UtxoStream;

pub struct Stream {
    chain: Kind,
    transfers: u64,
}

enum Kind {
    Account(Box<AccountStream>),
    Utxo(Box<UtxoStream>),
}

impl Stream {
    /// # Errors
    /// When the settings ask for less than a stream can be.
    pub fn new(settings: Settings) -> Result<Stream, SettingsError> {
        settings.check()?;
        let transfers = settings.transfers;
        let chain = match settings.chain.is_utxo() {
            true => Kind::Utxo(Box::new(UtxoStream::new(settings))),
            false => Kind::Account(Box::new(AccountStream::new(settings))),
        };
        Ok(Stream { chain, transfers })
    }

    /// The next block, in a buffer that is used again; none at the end.
    pub fn next_block(&mut self) -> Option<&mut Block> {
        match &mut self.chain {
            Kind::Account(stream) => stream.next_block(),
            Kind::Utxo(stream) => stream.next_block(),
        }
    }

    /// Transfers so far.
    pub fn emitted(&self) -> u64 {
        match &self.chain {
            Kind::Account(stream) => stream.emitted,
            Kind::Utxo(stream) => stream.emitted,
        }
    }

    /// Is there no block any more?
    pub fn is_over(&self) -> bool {
        self.emitted() >= self.transfers
    }

    /// Known from the start.
    pub fn services(&self) -> Vec<Service> {
        match &self.chain {
            Kind::Account(stream) => stream.services(),
            Kind::Utxo(stream) => stream.services(),
        }
    }

    /// What was planted. Whole once the stream has ended; before that, as far as it got.
    pub fn truth(&self) -> Truth {
        match &self.chain {
            Kind::Account(stream) => stream.truth(),
            Kind::Utxo(stream) => stream.truth(),
        }
    }
}
