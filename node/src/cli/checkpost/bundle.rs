//! `dalil checkpost bundle`: what the ledger says of challans, issuers and ranges, taken along with its proofs.
//!
//! | In the bundle | Rests on |
//! |---|---|
//! | each challan's vehicle, stage, end, findings; each issuer's key and its revocation; ranges; parameters | register receipts: state proofs under a header that the pin's validators cosigned, checked again at every use |
//! | the time as of which it speaks | the oldest cosignature among those counted |
//! | that these are *all* challans and ranges since then | the word of the node that listed their numbers |

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, ensure};
use clap::Args;
use dalil_contracts::authority::PostingId;
use dalil_contracts::mineral::checkpost::{Book, BookQuestion, CHALLANS_MAX, POSTINGS_MAX, RANGES_MAX};
use dalil_contracts::mineral::device::DeviceId;
use dalil_contracts::mineral::types::{ChallanNumber, RangeId};
use dalil_ledger::checkpoint::Pin;
use dalil_ledger::receipt::verify_register;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::home::{Post, read_pin};
use crate::cli::Format;
use crate::cli::client::{Client, URL_DEFAULT};
use crate::cli::output::{fact, print};
use crate::shell::clock::now_ms;
use crate::shell::home::replace_file;
use crate::shell::http::Numbers;
use crate::time::{ist, parse_span};

/// Value of the field `format`.
const FORMAT: &str = "dalil-checkpost-bundle/v1";
/// The largest bundle that is read, in bytes: proofs of some fifty thousand challans.
const BUNDLE_BYTES_MAX: u64 = 1 << 30;
/// The most pages of numbers that one bundle takes.
const LISTS_MAX: usize = 10_000;
/// The most numbers that one bundle takes.
const NUMBERS_MAX: usize = 200_000;

#[derive(Args)]
pub(crate) struct Fetch {
    /// The checkpost's folder. Without one, for a page or a gate: --policy, --device and --out.
    #[arg(long, value_name = "FOLDER", required_unless_present = "policy")]
    home: Option<PathBuf>,
    /// Whom to believe: a pin.
    #[arg(long, value_name = "FILE", conflicts_with = "home", requires_all = ["device", "out"])]
    policy: Option<PathBuf>,
    /// The device's public key, as the page shows it.
    #[arg(long, conflicts_with = "home")]
    device: Option<DeviceId>,
    /// Where to put the bundle.
    #[arg(long, value_name = "FILE", conflicts_with = "home")]
    out: Option<PathBuf>,
    /// The node to ask.
    #[arg(long, default_value = URL_DEFAULT)]
    url: String,
    /// How far back challans may have been issued that can still be on the road.
    #[arg(long, value_name = "DURATION", default_value = "4d", value_parser = parse_span)]
    window: u64,
    /// Postings of agents who may not have issued lately; the mineral department hands out the list.
    #[arg(long, value_delimiter = ',')]
    posting: Vec<PostingId>,
}

/// A register receipt and the question that it answers.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Page {
    question: BookQuestion,
    receipt: Value,
}

/// `bundle.json`.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct BundleFile {
    format: String,
    pages: Vec<Page>,
}

/// What a bundle says, every value of it proven.
pub struct Bundle {
    /// What the ledger said.
    pub book: Book,
    /// The time as of which all of it is said, UTC milliseconds.
    pub as_of_ms: u64,
}

/// Why a bundle says nothing.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// There is none, or it is none.
    #[error("{0}")]
    File(String),
    /// A proof is wrong, or the pin expired.
    #[error("the bundle is not proven: {0}")]
    Proof(#[from] dalil_ledger::receipt::CouldNotCheck),
    /// It was asked for another time than that of its proof.
    #[error("the bundle asks what held on {asked}, and its proof is of {proven}")]
    OtherTime {
        /// The time asked for.
        asked: String,
        /// The time of the proof.
        proven: String,
    },
    /// The ledger refuses the question.
    #[error("the ledger says nothing: {0}")]
    Refused(String),
}

impl Page {
    fn check(&self, pin: &Pin, device: &DeviceId, at_ms: u64) -> Result<Bundle, BundleError> {
        let bytes = serde_json::to_vec(&self.receipt).map_err(|error| BundleError::File(error.to_string()))?;
        // How old a bundle may be is judged by who uses it.
        let proven = verify_register(&bytes, pin, at_ms, Some(u64::MAX), |state| self.question.answer(state))?;
        // Whoever made the bundle chose the time for which offices and parameters are read.
        let (asked_at_ms, as_of_ms) = (self.question.asked_at_ms, proven.freshness_ms);
        if asked_at_ms.abs_diff(as_of_ms) > pin.terms().absence_age_max_ms {
            return Err(BundleError::OtherTime { asked: ist(asked_at_ms), proven: ist(as_of_ms) });
        }
        let mut book = proven.answer.map_err(|refused| BundleError::Refused(refused.message))?;
        if self.question.device.as_ref() != Some(device) {
            book.device = None;
        }
        Ok(Bundle { book, as_of_ms })
    }
}

impl Bundle {
    /// Reads a bundle and checks every proof of it against `pin`. What it says of another device than `device` counts for
    /// nothing.
    pub fn read(path: &Path, pin: &Pin, device: &DeviceId, at_ms: u64) -> Result<Self, BundleError> {
        let wrong = |error: &dyn std::fmt::Display| BundleError::File(format!("{}: {error}", path.display()));
        let missing = |error| wrong(&format_args!("{error}; run `dalil checkpost bundle` where there is a network"));
        let size = std::fs::metadata(path).map_err(missing)?.len();
        if size > BUNDLE_BYTES_MAX {
            return Err(wrong(&format_args!("{size} bytes, at most {BUNDLE_BYTES_MAX} are read")));
        }
        let bytes = std::fs::read(path).map_err(|error| wrong(&error))?;
        let file: BundleFile = serde_json::from_slice(&bytes).map_err(|error| wrong(&error))?;
        if file.format != FORMAT {
            return Err(wrong(&format_args!("format {:?}, expected {FORMAT:?}", file.format)));
        }
        Self::of_pages(&file.pages, pin, device, at_ms)
    }

    fn of_pages(pages: &[Page], pin: &Pin, device: &DeviceId, at_ms: u64) -> Result<Self, BundleError> {
        let (first, rest) = pages.split_first().ok_or_else(|| BundleError::File("an empty bundle".to_owned()))?;
        let mut bundle = first.check(pin, device, at_ms)?;
        for page in rest {
            let Self { book, as_of_ms } = page.check(pin, device, at_ms)?;
            bundle.book.merge(book);
            bundle.as_of_ms = bundle.as_of_ms.min(as_of_ms);
        }
        Ok(bundle)
    }
}

/// The numbers of challans and ranges since a time, by the node's word.
async fn list(client: &Client, since_ms: u64) -> anyhow::Result<(Vec<ChallanNumber>, Vec<RangeId>)> {
    let (mut challans, mut ranges) = (Vec::new(), Vec::new());
    let (mut pages, mut from) = (0, 0);
    let mut query = ("since_ms", since_ms.to_string());
    loop {
        let page: Numbers = client.get_json("/v1/checkpost/numbers", &[query.clone()]).await?;
        challans.extend(page.challans);
        ranges.extend(page.ranges);
        ensure!(challans.len().max(ranges.len()) <= NUMBERS_MAX, "more than {NUMBERS_MAX} numbers: a shorter --window");
        if page.next >= page.log_size {
            return Ok((challans, ranges));
        }
        ensure!(page.next > from, "the node lists the same page again and again");
        pages += 1;
        ensure!(pages < LISTS_MAX, "the node lists more than {LISTS_MAX} pages: a shorter --window");
        from = page.next;
        query = ("from", from.to_string());
    }
}

/// One question after the other, each no larger than one receipt bears.
fn questions(
    mut challans: &[ChallanNumber],
    mut ranges: &[RangeId],
    mut postings: &[PostingId],
    device: DeviceId,
    asked_at_ms: u64,
) -> Vec<BookQuestion> {
    fn take<'a, T>(left: &mut &'a [T], max: usize) -> &'a [T] {
        let (taken, rest) = left.split_at(left.len().min(max));
        *left = rest;
        taken
    }
    let mut questions = Vec::new();
    while questions.is_empty() || !(challans.is_empty() && ranges.is_empty() && postings.is_empty()) {
        questions.push(BookQuestion {
            asked_at_ms,
            challans: take(&mut challans, CHALLANS_MAX).to_vec(),
            ranges: take(&mut ranges, RANGES_MAX).to_vec(),
            postings: take(&mut postings, POSTINGS_MAX).to_vec(),
            device: Some(device),
        });
    }
    questions
}

/// For whom a bundle is fetched.
struct Wanted {
    pin: Pin,
    device: DeviceId,
    out: PathBuf,
    /// Held until the bundle is written, so that no check reads half of one.
    _post: Option<Post>,
}

impl Fetch {
    fn wanted(&self) -> anyhow::Result<Wanted> {
        if let Some(home) = &self.home {
            let post = Post::open(home)?;
            let (pin, device, out) = (post.pin.clone(), post.device_key()?.public(), post.bundle_path());
            return Ok(Wanted { pin, device, out, _post: Some(post) });
        }
        let given = self.policy.as_ref().zip(self.device).zip(self.out.clone());
        let ((policy, device), out) = given.context("give --home, or --policy, --device and --out")?;
        Ok(Wanted { pin: read_pin(policy)?, device, out, _post: None })
    }
}

pub(super) async fn run(fetch: &Fetch, format: Format) -> anyhow::Result<ExitCode> {
    let Wanted { pin, device, out, _post } = fetch.wanted()?;
    let client = Client::new(&fetch.url)?;
    let asked_at_ms = now_ms();
    let (challans, ranges) = list(&client, asked_at_ms.saturating_sub(fetch.window)).await?;
    let mut pages = Vec::new();
    for question in questions(&challans, &ranges, &fetch.posting, device, asked_at_ms) {
        let receipt = client.post_json("/v1/checkpost/book", &question).await?;
        pages.push(Page { question, receipt });
    }
    // As if a stranger had handed it over: the node's word counts for nothing but the list.
    let Bundle { book, as_of_ms } = Bundle::of_pages(&pages, &pin, &device, now_ms())?;
    ensure!(book.device.is_some(), "device {device} is not registered: its checks would be refused (O1)");
    let bytes = serde_json::to_vec(&BundleFile { format: FORMAT.to_owned(), pages })?;
    replace_file(&out, &bytes).context("cannot keep the bundle")?;
    let issuers = book.issuers.values().flatten().count();
    let said = json!({
        "as_of_ms": as_of_ms, "challans": book.challans.len(), "issuers": issuers, "ranges": book.ranges.len(),
        "bytes": bytes.len(),
    });
    let lines = [
        fact(
            "bundle",
            format_args!("{} challans, {issuers} issuers, {} ranges", book.challans.len(), book.ranges.len()),
        ),
        fact("as of", ist(as_of_ms)),
        fact("proven", "what it says of each challan, issuer and range, against the pin"),
        fact(
            "not proven",
            format_args!(
                "that these are all since {}: this is {}'s word",
                ist(asked_at_ms.saturating_sub(fetch.window)),
                client.base()
            ),
        ),
    ];
    match format {
        Format::Text => print(&lines.join("\n"))?,
        Format::Json => print(&said.to_string())?,
    }
    Ok(ExitCode::SUCCESS)
}
