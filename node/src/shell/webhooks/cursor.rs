//! How far a webhook is done: a file in the home folder, replaced whenever an event was taken.
//!
//! It lies beside the database and not in it: a database that is damaged is moved away and fetched anew, and the events
//! since then must still be posted.

use std::path::PathBuf;

use anyhow::{Context as _, ensure};
use dalil_ledger::crypto::Hash;
use serde::{Deserialize, Serialize};

use crate::shell::events::Position;
use crate::shell::home::{Home, replace_file};

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Saved {
    chain: Hash,
    next: Position,
}

/// The file of one webhook.
#[derive(Clone)]
pub(super) struct Cursor {
    path: PathBuf,
    chain: Hash,
}

impl Cursor {
    /// Reads where the webhook stands. One that never ran begins at `begin`, which is written down at once.
    pub(super) fn open(home: &Home, name: &str, chain: Hash, begin: Position) -> anyhow::Result<(Self, Position)> {
        let folder = home.path().join("webhooks");
        std::fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let path = folder.join(format!("{name}.json"));
        let cursor = Self { path, chain };
        let shown = cursor.path.display();
        match std::fs::read(&cursor.path) {
            Ok(bytes) => {
                let saved: Saved = serde_json::from_slice(&bytes).with_context(|| {
                    format!("{shown} does not say how far the webhook is done; remove it to begin with what comes next")
                })?;
                ensure!(
                    saved.chain == chain,
                    "{shown} is of chain {}, this is {chain}; remove it to begin with what comes next",
                    saved.chain
                );
                Ok((cursor, saved.next))
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                cursor.save(begin).with_context(|| format!("cannot write {shown}"))?;
                Ok((cursor, begin))
            }
            Err(error) => Err(error).with_context(|| format!("cannot read {shown}")),
        }
    }

    /// Durable when it returns.
    pub(super) fn save(&self, next: Position) -> std::io::Result<()> {
        let saved = serde_json::to_vec(&Saved { chain: self.chain, next })?;
        replace_file(&self.path, &saved)
    }
}
