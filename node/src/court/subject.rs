//! What evidence is about.

use std::str::FromStr;

use dalil_contracts::land::keys::PlotId;
use dalil_contracts::mineral::challan::challan_uri;
use dalil_contracts::mineral::types::ChallanNumber;
use dalil_ledger::document::Uri;

use crate::verification::URI_PREFIX;

/// What evidence is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// A document; a challan is one.
    Document(Uri),
    /// A plot: its chain of title and its encumbrances.
    Plot(PlotId),
}

impl FromStr for Subject {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        // URI and number are tokens alike; by DigiLocker's convention a URI names its government first.
        let document = text.parse().map(Self::Document).ok().filter(|_| text.starts_with(URI_PREFIX));
        let plot = || text.parse().map(Self::Plot).ok();
        let challan = || text.parse::<ChallanNumber>().map(|number| Self::Document(challan_uri(&number))).ok();
        document
            .or_else(plot)
            .or_else(challan)
            .ok_or_else(|| "expected a document's URI, a challan's number, or a plot such as 2795-51/257".to_owned())
    }
}

impl std::fmt::Display for Subject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Document(uri) => write!(f, "{uri}"),
            Self::Plot(plot) => write!(f, "plot {plot}"),
        }
    }
}
