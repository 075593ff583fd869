//! Small stories, and the laws over random ones.

mod laws;
mod stories;
