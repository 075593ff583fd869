//! The page and its files, and the calculator behind it.

#![allow(clippy::unwrap_used)]

mod common;

use axum::http::StatusCode;
use common::desk;
use serde_json::json;

#[tokio::test]
async fn the_page_is_there_for_everybody_and_says_nothing_inline() {
    let desk = desk();
    let page = desk.get("/", &[]).await;
    assert_eq!(page.status, StatusCode::OK);
    assert_eq!(page.headers["cache-control"], "no-cache");
    assert_eq!(page.headers["content-type"], "text/html; charset=utf-8");
    assert!(!page.text.contains("<style") && !page.text.contains(" style="), "{}", page.text);
    for script in page.text.split("<script").skip(1) {
        let tag = script.split('>').next().unwrap();
        assert!(tag.contains("src="), "a script inline: {tag}");
    }
    let policy = page.headers["content-security-policy"].to_str().unwrap();
    assert!(!policy.contains("unsafe") && policy.contains("default-src 'none'"), "{policy}");
}

#[tokio::test]
async fn each_file_that_the_page_names_is_kept_for_good_and_no_other_is_there() {
    let desk = desk();
    let page = desk.get("/", &[]).await.text;
    // None where the web was not built: then the plain page names its own two.
    for name in page.split("\"/web/").skip(1).map(|rest| rest.split('"').next().unwrap()) {
        let file = desk.get(&format!("/web/{name}"), &[]).await;
        assert_eq!(file.status, StatusCode::OK, "{name}");
        assert_eq!(file.headers["cache-control"], "public, max-age=31536000, immutable");
    }
    for name in ["index.html", "nothing-12345678.js", "README.md", "..%2Findex.html"] {
        let got = desk.get(&format!("/web/{name}"), &[]).await.status;
        assert_eq!(got, StatusCode::NOT_FOUND, "{name}");
    }
}

#[tokio::test]
async fn the_calculator_answers_with_its_figures_and_refuses_what_it_cannot_reckon() {
    let desk = desk();
    let (cookie, csrf) = desk.administrator().await;
    let cookie = format!("interdict={cookie}");
    let headers = [("cookie", cookie.as_str()), ("x-csrf-token", csrf.as_str())];
    let figures = desk.get("/v1/cost/assumptions", &headers).await.json();
    assert!(figures["assumption"].as_array().unwrap().len() > 20);
    let asked = json!({ "business": { "licences": 2 }, "assumptions": { "licence_usd": 50000 } });
    let cost = desk.post("/v1/cost", &headers, asked).await.json();
    assert_eq!(cost["parts"][0]["without_usd"], 100_000.0);
    let own = cost["assumptions"].as_array().unwrap().iter().find(|one| one["id"] == "licence_usd");
    assert_eq!(own.unwrap()["kind"], "own");
    for (asked, field) in [
        (json!({ "business": { "jurisdictions": ["GBR"] } }), "/business/jurisdictions"),
        (json!({ "business": { "in_place": ["prayer"] } }), "/business/in_place"),
        (json!({ "assumptions": { "licence_usd": -1 } }), "/assumptions/licence_usd"),
        (json!({ "assumptions": { "moon": 1 } }), "/assumptions/moon"),
    ] {
        let refused = desk.post("/v1/cost", &headers, asked).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(refused.json()["field"], field);
    }
}
