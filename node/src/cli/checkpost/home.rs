//! A checkpost's folder.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, ensure};
use clap::Args;
use dalil_contracts::mineral::check::{CheckPlace, CheckpostId};
use dalil_contracts::mineral::geo::Point;
use dalil_ledger::checkpoint::Pin;
use dalil_ledger::crypto::SecretKey;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::journal::Journal;
use crate::cli::Format;
use crate::cli::output::{fact, print};
use crate::cli::plate::VehicleKey;
use crate::shell::home::{read_private_seed, replace_file};

/// Value of the field `format`.
const FORMAT: &str = "dalil-checkpost/v1";
/// Microdegrees in a degree, in digits after the point.
const DEGREE_DIGITS: usize = 6;

#[derive(Args)]
pub(crate) struct Init {
    /// The folder to make.
    #[arg(long, value_name = "FOLDER")]
    home: PathBuf,
    /// Id of the checkpost or patrol.
    #[arg(long)]
    post: CheckpostId,
    /// LGD code of its district.
    #[arg(long)]
    district: u32,
    /// Where it stands: latitude and longitude in degrees, such as 22.900000,88.020000.
    #[arg(long, value_parser = parse_point, allow_hyphen_values = true)]
    at: Point,
    /// Whom to believe: a pin, from a source that you trust, never from the node that is asked.
    #[arg(long, value_name = "FILE")]
    policy: PathBuf,
    /// Key file of the device, which seals the checks.
    #[arg(long, value_name = "FILE")]
    device_key: PathBuf,
    /// File with the key that turns plates into vehicle ids, 64 hexadecimal digits.
    #[arg(long, value_name = "FILE")]
    vehicle_key: PathBuf,
}

/// Reads a point in degrees without going through floating numbers.
fn parse_point(text: &str) -> Result<Point, String> {
    let wrong = || format!("expected degrees such as 22.9,88.02, got {text:?}");
    let microdegrees = |text: &str| -> Option<i32> {
        let (sign, text) = text.strip_prefix('-').map_or((1, text), |rest| (-1, rest));
        let (whole, part) = text.split_once('.').unwrap_or((text, ""));
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || part.len() > DEGREE_DIGITS || !digits(whole) || !digits(part) {
            return None;
        }
        format!("{whole}{part:0<DEGREE_DIGITS$}").parse::<i32>().ok()?.checked_mul(sign)
    };
    let (latitude, longitude) = text.split_once(',').ok_or_else(wrong)?;
    let point = microdegrees(latitude.trim()).zip(microdegrees(longitude.trim()));
    let point = point.map(|(lat_udeg, lon_udeg)| Point { lat_udeg, lon_udeg });
    point.filter(|point| point.exists()).ok_or_else(wrong)
}

/// `post.json`.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PostFile {
    format: String,
    place: CheckPlace,
    device_key: PathBuf,
    vehicle_key: PathBuf,
}

/// A checkpost.
pub(super) struct Post {
    folder: PathBuf,
    file: PostFile,
    /// Whom it believes.
    pub(super) pin: Pin,
    /// Until this is dropped no other process uses the folder: two checks must not get one counter.
    _lock: File,
}

pub(super) fn init(init: &Init, format: Format) -> anyhow::Result<ExitCode> {
    let pin = read_pin(&init.policy)?;
    let device = read_private_seed(&init.device_key)?.public();
    VehicleKey::read(&init.vehicle_key)?;
    let path = init.home.join("post.json");
    ensure!(!path.exists(), "{} is there already", path.display());
    std::fs::create_dir_all(&init.home)?;
    let place = CheckPlace { post: init.post.clone(), district: init.district, point: init.at };
    let whole = |path: &Path| std::path::absolute(path).with_context(|| path.display().to_string());
    let (device_key, vehicle_key) = (whole(&init.device_key)?, whole(&init.vehicle_key)?);
    let file = PostFile { format: FORMAT.to_owned(), place, device_key, vehicle_key };
    replace_file(&init.home.join("pin.json"), pin.to_json().as_bytes())?;
    replace_file(&path, &serde_json::to_vec_pretty(&file)?)?;
    match format {
        Format::Text => print(&[fact("checkpost", &init.post), fact("device", device)].join("\n"))?,
        Format::Json => print(&json!({ "post": init.post, "device": device, "home": init.home }).to_string())?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Reads a pin.
pub(super) fn read_pin(path: &Path) -> anyhow::Result<Pin> {
    let pin = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    Pin::from_json(&pin).with_context(|| path.display().to_string())
}

impl Post {
    /// Opens a checkpost's folder for this process.
    pub(super) fn open(folder: &Path) -> anyhow::Result<Self> {
        let path = folder.join("post.json");
        let read = |path: &Path| std::fs::read(path).with_context(|| format!("cannot read {}", path.display()));
        let bytes = read(&path).context("run `dalil checkpost init` first")?;
        let file: PostFile = serde_json::from_slice(&bytes).with_context(|| path.display().to_string())?;
        ensure!(file.format == FORMAT, "{}: format {:?}, expected {FORMAT:?}", path.display(), file.format);
        let pin = read_pin(&folder.join("pin.json"))?;
        let lock = File::create(folder.join("lock"))?;
        lock.lock().with_context(|| format!("cannot lock {}", folder.display()))?;
        Ok(Self { folder: folder.to_owned(), file, pin, _lock: lock })
    }

    /// Where it stands.
    pub(super) fn place(&self) -> &CheckPlace {
        &self.file.place
    }

    /// The key that seals its checks.
    pub(super) fn device_key(&self) -> anyhow::Result<SecretKey> {
        read_private_seed(&self.file.device_key)
    }

    /// What turns plates into vehicle ids.
    pub(super) fn vehicle_key(&self) -> anyhow::Result<VehicleKey> {
        VehicleKey::read(&self.file.vehicle_key)
    }

    /// The bundle that it last synced.
    pub(super) fn bundle_path(&self) -> PathBuf {
        self.folder.join("bundle.json")
    }

    /// Its checks.
    pub(super) fn journal(&self) -> Journal {
        Journal::at(&self.folder)
    }
}
