//! The OpenAPI document: what it shows is what it says, and what the server answers.

#![allow(clippy::unwrap_used)]

mod common;

use std::collections::BTreeSet;

use common::{Desk, desk, person};
use serde_json::{Map, Value, json};
use serve::policy::Role;
use serve::trial::Cast;

const JSON: &str = "application/json";

/// Follows a reference within the document.
fn resolved<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
    match schema["$ref"].as_str() {
        Some(path) => resolved(document, document.pointer(&path[1..]).expect(path)),
        None => schema,
    }
}

/// The fields that a schema knows, those of its parts too.
fn known<'a>(document: &'a Value, schema: &'a Value) -> Map<String, Value> {
    let schema = resolved(document, schema);
    let mut all = schema["properties"].as_object().cloned().unwrap_or_default();
    for part in schema["allOf"].as_array().into_iter().flatten() {
        all.extend(known(document, part));
    }
    all
}

/// What of a value its schema does not allow. As much of JSON Schema as the document uses.
fn wrong(document: &Value, schema: &Value, value: &Value, at: &str, found: &mut Vec<String>) {
    let schema = resolved(document, schema);
    let fields = known(document, schema);
    let unknown = |name: &String| !fields.contains_key(name);
    if let Some(value) = value.as_object()
        && !fields.is_empty()
        && schema["additionalProperties"].is_null()
    {
        let unknown = value.keys().filter(|name| unknown(name));
        found.extend(unknown.map(|name| format!("{at}: {name} is no field")));
    }
    fits(document, schema, value, at, found);
}

/// The rest: types, what is required, and all that lies within.
fn fits(document: &Value, schema: &Value, value: &Value, at: &str, found: &mut Vec<String>) {
    let schema = resolved(document, schema);
    for choice in ["oneOf", "anyOf"] {
        if let Some(all) = schema[choice].as_array() {
            let is_one = |one: &Value| {
                let mut found = Vec::new();
                wrong(document, one, value, at, &mut found);
                found.is_empty()
            };
            if !all.iter().any(is_one) {
                found.push(format!("{at}: {value} fits none of {choice}"));
            }
            return;
        }
    }
    if let Some(parts) = schema["allOf"].as_array() {
        parts.iter().for_each(|part| fits(document, part, value, at, found));
    }
    let types: Vec<&str> = match &schema["type"] {
        Value::String(one) => vec![one],
        Value::Array(all) => all.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let is_of = |kind: &&str| match *kind {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("{at}: a type {other}"),
    };
    if !types.is_empty() && !types.iter().any(is_of) {
        found.push(format!("{at}: {value} is not of {types:?}"));
    }
    if let Some(allowed) = schema["enum"].as_array()
        && !allowed.contains(value)
    {
        found.push(format!("{at}: {value} is not of {allowed:?}"));
    }
    if let Some(items) = value.as_array() {
        for (n, item) in items.iter().enumerate() {
            wrong(document, &schema["items"], item, &format!("{at}/{n}"), found);
        }
    }
    let Some(fields) = value.as_object() else { return };
    for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        if !fields.contains_key(name) {
            found.push(format!("{at}: without {name}"));
        }
    }
    let Some(known) = schema["properties"].as_object() else { return };
    for (name, field) in fields {
        if let Some(schema) = known.get(name) {
            wrong(document, schema, field, &format!("{at}/{name}"), found);
        }
    }
}

fn example<'a>(document: &'a Value, media: &'a Value) -> Option<&'a Value> {
    let own = media.get("example");
    own.or_else(|| resolved(document, &media["schema"]).get("example"))
}

/// An example of each item will do for a list of them.
fn is_shown(document: &Value, media: &Value) -> bool {
    let items = resolved(document, &media["schema"]).get("items");
    let of_items = items.and_then(|items| resolved(document, items).get("example"));
    example(document, media).is_some() || of_items.is_some()
}

fn operations(document: &Value) -> Vec<(String, &Map<String, Value>)> {
    let mut all = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            all.push((format!("{method} {path}"), operation.as_object().unwrap()));
        }
    }
    all
}

/// The bodies in JSON of an operation: what it takes, and what it answers when all went well.
fn bodies(operation: &Map<String, Value>) -> Vec<&Value> {
    let taken = operation.get("requestBody").and_then(|body| body["content"].get(JSON));
    let answers = operation["responses"].as_object().unwrap().iter();
    let answers = answers.filter(|(status, _)| status.starts_with('2'));
    let answers = answers.filter_map(|(_, response)| response["content"].get(JSON));
    taken.into_iter().chain(answers).collect()
}

#[test]
fn every_body_in_json_has_an_example() {
    let desk = desk();
    let document = &desk.document;
    // The document itself, and the reckoning of costs, whose model is as long as its page.
    let left_out = ["get /openapi.json", "get /v1/cost/assumptions", "post /v1/cost"];
    let lacking: BTreeSet<String> = operations(document)
        .into_iter()
        .filter(|(name, _)| !left_out.contains(&name.as_str()))
        .filter(|(_, operation)| {
            bodies(operation).into_iter().any(|media| !is_shown(document, media))
        })
        .map(|(name, _)| name)
        .collect();
    assert!(lacking.is_empty(), "{lacking:#?}");
}

#[test]
fn what_is_shown_is_what_the_schema_says() {
    let desk = desk();
    let document = &desk.document;
    let (mut found, mut shown) = (Vec::new(), 0);
    for (name, operation) in operations(document) {
        for media in bodies(operation) {
            if let Some(example) = example(document, media) {
                wrong(document, &media["schema"], example, &name, &mut found);
                shown += 1;
            }
        }
    }
    for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
        if let Some(example) = schema.get("example") {
            wrong(document, schema, example, name, &mut found);
        }
    }
    assert!(found.is_empty(), "{found:#?}");
    assert!(shown > 60, "{shown}");
    let away = &document["paths"]["/v1/oidc/login"]["get"]["responses"]["303"];
    assert!(away["headers"]["Location"]["example"].is_string());
}

/// An example of somewhere else would pass unseen where a schema says no more than that it is an object.
#[test]
fn the_schemas_of_the_test_tell_wrong_from_right() {
    let desk = desk();
    let document = &desk.document;
    let media = &document["paths"]["/v1/keys"]["get"]["responses"]["200"]["content"][JSON];
    let mut page = example(document, media).unwrap().clone();
    let says = |page: &Value| {
        let mut found = Vec::new();
        wrong(document, &media["schema"], page, "", &mut found);
        found.len()
    };
    assert_eq!(says(&page), 0);
    page["items"][0]["name"] = 7.into();
    page["items"][0]["unknown"] = true.into();
    page["items"][0].as_object_mut().unwrap().remove("hint");
    assert_eq!(says(&page), 3);
}

fn keys(value: &Value) -> BTreeSet<String> {
    value.as_object().unwrap_or_else(|| panic!("no object: {value}")).keys().cloned().collect()
}

/// The first of what an answer holds.
fn first(answer: &Value) -> &Value {
    let items = answer.get("items").unwrap_or(answer);
    items.get(0).unwrap_or(answer)
}

fn shown<'a>(desk: &'a Desk, method: &str, path: &str) -> &'a Value {
    let responses = desk.document["paths"][path][method]["responses"].as_object().unwrap();
    let (_, response) = responses.iter().find(|(status, _)| status.starts_with('2')).unwrap();
    first(example(&desk.document, &response["content"][JSON]).unwrap())
}

#[tokio::test]
async fn examples_of_casework_have_the_fields_of_its_answers() {
    let desk = desk();
    let cast = Cast::of(&desk.app);
    let analyst = person(&desk, &cast, Role::Administrator);
    let account = "eip155:1:0x1111111111111111111111111111111111111111";
    let new = case::alerts::NewAlert {
        kind: case::alerts::AlertKind::Screening,
        severity: model::Severity::High,
        subject: case::alerts::AlertSubject::Account(account.parse().unwrap()),
        group: "g".into(),
        title: "t".into(),
        evidence: json!({}),
        team: None,
        case: None,
    };
    let by = case::By::new("system", jiff::Timestamp::now());
    case::alerts::raise(&desk.app.db, &by, &new).unwrap();
    let later = (jiff::Timestamp::now() + std::time::Duration::from_secs(3600)).to_string();
    let freeze = json!({ "case": 1, "title": "t", "holder": "Tether", "jurisdiction": "US",
        "legal_basis": ["18 U.S.C. 981"],
        "asks": [{ "account": account, "asset": "eip155:1/slip44:60", "amount": "1" }] });
    let made = [
        ("/v1/cases", json!({ "title": "t" })),
        ("/v1/cases/1/notes", json!({ "text": "n" })),
        ("/v1/cases/1/tasks", json!({ "title": "t" })),
        ("/v1/cases/1/links", json!({ "kind": "account", "target": account })),
        ("/v1/cases/1/deadlines", json!({ "what": "w", "due": later })),
        ("/v1/cases/1/incidents", json!({ "title": "t", "time": "2025-01-01T00:00:00Z" })),
        (
            "/v1/watches",
            json!({ "name": "w", "severity": "low",
            "target": { "account": { "account": account } } }),
        ),
        ("/v1/freezes", freeze),
        ("/v1/teams", json!({ "name": "north" })),
    ];
    for (path, body) in made {
        let answer = analyst.post(path, body).await;
        assert_eq!(answer.status, 201, "{path}: {}", answer.text);
    }
    let paths = [
        "/v1/alerts",
        "/v1/alerts/{alert}",
        "/v1/cases",
        "/v1/cases/{case}",
        "/v1/cases/{case}/notes",
        "/v1/cases/{case}/tasks",
        "/v1/cases/{case}/links",
        "/v1/cases/{case}/deadlines",
        "/v1/cases/{case}/history",
        "/v1/cases/{case}/ledger",
        "/v1/watches",
        "/v1/watches/{watch}",
        "/v1/freezes",
        "/v1/freezes/{freeze}",
        "/v1/freezes/figures",
        "/v1/alerts/counts",
        "/v1/cases/counts",
        "/v1/freezes/counts",
        "/v1/users",
        "/v1/teams",
        "/v1/keys",
        "/v1/session",
        "/v1/journal/entries",
        "/v1/journal/check",
        "/v1/health",
        "/v1/ready",
    ];
    for path in paths {
        let asked: Vec<&str> =
            path.split('/').map(|part| if part.starts_with('{') { "1" } else { part }).collect();
        let answer = analyst.get(&asked.join("/")).await.json();
        assert_eq!(keys(first(&answer)), keys(shown(&desk, "get", path)), "{path}: {answer}");
    }
    let jurisdiction = analyst.get("/v1/jurisdictions/CA").await.json();
    assert_eq!(keys(&jurisdiction), keys(shown(&desk, "get", "/v1/jurisdictions/{country}")));
}
