//! `dalil import`: a register comes onto a chain of real processes, through interruptions and refusals.

#![allow(clippy::unwrap_used, clippy::panic, missing_docs, unreachable_pub)] // What is not as expected must stop the test.

#[path = "support/network.rs"]
mod network;
#[path = "support/mod.rs"]
mod support;

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use network::Network;
use serde_json::Value;

/// So many mouzas of 2,000 khatians and plots that a run can be cut short.
const KHATIANS: usize = 6_000;

fn dalil() -> Command {
    Command::new(env!("CARGO_BIN_EXE_dalil"))
}

fn import(network: &Network, file: &Path) -> Command {
    let mut command = dalil();
    command.args(["--json", "import", "land", "--as-on", "2026-04-01", "--posting", "land/system"]).arg(file);
    command.arg("--testnet").arg(network.folder.path()).args(["--url", &network.url(0, "")]);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

async fn running() -> Network {
    let network = Network::generate();
    network.up().await;
    network
}

fn said(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)))
}

fn sample(folder: &Path, khatians: usize) -> PathBuf {
    let file = folder.join("register.jsonl");
    let made = dalil().args(["import", "sample", "--khatians", &khatians.to_string(), "--out"]).arg(&file).status();
    assert!(made.unwrap().success());
    file
}

async fn on_record(network: &Network, node: usize, key: &str) -> bool {
    let (_, shown) = network.json(node, &format!("/v1/state?key={key}")).await.unwrap();
    shown["value"].is_string() && shown["proof"].is_object()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_import_goes_on_and_records_nothing_twice() {
    let network = running().await;
    let folder = tempfile::tempdir().unwrap();
    let file = sample(folder.path(), KHATIANS);
    let journal = folder.path().join("register.jsonl.journal");

    // Killed while records are under way.
    let mut first = import(&network, &file).spawn().unwrap();
    let began = Instant::now();
    let recorded = || std::fs::read_to_string(&journal).map_or(0, |text| text.matches("\"recorded\"").count());
    while recorded() < 5 {
        assert!(began.elapsed() < Duration::from_secs(60), "nothing was recorded within a minute");
        std::thread::sleep(Duration::from_millis(5));
    }
    first.kill().unwrap();
    first.wait().unwrap();
    let rows = |said: &Value| said["rows"].as_u64().unwrap() + said["rows_of_earlier_runs"].as_u64().unwrap();
    // The last line may be torn.
    let mut text = std::fs::read_to_string(&journal).unwrap();
    text.push_str("{\"sent\":{\"mou");
    std::fs::write(&journal, text).unwrap();

    let second = import(&network, &file).output().unwrap();
    let second = (second.status.success(), said(&second));
    assert!(second.0 && rows(&second.1) == 2 * KHATIANS as u64, "{second:?}");
    assert!(second.1["rows_of_earlier_runs"].as_u64().unwrap() > 0, "{second:?}");
    // A third time there is nothing to do.
    let third = said(&import(&network, &file).output().unwrap());
    assert_eq!((third["rows"].as_u64(), rows(&third)), (Some(0), 2 * KHATIANS as u64));

    for name in ["khatian/2795-S0/2", "plot/2795-S0/2", "khatian/2795-S2/2001", "plot/2795-S2/2001"] {
        assert!(on_record(&network, 0, &format!("land/{name}")).await, "{name}");
    }
    assert!(!on_record(&network, 0, "land/khatian/2795-S2/2002").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_register_that_does_not_add_up_is_refused_in_words() {
    let network = running().await;
    let folder = tempfile::tempdir().unwrap();
    let text = std::fs::read_to_string(sample(folder.path(), 300)).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let write = |name: &str, lines: &[&str]| {
        let file = folder.path().join(name);
        std::fs::write(&file, lines.join("\n") + "\n").unwrap();
        file
    };
    let refused = |file: &Path| {
        let output = import(&network, file).output().unwrap();
        assert!(!output.status.success());
        said(&output)["error"].as_str().unwrap_or_default().to_owned()
    };
    // Nothing is recorded of what does not add up as a whole.
    assert!(refused(&write("short.jsonl", &lines[..lines.len() - 1])).contains("cut short"));
    let mut lost = lines.clone();
    lost.remove(5);
    assert!(refused(&write("lost.jsonl", &lost)).contains("does not add up"));
    let twice = [&lines[..2], &lines[1..]].concat();
    assert!(refused(&write("twice.jsonl", &twice)).contains("stands twice"));
    assert!(refused(&write("words.jsonl", &["nothing"])).contains("line 1"));
    assert!(refused(&write("orphan.jsonl", &lines[1..])).contains("before any mouza"));
    assert!(!on_record(&network, 0, "land/mouza/2795-S0").await);

    // A plot whose shares do not sum to one: its mouza stops there, with the code; mended, the rest goes on.
    let half = text.replacen("\"share\":\"1/1\"", "\"share\":\"1/2\"", 1);
    let file = write("half.jsonl", &half.lines().collect::<Vec<_>>());
    let output = import(&network, &file).output().unwrap();
    let answer = said(&output);
    assert!(!output.status.success() && answer["refusals"]["L1"] == 1, "{answer}");
    let left = PathBuf::from(answer["refused_file"].as_str().unwrap());
    let mended = std::fs::read_to_string(&left).unwrap().replacen("\"share\":\"1/2\"", "\"share\":\"1/1\"", 1);
    std::fs::write(&left, mended).unwrap();
    let output = import(&network, &left).output().unwrap();
    assert!(output.status.success(), "{:?}", said(&output));
    assert!(on_record(&network, 0, "land/plot/2795-S0/2").await);
    // A journal is of one file.
    std::fs::write(&file, text.replacen("true", "false", 1)).unwrap();
    assert!(refused(&file).contains("the file was changed"));
}
