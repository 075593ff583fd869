//! How a chain is being followed, as the follower notes it for `interdict status`.
//!
//! Kept in the store's notes as JSON, so that it is read while the follower runs and after it died.

use model::{Chain, Timestamp};
use serde::{Deserialize, Serialize};
use store::Followed;

/// The name of the note.
pub const NOTE: &str = "follow";

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChainReport {
    pub chain: Chain,
    /// Whose note this is. Whether it still runs is not in it.
    pub process: u32,
    pub started: Timestamp,
    pub updated: Timestamp,
    pub doing: Doing,
    /// The lowest height that is wanted; none until it is known.
    pub from: Option<u64>,
    /// Why from there, where nobody said.
    #[serde(default)]
    pub from_why: Option<String>,
    pub finality: String,
    /// How many of the newest blocks can be undone.
    pub undo: u64,
    /// The newest block that is stored.
    pub held: Option<HeldBlock>,
    /// The newest block the nodes know of.
    pub tip: Option<u64>,
    /// Up to here blocks are final.
    pub last_final: Option<u64>,
    /// Of late, while there is something to catch up with.
    pub blocks_per_second: Option<f64>,
    pub seconds_left: Option<u64>,
    /// Since it was started.
    pub blocks: u64,
    pub reorganisations: u64,
    pub last_error: Option<Said>,
    pub nodes: Vec<NodeReport>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldBlock {
    pub height: u64,
    /// As the chain writes it.
    pub hash: String,
    pub time: Option<Timestamp>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Doing {
    Starting,
    CatchingUp,
    AtTip,
    /// For a node, after an error.
    Waiting,
    /// On purpose.
    Stopped,
    /// It was not to go on trying.
    Failed,
    /// Somebody has to act first.
    Refused,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NodeReport {
    pub node: String,
    pub state: String,
    pub tip: Option<u64>,
    pub asked: u64,
    pub failed: u64,
    pub last_error: Option<Said>,
    /// What it does not see; none until it was reached.
    pub unseen: Option<String>,
}

/// Something that was said once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    pub at: Timestamp,
    pub what: String,
}

impl Doing {
    pub fn text(self) -> &'static str {
        match self {
            Doing::Starting => "starting",
            Doing::CatchingUp => "catching up",
            Doing::AtTip => "at the tip",
            Doing::Waiting => "waiting",
            Doing::Stopped => "stopped",
            Doing::Failed => "failed",
            Doing::Refused => "refused: somebody has to act",
        }
    }
}

impl ChainReport {
    /// The note of a chain, where its follower left one that can be read.
    pub fn of(followed: &Followed) -> Option<ChainReport> {
        serde_json::from_str(followed.notes.get(NOTE)?).ok()
    }

    pub fn text(&self) -> String {
        serde_json::to_string(self).expect("strings, numbers and times become JSON")
    }
}
