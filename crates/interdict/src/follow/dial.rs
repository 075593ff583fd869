//! From a configuration to a node: which source a chain is read with.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, bail};
use chain::http::Bounds;
use chain::source::Limits;
use chain::{bitcoin, evm, solana, tron};
use model::Chain;

use super::Node;
use super::node::Dialled;
use crate::config::{Follow, Login, NodeConfig};

/// A node of a chain, reached when it is first asked.
pub fn node(chain: Chain, node: &NodeConfig, follow: &Follow) -> Result<Arc<dyn Node>> {
    if !matches!(chain, Chain::Bitcoin(_)) && (node.login.is_some() || node.zmq.is_some()) {
        bail!(
            "login and zmq are for Bitcoin nodes; where an address holds a key, url_file or url_env \
             names where it stands"
        );
    }
    if !matches!(chain, Chain::Tron(_)) && (node.key.is_some() || node.solidity.is_some()) {
        bail!(
            "key_file, key_env and solidity are for Tron; where an address holds a key, url_file or \
             url_env names where it stands"
        );
    }
    let name = node.url.to_string();
    Ok(match chain {
        Chain::Evm(_) => {
            let options = evm_options(chain, node, follow);
            Arc::new(Dialled::new(name, move || {
                let options = options.clone();
                async move { evm::Node::connect(&options).await }
            }))
        }
        Chain::Tron(_) => {
            let options = tron_options(chain, node, follow);
            Arc::new(Dialled::new(name, move || {
                let options = options.clone();
                async move { tron::Node::connect(&options).await }
            }))
        }
        Chain::Solana(_) => {
            let options = solana_options(chain, node, follow);
            Arc::new(Dialled::new(name, move || {
                let options = options.clone();
                async move { solana::Node::connect(&options).await }
            }))
        }
        Chain::Bitcoin(_) => {
            let options = bitcoin_options(chain, node, follow);
            Arc::new(Dialled::new(name, move || {
                let options = options.clone();
                async move { bitcoin::Node::connect(&options).await }
            }))
        }
    })
}

pub(super) fn evm_options(chain: Chain, node: &NodeConfig, follow: &Follow) -> evm::Options {
    evm::Options {
        chain: Some(chain),
        bounds: bounds(follow),
        limits: limits(follow),
        poll: poll(follow),
        ..evm::Options::new(node.url.reveal())
    }
}

fn tron_options(chain: Chain, node: &NodeConfig, follow: &Follow) -> tron::Options {
    tron::Options {
        chain: Some(chain),
        bounds: bounds(follow),
        limits: limits(follow),
        poll: poll(follow),
        solidity: node.solidity.clone(),
        key: node.key.clone(),
        ..tron::Options::new(node.url.reveal())
    }
}

fn solana_options(chain: Chain, node: &NodeConfig, follow: &Follow) -> solana::Options {
    solana::Options {
        chain: Some(chain),
        bounds: bounds(follow),
        limits: limits(follow),
        poll: poll(follow),
        ..solana::Options::new(node.url.reveal())
    }
}

pub(super) fn bitcoin_options(
    chain: Chain,
    node: &NodeConfig,
    follow: &Follow,
) -> bitcoin::Options {
    bitcoin::Options {
        login: match &node.login {
            None => bitcoin::Login::Address,
            Some(Login::File(path)) => bitcoin::Login::File(path.clone()),
            Some(Login::Environment(name)) => bitcoin::Login::Environment(name.clone()),
        },
        chain: Some(chain),
        bounds: bounds(follow),
        limits: limits(follow),
        poll: poll(follow),
        zmq: node.zmq.clone(),
        ..bitcoin::Options::new(node.url.reveal())
    }
}

fn bounds(follow: &Follow) -> Bounds {
    Bounds { total: Duration::from_secs(follow.answer_s.value), ..Bounds::default() }
}

fn limits(follow: &Follow) -> Limits {
    Limits { at_once_max: follow.at_once.value, ..Limits::default() }
}

fn poll(follow: &Follow) -> Duration {
    Duration::from_millis(follow.poll_ms.value)
}
