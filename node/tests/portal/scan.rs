//! Codes on the portal: a photo, a text, a link's fragment, a camera; with and without JavaScript.

use std::path::Path;

use dalil_contracts::mineral::checkpost::ChallanSlip;
use dalil_contracts::mineral::quantity::Quantity;
use dalil_contracts::units::Kilograms;
use dalil_ledger::crypto::{Hash, SecretKey, sha256};
use dalil_ledger::qr::{Link, receipt};
use dalil_node::qr::{Picture, PictureKind};
use serde_json::json;

use crate::browser::{Browser, Setting};
use crate::common::uri;
use crate::host::{Host, file_of, issuer_of_challans};

/// An address that must never be opened.
const ELSEWHERE: &str = "https://elsewhere.example/scan";

fn link_of(id: &str, digest: &Hash) -> String {
    Link::new(uri(id), digest).to_url(ELSEWHERE).unwrap()
}

fn slip_signed_by(key: &SecretKey, host: &Host, number: &str) -> String {
    let said = ChallanSlip {
        number: number.parse().unwrap(),
        plate: "WB00A0001".parse().unwrap(),
        site: "L-BANKURA-01".parse().unwrap(),
        mineral: "SAND".parse().unwrap(),
        quantity: Quantity::Litres(11_000),
        mass_kg: Kilograms(17_600),
        route: "BENDA-KOLKATA".parse().unwrap(),
        to_state: 19,
        to_district: 315,
        valid_from_ms: 1_780_272_000_000,
        valid_until_ms: 1_780_300_800_000,
    };
    said.sign(key, &host.chain_id()).unwrap().to_text()
}

fn draw(folder: &Path, name: &str, text: &str) -> String {
    let path = folder.join(name);
    std::fs::write(&path, Picture::of(text).unwrap().to_bytes(PictureKind::Png).unwrap()).unwrap();
    path.to_str().unwrap().to_owned()
}

/// Sends a photo and gives the status of the answer.
fn photo(browser: &Browser, host: &Host, path: &str) -> String {
    browser.go(&host.page("/scan?lang=en"));
    browser.fill("input[name=photo]", path);
    browser.click("form.scan button");
    browser.status_now()
}

/// Types a code's text and gives the status of the answer.
fn text(browser: &Browser, host: &Host, code: &str) -> String {
    browser.go(&host.page("/scan?lang=en"));
    browser.fill("textarea[name=code]", code);
    browser.click("form.scan button");
    browser.status_now()
}

#[test]
fn a_photo_of_a_link_leads_to_the_documents_answer_and_nowhere_else() {
    let (host, folder) = (Host::start(), tempfile::tempdir().unwrap());
    let good = draw(folder.path(), "good.png", &link_of("good", &sha256(&file_of("good"))));
    let revoked = draw(folder.path(), "revoked.png", &link_of("revoked", &sha256(&file_of("revoked"))));
    let swapped = draw(folder.path(), "swapped.png", &link_of("good", &sha256(b"another file")));
    let (with, without) = (Setting::default(), Setting { script: false, ..Setting::default() });
    for (setting, word) in [(with, "Checked on this device by code from"), (without, "the word of the server")] {
        let browser = Browser::start(&setting);
        assert_eq!(photo(&browser, &host, &good), "valid");
        assert!(browser.url().starts_with(&host.page("/check?")), "{}", browser.url());
        assert!(browser.text("#answer").contains(word), "{}", browser.text("#answer"));
        assert_eq!(photo(&browser, &host, &revoked), "revoked");
        assert_eq!(photo(&browser, &host, &swapped), "could_not_check");
        assert!(browser.text("#answer").contains("other_document"), "{}", browser.text("#answer"));
    }
}

#[test]
fn who_comes_by_the_fragment_is_taken_to_the_answer() {
    let host = Host::start();
    let browser = Browser::start(&Setting::default());
    let link = link_of("good", &sha256(&file_of("good")));
    browser.go(&host.page(&link.replace(ELSEWHERE, "/scan")));
    browser.wait("the answer page is there", "return location.pathname === '/check'");
    assert_eq!(browser.status(), "valid");
}

#[test]
fn a_slip_shows_what_its_issuer_signed_and_how_the_challan_stands() {
    let (host, folder) = (Host::start(), tempfile::tempdir().unwrap());
    let signed = slip_signed_by(&issuer_of_challans(), &host, "C-1");
    let picture = draw(folder.path(), "slip.png", &signed);
    for script in [true, false] {
        let browser = Browser::start(&Setting { script, ..Setting::default() });
        assert_eq!(photo(&browser, &host, &picture), "valid");
        let slip = browser.text("section.slip");
        assert!(
            slip.contains("WB00A0001") && slip.contains("The officer who issued the challan signed this"),
            "{slip}"
        );
        browser.picture(&format!("scan-slip-{script}"));
        let forged = slip_signed_by(&SecretKey::from_seed(&[66; 32]), &host, "C-1");
        assert_eq!(text(&browser, &host, &forged), "could_not_check");
        assert!(browser.text("#answer").contains("slip_wrong"));
        // Of a challan that is not on record nobody is known to have issued it.
        assert_eq!(text(&browser, &host, &slip_signed_by(&issuer_of_challans(), &host, "C-9")), "not_on_record");
        assert!(browser.text("section.slip").contains("it proves nothing"));
    }
}

#[test]
fn a_receipt_is_recorded_and_no_more() {
    let host = Host::start();
    let browser = Browser::start(&Setting { script: false, ..Setting::default() });
    browser.go(&host.page("/scan?lang=en"));
    browser.fill("textarea[name=code]", &receipt::to_code(&host.inclusion(1)).unwrap());
    browser.click("form.scan button");
    let answer = browser.text("#answer");
    assert!(answer.contains("does not say that the document is still in force"), "{answer}");
}

#[test]
fn what_is_no_code_is_named_and_nothing_is_opened() {
    let (host, folder) = (Host::start(), tempfile::tempdir().unwrap());
    let good = link_of("good", &sha256(&file_of("good")));
    let write = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let whole = std::fs::read(draw(folder.path(), "whole.png", &good)).unwrap();
    for script in [true, false] {
        let browser = Browser::start(&Setting { script, ..Setting::default() });
        let cases = [
            (write("page.pdf", b"%PDF-1.7"), "code_photo"),
            (write("half.png", &whole[..whole.len() / 2]), "code_photo"),
            (draw(folder.path(), "foreign.png", "https://elsewhere.example/pay?to=x"), "code_foreign"),
            (draw(folder.path(), "script.png", "javascript:document.title='x'//#a1.x"), "code_foreign"),
        ];
        for (path, code) in cases {
            assert_eq!(photo(&browser, &host, &path), "could_not_check", "{path}");
            let answer = browser.text("#answer");
            assert!(answer.contains(code), "{code}: {answer}");
            assert!(browser.url().starts_with(&*host.url), "nothing is opened");
        }
        assert_eq!(text(&browser, &host, &good.replace("good", "g\u{43e}\u{43e}d")), "could_not_check");
        assert!(browser.text("#answer").contains("U+043E"), "{}", browser.text("#answer"));
        assert_eq!(text(&browser, &host, "DALILB1:"), "could_not_check");
        browser.go(&host.page("/scan?lang=en"));
        browser.click("form.scan button");
        assert_eq!(browser.status_now(), "could_not_check");
        assert!(browser.text("#answer").contains("code_missing"));
    }
}

/// The camera where a browser reads codes; here one that pretends to.
#[test]
fn a_camera_reads_the_code_or_says_that_it_cannot() {
    let host = Host::start();
    let browser = Browser::start(&Setting::default());
    browser.open(&host.page("/scan?lang=en"));
    assert!(!browser.is_shown("section.camera"), "this browser reads no codes, and says nothing of a camera");
    let code = link_of("good", &sha256(&file_of("good")));
    let pretend = format!(
        "globalThis.BarcodeDetector = class {{
            static async getSupportedFormats() {{ return ['qr_code']; }}
            async detect() {{ return [{{ rawValue: {} }}]; }}
        }};
        const media = Object.getPrototypeOf(navigator.mediaDevices);
        media.getUserMedia = async () => {{
            if (location.search.includes('denied')) throw new DOMException('', 'NotAllowedError');
            return document.createElement('canvas').captureStream();
        }};
        HTMLVideoElement.prototype.play = async () => {{}};",
        json!(code)
    );
    browser.before_each_page(&pretend);
    browser.open(&host.page("/scan?lang=en&denied"));
    browser.wait("the camera is offered", "return !document.querySelector('section.camera').hidden");
    browser.click("[name=start]");
    browser.wait("the refusal is told", "return document.querySelector('.camera [role=status]').textContent !== ''");
    assert!(browser.text(".camera [role=status]").contains("Take a photo instead"));
    browser.open(&host.page("/scan?lang=en"));
    browser.wait("the camera is offered", "return !document.querySelector('section.camera').hidden");
    browser.click("[name=start]");
    browser.wait("the answer page is there", "return location.pathname === '/check'");
    assert_eq!(browser.status(), "valid");
}
