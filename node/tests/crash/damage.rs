//! Files of a home that are cut off, altered, missing or somebody else's: the node starts and is safe, or it refuses and
//! says what to do.

use std::path::{Path, PathBuf};

use crate::network::{NODES, Network};

/// The node whose files are damaged.
const VICTIM: usize = 3;

/// What a node says that fetches its chain anew rather than go on with a damaged database.
const REMEDY: [&str; 2] = ["move the folder away", "sign record"];

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        std::fs::copy(&path, to.join(path.file_name().unwrap())).unwrap();
    }
}

/// A network with a few blocks, in which the victim was stopped and its database put aside.
struct Bench {
    network: Network,
    kept: PathBuf,
    /// A log index that must be served right, and by whom it was recorded.
    number: u64,
}

impl Bench {
    async fn new() -> Self {
        let network = Network::generate();
        network.up().await;
        let mut number = 0;
        for _life in 0..2 {
            for _ in 0..4 {
                network.acknowledged(number as usize % NODES, number).await;
                number += 1;
            }
            let height = network.height(0).await;
            network.wait_for_height(VICTIM, height).await;
            // The next start writes tables from the log.
            network.kill(VICTIM);
            network.start(VICTIM);
            network.ok(VICTIM, "/health/ready").await;
        }
        network.acknowledged(VICTIM, number).await;
        network.kill(VICTIM);
        let kept = network.folder.path().join("kept");
        copy(&network.home(VICTIM).join("data"), &kept);
        Self { network, kept, number: number + 1 }
    }

    fn data(&self) -> PathBuf {
        self.network.home(VICTIM).join("data")
    }

    /// The victim's database as it was put aside; its sign record is left as it is.
    fn restore(&self) {
        std::fs::remove_dir_all(self.data()).unwrap();
        copy(&self.kept, &self.data());
    }

    /// The newest file of a kind in the victim's database.
    fn file(&self, part: &str) -> PathBuf {
        let files = std::fs::read_dir(self.data()).unwrap().map(|entry| entry.unwrap().path());
        let mut files: Vec<_> = files.filter(|it| it.file_name().unwrap().to_string_lossy().contains(part)).collect();
        files.sort();
        files.pop().unwrap_or_else(|| panic!("no file {part}"))
    }

    fn refuses(&self, words: &[&str]) {
        let said = self.network.refusal(VICTIM);
        for word in words {
            assert!(said.contains(word), "{word:?} is missing in: {said}");
        }
    }

    /// The victim starts, catches up, serves what the others serve, and its vote counts; then it is stopped.
    async fn comes_back(&mut self) {
        let network = &self.network;
        network.start(VICTIM);
        let height = network.height(0).await;
        network.wait_for_height(VICTIM, height).await;
        network.ok(VICTIM, "/health/ready").await;
        // With another node down the quorum needs the victim.
        network.kill(0);
        let index = network.acknowledged(1, self.number).await;
        self.number += 1;
        network.start(0);
        for index in 0..=index {
            let path = format!("/v1/records/{index}");
            assert_eq!(network.ok(VICTIM, &path).await, network.ok(1, &path).await, "index {index}");
        }
        network.kill(VICTIM);
        self.honest();
    }

    /// Nobody saw a second signature, and nobody broke or stopped voting.
    fn honest(&self) {
        self.honest_but_halted();
        for node in 0..NODES {
            let said = self.network.log(node);
            assert!(!said.contains("votes no more"), "node {node}:\n{said}");
        }
    }

    fn honest_but_halted(&self) {
        for node in 0..NODES {
            let said = self.network.log(node);
            assert!(!said.contains("evidence") && !said.contains("panicked"), "node {node}:\n{said}");
        }
    }
}

fn cut(file: &Path, length: usize) {
    let bytes = std::fs::read(file).unwrap();
    std::fs::write(file, &bytes[..length.min(bytes.len())]).unwrap();
}

fn length(file: &Path) -> usize {
    std::fs::metadata(file).unwrap().len() as usize
}

fn alter(file: &Path, at: usize) {
    let mut bytes = std::fs::read(file).unwrap();
    bytes[at] ^= 0x40;
    std::fs::write(file, bytes).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_database_is_refused_with_words_or_made_good_by_the_peers() {
    let mut bench = Bench::new().await;
    let refused = |damage: &dyn Fn(&Bench)| {
        bench.restore();
        damage(&bench);
        bench.refuses(&REMEDY);
    };
    refused(&|bench| cut(&bench.file("CURRENT"), 0));
    refused(&|bench| std::fs::remove_file(bench.file("CURRENT")).unwrap());
    refused(&|bench| cut(&bench.file("MANIFEST"), 10));
    refused(&|bench| alter(&bench.file("MANIFEST"), 100));
    refused(&|bench| std::fs::remove_file(bench.file("MANIFEST")).unwrap());
    refused(&|bench| cut(&bench.file(".sst"), length(&bench.file(".sst")) / 2));
    refused(&|bench| std::fs::remove_file(bench.file(".sst")).unwrap());
    // In every table, wherever the start reads.
    refused(&|bench| {
        for entry in std::fs::read_dir(bench.data()).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|it| it == "sst") {
                alter(&path, length(&path) / 2);
                alter(&path, 10);
            }
        }
    });
    // Said and done: the folder away, the sign record kept.
    std::fs::remove_dir_all(bench.data()).unwrap();
    bench.comes_back().await;

    bench.restore();
    cut(&bench.file("OPTIONS"), 0);
    std::fs::remove_file(bench.file("IDENTITY")).unwrap();
    bench.comes_back().await;

    // A second process on the same home.
    bench.network.start(VICTIM);
    bench.network.ok(VICTIM, "/health/live").await;
    bench.refuses(&["another process", "stop that node first"]);
    bench.network.kill(VICTIM);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_live_wal_that_lost_its_end_is_made_good_by_the_peers() {
    let mut bench = Bench::new().await;
    let whole = std::fs::read(bench.file(".log")).unwrap();
    assert!(whole.len() > 1_000, "the newest writes stand in the log");
    for keep in [0, whole.len() / 3, whole.len() / 2, whole.len() - 1] {
        bench.restore();
        cut(&bench.file(".log"), keep);
        bench.comes_back().await;
    }
    bench.restore();
    alter(&bench.file(".log"), whole.len() / 2);
    bench.comes_back().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_configuration_and_genesis_are_checked_before_anything_is_made() {
    let network = Network::generate();
    let home = network.home(VICTIM);
    let said = |file: &str, content: Option<&[u8]>, words: &[&str]| {
        let path = home.join(file);
        let kept = std::fs::read(&path).unwrap();
        match content {
            Some(content) => std::fs::write(&path, content).unwrap(),
            None => std::fs::remove_file(&path).unwrap(),
        }
        let said = network.refusal(VICTIM);
        for word in words {
            assert!(said.contains(word), "{file}: {word:?} is missing in: {said}");
        }
        assert!(!home.join("data").exists(), "{file}: a database was made");
        std::fs::write(&path, kept).unwrap();
    };
    let other = std::fs::read(network.home(0).join("keys/validator.seed")).unwrap();
    said("config.toml", None, &["config.toml", "dalil node init"]);
    said("config.toml", Some(b"p2p_listen = \"nowhere\""), &["config.toml", "is not a configuration"]);
    said("config.toml", Some(b"\xff\xfe"), &["config.toml"]);
    let genesis = std::fs::read(home.join("genesis.bin")).unwrap();
    said("genesis.bin", None, &["genesis.bin"]);
    said("genesis.bin", Some(&genesis[..genesis.len() / 2]), &["genesis.bin", "copy it anew"]);
    let mut altered = genesis.clone();
    let nonce = genesis.windows(17).position(|it| it == b"ledger.example/wb").unwrap() + 20;
    altered[nonce] ^= 1;
    said("genesis.bin", Some(&altered), &["genesis.bin is of chain", "put the right one"]);
    said("keys/network.seed", None, &["network.seed"]);
    said("keys/network.seed", Some(b"00ff"), &["network.seed", "64 hexadecimal digits"]);
    said("keys/validator.seed", Some(b""), &["validator.seed", "64 hexadecimal digits"]);
    said("keys/validator.seed", Some(&other), &["sign record is of key", "put the right file in place"]);
    // A validator never becomes an observer by losing its key.
    said("keys/validator.seed", None, &["validator.seed is missing", "put the validator's key back"]);
    // All is well again.
    network.up().await;
    network.kill(VICTIM);
    let seed = home.join("keys/network.seed");
    let kept = std::fs::read(&seed).unwrap();
    std::fs::write(&seed, &other).unwrap();
    network.start(VICTIM);
    network.wait_for_log(VICTIM, "peers will not let it in").await;
    network.kill(VICTIM);
    std::fs::write(&seed, kept).unwrap();
    network.start(VICTIM);
    network.ok(VICTIM, "/health/ready").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_damaged_where_the_start_does_not_look_is_never_served() {
    let bench = Bench::new().await;
    let network = &bench.network;
    let size = network.status(0).await["log_size"].as_u64().unwrap();
    let files = std::fs::read_dir(bench.data()).unwrap().map(|entry| entry.unwrap().path());
    let mut tables: Vec<_> = files.filter(|it| it.extension().is_some_and(|it| it == "sst")).collect();
    tables.sort_by_key(|path| length(path));
    for table in tables.iter().rev().take(4) {
        bench.restore();
        alter(table, length(table) / 2);
        network.start(VICTIM);
        // Refused already, or up.
        while network.is_running(VICTIM) && network.get(VICTIM, "/health/live").await.is_none() {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        for index in 0..size {
            let path = format!("/v1/records/{index}");
            match network.get(VICTIM, &path).await {
                Some((200, bytes)) => {
                    assert!(bytes == network.ok(1, &path).await, "{}: index {index}", table.display())
                }
                Some((status, _)) => assert_eq!(status, 500, "{}: index {index}", table.display()),
                None => assert!(!network.is_running(VICTIM)),
            }
        }
        network.kill(VICTIM);
    }
    bench.honest_but_halted();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_start_that_is_killed_at_any_moment_needs_no_hand() {
    let network = Network::generate();
    let mut left_unfinished = 0;
    for step in 0..40 {
        for node in 0..NODES {
            let data = network.home(node).join("data");
            let _absent = std::fs::remove_dir_all(&data);
            network.start(node);
            tokio::time::sleep(std::time::Duration::from_millis(2 * step + node as u64)).await;
            network.kill(node);
            left_unfinished += u64::from(data.join("UNFINISHED").exists());
        }
    }
    assert!(left_unfinished > 0, "no kill came before the database was made");
    network.up().await;
    network.acknowledged(0, 1).await;
}
