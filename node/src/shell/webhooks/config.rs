//! What an operator writes of a webhook, and what is refused before the node starts.

use std::collections::BTreeSet;
use std::path::PathBuf;

use anyhow::{Context as _, ensure};
use reqwest::Url;
use serde::{Deserialize, Serialize};

use super::signature::Secret;
use crate::shell::events::Filter;
use crate::shell::home::Home;
use crate::shell::outbound::Target;

/// The most webhooks of a node.
const WEBHOOKS_MAX: usize = 32;
/// The longest name, in characters.
const NAME_MAX: usize = 32;

/// `[[webhook]]` of the configuration file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebhookConfig {
    /// Small letters, digits and dashes. The file that remembers how far it is done has this name.
    pub name: String,
    /// Where to post: https, at a public address.
    pub url: String,
    /// The file with the shared secret, `whsec_…`; relative to the home folder.
    pub secret_file: PathBuf,
    /// Which events; all if it says nothing.
    #[serde(default)]
    pub filter: Filter,
    /// The log index to begin with when it runs for the first time; what comes next if not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<u64>,
    /// Lets it post to a private or loopback address, and without TLS.
    #[serde(default)]
    pub allow_private: bool,
    /// Certificates to trust beside the system's, PEM; relative to the home folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<PathBuf>,
}

/// A webhook whose configuration is good.
pub struct Prepared {
    pub(super) name: String,
    pub(super) target: Target,
    pub(super) secret: Secret,
    pub(super) filter: Filter,
    pub(super) from: Option<u64>,
}

/// Reads secrets and refuses, in words, what cannot work or must not be.
pub fn prepare(home: &Home, configured: &[WebhookConfig]) -> anyhow::Result<Vec<Prepared>> {
    ensure!(configured.len() <= WEBHOOKS_MAX, "a node has at most {WEBHOOKS_MAX} webhooks");
    let mut names = BTreeSet::new();
    let prepared = configured.iter().map(|webhook| {
        ensure!(names.insert(webhook.name.as_str()), "two webhooks are named {}", webhook.name);
        webhook.prepare(home).with_context(|| format!("webhook {}", webhook.name))
    });
    prepared.collect()
}

impl WebhookConfig {
    fn prepare(&self, home: &Home) -> anyhow::Result<Prepared> {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let named = (1..=NAME_MAX).contains(&self.name.len()) && self.name.bytes().all(plain);
        ensure!(named, "a name has 1 to {NAME_MAX} small letters, digits and dashes");
        self.filter.check()?;
        let url = Url::parse(&self.url).context("its url is none")?;
        let ca_file = self.ca_file.as_ref().map(|file| home.path().join(file));
        let target = Target::new(&url, self.allow_private, ca_file.as_deref())?;
        let path = home.path().join(&self.secret_file);
        let text = std::fs::read_to_string(&path).with_context(|| {
            format!("cannot read {}; `dalil key webhook --out FILE` makes a secret", path.display())
        })?;
        let secret = Secret::parse(&text).with_context(|| path.display().to_string())?;
        Ok(Prepared { name: self.name.clone(), target, secret, filter: self.filter.clone(), from: self.from })
    }
}
