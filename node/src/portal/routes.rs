//! The portal's addresses.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Extension, Path, Query, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use dalil_ledger::crypto::sha256;
use maud::{Markup, html};
use schemars::JsonSchema;
use serde::Deserialize;

use super::ask::{Ask, Meaning, NoQuestion, address};
use super::fonts::{self, Fonts};
use super::timeline::{Moments, Timeline};
use super::words::Language;
use super::{Answers, answer, assets, checkpost, evidence, pages, scan};
use crate::service::{CouldNotAnswer, Verified, VerifiedAnswer};

/// What the pages may load: their own scripts and style and the node's own answers, nothing inline, nothing from elsewhere.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; font-src 'self'; \
                      form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// All addresses of the portal, which serves these fonts.
pub fn routes<A: Answers>(fonts: Arc<Fonts>) -> Router<A> {
    Router::new()
        .route("/", get(home::<A>))
        .route("/about", get(about))
        .route("/check", get(check::<A>))
        .route("/evidence", get(evidence::evidence::<A>))
        .route("/portal/{name}", get(file))
        .route("/portal/fonts.css", get(fonts::sheet))
        .route("/portal/fonts/{font}", get(fonts::font))
        .route("/verifier.html", get(verifier))
        .merge(scan::routes())
        .merge(checkpost::routes())
        .layer(Extension(fonts))
        .layer(axum::middleware::map_response(guarded))
}

/// Sets what every answer of the portal carries. A page with a policy of its own keeps it.
pub(super) async fn guarded(mut response: Response) -> Response {
    let fixed = [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    ];
    for (name, value) in fixed {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    let sensors = response.headers_mut().entry(HeaderName::from_static("permissions-policy"));
    sensors.or_insert(HeaderValue::from_static("camera=(), microphone=(), geolocation=()"));
    response.headers_mut().entry(header::CONTENT_SECURITY_POLICY).or_insert(HeaderValue::from_static(POLICY));
    response
}

/// A page; it depends on the time and on the reader's language, so nobody keeps it.
pub(super) fn shown(status: StatusCode, page: Markup) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CACHE_CONTROL, "no-store"),
        (header::VARY, "accept-language"),
    ];
    (status, headers, page.into_string()).into_response()
}

/// The ETag of a content.
pub(super) fn tag_of(content: &[u8]) -> String {
    format!("\"{}\"", sha256(content))
}

/// What may be kept, for as long as `cache` says; who knows it already is told so.
pub(super) fn kept(
    headers: &HeaderMap,
    tag: &str,
    (content_type, cache): (&'static str, &'static str),
    content: impl Into<Body>,
) -> Response {
    let fixed = [(header::CACHE_CONTROL, cache), (header::ETAG, tag)];
    if headers.get(header::IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == tag.as_bytes()) {
        return (StatusCode::NOT_MODIFIED, fixed).into_response();
    }
    let body: Body = content.into();
    (fixed, [(header::CONTENT_TYPE, content_type)], body).into_response()
}

/// A text that changes with the program only; browsers ask each time whether it did.
pub(super) fn unchanging(headers: &HeaderMap, content_type: &'static str, content: &'static str) -> Response {
    kept(headers, &tag_of(content.as_bytes()), (content_type, "no-cache"), content)
}

/// In which language a page is read.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct Reader {
    /// The language; without it, one that the browser accepts.
    #[schemars(extend("enum" = ["en", "bn", "hi"]))]
    pub(super) lang: Option<String>,
}

/// The language asked for, else one that the browser accepts.
pub(super) fn language(asked: Option<&str>, headers: &HeaderMap) -> Language {
    let accepted = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    asked.and_then(Language::of_tag).unwrap_or_else(|| Language::accepted(accepted))
}

async fn home<A: Answers>(State(answers): State<A>, Query(reader): Query<Reader>, headers: HeaderMap) -> Response {
    let language = language(reader.lang.as_deref(), &headers);
    shown(StatusCode::OK, pages::home(language, answers.certificate_types()))
}

async fn about(Query(reader): Query<Reader>, headers: HeaderMap) -> Response {
    shown(StatusCode::OK, pages::about(language(reader.lang.as_deref(), &headers)))
}

async fn file(Path(name): Path<String>, headers: HeaderMap) -> Response {
    match assets::file(&name) {
        Some((content_type, content)) => unchanging(&headers, content_type, content),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn verifier(headers: HeaderMap) -> Response {
    let verifier = assets::verifier();
    let mut response = unchanging(&headers, "text/html; charset=utf-8", &verifier.html);
    if let Ok(policy) = HeaderValue::from_str(&format!("{}; frame-ancestors 'none'", verifier.policy)) {
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response
}

async fn check<A: Answers>(State(answers): State<A>, Query(asked): Query<Ask>, headers: HeaderMap) -> Response {
    let language = language(asked.lang.as_deref(), &headers);
    let words = language.words();
    let ask = match asked.meaning() {
        Ok(Meaning::One(ask)) => *ask,
        Ok(Meaning::Several(readings)) => {
            return shown(StatusCode::OK, pages::choices(language, &readings, answers.certificate_types()));
        }
        Err(NoQuestion(code, text)) => {
            let markup = answer::trouble(code, &text, words);
            return shown(StatusCode::BAD_REQUEST, pages::answer(language, &pages::Asked::default(), "/?", &markup));
        }
    };
    let mark = asked.mark.as_deref().and_then(scan::mark_of);
    let mut found = answers.answer(&ask);
    if let (Some(mark), Ok(found)) = (mark, &mut found)
        && !scan::fits(mark, found.document())
    {
        let detail = format!("the code is of a file whose SHA-256 begins with {}", hex::encode(mark));
        found.answer = VerifiedAnswer::CouldNotCheck(CouldNotAnswer::new("other_document", detail));
    }
    let mark = mark.map(hex::encode);
    let query = address("/check", &ask, mark.as_deref());
    let markup = answer::outcome(&found, &ask, words);
    let (status, life) = (status_of(&found), life(&answers, &found, language));
    let asked = pages::Asked::of(&ask, &found, mark, words);
    shown(status, pages::answer_with(language, &asked, &query, &markup, &life))
}

/// The picture of a document's life, which is the node's word.
fn life<A: Answers>(answers: &A, found: &Result<Verified, CouldNotAnswer>, language: Language) -> Markup {
    let Ok(Verified { answer: VerifiedAnswer::Checked(checked), checkpoint, asked, .. }) = found else {
        return html! {};
    };
    let answer = &checked.answer;
    let journey = answer.entry.as_ref().and_then(|entry| answers.journey(entry));
    let now_ms = checkpoint.freshness_ms.saturating_add(checkpoint.age_ms);
    let moments = Moments { now_ms, as_of_ms: asked.as_of_ms };
    let life = Timeline::of(answer, journey.as_ref(), moments, language.words());
    life.map(|life| life.draw(language)).unwrap_or_default()
}

/// "Could not check" is an answer where the node gave it; where it has none to give, somebody else is to be asked.
pub(super) fn status_of(found: &Result<Verified, CouldNotAnswer>) -> StatusCode {
    if found.is_ok() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }
}
