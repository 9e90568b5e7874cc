//! Which pages of others may read the answers that prove themselves: those of origins that the operator names, one by one.
//!
//! Nothing but questions and receipts is opened, and never with a reader's credentials. What is opened says the same to
//! everybody; the list keeps strangers' pages from spending this node's time through their visitors' browsers.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use axum::http::{HeaderValue, Method, Uri, header, request};
use serde::{Deserialize, Serialize};
use tower_http::cors::{AllowOrigin, CorsLayer};

/// What pages of others may ask.
const OPEN: [(Method, &str); 4] = [
    (Method::GET, "/v1/verify"),
    (Method::POST, "/v1/verify/batch"),
    (Method::GET, "/v1/receipts/status"),
    (Method::GET, "/v1/receipts/inclusion"),
];
/// How long a browser may remember what it was allowed.
const MAX_AGE: Duration = Duration::from_secs(3_600);

/// Scheme, host and port of a page, as browsers write it: `https://land.example`, without a slash at the end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Origin(String);

/// Why a text is no origin.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no origin: expected https://host or https://host:port in small letters, without a path")]
pub struct OriginError(String);

impl FromStr for Origin {
    type Err = OriginError;

    fn from_str(text: &str) -> Result<Self, OriginError> {
        let wrong = || OriginError(text.to_owned());
        let uri: Uri = text.parse().map_err(|_| wrong())?;
        let (Some(scheme @ ("https" | "http")), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            return Err(wrong());
        };
        let default_port = if scheme == "https" { 443 } else { 80 };
        // What a browser would write otherwise would never be met.
        let is_written_so = format!("{scheme}://{authority}") == text
            && !text.bytes().any(|byte| byte.is_ascii_uppercase() || byte == b'@' || byte == b'*')
            && authority.port_u16() != Some(default_port);
        if is_written_so { Ok(Self(text.to_owned())) } else { Err(wrong()) }
    }
}

impl TryFrom<String> for Origin {
    type Error = OriginError;

    fn try_from(text: String) -> Result<Self, OriginError> {
        text.parse()
    }
}

impl From<Origin> for String {
    fn from(origin: Origin) -> Self {
        origin.0
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Lets pages of these origins read what is open.
pub(super) fn layer(origins: &[Origin]) -> CorsLayer {
    let origins: Vec<String> = origins.iter().map(ToString::to_string).collect();
    let allowed = move |origin: &HeaderValue, asked: &request::Parts| {
        origins.iter().any(|known| known.as_bytes() == origin.as_bytes()) && is_open(asked)
    };
    CorsLayer::new()
        .allow_origin(AllowOrigin::predicate(allowed))
        .allow_methods([Method::GET, Method::POST])
        .allow_headers([header::CONTENT_TYPE])
        .expose_headers([header::RETRY_AFTER])
        .max_age(MAX_AGE)
}

/// Of a question beforehand, whether the request that it is about would be open.
fn is_open(asked: &request::Parts) -> bool {
    let announced = asked.headers.get(header::ACCESS_CONTROL_REQUEST_METHOD).map(HeaderValue::as_bytes);
    let method = match announced {
        Some(method) if asked.method == Method::OPTIONS => method,
        _ => asked.method.as_str().as_bytes(),
    };
    OPEN.iter().any(|(open, path)| open.as_str().as_bytes() == method && *path == asked.uri.path())
}
