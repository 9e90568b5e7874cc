//! The rows of a report: each a figure with its yardstick from the same run, as a table and as JSON.

use std::path::Path;

use comfy_table::{Table, presets};
use serde::Serialize;
use serde_json::Value;

/// What a figure is held against.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Yardstick {
    /// What was measured.
    pub(super) what: &'static str,
    /// How much.
    pub(super) value: f64,
    /// In what.
    pub(super) unit: &'static str,
}

/// One figure.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Row {
    /// Which.
    pub(super) name: &'static str,
    /// How much.
    pub(super) value: f64,
    /// In what.
    pub(super) unit: &'static str,
    /// What it is held against, if anything.
    pub(super) yardstick: Option<Yardstick>,
    /// Value over yardstick.
    pub(super) ratio: Option<f64>,
    /// How the run was set up, and what else it saw.
    pub(super) parameters: Value,
    /// The program's source.
    pub(super) commit: String,
}

impl Row {
    /// A row of the run described by `parameters`.
    pub(super) fn new(name: &'static str, value: f64, unit: &'static str, parameters: &Value) -> Self {
        Self { name, value, unit, yardstick: None, ratio: None, parameters: parameters.clone(), commit: commit() }
    }

    /// Held against a yardstick; both in units whose quotient means something.
    pub(super) fn against(mut self, what: &'static str, value: f64, unit: &'static str) -> Self {
        self.ratio = (value > 0.0).then(|| self.value / value);
        self.yardstick = Some(Yardstick { what, value, unit });
        self
    }

    /// With something else that belongs to the figure.
    pub(super) fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.parameters[name] = value.into();
        self
    }
}

/// The commit of the checkout that this runs in, with a mark if it was changed; the version outside of one.
fn commit() -> String {
    let described = std::process::Command::new("git").args(["describe", "--always", "--dirty", "--abbrev=12"]).output();
    match described {
        Ok(output) if output.status.success() => String::from_utf8_lossy(&output.stdout).trim().to_owned(),
        _ => format!("version {}", env!("CARGO_PKG_VERSION")),
    }
}

/// A number with as many digits as it is worth.
fn shown(value: f64) -> String {
    match value.abs() {
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 1.0 => format!("{value:.2}"),
        _ => format!("{value:.4}"),
    }
}

/// The table for people.
pub(super) fn table(rows: &[Row]) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_header(["row", "value", "", "ratio", "of"]);
    for row in rows {
        let of = row
            .yardstick
            .as_ref()
            .map(|yardstick| format!("{} ({} {})", yardstick.what, shown(yardstick.value), yardstick.unit));
        table.add_row([
            row.name.to_owned(),
            shown(row.value),
            row.unit.to_owned(),
            row.ratio.map(shown).unwrap_or_default(),
            of.unwrap_or_default(),
        ]);
    }
    table
}

/// Writes the report.
pub(super) fn write(path: &Path, rows: &[Row]) -> anyhow::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    Ok(std::fs::write(path, serde_json::to_string_pretty(rows)?)?)
}
