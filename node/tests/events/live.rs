//! Four real validators: the contactless sample, a webhook over kill -9, and the command that listens.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use dalil_ledger::crypto::{Hash, sha256};
use dalil_node::shell::events::ShownEvent;
use serde_json::{Value, json};

use crate::network::Network;
use crate::receiver::{Answer, Receiver};

const MOUZA: &str = "2795-51";

/// Ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _gone = self.0.kill();
        let _gone = self.0.wait();
    }
}

fn digest(text: &str) -> Hash {
    sha256(text.as_bytes())
}

/// Signs with the officers' keys of the network and hands in; returns the log index.
fn submit(network: &Network, node: usize, posting: &str, call: &Value) -> u64 {
    let mut submitting = Command::new(env!("CARGO_BIN_EXE_dalil"))
        .args(["--json", "record", "submit", "-", "--posting", posting, "--url", &network.url(node, ""), "--testnet"])
        .arg(network.folder.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap();
    std::io::Write::write_all(&mut submitting.stdin.take().unwrap(), call.to_string().as_bytes()).unwrap();
    let said = submitting.wait_with_output().unwrap().stdout;
    let said: Value = serde_json::from_slice(&said).unwrap();
    assert_eq!(said["outcome"], "recorded", "{posting} {call}: {said}");
    said["index"].as_u64().unwrap()
}

fn deed(id: &str, share: &str) -> Value {
    json!({ "land": { "register_deed": {
        "deed": id,
        "kind": "sale",
        "transferees": [digest(&format!("buyer by {id}"))],
        "conveyances": [{
            "transferor": { "khatian": format!("{MOUZA}/101") },
            "plots": [{ "plot": format!("{MOUZA}/257"), "share": share }],
            "to": [{ "transferee": 0, "part": "1/1" }],
        }],
    } } })
}

/// What `dalil events` prints until it has seen so many.
fn events(network: &Network, node: usize, arguments: &[&str], count: usize) -> Vec<ShownEvent> {
    let said = Command::new(env!("CARGO_BIN_EXE_dalil"))
        .args(["--json", "events", "--url", &network.url(node, ""), "--count", &count.to_string()])
        .args(arguments)
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    let text = String::from_utf8(said.stdout).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deed_is_mutated_without_anybody_coming_and_a_webhook_hears_of_all_of_it() {
    let network = Network::generate();
    // The land office's system: away half of the time.
    let receiver = Receiver::start(|number| Answer::Status(if number % 2 == 0 { 503 } else { 200 })).await;
    let home = network.home(0);
    let made = Command::new(env!("CARGO_BIN_EXE_dalil"))
        .args(["key", "webhook", "--out"])
        .arg(home.join("keys/land-office.secret"))
        .output()
        .unwrap();
    assert!(made.status.success(), "{made:?}");
    let mut config = std::fs::read_to_string(home.join("config.toml")).unwrap();
    config.push_str(&format!(
        "\n[[webhook]]\nname = \"land-office\"\nurl = \"{}\"\nsecret_file = \"keys/land-office.secret\"\n\
         filter = {{ kinds = [\"land.*\"] }}\nfrom = 0\nallow_private = true\n",
        receiver.url()
    ));
    std::fs::write(home.join("config.toml"), config).unwrap();
    network.up().await;

    let mouza = json!({ "id": MOUZA, "district": 305, "block": 2795, "thana": null, "jl": 51 });
    submit(&network, 0, "land/dllro", &json!({ "land": { "register_mouza": mouza } }));
    submit(
        &network,
        0,
        "land/system",
        &json!({ "land": { "import": {
            "mouza": MOUZA,
            "source": digest("older register"),
            "as_on_ms": 1_767_205_800_000_u64,
            "khatians": [{ "number": 101, "holder": digest("holder 101") }],
            "plots": [{
                "plot": format!("{MOUZA}/257"), "class": "danga", "area": 10_000,
                "holdings": [{ "khatian": 101, "share": "1/1" }], "remainder": "0/1",
            }],
        } } }),
    );
    submit(&network, 0, "registration/adsr-bankura", &deed("0101-I-00001-2026", "1/2"));

    // The land office's client begins when the deed is there already, and goes on with what comes.
    let state = network.folder.path().join("contactless.seen");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../testnet/contactless/contactless.py");
    let client = || {
        let mut command = Command::new("python3");
        command.arg(script).args(["--dalil", env!("CARGO_BIN_EXE_dalil"), "--url", &network.url(1, "")]);
        command.arg("--testnet").arg(network.folder.path()).arg("--state").arg(&state);
        Running(command.stdout(Stdio::null()).spawn().expect("the sample needs python3"))
    };
    let running = client();
    let allowed = events(&network, 2, &["--from", "0", "--kind", "land.mutation_allowed"], 1).remove(0);
    assert_eq!(allowed.subject, "case/C-0101-I-00001-2026");
    assert_eq!(
        (allowed.call.as_deref(), allowed.place.as_ref().unwrap().block),
        (Some("land.mutate_auto"), Some(2795))
    );

    // Two deeds over what is left: the second is flagged, and an officer must look at both.
    drop(running);
    submit(&network, 1, "registration/adsr-bankura", &deed("0101-I-00002-2026", "1/2"));
    submit(&network, 1, "registration/adsr-bankura", &deed("0101-I-00003-2026", "1/2"));
    let running = client();
    let filed = events(&network, 3, &["--from", "0", "--kind", "land.case_filed"], 2);
    let cases: Vec<_> = filed.iter().map(|event| event.subject.as_str()).collect();
    assert_eq!(cases, ["case/C-0101-I-00002-2026", "case/C-0101-I-00003-2026"]);
    drop(running);
    let state = std::fs::read_to_string(&state).unwrap();
    let seen: u64 = state.trim().split('-').next().unwrap().parse().unwrap();
    assert!(seen <= filed[1].index, "{state}");

    // The node of the webhook is killed; the others go on, and so does the webhook when it is back.
    receiver.wait_for(3).await;
    network.kill(0);
    let last = submit(&network, 1, "registration/adsr-bankura", &deed("0101-I-00004-2026", "1/4"));
    network.start(0);
    let count = events_of(&network, 1, last).await;
    let deadline = Instant::now() + Duration::from_secs(60);
    let taken = loop {
        let taken = taken_in_order(&receiver);
        if taken.len() >= count.len() {
            break taken;
        }
        assert!(Instant::now() < deadline, "{taken:?} of {count:?}\n{}", network.log(0));
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    assert_eq!(taken[..count.len()], count, "each once it was taken, in the chain's order, none left out");
    network
        .wait_for_status(0, "no lag", |status| {
            let webhook = &status["webhooks"][0];
            webhook["lag"] == 0 && webhook["failing"].is_null()
        })
        .await;
    let said =
        Command::new(env!("CARGO_BIN_EXE_dalil")).args(["node", "status", "--url", &network.url(0, "")]).output();
    let said = String::from_utf8(said.unwrap().stdout).unwrap();
    assert!(said.contains("land-office: 0 entries behind"), "{said}");

    // All nodes tell the same, and stop although somebody listens.
    let all: Vec<_> = (0..4).map(|node| events(&network, node, &["--from", "0"], count.len())).collect();
    assert!(all.iter().all(|one| *one == all[0]));
    let listening = network.client.get(network.url(3, "/v1/events")).send().await.unwrap();
    assert_eq!(listening.status(), 200);
    let asked = Instant::now();
    network.terminate(3);
    assert!(network.ended(3).success());
    assert!(asked.elapsed() < Duration::from_secs(15), "{:?}", asked.elapsed());
}

/// Ids of the land's events up to a log index, by the node itself.
async fn events_of(network: &Network, node: usize, last: u64) -> Vec<String> {
    let mut ids = Vec::new();
    let mut response = network.client.get(network.url(node, "/v1/events?from=0&kind=land.*")).send().await.unwrap();
    let mut text = String::new();
    let deadline = Instant::now() + Duration::from_secs(30);
    while !ids.iter().any(|id: &String| id.starts_with(&format!("{last}-"))) {
        assert!(Instant::now() < deadline, "{ids:?} up to {last}");
        text.push_str(std::str::from_utf8(&response.chunk().await.unwrap().unwrap()).unwrap());
        let (whole, rest) = text.rsplit_once("\n\n").map(|(whole, rest)| (whole.to_owned(), rest.to_owned())).unwrap();
        let blocks = whole.split("\n\n").filter(|block| block.contains("\ndata:"));
        ids.extend(blocks.map(|block| block.lines().find_map(|line| line.strip_prefix("id: ")).unwrap().to_owned()));
        text = rest;
    }
    ids
}

/// Ids that the receiver answered with 200, each where it came first.
fn taken_in_order(receiver: &Receiver) -> Vec<String> {
    let mut taken: Vec<String> = Vec::new();
    for (_, posted) in receiver.posted().into_iter().enumerate().filter(|(number, _)| number % 2 == 1) {
        if !taken.contains(&posted.id) {
            taken.push(posted.id);
        }
    }
    taken
}
