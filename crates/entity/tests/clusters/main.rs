//! Clusters: the laws of undo and order as properties, the smallest story of each rule, and a town whose owners are known.

mod laws;
mod stories;
mod town;
