//! Every route over chains and lists, tried as a nobody, in every role and with a key of every scope.

use std::sync::Arc;

use case::db::{Db, Place};
use serve::trial::{self, Cast};
use serve::{App, Settings, policy};

use crate::cell::Cell;

#[test]
fn every_line_of_the_policy_holds_for_a_nobody_every_role_and_every_key() {
    let folder = tempfile::tempdir().unwrap();
    let place = Place::Sqlite(folder.path().join("casework.sqlite"));
    let settings =
        Settings { address_per_s: 0, key_per_s: 0, log_nothing: true, ..Settings::default() };
    let app = App::open(Arc::new(Db::open(&place).unwrap()), settings).unwrap();
    let cell = Cell::open(&folder.path().join("home")).unwrap();
    let routes = super::routes(&cell, &app.db).unwrap();
    let server = serve::frame::build(app, routes).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let cast = Cast::of(server.app());
    let faults = runtime.block_on(trial::faults(&server.router(), &cast, policy::ENGINE));
    assert!(faults.is_empty(), "{faults:#?}");
}
