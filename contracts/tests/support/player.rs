//! Playing the files of `testnet/sample`: every step must have the outcome written beside it.
//!
//! A step waits as long as it says. In its call stand marks for what is known only when it is played:
//! `{"minutes_from_start": 5}`, `{"digest_of": "a paper"}`, `{"index_of": "an earlier step"}`, and `{"list": …}` for the
//! root of the step's own leaf list, in whose leaves `{place}` is the place from 1 in four digits.

use dalil_contracts::Call;
use dalil_contracts::certificate::NewCertificate;
use dalil_contracts::units::{DAY_MS, MINUTE_MS};
use dalil_ledger::block::Attachment;
use dalil_ledger::codec;
use serde_json::{Value, json};

use super::{World, code, digest};

impl World {
    /// Plays a file and shows `after` the world after each step, with the step's name.
    pub fn play(&mut self, file: &str, mut after: impl FnMut(&Self, &str)) {
        let file: Value = serde_json::from_str(file).unwrap();
        let mut player = Player { start_ms: self.time_ms, indexes: Vec::new(), list: None };
        for step in file["steps"].as_array().unwrap() {
            let name = step["step"].as_str().unwrap();
            let waits = |unit: &str| step[unit].as_u64().unwrap_or(0);
            self.advance(waits("after_minutes") * MINUTE_MS + waits("after_days") * DAY_MS);
            player.list = step.get("list").map(|list| player.leaves(list));
            player.indexes.push((name.to_owned(), self.record));
            self.attachments = player.list.clone().into_iter().collect();
            let call = player.expand(&step["call"]);
            let call: Call = serde_json::from_value(call).unwrap_or_else(|error| panic!("{name}: {error}"));
            self.play_step(step, name, call);
            after(self, name);
        }
    }

    fn play_step(&mut self, step: &Value, name: &str, call: Call) {
        let before = self.state.clone();
        let result = self.call(step["posting"].as_str().unwrap(), call);
        match step["expect"].as_str().unwrap() {
            "accepted" => {
                let outcome = result.unwrap_or_else(|refusal| panic!("{name}: {refusal}"));
                let events: Vec<_> = outcome.events.iter().map(|event| event.name).collect();
                for event in step["events"].as_array().into_iter().flatten() {
                    assert!(events.contains(&event.as_str().unwrap()), "{name}: {event} not among {events:?}");
                }
            }
            expected => {
                assert_eq!(code(result), expected, "{name}");
                assert_eq!(self.state, before, "{name}: a refused call leaves nothing behind");
            }
        }
    }
}

/// What the marks of a file stand for.
struct Player {
    start_ms: u64,
    indexes: Vec<(String, u64)>,
    list: Option<Attachment>,
}

impl Player {
    fn expand(&self, value: &Value) -> Value {
        match value {
            Value::Array(items) => items.iter().map(|item| self.expand(item)).collect(),
            Value::Object(fields) if fields.len() == 1 => {
                let (name, inner) = fields.iter().next().unwrap();
                match name.as_str() {
                    "minutes_from_start" => {
                        let offset_ms = inner.as_i64().unwrap() * MINUTE_MS as i64;
                        json!(self.start_ms.checked_add_signed(offset_ms).unwrap())
                    }
                    "digest_of" => json!(digest(inner.as_str().unwrap())),
                    "index_of" => {
                        let named = self.indexes.iter().find(|(step, _)| step == inner.as_str().unwrap());
                        json!(named.unwrap().1)
                    }
                    "list" => json!(self.list.as_ref().map(|list| list.root())),
                    _ => json!({ name: self.expand(inner) }),
                }
            }
            Value::Object(fields) => fields.iter().map(|(name, inner)| (name.clone(), self.expand(inner))).collect(),
            other => other.clone(),
        }
    }

    fn leaves(&self, list: &Value) -> Attachment {
        let leaf = |place: u64| {
            let text = list["leaf"].to_string().replace("{place}", &format!("{place:04}"));
            let leaf = self.expand(&serde_json::from_str(&text).unwrap());
            codec::encode(&serde_json::from_value::<NewCertificate>(leaf).unwrap())
        };
        Attachment { leaves: (1..=list["count"].as_u64().unwrap()).map(leaf).collect() }
    }
}
