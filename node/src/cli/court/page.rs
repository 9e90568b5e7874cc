//! The page to print: facts, records, hashes, how to check it all again, and the certificate.
//!
//! The certificate has the particulars that the Schedule to the Bharatiya Sakshya Adhiniyam, 2023 (section 63(4)) asks for:
//! Part A by the person in charge of the device, Part B by an expert. What only people can say is left open.

use dalil_ledger::checkpoint::Pin;
use dalil_ledger::crypto::sha256;
use maud::{DOCTYPE, Markup, html};

use super::Subject;
use super::gather::Gathered;
use crate::time::ist;

const STYLE: &str = "
    body { font: 11pt/1.45 'Noto Serif', Georgia, serif; max-width: 46rem; margin: 2rem auto; padding: 0 1rem; color: #111 }
    h1 { font-size: 1.5rem } h2 { font-size: 1.15rem; margin-top: 2rem; border-bottom: 1px solid #555 }
    table { border-collapse: collapse; width: 100% } th, td { text-align: left; vertical-align: top; padding: .25rem .5rem;
    border: 1px solid #999 } code, pre { font: 9pt/1.4 'Noto Sans Mono', monospace; overflow-wrap: anywhere; white-space: pre-wrap }
    .open { display: inline-block; min-width: 12rem; border-bottom: 1px solid #111 }
    .part { break-before: page } @media print { body { margin: 0; max-width: none } }";

/// The page. `made` is when, in words.
pub(super) fn page(subject: &Subject, gathered: &Gathered, pin: &Pin, report: &str, made: &str) -> String {
    let title = format!("Electronic record: {subject}");
    let whole = sha256(report.as_bytes()).to_string();
    let markup = html! {
        (DOCTYPE)
        html lang="en-IN" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) }
                style { (STYLE) }
            }
            body {
                h1 { (title) }
                p {
                    "Made on " (made) " from the ledger " code { (pin.policy().origin()) } ", chain "
                    code { (pin.terms().chain) } ". It says what offices recorded. It confers no title and vouches for no content."
                }
                h2 { "1. What the receipts prove" }
                (facts(gathered))
                h2 { "2. The records" }
                (records(gathered))
                h2 { "3. Hash report" }
                p { "SHA-256 of each file that belongs to this page; of the report itself: " code { (whole) } }
                pre { (report) }
                h2 { "4. How to check it again" }
                (again(pin))
                (part_a(&whole))
                (part_b(&whole))
            }
        }
    };
    markup.into_string()
}

fn facts(gathered: &Gathered) -> Markup {
    html! {
        table {
            @for (name, what) in &gathered.facts {
                tr { th scope="row" { (name) } td { (what) } }
            }
        }
    }
}

fn records(gathered: &Gathered) -> Markup {
    html! {
        @if gathered.records.is_empty() {
            p { "No record is about it." }
        } @else {
            table {
                tr { th { "Log index" } th { "Block time" } th { "What" } th { "Signed under" } th { "Transaction, key, receipt's SHA-256" } }
                @for record in &gathered.records {
                    tr {
                        td { (record.index) }
                        td { (ist(record.at_ms)) }
                        td { (record.what) }
                        td { (record.posting) }
                        td { code { (record.id) " " (record.signer) " " (record.receipt) } }
                    }
                }
            }
        }
    }
}

fn again(pin: &Pin) -> Markup {
    html! {
        ol {
            li { "Hashes: " code { "sha256sum -c hashes.txt" } " in the folder of the files." }
            li {
                "Trust: " code { "pin.json" } " names " (pin.policy().quorum()) " of " (pin.validators().len())
                " departments as those whose signatures count. Compare it with a pin from a source that you trust; the one that "
                "lies here proves nothing by itself."
            }
            li {
                "Receipts: " code { "dalil verify FILE --policy pin.json --offline" } " for each "
                code { ".tlog-proof" } " and " code { ".dalil-status" } ", or the one-file verifier in a browser. A status receipt "
                "is fresh for a limited time; later it is checked with " code { "--max-age" } ", and says what was so at its time."
            }
            li {
                "The registers of a plot: " code { "dalil land title PLOT --receipt FILE --policy pin.json" } " for "
                code { "title.dalil-register" } ", " code { "dalil land encumbrances" } " likewise."
            }
            li {
                "With other people's software: each " code { ".tlog-proof" } " is a C2SP tlog-proof, the policy a C2SP "
                "tlog-policy, the tree that of RFC 9162 with SHA-256, the signatures Ed25519 (RFC 8032)."
            }
            li { "The whole chain: " code { "dalil audit" } " replays it from its beginning." }
        }
    }
}

fn open(label: &str) -> Markup {
    html! { (label) " " span.open { "\u{a0}" } }
}

/// What both parts ask for.
fn common(whole: &str) -> Markup {
    html! {
        p {
            "The hash value of the electronic record is " code { (whole) } " (SHA-256 of the enclosed hash report, which lists "
            "the hash value of every file), obtained through the following algorithm:"
        }
        p { "☐ SHA-1   ☒ SHA-256   ☐ MD5   ☐ Other: " (open("")) }
        p { "(Hash report to be enclosed with the certificate: section 3 of this document.)" }
    }
}

fn signature() -> Markup {
    html! {
        p { (open("Name")) " " (open("Signature")) }
        p { (open("Date (DD/MM/YYYY)")) " " (open("Time (IST, 24 hours)")) " " (open("Place")) }
    }
}

fn part_a(whole: &str) -> Markup {
    html! {
        section.part {
            h2 { "5. Certificate under section 63(4) of the Bharatiya Sakshya Adhiniyam, 2023: Part A" }
            p { "(To be completed and signed by the party who produces the record)" }
            p {
                "I, " (open("name")) ", " (open("son / daughter / spouse of")) ", " (open("residing or employed at"))
                ", affirm and state as follows."
            }
            p { "The electronic record was taken from this device or digital source:" }
            p { "☐ Computer or storage medium  ☐ Server  ☐ Cloud  ☐ Mobile  ☐ Flash drive  ☐ CD/DVD  ☐ DVR  ☐ Other: " (open("")) }
            p { (open("Make and model")) " " (open("Colour")) " " (open("Serial number")) }
            p { (open("IMEI / UIN / UID / MAC / Cloud ID, where it applies")) }
            p {
                "The device or source was under lawful control for regularly creating, storing or processing information for "
                "regularly carried out activities; in that period it was working properly, and such information was regularly "
                "fed into it in the ordinary course. If at any time it was not working properly or out of operation, that did "
                "not affect the record or its accuracy. The device or source is:"
            }
            p { "☐ owned  ☐ maintained  ☐ managed  ☐ operated by me." }
            (common(whole))
            (signature())
        }
    }
}

fn part_b(whole: &str) -> Markup {
    html! {
        section.part {
            h2 { "6. The same: Part B" }
            p { "(To be completed and signed by the expert)" }
            p {
                "I, " (open("name")) ", " (open("son / daughter / spouse of")) ", " (open("residing or employed at"))
                ", affirm and state that the electronic record was obtained from the device or digital source described in Part A."
            }
            (common(whole))
            (signature())
        }
    }
}
