//! Numbers of every kind: a challan's, a certificate's printed one, a plot's, a record's. One that can mean several things is
//! never guessed.

use dalil_ledger::crypto::sha256;
use serde_json::json;

use crate::browser::{Browser, ENTER, Setting, TAB};
use crate::host::{Host, Lie, vehicle};
use crate::node::Node;
use crate::site::CHALLAN;

/// Types a number into the form of all numbers.
fn enter(browser: &Browser, node: &Node, language: &str, number: &str) {
    browser.go(&node.page(&format!("/?lang={language}")));
    browser.fill("input[name=q]", number);
    browser.follow("form.number button");
}

/// Fills in the form of certificates, which stands in a fold.
fn certificate(browser: &Browser, page: &str, parts: [&str; 3]) {
    browser.go(page);
    browser.click("form.certificate summary");
    for (name, part) in ["department", "type", "number"].iter().zip(parts) {
        browser.fill(&format!("form.certificate input[name={name}]"), part);
    }
    browser.follow("form.certificate button");
}

#[test]
fn a_certificate_is_found_by_its_printed_number() {
    let node = Node::start();
    for script in [true, false] {
        let browser = Browser::start(&Setting { script, ..Setting::default() });
        for (language, word) in [("en", "Valid"), ("bn", "বৈধ"), ("hi", "मान्य")] {
            certificate(&browser, &node.page(&format!("/?lang={language}")), ["district", "DOM", "DOM-1"]);
            assert_eq!(browser.status_now(), "valid");
            assert_eq!(browser.text(".verdict h2"), word);
            let text = browser.text("#answer");
            assert!(text.contains("in.gov.wb.district-DOM-0000000000000001"), "{text}");
            browser.picture(&format!("certificate-{language}-{script}"));
        }
        certificate(&browser, &node.page("/?lang=en"), ["district", "DOM", "DOM-77"]);
        assert_eq!(browser.status_now(), "not_on_record");
        let text = browser.text("#answer");
        assert!(text.contains("Certificate DOM-77, type DOM, department district"), "{text}");
        assert_eq!(text.contains("Checked on this device"), script, "{text}");
        assert_eq!(text.contains("the word of the server"), !script, "{text}");
    }
}

#[test]
fn a_number_with_several_meanings_is_not_guessed() {
    let node = Node::start();
    for script in [true, false] {
        let browser = Browser::start(&Setting { script, ..Setting::default() });
        let cases = [
            ("9300-1/7", vec!["Plot 9300-1/7"]),
            (CHALLAN, vec!["Challan C-0000000000000001"]),
            ("5", vec!["Challan 5", "Record 5"]),
        ];
        for (number, choices) in cases {
            enter(&browser, &node, "en", number);
            assert_eq!(browser.text("main h1"), "Which of these do you mean?", "{number}");
            assert_eq!(browser.text(".choices").lines().collect::<Vec<_>>(), choices, "{number}");
            let certificate = format!("Certificate with the printed number {number}");
            assert_eq!(browser.text("form.certificate h2"), certificate);
            browser.picture(&format!("choices-{}-{script}", choices.len()));
        }
        // Each choice leads to its own answer.
        browser.follow(".choices li:nth-child(2) a");
        assert_eq!(browser.status_now(), "valid");
        assert!(browser.text("#answer").contains("in.gov.wb.district-DOM-0000000000000002"));
        enter(&browser, &node, "en", "DOM-2");
        browser.fill("form.certificate input[name=department]", "district");
        browser.fill("form.certificate input[name=type]", "DOM");
        browser.follow("form.certificate button");
        assert_eq!(browser.status_now(), "valid");
        enter(&browser, &node, "en", CHALLAN);
        browser.follow(".choices a");
        assert_eq!(browser.status_now(), "valid");
        assert!(browser.text("#answer").contains(&format!("Challan {CHALLAN}")));
        // What can be one thing only is answered at once.
        enter(&browser, &node, "en", "in.gov.wb.district-DOM-0000000000000001");
        assert_eq!(browser.status_now(), "valid");
    }
    let browser = Browser::start(&Setting::default());
    for (language, title) in [("bn", "এর মধ্যে কোনটি বোঝাতে চান?"), ("hi", "इनमें से आपका आशय किससे है?")]
    {
        enter(&browser, &node, language, "5");
        assert_eq!(browser.text("main h1"), title);
    }
}

/// A browser checks documents; the register and a record that is no document's are the node's word, which the page says.
#[test]
fn a_plot_and_a_record_are_the_nodes_word() {
    let node = Node::start();
    for script in [true, false] {
        let browser = Browser::start(&Setting { script, ..Setting::default() });
        let cases = [
            ("plot=9300-1/7", "free", ["On record, nothing lies on it", "dalil land encumbrances"]),
            ("plot=9300-1/8", "not_on_record", ["The land register knows no such plot", "dalil land encumbrances"]),
            ("index=2", "recorded", ["This record stands in the ledger", "certificate.issue_batch"]),
            ("index=99", "not_on_record", ["the ledger has no record with this number yet", "Record 99"]),
            ("index=4", "could_not_check", ["the header of a block", "not_a_record"]),
        ];
        for (query, status, words) in cases {
            browser.go(&node.page(&format!("/check?{query}&lang=en")));
            assert_eq!(browser.status_now(), status, "{query}");
            let text = browser.text("#answer");
            for words in words {
                assert!(text.contains(words), "{query}: {text}");
            }
            assert!(!text.contains("Checked on this device"), "{query}: {text}");
            assert_eq!(text.contains("the word of the server"), status != "could_not_check", "{query}: {text}");
            browser.picture(&format!("word-{query}-{script}").replace(['=', '/'], "-"));
        }
    }
    let browser = Browser::start(&Setting::default());
    for (language, title) in [("bn", "নথিভুক্ত, এর উপর কোনও দায় নেই"), ("hi", "अभिलेख में है, इस पर कोई भार नहीं")]
    {
        browser.go(&node.page(&format!("/check?plot=9300-1/7&lang={language}")));
        assert_eq!(browser.text(".verdict h2"), title);
    }
    // A record that issued one document is answered as that document, and the device sees that it is this record's.
    browser.go(&node.page("/check?index=1&lang=en"));
    assert_eq!(browser.status(), "valid");
    assert!(browser.text("#answer").contains("Checked on this device"));
    browser.go(&node.page("/check?index=1&as_of=2026-06-02&lang=en"));
    assert_eq!(browser.status(), "could_not_check");
    assert!(browser.text("#answer").contains("leave the day empty"));
}

#[test]
fn what_the_page_says_is_what_the_service_says() {
    let node = Node::start();
    let browser = Browser::start(&Setting { script: false, ..Setting::default() });
    let asked = [
        "plot=9300-1/7",
        "plot=9300-1/8",
        "index=99",
        "challan=C-0000000000000001",
        "department=district&type=DOM&number=DOM-2",
    ];
    let runtime = tokio::runtime::Runtime::new().unwrap();
    for query in asked {
        let said = runtime.block_on(node.site().ask(query));
        browser.go(&node.page(&format!("/check?{query}&lang=en")));
        let (status, on_page) = (said["answer"]["status"].as_str().unwrap(), browser.status_now());
        assert!(status == on_page || (status, on_page.as_str()) == ("valid", "free"), "{query}: {status}, {on_page}");
        let size = said["checkpoint"]["validators"].to_string();
        assert!(browser.text("#answer").contains(&format!("of {size} validators")), "{query}");
    }
}

#[test]
fn a_lying_node_is_not_believed_whatever_the_number() {
    let host = Host::start();
    let browser = Browser::start(&Setting::default());
    let revoked = "/check?department=land&type=ROR&number=REV-1&lang=en";
    let challan = "/check?challan=C-1&lang=en";
    for (lie, pages) in [
        (Lie::SwappedStatus, vec![revoked]),
        (Lie::StaleCheckpoint, vec![revoked, challan]),
        (Lie::MissingSignature, vec![revoked, challan]),
        (Lie::Silence, vec![revoked, challan]),
    ] {
        host.lies(lie);
        for page in pages {
            browser.open(&host.page(page));
            assert_eq!(browser.status(), "could_not_check", "{page}");
            assert!(!browser.text("#answer").contains("Checked on this device"), "{page}");
        }
    }
    host.lies(Lie::None);
    browser.open(&host.page(revoked));
    assert_eq!(browser.status(), "revoked");
    browser.open(&host.page(challan));
    assert_eq!(browser.status(), "valid");
}

/// The vehicle is compared on the device: this host's own word is that the challan is in force, whoever drives.
#[test]
fn a_challan_of_another_vehicle_is_none_for_this_one() {
    let host = Host::start();
    let browser = Browser::start(&Setting::default());
    browser.open(&host.page(&format!("/check?challan=C-1&vehicle={}&lang=en", vehicle())));
    assert_eq!(browser.status(), "valid");
    browser.open(&host.page(&format!("/check?challan=C-1&vehicle={}&lang=en", sha256(b"another"))));
    assert_eq!(browser.status(), "not_on_record");
    let text = browser.text("#answer");
    assert!(text.contains("the challan is on record for another vehicle"), "{text}");
    assert!(!text.contains("Issued by"), "{text}");
}

/// A receipt that somebody has of a printed number says for which number it is.
#[test]
fn a_receipt_of_a_printed_number_is_checked() {
    let host = Host::start();
    let browser = Browser::start(&Setting::default());
    let slot = "cert/number/land/ROR/REV-1";
    let receipt = host.receipt(&dalil_ledger::receipt::Question::Slot(slot.to_owned()));
    browser.open(&host.page("/?lang=en"));
    let receipt = String::from_utf8(receipt).unwrap();
    browser.run("document.querySelector('textarea').value = arguments[0]", json!([receipt]));
    browser.click("form.receipt button");
    assert_eq!(browser.status(), "revoked");
    assert!(browser.text("#answer").contains(slot));
}

#[test]
fn the_keyboard_opens_the_form_of_certificates() {
    let node = Node::start();
    let browser = Browser::start(&Setting::default());
    browser.open(&node.page("/?lang=en"));
    browser.run("document.querySelector('form.certificate summary').focus()", json!([]));
    browser.press(&ENTER.to_string());
    for part in ["district", "DOM", "DOM-1"] {
        browser.press(&TAB.to_string());
        browser.press(part);
    }
    browser.picture("certificate-form");
    browser.press(&ENTER.to_string());
    browser.wait("the answer page is there", "return location.pathname === '/check'");
    assert_eq!(browser.status(), "valid");
}

#[test]
fn hostile_parts_of_a_number_are_shown_and_do_nothing() {
    let node = Node::start();
    let hostile = [
        (
            ["district", "DOM", "<script>document.title='x'</script>"],
            "not_on_record",
            "<script>document.title='x'</script>",
        ),
        (["district", "D\u{41e}M", "DOM-1"], "could_not_check", "D⟨U+041E⟩M"),
        (["district/DOM", "DOM", "1"], "could_not_check", "number_wrong"),
        (["district", "DOM", "https://elsewhere.example/"], "could_not_check", "number_link"),
        (["district", "DOM", "DOM-1\u{202e}"], "could_not_check", "⟨U+202E⟩"),
    ];
    for script in [true, false] {
        let browser = Browser::start(&Setting { script, ..Setting::default() });
        for (parts, status, shown) in &hostile {
            certificate(&browser, &node.page("/?lang=en"), *parts);
            assert_eq!(browser.status_now(), *status, "{parts:?}");
            let text = browser.text("#answer");
            assert!(text.contains(shown), "{parts:?}: {text}");
            assert!(browser.url().starts_with(&node.page("/check?")), "no link is followed");
        }
        for query in [
            "q=5&plot=9300-1/7",
            "number=DOM-1&type=DOM",
            "index=18446744073709551616",
            "plot=9300-1/07",
            "vehicle=x&challan=C-1",
        ] {
            browser.go(&node.page(&format!("/check?{query}&lang=en")));
            assert_eq!(browser.status_now(), "could_not_check", "{query}");
        }
    }
}
