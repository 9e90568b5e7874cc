//! Just enough of JSON Schema to hold answers against their description.

use serde_json::{Map, Value};

/// What of `value` does not fit `schema`; `document` resolves references. Patterns and lengths are not looked at.
pub fn misfit(document: &Value, schema: &Value, value: &Value) -> Option<String> {
    let Some(fields) = schema.as_object() else {
        return (schema == &Value::Bool(false)).then(|| format!("{value} stands where nothing may stand"));
    };
    if let Some(pointer) = fields.get("$ref").and_then(Value::as_str) {
        let Some(target) = pointer.strip_prefix('#').and_then(|pointer| document.pointer(pointer)) else {
            return Some(format!("{pointer} leads nowhere"));
        };
        if let Some(misfit) = misfit(document, target, value) {
            return Some(misfit);
        }
    }
    if fields.get("nullable") == Some(&Value::Bool(true)) && value.is_null() {
        return None;
    }
    let branches = |name: &str| fields.get(name).and_then(Value::as_array);
    if let Some(all) = branches("allOf")
        && let Some(misfit) = all.iter().find_map(|part| misfit(document, part, value))
    {
        return Some(misfit);
    }
    for name in ["anyOf", "oneOf"] {
        if let Some(parts) = branches(name) {
            let misfits: Vec<_> = parts.iter().filter_map(|part| misfit(document, part, value)).collect();
            if misfits.len() == parts.len() {
                return Some(format!("{value} fits no branch: {misfits:?}"));
            }
        }
    }
    if let Some(expected) = fields.get("const").filter(|expected| *expected != value) {
        return Some(format!("{value} is not {expected}"));
    }
    if let Some(values) = branches("enum").filter(|values| !values.contains(value)) {
        return Some(format!("{value} is none of {values:?}"));
    }
    let kinds: Vec<&str> = match fields.get("type") {
        Some(Value::String(kind)) => vec![kind],
        Some(Value::Array(kinds)) => kinds.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    if !kinds.is_empty() && !kinds.iter().any(|kind| is_a(kind, value)) {
        return Some(format!("{value} is no {kinds:?}"));
    }
    match value {
        Value::Object(object) => object_misfit(document, fields, object),
        Value::Array(items) => {
            let schema = fields.get("items")?;
            items.iter().find_map(|item| misfit(document, schema, item))
        }
        _ => None,
    }
}

fn object_misfit(document: &Value, schema: &Map<String, Value>, object: &Map<String, Value>) -> Option<String> {
    let required = schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    let mut missing = required.filter(|name| !object.contains_key(*name));
    if let Some(name) = missing.next() {
        return Some(format!("{name} is missing in {object:?}"));
    }
    let properties = schema.get("properties").and_then(Value::as_object);
    object.iter().find_map(|(name, value)| match properties.and_then(|properties| properties.get(name)) {
        Some(schema) => misfit(document, schema, value).map(|why| format!("{name}: {why}")),
        None if schema.get("additionalProperties") == Some(&Value::Bool(false)) => {
            Some(format!("{name} is not described"))
        }
        None => None,
    })
}

fn is_a(kind: &str, value: &Value) -> bool {
    match kind {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        _ => false,
    }
}
