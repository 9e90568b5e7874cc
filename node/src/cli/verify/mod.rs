//! `dalil verify`: is a document genuine and in force? Checked here, against a pin that the caller trusts.
//!
//! A receipt file is checked alone, and so are the claims of a presentation that carries one. Whatever else is asked about is
//! asked at a node, whose receipts are then checked in the same way: the node's own word never counts, and neither a document
//! nor a plate leaves this machine. Many questions are asked out of a file: `batch`.

mod ask;
mod batch;
mod check;
mod claims;
mod code;
mod finding;
mod named;
mod report;
mod subject;
mod trust;
mod words;

use std::path::PathBuf;
use std::process::ExitCode;

pub use batch::{ReadQuestion, read_questions};
use clap::{ArgGroup, Args};
use dalil_ledger::crypto::Hash;
use dalil_ledger::document::Uri;
use dalil_ledger::receipt::Exit;

use self::check::{Checker, Moments};
use self::finding::{Finding, Unchecked};
use self::named::Named;
use self::report::Report;
use self::subject::{Asked, Subject, digest_of};
use self::trust::Believed;
use super::Format;
use super::client::{Client, URL_DEFAULT};
use super::output::print;
use crate::service::Ask;
use crate::shell::clock::now_ms;
use crate::time::{parse_moment, parse_span};

const EXIT_CODES: &str = "Exit codes: 0 valid; 1 recorded but not valid now; 2 usage; 3 not on record; 4 could not check, or \
                          a proof is wrong; 5 recorded, present status not proven (an inclusion receipt).";

/// Options that stand in the place of the first argument.
const OPTIONS_THAT_ASK: [&str; 5] = ["challan", "number", "index", "plot", "batch"];

#[derive(Args)]
#[command(
    after_help = EXIT_CODES,
    group(ArgGroup::new("question").arg("what").args(OPTIONS_THAT_ASK).required(true)),
)]
pub(crate) struct Verify {
    /// A receipt (.dalil-status or .tlog-proof), a presentation of claims, a document's file, a document's URI, or the
    /// SHA-256 of its file.
    what: Option<String>,
    /// The first argument is a QR code: a photo of it, its text, or - for a line of standard input.
    #[arg(long, conflicts_with_all = OPTIONS_THAT_ASK)]
    qr: bool,
    #[command(flatten)]
    named: Named,
    #[command(flatten)]
    many: batch::Options,
    /// Whom to believe: a pin, or for inclusion receipts a C2SP policy. From a source that you trust, never from the node
    /// that is asked.
    #[arg(long, value_name = "FILE")]
    policy: PathBuf,
    /// Ask no node: the first argument must be a receipt.
    #[arg(long, conflicts_with_all = ["url", "save"])]
    offline: bool,
    /// The oldest proof that counts, such as 20s, 10m or 1d, in place of the limit for the document's kind.
    #[arg(long, value_name = "DURATION", value_parser = parse_span)]
    max_age: Option<u64>,
    /// Ask about the legal effect at an earlier moment, as known now: a date (its first moment in IST), an RFC 3339 time,
    /// or UTC milliseconds.
    #[arg(long, value_name = "MOMENT", value_parser = parse_moment)]
    as_of: Option<u64>,
    /// Ask what the ledger said at an earlier moment: only what was recorded until then counts. Without --as-of also the
    /// moment whose legal effect is asked about.
    #[arg(long, value_name = "MOMENT", value_parser = parse_moment)]
    known_at: Option<u64>,
    /// The node to ask.
    #[arg(long, default_value = URL_DEFAULT)]
    url: String,
    /// Keep the receipts in this folder, to be shown to others.
    #[arg(long, value_name = "FOLDER")]
    save: Option<PathBuf>,
    /// The document's file that a receipt must be about.
    #[arg(long, value_name = "FILE", conflicts_with_all = OPTIONS_THAT_ASK)]
    document: Option<PathBuf>,
    /// The URI that a receipt must be about.
    #[arg(long, conflicts_with_all = OPTIONS_THAT_ASK)]
    uri: Option<Uri>,
}

/// A command that asks for nothing that can be checked.
#[derive(Debug)]
struct Usage(String);

/// Checks, prints, and gives the exit code. No failure of any kind ends in another code than those of `verify`.
pub(crate) async fn run(verify: &Verify, format: Format) -> ExitCode {
    let done = match &verify.many.batch {
        Some(path) => batch::run(verify, path).await.map(|sum| (sum.exit(), sum.to_text(), sum.to_json())),
        None => investigate(verify).await.map(|report| (report.finding.exit(), report.to_text(), report.to_json())),
    };
    let (code, text, json) = match done {
        Ok(done) => done,
        Err(Usage(why)) => {
            let code = Exit::Usage.code();
            eprintln!("dalil: {why}");
            if format == Format::Json {
                println!("{}", serde_json::json!({ "status": null, "error": why, "exit_code": code }));
            }
            return ExitCode::from(code);
        }
    };
    let printed = match format {
        Format::Text => print(&text),
        Format::Json => print(&json.to_string()),
    };
    if let Err(error) = printed {
        eprintln!("dalil: cannot print the answer: {error}");
    }
    ExitCode::from(code.code())
}

async fn investigate(verify: &Verify) -> Result<Report, Usage> {
    let subject = match (&verify.what, verify.named.ask()?) {
        (_, Some(ask)) => Subject::Named(Box::new(ask)),
        (Some(what), None) if verify.qr => code::read(what).await?,
        (Some(what), None) => Subject::read(what)?,
        (None, None) => return Err(Usage("say what to verify".to_owned())),
    };
    let pin_bytes = trust::read(&verify.policy)?;
    let mut asked =
        Asked { uri: verify.uri.clone(), digest: verify.document.as_deref().map(digest_of).transpose()?, slot: None };
    let is_receipt = match &subject {
        Subject::Status(_) | Subject::Inclusion(_) => true,
        Subject::Presentation(shown) => shown.as_ref().as_ref().map_or(true, |shown| shown.receipt.is_some()),
        Subject::Document(_)
        | Subject::Uri(_)
        | Subject::Digest(_)
        | Subject::Link(_)
        | Subject::Slip(_)
        | Subject::Named(_) => false,
    };
    if is_receipt && verify.save.is_some() {
        return Err(Usage("--save keeps receipts that a node gave; this is one already".to_owned()));
    }
    let has_moment = verify.as_of.or(verify.known_at).is_some();
    if matches!(subject, Subject::Inclusion(_)) && (has_moment || verify.max_age.is_some()) {
        return Err(Usage(
            "--as-of, --known-at and --max-age ask for a status, which an inclusion receipt does not prove".to_owned(),
        ));
    }
    if let Subject::Named(ask) = &subject
        && (ask.index.is_some() || ask.plot.is_some())
        && has_moment
    {
        return Err(Usage(
            "--as-of and --known-at go with documents; a record and a plot are shown as they stand".to_owned(),
        ));
    }
    if !is_receipt {
        asked.add(&subject)?;
        if verify.offline && !matches!(subject, Subject::Document(_)) {
            return Err(Usage("offline there is nobody to ask: give a receipt file".to_owned()));
        }
    }
    let named = if let Subject::Named(ask) = &subject { Some(ask.as_ref().clone()) } else { None };
    let mut report = Report {
        finding: Finding::Unchecked(Unchecked::new("unchecked", "")),
        asked,
        named,
        node: (!is_receipt && !verify.offline).then(|| verify.url.clone()),
        checked_at_ms: now_ms(),
        sizes: None,
        saved: Vec::new(),
        claims: Vec::new(),
        slip: None,
    };
    let found = find(verify, &subject, &pin_bytes, &mut report).await;
    report.finding = found.unwrap_or_else(Finding::Unchecked);
    Ok(report)
}

async fn find(verify: &Verify, subject: &Subject, pin: &[u8], report: &mut Report) -> Result<Finding, Unchecked> {
    let believed = Believed::parse(pin)?;
    report.sizes = Some(believed.sizes());
    let moments = verify.moments();
    let mut checker = Checker::new(&believed, report.checked_at_ms, verify.max_age);
    match subject {
        Subject::Status(bytes) => checker.status(bytes, None, &mut report.asked, moments),
        Subject::Inclusion(bytes) => checker.inclusion(bytes, &mut report.asked),
        Subject::Presentation(shown) => {
            let shown = shown.as_ref().as_ref().map_err(claims::refused)?;
            report.asked.name(&shown.uri)?;
            let finding = match &shown.receipt {
                Some(receipt) => checker.status(receipt.as_bytes(), None, &mut report.asked, moments)?,
                None => ask(verify, &believed, report).await?,
            };
            report.claims = claims::of(shown, &finding)?;
            Ok(finding)
        }
        Subject::Link(link) => {
            let finding = ask(verify, &believed, report).await?;
            code::fits(link, &finding)?;
            Ok(finding)
        }
        Subject::Slip(slip) => {
            let finding = ask(verify, &believed, report).await?;
            report.slip = Some(code::signed(slip, &believed, &finding)?);
            Ok(finding)
        }
        _ if verify.offline => {
            let detail = "the file is neither a status receipt nor an inclusion receipt, and offline no node is asked";
            Err(Unchecked::new("malformed", detail))
        }
        _ => ask(verify, &believed, report).await,
    }
}

impl Verify {
    fn moments(&self) -> Moments {
        Moments { as_of_ms: self.as_of, known_at_ms: self.known_at }
    }
}

impl Asked {
    /// Adds the URI that a presentation says it is about.
    fn name(&mut self, said: &Uri) -> Result<(), Unchecked> {
        if let Some(uri) = self.uri.as_ref().filter(|uri| *uri != said) {
            let detail = format!("the claims are of {said}, asked was {uri}");
            return Err(Unchecked::new("other_document", detail));
        }
        self.uri = Some(said.clone());
        Ok(())
    }

    /// Adds what the first argument names; two names of different things are no question.
    fn add(&mut self, subject: &Subject) -> Result<(), Usage> {
        let digest: Option<Hash> = match subject {
            Subject::Document(digest) | Subject::Digest(digest) => Some(*digest),
            _ => None,
        };
        let uri = match subject {
            Subject::Uri(uri) => Some(uri.clone()),
            Subject::Link(link) => Some(link.uri.clone()),
            Subject::Slip(slip) => Some(code::uri_of(slip)?),
            _ => None,
        };
        if digest.is_some() && self.digest.is_some_and(|known| Some(known) != digest) {
            return Err(Usage("the first argument and --document are different documents".to_owned()));
        }
        if uri.is_some() && self.uri.is_some() && self.uri != uri {
            return Err(Usage("the first argument and --uri are different documents".to_owned()));
        }
        self.digest = self.digest.or(digest);
        self.uri = self.uri.take().or(uri);
        Ok(())
    }

    /// The question to a node. The digest says more than the URI: it binds the answer to the file.
    fn ask(&self) -> Option<Ask> {
        self.digest.map(Ask::digest).or_else(|| self.uri.clone().map(Ask::uri))
    }
}

/// Fetches receipts and checks them as if a stranger had handed them over.
async fn ask(verify: &Verify, believed: &Believed, report: &mut Report) -> Result<Finding, Unchecked> {
    // Before the node is asked: without a pin its receipt could not be checked.
    believed.pin()?;
    let client = Client::new(&verify.url).map_err(|error| Unchecked::new("unreachable", format!("{error:#}")))?;
    let ask = report.named.clone().or_else(|| report.asked.ask());
    let ask = ask.ok_or_else(|| Unchecked::new("incomplete", "nothing was asked"))?;
    let question = ask.question().map_err(|error| Unchecked::new("incomplete", error.to_string()))?;
    let about = report.about();
    let given = ask::fetch(&client, &ask).await?;
    // The receipts may be younger than the clock that was read before they were asked for.
    report.checked_at_ms = now_ms();
    let mut checker = Checker::new(believed, report.checked_at_ms, verify.max_age);
    let finding = checker.answer(&question, &given, &mut report.asked, verify.moments())?;
    if let Some(folder) = &verify.save {
        match ask::save(&client, folder, &checker, &given, (&about, &report.asked, &finding)).await {
            Ok(saved) => report.saved = saved,
            Err(why) => eprintln!("dalil: receipts not kept: {why}"),
        }
    }
    Ok(finding)
}
