//! `dalil checkpost check`: the truck in front of the barrier, judged without a network.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::ensure;
use clap::Args;
use dalil_contracts::mineral::check::CheckChallan;
use dalil_contracts::mineral::checkpost::{ChallanSlip, Judgement, Plate, Reason, Scene, Stop, Verdict, judge};
use dalil_contracts::mineral::device::{Purpose, Seal};
use dalil_contracts::mineral::types::ChallanNumber;
use dalil_contracts::units::Kilograms;
use dalil_ledger::codec::Set;
use dalil_ledger::qr::Code;
use serde_json::{Value, json};

use super::bundle::Bundle;
use super::home::Post;
use super::words;
use crate::cli::Format;
use crate::cli::output::print;
use crate::cli::qr::read_code;
use crate::shell::clock::now_ms;
use crate::time::{ist_rfc3339, parse_span};

pub(super) const EXIT_CODES: &str = "Exit codes: 0 valid; 1 invalid; 2 usage; 4 could not check; 5 valid offline, as of the \
                                     bundle's time. Whatever the answer, the check is in the journal unless it says otherwise.";

/// Exit codes beside [`ExitCode::SUCCESS`].
const INVALID: u8 = 1;
const COULD_NOT_CHECK: u8 = 4;
const VALID_OFFLINE: u8 = 5;

#[derive(Args)]
pub(crate) struct Check {
    /// The challan's QR code B: a photo, its text, or - for a scanner that types a line. Without it: the truck shows none.
    code: Option<String>,
    /// The checkpost's folder.
    #[arg(long, value_name = "FOLDER")]
    home: PathBuf,
    /// The plate on the truck, not the one on the paper.
    #[arg(long)]
    plate: Plate,
    /// Vehicle and load as weighed, kg.
    #[arg(long)]
    gross_kg: Option<u64>,
    /// The oldest bundle to work with.
    #[arg(long, value_name = "DURATION", default_value = "12h", value_parser = parse_span)]
    max_age: u64,
    /// The truck still stands here, scanned just before.
    #[arg(long)]
    same_stop: bool,
}

/// What came of a check.
pub(super) struct Answer {
    /// What the code says, if it is a challan's slip.
    pub(super) said: Option<ChallanSlip>,
    /// The judgement, or why there is none.
    pub(super) judged: Result<Judgement, String>,
    /// Counter of the sealed check, or why it was not recorded.
    pub(super) recorded: Result<u64, String>,
    /// The device's clock, UTC milliseconds.
    pub(super) at_ms: u64,
}

pub(super) async fn run(check: &Check, format: Format) -> ExitCode {
    let answer = match answer(check).await {
        Ok(answer) => answer,
        Err(error) => Answer {
            said: None,
            judged: Err(format!("{error:#}")),
            recorded: Err("nothing was judged".to_owned()),
            at_ms: now_ms(),
        },
    };
    let printed = match format {
        Format::Text => print(&words::answer(&answer)),
        Format::Json => print(&answer.to_json().to_string()),
    };
    if let Err(error) = printed {
        eprintln!("dalil: cannot print the answer: {error}");
    }
    answer.exit()
}

/// What the truck shows.
enum Shown {
    /// No challan at all.
    Nothing,
    /// A code that can be read.
    Code(Code),
    /// Something that cannot be read, and why.
    Unreadable(String),
}

async fn answer(check: &Check) -> anyhow::Result<Answer> {
    let shown = match &check.code {
        None => Shown::Nothing,
        Some(what) => match read_code(what).await {
            Ok(code) => Shown::Code(code),
            Err(error) => Shown::Unreadable(format!("{error:#}")),
        },
    };
    let post = Post::open(&check.home)?;
    let (vehicle, journal) = (post.vehicle_key()?.id(&check.plate), post.journal());
    let made = journal.checks()?;
    let at_ms = now_ms();
    let device = post.device_key()?.public();
    let bundle = Bundle::read(&post.bundle_path(), &post.pin, &device, at_ms);
    let scene = Scene {
        plate: &check.plate,
        vehicle,
        place: post.place(),
        now_ms: at_ms,
        gross_kg: check.gross_kg.map(Kilograms),
        stop: if check.same_stop { Stop::Same } else { Stop::New },
        journal: &made,
    };
    let slip = if let Shown::Code(Code::Slip(slip)) = &shown { Some(slip) } else { None };
    let said = slip.and_then(|slip| ChallanSlip::read(slip).ok());
    let judged = match (&bundle, &shown) {
        (_, Shown::Unreadable(why)) => Err(why.clone()),
        (_, Shown::Code(Code::Link(_) | Code::Receipt(_))) => {
            Err("this code is no slip: a link proves nothing, and a receipt says nothing of today".to_owned())
        }
        (Err(why), _) => Err(why.to_string()),
        (Ok(bundle), Shown::Nothing) => Ok(nothing_shown(bundle)),
        (Ok(Bundle { book, as_of_ms }), Shown::Code(Code::Slip(slip))) => {
            Ok(judge(slip, &post.pin.terms().chain, (book, *as_of_ms), check.max_age, &scene))
        }
    };
    // A code that could not be read names nothing: the officer scans again, and nothing is recorded.
    let number = match &shown {
        Shown::Nothing => Ok(None),
        _ => said.as_ref().map(|said| Some(said.number.clone())).ok_or("no challan's number was read"),
    };
    let recorded = match (number, &bundle) {
        (Err(why), _) => Err(why.to_owned()),
        (_, Err(why)) => Err(why.to_string()),
        (Ok(number), Ok(bundle)) => seal(&post, bundle, number, &scene).map_err(|error| format!("{error:#}")),
    };
    Ok(Answer { said, judged, recorded, at_ms })
}

/// A truck without a challan.
fn nothing_shown(bundle: &Bundle) -> Judgement {
    Judgement {
        verdict: Verdict::Invalid,
        reason: Reason::NothingShown,
        as_of_ms: bundle.as_of_ms,
        earlier: None,
        alerts: Set::default(),
    }
}

/// Seals the check and puts it into the journal; its counter.
fn seal(post: &Post, bundle: &Bundle, challan: Option<ChallanNumber>, scene: &Scene<'_>) -> anyhow::Result<u64> {
    let key = post.device_key()?;
    let device = bundle.book.device.as_ref();
    let device = device.ok_or_else(|| anyhow::anyhow!("the device is not registered"))?;
    let last = scene.journal.iter().filter_map(|check| check.seal.as_ref()).map(|seal| seal.counter).max();
    let last_at = scene.journal.iter().map(|check| check.observed_at_ms).max().unwrap_or_default();
    ensure!(scene.now_ms >= last_at.max(device.observed_at_ms), "the clock runs behind the checks made before: set it");
    let counter = last.unwrap_or_default().max(device.counter).saturating_add(1);
    let check = CheckChallan {
        challan,
        vehicle: scene.vehicle,
        place: scene.place.clone(),
        observed_at_ms: scene.now_ms,
        gross_kg: scene.gross_kg,
        seal: None,
    };
    let seal = Seal::new(&key, &post.pin.terms().chain, Purpose::Check, (counter, device.mark), &check);
    post.journal().add(&CheckChallan { seal: Some(seal), ..check })?;
    Ok(counter)
}

impl Answer {
    fn exit(&self) -> ExitCode {
        match self.judged.as_ref().map(|judged| judged.verdict) {
            Ok(Verdict::Valid) => ExitCode::SUCCESS,
            Ok(Verdict::ValidOffline) => ExitCode::from(VALID_OFFLINE),
            Ok(Verdict::Invalid) => ExitCode::from(INVALID),
            Ok(Verdict::CouldNotCheck) | Err(_) => ExitCode::from(COULD_NOT_CHECK),
        }
    }

    fn to_json(&self) -> Value {
        let judged = self.judged.as_ref().ok();
        json!({
            "verdict": judged.map_or(Verdict::CouldNotCheck, |judged| judged.verdict),
            "reason": judged.map(|judged| judged.reason),
            "detail": self.judged.as_ref().err(),
            "as_of_ms": judged.map(|judged| judged.as_of_ms),
            "as_of": judged.map(|judged| ist_rfc3339(judged.as_of_ms)),
            "age_ms": judged.map(|judged| self.at_ms.saturating_sub(judged.as_of_ms)),
            "earlier": judged.and_then(|judged| judged.earlier.as_ref()),
            "alerts": judged.map(|judged| &judged.alerts),
            "challan": self.said,
            "counter": self.recorded.as_ref().ok(),
            "not_recorded": self.recorded.as_ref().err(),
            "checked_at": ist_rfc3339(self.at_ms),
        })
    }
}
