//! `dalil testnet`: make and run a network of validators for development.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use dalil_contracts::authority::{self, EstablishmentPlan};
use dalil_ledger::block::DepartmentId;
use dalil_ledger::crypto::{Hash, PublicKey};
use dalil_ledger::genesis::{Genesis, InitialEntry, Parameters};
use dalil_ledger::validators::ValidatorSet;
use indicatif::{ProgressBar, ProgressStyle};
use serde::{Deserialize, Serialize};
use tokio::process::{Child, Command};
use tokio::signal::unix::{SignalKind, signal};

use super::Format;
use super::client::Client;
use crate::core::SyncSettings;
use crate::shell::clock::now_ms;
use crate::shell::home::{Config, Home, NodeKeys, NodeRole, make_seed};
use crate::shell::node::dial_address;
use crate::signing::random;
use crate::verification::pin_of;

/// The establishment of the sample: departments, offices, postings, parameters and certificate types of West Bengal.
const SAMPLE_ESTABLISHMENT: &str = include_str!("../../../testnet/sample/establishment.json");
/// The departments that run validators, in the order in which they are taken.
const VALIDATING: [&str; 8] =
    ["land", "minerals", "finance", "it", "registration", "transport", "education", "welfare"];
/// The origin of a development log.
const ORIGIN: &str = "ledger.example/wb";
/// How long a network may take to publish its first head.
const READY_WITHIN: Duration = Duration::from_secs(60);

#[derive(Subcommand)]
pub(crate) enum TestnetCommand {
    /// Make genesis, one home a validator, officers' keys and a verifier's pin.
    Generate(Generate),
    /// Start the validators of a generated network as processes and stay until Ctrl-C.
    Up(Up),
}

#[derive(Args, Clone)]
pub(crate) struct Generate {
    /// The folder to make.
    #[arg(long)]
    pub(crate) dir: PathBuf,
    /// How many validators.
    #[arg(long, default_value_t = 4)]
    pub(crate) validators: usize,
    /// The validators' addresses, each a host of its own with the same ports. Without them all run on this machine, with
    /// ports counted up.
    #[arg(long, value_delimiter = ',')]
    pub(crate) hosts: Vec<String>,
    /// The first port for peers.
    #[arg(long, default_value_t = 26600)]
    pub(crate) p2p_port: u16,
    /// The first port for clients.
    #[arg(long, default_value_t = 8080)]
    pub(crate) http_port: u16,
    /// Departments, offices, postings, parameters and certificate types; the sample of West Bengal if not given.
    #[arg(long)]
    pub(crate) establishment: Option<PathBuf>,
}

#[derive(Args)]
pub(crate) struct Up {
    /// The network's folder; generated with four validators if it is not there.
    #[arg(long, default_value = "target/testnet-local")]
    dir: PathBuf,
}

/// What `network.json` says of one validator.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct NetworkNode {
    /// Its department.
    pub(crate) department: DepartmentId,
    /// Its home, relative to the network's folder.
    pub(crate) home: PathBuf,
    /// Where clients reach it.
    pub(crate) url: String,
}

/// What `network.json` says.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct NetworkFile {
    /// The chain id.
    pub(crate) chain: Hash,
    /// The validators.
    pub(crate) nodes: Vec<NetworkNode>,
    /// Posting → officer, whose key is `officers/<officer>.seed`.
    pub(crate) postings: std::collections::BTreeMap<String, String>,
}

impl NetworkFile {
    /// Reads `network.json` in a network's folder.
    pub(crate) fn read(folder: &Path) -> anyhow::Result<Self> {
        let path = folder.join("network.json");
        let text = std::fs::read_to_string(&path)
            .with_context(|| format!("cannot read {}; run `dalil testnet generate` first", path.display()))?;
        serde_json::from_str(&text).with_context(|| path.display().to_string())
    }
}

pub(crate) async fn run(command: TestnetCommand, format: Format) -> anyhow::Result<ExitCode> {
    match command {
        TestnetCommand::Generate(options) => {
            let network = generate(&options)?;
            match format {
                Format::Json => println!("{}", serde_json::to_string(&network)?),
                Format::Text => {
                    println!("chain     {}", network.chain);
                    println!("network   {}", options.dir.join("network.json").display());
                    println!("pin       {}", options.dir.join("pin.json").display());
                    println!("officers  {}", options.dir.join("officers").display());
                }
            }
            Ok(ExitCode::SUCCESS)
        }
        TestnetCommand::Up(up) => stay_up(&up.dir).await,
    }
}

/// Makes a network's folder.
pub(crate) fn generate(options: &Generate) -> anyhow::Result<NetworkFile> {
    if options.dir.join("network.json").exists() {
        bail!("{} holds a network already; choose another folder or remove it", options.dir.display());
    }
    let count = if options.hosts.is_empty() { options.validators } else { options.hosts.len() };
    if !(1..=VALIDATING.len()).contains(&count) {
        bail!("{count} validators: expected 1 to {}", VALIDATING.len());
    }
    std::fs::create_dir_all(&options.dir)?;
    let nodes = (0..count).map(|place| Place::of(options, place)).collect::<anyhow::Result<Vec<_>>>()?;
    let (genesis, postings) = make_genesis(options, &nodes)?;
    let mut network = NetworkFile { chain: genesis.chain_id(), nodes: Vec::new(), postings };
    for place in &nodes {
        place.home.write_genesis(&genesis)?;
        place.home.make_sign_record(&place.keys, &genesis)?;
        let others = nodes.iter().filter(|other| other.department != place.department);
        let peers = others
            .map(|other| dial_address(&other.host, other.p2p.port(), &other.keys))
            .collect::<anyhow::Result<_>>()?;
        place.home.write_config(&Config {
            p2p_listen: place.p2p,
            http_listen: place.http,
            peers,
            observers: Vec::new(),
            sync: SyncSettings::default(),
            gateway: None,
            digilocker: None,
            http: crate::shell::http::config::HttpConfig::default(),
            webhooks: Vec::new(),
            witnesses: Vec::new(),
        })?;
        network.nodes.push(NetworkNode {
            department: place.department.clone(),
            home: place.name.clone(),
            url: format!("http://{}:{}", place.host, place.http.port()),
        });
    }
    let origin = genesis.origin.as_str().parse()?;
    let pin = pin_of(&origin, &genesis, (&genesis.validators, 1), now_ms())?;
    std::fs::write(options.dir.join("pin.json"), pin.to_json())?;
    std::fs::write(options.dir.join("network.json"), serde_json::to_string_pretty(&network)?)?;
    Ok(network)
}

/// One validator's place in the network.
struct Place {
    department: DepartmentId,
    name: PathBuf,
    home: Home,
    keys: NodeKeys,
    host: String,
    p2p: SocketAddr,
    http: SocketAddr,
}

impl Place {
    fn of(options: &Generate, place: usize) -> anyhow::Result<Self> {
        let offset = u16::try_from(place)?;
        let (host, listen, step) = match options.hosts.get(place) {
            Some(host) => (host.clone(), IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0),
            None => ("127.0.0.1".to_owned(), IpAddr::V4(Ipv4Addr::LOCALHOST), offset),
        };
        let port = |first: u16| first.checked_add(step).context("no such port");
        let name = PathBuf::from(format!("node-{}", place + 1));
        let home = Home::at(options.dir.join(&name));
        Ok(Self {
            department: VALIDATING[place].parse()?,
            keys: home.make_keys(NodeRole::Validator)?,
            home,
            name,
            host,
            p2p: SocketAddr::new(listen, port(options.p2p_port)?),
            http: SocketAddr::new(listen, port(options.http_port)?),
        })
    }
}

type Postings = std::collections::BTreeMap<String, String>;

fn make_genesis(options: &Generate, nodes: &[Place]) -> anyhow::Result<(Genesis, Postings)> {
    let text = match &options.establishment {
        Some(path) => std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?,
        None => SAMPLE_ESTABLISHMENT.to_owned(),
    };
    let plan: EstablishmentPlan = serde_json::from_str(&text).context("the establishment file")?;
    let postings = plan.postings.iter().map(|posting| (posting.id.to_string(), posting.officer.to_string())).collect();
    let mut keys = std::collections::BTreeMap::<String, PublicKey>::new();
    for name in plan.departments.iter().flat_map(|department| &department.keys) {
        let key = make_seed(&options.dir.join("officers").join(format!("{name}.seed")))?;
        keys.insert(name.to_string(), key.public());
    }
    let missing = plan.postings.iter().find(|posting| !keys.contains_key(posting.officer.as_str()));
    if let Some(posting) = missing {
        bail!("posting {} names officer {}, whom no department lists", posting.id, posting.officer);
    }
    let establishment = plan.with_keys(|name| keys.get(name.as_str()).copied().unwrap_or(PublicKey([0; 32])));
    let members = nodes.iter().filter_map(|place| place.keys.validator(place.department.clone())).collect();
    let validators = ValidatorSet::new(members)?;
    let mut state = establishment.initial_state()?;
    state.extend(authority::genesis_validators(&validators));
    let genesis = Genesis {
        origin: ORIGIN.parse()?,
        nonce: random()?,
        time_ms: now_ms(),
        parameters: Parameters { development: nodes.len() < 4, ..Parameters::default() },
        validators,
        initial_state: state.into_iter().map(|(key, value)| InitialEntry { key, value }).collect(),
    };
    Ok((genesis, postings))
}

/// A first port from which `count` ports are free on loopback: the preferred one, else one that the system gives.
pub(crate) fn free_ports(preferred: u16, count: u16) -> anyhow::Result<u16> {
    let free = |first: u16| {
        let ports = first..first.checked_add(count)?;
        ports.clone().all(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()).then_some(first)
    };
    if let Some(first) = free(preferred) {
        return Ok(first);
    }
    for _ in 0..64 {
        let given = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        if let Some(first) = free(given) {
            return Ok(first);
        }
    }
    bail!("no {count} free ports in a row on loopback")
}

/// Validators running as children of this process. Dropping it ends exactly these.
pub(crate) struct Running {
    /// One a validator, in the network's order.
    pub(crate) children: Vec<Child>,
}

impl Running {
    /// Starts the validators of a network; each writes its log beside its home.
    pub(crate) fn start(folder: &Path, network: &NetworkFile) -> anyhow::Result<Self> {
        let children = network.nodes.iter().map(|node| Self::start_one(folder, node)).collect::<anyhow::Result<_>>()?;
        Ok(Self { children })
    }

    /// Starts one validator.
    pub(crate) fn start_one(folder: &Path, node: &NetworkNode) -> anyhow::Result<Child> {
        let log = std::fs::OpenOptions::new().create(true).append(true).open(folder.join(&node.home).join("log"))?;
        Command::new(std::env::current_exe()?)
            .args(["node", "start", "--home"])
            .arg(folder.join(&node.home))
            .stdin(std::process::Stdio::null())
            .stdout(std::process::Stdio::null())
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .context("cannot start a validator")
    }

    /// Waits until every validator has a published head, with progress.
    pub(crate) async fn ready(&mut self, folder: &Path, network: &NetworkFile) -> anyhow::Result<()> {
        let bar = ProgressBar::new(network.nodes.len() as u64)
            .with_style(ProgressStyle::with_template("{spinner} {pos}/{len} validators ready {elapsed}")?);
        let deadline = tokio::time::Instant::now() + READY_WITHIN;
        loop {
            let mut ready = 0;
            for (child, node) in self.children.iter_mut().zip(&network.nodes) {
                if let Some(status) = child.try_wait()? {
                    let log = folder.join(&node.home).join("log");
                    let said = std::fs::read_to_string(&log).unwrap_or_default();
                    let last: Vec<_> = said.lines().rev().take(5).collect();
                    bail!(
                        "{} ended with {status}; {}:\n{}",
                        node.department,
                        log.display(),
                        last.into_iter().rev().collect::<Vec<_>>().join("\n")
                    );
                }
                ready += u64::from(Client::new(&node.url)?.get("/health/ready").await.is_ok());
            }
            bar.set_position(ready);
            if ready == network.nodes.len() as u64 {
                bar.finish_and_clear();
                return Ok(());
            }
            if tokio::time::Instant::now() >= deadline {
                bail!(
                    "the validators are not ready after {} s; see the logs in {}",
                    READY_WITHIN.as_secs(),
                    folder.display()
                );
            }
            bar.tick();
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Asks the children to end, waits, and ends those that do not.
    pub(crate) async fn stop(mut self) {
        for child in &self.children {
            if let Some(id) = child.id() {
                let _gone = Command::new("kill").arg(id.to_string()).status().await;
            }
        }
        for child in &mut self.children {
            if tokio::time::timeout(Duration::from_secs(10), child.wait()).await.is_err() {
                let _gone = child.kill().await;
            }
        }
    }
}

async fn stay_up(folder: &Path) -> anyhow::Result<ExitCode> {
    if !folder.join("network.json").exists() {
        let count = 4;
        generate(&Generate {
            dir: folder.to_owned(),
            validators: usize::from(count),
            hosts: Vec::new(),
            p2p_port: free_ports(26600, count)?,
            http_port: free_ports(8080, count)?,
            establishment: None,
        })?;
    }
    let network = NetworkFile::read(folder)?;
    let mut running = Running::start(folder, &network)?;
    let mut end = pin!(told_to_end());
    let ready = tokio::select! {
        ready = running.ready(folder, &network) => ready,
        told = &mut end => told.and_then(|()| bail!("told to end before the validators were ready")),
    };
    if ready.is_ok() {
        for node in &network.nodes {
            println!("{:<14} {}", node.department.as_str(), node.url);
        }
        println!("Ctrl-C ends them.");
        end.await?;
    }
    running.stop().await;
    ready.map(|()| ExitCode::SUCCESS)
}

/// Waits for SIGINT or SIGTERM.
pub(crate) async fn told_to_end() -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        _ = terminate.recv() => Ok(()),
        interrupted = tokio::signal::ctrl_c() => Ok(interrupted?),
    }
}
