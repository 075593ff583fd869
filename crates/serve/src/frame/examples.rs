//! Examples of answers and bodies, written into the OpenAPI document where the code gives none itself.
//!
//! They stand in `http/examples.json`: shapes by name, and which operation answers with which: `case`,
//! `list case`, `page case`. A test holds them against the schemas, and those of casework against what a
//! server answers.

use std::sync::LazyLock;

use serde_json::{Value, json};

const SHIPPED: &str = include_str!("../http/examples.json");

fn all() -> &'static Value {
    static ALL: LazyLock<Value> =
        LazyLock::new(|| serde_json::from_str(SHIPPED).expect("the shipped examples are tested"));
    &ALL
}

/// Writes what there is for each operation. What a schema says itself stays.
pub fn write(document: &mut Value) {
    let Some(paths) = document["paths"].as_object_mut() else { return };
    for (path, item) in paths {
        for (method, operation) in item.as_object_mut().into_iter().flatten() {
            let name = format!("{method} {path}");
            let responses = operation.get_mut("responses").and_then(Value::as_object_mut);
            for (status, response) in responses.into_iter().flatten() {
                if status.starts_with('2')
                    && let Some(example) = answer(&name)
                {
                    put(response, &example);
                }
                if status == "303"
                    && let Some(to) = all()["away"][&name].as_str()
                {
                    response["headers"]["Location"] = json!({
                        "description": "Where the browser goes on.",
                        "schema": { "type": "string" }, "example": to,
                    });
                }
            }
            if let Some(body) = operation.get_mut("requestBody") {
                put(body, &all()["bodies"][&name]);
            }
        }
    }
}

/// As JSON, where it is sent as JSON.
fn put(holder: &mut Value, example: &Value) {
    let media = holder.get_mut("content").and_then(|content| content.get_mut("application/json"));
    if let Some(media) = media.and_then(Value::as_object_mut)
        && !example.is_null()
    {
        media.entry("example").or_insert_with(|| example.clone());
    }
}

fn answer(operation: &str) -> Option<Value> {
    let all = all();
    if let Some(own) = all["own"].get(operation) {
        return Some(own.clone());
    }
    let named = all["answers"].get(operation)?.as_str()?;
    let shape = |name: &str| all["shapes"].get(name).cloned();
    if let Some(name) = named.strip_prefix("page ") {
        return Some(json!({ "items": [shape(name)?], "next": null }));
    }
    match named.strip_prefix("list ") {
        Some(name) => Some(json!([shape(name)?])),
        None => shape(named),
    }
}
