//! Hands records in and times them: at a rate, or flat out with a bounded number outstanding.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use indicatif::{ProgressBar, ProgressStyle};
use tokio::time::Instant;

use super::workload::Ready;
use crate::shell::http::Problem;

/// How long a node may take to make a record final before the request counts as expired, in milliseconds.
const WAIT_MS: u64 = 30_000;
/// Pause after "try again later".
const BACK_OFF: Duration = Duration::from_millis(20);

/// How fast records are handed in.
#[derive(Debug, Clone, Copy)]
pub(super) enum Pace {
    /// As fast as answers come.
    FlatOut,
    /// So many a second, whether or not answers come; late ones count from when they were due.
    PerSecond(u32),
}

/// What became of the records.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    /// From submission (or from when it was due) to the answer 200, sorted.
    pub(super) finality: Vec<Duration>,
    /// Answers 202: accepted, not final in time.
    pub(super) expired: u64,
    /// Answers 429, tried again.
    pub(super) pushed_back: u64,
    /// Code → count of other refusals and failures.
    pub(super) rejected: BTreeMap<String, u64>,
    /// One refusal in full.
    pub(super) sample: Option<String>,
}

impl Outcome {
    fn merge(&mut self, other: Self) {
        self.finality.extend(other.finality);
        self.expired += other.expired;
        self.pushed_back += other.pushed_back;
        for (code, count) in other.rejected {
            *self.rejected.entry(code).or_default() += count;
        }
        self.sample = self.sample.take().or(other.sample);
    }

    /// The finality that `per_thousand` of the records did not exceed.
    pub(super) fn quantile(&self, per_thousand: usize) -> Duration {
        let last = self.finality.len().saturating_sub(1);
        self.finality.get(last * per_thousand / 1_000).copied().unwrap_or_default()
    }

    /// Refusals and failures of every kind.
    pub(super) fn rejections(&self) -> u64 {
        self.rejected.values().sum()
    }
}

/// Connections to the nodes of a network.
pub(super) struct Driver {
    http: reqwest::Client,
    urls: Vec<String>,
    clients: usize,
}

struct Shared {
    records: Arc<Vec<Ready>>,
    next: AtomicUsize,
    over: AtomicBool,
    start: Instant,
    pace: Pace,
    bar: ProgressBar,
}

impl Driver {
    /// `clients` requests are outstanding at most, spread over `urls`.
    pub(super) fn new(urls: Vec<String>, clients: usize) -> anyhow::Result<Self> {
        let http = reqwest::Client::builder()
            .timeout(Duration::from_millis(WAIT_MS + 10_000))
            .pool_max_idle_per_host(clients)
            .tcp_nodelay(true)
            .build()
            .context("HTTP client")?;
        Ok(Self { http, urls, clients: clients.max(1) })
    }

    /// The same connections with another number of requests outstanding.
    pub(super) fn with_clients(&self, clients: usize) -> Self {
        Self { http: self.http.clone(), urls: self.urls.clone(), clients }
    }

    /// Hands in `records` in order until they or the time are used up, and waits for the answers that are outstanding.
    /// `at_end` is called the moment the time is up, with requests still under way.
    pub(super) async fn drive<T>(
        &self,
        what: &'static str,
        records: Vec<Ready>,
        pace: Pace,
        lasts: Option<Duration>,
        at_end: impl AsyncFnOnce(Duration) -> T,
    ) -> anyhow::Result<(Outcome, T)> {
        let style = ProgressStyle::with_template("{msg:20} {pos} final, {per_sec} {elapsed}")?;
        let shared = Arc::new(Shared {
            records: Arc::new(records),
            next: AtomicUsize::new(0),
            over: AtomicBool::new(false),
            start: Instant::now(),
            pace,
            bar: ProgressBar::new_spinner().with_style(style).with_message(what),
        });
        let mut tasks = tokio::task::JoinSet::new();
        for client in 0..self.clients {
            let url = format!("{}/v1/records?wait_ms={WAIT_MS}", self.urls[client % self.urls.len()]);
            tasks.spawn(client_loop(self.http.clone(), url, shared.clone()));
        }
        let drained = async move {
            let mut outcome = Outcome::default();
            while let Some(done) = tasks.join_next().await {
                outcome.merge(done?);
            }
            anyhow::Ok(outcome)
        };
        tokio::pin!(drained);
        let mut early = None;
        match lasts {
            None => early = Some((&mut drained).await?),
            Some(lasts) => tokio::select! {
                done = &mut drained => early = Some(done?),
                () = tokio::time::sleep(lasts) => shared.over.store(true, Ordering::Relaxed),
            },
        }
        let ended = at_end(shared.start.elapsed()).await;
        let mut outcome = match early {
            Some(outcome) => outcome,
            None => drained.await?,
        };
        shared.bar.finish_and_clear();
        outcome.finality.sort_unstable();
        Ok((outcome, ended))
    }

    /// Hands in all of `records` and fails unless every one becomes final.
    pub(super) async fn record_all(&self, what: &'static str, records: Vec<Ready>) -> anyhow::Result<()> {
        let count = records.len();
        let (outcome, ()) = self.drive(what, records, Pace::FlatOut, None, async |_| ()).await?;
        if outcome.finality.len() != count {
            anyhow::bail!(
                "{what}: {} of {count} records became final, {} expired, refused: {:?}, such as {}",
                outcome.finality.len(),
                outcome.expired,
                outcome.rejected,
                outcome.sample.as_deref().unwrap_or("none"),
            );
        }
        Ok(())
    }
}

async fn client_loop(http: reqwest::Client, url: String, shared: Arc<Shared>) -> Outcome {
    let mut outcome = Outcome::default();
    loop {
        let place = shared.next.fetch_add(1, Ordering::Relaxed);
        let Some(record) = shared.records.get(place) else { return outcome };
        let due = match shared.pace {
            Pace::FlatOut => Instant::now(),
            Pace::PerSecond(rate) => {
                let nanoseconds = place as u64 * 1_000_000_000 / u64::from(rate.max(1));
                let due = shared.start + Duration::from_nanos(nanoseconds);
                tokio::time::sleep_until(due).await;
                due
            }
        };
        loop {
            if shared.over.load(Ordering::Relaxed) {
                return outcome;
            }
            match post(&http, &url, &record.body).await {
                Answer::Final => {
                    outcome.finality.push(due.elapsed());
                    shared.bar.inc(1);
                }
                Answer::Pending => outcome.expired += 1,
                Answer::TryAgain => {
                    outcome.pushed_back += 1;
                    tokio::time::sleep(BACK_OFF).await;
                    continue;
                }
                Answer::Refused(code, why) => {
                    *outcome.rejected.entry(code).or_default() += 1;
                    outcome.sample.get_or_insert(why);
                }
            }
            break;
        }
    }
}

enum Answer {
    Final,
    Pending,
    TryAgain,
    Refused(String, String),
}

async fn post(http: &reqwest::Client, url: &str, body: &[u8]) -> Answer {
    let request = http.post(url).header("content-type", "application/json").body(body.to_vec());
    let response = match request.send().await {
        Ok(response) => response,
        Err(error) => return Answer::Refused("unreachable".to_owned(), format!("{error:#}")),
    };
    let status = response.status().as_u16();
    let bytes = match response.bytes().await {
        Ok(bytes) => bytes,
        Err(error) => return Answer::Refused("unreachable".to_owned(), format!("{error:#}")),
    };
    match status {
        200 => Answer::Final,
        202 => Answer::Pending,
        429 => Answer::TryAgain,
        _ => {
            let text = String::from_utf8_lossy(&bytes).into_owned();
            let code =
                serde_json::from_slice::<Problem>(&bytes).map_or_else(|_| status.to_string(), |problem| problem.code);
            Answer::Refused(code, text)
        }
    }
}
