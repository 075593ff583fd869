//! How other programs and the web use Interdict: a documented API over HTTP.
//!
//! [`frame`] builds the server around routes; [`policy`] says, in one table, who may call what;
//! [`access`] says who somebody is; [`http`] has the routes of casework, one file an area. Routes that
//! need chains and lists are written in the binary crate and handed to [`frame::build`] with the rest.

pub mod access;
pub mod app;
pub mod drivers;
pub mod events;
pub mod extract;
pub mod frame;
pub mod http;
pub mod page;
pub mod policy;
pub mod problem;
pub mod time;
pub mod trial;

pub use access::Principal;
pub use app::{App, Retention, Settings};
pub use extract::{Body, Path, Query};
pub use page::{Page, PageQuery};
pub use problem::Problem;
