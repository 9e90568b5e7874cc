//! The checkpost page: a program of this host that an officer's browser keeps, so that it opens where there is no network.
//! It judges trucks by a bundle (`node/portal/checkpost.js`); this side only serves its files.
//!
//! **Why a service worker and no file on the disk** (as the verifier has it): a telephone opens no such file with a store of
//! its own, and what a page keeps when it is opened from the disk is open to every other page from the disk. Here the
//! browser keeps journal and key for this host alone. The worker keeps the files listed in it by their SHA-256, and nothing
//! else; a new program is another list.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use axum::Router;
use axum::extract::Query;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use axum::routing::get;
use dalil_ledger::crypto::{Hash, sha256};
use maud::{Markup, html};

use super::routes::{Reader, language, shown, unchanging};
use super::words::Language;
use super::{assets, pages};

/// What the page may load: as every page, and its own worker.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; worker-src 'self'; \
                      form-action 'none'; base-uri 'none'; frame-ancestors 'none'";

/// What the page is made of, beside itself.
const FILES: [&str; 13] = [
    "portal.css",
    "portal.js",
    "inputs.js",
    "answer.js",
    "verify.js",
    "words.js",
    "camera.js",
    "slip.js",
    "book.js",
    "bundle.js",
    "judge.js",
    "device.js",
    "checkpost.js",
];

const WORKER: &str = include_str!("../../portal/checkpost-worker.js");

/// The worker, with the list of what it keeps.
static LISTED_WORKER: LazyLock<String> = LazyLock::new(|| {
    let files =
        FILES.iter().filter_map(|name| Some((format!("/portal/{name}"), sha256(assets::file(name)?.1.as_bytes()))));
    let pages = Language::ALL.into_iter().map(|language| {
        let page = page(language).into_string();
        (format!("/checkpost?lang={}", language.tag()), sha256(page.as_bytes()))
    });
    let kept: BTreeMap<String, Hash> = files.chain(pages).collect();
    let files = serde_json::to_string(&kept).expect("texts and digests have a JSON form");
    format!("const FILES = {files};\nconst NAME = \"dalil-checkpost-{}\";\n{WORKER}", sha256(files.as_bytes()))
});

pub(super) fn routes<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new().route("/checkpost", get(show)).route("/checkpost-worker.js", get(worker))
}

async fn show(Query(reader): Query<Reader>, headers: HeaderMap) -> Response {
    let mut response = shown(StatusCode::OK, page(language(reader.lang.as_deref(), &headers)));
    let camera = HeaderValue::from_static("camera=(self), microphone=(), geolocation=()");
    response.headers_mut().insert(HeaderName::from_static("permissions-policy"), camera);
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    response
}

async fn worker(headers: HeaderMap) -> Response {
    unchanging(&headers, "text/javascript; charset=utf-8", &LISTED_WORKER)
}

fn page(language: Language) -> Markup {
    let words = language.words();
    let (say, scan) = (&words.checkpost, &words.scan);
    let content = html! {
        h1 { (say.get("title")) }
        p { (say.get("lead")) }
        p.offline role="status" {}
        noscript { section { p { (say.get("no_script")) } } }
        div #answer hidden tabindex="-1" {}
        div.working hidden {
            form.truck {
                h2 { (say.get("truck")) }
                label {
                    (say.get("code")) span.hint { (say.get("code_hint")) }
                    textarea name="code" rows="3" spellcheck="false" autocapitalize="none" {}
                }
                label.drop hidden {
                    (scan.get("photo")) span.hint { (say.get("photo_hint")) }
                    input type="file" name="photo" accept="image/png,image/jpeg" capture="environment"; span.name {}
                }
                section.camera hidden {
                    h3 { (scan.get("camera_title")) }
                    button.quiet type="button" name="start" { (scan.get("camera")) }
                    button.quiet type="button" name="stop" hidden { (scan.get("camera_stop")) }
                    p role="status" {}
                    video playsinline muted hidden {}
                }
                label {
                    (say.get("plate")) span.hint { (say.get("plate_hint")) }
                    input type="text" name="plate" required maxlength="20" autocomplete="off" autocapitalize="characters"
                        spellcheck="false";
                }
                label {
                    (say.get("gross"))
                    input type="text" name="gross" inputmode="numeric" maxlength="7" autocomplete="off";
                }
                label.tick { input type="checkbox" name="same"; span { (say.get("same")) } }
                button type="submit" { (say.get("check")) }
                " "
                button.quiet type="button" name="none" { (say.get("none")) }
            }
            section {
                h2 { (say.get("state")) }
                div.state {}
            }
            section.journal {
                h2 { (say.get("journal")) }
                p {}
                table hidden {
                    caption { (say.get("journal_caption")) }
                    thead { tr {
                        th scope="col" { (say.get("counter")) }
                        th scope="col" { (say.get("time")) }
                        th scope="col" { (scan.get("challan")) }
                        th scope="col" { (words.answer.get("title")) }
                        th scope="col" { (say.get("record")) }
                    } }
                    tbody {}
                }
                p { button.quiet type="button" name="export" hidden { (say.get("export")) } }
                p.hint { (say.get("export_hint")) }
            }
            details.setup { summary { (say.get("setup")) } (setup(language)) }
        }
        script type="module" src="/portal/checkpost.js" {}
    };
    pages::page(language, pages::Place::Checkpost, say.get("title"), "/checkpost?", &content)
}

/// What is set up once, and the bundle.
fn setup(language: Language) -> Markup {
    let words = language.words();
    let say = &words.checkpost;
    let field = |name: &str, hint: Option<&str>| {
        html! {
            label {
                (say.get(name)) @if let Some(hint) = hint { span.hint { (say.get(hint)) } }
                input type="text" name=(name) maxlength="32" autocomplete="off" autocapitalize="none" spellcheck="false";
            }
        }
    };
    html! {
        form.setup {
            p { (say.get("setup_lead")) }
            (pages::file_input(words.ask.get("pin"), "pin", Some(".json,application/json")))
            (pages::file_input(say.get("bundle"), "bundle", Some(".json,application/json")))
            label {
                (say.get("postings")) span.hint { (say.get("postings_hint")) }
                input type="text" name="postings" autocomplete="off" autocapitalize="none" spellcheck="false";
            }
            p { button.quiet type="button" name="fetch" { (say.get("fetch")) } }
            (pages::file_input(say.get("key_file"), "key", None))
            p.hint { (say.get("key_hint")) }
            h3 { (say.get("place")) }
            (field("post", Some("post_hint")))
            (field("district", None))
            (field("latitude", Some("degrees_hint")))
            (field("longitude", None))
            p { button type="submit" { (say.get("save")) } }
            h3 { (say.get("device")) }
            p { (say.get("device_lead")) }
            p { code.device {} }
            pre tabindex="0" {}
            p.hint { (say.get("device_hint")) }
        }
    }
}
