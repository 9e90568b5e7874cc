//! The pages.

use dalil_contracts::mineral::challan::challan_uri;
use dalil_ledger::block::DepartmentId;
use dalil_ledger::document::TypeCode;
use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::ask::{self, Readings, address};
use super::words::{Language, Words};
use super::{assets, evidence};
use crate::service::{self, CouldNotAnswer, Verified};

/// The longest number that a form takes, in characters: longer than any that is one.
const NUMBER_CHARS_MAX: usize = 300;

/// Where a page stands among the others.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Home,
    Scan,
    Answer,
    Explorer,
    About,
    Checkpost,
}

/// A whole page. `query` is the page's own address without its language, so that the language can be changed on it.
pub(super) fn page(language: Language, place: Place, title: &str, query: &str, content: &Markup) -> Markup {
    let words = language.words();
    let tag = language.tag();
    let mark = |here: bool| here.then_some("page");
    let within = |path: &str| format!("{path}?lang={tag}");
    html! {
        (DOCTYPE)
        html lang=(tag) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) " – " (words.service) }
                link rel="stylesheet" href="/portal/fonts.css";
                link rel="stylesheet" href="/portal/portal.css";
                script type="module" src="/portal/portal.js" {}
            }
            body {
                a.skip href="#main" { (words.skip) }
                header {
                    div {
                        a.service href=(within("/")) { (words.service) }
                        nav aria-label=(words.service) {
                            a href=(within("/")) aria-current=[mark(place == Place::Home)] { (words.home) }
                            a href=(within("/scan")) aria-current=[mark(place == Place::Scan)] { (words.scan_link) }
                            a href=(within("/explorer")) aria-current=[mark(place == Place::Explorer)] { (words.explorer_link) }
                            a href=(within("/about")) aria-current=[mark(place == Place::About)] { (words.about) }
                        }
                        nav aria-label="Language" {
                            @for other in Language::ALL {
                                a lang=(other.tag()) hreflang=(other.tag()) href=(format!("{query}lang={}", other.tag()))
                                    aria-current=[(other == language).then_some("true")] { (other.words().name) }
                            }
                        }
                    }
                }
                main #main lang=(tag) tabindex="-1" { (content) }
                footer { p { a href=(within("/about")) { (words.about_link) } } }
            }
        }
    }
}

/// A file input on whose label a file can be dropped.
pub(super) fn file_input(label: &str, name: &str, accept: Option<&str>) -> Markup {
    html! {
        label.drop { (label) input type="file" name=(name) accept=[accept]; span.name {} }
    }
}

fn pin_form(lead: &str, words: &Words) -> Markup {
    html! {
        form.pin {
            h2 { (words.ask.get("pin_title")) }
            p { (lead) }
            (file_input(words.ask.get("pin"), "pin", Some(".json,application/json")))
        }
    }
}

fn receipt_form(words: &Words) -> Markup {
    html! {
        h2 { (words.ask.get("receipt_title")) }
        p { (words.ask.get("receipt_lead")) }
        (file_input(words.ask.get("receipt"), "receipt", None))
        label { (words.ask.get("receipt_text")) textarea name="text" rows="3" spellcheck="false" {} }
        (file_input(words.ask.get("receipt_file"), "document", None))
        button type="submit" { (words.ask.get("receipt_button")) }
    }
}

/// A field for a number.
fn number_input(name: &str, list: Option<&str>) -> Markup {
    html! {
        input type="text" name=(name) list=[list] required maxlength=(NUMBER_CHARS_MAX) autocomplete="off"
            autocapitalize="none" spellcheck="false";
    }
}

fn day_input(words: &Words) -> Markup {
    html! {
        label {
            (words.ask.get("day")) span.hint { (words.ask.get("day_hint")) }
            input type="date" name="as_of";
        }
    }
}

/// Fields for a certificate's department and type. What is on record is offered; any other can be entered.
fn certificate_inputs(types: &[(DepartmentId, TypeCode)], words: &Words) -> Markup {
    let departments: std::collections::BTreeSet<_> = types.iter().map(|(department, _)| department).collect();
    html! {
        label {
            (words.ask.get("department")) span.hint { (words.ask.get("department_hint")) }
            (number_input("department", Some("departments")))
        }
        label {
            (words.ask.get("type")) span.hint { (words.ask.get("type_hint")) }
            (number_input("type", Some("types")))
        }
        datalist #departments { @for department in departments { option value=(department) {} } }
        datalist #types { @for (department, code) in types { option value=(code) { (department) } } }
    }
}

/// Which of several things is meant? Nothing was looked up yet.
pub(super) fn choices(language: Language, readings: &Readings, types: &[(DepartmentId, TypeCode)]) -> Markup {
    let words = language.words();
    let table = &words.ask;
    let tag = language.tag();
    let number = &readings.certificate;
    let undated = service::Ask::default();
    let dated = service::Ask { as_of_ms: readings.as_of_ms, ..service::Ask::default() };
    let asks = [
        readings.plot.clone().map(|plot| service::Ask { plot: Some(plot), ..undated.clone() }),
        readings.challan.clone().map(|challan| service::Ask { challan: Some(challan), ..dated }),
        readings.index.map(|index| service::Ask { index: Some(index), ..undated }),
    ];
    let content = html! {
        h1 { (table.get("choice_title")) }
        p { (table.fill("choice_lead", &[("number", number.as_str())])) }
        ul.choices {
            @for one in asks.into_iter().flatten() {
                li { a.button href=(format!("{}lang={tag}", address("/check", &one, None))) { (ask::asked(&one, words)) } }
            }
        }
        form.certificate action="/check" method="get" {
            h2 { (table.fill("choice_certificate", &[("number", number.as_str())])) }
            input type="hidden" name="lang" value=(tag);
            input type="hidden" name="number" value=(number);
            input type="hidden" name="as_of" value=[readings.as_of_ms];
            (certificate_inputs(types, words))
            button type="submit" { (table.get("button")) }
        }
        (again(language, None))
    };
    let query = format!("/check?q={}&", ask::encoded(number.as_str()));
    page(language, Place::Answer, table.get("choice_title"), &query, &content)
}

/// The first page.
pub(super) fn home(language: Language, types: &[(DepartmentId, TypeCode)]) -> Markup {
    let words = language.words();
    let ask = &words.ask;
    let content = html! {
        h1 { (ask.get("title")) }
        p { (ask.get("lead")) }
        div #answer hidden tabindex="-1" {}
        form.number action="/check" method="get" {
            h2 { (ask.get("number_title")) }
            input type="hidden" name="lang" value=(language.tag());
            label {
                (ask.get("number")) span.hint { (ask.get("number_hint")) }
                (number_input("q", None))
            }
            (day_input(words))
            button type="submit" { (ask.get("button")) }
        }
        form.certificate action="/check" method="get" {
            details {
                summary { (ask.get("certificate_title")) }
                input type="hidden" name="lang" value=(language.tag());
                (certificate_inputs(types, words))
                label {
                    (ask.get("certificate")) span.hint { (ask.get("certificate_hint")) }
                    (number_input("number", None))
                }
                (day_input(words))
                button type="submit" { (ask.get("button")) }
            }
        }
        noscript { section { p { (ask.get("no_script")) } } }
        div.scripted hidden {
            form.file {
                h2 { (ask.get("file_title")) }
                p { (ask.get("file_lead")) }
                (file_input(ask.get("file"), "document", None))
            }
            form.receipt { (receipt_form(words)) }
            form.pin {
                h2 { (ask.get("pin_title")) }
                p { (ask.get("pin_lead")) }
                (file_input(ask.get("pin"), "pin", Some(".json,application/json")))
                p { output {} }
                button.quiet type="button" name="forget" hidden { (ask.get("pin_forget")) }
            }
        }
    };
    page(language, Place::Home, ask.get("title"), "/?", &content)
}

/// What an answer page is about, for its script: an answer about a document is checked again in the browser.
#[derive(Default)]
pub(super) struct Asked {
    /// The same in words.
    shown: Option<String>,
    uri: Option<String>,
    digest: Option<String>,
    /// Department, type and printed number of a certificate.
    certificate: Option<[String; 3]>,
    /// How the file's digest begins, from a code.
    mark: Option<String>,
    /// The vehicle that a challan must be for.
    vehicle: Option<String>,
    /// The record that must have issued the document.
    index: Option<u64>,
    as_of_ms: Option<u64>,
    /// Where the evidence for a court is.
    evidence: Option<String>,
}

impl Asked {
    /// Of a question and what was found.
    pub(super) fn of(
        ask: &service::Ask,
        found: &Result<Verified, CouldNotAnswer>,
        mark: Option<String>,
        words: &Words,
    ) -> Self {
        let document = found.as_ref().ok().and_then(Verified::document);
        let issued = document.filter(|_| ask.index.is_some()).map(|entry| entry.uri.clone());
        let certificate = match (&ask.department, &ask.kind, &ask.number) {
            (Some(department), Some(kind), Some(number)) => {
                Some([department.to_string(), kind.to_string(), number.to_string()])
            }
            _ => None,
        };
        let uri = ask.uri.clone().or_else(|| ask.challan.as_ref().map(challan_uri)).or(issued);
        Self {
            shown: Some(ask::asked(ask, words)),
            uri: uri.map(|uri| uri.to_string()),
            digest: ask.digest.map(|digest| digest.to_string()),
            certificate,
            mark,
            vehicle: ask.vehicle.map(|vehicle| vehicle.to_string()),
            index: ask.index,
            as_of_ms: ask.as_of_ms,
            evidence: evidence::address_of(ask, found.as_ref().ok()),
        }
    }
}

/// The page of an answer. `query` leads to the same answer, without its language.
pub(super) fn answer(language: Language, asked: &Asked, query: &str, answer: &Markup) -> Markup {
    answer_with(language, asked, query, answer, &html! {})
}

/// The same with something beside the answer, which no script replaces.
pub(super) fn answer_with(language: Language, asked: &Asked, query: &str, answer: &Markup, beside: &Markup) -> Markup {
    let words = language.words();
    let [department, kind, number] = match &asked.certificate {
        Some(parts) => parts.each_ref().map(Some),
        None => [None; 3],
    };
    let content = html! {
        h1.small { (words.answer.get("title")) }
        div #answer tabindex="-1" data-shown=[&asked.shown] data-uri=[&asked.uri] data-digest=[&asked.digest]
            data-department=[department] data-type=[kind] data-number=[number] data-mark=[&asked.mark]
            data-vehicle=[&asked.vehicle] data-index=[asked.index] data-as-of-ms=[asked.as_of_ms] { (answer) }
        (beside)
        (again(language, asked.evidence.as_deref()))
    };
    page(language, Place::Answer, words.answer.get("title"), query, &content)
}

pub(super) fn print_button(words: &Words) -> Markup {
    html! { button.print.quiet.scripted type="button" hidden { (words.answer.get("print")) } }
}

/// What follows an answer.
fn again(language: Language, evidence: Option<&str>) -> Markup {
    let words = language.words();
    let tag = language.tag();
    html! {
        @if let Some(address) = evidence {
            p.evidence { a href=(format!("{address}lang={tag}")) { (words.court.get("link")) } }
        }
        p.again {
            (print_button(words))
            " "
            a.button href=(format!("/?lang={tag}")) { (words.answer.get("again")) }
        }
    }
}

/// The page that reads codes.
pub(super) fn scan(language: Language) -> Markup {
    let words = language.words();
    let scan = &words.scan;
    let content = html! {
        h1 { (scan.get("title")) }
        p { (scan.get("lead")) }
        div #answer hidden tabindex="-1" {}
        form.scan action=(format!("/scan?lang={}", language.tag())) method="post" enctype="multipart/form-data" {
            label {
                (scan.get("photo")) span.hint { (scan.get("photo_hint")) }
                input type="file" name="photo" accept="image/png,image/jpeg" capture="environment";
            }
            label {
                (scan.get("text")) span.hint { (scan.get("text_hint")) }
                textarea name="code" rows="2" spellcheck="false" autocapitalize="none" {}
            }
            button type="submit" { (scan.get("button")) }
        }
        section.camera hidden {
            h2 { (scan.get("camera_title")) }
            button.quiet type="button" name="start" { (scan.get("camera")) }
            button.quiet type="button" name="stop" hidden { (scan.get("camera_stop")) }
            p role="status" {}
            video playsinline muted hidden {}
        }
        section { p { a href=(format!("/checkpost?lang={}", language.tag())) { (scan.get("checkpost_link")) } } }
        script type="module" src="/portal/scan.js" {}
    };
    page(language, Place::Scan, scan.get("title"), "/scan?", &content)
}

/// The page that explains.
pub(super) fn about(language: Language) -> Markup {
    let explain = &language.words().explain;
    let content = html! {
        h1 { (explain.title) }
        @for paragraph in &explain.text { p { (paragraph) } }
        section {
            p { a href="/verifier.html" download="verifier.html" { (explain.verifier) } }
            p { (explain.sha256) ":" br; code { (assets::verifier().sha256) } }
            p { a href="/pin" download="pin.json" { (explain.own_pin) } }
        }
    };
    page(language, Place::About, &explain.title, "/about?", &content)
}

/// The verifier in one file: every language in a part of its own, of which one is shown.
pub(super) fn verifier(policy: &str, style: &str, script: &str) -> Markup {
    let first = Language::En;
    html! {
        (DOCTYPE)
        html lang=(first.tag()) {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy);
                meta name="referrer" content="no-referrer";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (first.words().verifier.get("title")) }
                style { (PreEscaped(style)) }
            }
            body {
                header {
                    div {
                        span.service { "Dalil" }
                        nav aria-label="Language" {
                            @for language in Language::ALL {
                                button type="button" lang=(language.tag())
                                    aria-pressed=(if language == first { "true" } else { "false" }) { (language.words().name) }
                            }
                        }
                    }
                }
                @for language in Language::ALL {
                    @let words = language.words();
                    main lang=(language.tag()) hidden[language != first] {
                        h1 { (words.verifier.get("title")) }
                        p { (words.verifier.get("lead")) }
                        (pin_form(words.ask.get("pin_lead_once"), words))
                        form.receipt { (receipt_form(words)) }
                        div.result hidden tabindex="-1" {}
                    }
                }
                script type="module" { (PreEscaped(script)) }
            }
        }
    }
}
