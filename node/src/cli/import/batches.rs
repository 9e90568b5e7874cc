//! Cutting a mouza into records.

use dalil_contracts::authority::PostingId;
use dalil_contracts::land::import::{IMPORT_ROWS_MAX, Import, ImportedKhatian, ImportedPlot};
use dalil_contracts::land::{LandCall, keys::MouzaId};
use dalil_contracts::{Call, Invocation};
use dalil_ledger::codec::{self, Canonical};
use dalil_ledger::crypto::Hash;
use dalil_ledger::transaction::RECORD_BYTES_MAX;

use super::source::MouzaLines;

/// What a record has beside its rows, in bytes: signature, key, salt, posting, mouza, digest, lengths.
const FRAME_BYTES: usize = 1_024;

/// What every record of one import says.
#[derive(Clone)]
pub(super) struct Heading {
    pub(super) posting: PostingId,
    pub(super) source: Hash,
    pub(super) as_on_ms: u64,
}

/// The calls that bring a mouza, each as full as a record may be, in the order in which they must be recorded: khatians
/// before the plots that they hold in.
pub(super) fn cut(lines: &MouzaLines, heading: &Heading) -> Vec<Invocation> {
    let mut cutter = Cutter { mouza: lines.mouza.id.clone(), heading, calls: Vec::new(), open: Rows::default() };
    for khatian in &lines.khatians {
        cutter.make_room(khatian);
        cutter.open.khatians.push(khatian.clone());
    }
    for plot in &lines.plots {
        cutter.make_room(plot);
        cutter.open.plots.push(plot.clone());
    }
    cutter.close();
    cutter.calls
}

#[derive(Default)]
struct Rows {
    khatians: Vec<ImportedKhatian>,
    plots: Vec<ImportedPlot>,
    bytes: usize,
}

struct Cutter<'a> {
    mouza: MouzaId,
    heading: &'a Heading,
    calls: Vec<Invocation>,
    open: Rows,
}

impl Cutter<'_> {
    /// Closes the record that is being filled if `row` does not fit into it any more.
    fn make_room<T: Canonical>(&mut self, row: &T) {
        let bytes = codec::encode(row).len();
        let rows = self.open.khatians.len() + self.open.plots.len();
        if rows == IMPORT_ROWS_MAX || FRAME_BYTES + self.open.bytes + bytes > RECORD_BYTES_MAX {
            self.close();
        }
        self.open.bytes += bytes;
    }

    fn close(&mut self) {
        let Rows { khatians, plots, .. } = std::mem::take(&mut self.open);
        if khatians.is_empty() && plots.is_empty() {
            return;
        }
        let Heading { posting, source, as_on_ms } = self.heading.clone();
        let import = Import { mouza: self.mouza.clone(), source, as_on_ms, khatians, plots };
        self.calls.push(Invocation { posting, call: Call::Land(LandCall::Import(import)) });
    }
}
