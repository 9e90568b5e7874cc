//! The inclusion receipt as a COSE receipt (RFC 9942, verifiable data structure `RFC9162_SHA256`), for software that speaks
//! COSE and not C2SP.
//!
//! ```text
//! 18([ << { 1: -8, 4: kid, 15: { 1: origin, 2: "entry/<index>" }, 395: 1 } >>,    protected
//!      { 396: { -1: [ << [ size, index, [ path ] ] >> ] } },                       unprotected
//!      null,                                                                        the root, which the verifier computes
//!      signature ])
//! ```
//!
//! **One** validator signs it, with its log key: it is worth as much as that department's word. A quorum stands behind the
//! C2SP form alone. `kid` is the key id of the log's vkey, under which the policy names the key.

use minicbor::data::Tag;
use minicbor::{Decoder, Encoder};

use crate::checkpoint::{KeyKind, KeyName, VerifierKey};
use crate::crypto::{CryptoError, Hash, PublicKey, SecretKey, Signature};
use crate::log::{INCLUSION_PATH_MAX, LogIndex, LogSize, ProofError, leaf_hash, root_of_inclusion};

/// The longest COSE receipt that is read, in bytes.
pub const COSE_BYTES_MAX: usize = 8 << 10;

/// The CBOR tag of a COSE_Sign1 (RFC 9052 §2).
const SIGN1: u64 = 18;
/// Header labels: algorithm, key id (RFC 9052 §3.1), CWT claims (RFC 9597), and those of RFC 9942 §2.
const ALG: i64 = 1;
const KID: i64 = 4;
const CWT_CLAIMS: i64 = 15;
const VDS: i64 = 395;
const VDP: i64 = 396;
/// EdDSA (RFC 9053 §2.2).
const EDDSA: i64 = -8;
/// The RFC 9162 tree with SHA-256 (RFC 9942 §5.1).
const RFC9162_SHA256: i64 = 1;
/// Inclusion proofs (RFC 9942 §5.1.1).
const INCLUSION_PROOFS: i64 = -1;
/// CWT claims (RFC 8392 §3.1): issuer and subject.
const ISSUER: i64 = 1;
const SUBJECT: i64 = 2;

/// Where an entry stands, and the path that leads from it to the root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CoseReceipt {
    /// Number of leaves.
    pub size: LogSize,
    /// Index of the entry.
    pub index: LogIndex,
    /// Siblings, leaf to root.
    pub path: Vec<Hash>,
}

/// Why a COSE receipt says nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CoseError {
    /// The file is too long.
    #[error("a COSE receipt of {0} bytes, expected at most {COSE_BYTES_MAX}")]
    TooLong(usize),
    /// Not the one encoding of a receipt by this key.
    #[error("no COSE receipt of {0} in its deterministic encoding")]
    Form(KeyName),
    /// Path, index and size do not belong together.
    #[error(transparent)]
    Proof(#[from] ProofError),
    /// The signature is not the log key's over the root that entry and path lead to.
    #[error("signature: {0}")]
    Signature(#[from] CryptoError),
}

impl CoseReceipt {
    /// Signs `root`, the root of the `size` leaves, with the log key of `origin`, and writes the receipt.
    pub fn sign(&self, root: &Hash, origin: &KeyName, log: &SecretKey) -> Vec<u8> {
        let key = log_key(origin, log.public());
        self.write(&key, &log.sign_raw(&self.to_be_signed(root, &key)))
    }

    /// Checks that `bytes` are a receipt of the log key `key` for `entry`, the canonical bytes of a log entry.
    pub fn verify(bytes: &[u8], entry: &[u8], key: &VerifierKey) -> Result<Self, CoseError> {
        if bytes.len() > COSE_BYTES_MAX {
            return Err(CoseError::TooLong(bytes.len()));
        }
        let form = || CoseError::Form(key.name.clone());
        let (receipt, signature) = read(bytes).map_err(|_| form())?;
        // One spelling a receipt: everything that was read is written again.
        if receipt.write(key, &signature) != bytes {
            return Err(form());
        }
        let root = root_of_inclusion(receipt.index, receipt.size, &leaf_hash(entry), &receipt.path)?;
        key.key.verify_raw(&receipt.to_be_signed(&root, key), &signature)?;
        Ok(receipt)
    }

    fn protected(&self, key: &VerifierKey) -> Vec<u8> {
        encoded(|cbor| {
            cbor.map(4)?.i64(ALG)?.i64(EDDSA)?.i64(KID)?.bytes(&key.id().0)?.i64(CWT_CLAIMS)?.map(2)?;
            cbor.i64(ISSUER)?.str(key.name.as_str())?.i64(SUBJECT)?.str(&format!("entry/{}", self.index))?;
            cbor.i64(VDS)?.i64(RFC9162_SHA256)?;
            Ok(())
        })
    }

    /// `Sig_structure` (RFC 9052 §4.4), with the root as the detached payload.
    fn to_be_signed(&self, root: &Hash, key: &VerifierKey) -> Vec<u8> {
        encoded(|cbor| {
            cbor.array(4)?.str("Signature1")?.bytes(&self.protected(key))?.bytes(&[])?.bytes(&root.0)?;
            Ok(())
        })
    }

    fn proof(&self) -> Vec<u8> {
        encoded(|cbor| {
            cbor.array(3)?.u64(self.size)?.u64(self.index)?.array(self.path.len() as u64)?;
            self.path.iter().try_for_each(|hash| cbor.bytes(&hash.0).map(|_| ()))
        })
    }

    fn write(&self, key: &VerifierKey, signature: &Signature) -> Vec<u8> {
        encoded(|cbor| {
            cbor.tag(Tag::new(SIGN1))?.array(4)?.bytes(&self.protected(key))?;
            cbor.map(1)?.i64(VDP)?.map(1)?.i64(INCLUSION_PROOFS)?.array(1)?.bytes(&self.proof())?;
            cbor.null()?.bytes(&signature.0)?;
            Ok(())
        })
    }
}

/// The vkey of a log key.
fn log_key(origin: &KeyName, key: PublicKey) -> VerifierKey {
    VerifierKey { name: origin.clone(), kind: KeyKind::Log, key }
}

type ToVec<'a> = Encoder<&'a mut Vec<u8>>;
type Encoded = Result<(), minicbor::encode::Error<std::convert::Infallible>>;

fn encoded(write: impl FnOnce(&mut ToVec<'_>) -> Encoded) -> Vec<u8> {
    let mut bytes = Vec::new();
    write(&mut Encoder::new(&mut bytes)).expect("a vector takes all bytes");
    bytes
}

/// Proof and signature. What else stands there is compared with what would be written.
fn read(bytes: &[u8]) -> Result<(CoseReceipt, Signature), minicbor::decode::Error> {
    let wrong = minicbor::decode::Error::message;
    let mut cbor = Decoder::new(bytes);
    cbor.tag()?;
    cbor.array()?;
    cbor.bytes()?;
    cbor.map()?;
    cbor.i64()?;
    cbor.map()?;
    cbor.i64()?;
    cbor.array()?;
    let proof = cbor.bytes()?;
    cbor.null()?;
    let signature = Signature(cbor.bytes()?.try_into().map_err(|_| wrong("signature"))?);

    let mut cbor = Decoder::new(proof);
    cbor.array()?;
    let (size, index) = (cbor.u64()?, cbor.u64()?);
    let count = cbor.array()?.filter(|count| *count <= INCLUSION_PATH_MAX as u64).ok_or_else(|| wrong("path"))?;
    let hash = |_| Ok(Hash(cbor.bytes()?.try_into().map_err(|_| wrong("hash"))?));
    let path = (0..count).map(hash).collect::<Result<_, minicbor::decode::Error>>()?;
    Ok((CoseReceipt { size, index, path }, signature))
}
