//! Software that others wrote checks what a running network serves: policy, checkpoint, tiles, consistency, inclusion
//! receipts (aics-tlog, C2SP) and COSE receipts (scitt-cose, RFC 9942), also by a policy that asks for an outside witness
//! beside the validators' quorum, and refuses what it must; the answers to requests made out of the OpenAPI description
//! (schemathesis).

#![allow(clippy::unwrap_used, clippy::panic, missing_docs, unreachable_pub)] // What is not as expected must stop the test.

mod cli;
#[path = "witnesses/witness.rs"]
#[allow(dead_code)] // It can lie too.
mod witness;

use std::path::Path;
use std::process::Command;

use cli::nodes::Nodes;
use dalil_ledger::checkpoint::Policy;
use dalil_node::shell::home::Home;
use dalil_node::shell::witnesses::WitnessConfig;
use serde_json::{Value, json};
use witness::Witness;

/// Where the packages of a set-up script are, which are installed if they are not there yet. A machine that cannot is told
/// what to do, and the test fails.
fn packages(name: &str) -> String {
    let setup = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../testnet/setup/{name}.sh"));
    let output = Command::new(setup).output().unwrap();
    let (out, err) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert!(output.status.success(), "{out}{err}");
    out.lines().last().unwrap().strip_prefix(&format!("{name}: ")).unwrap().to_owned()
}

/// A witness that trusts the network's log keys, and which a node is told to ask.
fn witness_of(nodes: &Nodes, node: usize) -> Witness {
    let home = Home::at(nodes.home(node));
    let genesis = home.genesis().unwrap();
    let policy = Policy::of_set(&genesis.origin.as_str().parse().unwrap(), &genesis.validators).unwrap();
    let witness = Witness::honest("witness.example/w1", policy.logs().iter().map(ToString::to_string).collect());
    let mut config = home.config().unwrap();
    let (vkey, url) = (witness.vkey(), witness.url());
    config.witnesses.push(WitnessConfig { vkey, url, allow_private: true, ca_file: None });
    home.write_config(&config).unwrap();
    witness
}

/// Asks until the witness has cosigned the node's newest head.
fn witnessed(nodes: &Nodes, node: usize) -> Value {
    let url = nodes.url(node);
    let newest = |status: &Value| {
        let size = &status["witnesses"][0]["cosigned"]["size"];
        size.is_u64() && *size == status["published"][0]
    };
    let status = ["--json", "node", "status", "--url", &url];
    nodes.until("witnessed", &status, |said| said.code == 0 && newest(&said.json())).json()
}

#[test]
fn software_of_others_accepts_what_a_network_serves_and_refuses_the_rest() {
    let packages = packages("standards");
    let mut nodes = Nodes::generate();
    let witness = witness_of(&nodes, 2);
    (1..=4).for_each(|node| nodes.start(node));
    (1..=4).for_each(|node| nodes.ready(node));
    nodes.go_to(3);
    let get = |path: &str, file: &str| {
        let client = reqwest::Client::new().get(nodes.url(2) + path);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let bytes = runtime.block_on(async { client.send().await.unwrap().bytes().await.unwrap() });
        std::fs::write(nodes.path().join(file), bytes).unwrap();
    };
    get("/checkpoint", "old.note");
    get("/policy", "policy");
    nodes.go_to(9);
    // The head of nine blocks must be published before it can be asked about.
    let index = nodes.run(&["--json", "node", "status", "--url", &nodes.url(2)]).json();
    assert!(index["height"].as_u64().unwrap() >= 8, "{index}");

    // The witness, which the node asks at its own pace, and once more from where the witness stands after a restart.
    witnessed(&nodes, 2);
    nodes.kill(2);
    nodes.start(2);
    nodes.ready(2);
    let status = witnessed(&nodes, 2);
    assert_eq!(
        (&status["witnesses"][0]["vkey"], &status["witnesses"][0]["failing"]),
        (&json!(witness.vkey()), &Value::Null)
    );
    let said = nodes.run(&["node", "status", "--url", &nodes.url(2)]);
    assert!(said.out.contains("witness        witness.example/w1: cosigned "), "{}", said.out);
    let asked = witness.asked();
    assert!(asked.iter().any(|it| it.answered == 409) && asked.last().unwrap().answered == 200, "{asked:?}");
    assert!(asked.iter().all(|it| it.origin == asked[0].origin && it.signers.len() == 4), "{asked:?}");
    assert_eq!((asked[0].old, asked[0].answered), (0, 200));
    let policy = std::fs::read_to_string(nodes.path().join("policy")).unwrap();
    let more = format!(
        "witness outside {} {}\ngroup both all validators outside\nquorum both\n",
        witness.vkey(),
        witness.url()
    );
    std::fs::write(nodes.path().join("witnessed"), policy.replace("quorum validators\n", &more)).unwrap();

    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/standards/verify.py");
    let output = Command::new("python3")
        .arg(script)
        .args([&nodes.url(2), "policy", "old.note", "3", "witnessed"])
        .env("PYTHONPATH", packages)
        .current_dir(nodes.path())
        .output()
        .unwrap();
    let (out, err) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert!(output.status.success(), "{out}{err}");
    let said: Value = serde_json::from_str(&out).unwrap();
    let expected = json!({
        "accepted": ["checkpoint", "checkpoint by quorum and witness", "checkpoint that a witness cosigned last", "tiles", "older checkpoint", "consistency proof", "tlog-proof", "receipt's checkpoint",
            "inclusion receipt", "COSE receipt"],
        "refused": ["checkpoint with a cosignature less", "checkpoint of another origin", "checkpoint of another size",
            "checkpoint without the witness", "checkpoint with the witness and a cosignature less",
            "checkpoint with a forged line of the witness", "consistency with another root", "inclusion of a changed entry", "inclusion at another index",
            "inclusion by a shorter path", "COSE receipt of a changed entry", "COSE receipt with a changed byte"],
    });
    assert_eq!(said, expected);
}

/// How many requests are made for each operation, beside those at the edges of what the description allows.
const EXAMPLES_MAX: &str = "20";

/// Whether an answer is what the description says, not whether a request should have been refused.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,\
                      response_schema_conformance";

/// The streams have no end; everything else is asked.
#[test]
fn requests_made_by_others_from_the_description_find_no_5xx_and_nothing_undescribed() {
    let packages = packages("schemathesis");
    let mut nodes = Nodes::generate();
    (1..=4).for_each(|node| nodes.start(node));
    (1..=4).for_each(|node| nodes.ready(node));
    nodes.go_to(3);
    let output = Command::new("python3")
        .arg(Path::new(&packages).join("bin/schemathesis"))
        .args(["--no-color", "run", &format!("{}/openapi.json", nodes.url(2))])
        .args(["--phases", "examples,coverage,fuzzing", "--max-examples", EXAMPLES_MAX, "--seed", "1"])
        .args(["--exclude-path", "/v1/events", "--exclude-path", "/rpc"])
        .args(["--checks", CHECKS])
        .args(["--generation-database", "none", "--warnings", "off", "--request-timeout", "60"])
        .env("PYTHONPATH", &packages)
        .current_dir(nodes.path())
        .output()
        .unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{out}{err}");
    let cases = out.lines().find_map(|line| line.trim().split_once(" generated, ")?.0.parse::<u32>().ok());
    assert!(cases.is_some_and(|cases| cases > 1_000), "{out}");
}
