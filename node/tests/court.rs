//! `dalil evidence`: what a court is handed, and nothing where something does not check out.

#![allow(clippy::unwrap_used, clippy::panic)] // Test code: what is not as expected must stop the test.

mod cli;
mod support;

use std::process::Command;

use cli::nodes::Nodes;
use serde_json::json;

fn now_ms() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis() as u64
}

#[test]
fn evidence_is_whole_checks_out_by_itself_and_is_refused_where_it_does_not() {
    let mut nodes = Nodes::generate();
    (1..=4).for_each(|node| nodes.start(node));
    (1..=4).for_each(|node| nodes.ready(node));
    let invocation = support::domicile(7, now_ms());
    std::fs::write(nodes.path().join("issue.json"), json!(invocation.call).to_string()).unwrap();
    nodes.recorded(1, &["record", "submit", "issue.json"], &invocation.posting.to_string());
    let issue = json!(invocation.call)["certificate"]["issue"]["certificate"].clone();
    let uri = issue["uri"].as_str().unwrap().to_owned();

    let url = nodes.url(2);
    let evidence = |subject: &str, out: &str| {
        nodes.run(&["evidence", subject, "--policy", "net/pin.json", "--url", &url, "--out", out, "--json"])
    };
    nodes.until("cosigned", &["verify", &uri, "--policy", "net/pin.json", "--url", &url], |said| said.code == 0);
    let said = evidence(&uri, "document");
    assert_eq!((said.code, &said.json()["status"]), (0, &json!("valid")), "{}{}", said.out, said.err);
    let folder = nodes.path().join("document");
    let page = std::fs::read_to_string(folder.join("evidence.html")).unwrap();
    let digest = issue["digest"].as_str().unwrap();
    for part in [uri.as_str(), digest, "Part A", "Part B", "sha256sum -c hashes.txt", "confers no title"] {
        assert!(page.contains(part), "{part}");
    }
    // Everything is checked again by nothing but the folder, and by another program for the hashes.
    let sums = Command::new("sha256sum").args(["-c", "hashes.txt"]).current_dir(&folder).output().unwrap();
    assert!(sums.status.success(), "{}", String::from_utf8_lossy(&sums.stdout));
    let files: Vec<String> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".tlog-proof") || name.ends_with(".dalil-status"))
        .collect();
    assert_eq!(files.len(), 2, "{files:?}");
    for file in &files {
        let file = format!("document/{file}");
        let said = nodes.run(&["verify", &file, "--policy", "document/pin.json", "--offline"]);
        assert!(said.code == 0 || said.code == 5, "{file}: {} {}", said.code, said.out);
    }
    // A folder that holds something is left alone.
    assert_eq!(evidence(&uri, "document").code, 1);

    // What is not on record is proven not to be. A plot that nobody registered neither.
    let said = evidence("in.gov.wb.district-DOM-00000000000000ff", "absent");
    assert_eq!((said.code, &said.json()["records"]), (3, &json!(0)), "{}", said.out);
    assert_eq!(evidence("9000-1/7", "plot").code, 3);
    assert_ne!(evidence("no such thing!", "nothing").code, 0);

    // Under a pin of others nothing is handed out.
    let other = ["testnet", "generate", "--dir", "other", "--p2p-port", "30920", "--http-port", "30930"];
    assert_eq!(nodes.run(&other).code, 0);
    let said = nodes.run(&["evidence", &uri, "--policy", "other/pin.json", "--url", &url, "--out", "none", "--json"]);
    assert_eq!(said.code, 4, "{}", said.out);
    assert!(!nodes.path().join("none").exists());
}
