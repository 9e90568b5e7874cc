//! A checkpost without a network: what a challan's QR code says, what the ledger knew when the checkpost last heard of
//! it, and what to make of the truck in front of the barrier.
//!
//! ```text
//!   QR code B ─► slip ──┐
//!   bundle  ─► book  ───┼─► judge ─► VALID | VALID-OFFLINE | INVALID | could not check
//!   plate, weight, time ┘      └─► a check that the device seals; it reaches the ledger later ([`super::check`])
//! ```
//!
//! **What rests on what.** The slip is its issuer's word, signed. What a book says of a challan, a key or a range is
//! proven: it is one pure function of the state ([`BookQuestion::answer`]), run again over values proven under a header
//! that the validators cosigned. That the book asks about *every* challan is the word of the node that listed their
//! numbers: one that keeps a number back makes an honest truck look unknown ([`Reason::NotOnRecord`]), and a spent
//! challan look like one issued since. The check that is synced later tells.

mod book;
mod judge;
mod slip;

pub use book::{
    Book, BookQuestion, CHALLANS_MAX, ListedChallan, ListedIssuer, ListedRange, POSTINGS_MAX, RANGES_MAX, Rules,
};
pub use judge::{Earlier, Judgement, Reason, STOP_MS_MAX, Scene, Stop, Verdict, judge};
pub use slip::{ChallanSlip, PLATE_CHARS_MAX, PLATE_CHARS_MIN, Plate, PlateError};
