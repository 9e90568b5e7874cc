//! The interface and its description, from one table: an operation that is served is described, and the other way round.
//!
//! [`Api::serve`] takes an operation with its handler; [`document`] renders all operations as OpenAPI. What a request may hold
//! comes from the very types that handlers read, by their JSON Schema.

mod document;
pub(super) mod forms;
mod operation;

use axum::Router;
use axum::routing::MethodRouter;

pub(super) use document::{Dialect, document};
pub(super) use operation::{Kind, Operation, SchemaOf, get, post};

/// The tag of pages for people.
pub(super) const PAGES: &str = "portal";

/// Operations and what serves them.
pub(super) struct Api<S> {
    operations: Vec<Operation>,
    router: Router<S>,
}

impl<S: Clone + Send + Sync + 'static> Api<S> {
    pub(super) fn new() -> Self {
        Self { operations: Vec::new(), router: Router::new() }
    }

    /// Serves an operation.
    pub(super) fn serve(mut self, operation: Operation, handler: MethodRouter<S>) -> Self {
        self.router = self.router.route(operation.path, handler);
        self.operations.push(operation);
        self
    }

    /// An operation that another router serves.
    pub(super) fn describe(mut self, operation: Operation) -> Self {
        self.operations.push(operation);
        self
    }

    pub(super) fn into_parts(self) -> (Vec<Operation>, Router<S>) {
        (self.operations, self.router)
    }
}
