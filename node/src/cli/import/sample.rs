//! A made-up register: mouzas of 2,000 khatians with a plot each, the same for the same number.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;

use anyhow::Context as _;
use dalil_contracts::land::import::{ImportedKhatian, ImportedPlot};
use dalil_contracts::land::keys::PlotId;
use dalil_contracts::land::share::Share;
use dalil_contracts::land::types::{Holding, LandClass, Mouza};
use dalil_contracts::units::Area;
use dalil_ledger::crypto::sha256;

use super::source::{Line, Totals};

/// Khatians of one mouza.
const KHATIANS_OF_MOUZA: u64 = 2_000;
/// The first khatian; 1 is the Government's.
const FIRST_KHATIAN: u64 = 2;
/// Bankura, in the sample establishment.
const DISTRICT: u32 = 305;
/// Its block.
const BLOCK: u32 = 2795;

/// Writes the register.
pub(super) fn write(khatians: u64, path: &Path) -> anyhow::Result<()> {
    let file = File::create_new(path).with_context(|| format!("cannot make {}", path.display()))?;
    let mut out = BufWriter::new(file);
    let mut totals = Totals::default();
    for mouza in 0..khatians.div_ceil(KHATIANS_OF_MOUZA) {
        let first = mouza * KHATIANS_OF_MOUZA;
        let numbers = FIRST_KHATIAN..FIRST_KHATIAN + KHATIANS_OF_MOUZA.min(khatians - first);
        let id = format!("2795-S{mouza}").parse()?;
        let jl = u32::try_from(mouza)?;
        totals.mouzas += 1;
        put(&mut out, &Line::Mouza(Mouza { id, district: DISTRICT, block: Some(BLOCK), thana: None, jl }))?;
        for number in numbers.clone() {
            // Stands for a commitment to a holder, whom this register does not have.
            let holder = sha256(&[b"sample".as_slice(), &(first + number).to_le_bytes()].concat());
            let number = u32::try_from(number)?;
            totals.khatians += 1;
            put(&mut out, &Line::Khatian(ImportedKhatian { number, holder, permission_required: number % 17 == 0 }))?;
        }
        for number in numbers {
            let khatian = u32::try_from(number)?;
            let area = Area(400 + (first + number) % 9_600);
            totals.plots += 1;
            totals.area += area.0;
            put(
                &mut out,
                &Line::Plot(ImportedPlot {
                    plot: PlotId { mouza: format!("2795-S{mouza}").parse()?, main: khatian, bata: None },
                    class: LandClass::Shali,
                    area,
                    holdings: vec![Holding { khatian, share: Share::WHOLE }],
                    remainder: Share::ZERO,
                    charges: Vec::new(),
                    ulpin: None,
                }),
            )?;
        }
    }
    put(&mut out, &Line::Totals(totals))?;
    Ok(out.flush()?)
}

fn put(out: &mut impl std::io::Write, line: &Line) -> anyhow::Result<()> {
    serde_json::to_writer(&mut *out, line)?;
    Ok(out.write_all(b"\n")?)
}
