//! JSON Schema of the types that spell themselves as text, so that a description of an interface says what they may hold.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use crate::codec::{Set, Token};
use crate::crypto::{Hash, PublicKey, Signature};
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
