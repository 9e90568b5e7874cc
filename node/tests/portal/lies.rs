//! Nodes that lie. Their own word is always "valid"; the device does not repeat it.

use crate::browser::{Browser, Setting};
use crate::common::{Keys, uri};
use crate::host::{Host, Lie};

#[test]
fn a_lying_node_is_not_believed() {
    let host = Host::start();
    let browser = Browser::start(&Setting::default());
    let lies = [
        (Lie::SwappedStatus, "swapped-status", "The proof is wrong"),
        (Lie::StaleCheckpoint, "stale-checkpoint", "The proof is too old"),
        (Lie::MissingSignature, "missing-signature", "Too few validators vouch for this"),
        (Lie::Silence, "silence", "The server does not answer"),
    ];
    for (lie, name, words) in lies {
        host.lies(lie);
        browser.open(&host.page(&format!("/check?uri={}&lang=en", uri("revoked"))));
        assert_eq!(browser.status(), "could_not_check", "{name}");
        assert_eq!(browser.text(".verdict h2"), "Could not check");
        let text = browser.text("#answer");
        assert!(text.contains(words), "{name}: {text}");
        assert!(!text.contains("Checked on this device"), "{name}: {text}");
        browser.picture(&format!("lie-{name}"));
    }
    host.lies(Lie::None);
    browser.open(&host.page(&format!("/check?uri={}&lang=en", uri("revoked"))));
    assert_eq!(browser.status(), "revoked");
}

/// A host that made up a whole chain with its own validators convinces whoever takes the pin from it, which the page says;
/// it does not convince whoever has a pin of another source.
#[test]
fn a_made_up_chain_does_not_convince_whoever_has_a_pin() {
    let honest = Host::start();
    let impostor = Host::with_keys(["finance", "land", "mines", "works"].map(Keys::new).to_vec());
    let folder = tempfile::tempdir().unwrap();
    honest.write_files(folder.path());
    let browser = Browser::start(&Setting::default());
    let page = impostor.page(&format!("/check?uri={}&lang=en", uri("good")));
    browser.open(&page);
    assert_eq!(browser.status(), "valid");
    assert!(browser.text("#answer").contains("The pin came from the same host."));
    browser.open(&impostor.page("/?lang=en"));
    browser.fill("form.pin input", folder.path().join("pin.json").to_str().unwrap());
    browser.wait("the pin is kept", "return localStorage.getItem('dalil.pin') !== null");
    browser.open(&page);
    assert_eq!(browser.status(), "could_not_check");
    assert!(browser.text("#answer").contains("The validators have changed since the pin was made."));
}

#[test]
fn a_browser_without_ed25519_says_that_it_could_not_check() {
    let host = Host::start();
    let browser = Browser::start(&Setting::default());
    browser.before_each_page(
        "crypto.subtle.importKey = () => Promise.reject(new DOMException('no', 'NotSupportedError'));",
    );
    browser.open(&host.page(&format!("/check?uri={}&lang=en", uri("good"))));
    assert_eq!(browser.status(), "could_not_check");
    assert!(browser.text("#answer").contains("cannot check Ed25519 signatures"));
}
