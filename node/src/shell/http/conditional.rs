//! ETags: what a client or a cache knows already is not sent again (RFC 9110 § 13).
//!
//! A handler says how long its answer may be kept; this layer names the answer by the SHA-256 of its bytes.

use axum::body::{Body, HttpBody as _};
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use dalil_ledger::crypto::sha256;

use super::Problem;

/// What never changes.
pub(super) const IMMUTABLE: &str = "public, max-age=31536000, immutable";
/// What may be kept, and is asked for again each time.
pub(super) const REVALIDATED: &str = "no-cache";
/// The longest answer that gets a tag, in bytes: longer than a bundle of 256 of the longest entries.
const TAGGED_BYTES_MAX: u64 = 20 << 20;

fn may_be_kept(headers: &HeaderMap) -> bool {
    headers.get(header::CACHE_CONTROL).is_some_and(|value| value != "no-store")
}

/// Whether one of the tags that a client knows is `tag`. Tags are compared weakly, as is right for reading.
fn is_known(known: &[HeaderValue], tag: &HeaderValue) -> bool {
    let tags = known.iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
    tags.map(str::trim).any(|it| it == "*" || it.strip_prefix("W/").unwrap_or(it).as_bytes() == tag.as_bytes())
}

/// Adds an ETag to answers that may be kept, and answers 304 to who knows them.
pub(super) async fn conditional(request: Request, next: Next) -> Response {
    let is_read = request.method() == Method::GET;
    let known: Vec<_> = request.headers().get_all(header::IF_NONE_MATCH).iter().cloned().collect();
    let response = next.run(request).await;
    let length = response.body().size_hint().exact().filter(|length| *length <= TAGGED_BYTES_MAX);
    let tagged = response.headers().contains_key(header::ETAG);
    if !is_read || tagged || response.status() != StatusCode::OK || length.is_none() || !may_be_kept(response.headers())
    {
        return response;
    }
    let (mut head, body) = response.into_parts();
    let bytes = match axum::body::to_bytes(body, usize::MAX).await {
        Ok(bytes) => bytes,
        Err(error) => return Problem::internal(error).into_response(),
    };
    let Ok(tag) = HeaderValue::from_str(&format!("\"{}\"", sha256(&bytes))) else {
        return Response::from_parts(head, bytes.into());
    };
    let body = if is_known(&known, &tag) {
        head.status = StatusCode::NOT_MODIFIED;
        head.headers.remove(header::CONTENT_LENGTH);
        head.headers.remove(header::CONTENT_TYPE);
        Body::empty()
    } else {
        bytes.into()
    };
    head.headers.insert(header::ETAG, tag);
    Response::from_parts(head, body)
}
