//! Random calls by random officers over thousands of steps: whatever is accepted, each chain has at most one live head,
//! numbers and terms never collide, and every status agrees with a naive oracle; whatever is refused, nothing moves.
//!
//! The oracle keeps what was accepted as plain facts and answers by reading them from the start, without the registry.

use std::collections::{BTreeMap, BTreeSet};

use dalil_contracts::authority::Place;
use dalil_contracts::certificate::record::{CertificateRecord, record_key};
use dalil_contracts::certificate::{
    CertificateCall, Citation, Effect, NewCertificate, NewStrike, Origin, ReissueBatch, ReissueLeaf, Replacement,
};
use dalil_contracts::units::DAY_MS;
use dalil_ledger::block::Attachment;
use dalil_ledger::codec;
use dalil_ledger::document::{DocumentEntry, Moment, Status};
use proptest::prelude::*;

use crate::fixture::{BANKURA, call, certificate, uri};
use crate::support::{START_MS, World, digest, token};

/// Officers who may and who may not.
const POSTINGS: [&str; 8] = [
    "environment/consent",
    "district/sdo-bankura",
    "district/sdo-bankura-second",
    "district/collector",
    "judicial/court",
    "district/sdo-hooghly",
    "welfare/class",
    "welfare/class-second",
];

/// First and second officers of class strikes, in pairs.
const POSTINGS_OF_TWO: [&str; 4] = ["judicial/court", "judicial/court-second", "welfare/class", "welfare/class-second"];

/// One fact about one document.
#[derive(Debug, Clone, Copy)]
struct Fact {
    recorded_at_ms: u64,
    effective_from_ms: u64,
    status: Status,
}

/// One strike as it was ordered.
#[derive(Debug)]
struct Struck {
    class: &'static str,
    days: (u64, u64),
    effective_from_ms: u64,
    index: u64,
    confirmed_at_ms: Option<u64>,
    turned_at_ms: Vec<u64>,
}

/// What an observer wrote down of accepted calls.
#[derive(Debug, Default)]
struct Oracle {
    /// Terms, time of issue and facts of each document.
    documents: BTreeMap<String, (NewCertificate, u64, Vec<Fact>)>,
    /// Old and new, and whether it was a renewal.
    replaced: Vec<(String, String, bool)>,
    strikes: Vec<Struck>,
}

impl Oracle {
    fn status(&self, uri: &str, moment: Moment) -> Status {
        let (new, issued_at_ms, facts) = &self.documents[uri];
        let Moment { as_of_ms, known_at_ms } = moment;
        if *issued_at_ms > known_at_ms {
            return Status::NotOnRecord;
        }
        let mut now = Status::Valid;
        for fact in facts {
            if fact.recorded_at_ms <= known_at_ms && fact.effective_from_ms <= as_of_ms {
                now = fact.status;
            }
        }
        if matches!(now, Status::Revoked | Status::Superseded) {
            return now;
        }
        for strike in &self.strikes {
            let Some(confirmed_at_ms) = strike.confirmed_at_ms else { continue };
            let mut works = confirmed_at_ms <= known_at_ms && strike.effective_from_ms <= as_of_ms;
            for at in &strike.turned_at_ms {
                if *at <= as_of_ms && *at <= known_at_ms {
                    works = !works;
                }
            }
            // A stay before the strike is known turns nothing on.
            works &= confirmed_at_ms <= known_at_ms && strike.effective_from_ms <= as_of_ms;
            let reached = new.valid_from_ms >= strike.days.0 && new.valid_from_ms < strike.days.1;
            if works && reached && new.classes.contains(&token(strike.class)) {
                return Status::Revoked;
            }
        }
        match () {
            () if now == Status::Suspended => now,
            () if as_of_ms < new.valid_from_ms => Status::NotYetValid,
            () if new.valid_until_ms.is_some_and(|until| as_of_ms >= until) => Status::Expired,
            () => Status::Valid,
        }
    }

    fn fact(&mut self, uri: &str, recorded_at_ms: u64, effective_from_ms: u64, status: Status) {
        self.documents.get_mut(uri).unwrap().2.push(Fact { recorded_at_ms, effective_from_ms, status });
    }

    fn issued(&mut self, new: NewCertificate, at_ms: u64) {
        self.documents.insert(new.uri.to_string(), (new, at_ms, Vec::new()));
    }

    fn replaced(&mut self, old: &str, new: NewCertificate, replacement: Replacement, at_ms: u64) {
        let renewal = matches!(replacement, Replacement::Renewal | Replacement::AutoRenewal);
        let effective_from_ms = if renewal { new.valid_from_ms.max(at_ms) } else { at_ms };
        self.fact(old, at_ms, effective_from_ms, Status::Superseded);
        self.replaced.push((old.to_owned(), new.uri.to_string(), renewal));
        self.issued(new, at_ms);
    }
}

/// A world, what was written down of it, and a source of names.
struct Play {
    world: World,
    oracle: Oracle,
    next: u32,
    /// Lists of all steps, for the replay.
    lists: Vec<Attachment>,
    accepted: BTreeSet<&'static str>,
}

/// Dice of one step.
type Dice = (u8, u16, u16, u8, u8);

impl Play {
    fn new() -> Self {
        Self {
            world: World::west_bengal(),
            oracle: Oracle::default(),
            next: 0,
            lists: Vec::new(),
            accepted: BTreeSet::new(),
        }
    }

    /// A certificate on record, if there is one.
    fn chosen(&self, at: u16) -> Option<String> {
        let known = self.oracle.documents.len();
        self.oracle.documents.keys().nth(usize::from(at) % known.max(1)).cloned()
    }

    fn name(&mut self) -> String {
        self.next += 1;
        format!("N-{:06}", self.next)
    }

    fn kind_of(uri: &str) -> &'static str {
        if uri.contains("-CTO-") { "CTO" } else { "SC" }
    }

    /// A certificate to replace `old`, mostly within the rules.
    fn successor(&mut self, old: &str, renewal: bool, dice: Dice) -> NewCertificate {
        let kind = Self::kind_of(old);
        let before = self.oracle.documents[old].0.clone();
        let name = self.name();
        let mut new = NewCertificate { uri: token(&uri(kind, &name)), digest: digest(&name), ..before.clone() };
        if dice.3.is_multiple_of(3) {
            new.number = token(&name);
        }
        if renewal {
            let end = before.valid_until_ms.unwrap_or(START_MS);
            new.valid_from_ms =
                (end + u64::from(dice.3 % 5) * DAY_MS).saturating_sub(u64::from(dice.4.is_multiple_of(9)));
            new.valid_until_ms = Some(new.valid_from_ms + u64::from(dice.4) * DAY_MS);
        } else if dice.4.is_multiple_of(11) {
            new.valid_from_ms += 1;
        }
        new
    }

    fn step(&mut self, dice: Dice) {
        let (what, at, by, small, other) = dice;
        self.world.advance(u64::from(other % 16) * DAY_MS / 2 + 1);
        let now = self.world.time_ms;
        let right = ["environment/consent", "district/sdo-bankura"];
        let Some(old) = self.chosen(at).filter(|_| what % 12 > 1) else { return self.issue(dice) };
        let issuer = right[usize::from(Self::kind_of(&old) == "SC")];
        let posting = if by % 3 == 0 { POSTINGS[usize::from(by / 3) % POSTINGS.len()] } else { issuer };
        match what % 12 {
            2 | 3 => {
                let replacement = if small % 2 == 0 { Replacement::Correction } else { Replacement::Loss };
                self.replace(posting, &old, replacement, dice);
            }
            4 | 5 => {
                let replacement = if small % 2 == 0 { Replacement::Renewal } else { Replacement::AutoRenewal };
                self.replace(posting, &old, replacement, dice);
            }
            6 => {
                let suspend = CertificateCall::Suspend { uri: token(&old), reason: digest("reason") };
                if self.made("suspend", posting, suspend) {
                    self.oracle.fact(&old, now, now, Status::Suspended);
                }
            }
            7 | 8 => {
                let from_ms = self.oracle.documents[&old].0.valid_from_ms;
                let (effect, effective_from_ms) = match small % 3 {
                    0 => (Effect::AbInitio, from_ms.min(now)),
                    1 => (Effect::Now, now),
                    _ => {
                        let day_ms = from_ms + u64::from(other) * DAY_MS / 4;
                        (Effect::From { day_ms }, day_ms)
                    }
                };
                let cites = Some(Citation::Order(digest("order")));
                let it = token(&old);
                let (name, status, made) = if what % 12 == 7 {
                    (
                        "revoke",
                        Status::Revoked,
                        CertificateCall::Revoke { uri: it, effect, reason: digest("reason"), cites },
                    )
                } else {
                    let cites = cites.filter(|_| other % 4 > 0);
                    ("restore", Status::Valid, CertificateCall::Restore { uri: it, effect, cites })
                };
                let posting = if name == "restore" && by % 2 == 0 { "judicial/court" } else { posting };
                if self.made(name, posting, made) {
                    self.oracle.fact(&old, now, effective_from_ms, status);
                }
            }
            9 => self.reissue(posting, &[at, by, at.wrapping_add(7)], dice),
            _ => self.strike(dice),
        }
    }

    /// Makes a call; refused, it leaves nothing behind.
    fn made(&mut self, name: &'static str, posting: &str, made: CertificateCall) -> bool {
        let before = self.world.state.clone();
        let accepted = call(&mut self.world, posting, made).is_ok();
        if accepted {
            self.accepted.insert(name);
        } else {
            assert_eq!(self.world.state, before);
        }
        accepted
    }

    fn issue(&mut self, (what, at, by, small, other): Dice) {
        let name = self.name();
        let now = self.world.time_ms;
        let (kind, classes, posting) = match at % 2 {
            0 => ("CTO", ["GREEN", "ORANGE", "RED"][usize::from(small % 3)], "environment/consent"),
            _ => ("SC", "SC", "district/sdo-bankura"),
        };
        let mut new = NewCertificate {
            valid_from_ms: now + u64::from(small % 4) * DAY_MS,
            ..certificate(kind, &name, &[classes])
        };
        new.valid_until_ms = (kind == "CTO").then(|| new.valid_from_ms + u64::from(other) * DAY_MS);
        if let Some(taken) = self.chosen(by).filter(|_| what % 7 == 0) {
            new.number = self.oracle.documents[&taken].0.number.clone();
        }
        let posting = if by % 5 == 0 { POSTINGS[usize::from(by / 5) % POSTINGS.len()] } else { posting };
        let issue = CertificateCall::Issue {
            kind: token(kind),
            place: Place::district(BANKURA),
            origin: Origin::Decided,
            certificate: new.clone(),
        };
        if self.made("issue", posting, issue) {
            self.oracle.issued(new, now);
        }
    }

    fn replace(&mut self, posting: &str, old: &str, replacement: Replacement, dice: Dice) {
        let renewal = matches!(replacement, Replacement::Renewal | Replacement::AutoRenewal);
        let new = self.successor(old, renewal, dice);
        let replace = CertificateCall::Replace { old: token(old), replacement, certificate: new.clone() };
        let now = self.world.time_ms;
        if self.made(if renewal { "renew" } else { "replace" }, posting, replace) {
            self.oracle.replaced(old, new, replacement, now);
        }
    }

    fn reissue(&mut self, posting: &str, at: &[u16], dice: Dice) {
        let mut lost: Vec<String> = at.iter().filter_map(|at| self.chosen(*at)).collect();
        let kind = Self::kind_of(&lost[0]);
        lost.retain(|uri| dice.4.is_multiple_of(5) || Self::kind_of(uri) == kind);
        let mut seen = BTreeSet::new();
        lost.retain(|uri| seen.insert(uri.clone()));
        let copies: Vec<_> = lost.iter().map(|old| (old.clone(), self.successor(old, false, dice))).collect();
        let leaf = |(old, new): &(String, NewCertificate)| {
            codec::encode(&ReissueLeaf { old: token(old), certificate: new.clone() })
        };
        let list = Attachment { leaves: copies.iter().map(leaf).collect() };
        let (root, count) = (list.root(), u32::try_from(list.leaves.len()).unwrap());
        self.world.attachments = vec![list.clone()];
        self.lists.push(list);
        let batch = ReissueBatch { kind: token(kind), place: Place::district(BANKURA), root, count };
        let now = self.world.time_ms;
        if self.made("reissue", posting, CertificateCall::ReissueBatch(batch)) {
            for (old, new) in copies {
                self.oracle.replaced(&old, new, Replacement::Loss, now);
            }
        }
    }

    fn strike(&mut self, (what, at, by, small, other): Dice) {
        let now = self.world.time_ms;
        let posting = POSTINGS_OF_TWO[usize::from(by % 4)];
        if what % 12 == 10 && self.oracle.strikes.len() < 20 {
            let (kind, class) = [("CTO", "GREEN"), ("CTO", "RED"), ("SC", "SC")][usize::from(small % 3)];
            let days =
                (START_MS + u64::from(at % 64) * DAY_MS, START_MS + u64::from(at % 64 + u16::from(other)) * DAY_MS);
            let effective_from_ms = days.0 + u64::from(small) * DAY_MS;
            let new = NewStrike {
                kind: token(kind),
                classes: [token(class)].into_iter().collect(),
                issued_from_ms: days.0,
                issued_until_ms: days.1,
                effective_from_ms,
                saving_clause: None,
                order: digest("order"),
            };
            let index = self.world.record;
            if !self.made("strike", posting, CertificateCall::StrikeClass(new)) {
                return;
            }
            // A second officer has a day: at once, or hardly ever in time.
            let second = POSTINGS_OF_TWO[usize::from(by % 4) ^ 1];
            let confirm = CertificateCall::ConfirmStrike { strike: index };
            let confirmed_at_ms = (other % 3 > 0 && self.made("confirm", second, confirm)).then_some(now);
            let turned_at_ms = Vec::new();
            self.oracle.strikes.push(Struck { class, days, effective_from_ms, index, confirmed_at_ms, turned_at_ms });
            return;
        }
        let known = self.oracle.strikes.len();
        if known == 0 {
            return;
        }
        // The newest more often: only those may still be confirmed.
        let which = if small % 2 == 0 { known - 1 } else { usize::from(at) % known };
        let index = self.oracle.strikes[which].index;
        if self.oracle.strikes[which].confirmed_at_ms.is_none() {
            if self.made("confirm", posting, CertificateCall::ConfirmStrike { strike: index }) {
                self.oracle.strikes[which].confirmed_at_ms = Some(now);
            }
            return;
        }
        let order = digest("order");
        let (name, turn) = if self.oracle.strikes[which].turned_at_ms.len() % 2 == usize::from(other % 8 == 0) {
            ("stay", CertificateCall::StayStrike { strike: index, order })
        } else {
            ("lift", CertificateCall::LiftStay { strike: index, order })
        };
        if self.made(name, "judicial/court", turn) {
            self.oracle.strikes[which].turned_at_ms.push(now);
        }
    }

    fn check(&self) {
        let entries: BTreeMap<&String, DocumentEntry> =
            self.oracle.documents.keys().map(|uri| (uri, self.world.document(uri))).collect();
        let now = self.world.time_ms;
        let mut number_of_chain: BTreeMap<(String, String), String> = BTreeMap::new();
        for head in entries.values().filter(|entry| entry.superseded_by.is_none()) {
            // From the head back to the first: no cycle, links agree, at most one in force, terms apart.
            let mut chain = vec![head];
            while let Some(older) = chain[chain.len() - 1].supersedes.as_ref() {
                let older = &entries[&older.to_string()];
                assert_eq!(older.superseded_by.as_ref(), Some(&chain[chain.len() - 1].uri), "D3");
                chain.push(older);
                assert!(chain.len() <= entries.len(), "C4: a chain without end");
            }
            for moment in [now, now + 40 * DAY_MS] {
                let live = chain.iter().filter(|entry| {
                    self.world.status_at(entry.uri.as_str(), Moment::now(moment)).status == Status::Valid
                });
                assert!(live.count() <= 1, "C4: {chain:?}");
            }
            for entry in chain {
                let record: CertificateRecord = self.world.get(&record_key(&entry.uri)).unwrap();
                let place = (record.kind.to_string(), record.number.to_string());
                let owner = number_of_chain.entry(place).or_insert_with(|| head.uri.to_string());
                assert_eq!(owner, head.uri.as_str(), "C1: one number, two chains");
            }
        }
        let linked = entries.values().filter(|entry| entry.superseded_by.is_some()).count();
        assert_eq!(linked, self.oracle.replaced.len());
        for (old, new, renewal) in &self.oracle.replaced {
            let (old, new) = (&entries[old], &entries[new]);
            assert_eq!(old.superseded_by.as_ref(), Some(&new.uri));
            assert!(!renewal || old.valid_until_ms.is_some_and(|until| until <= new.valid_from_ms), "C7");
            assert!(*renewal || old.valid_from_ms == new.valid_from_ms, "C2");
        }
    }

    /// Every document at moments in past and present, against the oracle.
    fn compare(&self, seed: u64) {
        let now = self.world.time_ms;
        let span = now - START_MS + 1;
        for (place, uri) in self.oracle.documents.keys().enumerate() {
            let drawn = |salt: u64| START_MS + (seed + salt).wrapping_mul(0x9e37_79b9_7f4a_7c15) % span;
            let place = place as u64;
            let moments = [
                Moment::now(now),
                Moment { as_of_ms: drawn(place), known_at_ms: u64::MAX },
                Moment { as_of_ms: drawn(place + 1), known_at_ms: drawn(place + 2) },
                Moment { as_of_ms: now + 200 * DAY_MS, known_at_ms: now },
            ];
            for moment in moments {
                assert_eq!(
                    self.world.status_at(uri, moment).status,
                    self.oracle.status(uri, moment),
                    "{uri} {moment:?}"
                );
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn random_calls_keep_one_live_head_and_agree_with_a_naive_oracle(dice in prop::collection::vec(any::<Dice>(), 150)) {
        let mut play = Play::new();
        let mut start = play.world.start_recording();
        for (number, dice) in dice.iter().enumerate() {
            play.step(*dice);
            play.check();
            play.compare(number as u64 * 1_000 + u64::from(dice.1));
        }
        start.attachments = play.lists.clone();
        start.assert_replays_to(&play.world);
    }
}

/// The dice reach every call: a test that only ever sees refusals would say nothing.
#[test]
fn random_calls_of_every_kind_are_accepted_sooner_or_later() {
    let mut play = Play::new();
    let mut drawn = 0x9e37_79b9_7f4a_7c15_u64;
    for _ in 0..600 {
        drawn ^= drawn << 13;
        drawn ^= drawn >> 7;
        drawn ^= drawn << 17;
        let bytes = drawn.to_le_bytes();
        let pair = |at: usize| u16::from_le_bytes([bytes[at], bytes[at + 1]]);
        play.step((bytes[0], pair(1), pair(3), bytes[5], bytes[6]));
    }
    play.check();
    play.compare(1);
    let all =
        ["confirm", "issue", "lift", "reissue", "renew", "replace", "restore", "revoke", "stay", "strike", "suspend"];
    assert_eq!(play.accepted.into_iter().collect::<Vec<_>>(), all);
}
