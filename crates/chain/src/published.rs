//! Is a contract's source published, by those who keep such sources?
//!
//! Whoever is asked learns which contract is looked at: so nobody is, unless configured.

use std::fmt;
use std::str::FromStr;

use alloy_primitives::Address;
use model::Chain;
use serde_json::Value;

use crate::history::Key;
use crate::http::{Bounds, Http};
use crate::source::{Kind, Lie, SourceError};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keeper {
    /// `GET v2/contract/<chain id>/<address>`.
    Sourcify,
    /// `?module=contract&action=getsourcecode`.
    Etherscan,
    /// `api/v2/smart-contracts/<address>`.
    Blockscout,
}

/// A keeper of published sources at an address.
pub struct Published {
    keeper: Keeper,
    http: Http,
    key: Option<Key>,
}

impl Published {
    pub fn new(keeper: Keeper, url: &str, key: Option<Key>) -> Result<Published, SourceError> {
        let bounds = Bounds { body_max: 32 << 20, ..Bounds::default() };
        Ok(Published { keeper, http: Http::new(url, bounds)?, key })
    }

    /// The name of the contract in its published source; none where there is none.
    pub async fn published(
        &self,
        chain: Chain,
        address: [u8; 20],
    ) -> Result<Option<String>, SourceError> {
        let Chain::Evm(id) = chain else {
            let why = format!("{} is no EVM chain", chain.name());
            return Err(SourceError::new(self.http.node(), Kind::Refused(why)));
        };
        let address = Address::from(address).to_checksum(None);
        let key = self.key.as_ref().map(|key| format!("&apikey={}", key.in_query()));
        let path = match self.keeper {
            Keeper::Sourcify => format!("v2/contract/{id}/{address}?fields=compilation"),
            Keeper::Blockscout => format!("api/v2/smart-contracts/{address}"),
            Keeper::Etherscan => format!(
                "?chainid={id}&module=contract&action=getsourcecode&address={address}{}",
                key.unwrap_or_default()
            ),
        };
        let body = match self.http.get(&path).await {
            // The two that have paths answer 404 where they know nothing.
            Err(error) if is_absent(&error) && self.keeper != Keeper::Etherscan => return Ok(None),
            body => body?,
        };
        let answer: Value = serde_json::from_slice(&body).map_err(|e| {
            let lie = Lie::NotJson(e.to_string());
            SourceError::new(self.http.node(), Kind::from(lie))
        })?;
        self.read(&answer)
            .map_err(|what| SourceError::new(self.http.node(), Kind::from(Lie::Impossible(what))))
    }

    fn read(&self, answer: &Value) -> Result<Option<String>, String> {
        let text = |value: &Value| value.as_str().map(String::from);
        match self.keeper {
            Keeper::Sourcify => match text(&answer["match"]) {
                Some(_) => Ok(Some(text(&answer["compilation"]["name"]).unwrap_or_default())),
                None if answer.is_object() => Ok(None),
                None => Err("expected an object".into()),
            },
            Keeper::Blockscout => match (answer["is_verified"].as_bool(), text(&answer["name"])) {
                (Some(true), name) => Ok(Some(name.unwrap_or_default())),
                _ if answer.is_object() => Ok(None),
                _ => Err("expected an object".into()),
            },
            Keeper::Etherscan => {
                let row = &answer["result"][0];
                let source = row["SourceCode"].as_str().ok_or_else(|| {
                    let said = text(&answer["result"]).unwrap_or_default();
                    format!("expected a result with SourceCode, found {said:?}")
                })?;
                let name = text(&row["ContractName"]).unwrap_or_default();
                Ok((!source.is_empty()).then_some(name))
            }
        }
    }
}

fn is_absent(error: &SourceError) -> bool {
    matches!(&error.kind, Kind::NotFound)
        || matches!(&error.kind, Kind::Refused(why) if why.contains("404"))
}

impl FromStr for Keeper {
    type Err = String;

    fn from_str(text: &str) -> Result<Keeper, String> {
        match text {
            "sourcify" => Ok(Keeper::Sourcify),
            "etherscan" => Ok(Keeper::Etherscan),
            "blockscout" => Ok(Keeper::Blockscout),
            _ => Err(format!("expected sourcify, etherscan or blockscout, found {text:?}")),
        }
    }
}

impl fmt::Display for Keeper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Keeper::Sourcify => "sourcify",
            Keeper::Etherscan => "etherscan",
            Keeper::Blockscout => "blockscout",
        })
    }
}
