//! Small stories, and the laws over random ones.

mod exposures;
mod laws;
mod recorded;
mod stories;
mod sweeps;
mod world;
