//! Why a certificate is revoked or suspended, and from when that works. The chain holds the reason as a salted commitment
//! alone: holder and authorities open it, the public reads "revoked". So no node can hold a reason against its day of
//! effect; offices and their gateways do, with `Reason::effect`.

use dalil_ledger::claims::{Salt, commit};
use dalil_ledger::crypto::Hash;

use super::standing::Effect;

/// A reason, with the code that is committed to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// It was got by fraud.
    Fraud,
    /// The holder is no longer entitled to it.
    Ineligible,
    /// A court ordered it.
    CourtOrder,
    /// The office was mistaken.
    IssuedInError,
    /// The holder died.
    Deceased,
    /// The holder gave it back.
    Surrendered,
    /// A newer certificate took its place; recorded by the call that replaces, not by a revocation.
    Superseded,
    /// The key that issued it was in other hands.
    IssuerKeyCompromise,
    /// An order struck its class; recorded by the strike, not by a revocation.
    ClassStruck,
}

/// From when a revocation for a reason works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Works {
    /// As if it had never been issued.
    AbInitio,
    /// From the day of the death, the loss of entitlement, the surrender, the compromise.
    FromItsDay,
    /// As the court's order says.
    AsOrdered,
    /// Not by a revocation at all.
    ByAnotherCall,
}

impl Reason {
    /// All reasons.
    pub const ALL: [Self; 9] = [
        Self::Fraud,
        Self::Ineligible,
        Self::CourtOrder,
        Self::IssuedInError,
        Self::Deceased,
        Self::Surrendered,
        Self::Superseded,
        Self::IssuerKeyCompromise,
        Self::ClassStruck,
    ];

    /// The code, such as `issued_in_error`.
    pub fn code(self) -> &'static str {
        match self {
            Self::Fraud => "fraud",
            Self::Ineligible => "ineligible",
            Self::CourtOrder => "court_order",
            Self::IssuedInError => "issued_in_error",
            Self::Deceased => "deceased",
            Self::Surrendered => "surrendered",
            Self::Superseded => "superseded",
            Self::IssuerKeyCompromise => "issuer_key_compromise",
            Self::ClassStruck => "class_struck",
        }
    }

    /// The reason with this code.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.code() == code)
    }

    /// From when a revocation for this reason works.
    pub fn works(self) -> Works {
        match self {
            Self::Fraud | Self::IssuedInError => Works::AbInitio,
            Self::Ineligible | Self::Deceased | Self::Surrendered | Self::IssuerKeyCompromise => Works::FromItsDay,
            Self::CourtOrder => Works::AsOrdered,
            Self::Superseded | Self::ClassStruck => Works::ByAnotherCall,
        }
    }

    /// Whether a revocation for this reason may name `effect`.
    pub fn fits(self, effect: Effect) -> bool {
        match self.works() {
            Works::AbInitio => effect == Effect::AbInitio,
            Works::FromItsDay => matches!(effect, Effect::From { .. } | Effect::Now),
            Works::AsOrdered => true,
            Works::ByAnotherCall => false,
        }
    }

    /// What the call carries as its reason; the salt stays with office and holder.
    pub fn commit(self, salt: &Salt) -> Hash {
        commit(salt, self.code().as_bytes())
    }
}
