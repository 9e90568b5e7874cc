//! One delivery of an event: signed, posted, and taken or not.

use std::time::Duration;

use axum::body::Bytes;
use axum::http::StatusCode;

use super::signature::Secret;
use crate::shell::outbound::{OutboundError, Target};

/// Why an event was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DeliveryError {
    /// There is no answer.
    #[error(transparent)]
    Unanswered(#[from] OutboundError),
    /// It did not take it.
    #[error("answered {0}; 2xx is expected")]
    Status(StatusCode),
}

/// Posts an event within `limit`. The timestamp is that of this attempt, UTC seconds. The answer's body is not read.
pub(super) async fn deliver(
    target: &Target,
    secret: &Secret,
    id: &str,
    timestamp_s: u64,
    body: Bytes,
    limit: Duration,
) -> Result<(), DeliveryError> {
    let fields = [
        ("content-type", "application/json".to_owned()),
        ("webhook-id", id.to_owned()),
        ("webhook-timestamp", timestamp_s.to_string()),
        ("webhook-signature", secret.sign(id, timestamp_s, &body)),
    ];
    let status = target.post(&fields, body, None, limit).await?.status;
    if status.is_success() { Ok(()) } else { Err(DeliveryError::Status(status)) }
}
