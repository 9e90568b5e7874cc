//! The matter of a ballot, as options of the command.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::Args;
use dalil_contracts::authority::parameters::ParameterName;
use dalil_contracts::authority::{Matter, ValidatorChange};
use dalil_ledger::block::{DepartmentId, Height};
use serde::de::DeserializeOwned;

#[derive(Args)]
#[group(required = true, multiple = false)]
struct Which {
    /// Give a dated parameter a value: NAME=VALUE, such as mineral/royalty/SAND=6000.
    #[arg(long, value_name = "NAME=VALUE", value_parser = parse_value)]
    parameter: Option<(ParameterName, i64)>,
    /// Add or change a certificate type: a file with the type as JSON.
    #[arg(long, value_name = "FILE")]
    certificate_type: Option<PathBuf>,
    /// Found, change or retire a department, or name its administrator: a file with the change as JSON.
    #[arg(long, value_name = "FILE")]
    department: Option<PathBuf>,
    /// Go over to a version of the protocol from --from-height on.
    #[arg(long, value_name = "VERSION", requires = "from_height")]
    upgrade: Option<u32>,
    /// Give a department a validator: a file with its public keys, from `dalil key show --validator --json`.
    #[arg(long, value_name = "FILE")]
    add: Option<PathBuf>,
    /// Remove the validator of a department.
    #[arg(long, value_name = "DEPARTMENT")]
    remove: Option<DepartmentId>,
    /// Replace the validator of a department by the one of --by; of the same department: new keys.
    #[arg(long, value_name = "DEPARTMENT", requires = "by")]
    replace: Option<DepartmentId>,
}

/// What is put to the vote.
#[derive(Args)]
pub(super) struct MatterArgs {
    #[command(flatten)]
    which: Which,
    /// The public keys of the validator that comes in with --replace.
    #[arg(long, value_name = "FILE", requires = "replace")]
    by: Option<PathBuf>,
    /// The first height of an upgrade; the earliest height that a changed set of validators decides.
    #[arg(long)]
    from_height: Option<Height>,
}

fn parse_value(text: &str) -> Result<(ParameterName, i64), String> {
    let (name, value) = text.split_once('=').ok_or("expected NAME=VALUE")?;
    let name = name.parse::<ParameterName>().map_err(|error| error.to_string())?;
    Ok((name, value.parse().map_err(|_| format!("expected a whole number, got {value:?}"))?))
}

impl MatterArgs {
    /// The matter, from the options and the files they name.
    pub(super) fn read(&self) -> anyhow::Result<Matter> {
        let Which { parameter, certificate_type, department, upgrade, add, remove, replace } = &self.which;
        let from_height = self.from_height.unwrap_or_default();
        let validators = |change| Ok(Matter::Validators { change, from_height });
        if let Some((name, value)) = parameter {
            return Ok(Matter::Parameter { name: name.clone(), value: *value });
        }
        if let Some(file) = certificate_type {
            return Ok(Matter::CertificateType(read(file, "a certificate type")?));
        }
        if let Some(file) = department {
            return Ok(Matter::Department(read(file, "a change of a department")?));
        }
        if let Some(version) = upgrade {
            return Ok(Matter::Upgrade { version: *version, from_height });
        }
        if let Some(file) = add {
            return validators(ValidatorChange::Add(read(file, VALIDATOR)?));
        }
        if let Some(department) = remove {
            return validators(ValidatorChange::Remove(department.clone()));
        }
        match (replace, &self.by) {
            (Some(leaving), Some(file)) => {
                validators(ValidatorChange::Replace { leaving: leaving.clone(), member: read(file, VALIDATOR)? })
            }
            _ => bail!("say what is put to the vote; --replace takes --by"),
        }
    }
}

const VALIDATOR: &str = "a validator's public keys; `dalil key show … --validator … --json` prints them";

fn read<T: DeserializeOwned>(path: &Path, what: &str) -> anyhow::Result<T> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    serde_json::from_str(&text).with_context(|| format!("{} is not {what}", path.display()))
}
