//! The OpenRPC description, from the table of methods.

use std::sync::LazyLock;

use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Value, json};

use super::super::api::SchemaOf;
use super::super::conditional::REVALIDATED;
use super::method::METHODS;
use super::socket::SUBSCRIBING;

static DOCUMENT: LazyLock<Value> = LazyLock::new(|| {
    let settings = || {
        SchemaSettings::draft07().with(|settings| {
            settings.definitions_path = "/components/schemas".into();
            settings.meta_schema = None;
        })
    };
    let mut results = settings().for_serialize().into_generator();
    let mut params = settings().for_deserialize().with(|it| it.inline_subschemas = true).into_generator();
    let mut method = |name: &str, summary: &str, given: SchemaOf, result: SchemaOf| {
        json!({
            "name": name,
            "summary": summary,
            "paramStructure": "by-name",
            "params": by_name(&mut params, given),
            "result": { "name": "result", "schema": result(&mut results) },
        })
    };
    let table = METHODS.iter().map(|it| method(it.name, it.summary, it.params, it.result));
    let mut methods: Vec<_> = table.collect();
    methods.extend(SUBSCRIBING.iter().map(|it| method(it.name, it.summary, it.params, it.result)));
    json!({
        "openrpc": "1.3.2",
        "info": {
            "title": "Dalil",
            "description": "POST one call or a batch to /rpc, or send each as a message over a WebSocket. `subscribe` and \
                            `unsubscribe` need a WebSocket.",
            "version": env!("CARGO_PKG_VERSION"),
        },
        "methods": methods,
        "components": { "schemas": results.take_definitions(true) },
    })
});

/// Each field of the type is a parameter.
fn by_name(generator: &mut SchemaGenerator, of: SchemaOf) -> Vec<Value> {
    let schema = of(generator).to_value();
    let required = schema["required"].as_array().cloned().unwrap_or_default();
    let fields = schema["properties"].as_object().into_iter().flatten();
    let named = fields.map(|(name, schema)| {
        let required = required.iter().any(|it| it == name);
        json!({ "name": name, "required": required, "schema": schema })
    });
    named.collect()
}

/// The description.
pub(super) fn document() -> &'static Value {
    &DOCUMENT
}

/// `GET /openrpc.json`.
pub(in crate::shell::http) async fn openrpc() -> Response {
    static TEXT: LazyLock<String> = LazyLock::new(|| DOCUMENT.to_string());
    ([(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, REVALIDATED)], TEXT.as_str()).into_response()
}
