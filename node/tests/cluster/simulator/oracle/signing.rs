//! The bytes under consensus signatures and checkpoints, spelled out, and a check of their signatures.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use dalil_ledger::crypto::{Hash, PublicKey, Signature};
use dalil_ledger::validators::{Certificate, VoteKind, VoteSubject};
use ed25519_dalek::VerifyingKey;

use super::merkle::Digest;

pub fn verifies(key: &PublicKey, bytes: &[u8], signature: &Signature) -> bool {
    let signature = ed25519_dalek::Signature::from_bytes(&signature.0);
    VerifyingKey::from_bytes(&key.0).is_ok_and(|key| key.verify_strict(bytes, &signature).is_ok())
}

/// What is signed under a vote: domain, chain, height, round, and the block or nil.
pub fn vote_bytes(chain: &Hash, kind: VoteKind, subject: &VoteSubject) -> Vec<u8> {
    let label: &[u8] = match kind {
        VoteKind::Prevote => b"dalil/v1/prevote\0",
        VoteKind::Precommit => b"dalil/v1/precommit\0",
    };
    let block = subject.block.map_or(vec![0], |id| [&[1], &id.0[..]].concat());
    [label, &chain.0, &subject.height.to_le_bytes(), &subject.round.to_le_bytes(), &block].concat()
}

/// Whether every signature of a certificate is good and there are as many as it takes.
pub fn certifies(set: &[PublicKey], quorum: usize, chain: &Hash, certificate: &Certificate) -> bool {
    let signers: Vec<usize> = (0..64).filter(|bit| certificate.signers >> bit & 1 == 1).collect();
    let bytes = vote_bytes(chain, certificate.kind, &certificate.subject);
    let good = |(at, signature): (&usize, &Signature)| set.get(*at).is_some_and(|key| verifies(key, &bytes, signature));
    signers.len() == quorum
        && signers.len() == certificate.signatures.len()
        && signers.iter().zip(&certificate.signatures).all(good)
}

/// A checkpoint's text (C2SP tlog-checkpoint).
pub fn checkpoint(origin: &str, size: u64, root: &Digest) -> String {
    format!("{origin}\n{size}\n{}\n", STANDARD.encode(root))
}

/// Size and root that a published note states, and how many cosigners stand under it.
pub fn note(origin: &str, note: &str) -> Option<(u64, Digest, usize)> {
    let (text, signatures) = note.split_once("\n\n")?;
    let mut lines = text.lines();
    let (named, size, root) = (lines.next()?, lines.next()?, lines.next()?);
    let root: Digest = STANDARD.decode(root).ok()?.try_into().ok()?;
    let cosigner = |line: &str| line.split(' ').nth(1).filter(|name| name.starts_with(&format!("{origin}/"))).is_some();
    let cosigners: std::collections::BTreeSet<&str> = signatures.lines().filter(|line| cosigner(line)).collect();
    (named == origin && lines.next().is_none()).then_some((size.parse().ok()?, root, cosigners.len()))
}
