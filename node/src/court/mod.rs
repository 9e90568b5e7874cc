//! What a court is handed about a document, a challan or a plot.
//!
//! The receipts and the records that they prove, all checked against one pin before they are kept ([`Gathering`]); a hash
//! report in the form of `sha256sum`; and a page to print ([`page`]) with the facts in words, how to check all of it again
//! without us, and the certificate that the law asks for with electronic records, to be completed and signed by people.
//!
//! `dalil evidence` fetches receipts from a node and checks them against the user's pin; the portal takes its node's own. This
//! room knows neither.

mod gather;
pub mod page;
mod subject;

pub use gather::{Evidence, Gathering, Proven, RECORDS_MAX};
pub use subject::Subject;
