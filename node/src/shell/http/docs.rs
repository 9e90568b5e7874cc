//! The interface described for people: Swagger UI over `/openapi.json`, from this node alone.
//!
//! Swagger UI is another project's (Apache-2.0) and comes with a crate, as the archive of its release; two of its files are
//! unpacked when they are first asked for.

use std::io::Read as _;
use std::sync::LazyLock;

use axum::extract::Path;
use axum::http::{HeaderName, header};
use axum::response::{IntoResponse as _, Response};
use flate2::read::DeflateDecoder;
use maud::{DOCTYPE, html};
use utoipa_swagger_ui_vendored::SWAGGER_UI_VENDORED;

use super::Problem;
use super::conditional::REVALIDATED;

/// Our own script, which sets it going.
const START: &str = include_str!("../../../portal/docs.js");
/// The longest file that is unpacked, in bytes.
const FILE_BYTES_MAX: u64 = 8 << 20;
/// What the page may do: run the node's scripts, wear its styles, ask the node. Its pictures are within its style sheet.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

static BUNDLE: LazyLock<Option<Vec<u8>>> = LazyLock::new(|| unpacked("swagger-ui-bundle.js"));
static STYLE: LazyLock<Option<Vec<u8>>> = LazyLock::new(|| unpacked("swagger-ui.css"));

/// A file of the release's folder `dist`, by the archive's directory (PKWARE APPNOTE 4.3). The archive is part of the
/// program; were it another one, there would be no file.
fn unpacked(name: &str) -> Option<Vec<u8>> {
    let archive = SWAGGER_UI_VENDORED;
    let wanted = format!("swagger-ui-{}/dist/{name}", version()?);
    let end = archive.windows(4).rposition(|window| window == b"PK\x05\x06")?;
    let mut entry = number(archive, end.checked_add(16)?, 4)?;
    while archive.get(entry..)?.starts_with(b"PK\x01\x02") {
        let length = |at: usize| number(archive, entry.checked_add(at)?, 2);
        let (name, extra, comment) = (length(28)?, length(30)?, length(32)?);
        let begins = entry.checked_add(46)?;
        let next = begins.checked_add(name)?;
        if archive.get(begins..next)? == wanted.as_bytes() {
            let (packed, file) =
                (number(archive, entry.checked_add(20)?, 4)?, number(archive, entry.checked_add(42)?, 4)?);
            let before = [30, number(archive, file.checked_add(26)?, 2)?, number(archive, file.checked_add(28)?, 2)?];
            let data = before.into_iter().try_fold(file, usize::checked_add)?;
            let data = archive.get(data..data.checked_add(packed)?)?;
            let mut bytes = Vec::new();
            DeflateDecoder::new(data).take(FILE_BYTES_MAX).read_to_end(&mut bytes).ok()?;
            return Some(bytes);
        }
        entry = next.checked_add(extra)?.checked_add(comment)?;
    }
    None
}

/// A little-endian number of `length` bytes.
fn number(bytes: &[u8], at: usize, length: usize) -> Option<usize> {
    let bytes = bytes.get(at..at.checked_add(length)?)?;
    Some(bytes.iter().rev().fold(0, |sum, byte| (sum << 8) | usize::from(*byte)))
}

/// The release, by the first name in the archive: `swagger-ui-<version>/`.
fn version() -> Option<&'static str> {
    let length = number(SWAGGER_UI_VENDORED, 26, 2)?;
    let name = std::str::from_utf8(SWAGGER_UI_VENDORED.get(30..length.checked_add(30)?)?).ok()?;
    name.strip_prefix("swagger-ui-")?.split('/').next()
}

fn guarded(content_type: &'static str, content: impl Into<axum::body::Body>) -> Response {
    let headers = [
        (header::CONTENT_TYPE, content_type),
        (header::CACHE_CONTROL, REVALIDATED),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("permissions-policy"), "camera=(), microphone=(), geolocation=()"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    ];
    (headers, content.into()).into_response()
}

/// The page.
pub(super) async fn page() -> Response {
    let markup = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { "Dalil: the REST interface" }
                link rel="icon" href="data:,";
                link rel="stylesheet" href="/docs/swagger-ui.css";
                script defer src="/docs/swagger-ui-bundle.js" {}
                script defer src="/docs/docs.js" {}
            }
            body {
                noscript { p { "This page needs JavaScript. The description itself: " a href="/openapi.json" { "/openapi.json" } "." } }
                main #docs {}
            }
        }
    };
    guarded("text/html; charset=utf-8", markup.into_string())
}

/// What the page loads.
pub(super) async fn file(Path(name): Path<String>) -> Result<Response, Problem> {
    let script = "text/javascript; charset=utf-8";
    let missing = || Problem::internal("the archive of Swagger UI is not the one that was expected");
    let (content_type, content): (_, &[u8]) = match name.as_str() {
        "docs.js" => (script, START.as_bytes()),
        "swagger-ui-bundle.js" => (script, BUNDLE.as_deref().ok_or_else(missing)?),
        "swagger-ui.css" => ("text/css; charset=utf-8", STYLE.as_deref().ok_or_else(missing)?),
        _ => return Err(Problem::not_found("there is no such file")),
    };
    Ok(guarded(content_type, content))
}
