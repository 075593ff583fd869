//! What can go wrong with a node, by what to do about it.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use model::Chain;

/// A question to a node that was not answered well.
#[derive(Debug)]
pub struct SourceError {
    /// The node's address without user, password, path and query: keys stand there.
    pub node: Box<str>,
    pub chain: Option<Chain>,
    pub method: Option<&'static str>,
    pub height: Option<u64>,
    pub kind: Kind,
    pub source: Option<Box<dyn Error + Send + Sync>>,
}

/// What to do about it.
#[derive(Debug)]
pub enum Kind {
    /// Ask again later: no connection, a timeout, a node that starts up, a block
    /// that was replaced while it was being read.
    Transient(String),
    /// Ask again, but not before.
    RateLimited {
        after: Option<Duration>,
    },
    /// The node has no such block (yet, or any more).
    NotFound,
    /// This height has no block and never will: go on with the next. Solana only.
    Skipped,
    WrongChain {
        expected: Chain,
        found: Chain,
    },
    /// The answer cannot be true. Ask another node.
    Lie(Box<Lie>),
    /// The node does not have this method.
    NoMethod(String),
    /// The node will not answer this, however often it is asked.
    Refused(String),
}

impl Kind {
    /// Is the answer that there is no such block?
    pub fn is_absence(&self) -> bool {
        matches!(self, Kind::NotFound | Kind::Skipped)
    }
}

/// Why an answer cannot be true. Hashes are text as the chain writes it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Lie {
    #[error("not the JSON expected: {0}")]
    NotJson(String),
    #[error("an answer of over {max} bytes")]
    TooLarge { max: usize },
    #[error("asked for block {asked}, given block {given}")]
    WrongHeight { asked: u64, given: u64 },
    #[error("asked for block {asked}, given block {given}")]
    WrongBlock { asked: String, given: String },
    #[error("the header says its hash is {stated}, but hashes to {computed}")]
    WrongHash { stated: String, computed: String },
    #[error("the block before {height} is {expected}, but its header says {stated}")]
    WrongParent { height: u64, stated: String, expected: String },
    #[error("transaction {stated} hashes to {computed}")]
    WrongTransactionHash { stated: String, computed: String },
    #[error("{what}: the header says {stated}, what was given makes {computed}")]
    WrongRoot { what: &'static str, stated: String, computed: String },
    #[error("{receipts} receipts for {transactions} transactions")]
    ReceiptCount { transactions: usize, receipts: usize },
    #[error("receipt {index} is of transaction {found}, expected {expected}")]
    ReceiptOrder { index: usize, expected: String, found: String },
    #[error("log {found} of transaction {tx} stands where log {expected} belongs")]
    LogOrder { tx: String, expected: u64, found: u64 },
    #[error("transaction {tx}: {what}")]
    Transaction { tx: String, what: String },
    #[error("traces: {0}")]
    Traces(String),
    #[error("transaction {tx}: its traces say {what}")]
    TracesOf { tx: String, what: String },
    #[error("impossible value: {0}")]
    Impossible(String),
}

impl SourceError {
    pub fn new(node: &str, kind: Kind) -> SourceError {
        SourceError {
            node: node.into(),
            chain: None,
            method: None,
            height: None,
            kind,
            source: None,
        }
    }

    pub fn on(self, chain: Chain) -> SourceError {
        SourceError { chain: Some(chain), ..self }
    }

    pub fn asking(self, method: &'static str) -> SourceError {
        SourceError { method: self.method.or(Some(method)), ..self }
    }

    pub fn at(self, height: u64) -> SourceError {
        SourceError { height: self.height.or(Some(height)), ..self }
    }

    pub fn because(self, source: impl Into<Box<dyn Error + Send + Sync>>) -> SourceError {
        SourceError { source: Some(source.into()), ..self }
    }

    /// Is it worth asking the same node again?
    pub fn is_transient(&self) -> bool {
        matches!(self.kind, Kind::Transient(_) | Kind::RateLimited { .. })
    }

    pub fn lie(&self) -> Option<&Lie> {
        match &self.kind {
            Kind::Lie(lie) => Some(lie),
            _ => None,
        }
    }
}

impl From<Lie> for Kind {
    fn from(lie: Lie) -> Kind {
        Kind::Lie(Box::new(lie))
    }
}

impl fmt::Display for SourceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "node {}", self.node)?;
        if let Some(chain) = self.chain {
            write!(f, " of {}", chain.name())?;
        }
        if let Some(method) = self.method {
            write!(f, ": {method}")?;
        }
        if let Some(height) = self.height {
            write!(f, ": block {height}")?;
        }
        write!(f, ": {}", self.kind)
    }
}

impl Error for SourceError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as &(dyn Error + 'static))
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Kind::Transient(what) => write!(f, "{what}: to be asked again"),
            Kind::RateLimited { after: Some(after) } => {
                write!(f, "asked too often: again in {} s", after.as_secs())
            }
            Kind::RateLimited { after: None } => write!(f, "asked too often"),
            Kind::NotFound => write!(f, "not there"),
            Kind::Skipped => write!(f, "no block was made at this height"),
            Kind::WrongChain { expected, found } => {
                write!(f, "the node is on {found}, expected {expected}")
            }
            Kind::Lie(lie) => write!(f, "cannot be true: {lie}"),
            Kind::NoMethod(what) => write!(f, "the node does not have this method: {what}"),
            Kind::Refused(what) => write!(f, "refused: {what}"),
        }
    }
}

/// An address of a node as it may be shown: user, password, path and query are
/// left out, for keys stand in all of them. A file's path (IPC) stays.
pub fn shown_url(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return url.to_string();
    };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let host = rest[..end].rsplit('@').next().unwrap_or_default();
    format!("{scheme}://{host}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_shown_without_what_may_be_a_key() {
        for (url, shown) in [
            ("http://127.0.0.1:8545", "http://127.0.0.1:8545"),
            ("https://user:secret@node.example/v3/KEY?apikey=KEY", "https://node.example"),
            ("wss://node.example?apikey=KEY", "wss://node.example"),
            ("wss://a@b@node.example/KEY", "wss://node.example"),
            ("/run/geth.ipc", "/run/geth.ipc"),
        ] {
            assert_eq!(shown_url(url), shown);
        }
    }

    #[test]
    fn an_error_says_node_chain_method_height_and_what_is_wrong() {
        let lie = Kind::from(Lie::WrongHeight { asked: 7, given: 8 });
        let error = SourceError::new("http://127.0.0.1:8545", lie)
            .on(Chain::ETHEREUM)
            .asking("eth_getBlockByNumber")
            .at(7);
        assert_eq!(
            error.to_string(),
            "node http://127.0.0.1:8545 of ethereum: eth_getBlockByNumber: block 7: \
             cannot be true: asked for block 7, given block 8"
        );
    }
}
