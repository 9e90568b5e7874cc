//! `dalil qr`: draw the QR codes of documents, and show what a code says.
//!
//! What is drawn was checked against the pin first: nobody prints a node's word. What a code says is shown and not
//! checked; `dalil verify --qr` and `dalil checkpost check` check it. No code's link is ever opened.

mod offline;

use std::io::{BufRead as _, Read as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, bail, ensure};
use clap::{Args, Subcommand, ValueEnum};
use dalil_contracts::Invocation;
use dalil_contracts::mineral::challan::{CHALLAN_URI_PREFIX, Challan};
use dalil_contracts::mineral::checkpost::{ChallanSlip, Plate};
use dalil_contracts::mineral::keys::challan_key;
use dalil_contracts::mineral::types::ChallanNumber;
use dalil_ledger::checkpoint::Pin;
use dalil_ledger::document::Uri;
use dalil_ledger::qr::{Code, Link, receipt};
use dalil_ledger::receipt::{
    Inclusion, InclusionReceipt, Question, Terms, Trust, verify_inclusion_with, verify_register, verify_status,
};
use dalil_ledger::state::Overlay;
use serde_json::{Value, json};

use super::Format;
use super::client::{Client, URL_DEFAULT};
use super::output::{fact, print};
use super::plate::VehicleKey;
use crate::qr::{PHOTO_BYTES_MAX, Picture, PictureKind, read_photo};
use crate::shell::clock::now_ms;
use crate::shell::home::read_private_seed;
use crate::time::ist;
use crate::verification::{batch_of, leaf_uri};

#[derive(Subcommand)]
pub(crate) enum QrCommand {
    /// Draw the code of a document on record.
    Make(Make),
    /// Draw the code B of a challan that is issued off the network, from a range of numbers. Needs no network.
    Offline(offline::Offline),
    /// Show what a code says, without checking it.
    Read(ReadCode),
}

/// Which code.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// A link with the document's URI and the beginning of its digest, for paper. Proves nothing.
    A,
    /// What the issuer says of a challan, signed: for checks where there is no network.
    B,
    /// The inclusion receipt of the record.
    C,
}

#[derive(Args)]
pub(crate) struct Make {
    /// The document's URI, a challan's number, or for C a log index.
    what: String,
    /// Which code: a, b or c.
    #[arg(long, value_enum)]
    kind: Kind,
    /// The picture, .svg or .png; - prints the code's text.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Whom to believe about what is on record: a pin.
    #[arg(long, value_name = "FILE")]
    policy: PathBuf,
    /// The node to ask.
    #[arg(long, default_value = URL_DEFAULT)]
    url: String,
    /// For A: the page that people's phones open.
    #[arg(long, default_value = "https://ledger.example/scan")]
    address: String,
    /// For B: the issuer's key file.
    #[arg(long, value_name = "FILE", required_if_eq("kind", "b"))]
    key: Option<PathBuf>,
    /// For B: the vehicle's plate, as it stands on the document.
    #[arg(long, required_if_eq("kind", "b"))]
    plate: Option<Plate>,
    /// For B: the key that turns plates into vehicle ids, where the issuer has it; the plate is then compared with the record.
    #[arg(long, value_name = "FILE")]
    vehicle_key: Option<PathBuf>,
}

#[derive(Args)]
pub(crate) struct ReadCode {
    /// A photo or picture (PNG, JPEG), the code's text, or - for a line of standard input.
    what: String,
}

pub(crate) async fn run(command: QrCommand, format: Format) -> anyhow::Result<ExitCode> {
    match command {
        QrCommand::Make(make) => draw(&make, format).await,
        QrCommand::Offline(offline) => offline::draw(&offline, format),
        QrCommand::Read(read) => show(&read_code(&read.what).await?, format),
    }
}

async fn draw(make: &Make, format: Format) -> anyhow::Result<ExitCode> {
    let pin = std::fs::read(&make.policy).with_context(|| format!("cannot read {}", make.policy.display()))?;
    let pin = Pin::from_json(&pin).with_context(|| make.policy.display().to_string())?;
    let client = Client::new(&make.url)?;
    let text = match make.kind {
        Kind::A => link_text(make, &client, &pin).await?,
        Kind::B => slip_text(make, &client, &pin).await?,
        Kind::C => receipt_text(make, &client, &pin).await?,
    };
    write(&text, &make.out, format)
}

/// Writes the picture of a code, or prints its text.
fn write(text: &str, out: &Path, format: Format) -> anyhow::Result<ExitCode> {
    if out == Path::new("-") {
        print(text)?;
        return Ok(ExitCode::SUCCESS);
    }
    let kind: PictureKind = out.extension().and_then(|ending| ending.to_str()).unwrap_or_default().parse()?;
    let picture = Picture::of(text)?.to_bytes(kind)?;
    std::fs::write(out, picture).with_context(|| format!("cannot write {}", out.display()))?;
    match format {
        Format::Text => print(&format!("{} with {} characters", out.display(), text.len()))?,
        Format::Json => print(&json!({ "file": out, "text": text }).to_string())?,
    }
    Ok(ExitCode::SUCCESS)
}

/// The URI that somebody means: a challan's number stands for its document's.
fn uri_of(what: &str) -> anyhow::Result<Uri> {
    let uri = if what.starts_with("in.") { what.to_owned() } else { format!("{CHALLAN_URI_PREFIX}{what}") };
    uri.parse().with_context(|| format!("{what:?} is no document's URI and no challan's number"))
}

async fn link_text(make: &Make, client: &Client, pin: &Pin) -> anyhow::Result<String> {
    let uri = uri_of(&make.what)?;
    let status = client.get_query("/v1/receipts/status", &[("uri", uri.to_string())]).await?;
    let answer = verify_status(&status, pin, &Question::Uri(uri.clone()), Terms::now(now_ms()))?;
    let entry = answer.entry.with_context(|| format!("{uri} is not on record"))?;
    Ok(Link::new(uri, &entry.digest).to_url(&make.address)?)
}

async fn receipt_text(make: &Make, client: &Client, pin: &Pin) -> anyhow::Result<String> {
    let query = match make.what.parse::<u64>() {
        Ok(index) => ("index", index.to_string()),
        Err(_) => ("uri", uri_of(&make.what)?.to_string()),
    };
    let bytes = client.get_query("/v1/receipts/inclusion", &[query]).await?;
    let inclusion = verify_inclusion_with(&bytes, Trust::Pin(pin), now_ms(), batch_of)?;
    require_about(&make.what, &inclusion)?;
    receipt::to_code(&InclusionReceipt::parse(&bytes)?).context("the receipt goes by file")
}

/// Refuses the receipt of another record than was asked for.
fn require_about(what: &str, inclusion: &Inclusion) -> anyhow::Result<()> {
    if let Ok(index) = what.parse::<u64>() {
        ensure!(inclusion.index == index, "the node gave record {}, asked was {index}", inclusion.index);
        return Ok(());
    }
    let uri = uri_of(what)?;
    let issued = match &inclusion.document {
        Some(leaf) => leaf_uri(leaf).into_iter().collect(),
        None => Invocation::decode(&inclusion.record.body.call).map(|it| it.documents()).unwrap_or_default(),
    };
    ensure!(issued.contains(&uri), "the node gave record {}, which does not issue {uri}", inclusion.index);
    Ok(())
}

async fn slip_text(make: &Make, client: &Client, pin: &Pin) -> anyhow::Result<String> {
    let (Some(key), Some(plate)) = (&make.key, &make.plate) else { bail!("B takes --key and --plate") };
    let number: ChallanNumber = make.what.strip_prefix(CHALLAN_URI_PREFIX).unwrap_or(&make.what).parse()?;
    let bytes = client.get_query("/v1/checkpost/challan", &[("number", number.to_string())]).await?;
    let ask =
        |state: &dyn dalil_ledger::state::StateView| Overlay::new(state).get_value::<Challan>(&challan_key(&number));
    let proven = verify_register(&bytes, pin, now_ms(), None, ask)?;
    let challan = proven.answer.with_context(|| format!("challan {number} is not on record"))?;
    if let Some(file) = &make.vehicle_key {
        let same = VehicleKey::read(file)?.id(plate) == challan.issued.vehicle;
        ensure!(same, "the challan on record is for another vehicle than {plate}");
    }
    let slip = ChallanSlip::of(&challan, plate.clone()).sign(&read_private_seed(key)?, &pin.terms().chain)?;
    Ok(slip.to_text())
}

/// Reads a code from a photo, a file, the argument itself, or standard input.
pub(crate) async fn read_code(what: &str) -> anyhow::Result<Code> {
    let limit = u64::try_from(PHOTO_BYTES_MAX)?.saturating_add(1);
    let bytes = if what == "-" {
        let mut line = String::new();
        // A scanner goes on typing where a line ends, and never ends its input.
        std::io::stdin().lock().take(limit).read_line(&mut line).context("standard input")?;
        line.into_bytes()
    } else if Path::new(what).is_file() {
        let mut bytes = Vec::new();
        let file = std::fs::File::open(what).with_context(|| format!("cannot read {what}"))?;
        file.take(limit).read_to_end(&mut bytes).with_context(|| format!("cannot read {what}"))?;
        bytes
    } else {
        what.as_bytes().to_vec()
    };
    if let Ok(text) = std::str::from_utf8(&bytes) {
        return Ok(Code::parse(text)?);
    }
    let texts = read_photo(bytes).await?;
    let mut codes: Vec<_> = texts.iter().map(|text| Code::parse(text)).collect();
    // A photo of a document may show another code beside ours.
    if codes.len() > 1 {
        codes.retain(Result::is_ok);
    }
    ensure!(codes.len() <= 1, "there are {} codes of a ledger in the photo: show one", codes.len());
    Ok(codes.pop().context("none of the codes in the photo is of a ledger")??)
}

fn show(code: &Code, format: Format) -> anyhow::Result<ExitCode> {
    let (text, json) = match code {
        Code::Link(link) => {
            let mark = hex::encode(link.mark);
            let lines = ["A: a link. It proves nothing.".to_owned(), fact("document", &link.uri), fact("digest", mark)];
            (lines.join("\n"), json!({ "kind": "a", "uri": link.uri, "digest_starts": hex::encode(link.mark) }))
        }
        Code::Slip(slip) => {
            let said = ChallanSlip::read(slip);
            let lines = match &said {
                Ok(said) => slip_facts(said).join("\n"),
                Err(error) => format!("of a kind that this program does not know: {error}"),
            };
            let issuer = fact("signed by", format_args!("key {}, not checked", slip.body.issuer));
            let json = json!({ "kind": "b", "issuer": slip.body.issuer, "says": said.ok() });
            (format!("B: an issuer's slip, not checked\n{lines}\n{issuer}"), json)
        }
        Code::Receipt(receipt) => {
            let lines = format!("C: an inclusion receipt, not checked\n{}", fact("index", receipt.index));
            let file = String::from_utf8(receipt.to_bytes())?;
            (lines, json!({ "kind": "c", "index": receipt.index, "receipt": file }))
        }
    };
    match format {
        Format::Text => print(&text)?,
        Format::Json => print(&Value::to_string(&json))?,
    }
    Ok(ExitCode::SUCCESS)
}

/// What a challan's slip says, for people.
pub(crate) fn slip_facts(said: &ChallanSlip) -> Vec<String> {
    use dalil_contracts::mineral::quantity::Quantity;
    let quantity = match said.quantity {
        Quantity::Litres(litres) => format!("{}.{:03} m³", litres / 1_000, litres % 1_000),
        Quantity::Kilograms(kilograms) => format!("{kilograms} kg"),
    };
    vec![
        fact("challan", &said.number),
        fact("plate", &said.plate),
        fact("load", format_args!("{} {quantity}, {} kg", said.mineral, said.mass_kg.0)),
        fact("from", &said.site),
        fact("route", format_args!("{} to district {} of state {}", said.route, said.to_district, said.to_state)),
        fact("validity", format_args!("from {}, until {}", ist(said.valid_from_ms), ist(said.valid_until_ms))),
    ]
}
