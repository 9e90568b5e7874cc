//! The portal's addresses.

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use dalil_ledger::crypto::{Hash, sha256};
use dalil_ledger::document::Uri;
use dalil_ledger::receipt::Question;
use maud::{Markup, html};
use schemars::JsonSchema;
use serde::Deserialize;

use super::timeline::{Moments, Timeline};
use super::words::Language;
use super::{Answers, Outcome, answer, assets, checkpost, pages, scan};
use crate::time::parse_moment;

/// What the pages may load: their own scripts and style and the node's own answers, nothing inline, nothing from elsewhere.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; form-action 'self'; \
                      base-uri 'none'; frame-ancestors 'none'";

/// All addresses of the portal.
pub fn routes<A: Answers>() -> Router<A> {
    Router::new()
        .route("/", get(home))
        .route("/about", get(about))
        .route("/check", get(check::<A>))
        .route("/portal/{name}", get(file))
        .route("/verifier.html", get(verifier))
        .merge(scan::routes())
        .merge(checkpost::routes())
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

/// A text that changes with the program only; browsers ask each time whether it did.
pub(super) fn unchanging(headers: &HeaderMap, content_type: &'static str, content: &'static str) -> Response {
    let tag = format!("\"{}\"", sha256(content.as_bytes()));
    if headers.get(header::IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == tag.as_bytes()) {
        return (StatusCode::NOT_MODIFIED, [(header::ETAG, tag)]).into_response();
    }
    let fixed = [(header::CONTENT_TYPE, content_type), (header::CACHE_CONTROL, "no-cache")];
    (fixed, [(header::ETAG, tag)], content).into_response()
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

async fn home(Query(reader): Query<Reader>, headers: HeaderMap) -> Response {
    shown(StatusCode::OK, pages::home(language(reader.lang.as_deref(), &headers)))
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

/// What a reader asks: exactly one of `q`, `uri` and `digest`.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct Ask {
    /// A number or a digest, as somebody typed it.
    q: Option<String>,
    /// The document's URI.
    uri: Option<String>,
    /// SHA-256 of the document's file.
    digest: Option<String>,
    /// How the file's digest begins, as a code says.
    mark: Option<String>,
    /// A day, or what `dalil verify --as-of` takes.
    as_of: Option<String>,
    /// The language; without it, one that the browser accepts.
    #[schemars(extend("enum" = ["en", "bn", "hi"]))]
    lang: Option<String>,
}

/// Why somebody's words are no question: a code of the table of troubles, and what was written.
struct NoQuestion(&'static str, String);

impl Ask {
    fn question(&self) -> Result<Question, NoQuestion> {
        let given = [&self.q, &self.uri, &self.digest].into_iter().flatten().map(|text| text.trim());
        let mut given = given.filter(|text| !text.is_empty());
        let text = given.next().ok_or(NoQuestion("number_missing", String::new()))?;
        if let Some(other) = given.next() {
            return Err(NoQuestion("number_wrong", format!("{text} {other}")));
        }
        if text.contains("://") {
            return Err(NoQuestion("number_link", text.to_owned()));
        }
        if let Ok(digest) = text.to_ascii_lowercase().parse::<Hash>() {
            return Ok(Question::Digest(digest));
        }
        text.parse::<Uri>().map(Question::Uri).map_err(|_| NoQuestion("number_wrong", text.to_owned()))
    }

    fn as_of_ms(&self) -> Result<Option<u64>, NoQuestion> {
        let text = self.as_of.as_deref().map(str::trim).filter(|text| !text.is_empty());
        text.map(|text| parse_moment(text).map_err(|_| NoQuestion("day_wrong", text.to_owned()))).transpose()
    }
}

async fn check<A: Answers>(State(answers): State<A>, Query(ask): Query<Ask>, headers: HeaderMap) -> Response {
    let language = language(ask.lang.as_deref(), &headers);
    let words = language.words();
    let (question, as_of_ms) = match ask.question().and_then(|question| Ok((question, ask.as_of_ms()?))) {
        Ok(asked) => asked,
        Err(NoQuestion(code, text)) => {
            let markup = answer::trouble(code, &text, words);
            return shown(StatusCode::BAD_REQUEST, pages::answer(language, &pages::Asked::default(), "/?", &markup));
        }
    };
    let mark = ask.mark.as_deref().and_then(scan::mark_of);
    let outcome = match answers.answer(&question, as_of_ms) {
        Outcome::Checked { answer, .. } if mark.is_some_and(|mark| !scan::fits(mark, answer.entry.as_ref())) => {
            let detail =
                format!("the code is of a file whose SHA-256 begins with {}", hex::encode(mark.unwrap_or_default()));
            Outcome::CouldNotCheck { code: "other_document".to_owned(), detail }
        }
        outcome => outcome,
    };
    let status = match outcome {
        Outcome::Checked { .. } => StatusCode::OK,
        Outcome::CouldNotCheck { .. } => StatusCode::SERVICE_UNAVAILABLE,
    };
    let mut asked = pages::Asked { as_of_ms, mark: mark.map(hex::encode), ..pages::Asked::default() };
    let mut query = match &question {
        Question::Uri(uri) => format!("/check?uri={}&", encoded(uri.as_str())),
        Question::Digest(digest) => format!("/check?digest={digest}&"),
        Question::Slot(key) => format!("/check?q={}&", encoded(key)),
    };
    if let Some(mark) = mark {
        query.push_str(&format!("mark={}&", hex::encode(mark)));
    }
    if let Some(as_of_ms) = as_of_ms {
        query.push_str(&format!("as_of={as_of_ms}&"));
    }
    match &question {
        Question::Uri(uri) => asked.uri = Some(uri.to_string()),
        Question::Digest(digest) => asked.digest = Some(digest.to_string()),
        Question::Slot(_) => {}
    }
    let markup = answer::outcome(&outcome, &question, words);
    let life = life(&answers, &outcome, as_of_ms, language);
    shown(status, pages::answer_with(language, &asked, &query, &markup, &life))
}

/// The picture of a document's life, which is the node's word.
fn life<A: Answers>(answers: &A, outcome: &Outcome, as_of_ms: Option<u64>, language: Language) -> Markup {
    let Outcome::Checked { answer, checked_at_ms, .. } = outcome else { return html! {} };
    let journey = answer.entry.as_ref().and_then(|entry| answers.journey(entry));
    let moments = Moments { now_ms: *checked_at_ms, as_of_ms };
    let life = Timeline::of(answer, journey.as_ref(), moments, language.words());
    life.map(|life| life.draw(language)).unwrap_or_default()
}

/// A text within a query (RFC 3986): all but letters, digits, `-`, `.`, `_` and `~` by their codes.
pub(super) fn encoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    text.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}
