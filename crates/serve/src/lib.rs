//! How other programs and the web use Interdict: a documented API over HTTP.
//!
//! `frame` builds the server around routes; [`policy`] says, in one table, who may call what;
//! [`access`] says who somebody is; `http` has the routes of casework, one file an area. Routes that
//! need chains and lists are written in the binary crate and handed to `frame` with the rest.

pub mod access;
pub mod app;
pub mod policy;
pub mod problem;
