//! Forms of parameters and answers that no type of the program has by itself.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

/// Defines a type that is nothing but its schema.
macro_rules! form {
    ($(#[$doc:meta])* $name:ident, $schema:tt) => {
        $(#[$doc])*
        pub(in crate::shell::http) enum $name {}

        impl JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!($schema)
            }
        }
    };
}

form!(
    /// An object whose fields are described elsewhere.
    Object,
    { "type": "object" }
);
form!(
    /// A message of JSON-RPC: one object, or a list of them.
    Message,
    { "oneOf": [{ "type": "object" }, { "type": "array", "items": { "type": "object" }, "minItems": 1, "maxItems": 100 }] }
);
form!(
    /// Text for people, or in a format of its own.
    Text,
    { "type": "string" }
);
form!(
    /// A height.
    Height,
    { "type": "string", "pattern": "^(head|[0-9]{1,20})$", "description": "a height, or `head`" }
);
form!(
    /// A log index or a transaction id.
    IndexOrId,
    {
        "type": "string",
        "pattern": "^([0-9]{1,20}|[0-9a-f]{64})$",
        "description": "a log index, or a transaction id of 64 hexadecimal digits"
    }
);
form!(
    /// The root of a batch.
    Root,
    { "type": "string", "pattern": "^[0-9a-f]{64}$", "description": "64 hexadecimal digits" }
);
form!(
    /// The path of a tile below `/tile/`.
    TilePath,
    {
        "type": "string",
        "pattern": "^(entries|[0-9]{1,2})/(x[0-9]{3}/){0,6}[0-9]{3}(\\.p/[0-9]{1,3})?$",
        "description": "level or `entries`, index, and the width of a partial tile (C2SP tlog-tiles); slashes stand as they are"
    }
);
form!(
    /// A file of the portal.
    FileName,
    { "type": "string", "pattern": "^[a-z]+\\.(js|css)$" }
);
form!(
    /// A font of the portal.
    FontName,
    { "type": "string", "pattern": "^[A-Za-z]+-[A-Za-z]+-[0-9a-f]{16}\\.ttf$" }
);
form!(
    /// A file of the page that describes the interface.
    DocsFile,
    { "type": "string", "enum": ["docs.js", "swagger-ui-bundle.js", "swagger-ui.css"] }
);
