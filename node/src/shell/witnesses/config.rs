//! What an operator writes of a witness, and what is refused before the node starts.

use std::collections::BTreeSet;
use std::path::PathBuf;

use anyhow::{Context as _, ensure};
use dalil_ledger::checkpoint::{KeyKind, KeyName, VerifierKey};
use reqwest::Url;
use serde::{Deserialize, Serialize};

use crate::shell::home::Home;
use crate::shell::outbound::Target;

/// The most witnesses of a node.
pub const WITNESSES_MAX: usize = 8;

/// `[[witness]]` of the configuration file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WitnessConfig {
    /// Its name and key, as its operator publishes them: `<name>+<key id>+<base64>`, of type 0x04.
    pub vkey: String,
    /// Its submission prefix: https, at a public address.
    pub url: String,
    /// Lets the node post to a private or loopback address, and without TLS.
    #[serde(default)]
    pub allow_private: bool,
    /// Certificates to trust beside the system's, PEM; relative to the home folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<PathBuf>,
}

/// A witness whose configuration is good.
pub struct Prepared {
    pub(super) key: VerifierKey,
    pub(super) target: Target,
}

/// Refuses, in words, what cannot work or must not be. `origin` is the log's.
pub fn prepare(home: &Home, origin: &KeyName, configured: &[WitnessConfig]) -> anyhow::Result<Vec<Prepared>> {
    ensure!(configured.len() <= WITNESSES_MAX, "a node has at most {WITNESSES_MAX} witnesses");
    let (mut names, mut keys) = (BTreeSet::new(), BTreeSet::new());
    let prepared = (1..).zip(configured).map(|(number, witness)| {
        let prepared = witness.prepare(home, origin).with_context(|| format!("witness {number} of config.toml"))?;
        let VerifierKey { name, key, .. } = &prepared.key;
        ensure!(names.insert(name.clone()), "two witnesses are named {name}: leave one out");
        ensure!(keys.insert(*key), "{name} has the key of another witness: leave one out, for it is one witness");
        Ok(prepared)
    });
    prepared.collect()
}

impl WitnessConfig {
    fn prepare(&self, home: &Home, origin: &KeyName) -> anyhow::Result<Prepared> {
        let key: VerifierKey = self.vkey.trim().parse().context(
            "ask the witness's operator for its vkey of type 0x04 (Ed25519, cosignature/v1); keys of other types cannot be used",
        )?;
        let name = &key.name;
        ensure!(key.kind == KeyKind::Cosigner, "{name}: a vkey of type 0x01 is a log's; a witness's has type 0x04");
        // A line under a validator's name that is not the validator's would void the note for everybody.
        let is_ours = name == origin || name.as_str().starts_with(&format!("{origin}/"));
        ensure!(
            !is_ours,
            "{name} is a name of this log's own validators, who cosign without being asked: leave it out"
        );
        let mut url = Url::parse(&self.url).with_context(|| format!("{name}: its url is none"))?;
        let plain = url.query().is_none() && url.fragment().is_none();
        ensure!(plain, "{name}: its url is the submission prefix alone, without '?' and '#'");
        url.set_path(&format!("{}/add-checkpoint", url.path().trim_end_matches('/')));
        let ca_file = self.ca_file.as_ref().map(|file| home.path().join(file));
        let target = Target::new(&url, self.allow_private, ca_file.as_deref()).with_context(|| name.to_string())?;
        Ok(Prepared { key, target })
    }
}
