//! OpenAPI 3.1, and the same in 3.0 for gateways that read nothing newer.

use schemars::generate::SchemaSettings;
use schemars::{Schema, SchemaGenerator};
use serde_json::{Map, Value, json};

use super::super::{BODY_BYTES_MAX, Problem};
use super::PAGES;
use super::operation::{Caching, Kind, Operation, SchemaOf};

/// The version of OpenAPI.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::shell::http) enum Dialect {
    /// 3.1: JSON Schema as it is.
    V31,
    /// 3.0: its own older form of schemas.
    V30,
}

impl Dialect {
    fn settings(self) -> SchemaSettings {
        match self {
            Self::V31 => SchemaSettings::draft2020_12().with(|settings| {
                settings.definitions_path = "/components/schemas".into();
                settings.meta_schema = None;
            }),
            Self::V30 => SchemaSettings::openapi3().with(|settings| settings.meta_schema = None),
        }
    }
}

/// What every operation may answer beside its own.
const COMMON: [(u16, &str); 4] = [
    (408, "The answer took too long."),
    (429, "Too many requests from this address or key; `Retry-After` says when there is room."),
    (500, "This node cannot read its own data; ask another one."),
    (503, "This node cannot answer now: no quorum has cosigned a head, it is too busy, or it is stopping."),
];

/// The description of `operations`. `title` and `about` are the interface's.
pub(in crate::shell::http) fn document(dialect: Dialect, operations: &[Operation], title: &str, about: &str) -> Value {
    let mut writer = Writer {
        // What is sent is described as it is written, what is taken as it is read.
        answers: dialect.settings().for_serialize().into_generator(),
        requests: dialect.settings().for_deserialize().with(|it| it.inline_subschemas = true).into_generator(),
        dialect,
    };
    let mut paths: Map<String, Value> = Map::new();
    for operation in operations {
        let path = operation.path.replace("{*", "{");
        let item = paths.entry(path).or_insert_with(|| json!({}));
        let method = operation.method.as_str().to_ascii_lowercase();
        if let Value::Object(item) = item {
            item.insert(method, writer.operation(operation));
        }
    }
    let tags: std::collections::BTreeSet<_> = operations.iter().map(|operation| operation.tag).collect();
    let tags: Vec<_> = tags.into_iter().map(|name| json!({ "name": name })).collect();
    let schemas = writer.answers.take_definitions(true);
    let version = match dialect {
        Dialect::V31 => "3.1.0",
        Dialect::V30 => "3.0.3",
    };
    json!({
        "openapi": version,
        "info": {
            "title": title,
            "description": about,
            "version": env!("CARGO_PKG_VERSION"),
            "license": { "name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0" },
        },
        "servers": [{ "url": "/" }],
        "tags": tags,
        "paths": paths,
        "components": { "schemas": schemas },
    })
}

struct Writer {
    answers: SchemaGenerator,
    requests: SchemaGenerator,
    dialect: Dialect,
}

impl Writer {
    fn operation(&mut self, operation: &Operation) -> Value {
        let mut written = json!({
            "operationId": operation_id(operation),
            "tags": [operation.tag],
            "summary": operation.summary,
            "parameters": self.parameters(operation),
            "responses": self.responses(operation),
        });
        if let Some(about) = operation.about {
            written["description"] = about.into();
        }
        if !operation.bodies.is_empty() {
            let content: Map<String, Value> = operation.bodies.iter().map(|kind| self.taken(*kind)).collect();
            written["requestBody"] = json!({
                "required": true,
                "description": format!("At most {BODY_BYTES_MAX} bytes."),
                "content": content,
            });
        }
        written
    }

    fn parameters(&mut self, operation: &Operation) -> Vec<Value> {
        let mut parameters = Vec::new();
        for part in &operation.path_parameters {
            let (schema, about) = self.of_request(part.schema);
            parameters.push(json!({
                "name": part.name, "in": "path", "required": true, "description": about, "schema": schema,
            }));
        }
        if let Some(query) = operation.query {
            let query = finished(&mut self.requests, query).to_value();
            let required: Vec<Value> = query["required"].as_array().cloned().unwrap_or_default();
            for (name, schema) in query["properties"].as_object().into_iter().flatten() {
                let (schema, about) = bare(schema.clone());
                let required = required.iter().any(|it| it == name);
                parameters.push(json!({
                    "name": name, "in": "query", "required": required, "description": about, "schema": schema,
                }));
            }
        }
        for header in &operation.headers {
            let (schema, _) = self.of_request(header.schema);
            parameters.push(json!({
                "name": header.name, "in": "header", "required": false, "description": header.about, "schema": schema,
            }));
        }
        if operation.caching == Caching::Tagged {
            parameters.push(json!({
                "name": "If-None-Match", "in": "header", "required": false,
                "description": "ETags of what is known already.", "schema": { "type": "string" },
            }));
        }
        parameters
    }

    fn of_request(&mut self, schema: SchemaOf) -> (Value, Value) {
        bare(finished(&mut self.requests, schema).to_value())
    }

    fn responses(&mut self, operation: &Operation) -> Map<String, Value> {
        let mut responses = Map::new();
        for answer in &operation.answers {
            let content: Map<String, Value> = answer.kinds.iter().map(|kind| self.given(*kind)).collect();
            let mut response = json!({ "description": answer.about });
            if !content.is_empty() {
                response["content"] = content.into();
            }
            if operation.caching == Caching::Tagged && answer.status == 200 {
                let header = |about: &str| json!({ "description": about, "schema": { "type": "string" } });
                response["headers"] = json!({
                    "ETag": header("Names this answer."),
                    "Cache-Control": header("`immutable` where the answer never changes."),
                });
            }
            responses.insert(answer.status.to_string(), response);
        }
        if operation.caching == Caching::Tagged {
            responses.insert("304".to_owned(), json!({ "description": "The answer is one of those known already." }));
        }
        let takes = operation.query.is_some() || !operation.path_parameters.is_empty() || !operation.bodies.is_empty();
        let wrong = takes.then_some((400, "The request is malformed; `detail` says where."));
        let long = (!operation.bodies.is_empty()).then_some((413, "The body is too long."));
        for (status, about) in wrong.into_iter().chain(long).chain(COMMON) {
            let problem = self.given(Kind::json::<Problem>().problem());
            let response = responses.entry(status.to_string()).or_insert_with(|| json!({ "description": about }));
            let content = &mut response["content"];
            if content.is_null() {
                *content = json!({});
            }
            if let Value::Object(content) = content {
                content.entry(problem.0).or_insert(problem.1);
            }
            if status == 429 {
                response["headers"] = json!({
                    "Retry-After": { "description": "Seconds.", "schema": { "type": "integer", "minimum": 1 } },
                });
            }
        }
        responses
    }

    fn given(&mut self, kind: Kind) -> (String, Value) {
        let schema = kind.schema.map(|schema| finished(&mut self.answers, schema));
        self.media(kind, schema)
    }

    fn taken(&mut self, kind: Kind) -> (String, Value) {
        let schema = kind.schema.map(|schema| finished(&mut self.requests, schema));
        self.media(kind, schema)
    }

    fn media(&self, kind: Kind, schema: Option<Schema>) -> (String, Value) {
        let raw = match self.dialect {
            _ if kind.media_type.starts_with("text/") => json!({ "schema": { "type": "string" } }),
            Dialect::V31 => json!({}),
            Dialect::V30 => json!({ "schema": { "type": "string", "format": "binary" } }),
        };
        let written = schema.map_or(raw, |schema| json!({ "schema": schema }));
        (kind.media_type.to_owned(), written)
    }
}

/// A schema in the generator's dialect.
fn finished(generator: &mut SchemaGenerator, of: SchemaOf) -> Schema {
    let mut schema = of(generator);
    for transform in generator.transforms_mut() {
        transform.transform(&mut schema);
    }
    schema
}

/// A schema for what is given or left out, never null; and its description apart.
fn bare(mut schema: Value) -> (Value, Value) {
    let about = schema.as_object_mut().and_then(|fields| fields.remove("description")).unwrap_or_else(|| "".into());
    if let Some(fields) = schema.as_object_mut() {
        fields.remove("nullable");
        fields.remove("default");
        if let Some(Value::Array(kinds)) = fields.get_mut("type") {
            kinds.retain(|kind| kind != "null");
            if let [only] = kinds.as_slice() {
                let only = only.clone();
                fields.insert("type".to_owned(), only);
            }
        }
        if let Some(Value::Array(values)) = fields.get_mut("enum") {
            values.retain(|value| !value.is_null());
        }
    }
    (schema, about)
}

/// A name for programs: method and path. A page may have the path of what programs ask.
fn operation_id(operation: &Operation) -> String {
    let page = (operation.tag == PAGES).then_some("page");
    let words = operation.path.split(|it: char| !it.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let words = words.filter(|word| *word != "v1");
    let method = operation.method.as_str().to_ascii_lowercase();
    std::iter::once(method.as_str()).chain(page).chain(words).collect::<Vec<_>>().join("_")
}
