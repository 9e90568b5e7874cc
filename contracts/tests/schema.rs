//! The published JSON Schema of calls, and that samples of every call fit it and survive the canonical bytes.

#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

use std::collections::BTreeSet;

use dalil_contracts::{Invocation, schema};
use serde_json::Value;

const SAMPLES: &str = include_str!("samples/calls.json");

fn samples() -> Vec<Value> {
    serde_json::from_str(SAMPLES).unwrap()
}

/// Whether `value` fits `rule`: the part of JSON Schema that our types give rise to, and nothing else.
fn fits(root: &Value, rule: &Value, value: &Value) -> bool {
    let Some(rule) = rule.as_object() else { return rule.as_bool().unwrap() };
    rule.iter().all(|(word, with)| match word.as_str() {
        "$ref" => fits(root, root.pointer(with.as_str().unwrap().strip_prefix('#').unwrap()).unwrap(), value),
        "oneOf" => with.as_array().unwrap().iter().filter(|rule| fits(root, rule, value)).count() == 1,
        "anyOf" => with.as_array().unwrap().iter().any(|rule| fits(root, rule, value)),
        "const" => with == value,
        "enum" => with.as_array().unwrap().contains(value),
        "type" => match with {
            Value::Array(names) => names.iter().any(|name| has_type(name, value)),
            name => has_type(name, value),
        },
        "required" => with.as_array().unwrap().iter().all(|name| value.get(name.as_str().unwrap()).is_some()),
        "properties" => with
            .as_object()
            .unwrap()
            .iter()
            .all(|(name, rule)| value.get(name).is_none_or(|value| fits(root, rule, value))),
        "additionalProperties" => {
            assert_eq!(with, &Value::Bool(false));
            let known = rule.get("properties").and_then(Value::as_object).unwrap();
            value.as_object().is_none_or(|object| object.keys().all(|name| known.contains_key(name)))
        }
        "items" => value.as_array().is_none_or(|items| items.iter().all(|item| fits(root, with, item))),
        "prefixItems" => value
            .as_array()
            .is_none_or(|items| items.iter().zip(with.as_array().unwrap()).all(|(item, rule)| fits(root, rule, item))),
        "minItems" => value.as_array().is_none_or(|items| items.len() as u64 >= with.as_u64().unwrap()),
        "maxItems" => value.as_array().is_none_or(|items| items.len() as u64 <= with.as_u64().unwrap()),
        "minimum" => value.as_i64().is_none_or(|number| number >= with.as_i64().unwrap()),
        "maximum" => value.as_i64().is_none_or(|number| number <= with.as_i64().unwrap()),
        "$schema" | "$defs" | "title" | "description" | "format" | "default" => true,
        other => panic!("the checker does not know {other}"),
    })
}

fn has_type(name: &Value, value: &Value) -> bool {
    match name.as_str().unwrap() {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        other => panic!("the checker does not know type {other}"),
    }
}

#[test]
fn each_sample_fits_the_schema_and_survives_the_canonical_bytes() {
    let schema = schema();
    for sample in samples() {
        assert!(fits(&schema, &schema, &sample), "{sample}");
        let invocation: Invocation = serde_json::from_value(sample.clone()).unwrap();
        assert_eq!(serde_json::to_value(&invocation).unwrap(), sample);
        assert_eq!(Invocation::decode(&invocation.encode()).unwrap(), invocation);
    }
}

#[test]
fn there_is_a_sample_of_each_call() {
    let schema = schema();
    for room in ["Authority", "Certificate"] {
        let variants = schema.pointer(&format!("/$defs/{room}Call/oneOf")).unwrap().as_array().unwrap();
        let known: BTreeSet<_> = variants
            .iter()
            .flat_map(|variant| variant["required"].as_array().unwrap())
            .map(|name| name.as_str().unwrap().to_owned())
            .collect();
        let shown: BTreeSet<_> = samples()
            .iter()
            .filter_map(|sample| sample["call"].get(room.to_lowercase())?.as_object()?.keys().next().cloned())
            .collect();
        assert_eq!(shown, known);
    }
}

#[test]
fn what_no_call_has_is_refused() {
    let schema = schema();
    let whole = samples()[0].clone();
    let mut unknown = whole.clone();
    unknown["colour"] = Value::from("blue");
    let mut missing = whole.clone();
    missing.as_object_mut().unwrap().remove("posting");
    let mut two = whole.clone();
    two["call"]["certificate"] = serde_json::json!({"confirm_strike": {"strike": 1}});
    let mut kind = whole;
    kind["call"] = serde_json::json!({"weather": {}});
    for wrong in [unknown, missing, two, kind] {
        assert!(!fits(&schema, &schema, &wrong), "{wrong}");
        assert!(serde_json::from_value::<Invocation>(wrong).is_err());
    }
}
