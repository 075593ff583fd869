//! Any provider, and many addresses asked about at once.

use std::fmt;
use std::str::FromStr;

use futures_util::StreamExt;
use model::{Chain, TxId, UtxoTransaction};

use super::esplora::Spenders;
use super::{
    Ask, Blockscout, Cursor, Esplora, Etherscan, History, HistoryError, Horizon, Inside, Lack,
    Options, Page, Solana, Told, TronGrid,
};
use crate::source::Kind;

/// What a provider speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Api {
    Esplora,
    Etherscan,
    Blockscout,
    TronGrid,
    Solana,
}

/// One provider, ready to be asked.
pub enum Provider {
    Esplora(Esplora),
    Etherscan(Etherscan),
    Blockscout(Blockscout),
    TronGrid(TronGrid),
    Solana(Solana),
}

impl Provider {
    /// Asks nothing yet.
    ///
    /// # Errors
    /// When the address is none, or the API does not have the chain.
    pub fn new(api: Api, options: &Options) -> Result<Provider, HistoryError> {
        Ok(match api {
            Api::Esplora => Provider::Esplora(Esplora::new(options)?),
            Api::Etherscan => Provider::Etherscan(Etherscan::new(options)?),
            Api::Blockscout => Provider::Blockscout(Blockscout::new(options)?),
            Api::TronGrid => Provider::TronGrid(TronGrid::new(options)?),
            Api::Solana => Provider::Solana(Solana::new(options)?),
        })
    }

    /// The past of each address, in their order, several at once. After an error
    /// that will not pass the rest is not asked about.
    pub async fn read_all(&self, asks: &[Ask], at_once: usize) -> Vec<Result<Told, HistoryError>> {
        let read = |ask| async move { super::read(self, ask).await };
        let mut answers =
            futures_util::stream::iter(asks.iter().map(read)).buffered(at_once.max(1));
        let mut told = Vec::new();
        while let Some(answer) = answers.next().await {
            let is_over = matches!(&answer, Err(HistoryError::Source(_)));
            told.push(answer);
            if is_over {
                break;
            }
        }
        told
    }

    /// Bitcoin: transactions by id, in order. None: not known, or not final.
    pub async fn transactions(
        &self,
        ids: &[TxId],
        until: &Horizon,
        at_once: usize,
    ) -> Vec<Result<Option<UtxoTransaction>, HistoryError>> {
        let read = |id| async move { self.esplora()?.transaction(id, until).await };
        futures_util::stream::iter(ids.iter().map(read)).buffered(at_once.max(1)).collect().await
    }

    /// Bitcoin: who spent the outputs of each transaction.
    pub async fn spenders(
        &self,
        ids: &[TxId],
        until: &Horizon,
        at_once: usize,
    ) -> Vec<Result<Spenders, HistoryError>> {
        let read = |id| async move { self.esplora()?.spenders(id, until).await };
        futures_util::stream::iter(ids.iter().map(read)).buffered(at_once.max(1)).collect().await
    }

    fn esplora(&self) -> Result<&Esplora, HistoryError> {
        match self {
            Provider::Esplora(esplora) => Ok(esplora),
            other => {
                let kind = Kind::NoMethod("single transactions".into());
                Err(crate::source::SourceError::new(&other.name(), kind).on(other.chain()).into())
            }
        }
    }
}

impl History for Provider {
    fn chain(&self) -> Chain {
        match self {
            Provider::Esplora(one) => one.chain(),
            Provider::Etherscan(one) => one.chain(),
            Provider::Blockscout(one) => one.chain(),
            Provider::TronGrid(one) => one.chain(),
            Provider::Solana(one) => one.chain(),
        }
    }

    fn name(&self) -> String {
        match self {
            Provider::Esplora(one) => one.name(),
            Provider::Etherscan(one) => one.name(),
            Provider::Blockscout(one) => one.name(),
            Provider::TronGrid(one) => one.name(),
            Provider::Solana(one) => one.name(),
        }
    }

    fn unseen(&self) -> &'static [&'static str] {
        match self {
            Provider::Esplora(one) => one.unseen(),
            Provider::Etherscan(one) => one.unseen(),
            Provider::Blockscout(one) => one.unseen(),
            Provider::TronGrid(one) => one.unseen(),
            Provider::Solana(one) => one.unseen(),
        }
    }

    async fn horizon(&self) -> Result<Horizon, HistoryError> {
        match self {
            Provider::Esplora(one) => one.horizon().await,
            Provider::Etherscan(one) => one.horizon().await,
            Provider::Blockscout(one) => one.horizon().await,
            Provider::TronGrid(one) => one.horizon().await,
            Provider::Solana(one) => one.horizon().await,
        }
    }

    async fn page(&self, ask: &Ask, cursor: &Cursor) -> Result<Page, HistoryError> {
        match self {
            Provider::Esplora(one) => one.page(ask, cursor).await,
            Provider::Etherscan(one) => one.page(ask, cursor).await,
            Provider::Blockscout(one) => one.page(ask, cursor).await,
            Provider::TronGrid(one) => one.page(ask, cursor).await,
            Provider::Solana(one) => one.page(ask, cursor).await,
        }
    }

    async fn inside(&self, lack: &Lack) -> Result<Inside, HistoryError> {
        match self {
            Provider::Esplora(one) => one.inside(lack).await,
            Provider::Etherscan(one) => one.inside(lack).await,
            Provider::Blockscout(one) => one.inside(lack).await,
            Provider::TronGrid(one) => one.inside(lack).await,
            Provider::Solana(one) => one.inside(lack).await,
        }
    }
}

impl Api {
    /// What it never shows, in words that follow "does not show".
    pub fn unseen(self) -> &'static [&'static str] {
        match self {
            Api::Esplora => super::esplora::UNSEEN,
            Api::Etherscan => super::etherscan::UNSEEN,
            Api::Blockscout => super::blockscout::UNSEEN,
            Api::TronGrid => super::trongrid::UNSEEN,
            Api::Solana => super::solana::UNSEEN,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{text:?} is no provider's interface: expected esplora, etherscan, blockscout, trongrid or solana"
)]
pub struct ApiError {
    pub text: String,
}

impl FromStr for Api {
    type Err = ApiError;

    fn from_str(text: &str) -> Result<Api, ApiError> {
        match text {
            "esplora" => Ok(Api::Esplora),
            "etherscan" => Ok(Api::Etherscan),
            "blockscout" => Ok(Api::Blockscout),
            "trongrid" => Ok(Api::TronGrid),
            "solana" => Ok(Api::Solana),
            _ => Err(ApiError { text: text.to_string() }),
        }
    }
}

impl fmt::Display for Api {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Api::Esplora => "esplora",
            Api::Etherscan => "etherscan",
            Api::Blockscout => "blockscout",
            Api::TronGrid => "trongrid",
            Api::Solana => "solana",
        })
    }
}
