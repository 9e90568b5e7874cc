//! The interface's description of itself.

use std::sync::LazyLock;

use axum::http::header;
use axum::response::{IntoResponse as _, Response};

use super::api::{Dialect, document};
use super::conditional::REVALIDATED;
use super::routes;

const TITLE: &str = "Dalil";
const ABOUT: &str = "A node of a permissioned ledger of departments' records. Answers about documents come with receipts that \
                     anybody checks without trusting the node. Errors are problem documents (RFC 9457) with a stable `code`.";

static V31: LazyLock<String> = LazyLock::new(|| rendered(Dialect::V31));
static V30: LazyLock<String> = LazyLock::new(|| rendered(Dialect::V30));

fn rendered(dialect: Dialect) -> String {
    document(dialect, &routes::api().into_parts().0, TITLE, ABOUT).to_string()
}

fn served(document: &'static str) -> Response {
    ([(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, REVALIDATED)], document).into_response()
}

/// OpenAPI 3.1.
pub(super) async fn openapi() -> Response {
    served(&V31)
}

/// OpenAPI 3.0.
pub(super) async fn openapi_30() -> Response {
    served(&V30)
}
