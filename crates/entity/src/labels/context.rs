//! The free `context` of a label: text, or whatever a mapping holds, kept as JSON.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// More than that is a document, not a remark.
const BYTES_MAX: usize = 64 << 10;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Context(pub String);

impl<'de> Deserialize<'de> for Context {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Context, D::Error> {
        let text = match Any::deserialize(from)?.0 {
            Value::Null => return Err(D::Error::custom("expected a context, found null")),
            Value::String(text) => text.trim().to_string(),
            other => other.to_string(),
        };
        if text.contains('\0') {
            return Err(D::Error::custom("expected a context, found a zero byte"));
        }
        if text.len() > BYTES_MAX {
            let found = text.len();
            return Err(D::Error::custom(format_args!(
                "expected a context of at most {BYTES_MAX} bytes, found {found}"
            )));
        }
        Ok(Context(text))
    }
}

/// Any value. The library's own would read numbers of YAML through a form of JSON's.
struct Any(Value);

impl<'de> Deserialize<'de> for Any {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Any, D::Error> {
        struct AnyVisitor;

        impl<'de> Visitor<'de> for AnyVisitor {
            type Value = Any;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a context: text, a list or a mapping")
            }

            fn visit_bool<E: Error>(self, value: bool) -> Result<Any, E> {
                Ok(Any(Value::Bool(value)))
            }

            fn visit_i64<E: Error>(self, value: i64) -> Result<Any, E> {
                Ok(Any(value.into()))
            }

            fn visit_u64<E: Error>(self, value: u64) -> Result<Any, E> {
                Ok(Any(value.into()))
            }

            fn visit_i128<E: Error>(self, value: i128) -> Result<Any, E> {
                Ok(Any(Value::String(value.to_string())))
            }

            fn visit_u128<E: Error>(self, value: u128) -> Result<Any, E> {
                Ok(Any(Value::String(value.to_string())))
            }

            fn visit_f64<E: Error>(self, value: f64) -> Result<Any, E> {
                // JSON has no number for what is infinite or none.
                let number = Number::from_f64(value).map(Value::Number);
                Ok(Any(number.unwrap_or_else(|| Value::String(value.to_string()))))
            }

            fn visit_str<E: Error>(self, value: &str) -> Result<Any, E> {
                Ok(Any(Value::String(value.to_string())))
            }

            fn visit_unit<E: Error>(self) -> Result<Any, E> {
                Ok(Any(Value::Null))
            }

            fn visit_none<E: Error>(self) -> Result<Any, E> {
                Ok(Any(Value::Null))
            }

            fn visit_some<D: Deserializer<'de>>(self, from: D) -> Result<Any, D::Error> {
                Any::deserialize(from)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Any, A::Error> {
                let mut values = Vec::new();
                while let Some(Any(value)) = seq.next_element()? {
                    values.push(value);
                }
                Ok(Any(Value::Array(values)))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Any, A::Error> {
                let mut values = Map::new();
                while let Some((Key(key), Any(value))) = map.next_entry()? {
                    values.insert(key, value);
                }
                Ok(Any(Value::Object(values)))
            }
        }

        from.deserialize_any(AnyVisitor)
    }
}

/// A key, which may look like a number.
struct Key(String);

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Key, D::Error> {
        match Any::deserialize(from)?.0 {
            Value::String(text) => Ok(Key(text)),
            other => Ok(Key(other.to_string())),
        }
    }
}
