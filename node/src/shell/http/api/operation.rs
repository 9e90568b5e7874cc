//! One operation: what it takes and what it answers.

use axum::http::Method;
use schemars::{JsonSchema, Schema, SchemaGenerator};

/// How a type describes itself to a generator.
pub(in crate::shell::http) type SchemaOf = fn(&mut SchemaGenerator) -> Schema;

/// A parameter within the path.
pub(super) struct PathParameter {
    pub(super) name: &'static str,
    pub(super) schema: SchemaOf,
}

/// A header that a request may carry.
pub(super) struct HeaderParameter {
    pub(super) name: &'static str,
    pub(super) about: &'static str,
    pub(super) schema: SchemaOf,
}

/// A media type and the schema of what it holds; none for bytes and streams.
#[derive(Clone, Copy)]
pub(in crate::shell::http) struct Kind {
    pub(super) media_type: &'static str,
    pub(super) schema: Option<SchemaOf>,
}

impl Kind {
    /// JSON of a type.
    pub(in crate::shell::http) fn json<T: JsonSchema>() -> Self {
        Self { media_type: "application/json", schema: Some(SchemaGenerator::subschema_for::<T>) }
    }

    /// Text in a format of its own.
    pub(in crate::shell::http) fn text() -> Self {
        Self::bytes("text/plain")
    }

    /// A page.
    pub(in crate::shell::http) fn html() -> Self {
        Self::bytes("text/html")
    }

    /// Bytes of a media type.
    pub(in crate::shell::http) const fn bytes(media_type: &'static str) -> Self {
        Self { media_type, schema: None }
    }
}

/// An answer.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) about: &'static str,
    pub(super) kinds: Vec<Kind>,
}

/// How long an answer may be kept.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Caching {
    /// Nothing is said.
    Unsaid,
    /// It carries an ETag: what is known already is answered 304.
    Tagged,
}

/// An operation.
pub(in crate::shell::http) struct Operation {
    pub(super) method: Method,
    /// As the router has it.
    pub(in crate::shell::http) path: &'static str,
    pub(super) summary: &'static str,
    pub(super) tag: &'static str,
    pub(super) about: Option<&'static str>,
    pub(super) path_parameters: Vec<PathParameter>,
    pub(super) headers: Vec<HeaderParameter>,
    pub(super) query: Option<SchemaOf>,
    pub(super) bodies: Vec<Kind>,
    pub(super) answers: Vec<Answer>,
    pub(super) caching: Caching,
}

/// An operation that reads.
pub(in crate::shell::http) fn get(path: &'static str, tag: &'static str, summary: &'static str) -> Operation {
    Operation::new(Method::GET, path, tag, summary)
}

/// An operation that takes a body.
pub(in crate::shell::http) fn post(path: &'static str, tag: &'static str, summary: &'static str) -> Operation {
    Operation::new(Method::POST, path, tag, summary)
}

impl Operation {
    fn new(method: Method, path: &'static str, tag: &'static str, summary: &'static str) -> Self {
        Self {
            method,
            path,
            summary,
            tag,
            about: None,
            path_parameters: Vec::new(),
            headers: Vec::new(),
            query: None,
            bodies: Vec::new(),
            answers: Vec::new(),
            caching: Caching::Unsaid,
        }
    }

    /// More than the summary says.
    pub(in crate::shell::http) fn about(mut self, about: &'static str) -> Self {
        self.about = Some(about);
        self
    }

    /// A part of the path.
    pub(in crate::shell::http) fn within<T: JsonSchema>(mut self, name: &'static str) -> Self {
        self.path_parameters.push(PathParameter { name, schema: SchemaGenerator::subschema_for::<T> });
        self
    }

    /// The query: each field of the type is a parameter.
    pub(in crate::shell::http) fn query<T: JsonSchema>(mut self) -> Self {
        self.query = Some(SchemaGenerator::subschema_for::<T>);
        self
    }

    /// A header that counts.
    pub(in crate::shell::http) fn header<T: JsonSchema>(mut self, name: &'static str, about: &'static str) -> Self {
        self.headers.push(HeaderParameter { name, about, schema: SchemaGenerator::subschema_for::<T> });
        self
    }

    /// A body, in one of several forms.
    pub(in crate::shell::http) fn body(mut self, kind: Kind) -> Self {
        self.bodies.push(kind);
        self
    }

    /// An answer.
    pub(in crate::shell::http) fn answer(mut self, status: u16, about: &'static str, kind: Kind) -> Self {
        match self.answers.iter_mut().find(|answer| answer.status == status) {
            Some(answer) => answer.kinds.push(kind),
            None => self.answers.push(Answer { status, about, kinds: vec![kind] }),
        }
        self
    }

    /// An answer without content.
    pub(in crate::shell::http) fn empty(mut self, status: u16, about: &'static str) -> Self {
        self.answers.push(Answer { status, about, kinds: Vec::new() });
        self
    }

    /// A problem document, beside those that every operation may answer.
    pub(in crate::shell::http) fn problem(self, status: u16, about: &'static str) -> Self {
        self.answer(status, about, Kind::json::<super::super::Problem>().problem())
    }

    /// The answer carries an ETag.
    pub(in crate::shell::http) fn tagged(mut self) -> Self {
        self.caching = Caching::Tagged;
        self
    }
}

impl Kind {
    /// The same as a problem document (RFC 9457).
    pub(super) fn problem(self) -> Self {
        Self { media_type: "application/problem+json", ..self }
    }
}
