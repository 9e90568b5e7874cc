//! `dalil verify --batch`: the questions of a file, each answered as if it were asked alone.
//!
//! `source` reads the file question by question, `question` makes a question of a row, `answer` asks a node for the receipts
//! of up to a thousand at once and checks each here, `report` writes a line for each in their order, `progress` remembers
//! across an interruption how far the report is, `sum` counts. Memory is bounded however long the file is.

mod answer;
mod csv;
mod json;
mod progress;
mod question;
mod report;
mod source;
mod sum;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use clap::Args;
use futures::StreamExt as _;
use indicatif::{ProgressBar, ProgressStyle};

use self::answer::{Answered, Asker};
use self::progress::{Progress, Run};
use self::question::Context;
use self::report::{Form, Report};
use self::source::{Chunks, Source};
pub use self::source::{ReadQuestion, read_questions};
pub(super) use self::sum::Sum;
use super::trust::{self, Believed};
use super::{Usage, Verify};
use crate::cli::client::Client;

#[derive(Args)]
pub(super) struct Options {
    /// Ask the questions of a file: CSV whose header names their fields, or a JSON object a line.
    #[arg(long, value_name = "FILE", conflicts_with = "save")]
    pub(super) batch: Option<PathBuf>,
    /// Write an answer for each line, in their order: .csv or .jsonl. Run again after an interruption, it goes on.
    #[arg(long, value_name = "FILE", requires = "batch")]
    report: Option<PathBuf>,
    /// A column that is no part of the question and is to stand in the report as well; may be given again.
    #[arg(long, value_name = "COLUMN", requires = "batch")]
    carry: Vec<String>,
    /// Begin with the question on this line of the file.
    #[arg(long, value_name = "LINE", requires = "batch")]
    from_line: Option<u64>,
    /// Requests to the node at once, of up to 1,000 questions each.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=4))]
    requests: u8,
}

/// Asks all questions of the file `path`.
pub(super) async fn run(verify: &Verify, path: &Path) -> Result<Sum, Usage> {
    let began = Instant::now();
    let options = &verify.many;
    let pin = trust::read(&verify.policy)?;
    let context = Context { key: verify.named.key()?, offline: verify.offline, moments: verify.moments() };
    let mut source = Source::open(path, &options.carry, context)?;
    let believed = match Believed::parse(&pin) {
        Ok(believed) => believed,
        Err(why) => return Ok(Sum::default().stopped(why.detail)),
    };
    let form = options.report.as_deref().map(Form::of).transpose()?;
    let (progress, mut sum) = match &options.report {
        Some(report) => Progress::open(report, Run::of(verify, path, &pin)?)?,
        None => (None, Sum::default()),
    };
    let mut report = match (&options.report, form) {
        (Some(report), Some(form)) => Some(Report::open(report, form, &options.carry, sum.report_bytes)?),
        _ => None,
    };
    let client = (!verify.offline).then(|| Client::new(&verify.url)).transpose();
    let client = match client {
        Ok(client) => client,
        Err(error) => return Ok(sum.stopped(format!("{error:#}"))),
    };
    let asker = Arc::new(Asker { client, believed, age_max_ms: verify.max_age });
    let bar = bar(source.bytes());
    let mut answers = {
        source.skip_to(sum.questions, options.from_line);
        let answer = |rows| {
            let asker = asker.clone();
            async move { asker.answer(rows?).await }
        };
        futures::stream::iter(Chunks::from(source)).map(answer).buffered(usize::from(options.requests))
    };
    while let Some(answered) = answers.next().await {
        let kept = answered.and_then(|answered| {
            keep(&answered, &mut sum, report.as_mut(), progress.as_ref())?;
            Ok(answered.last().map_or(0, |one| one.ends_at))
        });
        match kept {
            Ok(ends_at) => bar.set_position(ends_at),
            Err(why) => {
                sum = sum.stopped(why);
                break;
            }
        }
        bar.set_message(format!("{} questions", sum.questions));
    }
    bar.finish_and_clear();
    if let (Some(progress), false) = (progress, sum.is_stopped())
        && let Err(Usage(why)) = progress.end()
    {
        sum = sum.stopped(why);
    }
    sum.took_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    sum.report = options.report.clone();
    Ok(sum)
}

/// Counts answers, and puts them into the report before it is said that they are there.
fn keep(
    answered: &[Answered],
    sum: &mut Sum,
    report: Option<&mut Report>,
    progress: Option<&Progress>,
) -> Result<(), String> {
    answered.iter().for_each(|one| sum.count(one));
    let Some(report) = report else { return Ok(()) };
    let written = answered.iter().try_for_each(|one| report.write(one)).and_then(|()| report.flush());
    sum.report_bytes = written.map_err(|error| format!("cannot write the report: {error}"))?;
    progress.map_or(Ok(()), |progress| progress.save(sum).map_err(|Usage(why)| why))
}

fn bar(bytes: u64) -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:30} {bytes} of {total_bytes}, {msg}, {eta} left");
    let bar = ProgressBar::new(bytes);
    match style {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
