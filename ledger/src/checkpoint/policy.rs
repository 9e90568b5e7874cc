//! Whose signatures count, and how many (C2SP tlog-policy).

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use super::key::{KeyError, KeyKind, KeyName, VerifierKey, cosigner_name};
use super::text::{from_decimal, shortened};
use crate::crypto::PublicKey;
use crate::validators::{VALIDATORS_MAX, ValidatorSet};

/// The longest policy that is read, in bytes.
pub const POLICY_BYTES_MAX: usize = 64 << 10;

/// Name of the one group in a policy that Dalil writes.
const GROUP: &str = "validators";

/// A cosigner, and the name by which the policy's group refers to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Witness {
    /// Name within the policy file; without meaning outside.
    pub label: String,
    /// The key, of kind [`KeyKind::Cosigner`].
    pub key: VerifierKey,
}

/// A flat policy: log keys of one origin, cosigners, and how many of these it takes.
///
/// ```text
/// log <vkey>
/// witness <name> <vkey>
/// group validators <q> <name>…
/// quorum validators
/// ```
///
/// Every key stands in it once: two names for one key would let one cosigner count twice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    origin: KeyName,
    logs: Vec<VerifierKey>,
    witnesses: Vec<Witness>,
    quorum: usize,
}

/// Why a policy is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// The text is too long.
    #[error("a policy of {0} bytes, expected at most {POLICY_BYTES_MAX}")]
    TooLong(usize),
    /// A control character other than tab and newline.
    #[error("a policy must not hold control characters other than tab and newline")]
    Characters,
    /// A line is none that a flat policy has.
    #[error("line {0}: expected log, witness, one group over all witnesses, then quorum; got {1:?}")]
    Line(usize, String),
    /// A vkey is wrong.
    #[error("line {0}: {1}")]
    Key(usize, KeyError),
    /// A key name that follows from origin and department is wrong.
    #[error(transparent)]
    Name(#[from] KeyError),
    /// A key serves another purpose than the line says.
    #[error("line {line}: a {got:?} key, expected a {expected:?} key")]
    Kind {
        /// Number of the line, from 1.
        line: usize,
        /// Type of the key found.
        got: KeyKind,
        /// Type that the line asks for.
        expected: KeyKind,
    },
    /// The same key or witness name stands twice.
    #[error("{0} stands twice")]
    Repeated(String),
    /// Two keys have the same name and id.
    #[error("{0} has the name and the id of another key")]
    Ambiguous(String),
    /// The log keys have different names.
    #[error("log {got}, expected the one origin {expected}")]
    Origins {
        /// Name of a log key.
        got: KeyName,
        /// Name of the first.
        expected: KeyName,
    },
    /// No log, no witness or too many of them.
    #[error("{logs} logs and {witnesses} witnesses, expected 1 to {VALIDATORS_MAX} of each")]
    Size {
        /// Log lines.
        logs: usize,
        /// Witness lines.
        witnesses: usize,
    },
    /// The quorum is zero or above the number of witnesses.
    #[error("a quorum of {quorum}, expected 1 to {witnesses}")]
    Quorum {
        /// The number in the group line.
        quorum: usize,
        /// Witness lines.
        witnesses: usize,
    },
    /// There is no quorum line, or no group.
    #[error("the quorum line is missing")]
    NoQuorum,
}

impl Policy {
    /// The policy by which `set` speaks for the log `origin`: one log and one witness line for each validator, in the
    /// set's order, and its quorum q.
    pub fn of_set(origin: &KeyName, set: &ValidatorSet) -> Result<Self, PolicyError> {
        let logs = set.iter().map(|member| VerifierKey { name: origin.clone(), kind: KeyKind::Log, key: member.log });
        let witnesses = set.iter().map(|member| {
            let name = cosigner_name(origin, &member.department)?;
            let label = name.as_str().to_owned();
            Ok(Witness { label, key: VerifierKey { name, kind: KeyKind::Cosigner, key: member.cosigner } })
        });
        Self::checked(logs.collect(), witnesses.collect::<Result<_, KeyError>>()?, set.quorum())
    }

    /// As [`Policy::of_set`], for a set that is about to decide: refused too where two keys share name and id. Their lines are
    /// told apart here ([`Policy::verify`]), but other readers of notes refuse both keys.
    pub fn of_new_set(origin: &KeyName, set: &ValidatorSet) -> Result<Self, PolicyError> {
        let policy = Self::of_set(origin, set)?;
        let mut names = BTreeSet::new();
        let again = policy.keys().find(|key| !names.insert((&key.name, key.id()))).map(ToString::to_string);
        again.map_or(Ok(policy), |again| Err(PolicyError::Ambiguous(again)))
    }

    fn checked(logs: Vec<VerifierKey>, witnesses: Vec<Witness>, quorum: usize) -> Result<Self, PolicyError> {
        let allowed = 1..=VALIDATORS_MAX;
        let origin = match logs.first() {
            Some(first) if allowed.contains(&logs.len()) && allowed.contains(&witnesses.len()) => first.name.clone(),
            _ => return Err(PolicyError::Size { logs: logs.len(), witnesses: witnesses.len() }),
        };
        if let Some(other) = logs.iter().find(|log| log.name != origin) {
            return Err(PolicyError::Origins { got: other.name.clone(), expected: origin });
        }
        if !(1..=witnesses.len()).contains(&quorum) {
            return Err(PolicyError::Quorum { quorum, witnesses: witnesses.len() });
        }
        let mut keys: BTreeSet<PublicKey> = BTreeSet::new();
        let mut labels = BTreeSet::new();
        let all = logs.iter().chain(witnesses.iter().map(|witness| &witness.key));
        if let Some(again) = all.clone().find(|vkey| !keys.insert(vkey.key)) {
            return Err(PolicyError::Repeated(again.to_string()));
        }
        if let Some(again) = witnesses.iter().find(|witness| !labels.insert(&witness.label)) {
            return Err(PolicyError::Repeated(again.label.clone()));
        }
        Ok(Self { origin, logs, witnesses, quorum })
    }

    /// The log's origin.
    pub fn origin(&self) -> &KeyName {
        &self.origin
    }

    /// The log keys; one of them must have signed.
    pub fn logs(&self) -> &[VerifierKey] {
        &self.logs
    }

    /// The cosigners.
    pub fn witnesses(&self) -> &[Witness] {
        &self.witnesses
    }

    fn keys(&self) -> impl Iterator<Item = &VerifierKey> {
        self.logs.iter().chain(self.witnesses.iter().map(|witness| &witness.key))
    }

    /// q, the number of cosignatures that a checkpoint needs.
    pub fn quorum(&self) -> usize {
        self.quorum
    }
}

impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.logs.iter().try_for_each(|log| writeln!(f, "log {log}"))?;
        self.witnesses.iter().try_for_each(|witness| writeln!(f, "witness {} {}", witness.label, witness.key))?;
        write!(f, "group {GROUP} {}", self.quorum)?;
        self.witnesses.iter().try_for_each(|witness| write!(f, " {}", witness.label))?;
        write!(f, "\nquorum {GROUP}\n")
    }
}

/// The group line: its name and its threshold.
struct Group<'a> {
    name: &'a str,
    quorum: usize,
}

impl FromStr for Policy {
    type Err = PolicyError;

    /// Parses a policy file: comments, blank lines and URLs after a vkey are allowed and forgotten. Nested groups and
    /// `quorum none` are refused, for no note of this ledger needs them.
    fn from_str(text: &str) -> Result<Self, PolicyError> {
        if text.len() > POLICY_BYTES_MAX {
            return Err(PolicyError::TooLong(text.len()));
        }
        if text.bytes().any(|byte| (byte < b' ' && byte != b'\t' && byte != b'\n') || byte == 0x7f) {
            return Err(PolicyError::Characters);
        }
        let (mut logs, mut witnesses): (Vec<VerifierKey>, Vec<Witness>) = (Vec::new(), Vec::new());
        let (mut group, mut quorum): (Option<Group<'_>>, Option<usize>) = (None, None);
        for (number, line) in (1..).zip(text.split('\n')) {
            let items: Vec<&str> = line.split([' ', '\t']).filter(|item| !item.is_empty()).collect();
            match (items.as_slice(), &group) {
                ([], _) => {}
                ([first, ..], _) if first.starts_with('#') => {}
                (["log", vkey] | ["log", vkey, _], _) => logs.push(parse_key(number, vkey, KeyKind::Log)?),
                (["witness", label, vkey] | ["witness", label, vkey, _], None) if *label != "none" => {
                    let key = parse_key(number, vkey, KeyKind::Cosigner)?;
                    witnesses.push(Witness { label: (*label).to_owned(), key });
                }
                (["group", name, threshold, members @ ..], None) if lists_all(members, &witnesses, name) => {
                    let quorum = match *threshold {
                        "all" => Some(members.len()),
                        "any" => Some(1),
                        number => from_decimal(number).and_then(|number| usize::try_from(number).ok()),
                    };
                    let quorum = quorum.ok_or_else(|| PolicyError::Line(number, shortened(line)))?;
                    group = Some(Group { name, quorum });
                }
                (["quorum", name], Some(group)) if *name == group.name && quorum.is_none() => {
                    quorum = Some(group.quorum)
                }
                _ => return Err(PolicyError::Line(number, shortened(line))),
            }
        }
        Self::checked(logs, witnesses, quorum.ok_or(PolicyError::NoQuorum)?)
    }
}

fn parse_key(line: usize, vkey: &str, kind: KeyKind) -> Result<VerifierKey, PolicyError> {
    let key: VerifierKey = vkey.parse().map_err(|error| PolicyError::Key(line, error))?;
    if key.kind == kind { Ok(key) } else { Err(PolicyError::Kind { line, got: key.kind, expected: kind }) }
}

/// Whether the group's members are the witnesses above it, each once, under names other than the group's own.
fn lists_all(members: &[&str], witnesses: &[Witness], group: &str) -> bool {
    let labels: BTreeSet<&str> = witnesses.iter().map(|witness| witness.label.as_str()).collect();
    let listed: BTreeSet<&str> = members.iter().copied().collect();
    listed.len() == members.len() && listed == labels && !labels.contains(group) && group != "none"
}
