//! The records that a run hands in: calls of all three kinds, valid and independent of one another, signed ahead.
//!
//! A mutation needs a deed and a challan a vehicle; what a record rests on is handed in before the measured window, in
//! [`Workload::preparation`], stage by stage. Within a stage and within the window no record waits for another.

use std::collections::BTreeMap;
use std::path::Path;
use std::str::FromStr;

use anyhow::{Context as _, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use dalil_contracts::Invocation;
use dalil_contracts::certificate::BatchLeaf;
use dalil_contracts::units::{DAY_MS, HOUR_MS, MINUTE_MS};
use dalil_ledger::block::{Attachment, Entry};
use dalil_ledger::codec;
use dalil_ledger::crypto::{Hash, SecretKey, sha256};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};

use crate::cli::officer;
use crate::cli::testnet::NetworkFile;
use crate::shell::http::SubmittedRecord;
use crate::signing::sign;

/// How long a signed record stays good: longer than any run, below the hour that the ledger allows.
const EXPIRES_AFTER_MS: u64 = 50 * MINUTE_MS;
/// Where all land of a run lies.
const MOUZA: &str = "2795-51";
/// Plots that one import brings.
const PLOTS_AN_IMPORT: u64 = 16;
/// The lease of which the sample establishment has an agent.
const LEASE: &str = "L-BANKURA-01";
/// Khatians that mutations open have numbers beyond those of all imports.
const OPENED_FROM: u64 = 2_000_000_000;
/// Certificates of one batch: the ledger's limit.
pub(super) const BATCH_DOCUMENTS: u64 = 4_096;

/// A kind of record in the measured window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Mutation,
    Deed,
    Challan,
    Vehicle,
    Payment,
    Certificate,
}

impl Kind {
    const ALL: [(&'static str, Self); 6] = [
        ("mutation", Self::Mutation),
        ("deed", Self::Deed),
        ("challan", Self::Challan),
        ("vehicle", Self::Vehicle),
        ("payment", Self::Payment),
        ("certificate", Self::Certificate),
    ];
}

/// How many records of each kind stand in a hundred, or in whatever the weights sum to.
#[derive(Debug, Clone)]
pub(super) struct Mix {
    text: String,
    /// The kinds of one round, spread evenly.
    round: Vec<Kind>,
}

impl FromStr for Mix {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut weights = Vec::new();
        for part in text.split(',') {
            let (name, weight) = part.split_once('=').ok_or_else(|| format!("{part:?}: expected kind=weight"))?;
            let known = Kind::ALL.iter().find(|(known, _)| *known == name.trim());
            let (_, kind) = known.ok_or_else(|| {
                let names: Vec<_> = Kind::ALL.iter().map(|(name, _)| *name).collect();
                format!("{name:?} is none of {}", names.join(", "))
            })?;
            let weight: usize = weight.trim().parse().map_err(|_| format!("{weight:?} is no weight"))?;
            if weight > 1_000 {
                return Err(format!("weight {weight}: at most 1000"));
            }
            weights.push((*kind, weight));
        }
        let total: usize = weights.iter().map(|(_, weight)| weight).sum();
        // The nth of `weight` records of a kind stands at n/weight of the round.
        let mut places: Vec<(usize, Kind)> = weights
            .iter()
            .flat_map(|(kind, weight)| (0..*weight).map(move |nth| ((2 * nth + 1) * total / (2 * weight), *kind)))
            .collect();
        places.sort_unstable();
        if places.is_empty() {
            return Err("a mix has at least one kind".to_owned());
        }
        Ok(Self { text: text.to_owned(), round: places.into_iter().map(|(_, kind)| kind).collect() })
    }
}

impl std::fmt::Display for Mix {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

/// A signed record as it is posted.
pub(super) struct Ready {
    /// The request's body.
    pub(super) body: Vec<u8>,
    /// Canonical length of its log entry, in bytes.
    pub(super) entry_bytes: usize,
}

/// Makes and signs records for one network. Numbers never repeat within a network's life, so runs may follow one another.
pub(super) struct Workload {
    chain: Hash,
    keys: BTreeMap<String, SecretKey>,
    now_ms: u64,
    /// Distinguishes the numbers of this run from those of earlier ones.
    run: u32,
    next: u64,
}

/// A call that is to be signed: the posting, and the call as JSON.
type Draft = (&'static str, Value);

fn digest(what: &str, number: u64) -> Hash {
    sha256(format!("{what} {number}").as_bytes())
}

impl Workload {
    /// Reads the officers' keys of a network's folder.
    pub(super) fn new(folder: &Path, network: &NetworkFile, now_ms: u64) -> anyhow::Result<Self> {
        let mut keys = BTreeMap::new();
        for posting in network.postings.keys() {
            keys.insert(posting.clone(), officer::key_of(folder, network, posting)?);
        }
        // A million numbers for each, and all below the khatians that mutations open.
        let run = u32::try_from(now_ms / 1_000 % 1_000)?;
        Ok(Self { chain: network.chain, keys, now_ms, run, next: u64::from(run) * 1_000_000 })
    }

    /// What must stand before anything else, one after the other: a mouza, a lease with a paid permit.
    pub(super) fn establishment(&self) -> anyhow::Result<Vec<Ready>> {
        let (block, permit, grn) = (format!("B-{}", self.run), self.permit(), format!("GRN-P-{}", self.run));
        let from_ms = self.now_ms - 60 * DAY_MS;
        let until_ms = self.now_ms + 365 * DAY_MS;
        let any = digest("establishment", u64::from(self.run));
        let officer = "minerals/officer";
        let mineral = |call: Value| json!({ "mineral": call });
        let drafts = [
            (
                "land/dllro",
                json!({ "land": { "register_mouza": { "id": MOUZA, "district": 305, "block": 2795, "thana": null, "jl": 51 } } }),
            ),
            (
                officer,
                mineral(
                    json!({ "register_block": { "block": block, "district": 305, "development_block": 2795, "river": null, "mouzas": [MOUZA], "boundary": any, "minerals": ["SAND"] } }),
                ),
            ),
            (officer, mineral(json!({ "record_auction": { "block": block, "result": any, "bidder": any } }))),
            (officer, mineral(json!({ "issue_loi": { "block": block, "letter": any } }))),
            (
                officer,
                mineral(
                    json!({ "grant_lease": { "lease": LEASE, "block": block, "minerals": ["SAND"], "annual_cap_kg": u64::MAX, "from_ms": from_ms, "until_ms": until_ms, "monsoon_bar": null, "deed": any, "raiyati_plots": [] } }),
                ),
            ),
            (
                "finance/treasury",
                mineral(
                    json!({ "attest_payment": { "grn": grn, "lease": LEASE, "heads": { "royalty": i64::MAX, "dmf": i64::MAX, "cess": i64::MAX }, "receipt": any } }),
                ),
            ),
            (
                officer,
                mineral(
                    json!({ "grant_permit": { "permit": permit, "lease": LEASE, "mineral": "SAND", "quantity": { "litres": 1_000_000_000_000_u64 }, "from_ms": self.now_ms - DAY_MS, "until_ms": until_ms - DAY_MS, "grn": grn } }),
                ),
            ),
        ];
        drafts.iter().map(|draft| self.sign(draft, None)).collect()
    }

    fn permit(&self) -> String {
        format!("P-{}", self.run)
    }

    /// `count` certificates, which rest on nothing.
    pub(super) fn certificates(&mut self, count: u64) -> anyhow::Result<Vec<Ready>> {
        let first = self.take(count);
        self.sign_all("signing warm-up", &(first..first + count).collect::<Vec<_>>(), |number| {
            self.draft(Kind::Certificate, *number)
        })
    }

    /// `count` records of the mix, and the stages of what they rest on.
    pub(super) fn mixed(&mut self, mix: &Mix, count: u64) -> anyhow::Result<(Vec<Vec<Ready>>, Vec<Ready>)> {
        let first = self.take(count);
        let numbered: Vec<(Kind, u64)> = mix.round.iter().copied().cycle().zip(first..first + count).collect();
        let of = |kind: Kind| numbered.iter().filter(move |(each, _)| *each == kind).map(|(_, number)| *number);
        let plots: Vec<u64> = of(Kind::Mutation).chain(of(Kind::Deed)).collect();
        let imports: Vec<&[u64]> = plots.chunks(PLOTS_AN_IMPORT as usize).collect();
        let vehicles: Vec<u64> = of(Kind::Challan).collect();
        let deeds: Vec<u64> = of(Kind::Mutation).collect();
        let mut stage = self.sign_all("signing imports", &imports, |plots| self.import(plots))?;
        stage.extend(self.sign_all("signing vehicles", &vehicles, |number| self.draft(Kind::Vehicle, *number))?);
        let later = self.sign_all("signing deeds", &deeds, |number| self.draft(Kind::Deed, *number))?;
        let records = self.sign_all("signing records", &numbered, |(kind, number)| self.draft(*kind, *number))?;
        Ok((vec![stage, later], records))
    }

    /// `count` batches of certificates.
    pub(super) fn batches(&mut self, count: u64) -> anyhow::Result<Vec<Ready>> {
        let first = self.take(count * BATCH_DOCUMENTS);
        let numbers: Vec<u64> = (0..count).map(|batch| first + batch * BATCH_DOCUMENTS).collect();
        parallel("signing batches", &numbers, |first| {
            let leaves = (*first..first + BATCH_DOCUMENTS)
                .map(|number| {
                    let leaf: BatchLeaf = serde_json::from_value(self.certificate("education-MDK", number, None))?;
                    Ok(codec::encode(&leaf))
                })
                .collect::<anyhow::Result<_>>()?;
            let list = Attachment { leaves };
            let call = json!({ "certificate": { "issue_batch": {
                "kind": "MDK", "place": { "district": 315, "block": null, "lease": null }, "origin": "decided",
                "root": list.root(), "count": BATCH_DOCUMENTS,
            } } });
            self.sign(&("education/board", call), Some(&list))
        })
    }

    fn take(&mut self, count: u64) -> u64 {
        let first = self.next;
        self.next += count;
        first
    }

    fn import(&self, numbers: &[u64]) -> Draft {
        let khatians: Vec<_> = numbers
            .iter()
            .map(|number| json!({ "number": number + 100, "holder": digest("holder", *number) }))
            .collect();
        let plots: Vec<_> = numbers
            .iter()
            .map(|number| {
                json!({ "plot": format!("{MOUZA}/{number}"), "class": "danga", "area": 10_000,
                    "holdings": [{ "khatian": number + 100, "share": "1/1" }], "remainder": "0/1" })
            })
            .collect();
        let call = json!({ "land": { "import": {
            "mouza": MOUZA, "source": digest("older register", numbers[0]), "as_on_ms": self.now_ms - DAY_MS,
            "khatians": khatians, "plots": plots,
        } } });
        ("land/system", call)
    }

    fn certificate(&self, prefix: &str, number: u64, lasts_ms: Option<u64>) -> Value {
        json!({
            "uri": format!("in.gov.wb.{prefix}-{number:016x}"),
            "number": format!("{number}"),
            "digest": digest("file", number),
            "subject": format!("holder/{}", &digest("subject", number).to_string()[..32]),
            "valid_from_ms": self.now_ms,
            "valid_until_ms": lasts_ms.map(|lasts| self.now_ms + lasts),
            "claims_root": digest("claims", number),
            "classes": [],
        })
    }

    fn draft(&self, kind: Kind, number: u64) -> Draft {
        let khatian = number + 100;
        match kind {
            Kind::Deed => (
                "registration/adsr-bankura",
                json!({ "land": { "register_deed": {
                "deed": deed(number), "kind": "sale", "transferees": [digest("buyer", number)],
                "conveyances": [{
                    "transferor": { "khatian": format!("{MOUZA}/{khatian}") },
                    "plots": [{ "plot": format!("{MOUZA}/{number}"), "share": "1/2" }],
                    "to": [{ "transferee": 0, "part": "1/1" }],
                }],
            } } }),
            ),
            Kind::Mutation => (
                "land/system",
                json!({ "land": { "mutate_auto": {
                "case": format!("M-2026-2795-{number}"), "deed": deed(number),
                "saw": [{ "khatian": format!("{MOUZA}/{khatian}"), "version": 1 }],
                "khatians": [{ "transferee": 0, "khatian": { "open": { "number": khatian + OPENED_FROM } } }],
            } } }),
            ),
            Kind::Challan => (
                "minerals/agent-L1",
                json!({ "mineral": { "issue_challan": {
                "number": format!("C-{number:020}"), "kind": "intra", "source": { "permit": self.permit() },
                "mineral": "SAND", "quantity": { "litres": 11_000 }, "vehicle": digest("vehicle", number),
                "transporter": digest("transporter", number), "consignee": digest("consignee", number),
                "destination": { "state": 19, "district": 315, "block": null, "receiver": { "office": "works/yard" } },
                "route": "BENDA-ARAMBAGH-KOLKATA", "distance_m": 150_000,
                "valid_from_ms": self.now_ms, "valid_until_ms": self.now_ms + 8 * HOUR_MS,
                "paper": format!("SP-{number}"), "parent": null, "origin_pass": null,
                "digest": digest("challan", number), "claims_root": null,
            } } }),
            ),
            Kind::Vehicle => {
                let until_ms = self.now_ms + 365 * DAY_MS;
                (
                    "transport/rto",
                    json!({ "mineral": { "register_vehicle": {
                    "vehicle": digest("vehicle", number), "district": 305, "class": "goods_rigid", "axles": 4, "wheels": 14,
                    "gvw_kg": 42_000, "unladen_kg": 9_500, "fitness_until_ms": until_ms, "permit_until_ms": until_ms,
                    "tax_until_ms": until_ms, "vltd_until_ms": until_ms,
                } } }),
                )
            }
            Kind::Payment => (
                "finance/treasury",
                json!({ "mineral": { "attest_payment": {
                "grn": format!("GRN-{number}"), "lease": LEASE,
                "heads": { "royalty": 5_300_000, "dmf": 1_590_000, "cess": 530_000 }, "receipt": digest("receipt", number),
            } } }),
            ),
            Kind::Certificate => {
                let (posting, code, prefix, block, lasts_ms) = match number % 3 {
                    0 => ("district/sdo-bankura", "DOM", "district-DOM", None, None),
                    1 => ("health/registrar-bankura", "BIR", "health-BIR", None, None),
                    _ => ("panchayat/bdo-2795", "INC", "panchayat-INC", Some(2795), Some(80 * DAY_MS)),
                };
                (
                    posting,
                    json!({ "certificate": { "issue": {
                    "kind": code, "place": { "district": 305, "block": block, "lease": null }, "origin": "decided",
                    "certificate": self.certificate(prefix, number, lasts_ms),
                } } }),
                )
            }
        }
    }

    fn sign_all<T: Sync>(
        &self,
        what: &'static str,
        items: &[T],
        draft: impl Fn(&T) -> Draft + Sync,
    ) -> anyhow::Result<Vec<Ready>> {
        parallel(what, items, |item| self.sign(&draft(item), None))
    }

    fn sign(&self, (posting, call): &Draft, list: Option<&Attachment>) -> anyhow::Result<Ready> {
        let Some(key) = self.keys.get(*posting) else { bail!("the network has no posting {posting}") };
        let call = serde_json::from_value(call.clone()).with_context(|| format!("a call of {posting}"))?;
        let invocation = Invocation { posting: posting.parse()?, call };
        let record = sign(&invocation, key, self.chain, self.now_ms + EXPIRES_AFTER_MS)?;
        let submitted = SubmittedRecord {
            record: BASE64.encode(codec::encode(&record)),
            attachment: list.map(|list| list.leaves.iter().map(|leaf| BASE64.encode(leaf)).collect()),
        };
        Ok(Ready { body: serde_json::to_vec(&submitted)?, entry_bytes: Entry::Record(record).encode().len() })
    }
}

fn deed(number: u64) -> String {
    format!("0101-I-{number:05}-2026")
}

/// Does `work` for each item on all cores, in order of the items, with a progress bar.
fn parallel<T: Sync>(
    what: &'static str,
    items: &[T],
    work: impl Fn(&T) -> anyhow::Result<Ready> + Sync,
) -> anyhow::Result<Vec<Ready>> {
    let style = ProgressStyle::with_template("{msg:20} {bar:30} {pos}/{len} {per_sec}")?;
    let bar = ProgressBar::new(items.len() as u64).with_style(style).with_message(what);
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let share = items.len().div_ceil(threads).max(1);
    let parts = std::thread::scope(|scope| {
        let handles: Vec<_> = items
            .chunks(share)
            .map(|part| {
                let (bar, work) = (&bar, &work);
                scope.spawn(move || {
                    part.iter()
                        .map(|item| {
                            bar.inc(1);
                            work(item)
                        })
                        .collect::<anyhow::Result<Vec<_>>>()
                })
            })
            .collect();
        handles
            .into_iter()
            .map(|handle| handle.join().unwrap_or_else(|_| Err(anyhow::anyhow!("a signing thread ended"))))
            .collect::<anyhow::Result<Vec<_>>>()
    })?;
    bar.finish_and_clear();
    Ok(parts.into_iter().flatten().collect())
}
