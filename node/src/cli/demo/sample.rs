//! The sample files: who calls what, and what is expected to come of it.

use anyhow::Context as _;
use serde::Deserialize;
use serde_json::Value;

/// A sample file.
#[derive(Deserialize)]
pub(super) struct Sample {
    steps: Vec<SampleStep>,
}

/// One call of a sample.
#[derive(Clone, Deserialize)]
pub(super) struct SampleStep {
    /// Its name.
    pub(super) step: String,
    /// The posting it is made under.
    pub(super) posting: String,
    /// The call in the sample's notation.
    pub(super) call: Value,
    /// `accepted`, or the code of the refusal.
    expect: String,
}

impl Sample {
    /// Reads a sample.
    pub(super) fn read(text: &str) -> anyhow::Result<Self> {
        serde_json::from_str(text).context("a sample file")
    }

    /// The step of that name.
    pub(super) fn step(&self, name: &str) -> anyhow::Result<&SampleStep> {
        self.steps.iter().find(|step| step.step == name).with_context(|| format!("the sample has no step {name:?}"))
    }
}

impl SampleStep {
    /// What is expected, as a summary says it.
    pub(super) fn expected(&self) -> String {
        match self.expect.as_str() {
            "accepted" => "recorded".to_owned(),
            code => format!("refused {code}"),
        }
    }
}

/// What stands in a call for something that is known only when it is played.
pub(super) enum Mark<'a> {
    /// UTC milliseconds of the start plus minutes.
    MinutesFromStart(i64),
    /// Digest of a paper, or commitment to a person.
    DigestOf(&'a str),
    /// Log index of an earlier step's record.
    IndexOf(&'a str),
}

/// Replaces every mark in a call by its value.
pub(super) fn expand(
    value: &Value,
    resolve: &mut dyn FnMut(Mark<'_>) -> anyhow::Result<Value>,
) -> anyhow::Result<Value> {
    Ok(match value {
        Value::Object(fields) => {
            if let Some(minutes) = fields.get("minutes_from_start").and_then(Value::as_i64) {
                return resolve(Mark::MinutesFromStart(minutes));
            }
            if let Some(text) = fields.get("digest_of").and_then(Value::as_str) {
                return resolve(Mark::DigestOf(text));
            }
            if let Some(step) = fields.get("index_of").and_then(Value::as_str) {
                return resolve(Mark::IndexOf(step));
            }
            let fields = fields.iter().map(|(name, field)| Ok((name.clone(), expand(field, resolve)?)));
            Value::Object(fields.collect::<anyhow::Result<_>>()?)
        }
        Value::Array(items) => {
            Value::Array(items.iter().map(|item| expand(item, resolve)).collect::<anyhow::Result<_>>()?)
        }
        other => other.clone(),
    })
}
