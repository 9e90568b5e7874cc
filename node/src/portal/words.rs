//! What the pages say in each language, and which language somebody reads.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

/// A language of the portal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// English.
    En,
    /// Bengali.
    Bn,
    /// Hindi.
    Hi,
}

impl Language {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::En, Self::Bn, Self::Hi];

    /// BCP 47 tag.
    pub fn tag(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Bn => "bn",
            Self::Hi => "hi",
        }
    }

    /// The language with a tag such as `bn` or `bn-IN`.
    pub fn of_tag(tag: &str) -> Option<Self> {
        let primary = tag.split(['-', '_']).next().unwrap_or_default();
        Self::ALL.into_iter().find(|language| language.tag().eq_ignore_ascii_case(primary))
    }

    /// The language of an Accept-Language header (RFC 9110 § 12.5.4): of those known the one with the greatest weight, the
    /// first among equals; English if none is known.
    pub fn accepted(header: &str) -> Self {
        let mut best = (Self::En, 0);
        for range in header.split(',') {
            let (tag, weight) = range.split_once(';').unwrap_or((range, "q=1"));
            let weight = thousandths(weight.trim().strip_prefix("q=").unwrap_or("1"));
            if let (Some(language), Some(weight)) = (Self::of_tag(tag.trim()), weight)
                && weight > best.1
            {
                best = (language, weight);
            }
        }
        best.0
    }

    /// What the pages say in it.
    pub fn words(self) -> &'static Words {
        let [en, bn, hi] = &*WORDS;
        match self {
            Self::En => en,
            Self::Bn => bn,
            Self::Hi => hi,
        }
    }
}

/// A weight from 0 to 1 in thousandths.
fn thousandths(text: &str) -> Option<u32> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = fraction.len() <= 3 && fraction.bytes().all(|byte| byte.is_ascii_digit());
    match (whole, digits) {
        ("1", true) => Some(1000),
        ("0", true) => format!("{fraction:0<3}").parse().ok(),
        _ => None,
    }
}

static WORDS: LazyLock<[Words; 3]> = LazyLock::new(|| {
    let sources = [
        include_str!("../../portal/words/en.toml"),
        include_str!("../../portal/words/bn.toml"),
        include_str!("../../portal/words/hi.toml"),
    ];
    sources.map(|source| toml::from_str(source).expect("part of the program; a test reads every word of it"))
});

/// The words of one language: single ones in tables, by their keys in `node/portal/words/*.toml`.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Words {
    /// The language's own name.
    pub name: String,
    /// The name of the service.
    pub service: String,
    /// Of the link past the header.
    pub skip: String,
    /// Of the link to the first page.
    pub home: String,
    /// Of the link to the page that reads codes.
    pub scan_link: String,
    /// Of the link to the explorer.
    pub explorer_link: String,
    /// Of the link to the page that explains.
    pub about: String,
    /// The same as a question.
    pub about_link: String,
    /// January to December.
    pub months: [String; 12],
    /// Forms.
    pub ask: Table,
    /// Answers.
    pub answer: Table,
    /// Codes.
    pub scan: Table,
    /// The checkpost page.
    pub checkpost: Table,
    /// Why a truck is let through or not.
    pub checkpost_reason: Table,
    /// What earlier checks found.
    pub checkpost_finding: Table,
    /// A status in a word or two.
    pub status: Table,
    /// A status in a sentence.
    pub status_words: Table,
    /// Reason codes.
    pub reason: Table,
    /// Where a document comes from.
    pub provenance: Table,
    /// What happens to documents.
    pub event: Table,
    /// Why there is no answer.
    pub trouble: Table,
    /// A plot, and a record of the log.
    pub plot: Table,
    /// The page for a court.
    pub court: Table,
    /// The verifier in one file.
    pub verifier: Table,
    /// A document's life; no script shows it.
    #[serde(skip_serializing)]
    pub timeline: Table,
    /// The explorer; no script shows it.
    #[serde(skip_serializing)]
    pub explorer: Table,
    /// A plot's chain of title; no script shows it.
    #[serde(skip_serializing)]
    pub descent: Table,
    /// The page that explains.
    pub explain: Explain,
}

/// Words by key.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(transparent)]
pub struct Table(BTreeMap<String, String>);

impl Table {
    /// The words for a key; the key itself where there are none, such as for a reason that a department thought of.
    pub fn get<'a>(&'a self, key: &'a str) -> &'a str {
        self.0.get(key).map_or(key, String::as_str)
    }

    /// The words for a key, if there are any.
    pub fn find(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str)
    }

    /// All keys.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// The words for a key with `{name}` replaced by its value.
    pub fn fill(&self, key: &str, values: &[(&str, &str)]) -> String {
        let mut left = self.get(key);
        let mut filled = String::new();
        // In one pass, so that a value is never read as a pattern.
        while let Some((before, (name, after))) =
            left.split_once('{').and_then(|(before, rest)| Some((before, rest.split_once('}')?)))
        {
            filled.push_str(before);
            filled.push_str(values.iter().find(|(known, _)| *known == name).map_or("", |(_, value)| value));
            left = after;
        }
        filled + left
    }
}

/// The page that explains.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Explain {
    /// Its title.
    pub title: String,
    /// Its paragraphs.
    pub text: Vec<String>,
    /// Of the link to the verifier in one file.
    pub verifier: String,
    /// Before that file's SHA-256.
    pub sha256: String,
    /// Of the link to the node's own pin.
    pub own_pin: String,
}
