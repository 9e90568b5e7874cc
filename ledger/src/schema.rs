//! JSON Schema of the types that spell themselves as text, so that a description of an interface says what they may hold.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use crate::checkpoint::Pin;
use crate::codec::{Set, Token};
use crate::crypto::{Hash, PublicKey, Signature};
use crate::receipt::{RegisterReceipt, StateRead, StatusReceipt};
use crate::validators::ValidatorSet;

impl<const MAX: usize> JsonSchema for Token<MAX> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("Token{MAX}").into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^[!-~]+$", "minLength": 1, "maxLength": MAX })
    }
}

impl<T: JsonSchema + Ord + Clone> JsonSchema for Set<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("Set_of_{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "array", "items": generator.subschema_for::<T>(), "uniqueItems": true })
    }
}

impl JsonSchema for ValidatorSet {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "ValidatorSet".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        Set::<crate::validators::Validator>::json_schema(generator)
    }
}

/// A receipt of state reads as a file.
fn receipt(format: &str, generator: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "properties": {
            "format": { "type": "string", "enum": [format] },
            "header": { "type": "string", "description": "The log entry of the head's header, base64." },
            "path": { "type": "array", "items": generator.subschema_for::<Hash>() },
            "checkpoint": { "type": "string", "description": "The cosigned checkpoint (C2SP signed-note)." },
            "reads": { "type": "array", "items": generator.subschema_for::<StateRead>() },
        },
        "required": ["format", "header", "path", "checkpoint", "reads"],
        "additionalProperties": false,
    })
}

impl JsonSchema for StatusReceipt {
    fn schema_name() -> Cow<'static, str> {
        "StatusReceipt".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        receipt("dalil-status/v1", generator)
    }
}

impl JsonSchema for RegisterReceipt {
    fn schema_name() -> Cow<'static, str> {
        "RegisterReceipt".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        receipt("dalil-register/v1", generator)
    }
}

impl JsonSchema for Pin {
    fn schema_name() -> Cow<'static, str> {
        "Pin".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let validators = generator.subschema_for::<ValidatorSet>();
        let number = || json_schema!({ "type": "integer", "minimum": 0 });
        json_schema!({
            "type": "object",
            "properties": {
                "policy": { "type": "string", "description": "The policy (C2SP tlog-policy)." },
                "validators": validators,
                "chain": generator.subschema_for::<Hash>(),
                "from_height": number(),
                "expires_at_ms": number(),
                "cosignature_skew_ms": number(),
                "absence_age_max_ms": number(),
                "former": {
                    "type": "array",
                    "description": "Sets of before, whose receipts count for a while.",
                    "items": {
                        "type": "object",
                        "properties": { "validators": validators, "expires_at_ms": number() },
                        "required": ["validators", "expires_at_ms"],
                        "additionalProperties": false,
                    },
                },
            },
            "required": [
                "policy", "validators", "chain", "from_height", "expires_at_ms", "cosignature_skew_ms", "absence_age_max_ms",
            ],
            "additionalProperties": false,
        })
    }
}

/// Defines the schema of bytes as hexadecimal text.
macro_rules! hexadecimal {
    ($name:ident, $bytes:literal, $what:literal) => {
        impl JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                let pattern = format!("^[0-9a-f]{{{}}}$", 2 * $bytes);
                json_schema!({ "type": "string", "pattern": pattern, "description": $what })
            }
        }
    };
}

hexadecimal!(Hash, 32, "SHA-256, hexadecimal");
hexadecimal!(PublicKey, 32, "Ed25519 public key, hexadecimal");
hexadecimal!(Signature, 64, "Ed25519 signature, hexadecimal");
