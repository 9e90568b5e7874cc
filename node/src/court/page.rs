//! The page to print: facts, records, hashes, how to check it all again, and the certificate.
//!
//! The certificate has the particulars that the Schedule to the Bharatiya Sakshya Adhiniyam, 2023 (section 63(4)) asks for:
//! Part A by the person in charge of the device, Part B by an expert. What only people can say is left open.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use dalil_ledger::checkpoint::Pin;
use dalil_ledger::crypto::sha256;
use maud::{Markup, html};

use super::Evidence;
use crate::time::ist;

/// Where the files are that belong to the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Files {
    /// In the page's own folder.
    Beside,
    /// Within the page, as links to take them out: a page and its files are of one moment, and a server would make them anew.
    Within,
}

/// The page's title.
pub fn title(evidence: &Evidence) -> String {
    format!("Electronic record: {}", evidence.subject)
}

/// The page without its frame, in English.
pub fn body(evidence: &Evidence, files: Files) -> Markup {
    let whole = sha256(evidence.report.as_bytes()).to_string();
    let pin = &evidence.pin;
    html! {
        h1 { (title(evidence)) }
        p {
            "Made on " (ist(evidence.checked_at_ms)) " from the ledger " code { (pin.policy().origin()) } ", chain "
            code { (pin.terms().chain) } ". It says what offices recorded. It confers no title and vouches for no content."
        }
        h2 { "1. What the receipts prove" }
        (facts(evidence))
        h2 { "2. The records" }
        (records(evidence))
        h2 { "3. Hash report" }
        p { "SHA-256 of each file that belongs to this page; of the report itself: " code { (whole) } }
        @if files == Files::Within { (links(evidence)) }
        pre { (evidence.report) }
        h2 { "4. How to check it again" }
        (again(pin))
        (part_a(&whole))
        (part_b(&whole))
    }
}

fn facts(evidence: &Evidence) -> Markup {
    html! {
        table {
            @for (name, what) in &evidence.facts {
                tr { th scope="row" { (name) } td { (what) } }
            }
        }
    }
}

fn records(evidence: &Evidence) -> Markup {
    let names = ["Log index", "Block time", "What", "Signed under", "Transaction, key, receipt's SHA-256"];
    html! {
        @if evidence.records.is_empty() {
            p { "No record is about it." }
        } @else {
            table {
                thead { tr { @for name in names { th scope="col" { (name) } } } }
                tbody {
                    @for record in &evidence.records {
                        tr {
                            td data-name=(names[0]) { (record.index) }
                            td data-name=(names[1]) { (ist(record.at_ms)) }
                            td data-name=(names[2]) { (record.what) }
                            td data-name=(names[3]) { (record.posting) }
                            td data-name=(names[4]) { code { (record.id) " " (record.signer) " " (record.receipt) } }
                        }
                    }
                }
            }
        }
    }
}

/// The files as links that hold them.
fn links(evidence: &Evidence) -> Markup {
    let link = |name: &str, bytes: &[u8]| {
        let address = format!("data:application/octet-stream;base64,{}", BASE64.encode(bytes));
        html! { li { a href=(address) download=(name) { (name) } " (" (bytes.len()) " bytes)" } }
    };
    html! {
        ul.files {
            (link("hashes.txt", evidence.report.as_bytes()))
            @for (name, bytes) in &evidence.files { (link(name, bytes)) }
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
