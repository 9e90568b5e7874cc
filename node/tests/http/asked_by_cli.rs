//! `dalil verify` at a node, honest or not, by each way of asking. Only what its receipts prove is told.

use dalil_ledger::crypto::sha256;
use serde_json::json;

use crate::desk::Desk;
use crate::site::{CHALLAN, PLATE, uri, vehicle};

const NUMBER: [&str; 6] = ["--number", "DOM-1", "--department", "district", "--type", "DOM"];

#[tokio::test(flavor = "multi_thread")]
async fn each_way_of_asking_has_its_answer() {
    let desk = Desk::open().await;
    let (mine, other) = (vehicle().to_string(), sha256(b"another vehicle").to_string());
    let on_plate = |plate| ["--challan", CHALLAN, "--plate", plate, "--vehicle-key", "vehicle.key"];
    for (arguments, code, status, reason) in [
        (&NUMBER[..], 0, "valid", "in_force"),
        (&["--number", "DOM-99", "--department", "district", "--type", "DOM"], 3, "not_on_record", "not_on_record"),
        (&["--challan", CHALLAN], 0, "valid", "in_force"),
        (&["--challan", CHALLAN, "--vehicle", &mine], 0, "valid", "in_force"),
        (&["--challan", CHALLAN, "--vehicle", &other], 3, "not_on_record", "other_vehicle"),
        (&on_plate(PLATE), 0, "valid", "in_force"),
        (&on_plate("WB00S0002"), 3, "not_on_record", "other_vehicle"),
        (&["--challan", "C-0000000000000002"], 3, "not_on_record", "not_on_record"),
        (&["--index", "1"], 0, "valid", "in_force"),
        (&["--index", "2"], 5, "recorded", "present_status_not_proven"),
        (&["--index", "99999"], 3, "not_on_record", "beyond_log"),
        (&["--index", "0"], 4, "could_not_check", "not_a_record"),
        (&["--plot", "9300-1/7"], 0, "valid", "in_force"),
        (&["--plot", "9300-1/8"], 3, "not_on_record", "not_on_record"),
    ] {
        let (got, status_got, reason_got, json) = desk.said(arguments).await;
        assert_eq!((got, status_got.as_str(), reason_got.as_str()), (code, status, reason), "{arguments:?} {json}");
        let proven = json["proven"].as_array().unwrap();
        assert_eq!(proven.is_empty(), code == 4, "{json}");
        assert!(!json["not_proven"].as_array().unwrap().is_empty(), "{json}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn people_read_what_the_number_leads_to_and_whose_the_challan_is() {
    let desk = Desk::open().await;
    let text = desk.verify(&NUMBER).await.out;
    assert!(
        text.starts_with(&format!("VALID\ncertificate DOM-1 of type DOM, department district: {}\n", uri(1))),
        "{text}"
    );
    assert!(text.contains("proven       the number asked about leads to this document"), "{text}");
    let text = desk.verify(&["--challan", CHALLAN]).await.out;
    assert!(text.contains("not proven   that the vehicle in front of you is the one"), "{text}");
    let plate = ["--challan", CHALLAN, "--plate", "WB00S0002", "--vehicle-key", "vehicle.key"];
    let text = desk.verify(&plate).await.out;
    assert!(
        text.starts_with("NOT ON RECORD\n") && text.contains("for another vehicle than the one asked about"),
        "{text}"
    );
    assert!(
        !text.contains("minerals/gate") && !text.contains("history"),
        "nothing of another's challan is told: {text}"
    );
    let text = desk.verify(&["--plot", "9300-1/7"]).await.out;
    assert!(text.contains("no charge was ever recorded") && text.contains("not proven   title:"), "{text}");
    let text = desk.verify(&["--index", "1"]).await.out;
    assert!(text.contains("proven       record 1 stands in the log of 8 entries"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn neither_vehicle_nor_moment_leaves_the_machine() {
    let mut desk = Desk::open().await;
    let asked = desk.lied_to(|_, _| {}).await;
    let plate = ["--challan", CHALLAN, "--plate", PLATE, "--vehicle-key", "vehicle.key", "--as-of", "2026-11-05"];
    assert_eq!(desk.verify(&plate).await.code, 0);
    desk.write("trucks.csv", &format!("challan,plate,as_of\n{CHALLAN},{PLATE},2026-11-05\n"));
    assert_eq!(desk.verify(&["--batch", "trucks.csv", "--vehicle-key", "vehicle.key"]).await.code, 0);
    let expected = format!("/v1/receipts/status?uri=in.gov.wb.minerals-CHALLAN-{CHALLAN}");
    let batch = json!({ "questions": [{ "challan": CHALLAN }], "receipts": "proof" });
    let asked = asked.lock().unwrap().clone();
    assert_eq!(asked[0], (expected, String::new()));
    assert_eq!((asked[1].0.as_str(), serde_json::from_str(&asked[1].1).unwrap()), ("/v1/verify/batch", batch));
}

#[tokio::test(flavor = "multi_thread")]
async fn receipts_are_kept_and_prove_the_same_without_the_node() {
    let desk = Desk::open().await;
    let (_, _, _, json) = desk.said(&["--plot", "9300-1/7", "--save", "kept"]).await;
    let saved = json["saved"][0].as_str().unwrap();
    assert!(saved.ends_with(".dalil-register"), "{saved}");
    let again = ["land", "encumbrances", "9300-1/7", "--policy", "pin.json", "--receipt", saved, "--json"];
    let again = desk.run(&again).await;
    assert_eq!((again.code, &again.json()["register"]), (0, &json["encumbrances"]));
    let (_, _, _, json) = desk.said(&[&NUMBER[..], &["--save", "kept"]].concat()).await;
    let saved = json["saved"][0].as_str().unwrap();
    let again = desk.run(&["verify", saved, "--policy", "pin.json", "--offline", "--json"]).await;
    // Nobody who hands this file over asked about a number.
    assert!(!again.out.contains("the number asked about"), "{}", again.out);
    assert_eq!((again.code, &again.json()["status"]), (0, &json!("valid")), "{}", again.out);
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_that_ask_nothing_that_can_be_checked_are_2() {
    let desk = Desk::open().await;
    let key = sha256(b"x").to_string();
    for arguments in [
        &["--vehicle", key.as_str()][..],
        &["--challan", CHALLAN, "--plate", PLATE],
        &["--challan", CHALLAN, "--vehicle", "17"],
        &["--number", "DOM-1"],
        &["--department", "district", "--type", "DOM"],
        &["--plot", "9300"],
        &["--index", "-1"],
        &["--index", "1", "--plot", "9300-1/7"],
        &["--index", "1", "--as-of", "2026-11-05"],
        &["--plot", "9300-1/7", "--known-at", "2026-11-05"],
        &["in.gov.wb.x", "--challan", CHALLAN],
        &["--challan", CHALLAN, "--qr"],
    ] {
        let said = desk.verify(arguments).await;
        assert_eq!((said.code, said.out.as_str()), (2, ""), "{arguments:?} {}", said.err);
    }
    let said = desk.run(&["verify", "--policy", "pin.json", "--offline", "--challan", CHALLAN]).await;
    assert_eq!(said.code, 2, "{}", said.err);
}

/// What a liar makes of the answer to each of these questions proves nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_lies_is_not_believed() {
    let mut desk = Desk::open().await;
    let ask = async |query: &str| desk.site.ask(query).await;
    let status_of = async |uri: &str| ask(&format!("uri={uri}")).await["receipts"]["status"].clone();
    let (certificate, absent) = (status_of(&uri(1)).await, status_of(&uri(77)).await);
    let (second, plot) = (ask("index=5").await, ask("plot=9300-1/7").await);
    let beyond = ask("index=99999").await;
    desk.lied_to(move |path, said| {
        if path.starts_with("/v1/receipts/status") {
            // The truth about another document, and about one that is not there.
            *said = if path.contains("number=DOM-1&") { absent.clone() } else { certificate.clone() };
        } else if path.contains("plot=") {
            said["receipts"] = plot["receipts"].clone();
        } else if path.contains("index=1") {
            *said = beyond.clone();
        } else {
            *said = second.clone();
        }
    })
    .await;
    for (arguments, reason) in [
        (&NUMBER[..], "other_document"),
        (&["--number", "DOM-99", "--department", "district", "--type", "DOM"], "other_document"),
        (&["--challan", CHALLAN], "other_document"),
        (&["--plot", "9300-1/8"], "incomplete"),
        (&["--index", "1"], "no_receipt"),
        (&["--index", "2"], "other_document"),
    ] {
        let (code, status, got, json) = desk.said(arguments).await;
        assert_eq!((code, status.as_str(), got.as_str()), (4, "could_not_check", reason), "{arguments:?} {json}");
    }
    // Words without receipts are nothing, and neither do the node's own controls reach the terminal.
    desk.lied_to(|_, said| {
        said["receipts"] = json!({});
        said["answer"] = json!({ "result": "could_not_check", "reason": "x\u{1b}[2J", "detail": "\u{202e}dilav" });
    })
    .await;
    let said = desk.verify(&["--index", "1"]).await;
    assert_eq!(said.code, 4);
    assert!(said.out.contains("⟨U+001B⟩[2J") && said.out.contains("⟨U+202E⟩dilav"), "{}", said.out);
    desk.lied_to(|_, said| said["receipts"] = json!({})).await;
    assert_eq!(desk.said(&["--plot", "9300-1/7"]).await.2, "no_receipt");
}
