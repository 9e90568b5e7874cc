//! `dalil claims`: the issuing officer makes a holder's file; the holder looks into it.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, bail, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use clap::{Args, Subcommand};
use dalil_contracts::certificate::types::{TypeVersions, type_key};
use dalil_ledger::claims::{ClaimName, ClaimValue, HOLDER_FILE_BYTES_MAX, HolderFile};
use dalil_ledger::codec::{self, CANONICAL_BYTES_MAX};
use dalil_ledger::document::{TypeCode, Uri};
use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::json;

use super::Format;
use super::client::Client;
use super::output::{fact, print};
use crate::shell::clock::now_ms;
use crate::shell::home::write_secret;
use crate::signing::random;

#[derive(Subcommand)]
pub(crate) enum ClaimsCommand {
    /// Make the holder's file of a document, and print the root for its `claims_root`. Never replaces a file.
    Make(Make),
    /// List the claims of a holder's file, and its root.
    Show(Show),
}

#[derive(Args)]
pub(crate) struct Make {
    /// The URI that the document will have.
    #[arg(long)]
    uri: Uri,
    /// A JSON object of claim names and texts: {"name": "…", "annual_income_rupees": "54000"}.
    #[arg(long, value_name = "FILE")]
    claims: PathBuf,
    /// The holder's file to make. Whoever has it can show every claim; give it to the holder and to nobody else.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// The certificate type, whose claims schema the names must keep within; asked at the node.
    #[arg(long, requires = "url")]
    kind: Option<TypeCode>,
    /// The node to ask.
    #[arg(long, requires = "kind")]
    url: Option<String>,
}

#[derive(Args)]
pub(crate) struct Show {
    /// The holder's file.
    file: PathBuf,
}

pub(crate) async fn run(command: ClaimsCommand, format: Format) -> anyhow::Result<ExitCode> {
    match command {
        ClaimsCommand::Make(make) => self::make(&make, format).await,
        ClaimsCommand::Show(show) => self::show(&read_holder_file(&show.file)?, format),
    }
}

/// Reads a holder's file.
pub(crate) fn read_holder_file(path: &Path) -> anyhow::Result<HolderFile> {
    let bytes = read_limited(path, HOLDER_FILE_BYTES_MAX)?;
    HolderFile::parse(&bytes).with_context(|| path.display().to_string())
}

/// Reads a file of at most `limit` bytes.
pub(crate) fn read_limited(path: &Path, limit: usize) -> anyhow::Result<Vec<u8>> {
    use std::io::Read as _;
    let file = std::fs::File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
    let mut bytes = Vec::new();
    file.take(u64::try_from(limit)?.saturating_add(1))
        .read_to_end(&mut bytes)
        .with_context(|| format!("cannot read {}", path.display()))?;
    ensure!(bytes.len() <= limit, "{} is longer than {limit} bytes", path.display());
    Ok(bytes)
}

async fn make(make: &Make, format: Format) -> anyhow::Result<ExitCode> {
    let plain = read_limited(&make.claims, HOLDER_FILE_BYTES_MAX)?;
    let Plain(claims) =
        serde_json::from_slice(&plain).with_context(|| format!("{} gives no claims", make.claims.display()))?;
    if let (Some(kind), Some(url)) = (&make.kind, &make.url) {
        check_names(&claims, kind, url).await?;
    }
    let held = HolderFile::make(make.uri.clone(), claims, random)?;
    write_secret(&make.out, &held.to_bytes()).with_context(|| format!("cannot make {}", make.out.display()))?;
    match format {
        Format::Json => print(&json!({ "uri": held.uri, "claims_root": held.root(), "file": make.out }).to_string())?,
        Format::Text => print(
            &[
                fact("claims_root", held.root()),
                fact("uri", &held.uri),
                fact("file", format_args!("{}: for the holder alone", make.out.display())),
            ]
            .join("\n"),
        )?,
    }
    Ok(ExitCode::SUCCESS)
}

fn show(held: &HolderFile, format: Format) -> anyhow::Result<ExitCode> {
    match format {
        Format::Json => {
            let claims: BTreeMap<_, _> = held.claims().iter().map(|(name, claim)| (*name, &claim.value)).collect();
            print(&json!({ "uri": held.uri, "claims_root": held.root(), "claims": claims }).to_string())?;
        }
        Format::Text => {
            let mut lines = vec![fact("uri", &held.uri), fact("claims_root", held.root())];
            let claims = held.claims();
            lines.extend(
                claims.iter().map(|(name, claim)| fact("claim", format_args!("{name}: {}", claim.value.as_str()))),
            );
            print(&lines.join("\n"))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Refuses names that the type, as it is in force now, does not have.
async fn check_names(claims: &BTreeMap<ClaimName, ClaimValue>, kind: &TypeCode, url: &str) -> anyhow::Result<()> {
    #[derive(Deserialize)]
    struct Value {
        value: Option<String>,
    }
    let key = String::from_utf8(type_key(kind))?;
    let state: Value = Client::new(url)?.get_json("/v1/state", &[("key", key)]).await?;
    let Some(value) = state.value else { bail!("the node knows no certificate type {kind}") };
    let versions: TypeVersions = codec::decode(&BASE64.decode(value)?, CANONICAL_BYTES_MAX)?;
    let in_force = versions.versions.iter().rev().find(|version| version.from_ms <= now_ms());
    let schema = &in_force.with_context(|| format!("certificate type {kind} is not in force yet"))?.kind.claims;
    if let Some(name) = claims.keys().find(|name| !schema.contains(name)) {
        let names: Vec<_> = schema.iter().map(ClaimName::as_str).collect();
        bail!("a certificate of type {kind} makes no claim {name}; it may make {}", names.join(", "));
    }
    Ok(())
}

/// Claims as an office's system gives them: an object of names and texts, no name twice.
struct Plain(BTreeMap<ClaimName, ClaimValue>);

impl<'de> Deserialize<'de> for Plain {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Names;
        impl<'de> Visitor<'de> for Names {
            type Value = Plain;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of claim names and texts; numbers too are written as texts, such as \"54000\"")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Plain, A::Error> {
                let mut claims = BTreeMap::new();
                while let Some(name) = map.next_key::<ClaimName>()? {
                    let value = map.next_value().map_err(|error| A::Error::custom(format!("claim {name}: {error}")))?;
                    if claims.insert(name.clone(), value).is_some() {
                        return Err(A::Error::custom(format!("claim {name} stands twice")));
                    }
                }
                Ok(Plain(claims))
            }
        }
        deserializer.deserialize_map(Names)
    }
}
