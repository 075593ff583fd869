//! Every route of the whole server, also those over chains and lists, tried by everybody.

use std::sync::Arc;

use case::db::Place;
use serve::policy::{ENGINE, POLICIES};
use serve::trial::{self, Cast};
use serve::{App, Settings};

use super::*;

#[tokio::test]
async fn every_line_of_the_policy_holds_on_the_whole_server() {
    let folder = tempfile::tempdir().unwrap();
    let place = Place::Sqlite(folder.path().join("casework.sqlite"));
    let settings =
        Settings { address_per_s: 0, key_per_s: 0, log_nothing: true, ..Settings::default() };
    let app = App::open(Arc::new(Db::open(&place).unwrap()), settings).unwrap();
    let app = app.telling_casework().unwrap();
    let cell = Cell::open(folder.path()).unwrap();
    let server = serve::frame::build(app.clone(), routes(&cell, &app.db).unwrap()).unwrap();
    let cast = Cast::of(server.app());
    let router = server.router();
    assert!(!ENGINE.is_empty());
    for lines in [ENGINE, POLICIES] {
        let faults = trial::faults(&router, &cast, lines).await;
        assert!(faults.is_empty(), "{faults:#?}");
    }
}
