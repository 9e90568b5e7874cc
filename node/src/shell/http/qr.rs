//! Codes A and C as pictures. B is signed by the issuer, and made where the issuer's key is: by the CLI, or for a posting's own
//! system by its gateway ([`super::slip`]).

use axum::extract::{Query, State};
use axum::http::{HeaderName, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use dalil_ledger::document::{DocumentEntry, Uri, document_key};
use dalil_ledger::qr::{Link, QrError, receipt};
use schemars::JsonSchema;
use serde::Deserialize;

use super::verify::Where;
use super::{App, Problem};
use crate::qr::{Picture, PictureError, PictureKind};
use crate::shell::clock::now_ms;

/// The page of the portal that reads a link's fragment.
const SCAN_PAGE: &str = "scan";

/// What the code is to be about, and its form.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Which {
    /// The document's URI.
    uri: Option<Uri>,
    /// Log index of a record.
    index: Option<u64>,
    /// svg (also without it), png, or text: what the code says.
    #[schemars(extend("enum" = ["svg", "png", "text"]))]
    format: Option<String>,
}

/// The code's text, or its picture.
pub(super) fn shown(text: String, format: Option<&str>) -> Result<Response, Problem> {
    let inert = (header::CONTENT_SECURITY_POLICY, "default-src 'none'; style-src 'unsafe-inline'; sandbox");
    let nosniff = (header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    let fresh = (header::CACHE_CONTROL, "no-cache");
    let answer = |kind: &'static str, body: Vec<u8>| {
        let headers: [(HeaderName, &str); 4] = [(header::CONTENT_TYPE, kind), fresh, nosniff, inert];
        (headers, body).into_response()
    };
    if format == Some("text") {
        return Ok(answer("text/plain; charset=utf-8", text.into_bytes()));
    }
    let kind: PictureKind = format.unwrap_or("svg").parse().map_err(|error| refused(&error))?;
    let picture = Picture::of(&text).and_then(|picture| picture.to_bytes(kind)).map_err(|error| refused(&error))?;
    Ok(answer(kind.media_type(), picture))
}

fn refused(error: &PictureError) -> Problem {
    match error {
        PictureError::Kind(_) => Problem::bad_request("format", error.to_string()),
        PictureError::TooLong(_) => {
            Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "too_long_for_qr", error.to_string())
        }
        PictureError::Png(_) => Problem::internal(error),
    }
}

/// What does not fit a code goes by file.
fn no_code(error: &QrError) -> Problem {
    let detail = format!("{error}; take the receipt's file instead");
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "too_long_for_qr", detail)
}

pub(super) async fn link(State(app): State<App>, Query(which): Query<Which>) -> Result<Response, Problem> {
    let (Some(uri), None) = (which.uri, which.index) else {
        return Err(Problem::bad_request("question", "give `uri`, the document that the link is to name"));
    };
    let view = &app.published()?.view;
    let entry: Option<DocumentEntry> = view.state_value(&document_key(&uri)).map_err(Problem::internal)?;
    let entry = entry.ok_or_else(|| Problem::not_found(format!("{uri} is not on record")))?;
    let url = Link::new(uri, &entry.digest).to_url(&format!("https://{}/{SCAN_PAGE}", app.origin));
    shown(url.map_err(|error| no_code(&error))?, which.format.as_deref())
}

pub(super) async fn inclusion(State(app): State<App>, Query(which): Query<Which>) -> Result<Response, Problem> {
    let head = app.service.head(now_ms())?;
    let found = Where { index: which.index, uri: which.uri }.inclusion(&head)?;
    let text = receipt::to_code(&found).map_err(|error| no_code(&error))?;
    shown(text, which.format.as_deref())
}
