//! What people and programs send is looked at before it is kept.

use serde_json::Value as Json;

use crate::error::CaseError;

/// A text that must say something.
pub fn said(field: &'static str, text: &str, chars_max: usize) -> Result<(), CaseError> {
    if text.trim().is_empty() {
        return Err(CaseError::field(field, "nothing", "a text"));
    }
    text_of(field, text, chars_max)
}

/// A text that may be empty. PostgreSQL cannot hold the character 0, so nothing may.
pub fn text_of(field: &'static str, text: &str, chars_max: usize) -> Result<(), CaseError> {
    if text.contains('\0') {
        return Err(CaseError::field(field, "a text with a NUL character", "a text without"));
    }
    let chars = text.chars().count();
    if chars > chars_max {
        let expected = format!("at most {chars_max}");
        return Err(CaseError::field(field, format!("a text of {chars} characters"), expected));
    }
    Ok(())
}

pub fn text_if(field: &'static str, text: Option<&str>, chars_max: usize) -> Result<(), CaseError> {
    text.map_or(Ok(()), |text| said(field, text, chars_max))
}

/// JSON as the text that is kept: keys sorted, so that equal JSON is equal text.
pub fn json(field: &'static str, value: &Json, bytes_max: usize) -> Result<String, CaseError> {
    let text = canonical(value);
    if text.len() > bytes_max {
        let expected = format!("at most {bytes_max} bytes");
        return Err(CaseError::field(field, format!("JSON of {} bytes", text.len()), expected));
    }
    Ok(text)
}

pub fn read_json(text: &str) -> Result<Json, CaseError> {
    serde_json::from_str(text)
        .map_err(|error| CaseError::Damaged(format!("stored JSON cannot be read: {error}")))
}

/// One text for one value: keys in the order of their code points, no white space, numbers as written.
pub fn canonical(value: &Json) -> String {
    let mut out = String::new();
    write(value, &mut out);
    out
}

fn write(value: &Json, out: &mut String) {
    match value {
        Json::Array(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                write(item, out);
            }
            out.push(']');
        }
        Json::Object(fields) => {
            // Another crate of the build may have asked serde_json to keep the order of writing.
            let mut names: Vec<&String> = fields.keys().collect();
            names.sort();
            out.push('{');
            for (at, name) in names.into_iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                out.push_str(&Json::String(name.clone()).to_string());
                out.push(':');
                write(&fields[name], out);
            }
            out.push('}');
        }
        plain => out.push_str(&plain.to_string()),
    }
}

/// Bytes as they are written in JSON.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut out, byte| {
        write!(out, "{byte:02x}").expect("writing to a text cannot fail");
        out
    })
}

pub fn unhex(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2)
        || !text.bytes().all(|c| matches!(c, b'0'..=b'9' | b'a'..=b'f'))
    {
        return None;
    }
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_json_is_one_text_whatever_the_order_of_its_keys() {
        let one: Json =
            serde_json::from_str(r#"{"b": [1, 2.50], "a": {"y": null, "x": "ß"}}"#).unwrap();
        let other: Json = serde_json::from_str(r#"{"a":{"x":"ß","y":null},"b":[1,2.50]}"#).unwrap();
        assert_eq!(canonical(&one), canonical(&other));
        assert_eq!(canonical(&one), r#"{"a":{"x":"ß","y":null},"b":[1,2.50]}"#);
    }

    #[test]
    fn hex_reads_its_own_text_and_nothing_else() {
        assert_eq!(unhex(&hex(&[0, 255, 16])), Some(vec![0, 255, 16]));
        for text in ["0", "0G", "AB", "é0"] {
            assert_eq!(unhex(text), None, "{text}");
        }
    }
}
