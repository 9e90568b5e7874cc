//! The story as it is printed, and each step against what was expected of it.

use std::path::Path;

use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{ContentArrangement, Table};
use dalil_contracts::calendar::CivilDate;
use dalil_contracts::units::{DAY_MS, HOUR_MS, MINUTE_MS};
use serde::Serialize;

use super::land::OLD_EXTRACT;
use crate::cli::Format;
use crate::cli::testnet::NetworkFile;
use crate::shell::clock::now_ms;

/// Indian Standard Time is UTC + 5:30, all year.
const IST_AHEAD_MS: u64 = 5 * HOUR_MS + 30 * MINUTE_MS;
const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// `21 Nov 2026, 14:05:09 IST`.
pub(super) fn clock(time_ms: u64) -> String {
    format!("{}, {} IST", day(time_ms), time_of_day(time_ms))
}

/// `21 Nov 2026`, in India.
pub(super) fn day(time_ms: u64) -> String {
    let CivilDate { year, month_day } = CivilDate::in_india(time_ms);
    let month = MONTHS.get(usize::from(month_day.month).saturating_sub(1)).copied().unwrap_or_default();
    format!("{} {month} {year}", month_day.day)
}

fn time_of_day(time_ms: u64) -> String {
    let second = time_ms.saturating_add(IST_AHEAD_MS) % DAY_MS / 1_000;
    format!("{:02}:{:02}:{:02}", second / 3_600, second / 60 % 60, second % 60)
}

/// A step of the story.
#[derive(Serialize)]
struct Step {
    step: String,
    expected: String,
    got: String,
    ok: bool,
}

/// All steps.
pub(super) struct Summary {
    format: Format,
    steps: Vec<Step>,
}

impl Summary {
    /// Nothing played yet.
    pub(super) fn new(format: Format) -> Self {
        Self { format, steps: Vec::new() }
    }

    /// Prints a line of the story.
    pub(super) fn tell(&self, text: &str) {
        if self.format == Format::Text {
            println!("{text}");
        }
    }

    /// Begins a section.
    pub(super) fn section(&self, title: &str) {
        self.tell(&format!("\n── {title} {}\n", "─".repeat(100_usize.saturating_sub(title.chars().count()))));
    }

    /// Adds a step that was told already.
    pub(super) fn step(&mut self, step: &str, expected: &str, got: &str, words: &str) {
        let ok = expected == got;
        if !words.is_empty() {
            self.tell(&format!("  {}  {}  {words}", time_of_day(now_ms()), if ok { '✓' } else { '✗' }));
        }
        if !ok {
            self.tell(&format!("            ✗  {step}: expected {expected}, got {got}"));
        }
        self.steps.push(Step { step: step.to_owned(), expected: expected.to_owned(), got: got.to_owned(), ok });
    }

    /// Prints what belongs to the step above.
    pub(super) fn detail(&self, text: &str) {
        self.tell(&format!("               {text}"));
    }

    /// Whether every step came out as expected.
    pub(super) fn all_ok(&self) -> bool {
        !self.steps.is_empty() && self.steps.iter().all(|step| step.ok)
    }

    /// Writes the list of steps.
    pub(super) fn write(&self, path: &Path) -> anyhow::Result<()> {
        Ok(std::fs::write(path, serde_json::to_vec_pretty(&self.steps)?)?)
    }

    /// Prints the table of steps, the addresses, and how to check by hand; or the steps as JSON.
    pub(super) fn show(&self, folder: &Path, network: &NetworkFile, processes: &[Option<u32>]) {
        if self.format == Format::Json {
            println!("{}", serde_json::json!({ "steps": self.steps, "network": network }));
            return;
        }
        self.section("Summary");
        let mut table = Table::new();
        table.load_preset(UTF8_FULL_CONDENSED).set_content_arrangement(ContentArrangement::Dynamic);
        table.set_header(["", "Step", "Expected", "Got"]);
        for Step { step, expected, got, ok } in &self.steps {
            table.add_row([if *ok { "✓" } else { "✗" }, step, expected, got]);
        }
        println!("{table}");
        let wrong = self.steps.iter().filter(|step| !step.ok).count();
        println!("{} steps, {} as expected, {wrong} not.", self.steps.len(), self.steps.len() - wrong);
        println!("\nThe validators:");
        for (node, process) in network.nodes.iter().zip(processes) {
            let (url, process) = (&node.url, process.map_or_else(|| "ended".to_owned(), |id| format!("process {id}")));
            println!(
                "  {:<9} {url}/checkpoint  {url}/v1/verify?uri={OLD_EXTRACT}  {process}",
                node.department.as_str()
            );
        }
        let shown = folder.display();
        println!(
            "\nCheck by hand, with no node asked (exit code 0 valid, 1 not valid now, 3 not on record, 4 could not check):"
        );
        for receipt in ["ror-205-when-issued", "ror-205-after-set-aside", "new-ror-205", "never-recorded"] {
            println!("  dalil verify {shown}/receipts/{receipt}.dalil-status --policy {shown}/pin.json --offline");
        }
        println!(
            "A receipt says what was so at its time: the one made when the RoR was issued goes stale a day later."
        );
        let urls: Vec<_> = network.nodes.iter().map(|node| node.url.as_str()).collect();
        println!("\nAnd while they are up, take nobody's word and replay the whole chain:");
        println!("  dalil audit {} --policy {shown}/pin.json --dir {shown}/audit", urls.join(" "));
        println!(
            "\nDocuments {shown}/documents · receipts {shown}/receipts · pin {shown}/pin.json · policy {shown}/policy"
        );
    }
}
