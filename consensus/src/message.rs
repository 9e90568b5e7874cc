//! What engines say to each other. Canonical bytes; every value from outside is adversarial.

use dalil_ledger::block::{Height, Round};
use dalil_ledger::codec::{self, CodecError, SchemaRead, SchemaWrite};
use dalil_ledger::crypto::Signature;
use dalil_ledger::statement::{ProposalSubject, SignedStatement, Statement};
use dalil_ledger::validators::{Certificate, ValidatorIndex, VoteKind, VoteSubject};

/// The longest canonical message, in bytes: a proposal with a polka of a full set (32 signatures) takes under 2,500.
pub const MESSAGE_BYTES_MAX: usize = 4_096;

/// A signed proposal (L19).
#[derive(Debug, Clone, PartialEq, Eq, Hash, SchemaWrite, SchemaRead)]
pub struct Proposal {
    /// What is proposed.
    pub subject: ProposalSubject,
    /// Place of the signer in set(h); must be proposer(h, r).
    pub signer: u8,
    /// Signature over the subject.
    pub signature: Signature,
    /// The polka of `valid_round`; present exactly if there is one. Not under the signature: it proves itself.
    pub polka: Option<Certificate>,
}

/// A signed prevote or precommit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, SchemaWrite, SchemaRead)]
pub struct Vote {
    /// Which vote.
    pub kind: VoteKind,
    /// What it says.
    pub subject: VoteSubject,
    /// Place of the signer in set(h).
    pub signer: u8,
    /// Signature over the subject.
    pub signature: Signature,
}

/// Where a node is. Unsigned: it speaks for the authenticated peer that sent it and for nobody else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, SchemaWrite, SchemaRead)]
pub struct Status {
    /// The height being decided, one above the head.
    pub height: Height,
    /// The round of it.
    pub round: Round,
    /// Leaves in the log of the head.
    pub head_size: u64,
}

/// One message of the vote stream.
#[derive(Debug, Clone, PartialEq, Eq, Hash, SchemaWrite, SchemaRead)]
pub enum Message {
    /// A proposal; the block's body travels apart.
    Proposal(Proposal),
    /// A prevote or precommit.
    Vote(Vote),
    /// A polka, commit or nil certificate.
    Certificate(Certificate),
    /// Where the sender is.
    Status(Status),
}

impl Message {
    /// Decodes one message of at most [`MESSAGE_BYTES_MAX`] bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self, CodecError> {
        codec::decode(bytes, MESSAGE_BYTES_MAX)
    }

    /// The canonical bytes.
    pub fn encode(&self) -> Vec<u8> {
        codec::encode(self)
    }

    /// The height that the message is about.
    pub fn height(&self) -> Height {
        match self {
            Self::Proposal(proposal) => proposal.subject.height,
            Self::Vote(vote) => vote.subject.height,
            Self::Certificate(certificate) => certificate.subject.height,
            Self::Status(status) => status.height,
        }
    }
}

impl Proposal {
    /// The signer's place in set(h).
    pub fn signer(&self) -> ValidatorIndex {
        ValidatorIndex(usize::from(self.signer))
    }

    /// What is signed.
    pub fn statement(&self) -> Statement {
        Statement::Proposal(self.subject)
    }

    /// The statement with its signature.
    pub fn signed(&self) -> SignedStatement {
        SignedStatement { statement: self.statement(), signature: self.signature }
    }
}

impl Vote {
    /// The signer's place in set(h).
    pub fn signer(&self) -> ValidatorIndex {
        ValidatorIndex(usize::from(self.signer))
    }

    /// What is signed.
    pub fn statement(&self) -> Statement {
        Statement::Vote { kind: self.kind, subject: self.subject }
    }

    /// The statement with its signature.
    pub fn signed(&self) -> SignedStatement {
        SignedStatement { statement: self.statement(), signature: self.signature }
    }
}
