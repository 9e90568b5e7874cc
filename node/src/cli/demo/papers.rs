//! What offices keep off the chain: documents as files, the salts of commitments, the key of vehicle ids.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use dalil_ledger::claims::{Salt, commit};
use dalil_ledger::crypto::{Hash, sha256};
use serde_json::{Map, Value, json};

use crate::cli::plate::VehicleKey;
pub(super) use crate::signing::random;

/// Names in the samples that begin so stand for persons and reasons: commitments, not files.
const COMMITTED: [&str; 6] = ["holder ", "bidder ", "transporter ", "consignee", "reason ", "candidate "];
/// Names in the samples that begin so stand for vehicles; the plate follows.
const VEHICLE: &str = "vehicle ";

/// The offices' own store.
pub(super) struct Papers {
    folder: PathBuf,
    /// Name → digest, commitment or vehicle id.
    known: BTreeMap<String, Hash>,
    /// Value → salt: what an office needs to open its commitments.
    salts: Map<String, Value>,
    /// Shared by the enforcement departments; turns plates into vehicle ids.
    vehicle_key: VehicleKey,
}

impl Papers {
    /// An empty store in `folder`.
    pub(super) fn open(folder: &Path) -> anyhow::Result<Self> {
        std::fs::create_dir_all(folder)?;
        Ok(Self {
            folder: folder.to_owned(),
            known: BTreeMap::new(),
            salts: Map::new(),
            vehicle_key: VehicleKey::draw()?,
        })
    }

    /// Where a document's file lies.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{}.json", slug(name)))
    }

    /// Writes a document, with a 256-bit nonce inside so that nobody guesses its digest, and returns the digest.
    pub(super) fn write(&mut self, name: &str, content: Value) -> anyhow::Result<Hash> {
        let (bytes, digest) = document(name, content)?;
        std::fs::write(self.path(name), bytes)?;
        self.known.insert(name.to_owned(), digest);
        Ok(digest)
    }

    /// What stands on the chain for a name of the samples. A paper that nobody wrote yet is written now.
    pub(super) fn digest_of(&mut self, name: &str) -> anyhow::Result<Hash> {
        if let Some(known) = self.known.get(name) {
            return Ok(*known);
        }
        let value = if let Some(plate) = name.strip_prefix(VEHICLE) {
            self.vehicle_key.id(&plate.parse()?)
        } else if COMMITTED.iter().any(|prefix| name.starts_with(prefix)) {
            self.commit(name)?
        } else {
            return self.write(name, json!({}));
        };
        self.known.insert(name.to_owned(), value);
        Ok(value)
    }

    /// A commitment to a value; its salt stays here.
    pub(super) fn commit(&mut self, value: &str) -> anyhow::Result<Hash> {
        let salt = Salt::from_random(random()?);
        self.salts.insert(value.to_owned(), json!(salt));
        Ok(commit(&salt, value.as_bytes()))
    }

    /// Writes down what opens the commitments.
    pub(super) fn keep_salts(&self) -> anyhow::Result<()> {
        let kept = json!({
            "about": "Known to the offices alone: the salts of commitments, and the key that turns plates into vehicle ids.",
            "salts": self.salts,
            "vehicle_key": self.vehicle_key.to_hex(),
        });
        Ok(std::fs::write(self.folder.join("office-secrets.json"), serde_json::to_vec_pretty(&kept)?)?)
    }
}

/// The file of a document and its digest.
pub(super) fn document(name: &str, content: Value) -> anyhow::Result<(Vec<u8>, Hash)> {
    let mut fields = Map::new();
    fields.insert("document".to_owned(), json!(name));
    fields.insert("dalil-nonce".to_owned(), json!(hex::encode(random::<32>()?)));
    if let Value::Object(content) = content {
        fields.extend(content);
    }
    let mut bytes = serde_json::to_vec_pretty(&fields)?;
    bytes.push(b'\n');
    let digest = sha256(&bytes);
    Ok((bytes, digest))
}

/// A name as a file's: "file of RoR 205" → `ror-205`.
pub(super) fn slug(name: &str) -> String {
    let name = name.strip_prefix("file of ").unwrap_or(name);
    let plain = |character: char| if character.is_ascii_alphanumeric() { character.to_ascii_lowercase() } else { '-' };
    let text: String = name.chars().map(plain).collect();
    text.split('-').filter(|part| !part.is_empty()).collect::<Vec<_>>().join("-")
}
