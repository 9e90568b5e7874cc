//! The explorer: what the ledger holds and how the network fares, as web pages of every node.
//!
//! Everything is read from the newest published head, so no page shows what a quorum has not vouched for; the exceptions say
//! so: how the node itself fares, and what it measured. Pages are the node's word, and link to the receipts that prove what
//! they show. They work without JavaScript, and every picture stands beside the figures that it is drawn from.
//!
//! `overview.rs` head, health and plots of the last blocks (`chart.rs`) · `blocks.rs` · `record.rs` · `subject.rs` ·
//! `validators.rs` · `search.rs` · `plot.rs` a plot's chain of title, drawn by `descent.rs`.
//!
//! Called by the HTTP interface of a node, which gives it the node ([`Explores`]). It looks no person up, follows no link, and
//! reads no clock.

mod blocks;
mod chart;
mod descent;
mod overview;
mod plot;
mod record;
mod search;
mod subject;
mod validators;

use std::sync::Arc;

use axum::Router;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use axum::routing::get;
use dalil_ledger::block::Height;
use dalil_ledger::store::StoreError;
use maud::{Markup, html};

use super::pages::{self, Place};
use super::routes::{guarded, language, shown};
use super::words::{Language, Words};
use super::{Reader, answer};
use crate::core::Standing;
use crate::legible::visible;
use crate::service::{Head, ServiceError};

pub use blocks::{AskOfBlock, AskOfBlocks};
pub use plot::AskOfPlot;
pub use search::AskOfSearch;
pub use subject::AskOfSubject;

/// The longest text that a field of a page takes, in characters: longer than any name on the ledger.
const FIELD_CHARS_MAX: usize = 300;
/// The most digits of a height or a log index.
const NUMBER_DIGITS_MAX: usize = 20;

/// How the node that serves the pages fares.
#[derive(Debug, Clone)]
pub struct Health {
    /// Where its core stands.
    pub standing: Standing,
    /// Connected peers.
    pub peers: usize,
}

/// A node that lets people look into its ledger.
pub trait Explores: Clone + Send + Sync + 'static {
    /// The newest published head, or why there is none.
    fn head(&self) -> Result<Arc<Head>, ServiceError>;

    /// The node's time, UTC milliseconds.
    fn now_ms(&self) -> u64;

    /// Of blocks from `first` on that were decided while this node followed: from the block's own time, by its proposer's
    /// clock, until a quorum's cosignatures of it were in this node's hands, by this node's clock, in milliseconds.
    fn finality(&self, first: Height) -> Vec<(Height, u64)>;

    /// How the node fares; none if it does not say.
    fn health(&self) -> impl Future<Output = Option<Health>> + Send;
}

/// All addresses of the explorer.
pub fn routes<E: Explores>() -> Router<E> {
    Router::new()
        .route("/explorer", get(overview::page::<E>))
        .route("/explorer/blocks", get(blocks::list::<E>))
        .route("/explorer/blocks/{height}", get(blocks::one::<E>))
        .route("/explorer/records/{which}", get(record::page::<E>))
        .route("/explorer/subject", get(subject::page::<E>))
        .route("/explorer/validators", get(validators::page::<E>))
        .route("/explorer/search", get(search::page::<E>))
        .route("/plot", get(plot::page::<E>))
        .layer(axum::middleware::map_response(guarded))
}

/// A page that was asked for.
struct Leaf {
    title: String,
    /// Leads to the same page, without its language.
    query: String,
    content: Markup,
}

/// Why there is no such page.
enum Nothing {
    /// What was asked is no question: a key of the explorer's words, and what was written.
    Malformed(&'static str, String),
    /// There is no such thing: a key of the explorer's words, and what was asked for.
    Missing(&'static str, String),
    /// It lies below what this node holds.
    NotHeld(u64),
    /// The node cannot answer now: for technicians.
    NotReady(String),
}

impl From<ServiceError> for Nothing {
    fn from(error: ServiceError) -> Self {
        match error {
            ServiceError::Store(StoreError::NotHeld { first }) => Self::NotHeld(first),
            ServiceError::NoCheckpoint => Self::NotReady(error.to_string()),
            other => {
                tracing::error!(error = %other, "a page of the explorer cannot be made");
                Self::NotReady("this node cannot read its own data; ask another one".to_owned())
            }
        }
    }
}

impl From<StoreError> for Nothing {
    fn from(error: StoreError) -> Self {
        ServiceError::from(error).into()
    }
}

/// What every page knows of who reads it.
#[derive(Clone, Copy)]
struct Visit {
    language: Language,
    words: &'static Words,
}

impl Visit {
    fn of(lang: Option<&str>, headers: &HeaderMap) -> Self {
        let language = language(lang, headers);
        Self { language, words: language.words() }
    }

    /// The words for a key of the explorer.
    fn say(self, key: &'static str) -> &'static str {
        self.words.explorer.get(key)
    }

    /// The same with values.
    fn fill(self, key: &'static str, values: &[(&str, &str)]) -> String {
        self.words.explorer.fill(key, values)
    }

    /// An address of the portal in the reader's language. `path` ends with `?` or `&`.
    fn within(self, path: &str) -> String {
        format!("{path}lang={}", self.language.tag())
    }

    /// A link to a block.
    fn block(self, height: Height) -> Markup {
        let href = self.within(&format!("/explorer/blocks/{height}?"));
        html! { a href=(href) { (super::text::grouped(height)) } }
    }

    /// A link to a record or another entry of the log.
    fn record(self, index: u64) -> Markup {
        let href = self.within(&format!("/explorer/records/{index}?"));
        html! { a href=(href) { (super::text::grouped(index)) } }
    }

    /// A link to the page of a subject.
    fn subject(self, subject: &str) -> Markup {
        let href = self.within(&format!("/explorer/subject?id={}&", super::ask::encoded(subject)));
        html! { a href=(href) { (visible(subject)) } }
    }

    /// A link to the answer about a document.
    fn document(self, uri: &str) -> Markup {
        let href = self.within(&format!("/check?uri={}&", super::ask::encoded(uri)));
        html! { a href=(href) { (visible(uri)) } }
    }

    /// The page, or the page that says why there is none.
    fn answer(self, made: Result<Leaf, Nothing>) -> Response {
        match made {
            Ok(leaf) => shown(StatusCode::OK, self.dressed(&leaf)),
            Err(nothing) => self.nothing(nothing),
        }
    }

    fn dressed(self, leaf: &Leaf) -> Markup {
        let content = html! {
            (self.ways())
            h1 { (leaf.title) }
            (leaf.content)
        };
        pages::page(self.language, Place::Explorer, &leaf.title, &leaf.query, &content)
    }

    fn nothing(self, nothing: Nothing) -> Response {
        let (status, title, words, detail) = match nothing {
            Nothing::Malformed(key, text) => {
                (StatusCode::BAD_REQUEST, "malformed_title", self.say(key).to_owned(), text)
            }
            Nothing::Missing(key, text) => (StatusCode::NOT_FOUND, "missing_title", self.say(key).to_owned(), text),
            Nothing::NotHeld(first) => {
                let first = super::text::grouped(first);
                (StatusCode::NOT_FOUND, "not_held_title", self.fill("not_held", &[("first", &first)]), String::new())
            }
            Nothing::NotReady(why) => {
                let markup = answer::trouble("unreachable", &why, self.words);
                let leaf =
                    Leaf { title: self.say("title").to_owned(), query: "/explorer?".to_owned(), content: markup };
                return shown(StatusCode::SERVICE_UNAVAILABLE, self.dressed(&leaf));
            }
        };
        let content = html! {
            p { (words) }
            @if !detail.is_empty() { p { code { (visible(&detail)) } } }
        };
        let leaf = Leaf { title: self.say(title).to_owned(), query: "/explorer?".to_owned(), content };
        shown(status, self.dressed(&leaf))
    }

    /// What stands above every page of the explorer: its pages, and the search.
    fn ways(self) -> Markup {
        let pages = [
            ("overview_link", "/explorer?"),
            ("blocks_link", "/explorer/blocks?"),
            ("validators_link", "/explorer/validators?"),
            ("plot_link", "/plot?"),
        ];
        html! {
            nav.ways aria-label=(self.say("title")) {
                @for (name, path) in pages { a href=(self.within(path)) { (self.say(name)) } }
            }
            search {
                form.search action="/explorer/search" method="get" {
                    input type="hidden" name="lang" value=(self.language.tag());
                    label for="q" { (self.say("search")) }
                    div {
                        input #q type="text" name="q" required maxlength=(FIELD_CHARS_MAX) autocomplete="off"
                            autocapitalize="none" spellcheck="false" aria-describedby="q-hint";
                        button type="submit" { (self.say("search_button")) }
                    }
                    p.hint #q-hint { (self.say("search_hint")) }
                }
            }
        }
    }
}

/// The newest head, if its signatures check out by this node's clock: of any other one nothing is shown.
fn endorsed<E: Explores>(node: &E) -> Result<Arc<Head>, Nothing> {
    let head = node.head()?;
    let refused =
        || Nothing::NotReady("the signatures of the newest head do not check out by this node's clock".to_owned());
    head.is_endorsed().then_some(head).ok_or_else(refused)
}

/// A number that somebody wrote: digits alone, and not so many that they are an id.
fn number(text: &str) -> Option<u64> {
    let digits = (1..=NUMBER_DIGITS_MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| digits)
}

/// A number in an address, or why there is none; `absent` where nothing is written.
fn number_or(text: Option<&str>, absent: u64) -> Result<u64, Nothing> {
    let Some(text) = text.map(str::trim).filter(|text| !text.is_empty()) else { return Ok(absent) };
    number(text).ok_or_else(|| Nothing::Malformed("number_wrong", text.to_owned()))
}

/// A table whose rows are told apart on a narrow screen by the names of their columns. The first cell names its row.
fn table(caption: &str, names: &[&str], rows: &[Vec<Markup>]) -> Markup {
    html! {
        table {
            caption { (caption) }
            thead { tr { @for name in names { th scope="col" { (name) } } } }
            tbody {
                @for row in rows {
                    tr {
                        @for (place, (name, cell)) in names.iter().zip(row).enumerate() {
                            @if place == 0 { th scope="row" data-name=(name) { (cell) } }
                            @else { td data-name=(name) { (cell) } }
                        }
                    }
                }
            }
        }
    }
}

/// Facts, of which some hold links.
fn facts(rows: &[(&str, Markup)]) -> Markup {
    html! {
        dl.facts { @for (name, value) in rows { div { dt { (name) } dd { (value) } } } }
    }
}

/// Plain text as a cell or fact.
fn plain(text: impl AsRef<str>) -> Markup {
    html! { (text.as_ref()) }
}
