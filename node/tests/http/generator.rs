//! Requests made out of the description: well-formed ones, nearly well-formed ones, and hostile ones. Every run makes the same.

use proptest::strategy::{Strategy as _, ValueTree as _};
use proptest::test_runner::TestRunner;
use serde_json::{Map, Value, json};

/// The longest text that is made, in characters.
const TEXT_MAX: usize = 96;
/// The most items of a list that is made.
const ITEMS_MAX: u64 = 4;

/// Values that nobody expects.
const HOSTILE: [&str; 12] = [
    "",
    " ",
    "0",
    "-1",
    "18446744073709551616",
    "1e9",
    "../../../../etc/passwd",
    "'; DROP TABLE records; --",
    "\u{202e}txt.fdp",
    "দলিল",
    "\u{0}\u{1f}",
    "<script>alert(1)</script>",
];

/// A request for an operation of the description.
#[derive(Debug)]
pub struct Request {
    pub method: String,
    pub path: String,
    pub query: Vec<(String, String)>,
    pub headers: Vec<(String, String)>,
    pub body: Option<(String, Vec<u8>)>,
}

/// Makes requests.
pub struct Generator {
    runner: TestRunner,
    /// Names of parameters and values that lead somewhere on the node that is asked.
    known: Vec<(&'static str, String)>,
}

impl Generator {
    pub fn new(known: Vec<(&'static str, String)>) -> Self {
        Self { runner: TestRunner::deterministic(), known }
    }

    /// A number below `end`.
    fn below(&mut self, end: u64) -> u64 {
        (0..end.max(1)).new_tree(&mut self.runner).unwrap().current()
    }

    fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    fn matching(&mut self, pattern: &str) -> String {
        let inner = pattern.trim_start_matches('^').trim_end_matches('$');
        proptest::string::string_regex(inner).unwrap().new_tree(&mut self.runner).unwrap().current()
    }

    pub fn request(&mut self, path: &str, method: &str, operation: &Value) -> Request {
        let mut request = Request {
            method: method.to_owned(),
            path: path.to_owned(),
            query: Vec::new(),
            headers: Vec::new(),
            body: None,
        };
        for parameter in operation["parameters"].as_array().unwrap() {
            let name = parameter["name"].as_str().unwrap();
            let (place, required) = (parameter["in"].as_str().unwrap(), parameter["required"] == true);
            // Most parameters exclude one another: each is there now and then.
            if place != "path" && !self.chance(if required { 95 } else { 30 }) {
                continue;
            }
            let text = self.parameter(name, &parameter["schema"]);
            match place {
                "path" => request.path = request.path.replace(&format!("{{{name}}}"), &text),
                "query" => request.query.push((name.to_owned(), text)),
                "header" => request.headers.push((name.to_owned(), text)),
                other => panic!("a parameter in {other}"),
            }
        }
        if self.chance(5) {
            request.query.push(("unknown".to_owned(), "1".to_owned()));
        }
        if self.chance(5)
            && let Some(first) = request.query.first().cloned()
        {
            request.query.push(first);
        }
        if let Some(content) = operation["requestBody"]["content"].as_object() {
            let (kind, media) = content.iter().next().unwrap();
            request.body = Some((kind.clone(), self.body(&media["schema"])));
        }
        request
    }

    fn parameter(&mut self, name: &str, schema: &Value) -> String {
        let known: Vec<_> =
            self.known.iter().filter(|(known, _)| *known == name).map(|(_, text)| text.clone()).collect();
        if !known.is_empty() && self.chance(60) {
            let place = self.below(known.len() as u64) as usize;
            return known[place].clone();
        }
        if self.chance(20) {
            return self.hostile();
        }
        match self.value(schema) {
            Value::String(text) => text,
            other => other.to_string(),
        }
    }

    fn hostile(&mut self) -> String {
        let place = self.below(HOSTILE.len() as u64 + 1) as usize;
        HOSTILE.get(place).map_or_else(|| "a".repeat(5_000), |text| (*text).to_owned())
    }

    fn body(&mut self, schema: &Value) -> Vec<u8> {
        match self.below(10) {
            0 => self.hostile().into_bytes(),
            1 => b"{\"".to_vec(),
            2 => vec![0xff, 0xfe, 0x00],
            3 => "[".repeat(2_000).into_bytes(),
            4 if schema["properties"].is_object() => {
                let mut value = self.value(schema);
                value["unknown"] = json!(1);
                value.to_string().into_bytes()
            }
            _ if schema["type"] == "string" || schema.is_null() => {
                let length = self.below(2_000) as usize;
                (0..length).map(|_| self.below(256) as u8).collect()
            }
            _ => self.value(schema).to_string().into_bytes(),
        }
    }

    /// A value that fits the schema, or nearly.
    pub fn value(&mut self, schema: &Value) -> Value {
        for branches in ["anyOf", "oneOf"] {
            if let Some(parts) = schema[branches].as_array() {
                let place = self.below(parts.len() as u64) as usize;
                return self.value(&parts[place]);
            }
        }
        if let Some(values) = schema["enum"].as_array() {
            let place = self.below(values.len() as u64) as usize;
            return values[place].clone();
        }
        let kind = match &schema["type"] {
            Value::Array(kinds) => kinds[self.below(kinds.len() as u64) as usize].as_str(),
            kind => kind.as_str(),
        };
        match kind {
            Some("string") => Value::String(self.text(schema)),
            Some("integer") => self.integer(schema),
            Some("boolean") => Value::Bool(self.chance(50)),
            Some("null") => Value::Null,
            Some("array") => {
                let least = schema["minItems"].as_u64().unwrap_or(0);
                let count = least + self.below(ITEMS_MAX);
                (0..count).map(|_| self.value(&schema["items"])).collect()
            }
            Some("object") => {
                let mut object = Map::new();
                let required = schema["required"].as_array().cloned().unwrap_or_default();
                for (name, schema) in schema["properties"].as_object().into_iter().flatten() {
                    if self.chance(if required.iter().any(|it| it == name) { 95 } else { 30 }) {
                        object.insert(name.clone(), self.value(schema));
                    }
                }
                Value::Object(object)
            }
            _ => json!({ "anything": [1, null] }),
        }
    }

    fn text(&mut self, schema: &Value) -> String {
        let most = schema["maxLength"].as_u64().map_or(TEXT_MAX, |most| (most as usize).min(TEXT_MAX));
        let pattern = schema["pattern"].as_str().unwrap_or("^[ -~]{1,40}$");
        self.matching(pattern).chars().take(most).collect()
    }

    fn integer(&mut self, schema: &Value) -> Value {
        let least = schema["minimum"].as_u64().unwrap_or(0);
        match self.below(4) {
            0 => json!(least),
            1 => schema["maximum"].as_u64().map_or(json!(u64::MAX), |most| json!(most)),
            _ => json!(least + self.below(1_000)),
        }
    }
}
