//! A value that fits a JSON Schema: arguments of a tool call, answers with `response_format`.

use serde_json::{Map, Value};

use crate::rng::Rng;
use crate::words::Text;

/// Deeper than any schema of a test; a schema that refers to itself would have no end.
const DEPTH_MAX: u32 = 12;

/// A value of the schema. `$ref` and keywords beyond type, properties, items, enum, const, anyOf are not read.
pub(crate) fn value(schema: &Value, rng: &mut Rng) -> Value {
    make(schema, rng, 0)
}

/// An object of the schema; `{}` where the schema allows no object.
pub(crate) fn object(schema: &Value, rng: &mut Rng) -> Value {
    match value(schema, rng) {
        made @ Value::Object(_) => made,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            Value::Object(Map::new())
        }
    }
}

fn make(schema: &Value, rng: &mut Rng, depth: u32) -> Value {
    if let Some(constant) = schema.get("const") {
        return constant.clone();
    }
    if let Some(list) = schema.get("enum").and_then(Value::as_array) {
        let all: Vec<&Value> = list.iter().collect();
        return rng.pick(&all, &Value::Null).clone();
    }
    if let Some(first) = schema.get("anyOf").or_else(|| schema.get("oneOf")).and_then(|list| list.get(0)) {
        return make(first, rng, depth + 1);
    }
    let kind = schema.get("type").map(|kind| kind.get(0).unwrap_or(kind)).and_then(Value::as_str);
    match kind {
        Some("string") => Value::String(words(rng)),
        Some("integer" | "number") => Value::from(rng.below(1000)),
        Some("boolean") => Value::Bool(rng.below(2) == 1),
        Some("array") if depth < DEPTH_MAX => {
            let items = schema.get("items").unwrap_or(&Value::Null);
            let count = 1 + rng.below(3);
            Value::Array((0..count).map(|_| make(items, rng, depth + 1)).collect())
        }
        Some("object") | None if depth < DEPTH_MAX => {
            let properties = schema.get("properties").and_then(Value::as_object).into_iter().flatten();
            Value::Object(
                properties.map(|(name, inner)| (name.clone(), make(inner, rng, depth + 1))).collect(),
            )
        }
        _ => Value::Null,
    }
}

fn words(rng: &mut Rng) -> String {
    let count = 1 + rng.below(4);
    Text::of_tokens(count, rng).text
}
