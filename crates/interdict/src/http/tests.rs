//! Every endpoint of the whole server, tried as a nobody, in every role, with a key of every scope.

use std::sync::Arc;

use axum::http::StatusCode;
use case::db::{Db, Place};
use case::vault::Vault;
use serve::policy::{ENGINE, POLICIES};
use serve::trial::{self, Cast};
use serve::{App, Settings};

use crate::cell::Cell;
use crate::home::Home;

#[tokio::test]
async fn every_line_of_the_policy_holds_for_a_nobody_every_role_and_every_key() {
    let folder = tempfile::tempdir().unwrap();
    drop(Home::choose(Some(folder.path().to_path_buf())).open().unwrap());
    let place = Place::Sqlite(folder.path().join("casework.sqlite"));
    let settings = Settings {
        address_per_s: 0,
        key_per_s: 0,
        log_nothing: true,
        vault: Some(Arc::new(Vault::of([5; 32]))),
        ..Settings::default()
    };
    let app = App::open(Arc::new(Db::open(&place).unwrap()), settings).unwrap();
    let app = app.telling_casework().unwrap();
    let cell = Cell::open(folder.path()).unwrap();
    let routes = super::routes(&cell, &app).unwrap();
    let server = serve::frame::build(app, routes).unwrap();
    let (router, app) = (server.router(), server.app().clone());
    let cast = Cast::of(&app);
    for lines in [ENGINE, POLICIES] {
        let faults = trial::faults(&router, &cast, lines).await;
        assert!(faults.is_empty(), "{faults:#?}");
    }
    let nobody = trial::As::Nobody;
    let status = trial::status(&router, nobody, &axum::http::Method::GET, "/v1/users/u-1/alerts");
    assert_eq!(status.await, StatusCode::UNAUTHORIZED);
}
