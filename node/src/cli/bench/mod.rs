//! `dalil bench`: drives a network with records of all kinds and says what a record costs.
//!
//! [`workload`] makes and signs the records, [`driver`] hands them in, [`measure`] reads clocks, processes and blocks,
//! [`report`] prints. A run is: an idle network, a warm-up, what the records rest on, flat out, half of that rate, and
//! batches if asked for. Figures vary from machine to machine and from run to run, so each stands beside a yardstick
//! taken in the same run.

// Reports are for people and are never hashed.
#![allow(clippy::float_arithmetic)]

mod driver;
mod measure;
mod report;
mod workload;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::Args;
use serde_json::{Value, json};

use self::driver::{Driver, Outcome, Pace};
use self::measure::{Blocks, Reading};
use self::report::Row;
use self::workload::{BATCH_DOCUMENTS, Mix, Workload};
use super::Format;
use super::client::Client;
use super::testnet::{Generate, NetworkFile, Running, free_ports, generate};
use crate::shell::clock::now_ms;
use crate::shell::database::open_ledger;
use crate::shell::home::Home;

/// How long the idle network is watched.
const IDLE: Duration = Duration::from_secs(5);
/// How long the warm-up lasts.
const WARM_UP: Duration = Duration::from_secs(3);
/// How far one node may be behind another when the answers are in.
const SETTLING: Duration = Duration::from_millis(500);
/// Batches of a run.
const BATCHES: u64 = 6;
/// Warm-up records signed for each second of it: more than any machine in reach makes final.
const WARM_UP_RATE: u64 = 6_000;
/// Records signed for each one that the warm-up's rate promises.
const RESERVE_PERCENT: u64 = 150;

#[derive(Args)]
pub(crate) struct Bench {
    /// How many validators to start.
    #[arg(long, default_value_t = 4)]
    validators: u16,
    /// Length of the measured window.
    #[arg(long, default_value_t = 20)]
    seconds: u64,
    /// Records a second; without it flat out, and then half of what that gave.
    #[arg(long)]
    rate: Option<u32>,
    /// Requests outstanding at most.
    #[arg(long, default_value_t = 512)]
    clients: usize,
    /// Kinds of records and their weights.
    #[arg(long, default_value = "mutation=15,deed=15,challan=30,vehicle=5,payment=5,certificate=30")]
    mix: Mix,
    /// Also issue batches of 4,096 certificates.
    #[arg(long)]
    batch: bool,
    /// Drive the running network of this folder instead of starting one; what needs its processes is left out.
    #[arg(long)]
    testnet: Option<PathBuf>,
    /// Where its nodes are, if not where the folder says.
    #[arg(long = "url", requires = "testnet")]
    urls: Vec<String>,
    /// Keep the network's folder.
    #[arg(long)]
    keep: bool,
    /// Where the report goes.
    #[arg(long, default_value = "target/bench/report.json")]
    out: PathBuf,
}

/// The network that is driven.
struct Target {
    folder: PathBuf,
    network: NetworkFile,
    urls: Vec<String>,
    running: Option<Running>,
    pids: Vec<u32>,
}

impl Target {
    async fn new(options: &Bench) -> anyhow::Result<Self> {
        if let Some(folder) = &options.testnet {
            let network = NetworkFile::read(folder)?;
            let urls = match options.urls.as_slice() {
                [] => network.nodes.iter().map(|node| node.url.clone()).collect(),
                urls => urls.to_vec(),
            };
            return Ok(Self { folder: folder.clone(), network, urls, running: None, pids: Vec::new() });
        }
        let beside = options.out.parent().unwrap_or(Path::new("."));
        let folder = beside.join(format!("network-{}", std::process::id()));
        let network = generate(&Generate {
            dir: folder.clone(),
            validators: usize::from(options.validators),
            hosts: Vec::new(),
            p2p_port: free_ports(27600, options.validators)?,
            http_port: free_ports(9080, options.validators)?,
            establishment: None,
        })?;
        let mut running = Running::start(&folder, &network)?;
        running.ready(&folder, &network).await?;
        let pids = running.children.iter().filter_map(tokio::process::Child::id).collect();
        let urls = network.nodes.iter().map(|node| node.url.clone()).collect();
        Ok(Self { folder, network, urls, running: Some(running), pids })
    }

    async fn reading(&self) -> anyhow::Result<Reading> {
        Reading::take(&Client::new(&self.urls[0])?, &self.pids).await
    }
}

/// One measured window.
struct Window {
    outcome: Outcome,
    blocks: Blocks,
    seconds: f64,
    cpu_s: Vec<f64>,
    driver_cpu_s: f64,
}

impl Window {
    fn rate(&self) -> f64 {
        self.blocks.records as f64 / self.seconds
    }

    /// CPU seconds that a record cost one validator, on average over the validators.
    fn cpu_a_record(&self) -> Option<f64> {
        let validators = self.cpu_s.len();
        let all: f64 = self.cpu_s.iter().sum();
        (validators > 0 && self.blocks.records > 0).then(|| all / validators as f64 / self.blocks.records as f64)
    }

    fn describe(&self, parameters: &Value) -> Value {
        let mut all = parameters.clone();
        all["window_seconds"] = json!(self.seconds);
        all["records_final"] = json!(self.blocks.records);
        all["blocks"] = json!(self.blocks.count);
        all["records_a_block"] = json!(self.blocks.records as f64 / self.blocks.count.max(1) as f64);
        all["records_in_largest_block"] = json!(self.blocks.largest);
        all["block_interval_p50_ms"] = json!(self.blocks.interval_p50_ms());
        all["rejected"] = json!(self.outcome.rejected);
        all["expired"] = json!(self.outcome.expired);
        all["pushed_back"] = json!(self.outcome.pushed_back);
        all["driver_cpu_seconds"] = json!(self.driver_cpu_s);
        all["validators_cpu_seconds"] = json!(self.cpu_s);
        all
    }
}

pub(crate) async fn run(options: Bench, format: Format) -> anyhow::Result<ExitCode> {
    let mut target = Target::new(&options).await?;
    let measured = measure_all(&options, &mut target).await;
    if options.testnet.is_none() && !options.keep {
        drop(target.running.take());
        std::fs::remove_dir_all(&target.folder).context("removing the network's folder")?;
    }
    let (rows, refused) = measured?;
    report::write(&options.out, &rows)?;
    match format {
        Format::Json => println!("{}", serde_json::to_string(&rows)?),
        Format::Text => {
            println!("{}", report::table(&rows));
            println!("report: {}", options.out.display());
        }
    }
    if refused > 0 {
        eprintln!("{refused} records were refused or expired: see `rejected` in the report");
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}

/// The rows, and how many records of measured windows were refused or expired.
async fn measure_all(options: &Bench, target: &mut Target) -> anyhow::Result<(Vec<Row>, u64)> {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let parameters = json!({
        "validators": target.network.nodes.len(), "cores": cores, "clients": options.clients,
        "mix": options.mix.to_string(), "seconds": options.seconds, "rate": options.rate,
    });
    let mut rows = Vec::new();
    let mut yardsticks = vec![measure::verify_seconds()?];

    let before = target.reading().await?;
    tokio::time::sleep(IDLE).await;
    let after = target.reading().await?;
    let idle_s = (after.at - before.at).as_secs_f64();
    let busiest = after.cpu_since(&before).into_iter().fold(0.0, f64::max);
    if !target.pids.is_empty() {
        rows.push(Row::new("idle", 1_000.0 * busiest / idle_s, "ms CPU a second, busiest validator", &parameters));
    }

    let driver = Driver::new(target.urls.clone(), options.clients)?;
    let mut workload = Workload::new(&target.folder, &target.network, now_ms())?;
    // Each rests on the one before, so all go to one node, which has that one already.
    let one_by_one = driver.with_clients(1);
    for record in workload.establishment()? {
        let stands = one_by_one.record_all("establishment", vec![record]).await;
        // A network that was used before has these already.
        if target.running.is_some() {
            stands?;
        }
    }
    let warm_up = workload.certificates(WARM_UP.as_secs() * WARM_UP_RATE)?;
    let warm = window(target, &driver, "warm-up", warm_up, Pace::FlatOut, Some(WARM_UP)).await?;

    let lasts = Duration::from_secs(options.seconds);
    let promised = options.rate.map_or(warm.rate() as u64, u64::from);
    let count = options.seconds * promised * RESERVE_PERCENT / 100;
    let pace = options.rate.map_or(Pace::FlatOut, Pace::PerSecond);
    let (stages, records) = workload.mixed(&options.mix, count.max(1))?;
    let entry_bytes = records.iter().map(|record| record.entry_bytes).sum::<usize>() as f64 / records.len() as f64;
    prepare(&driver, stages).await?;
    let full = window(target, &driver, "measuring", records, pace, Some(lasts)).await?;
    let mut refused = full.outcome.rejections() + full.outcome.expired;
    yardsticks.push(measure::verify_seconds()?);

    let half = match options.rate {
        Some(_) => None,
        None => {
            let rate = (full.rate() / 2.0).max(1.0) as u32;
            let (stages, records) = workload.mixed(&options.mix, options.seconds * u64::from(rate))?;
            prepare(&driver, stages).await?;
            let half = window(target, &driver, "half the rate", records, Pace::PerSecond(rate), Some(lasts)).await?;
            refused += half.outcome.rejections() + half.outcome.expired;
            yardsticks.push(measure::verify_seconds()?);
            Some((half, rate))
        }
    };
    let verify_s = yardsticks.iter().sum::<f64>() / yardsticks.len() as f64;
    let described = full.describe(&parameters);
    let capacity = cores as f64 / (target.network.nodes.len() as f64 * verify_s);
    rows.extend(cost_row("record-cpu", &full, verify_s, &described));
    rows.push(Row::new("record-rate", full.rate(), "records/s", &described).against(
        "cores / (validators x one verify_strict)",
        capacity,
        "records/s",
    ));
    if let Some((half, rate)) = &half {
        rows.extend(cost_row("record-cpu-half", half, verify_s, &half.describe(&parameters).clone()));
        rows.push(finality_row("finality", half, target, &parameters)?.with("rate", *rate));
    }
    rows.push(finality_row(if half.is_some() { "finality-full" } else { "finality" }, &full, target, &parameters)?);
    if options.batch {
        let row = batch_row(target, &driver, &mut workload, &parameters).await?;
        rows.push(row.against("record-rate of this run", full.rate(), "records/s"));
    }
    rows.push(Row::new("entry", entry_bytes, "bytes, mean of the mix", &parameters));
    rows.extend(rest_rows(target, entry_bytes, options.batch, &parameters).await?);
    Ok((rows, refused))
}

/// Hands in what measured records rest on, stage by stage, each when the one before is final on all nodes.
async fn prepare(driver: &Driver, stages: Vec<Vec<workload::Ready>>) -> anyhow::Result<()> {
    for stage in stages {
        driver.record_all("preparing", stage).await?;
        tokio::time::sleep(SETTLING).await;
    }
    Ok(())
}

/// Drives one window and reads clocks, processes and blocks at its two ends.
async fn window(
    target: &Target,
    driver: &Driver,
    what: &'static str,
    records: Vec<workload::Ready>,
    pace: Pace,
    lasts: Option<Duration>,
) -> anyhow::Result<Window> {
    let before = target.reading().await?;
    let (outcome, after) = driver.drive(what, records, pace, lasts, async |_| target.reading().await).await?;
    let after = after?;
    let blocks = Blocks::between(&Client::new(&target.urls[0])?, before.height, after.height).await?;
    if blocks.records == 0 {
        bail!("{what}: no record became final; refused: {:?}, such as {:?}", outcome.rejected, outcome.sample);
    }
    Ok(Window {
        outcome,
        blocks,
        seconds: (after.at - before.at).as_secs_f64(),
        cpu_s: after.cpu_since(&before),
        driver_cpu_s: after.driver_cpu_s - before.driver_cpu_s,
    })
}

fn cost_row(name: &'static str, window: &Window, verify_s: f64, parameters: &Value) -> Option<Row> {
    let cost = window.cpu_a_record()?;
    let row = Row::new(name, cost * 1e6, "us CPU a record a validator", parameters);
    Some(row.against("one verify_strict of 300 bytes", verify_s * 1e6, "us"))
}

fn finality_row(name: &'static str, window: &Window, target: &Target, parameters: &Value) -> anyhow::Result<Row> {
    let milliseconds = |time: Duration| time.as_secs_f64() * 1e3;
    let floor_s = 4.0 * measure::round_trip_seconds()? + 2.0 * measure::fdatasync_seconds(&target.folder)?;
    let outcome = &window.outcome;
    let row = Row::new(name, milliseconds(outcome.quantile(500)), "ms p50", &window.describe(parameters))
        .against("4 loopback round trips + 2 fdatasync", floor_s * 1e3, "ms")
        .with("p90_ms", milliseconds(outcome.quantile(900)))
        .with("p99_ms", milliseconds(outcome.quantile(990)))
        .with("max_ms", milliseconds(outcome.quantile(1_000)));
    Ok(row)
}

/// A few batches handed in two at a time, until all are final; their documents by the time that it took.
async fn batch_row(
    target: &Target,
    driver: &Driver,
    workload: &mut Workload,
    parameters: &Value,
) -> anyhow::Result<Row> {
    let batches = workload.batches(BATCHES)?;
    let driver_of_batches = driver.with_clients(2);
    let window = window(target, &driver_of_batches, "batches", batches, Pace::FlatOut, None).await?;
    let documents = window.blocks.records * BATCH_DOCUMENTS;
    let row = Row::new("batch", documents as f64 / window.seconds, "documents/s", &window.describe(parameters));
    Ok(row.with("documents", documents))
}

/// Memory, and, once the validators have stopped, what their data takes.
async fn rest_rows(
    target: &mut Target,
    entry_bytes: f64,
    batches: bool,
    parameters: &Value,
) -> anyhow::Result<Vec<Row>> {
    let peaks = target.pids.iter().map(|pid| measure::peak_resident_bytes(*pid)).collect::<anyhow::Result<Vec<_>>>()?;
    let Some(peak) = peaks.into_iter().max() else { return Ok(Vec::new()) };
    let mebibytes = |bytes: u64| bytes as f64 / f64::from(1 << 20);
    let mut rows = vec![Row::new("memory", mebibytes(peak), "MiB resident at most", parameters)];
    let Some(running) = target.running.take() else { return Ok(rows) };
    running.stop().await;
    let home = Home::at(target.folder.join(&target.network.nodes[0].home));
    // Opening writes what only the write-ahead log held into tables, as it would lie after a while.
    let size = open_ledger(&home, &home.genesis()?)?.view()?.log_size();
    let bytes = measure::bytes_on_disk(&home.data())?;
    let row = Row::new("disk", bytes as f64 / size as f64, "bytes a log entry", parameters)
        .against("mean entry of the mix", entry_bytes, "bytes")
        .with("log_entries", size)
        .with("with_batches", batches);
    rows.push(row);
    Ok(rows)
}
