//! `dalil verify`: is a document genuine and in force? Checked here, against a pin that the caller trusts.
//!
//! A receipt file is checked alone, and so are the claims of a presentation that carries one. A document's file, a URI or a digest is asked at a node, whose receipt is then checked
//! in the same way: the node's own word never counts, and no document leaves this machine.

mod check;
mod claims;
mod code;
mod finding;
mod subject;
mod trust;
mod words;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use dalil_ledger::crypto::Hash;
use dalil_ledger::document::Uri;
use dalil_ledger::receipt::{Exit, Terms};

use self::finding::{Finding, Report, Unchecked};
use self::subject::{Asked, Subject, digest_of};
use self::trust::Believed;
use super::Format;
use super::client::{Client, ClientError};
use super::output::print;
use crate::shell::clock::now_ms;
use crate::time::{parse_moment, parse_span};

const EXIT_CODES: &str = "Exit codes: 0 valid; 1 recorded but not valid now; 2 usage; 3 not on record; 4 could not check, or \
                          a proof is wrong; 5 recorded, present status not proven (an inclusion receipt).";

#[derive(Args)]
#[command(after_help = EXIT_CODES)]
pub(crate) struct Verify {
    /// A receipt (.dalil-status or .tlog-proof), a presentation of claims, a document's file, a document's URI, or the SHA-256 of its file.
    what: String,
    /// The first argument is a QR code: a photo of it, its text, or - for a line of standard input.
    #[arg(long)]
    qr: bool,
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
    #[arg(long, default_value = "http://127.0.0.1:8080")]
    url: String,
    /// Keep the receipts in this folder, to be shown to others.
    #[arg(long, value_name = "FOLDER")]
    save: Option<PathBuf>,
    /// The document's file that a receipt must be about.
    #[arg(long, value_name = "FILE")]
    document: Option<PathBuf>,
    /// The URI that a receipt must be about.
    #[arg(long)]
    uri: Option<Uri>,
}

/// A command that asks for nothing that can be checked.
#[derive(Debug)]
struct Usage(String);

/// Checks, prints, and gives the exit code. No failure of any kind ends in another code than those of `verify`.
pub(crate) async fn run(verify: &Verify, format: Format) -> ExitCode {
    let (code, text, json) = match investigate(verify).await {
        Ok(report) => (report.exit(), report.to_text(), report.to_json()),
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
    let subject = if verify.qr { code::read(&verify.what).await? } else { Subject::read(&verify.what)? };
    let pin_bytes = trust::read(&verify.policy)?;
    let mut asked =
        Asked { uri: verify.uri.clone(), digest: verify.document.as_deref().map(digest_of).transpose()?, slot: None };
    let is_receipt = match &subject {
        Subject::Status(_) | Subject::Inclusion(_) => true,
        Subject::Presentation(shown) => shown.as_ref().as_ref().map_or(true, |shown| shown.receipt.is_some()),
        Subject::Document(_) | Subject::Uri(_) | Subject::Digest(_) | Subject::Link(_) | Subject::Slip(_) => false,
    };
    if is_receipt && verify.save.is_some() {
        return Err(Usage("--save keeps receipts that a node gave; this is one already".to_owned()));
    }
    if matches!(subject, Subject::Inclusion(_))
        && (verify.as_of.or(verify.known_at).is_some() || verify.max_age.is_some())
    {
        return Err(Usage(
            "--as-of, --known-at and --max-age ask for a status, which an inclusion receipt does not prove".to_owned(),
        ));
    }
    if !is_receipt {
        asked.add(&subject)?;
        if verify.offline && !matches!(subject, Subject::Document(_)) {
            return Err(Usage("offline there is nobody to ask: give a receipt file".to_owned()));
        }
    }
    let mut report = Report {
        finding: Finding::Unchecked(Unchecked::new("unchecked", "")),
        asked,
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
    let (now_ms, age_max_ms) = (report.checked_at_ms, verify.max_age);
    let terms = Terms { now_ms, age_max_ms, as_of_ms: verify.as_of, known_at_ms: verify.known_at };
    match subject {
        Subject::Status(bytes) => check::status(bytes, &believed, &mut report.asked, terms),
        Subject::Inclusion(bytes) => check::inclusion(bytes, &believed, &mut report.asked, terms.now_ms),
        Subject::Presentation(shown) => {
            let shown = shown.as_ref().as_ref().map_err(claims::refused)?;
            report.asked.name(&shown.uri)?;
            let finding = match &shown.receipt {
                Some(receipt) => check::status(receipt.as_bytes(), &believed, &mut report.asked, terms)?,
                None => ask(verify, &believed, report, terms).await?,
            };
            report.claims = claims::of(shown, &finding)?;
            Ok(finding)
        }
        Subject::Link(link) => {
            let finding = ask(verify, &believed, report, terms).await?;
            code::fits(link, &finding)?;
            Ok(finding)
        }
        Subject::Slip(slip) => {
            let finding = ask(verify, &believed, report, terms).await?;
            report.slip = Some(code::signed(slip, &believed, &finding)?);
            Ok(finding)
        }
        _ if verify.offline => {
            let detail = "the file is neither a status receipt nor an inclusion receipt, and offline no node is asked";
            Err(Unchecked::new("malformed", detail))
        }
        _ => ask(verify, &believed, report, terms).await,
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
}

/// Fetches a status receipt and checks it as if a stranger had handed it over.
async fn ask(verify: &Verify, believed: &Believed, report: &mut Report, terms: Terms) -> Result<Finding, Unchecked> {
    // Before the node is asked: without a pin its receipt could not be checked.
    believed.pin()?;
    let client = Client::new(&verify.url).map_err(|error| Unchecked::new("unreachable", format!("{error:#}")))?;
    let question = match (&report.asked.digest, &report.asked.uri) {
        (Some(digest), _) => ("digest", digest.to_string()),
        (None, Some(uri)) => ("uri", uri.to_string()),
        (None, None) => return Err(Unchecked::new("incomplete", "nothing was asked")),
    };
    let status = client.get_query("/v1/receipts/status", &[question]).await.map_err(no_receipt)?;
    // The receipt may be younger than the clock that was read before it was asked for.
    report.checked_at_ms = now_ms();
    let terms = Terms { now_ms: report.checked_at_ms, ..terms };
    let by = report.asked.question();
    let finding = check::status(&status, believed, &mut report.asked, terms)?;
    let answers_it = match (&by, &finding) {
        (Some(dalil_ledger::receipt::Question::Digest(digest)), _) => report.asked.digest == Some(*digest),
        (Some(dalil_ledger::receipt::Question::Uri(uri)), _) => report.asked.uri.as_ref() == Some(uri),
        (Some(dalil_ledger::receipt::Question::Slot(_)) | None, _) => false,
    };
    if !answers_it {
        return Err(Unchecked::new("other_document", "the node gave a receipt about something else"));
    }
    if let Some(folder) = &verify.save {
        match save(&client, folder, believed, &status, report).await {
            Ok(saved) => report.saved = saved,
            Err(why) => eprintln!("dalil: receipts not kept: {why}"),
        }
    }
    Ok(finding)
}

fn no_receipt(error: ClientError) -> Unchecked {
    match error {
        ClientError::Problem(problem) => Unchecked::new(&problem.code, format!("the node says: {}", problem.detail)),
        unreachable @ ClientError::Unreachable(..) => Unchecked::new("unreachable", unreachable.to_string()),
    }
}

/// Keeps the status receipt and, for a document on record, the inclusion receipt of its record once it is checked too.
async fn save(
    client: &Client,
    folder: &Path,
    believed: &Believed,
    status: &[u8],
    report: &Report,
) -> Result<Vec<String>, String> {
    let Asked { uri, digest, .. } = &report.asked;
    let name = uri.as_ref().map(ToString::to_string).or_else(|| digest.as_ref().map(ToString::to_string));
    let name: String = name.unwrap_or_default().chars().map(safe).collect();
    std::fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut saved = Vec::new();
    let mut keep = |ending: &str, bytes: &[u8]| {
        let path = folder.join(format!("{name}.{ending}"));
        std::fs::write(&path, bytes).map_err(|error| format!("{}: {error}", path.display()))?;
        saved.push(path.display().to_string());
        Ok::<(), String>(())
    };
    keep("dalil-status", status)?;
    if let (Some(uri), Some(_)) = (uri, digest) {
        let query = [("uri", uri.to_string())];
        let proof = client.get_query("/v1/receipts/inclusion", &query).await.map_err(|error| error.to_string())?;
        check::inclusion(&proof, believed, &mut Asked::default(), report.checked_at_ms).map_err(|why| why.detail)?;
        keep("tlog-proof", &proof)?;
    }
    Ok(saved)
}

/// A character of a file's name: URIs may hold what folders are made of.
fn safe(character: char) -> char {
    if character.is_ascii_alphanumeric() || matches!(character, '.' | '-' | '_') { character } else { '_' }
}
