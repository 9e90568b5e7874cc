//! What a run is measured by: the kernel's accounts of each validator, the blocks, and yardsticks taken on the same
//! machine in the same run.

use std::io::{Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use dalil_ledger::crypto::SecretKey;

use crate::cli::client::Client;

/// The kernel counts CPU time in hundredths of a second, whatever its own tick is.
const TICKS_A_SECOND: f64 = 100.0;
/// Bytes in the message of the yardstick signature.
const YARDSTICK_BYTES: usize = 300;

/// Where a network stands at a moment.
pub(super) struct Reading {
    /// When.
    pub(super) at: Instant,
    /// Height of the first node's head.
    pub(super) height: u64,
    /// CPU seconds, user and system, of each validator since it began; none if they are not ours.
    pub(super) cpu_s: Vec<f64>,
    /// CPU seconds of this process, the driver.
    pub(super) driver_cpu_s: f64,
}

impl Reading {
    /// Reads the network behind `client` and the processes `pids`.
    pub(super) async fn take(client: &Client, pids: &[u32]) -> anyhow::Result<Self> {
        let status: serde_json::Value = client.get_json("/v1/status", &[]).await?;
        let height = status["height"].as_u64().context("a status without a height")?;
        let cpu_s = pids.iter().map(|pid| cpu_seconds(&format!("/proc/{pid}/stat"))).collect::<anyhow::Result<_>>()?;
        Ok(Self { at: Instant::now(), height, cpu_s, driver_cpu_s: cpu_seconds("/proc/self/stat")? })
    }

    /// CPU seconds that each validator used since `earlier`.
    pub(super) fn cpu_since(&self, earlier: &Self) -> Vec<f64> {
        self.cpu_s.iter().zip(&earlier.cpu_s).map(|(now, then)| now - then).collect()
    }
}

/// utime + stime of a process, fields 14 and 15 of proc_pid_stat(5), counted behind the name, which may hold spaces.
fn cpu_seconds(path: &str) -> anyhow::Result<f64> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {path}"))?;
    let behind_name = text.rsplit_once(')').map_or(text.as_str(), |(_, rest)| rest);
    let mut fields = behind_name.split_whitespace().skip(11);
    let mut next =
        || fields.next().and_then(|field| field.parse::<u32>().ok()).with_context(|| format!("{path}: too short"));
    Ok(f64::from(next()? + next()?) / TICKS_A_SECOND)
}

/// The most memory that a process had resident, in bytes.
pub(super) fn peak_resident_bytes(pid: u32) -> anyhow::Result<u64> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("no VmHWM")?;
    let kilobytes: u64 = line.trim().trim_end_matches("kB").trim().parse()?;
    Ok(kilobytes << 10)
}

/// Bytes of all files below a folder.
pub(super) fn bytes_on_disk(folder: &Path) -> anyhow::Result<u64> {
    let mut folders: Vec<PathBuf> = vec![folder.to_owned()];
    let mut sum = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                folders.push(entry.path());
            } else {
                sum += entry.metadata()?.len();
            }
        }
    }
    Ok(sum)
}

/// What the blocks of a window hold.
pub(super) struct Blocks {
    /// Blocks.
    pub(super) count: u64,
    /// Records in all of them.
    pub(super) records: u64,
    /// Records of the largest.
    pub(super) largest: u64,
    /// Milliseconds of chain time from one block to the next, sorted.
    pub(super) intervals_ms: Vec<u64>,
}

impl Blocks {
    /// The blocks above `after` up to `last`.
    pub(super) async fn between(client: &Client, after: u64, last: u64) -> anyhow::Result<Self> {
        let mut blocks = Self { count: 0, records: 0, largest: 0, intervals_ms: Vec::new() };
        let mut before = None;
        for height in after..=last {
            let block: serde_json::Value = client.get_json(&format!("/v1/blocks/{height}"), &[]).await?;
            let field = |name: &str| block["header"][name].as_u64().with_context(|| format!("a block without {name}"));
            let time_ms = field("timestamp_ms")?;
            if let Some(before) = before {
                let records = field("record_count")?;
                blocks.count += 1;
                blocks.records += records;
                blocks.largest = blocks.largest.max(records);
                blocks.intervals_ms.push(time_ms.saturating_sub(before));
            }
            before = Some(time_ms);
        }
        blocks.intervals_ms.sort_unstable();
        Ok(blocks)
    }

    /// Median of the intervals, in milliseconds.
    pub(super) fn interval_p50_ms(&self) -> u64 {
        self.intervals_ms.get(self.intervals_ms.len() / 2).copied().unwrap_or_default()
    }
}

/// CPU time of the calling thread. The scheduler's account does not count time in which others had the core; where it is
/// missing, the clock serves.
fn thread_time(start: Instant) -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds = text.split_whitespace().next().and_then(|field| field.parse().ok());
    nanoseconds.map_or_else(|| start.elapsed(), Duration::from_nanos)
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

/// CPU seconds of one `verify_strict` of a 300-byte message: the median of several rounds.
pub(super) fn verify_seconds() -> anyhow::Result<f64> {
    const ROUNDS: usize = 9;
    const CHECKS: u32 = 400;
    let key = SecretKey::from_seed(&[7; 32]);
    let message = [42; YARDSTICK_BYTES];
    let (public, signature) = (key.public(), key.sign_raw(&message));
    let start = Instant::now();
    let mut rounds = Vec::with_capacity(ROUNDS);
    for _ in 0..ROUNDS {
        let before = thread_time(start);
        for _ in 0..CHECKS {
            public.verify_raw(std::hint::black_box(&message), &signature).context("the yardstick's signature")?;
        }
        rounds.push(thread_time(start).saturating_sub(before) / CHECKS);
    }
    Ok(median(rounds).as_secs_f64())
}

/// Seconds of one fdatasync after a small write in `folder`: the median.
pub(super) fn fdatasync_seconds(folder: &Path) -> anyhow::Result<f64> {
    const ROUNDS: usize = 101;
    let path = folder.join("fdatasync");
    let mut file = std::fs::File::create(&path)?;
    let mut rounds = Vec::with_capacity(ROUNDS);
    for _ in 0..ROUNDS {
        file.rewind()?;
        file.write_all(&[1; 4_096])?;
        let start = Instant::now();
        file.sync_data()?;
        rounds.push(start.elapsed());
    }
    std::fs::remove_file(&path)?;
    Ok(median(rounds).as_secs_f64())
}

/// Seconds of one round trip of a byte over loopback TCP: the median.
pub(super) fn round_trip_seconds() -> anyhow::Result<f64> {
    const ROUNDS: usize = 501;
    let listener = std::net::TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, 0))?;
    let address = listener.local_addr()?;
    let echo = std::thread::spawn(move || -> std::io::Result<()> {
        let (mut stream, _) = listener.accept()?;
        stream.set_nodelay(true)?;
        let mut byte = [0];
        while stream.read_exact(&mut byte).is_ok() {
            stream.write_all(&byte)?;
        }
        Ok(())
    });
    let mut stream = std::net::TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    let mut rounds = Vec::with_capacity(ROUNDS);
    let mut byte = [0];
    for _ in 0..ROUNDS {
        let start = Instant::now();
        stream.write_all(&byte)?;
        stream.read_exact(&mut byte)?;
        rounds.push(start.elapsed());
    }
    drop(stream);
    let _ended = echo.join();
    Ok(median(rounds).as_secs_f64())
}
