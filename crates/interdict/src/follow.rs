//! Keeping the store at the tip of chains.
//!
//! ```text
//! nodes of a chain ─► Nodes ──► Fetch ──► Follower ──► Keeper ──► store::Following
//!   one Source each    who may   blocks in   what to do      one writer for
//!                      be asked  order       next            all chains
//! ```
//!
//! One [`Follower`] a chain, each its own task: one chain's trouble is not another's. It looks at the
//! newest block, takes back what the chain took back, fills what is missing up to the last final block
//! (many blocks at once, into the base), and puts the rest on top one by one. Everything it knows between
//! two steps is in the store, so that it may be stopped at any moment.
//!
//! What a node says is checked by its [`Source`](chain::source::Source); what several say of one chain is
//! compared here.

pub mod derive;
pub mod dial;
pub mod fetch;
pub mod finality;
pub mod follower;
pub mod keeper;
pub mod mempool;
pub mod node;
pub mod nodes;
pub mod pending;
pub mod report;
pub mod trouble;

pub use derive::Deriving;
pub use fetch::Room;
pub use finality::Finality;
pub use follower::{Ended, Follower, Plan};
pub use keeper::Keeper;
pub use node::Node;
pub use nodes::Nodes;
pub use report::{ChainReport, Doing, NodeReport};
pub use trouble::Trouble;
