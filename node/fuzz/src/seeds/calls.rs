//! Calls as officers make them: the sample of each call, and the sample files from the first step to the last.

use dalil_contracts::{Call, Invocation};
use serde_json::Value;

use super::{Basket, Seed, piece};
use crate::contracts::fixture::{START_MS, digest, token};

const CALLS: &str = include_str!("../../../../contracts/tests/samples/calls.json");
/// Sample files, each with the files that must be played before it.
const FILES: [(&str, &[&str]); 3] = [
    (
        "land",
        &[
            include_str!("../../../../testnet/sample/land-setup.json"),
            include_str!("../../../../testnet/sample/land-showpiece.json"),
        ],
    ),
    (
        "mineral",
        &[
            include_str!("../../../../testnet/sample/mineral-setup.json"),
            include_str!("../../../../testnet/sample/mineral-showpiece.json"),
        ],
    ),
    ("certificate", &[include_str!("../../../../testnet/sample/certificate-showpiece.json")]),
];
/// Calls in one input.
const CALLS_MAX: usize = 60;
const MINUTE_MS: i64 = 60_000;

pub(super) fn seeds() -> Vec<Seed> {
    let (mut wire, mut text) = (Basket::new("contracts-wire"), Basket::new("text"));
    let samples: Vec<Value> = serde_json::from_str(CALLS).unwrap();
    for (number, sample) in samples.into_iter().enumerate() {
        let invocation: Invocation = serde_json::from_value(sample.clone()).unwrap();
        wire.put(format!("call-{number:02}"), invocation.encode());
        if number % 8 == 0 {
            text.put_chosen(16, format!("call-{number:02}"), sample.to_string());
        }
    }
    let mut apply = Basket::new("contracts-apply");
    for (name, files) in FILES {
        let calls: Vec<_> = play(files);
        for (number, part) in calls.chunks(CALLS_MAX).enumerate().take(1) {
            apply.put(format!("{name}-{number}"), part.concat());
        }
        for (number, call) in calls.iter().enumerate().step_by(7) {
            // Without the minutes and the length.
            wire.put(format!("{name}-{number:02}"), call[4..].to_vec());
        }
    }
    [wire.seeds, text.seeds, apply.seeds].concat()
}

/// The calls of sample files, each as [`crate::contracts::apply_in_order`] reads it.
fn play(files: &[&str]) -> Vec<Vec<u8>> {
    let mut names: Vec<String> = Vec::new();
    let mut calls = Vec::new();
    for file in files {
        let file: Value = serde_json::from_str(file).unwrap();
        for step in file["steps"].as_array().unwrap() {
            let minutes = step.get("after_minutes").and_then(Value::as_u64).unwrap_or(0);
            let Some(call) = expand(&step["call"], &names) else { continue };
            let Ok(call) = serde_json::from_value::<Call>(call) else { continue };
            let invocation = Invocation { posting: token(step["posting"].as_str().unwrap()), call };
            let minutes = u16::try_from(minutes).unwrap_or(u16::MAX);
            calls.push([&minutes.to_be_bytes()[..], &piece(&invocation.encode())].concat());
            if step["expect"] == "accepted" {
                names.push(step["step"].as_str().unwrap().to_owned());
            }
        }
    }
    calls
}

/// A call with its marks replaced; none if it names a step that is not there.
fn expand(value: &Value, names: &[String]) -> Option<Value> {
    Some(match value {
        Value::Object(fields) => {
            if let Some(minutes) = fields.get("minutes_from_start").and_then(Value::as_i64) {
                Value::from(START_MS.checked_add_signed(minutes * MINUTE_MS)?)
            } else if let Some(text) = fields.get("digest_of").and_then(Value::as_str) {
                Value::from(digest(text).to_string())
            } else if let Some(step) = fields.get("index_of").and_then(Value::as_str) {
                // Record 1 is the first accepted call.
                Value::from(names.iter().position(|name| name == step)? + 1)
            } else {
                let fields = fields.iter().map(|(name, field)| Some((name.clone(), expand(field, names)?)));
                Value::Object(fields.collect::<Option<_>>()?)
            }
        }
        Value::Array(items) => Value::Array(items.iter().map(|item| expand(item, names)).collect::<Option<_>>()?),
        other => other.clone(),
    })
}
