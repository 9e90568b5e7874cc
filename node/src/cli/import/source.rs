//! The register's file: one JSON object a line. Read twice, so that nothing is recorded of a file that does not add up.
//!
//! The lines of a mouza stand together: the mouza, its khatians, its plots. The last line has the totals of the whole file,
//! so that a file cut short is noticed.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::Path;

use anyhow::{Context as _, bail, ensure};
use dalil_contracts::land::import::{ImportedKhatian, ImportedPlot};
use dalil_contracts::land::keys::{KhatianNumber, MouzaId};
use dalil_contracts::land::types::Mouza;
use dalil_ledger::crypto::{Hash, sha256_of_reader};
use serde::{Deserialize, Serialize};

/// The longest line that is read, in bytes; a plot with 256 holders has about 16 KiB.
const LINE_BYTES_MAX: usize = 64 << 10;

/// One line.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Line {
    /// Begins a mouza.
    Mouza(Mouza),
    /// A khatian of the mouza.
    Khatian(ImportedKhatian),
    /// A plot of the mouza, held by khatians that stand above or are on record.
    Plot(ImportedPlot),
    /// Ends the file.
    Totals(Totals),
}

/// What the whole file has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Totals {
    pub(super) mouzas: u64,
    pub(super) khatians: u64,
    pub(super) plots: u64,
    /// Of all plots, in 1/10,000 acre.
    pub(super) area: u64,
}

/// A mouza with all that the file has of it.
#[derive(Debug)]
pub(super) struct MouzaLines {
    pub(super) mouza: Mouza,
    pub(super) khatians: Vec<ImportedKhatian>,
    pub(super) plots: Vec<ImportedPlot>,
}

impl MouzaLines {
    fn area(&self) -> u64 {
        self.plots.iter().fold(0, |sum, plot| sum.saturating_add(plot.area.0))
    }
}

/// What the first reading says of a file.
pub(super) struct Checked {
    pub(super) digest: Hash,
    pub(super) totals: Totals,
}

/// Reads the whole file once: digest, form of each line, order, totals.
pub(super) fn check(path: &Path) -> anyhow::Result<Checked> {
    let open = || File::open(path).with_context(|| format!("cannot read {}", path.display()));
    let digest = sha256_of_reader(open()?).with_context(|| path.display().to_string())?;
    let mut reader = Reader::new(open()?);
    let (mut found, mut seen) = (Totals::default(), BTreeSet::<MouzaId>::new());
    while let Some(mouza) = reader.mouza()? {
        let id = mouza.mouza.id.clone();
        ensure!(
            seen.insert(id.clone()),
            "line {}: mouza {id} stands twice; its lines must stand together",
            reader.number
        );
        found.mouzas += 1;
        found.khatians += mouza.khatians.len() as u64;
        found.plots += mouza.plots.len() as u64;
        found.area = found.area.saturating_add(mouza.area());
    }
    let stated = reader.totals.context("the last line must have the totals; is the file cut short?")?;
    ensure!(stated == found, "the file does not add up: its last line says {stated:?}, its lines have {found:?}");
    Ok(Checked { digest, totals: found })
}

/// The file, mouza by mouza.
pub(super) struct Reader {
    lines: BufReader<File>,
    number: u64,
    next: Option<Mouza>,
    totals: Option<Totals>,
}

impl Reader {
    pub(super) fn open(path: &Path) -> anyhow::Result<Self> {
        Ok(Self::new(File::open(path).with_context(|| format!("cannot read {}", path.display()))?))
    }

    fn new(file: File) -> Self {
        Self { lines: BufReader::new(file), number: 0, next: None, totals: None }
    }

    /// The next mouza with its lines; none at the end.
    pub(super) fn mouza(&mut self) -> anyhow::Result<Option<MouzaLines>> {
        let begun = match self.next.take() {
            Some(mouza) => mouza,
            None => match self.line()? {
                None => return Ok(None),
                Some(Line::Mouza(mouza)) => mouza,
                Some(_) if self.totals.is_some() => bail!("line {}: nothing may follow the totals", self.number),
                Some(Line::Totals(totals)) => {
                    self.totals = Some(totals);
                    return self.mouza();
                }
                Some(_) => bail!("line {}: a khatian or plot before any mouza", self.number),
            },
        };
        let mut lines = MouzaLines { mouza: begun, khatians: Vec::new(), plots: Vec::new() };
        let mut known = BTreeSet::<KhatianNumber>::new();
        loop {
            match self.line()? {
                Some(Line::Khatian(khatian)) => {
                    ensure!(lines.plots.is_empty(), "line {}: a mouza's khatians stand before its plots", self.number);
                    ensure!(
                        known.insert(khatian.number),
                        "line {}: khatian {} stands twice",
                        self.number,
                        khatian.number
                    );
                    lines.khatians.push(khatian);
                }
                Some(Line::Plot(plot)) => {
                    let mouza = &lines.mouza.id;
                    ensure!(plot.plot.mouza == *mouza, "line {}: plot {} is not of {mouza}", self.number, plot.plot);
                    lines.plots.push(plot);
                }
                Some(Line::Mouza(mouza)) => {
                    self.next = Some(mouza);
                    return Ok(Some(lines));
                }
                Some(Line::Totals(totals)) => {
                    self.totals = Some(totals);
                    return Ok(Some(lines));
                }
                None => return Ok(Some(lines)),
            }
        }
    }

    fn line(&mut self) -> anyhow::Result<Option<Line>> {
        let mut text = Vec::new();
        self.number += 1;
        let number = self.number;
        let mut limited = std::io::Read::take(&mut self.lines, LINE_BYTES_MAX as u64 + 1);
        limited.read_until(b'\n', &mut text).with_context(|| format!("line {number}"))?;
        ensure!(text.len() <= LINE_BYTES_MAX, "line {number} is longer than {LINE_BYTES_MAX} bytes");
        if text.is_empty() {
            return Ok(None);
        }
        serde_json::from_slice(&text).map(Some).with_context(|| format!("line {number}"))
    }
}
