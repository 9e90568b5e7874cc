//! Claims that a holder shows: what belongs to the document, and how it is put on a screen.

use std::collections::BTreeSet;
use std::fmt;

use dalil_ledger::claims::{Presentation, PresentationError};
use serde::Serialize;

use super::finding::{Finding, Unchecked};

/// A claim that belongs to the recorded document.
#[derive(Debug, Serialize)]
pub(super) struct ShownClaim {
    name: String,
    value: String,
    /// Letters that look like those of another alphabet than the word's, with their numbers; none where nothing misleads.
    looks_alike: Option<String>,
}

/// The claims of a presentation that belong to the document of a proven status; none for a document that is not on record.
pub(super) fn of(shown: &Presentation, finding: &Finding) -> Result<Vec<ShownClaim>, Unchecked> {
    let Finding::Status(proven) = finding else { return Ok(Vec::new()) };
    let Some(entry) = &proven.answer.entry else { return Ok(Vec::new()) };
    shown.verify(entry).map_err(|error| refused(&error))?;
    let claims = shown.claims().map(|claim| {
        let value = claim.value.as_str();
        ShownClaim { name: claim.name.to_string(), value: value.to_owned(), looks_alike: looks_alike(value) }
    });
    Ok(claims.collect())
}

/// Why nothing is shown.
pub(super) fn refused(error: &PresentationError) -> Unchecked {
    let code = match error {
        PresentationError::OtherDocument { .. } => "other_document",
        PresentationError::NoClaims(_) | PresentationError::NotOfDocument { .. } => "claims_wrong",
        _ => "malformed",
    };
    Unchecked::new(code, error.to_string())
}

impl fmt::Display for ShownClaim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: \"{}\"", self.name, self.value)?;
        match &self.looks_alike {
            Some(letters) => write!(f, " (beware of letters that look like others: {letters})"),
            None => Ok(()),
        }
    }
}

/// Letters that Latin ones are taken for: Greek and Cyrillic, Armenian, Cherokee, full width and mathematical ones.
fn is_mistaken_for_latin(letter: char) -> bool {
    matches!(
        letter,
        '\u{0370}'..='\u{058f}' | '\u{13a0}'..='\u{13ff}' | '\u{1d00}'..='\u{1dbf}' | '\u{1f00}'..='\u{1fff}'
            | '\u{2100}'..='\u{214f}' | '\u{2c80}'..='\u{2cff}' | '\u{2de0}'..='\u{2dff}' | '\u{a640}'..='\u{a69f}'
            | '\u{ff01}'..='\u{ff5e}' | '\u{1d400}'..='\u{1d7ff}'
    )
}

fn looks_alike(value: &str) -> Option<String> {
    let letters: BTreeSet<char> = value.chars().filter(|letter| is_mistaken_for_latin(*letter)).collect();
    let numbered: Vec<_> = letters.iter().map(|letter| format!("{letter} U+{:04X}", u32::from(*letter))).collect();
    (!numbered.is_empty()).then(|| numbered.join(", "))
}
