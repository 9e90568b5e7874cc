//! The page that reads codes: a photo or a text, sent as a form. It works without JavaScript; with it, a camera reads the code
//! and sends its text here (`node/portal/scan.js`).
//!
//! A link leads to the answer page of its document, on this host and no other: the address in it is never opened.

use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Multipart, Query, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::get;
use dalil_contracts::mineral::checkpost::ChallanSlip;
use dalil_ledger::document::DocumentEntry;
use dalil_ledger::qr::{Code, DIGEST_MARK_BYTES, Slip};
use dalil_ledger::receipt::InclusionReceipt;
use maud::{Markup, html};

use super::ask::encoded;
use super::routes::{Reader, language, shown, status_of};
use super::text::ist;
use super::words::{Language, Words};
use super::{Answers, answer, pages};
use crate::qr::{PHOTO_BYTES_MAX, PhotoError, read_photo};
use crate::service::{self, Verified};

/// The largest form, in bytes: a photo and what is around it.
const FORM_BYTES_MAX: usize = PHOTO_BYTES_MAX + (64 << 10);
/// The longest text of a code, in bytes.
const TEXT_BYTES_MAX: usize = 8 << 10;
/// How long a form may take to arrive.
const ARRIVES_WITHIN: Duration = Duration::from_secs(60);

/// Where a record stands.
#[derive(Debug, Clone, Copy)]
pub struct RecordedAt {
    /// Log index.
    pub index: u64,
    /// Entries of the log.
    pub log_size: u64,
    /// The oldest time among the cosignatures counted, UTC milliseconds.
    pub freshness_ms: u64,
}

/// A code of the table of troubles, and a detail for technicians.
type Trouble = (String, String);

fn trouble(code: &str, detail: impl std::fmt::Display) -> Trouble {
    (code.to_owned(), detail.to_string())
}

pub(super) fn routes<A: Answers>() -> Router<A> {
    Router::new().route("/scan", get(page).post(read::<A>)).layer(DefaultBodyLimit::max(FORM_BYTES_MAX))
}

async fn page(Query(reader): Query<Reader>, headers: HeaderMap) -> Response {
    let mut response = shown(StatusCode::OK, pages::scan(language(reader.lang.as_deref(), &headers)));
    let camera = HeaderValue::from_static("camera=(self), microphone=(), geolocation=()");
    response.headers_mut().insert(HeaderName::from_static("permissions-policy"), camera);
    response
}

async fn read<A: Answers>(
    State(answers): State<A>,
    Query(reader): Query<Reader>,
    headers: HeaderMap,
    form: Multipart,
) -> Response {
    let language = language(reader.lang.as_deref(), &headers);
    let found = match tokio::time::timeout(ARRIVES_WITHIN, code_of(form)).await {
        Ok(found) => found,
        Err(_elapsed) => Err(trouble("code_missing", "the form took too long to arrive")),
    };
    let answered = match found {
        Ok(Code::Link(link)) => {
            let (uri, mark) = (encoded(link.uri.as_str()), hex::encode(link.mark));
            return Redirect::to(&format!("/check?uri={uri}&mark={mark}&lang={}", language.tag())).into_response();
        }
        Ok(Code::Slip(slip)) => slip_page(&answers, &slip, language),
        Ok(Code::Receipt(receipt)) => receipt_page(&answers, &receipt, language),
        Err(trouble) => Err(trouble),
    };
    answered.unwrap_or_else(|(code, detail)| {
        let markup = answer::trouble(&code, &detail, language.words());
        shown(StatusCode::BAD_REQUEST, pages::answer(language, &pages::Asked::default(), "/scan?", &markup))
    })
}

/// The one code in a form.
async fn code_of(mut form: Multipart) -> Result<Code, Trouble> {
    let broken = |error: axum::extract::multipart::MultipartError| trouble("code_photo", error.body_text());
    let (mut photo, mut text) = (Vec::new(), Vec::new());
    while let Some(field) = form.next_field().await.map_err(broken)? {
        match field.name() {
            Some("photo") => photo = field.bytes().await.map_err(broken)?.to_vec(),
            Some("code") => text = field.bytes().await.map_err(broken)?.to_vec(),
            _ => {}
        }
    }
    let foreign = |why: &dyn std::fmt::Display| trouble("code_foreign", why);
    if !photo.is_empty() {
        let texts = read_photo(photo).await.map_err(|error| trouble(code_of_photo(&error), &error))?;
        let mut codes: Vec<_> = texts.iter().map(|text| Code::parse(text)).collect();
        if codes.len() > 1 {
            codes.retain(Result::is_ok);
        }
        let count = codes.len();
        let one = codes.pop().filter(|_| count == 1);
        return one
            .ok_or_else(|| foreign(&format_args!("{count} codes in the photo")))?
            .map_err(|error| foreign(&error));
    }
    let text = std::str::from_utf8(&text).ok().filter(|text| text.len() <= TEXT_BYTES_MAX);
    match text.map(|text| text.trim_matches(['\r', '\n'])) {
        Some("") => Err(trouble("code_missing", "")),
        Some(text) => Code::parse(text).map_err(|error| foreign(&error)),
        None => Err(foreign(&"the text is too long, or no text")),
    }
}

fn code_of_photo(error: &PhotoError) -> &'static str {
    match error {
        PhotoError::NoCode => "code_none",
        PhotoError::Unreadable => "code_unreadable",
        PhotoError::TooLong(_) | PhotoError::TooLarge(..) | PhotoError::Broken(_) => "code_photo",
    }
}

/// The beginning of a digest in hexadecimal.
pub(super) fn mark_of(text: &str) -> Option<[u8; DIGEST_MARK_BYTES]> {
    let mut mark = [0; DIGEST_MARK_BYTES];
    hex::decode_to_slice(text, &mut mark).ok().map(|()| mark)
}

/// Whether a document on record can be the one with this beginning of its digest; one that is not on record has none.
pub(super) fn fits(mark: [u8; DIGEST_MARK_BYTES], entry: Option<&DocumentEntry>) -> bool {
    entry.is_none_or(|entry| entry.digest.0.starts_with(&mark))
}

/// What a slip says, whether the challan's issuer signed it, and how the challan stands.
fn slip_page<A: Answers>(answers: &A, slip: &Slip, language: Language) -> Result<Response, Trouble> {
    let words = language.words();
    let said = ChallanSlip::read(slip).map_err(|error| trouble("code_foreign", error))?;
    let ask = service::Ask { challan: Some(said.number.clone()), ..service::Ask::default() };
    let found = answers.answer(&ask);
    let entry = found.as_ref().ok().and_then(Verified::document);
    if let Some(entry) = entry {
        let signed = slip.verify(&entry.issuer.officer, &answers.chain());
        signed.map_err(|error| trouble("slip_wrong", format_args!("challan {}: {error}", said.number)))?;
    }
    let markup = answer::outcome(&found, &ask, words);
    let (status, asked) = (status_of(&found), pages::Asked::of(&ask, &found, None, words));
    let said = slip_facts(&said, entry.is_some(), words);
    Ok(shown(status, pages::answer_with(language, &asked, "/scan?", &markup, &said)))
}

fn slip_facts(said: &ChallanSlip, signed: bool, words: &Words) -> Markup {
    let table = &words.scan;
    let (mass, district, state) = (said.mass_kg.0.to_string(), said.to_district.to_string(), said.to_state.to_string());
    let load = table.fill("load_words", &[("mineral", said.mineral.as_str()), ("mass", &mass)]);
    let places = [("route", said.route.as_str()), ("district", &district), ("state", &state)];
    let validity = [("from", ist(said.valid_from_ms, words)), ("until", ist(said.valid_until_ms, words))];
    let validity = validity.each_ref().map(|(name, time)| (*name, time.as_str()));
    let rows = [
        (table.get("challan"), said.number.to_string()),
        (table.get("plate"), said.plate.to_string()),
        (table.get("load"), load),
        (table.get("site"), said.site.to_string()),
        (table.get("route"), table.fill("route_words", &places)),
        (words.answer.get("validity"), words.answer.fill("from_until", &validity)),
    ];
    html! {
        section.slip {
            h2 { (table.get("slip_title")) }
            div.checked { p { (table.get(if signed { "slip_signed" } else { "slip_unchecked" })) } }
            (answer::facts(&rows))
        }
    }
}

/// A record stands in the log, which is not an answer about today.
fn receipt_page<A: Answers>(answers: &A, receipt: &InclusionReceipt, language: Language) -> Result<Response, Trouble> {
    let words = language.words();
    let found = answers.recorded(receipt)?;
    let rows = [
        (words.scan.get("index"), found.index.to_string()),
        (words.scan.get("entries"), found.log_size.to_string()),
        (words.answer.get("as_of"), ist(found.freshness_ms, words)),
    ];
    let markup = html! {
        article.answer {
            h2 { (words.scan.get("recorded_title")) }
            p { (words.scan.get("recorded")) }
            (answer::facts(&rows))
        }
    };
    Ok(shown(StatusCode::OK, pages::answer(language, &pages::Asked::default(), "/scan?", &markup)))
}
