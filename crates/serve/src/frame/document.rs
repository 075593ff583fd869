//! The OpenAPI document: what the code says of itself, and who may call what.

use std::collections::BTreeSet;

use axum::http::Method;
use serde_json::{Map, Value, json};
use utoipa::PartialSchema;

use crate::policy::{Needs, Table};
use crate::problem::Problem;

const METHODS: [&str; 7] = ["get", "post", "put", "patch", "delete", "head", "options"];

const ABOUT: &str = "The API of an Interdict cell. Amounts are whole numbers of an asset's base unit, as \
     text; times are RFC 3339 in UTC; chains, accounts and assets are named by CAIP-2, CAIP-10 and \
     CAIP-19. Errors are problem details (RFC 9457). Listings come in pages: send `next` back as \
     `cursor`. A write that carries an `Idempotency-Key` is done once.";

pub fn of(openapi: utoipa::openapi::OpenApi) -> Result<Value, serde_json::Error> {
    let mut document = serde_json::to_value(openapi)?;
    document["info"] = json!({
        "title": "Interdict",
        "description": ABOUT,
        "version": env!("CARGO_PKG_VERSION"),
        "license": { "name": "Apache-2.0 OR MIT", "identifier": "Apache-2.0 OR MIT" },
    });
    document["components"]["securitySchemes"] = json!({
        "key": { "type": "http", "scheme": "bearer", "description": "An API key." },
        "session": {
            "type": "apiKey", "in": "cookie", "name": "interdict",
            "description": "A session. Writes also carry its token in X-CSRF-Token.",
        },
    });
    let schema = serde_json::to_value(Problem::schema())?;
    document["components"]["schemas"]["Problem"] = schema;
    Ok(document)
}

/// Path and method of every operation.
pub fn routes(document: &Value) -> BTreeSet<(String, String)> {
    let mut routes = BTreeSet::new();
    for (path, item) in document["paths"].as_object().into_iter().flatten() {
        for method in METHODS.iter().filter(|method| item.get(**method).is_some()) {
            routes.insert((path.clone(), method.to_uppercase()));
        }
    }
    routes
}

/// Writes into each operation what it needs, and that it may answer with a problem.
pub fn say_who_may(document: &mut Value, table: &Table) {
    let Some(paths) = document["paths"].as_object_mut() else { return };
    for (path, item) in paths {
        for name in METHODS {
            let Some(operation) = item.get_mut(name).and_then(Value::as_object_mut) else {
                continue;
            };
            operation.insert("operationId".into(), operation_id(name, path).into());
            let method = Method::from_bytes(name.to_uppercase().as_bytes()).unwrap_or_default();
            say(operation, table.needs(&method, path).unwrap_or(Needs::Nothing), name != "get");
        }
    }
}

/// A problem is sent under a name of its own; the macro of routes takes it for any JSON.
fn name_problems(response: &mut Value) {
    let Some(content) = response.get_mut("content").and_then(Value::as_object_mut) else { return };
    let is_problem = content
        .get("application/json")
        .and_then(|json| json["schema"]["$ref"].as_str())
        .is_some_and(|schema| schema.ends_with("/Problem"));
    if is_problem && let Some(problem) = content.remove("application/json") {
        content.insert("application/problem+json".into(), problem);
    }
}

/// `get-v1-cases-case`: the names of our functions come twice, and these may not.
fn operation_id(method: &str, path: &str) -> String {
    let words = path.split('/').filter(|word| !word.is_empty());
    let words = words.map(|word| word.trim_matches(['{', '}']));
    std::iter::once(method).chain(words).collect::<Vec<_>>().join("-")
}

fn say(operation: &mut Map<String, Value>, needs: Needs, is_write: bool) {
    let security = match needs {
        Needs::Nothing => json!([]),
        Needs::Role(_) => json!([{ "session": [] }]),
        Needs::Anybody | Needs::RoleOr(..) => json!([{ "key": [] }, { "session": [] }]),
    };
    operation.insert("security".into(), security);
    if needs != Needs::Nothing {
        operation.insert("x-needs".into(), needs.to_string().into());
    }
    if is_write && needs != Needs::Nothing {
        let parameters = operation.entry("parameters").or_insert_with(|| json!([]));
        if let Some(parameters) = parameters.as_array_mut() {
            parameters.push(json!({
                "name": "Idempotency-Key", "in": "header", "required": false,
                "description": "The same key with the same request is done once, for a day.",
                "schema": { "type": "string", "minLength": 1, "maxLength": 128, "pattern": "^[!-~]+$" },
            }));
        }
    }
    let responses = operation.entry("responses").or_insert_with(|| json!({}));
    if let Some(responses) = responses.as_object_mut() {
        for response in responses.values_mut() {
            name_problems(response);
        }
        responses.entry("default").or_insert_with(|| {
            json!({
                "description": "What went wrong.",
                "content": { "application/problem+json": {
                    "schema": { "$ref": "#/components/schemas/Problem" },
                } },
            })
        });
    }
}
