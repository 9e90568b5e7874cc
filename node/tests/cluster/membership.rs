//! Validators are added, removed, replaced and given new keys while the chain goes on (A4), and verifiers follow.

use std::collections::BTreeSet;

use dalil_consensus::Message as Vote;
use dalil_contracts::authority::membership::{
    ChangeOutcome, HeadName, JoinedStatement, Membership, ReadyStatement, membership_key, outcome_key,
};
use dalil_contracts::authority::{AuthorityCall, Choice, Matter, ValidatorChange};
use dalil_contracts::{Call, Invocation};
use dalil_ledger::block::Height;
use dalil_ledger::checkpoint::{Handover, HandoverError, HeadProof, Pin, PinnedHeadError, RenewError};
use dalil_ledger::receipt::{InclusionReceipt, Trust, verify_inclusion_with};
use dalil_ledger::store::LedgerView;
use dalil_ledger::validators::{Certificate, ValidatorIndex, ValidatorSet, VoteKind};
use dalil_node::core::happened::Happened;
use dalil_node::core::{Message, executor};
use dalil_node::shell::home::NodeKeys;
use dalil_node::verification::{PIN_LIFETIME_MS, pin_of};

use crate::seeds;
use crate::simulator::disk::WRITE_MS;
use crate::support::{key_of, node_keys, signed_for, token};
use crate::world::{FOUL, Weather, World};

/// How long a record may take on a good day, and on a bad one, in simulated milliseconds.
const RECORDED_WITHIN_MS: u64 = 120_000;

/// The keys of a department's next home.
fn next_home(department: &str) -> NodeKeys {
    NodeKeys {
        network: key_of(&format!("network {department} 2")),
        validator: Some(key_of(&format!("validator {department} 2"))),
    }
}

/// A world whose officers act, each call a record of its own.
pub(crate) struct Office {
    pub(crate) world: World,
    /// Where records are handed in.
    desk: usize,
    serial: u64,
    /// Nodes of which one may be down at a time.
    unsteady: Vec<usize>,
}

impl Office {
    pub(crate) fn open(seed: u64, n: usize) -> Self {
        let mut world = World::with(seed, n);
        world.start_all();
        world.run_for(1_000);
        Self { world, desk: 0, serial: 0, unsteady: Vec::new() }
    }

    /// One of the unsteady nodes may fall, to come back by itself.
    fn stumble(&mut self) {
        let pause_ms = self.world.rng.between(1, 400);
        self.world.run_for(if self.unsteady.is_empty() { 0 } else { pause_ms });
        let all_up = self.unsteady.iter().all(|node| self.world.is_up(*node));
        if all_up && !self.unsteady.is_empty() && self.world.rng.chance(500) {
            let victim = self.unsteady[self.world.rng.between(0, self.unsteady.len() as u64 - 1) as usize];
            let down_ms = self.world.rng.between(100, 10_000);
            self.world.crash_late(victim);
            self.world.start_in(victim, down_ms);
        }
    }

    pub(crate) fn record(&mut self, posting: &str, call: AuthorityCall) {
        self.stumble();
        self.serial += 1;
        let invocation = Invocation { posting: token(posting), call: Call::Authority(call) };
        let officer = posting.replace('/', "-");
        let now_ms = self.world.now_ms;
        let record = signed_for(self.world.chain.id, &officer, &invocation, 1_000_000 + self.serial, now_ms);
        let request = self.world.submit(self.desk, record, None);
        self.world.run_until(RECORDED_WITHIN_MS, posting, |world| world.answer(request).is_some());
        assert_eq!(self.world.outcome(request), "recorded", "{posting}: {:?}", self.world.answer(request));
    }

    /// One more block with a record.
    fn beat(&mut self) {
        self.stumble();
        self.serial += 1;
        let record = self.world.domicile(self.serial);
        let request = self.world.submit(self.desk, record, None);
        self.world.run_until(RECORDED_WITHIN_MS, "a certificate", |world| world.is_recorded(request));
    }

    pub(crate) fn go_to(&mut self, height: Height) {
        while self.world.height(self.desk) < height {
            self.beat();
        }
    }

    fn view(&self) -> LedgerView {
        self.world.nodes[self.desk].view()
    }

    pub(crate) fn height(&self) -> Height {
        self.world.height(self.desk)
    }

    pub(crate) fn set(&self) -> ValidatorSet {
        executor::next_validators(&self.view()).unwrap()
    }

    pub(crate) fn departments(&self) -> Vec<String> {
        self.set().iter().map(|member| member.department.to_string()).collect()
    }

    fn under_way(&self) -> Membership {
        self.view().state_value(&membership_key()).unwrap().unwrap_or_default()
    }

    fn outcome(&self, ballot: &str) -> Option<ChangeOutcome> {
        self.view().state_value(&outcome_key(&token(ballot))).unwrap()
    }

    /// A quorum of the departments in force votes for it.
    fn carry(&mut self, ballot: &str, change: &ValidatorChange, from_height: Height) {
        let effective_from_ms = self.world.now_ms + 3_600_000;
        let voters = self.departments();
        for department in voters.iter().take(self.set().quorum()) {
            let matter = Matter::Validators { change: change.clone(), from_height };
            let (ballot, choice) = (token(ballot), Choice::Approve);
            self.record(
                &format!("{department}/voter"),
                AuthorityCall::Vote { ballot, matter, effective_from_ms, choice },
            );
        }
        assert!(self.under_way().pending.iter().any(|pending| pending.ballot == token(ballot)));
    }

    fn recent(&self) -> HeadName {
        *self.under_way().heads.last().unwrap()
    }

    fn ready(&mut self, ballot: &str, department: &str, keys: &NodeKeys) {
        let member = keys.validator(token(department)).unwrap();
        let (ballot, head) = (token(ballot), self.recent());
        let statement = ReadyStatement { ballot: ballot.clone(), member, head };
        let secret = [keys.consensus().unwrap(), keys.cosigner().unwrap(), keys.log().unwrap(), keys.network.clone()];
        let signatures = statement.sign(&self.world.chain.id, secret.each_ref());
        let call = AuthorityCall::Ready { ballot, head, signatures };
        self.record(&format!("{department}/admin"), call);
    }

    /// Two blocks later at the earliest the new member says that it follows.
    fn joined(&mut self, department: &str, keys: &NodeKeys) {
        let absent = self.under_way().absent;
        let from_height = absent.iter().find(|absent| absent.department == token(department)).unwrap().from_height;
        self.go_to(from_height + 1);
        let (consensus, head) = (keys.consensus().unwrap(), self.recent());
        let statement = JoinedStatement { department: token(department), consensus: consensus.public(), head };
        let call = AuthorityCall::Joined { head, signature: statement.sign(&self.world.chain.id, &consensus) };
        self.record(&format!("{department}/admin"), call);
        assert!(!self.under_way().absent.iter().any(|absent| absent.department == token(department)));
    }

    /// The whole way of a change that brings `keys` in; the newcomer's node must be there. Returns the first height that
    /// the changed set decided.
    fn bring_in(&mut self, ballot: &str, change: &ValidatorChange, department: &str, keys: &NodeKeys) -> Height {
        let named = self.height() + 8;
        self.carry(ballot, change, named);
        self.ready(ballot, department, keys);
        self.go_to(named - 1);
        assert_eq!(self.outcome(ballot), Some(ChangeOutcome::InForce(named)));
        // What the end of a block brought about stands at its header.
        let index = self.view().header(named - 1).unwrap().unwrap().entry_index();
        let events = self.view().events(index, 1).unwrap();
        let happened = Happened::decode(&events[0].1).unwrap();
        let told: Vec<_> = happened.events().map(|(kind, subject)| (kind, subject.to_string())).collect();
        let expected = ("authority.validator_change_in_force", format!("ballot/{ballot}"));
        assert_eq!((events[0].0, told), (index, vec![expected]));
        assert_eq!(happened.place, None);
        named
    }

    pub(crate) fn agree(&mut self) {
        let height = self.height();
        self.world.run_until(RECORDED_WITHIN_MS, "all agree", |world| world.agree_at(height));
    }

    /// The sets around `height` on a node's disk: `before` decided height − 1 and `after` decided it.
    fn check_change(&self, node: usize, height: Height, before: &ValidatorSet, after: &ValidatorSet) {
        let view = self.world.nodes[node].view();
        let hashes = |height| {
            let header = view.header(height).unwrap().unwrap();
            (header.validators_hash, header.next_validators_hash)
        };
        assert_eq!(hashes(height - 2), (before.hash(), before.hash()), "node {node}");
        assert_eq!(hashes(height - 1), (before.hash(), after.hash()), "node {node}");
        assert_eq!(hashes(height), (after.hash(), after.hash()), "node {node}");
        view.commit(height).unwrap().unwrap().verify(after, &self.world.chain.id).unwrap();
        let kept = view.handovers(height - 1, 1).unwrap();
        assert_eq!((kept[0].header.height, &kept[0].next), (height - 1, after), "node {node}");
    }

    fn pin(&self) -> Pin {
        let view = self.view();
        let genesis = &self.world.chain.genesis;
        let set = (&executor::next_validators(&view).unwrap(), view.validators_from().unwrap());
        pin_of(&genesis.origin.as_str().parse().unwrap(), genesis, set, self.world.now_ms).unwrap()
    }

    /// The newest published head of the desk's node.
    fn head(&self) -> HeadProof {
        let running = self.world.nodes[self.desk].running.as_ref().unwrap();
        let published = running.published.as_ref().unwrap();
        let header = published.view.head().clone();
        let path = published.view.inclusion_proof(header.entry_index(), header.log_size()).unwrap();
        HeadProof { header, path, note: published.note.clone() }
    }

    /// An inclusion receipt of the log's first record under the newest published head.
    fn receipt(&self) -> Vec<u8> {
        let running = self.world.nodes[self.desk].running.as_ref().unwrap();
        let published = running.published.as_ref().unwrap();
        let entry = published.view.entry(1).unwrap().unwrap();
        let path = published.view.inclusion_proof(1, published.view.log_size()).unwrap();
        InclusionReceipt::new(entry, 1, path, published.note.clone()).to_bytes()
    }

    /// Renews a pin by what the desk's node holds.
    fn renewed(&self, pin: &Pin) -> Pin {
        let handovers = self.view().handovers(pin.terms().from_height, usize::MAX).unwrap();
        pin.renew(&handovers, self.world.now_ms, PIN_LIFETIME_MS).unwrap()
    }

    fn publish(&mut self) {
        let (desk, height) = (self.desk, self.height());
        self.world.run_until(RECORDED_WITHIN_MS, "published", |world| {
            let published = world.nodes[desk].running.as_ref().and_then(|running| running.published.clone());
            published.is_some_and(|published| published.view.head().height >= height)
        });
    }
}

fn add(department: &str) -> (ValidatorChange, NodeKeys) {
    let keys = node_keys(department);
    (ValidatorChange::Add(keys.validator(token(department)).unwrap()), keys)
}

fn replace(leaving: &str, department: &str, keys: &NodeKeys) -> ValidatorChange {
    ValidatorChange::Replace { leaving: token(leaving), member: keys.validator(token(department)).unwrap() }
}

#[test]
fn a_cosignature_that_a_slow_disk_holds_back_names_its_signer_by_the_heads_own_set() {
    const SLOW: usize = 5;
    let mut office = Office::open(30, 6);
    let named = office.height() + 8;
    let leaving = token(&office.departments()[SLOW - 2]);
    office.carry("fewer", &ValidatorChange::Remove(leaving), named);
    office.go_to(named - 2);
    office.agree();
    // Its commit of the block that changes the set is under way for longer than a head waits to be cosigned again.
    office.world.nodes[SLOW].disk.write_ms = (12_000, 12_000);
    office.go_to(named);
    assert_eq!(office.set().len(), 5);
    office.world.run_for(100_000);
    office.world.nodes[SLOW].disk.write_ms = WRITE_MS;
    office.agree();
    assert!(office.world.scores.is_empty(), "{:?}", office.world.scores);
    assert!(office.world.notices.is_empty(), "{:?}", office.world.notices);
}

#[test]
fn a_fifth_validator_takes_its_seat_at_the_exact_height() {
    seeds("fifth", 2, |seed| {
        let mut office = Office::open(seed, 4);
        office.beat();
        office.publish();
        let (before, pin, receipt) = (office.set(), office.pin(), office.receipt());
        let (change, keys) = add("registration");
        let newcomer = office.world.add_node(keys.clone());
        // Nobody knows it yet.
        office.world.start(newcomer);
        office.beat();
        office.world.run_for(10_000);
        assert_eq!(office.world.height(newcomer), 0);
        if seed % 2 == 1 {
            office.world.weather = FOUL;
        }
        let named = office.bring_in("B-1", &change, "registration", &keys);
        office.go_to(named);
        office.joined("registration", &keys);
        office.agree();
        let after = office.set();
        assert_eq!((after.len(), after.quorum()), (5, 4));
        for node in 0..5 {
            office.check_change(node, named, &before, &after);
            let standing = office.world.nodes[node].running.as_ref().unwrap().core.standing();
            assert!(standing.signing.starts_with("yes"), "node {node}: {}", standing.signing);
        }
        // With one down the newcomer's vote is needed, and with the newcomer down too nothing is decided.
        office.world.crash(3);
        office.beat();
        office.world.crash(newcomer);
        let record = office.world.domicile(9_999);
        let request = office.world.submit(0, record, None);
        office.world.run_for(60_000);
        assert_eq!(office.world.outcome(request), "none");
        office.world.start(newcomer);
        office.world.run_until(RECORDED_WITHIN_MS, "recorded", |world| world.is_recorded(request));
        office.world.start(3);
        office.agree();
        office.publish();
        // Readers: the new head is no longer the old pin's, the old receipt still is, and both are the renewed pin's.
        let now_ms = office.world.now_ms;
        let head = office.head();
        assert!(matches!(pin.verify_head(&head, now_ms), Err(PinnedHeadError::OtherValidators { .. })));
        let renewed = office.renewed(&pin);
        assert_eq!(renewed.validators(), &after);
        assert_eq!(renewed.terms().from_height, named);
        renewed.prolong(&head, now_ms, PIN_LIFETIME_MS).unwrap();
        for pin in [&pin, &renewed] {
            let inclusion = verify_inclusion_with(&receipt, Trust::Pin(pin), now_ms, |_| None).unwrap();
            assert_eq!((inclusion.index, inclusion.quorum), (1, 3));
        }
        assert!(verify_inclusion_with(&office.receipt(), Trust::Pin(&renewed), now_ms, |_| None).is_ok());
        office.world.check();
    });
}

#[test]
fn a_removed_validator_follows_and_its_vote_is_needed_no_more() {
    seeds("removed", 2, |seed| {
        let mut office = Office::open(seed, 5);
        let before = office.set();
        let named = office.height() + 8;
        office.carry("B-1", &ValidatorChange::Remove(token("land")), named);
        office.go_to(named);
        let after = office.set();
        assert_eq!(office.departments(), ["finance", "it", "minerals", "registration"]);
        office.agree();
        for node in 0..5 {
            office.check_change(node, named, &before, &after);
        }
        let standing = office.world.nodes[2].running.as_ref().unwrap().core.standing();
        assert!(standing.signing.starts_with("no: it is no validator"), "{}", standing.signing);
        // It learns of what follows, and three of the other four decide without it.
        office.world.crash(4);
        office.beat();
        office.agree();
        office.world.crash(2);
        office.beat();
        office.world.start_all();
        office.agree();
        office.world.check();
    });
}

#[test]
fn keys_are_rotated_into_a_new_home_while_the_old_one_becomes_a_follower() {
    seeds("rotated", 2, |seed| {
        let mut office = Office::open(seed, 4);
        let (before, keys) = (office.set(), next_home("it"));
        let home = office.world.add_node(keys.clone());
        office.world.start(home);
        let named = office.bring_in("B-1", &replace("it", "it", &keys), "it", &keys);
        office.go_to(named);
        office.joined("it", &keys);
        office.agree();
        let after = office.set();
        assert_eq!(office.departments(), ["finance", "it", "land", "minerals"]);
        (0..5).for_each(|node| office.check_change(node, named, &before, &after));
        let signing = |node: usize| office.world.nodes[node].running.as_ref().unwrap().core.standing().signing;
        assert!(signing(home).starts_with("yes") && signing(1).starts_with("no: it is no validator"));
        // The new home's vote is needed with one down, the old one's is not.
        office.world.crash(1);
        office.world.crash(3);
        office.beat();
        office.world.start_all();
        office.agree();
        office.world.check();
    });
}

#[test]
fn a_node_that_was_down_through_three_changes_catches_up_and_votes() {
    seeds("away", 2, |seed| {
        let mut office = Office::open(seed, 4);
        office.desk = 3;
        office.beat();
        office.agree();
        let away = office.height();
        office.world.crash(0);
        let mut sets = vec![office.set()];
        let mut first = Vec::new();
        let (change, keys) = add("registration");
        for (ballot, change, department, keys) in [
            ("B-1", change, "registration", keys),
            ("B-2", replace("it", "transport", &node_keys("transport")), "transport", node_keys("transport")),
            ("B-3", replace("land", "works", &node_keys("works")), "works", node_keys("works")),
        ] {
            let node = office.world.add_node(keys.clone());
            // Operators name a peer of today to a node that comes later.
            let peers: Vec<_> = office.world.nodes.iter().map(|node| node.peer).collect();
            office.world.nodes[node].configured.extend(peers);
            office.world.start(node);
            let named = office.bring_in(ballot, &change, department, &keys);
            office.joined(department, &keys);
            first.push(named);
            sets.push(office.set());
            // Whoever was replaced is switched off.
            match ballot {
                "B-2" => office.world.crash(1),
                "B-3" => office.world.crash(2),
                _ => {}
            }
        }
        assert_eq!(office.departments(), ["finance", "minerals", "registration", "transport", "works"]);
        // Of those that it knows one is left, and that one lets it in.
        assert_eq!(office.world.nodes[0].view().head().height, away);
        office.world.start(0);
        office.agree();
        for (number, named) in first.iter().enumerate() {
            office.check_change(0, *named, &sets[number], &sets[number + 1]);
        }
        let all: BTreeSet<_> = office.set().iter().map(|member| member.network).collect();
        assert!(all.is_subset(&office.world.nodes[0].admitted));
        // It votes: four of five are needed.
        office.world.crash(4);
        office.beat();
        office.agree();
        office.world.check();
    });
}

#[test]
fn a_node_syncs_from_an_empty_database_through_the_change() {
    seeds("syncing", 2, |seed| {
        let mut office = Office::open(seed, 4);
        for _ in 0..20 {
            office.beat();
        }
        let (before, (change, keys)) = (office.set(), add("registration"));
        let newcomer = office.world.add_node(keys.clone());
        office.world.start(newcomer);
        let named = office.height() + 10;
        office.carry("B-1", &change, named);
        office.ready("B-1", "registration", &keys);
        // The wiped node fetches block after block while the set changes above it.
        office.world.crash(3);
        office.world.nodes[3].wipe();
        office.go_to(named - 2);
        office.world.start(3);
        office.beat();
        office.beat();
        office.beat();
        office.joined("registration", &keys);
        office.agree();
        let after = office.set();
        (0..5).for_each(|node| office.check_change(node, named, &before, &after));
        office.world.crash(2);
        office.beat();
        office.agree();
        office.world.check();
    });
}

#[test]
fn two_replacements_at_consecutive_heights_with_both_newcomers_down_leave_a_quorum() {
    seeds("consecutive", 2, |seed| {
        let mut office = Office::open(seed, 4);
        let (it, land) = (next_home("it"), next_home("land"));
        let homes = [office.world.add_node(it.clone()), office.world.add_node(land.clone())];
        homes.iter().for_each(|home| office.world.start(*home));
        let named = office.height() + 14;
        office.carry("B-1", &replace("it", "it", &it), named);
        office.carry("B-2", &replace("land", "land", &land), named + 1);
        office.ready("B-1", "it", &it);
        office.ready("B-2", "land", &land);
        // Both die after they said that they stand ready.
        homes.iter().for_each(|home| office.world.crash(*home));
        office.go_to(named + 1);
        assert_eq!(office.outcome("B-1"), Some(ChangeOutcome::InForce(named)));
        assert_eq!(office.outcome("B-2"), Some(ChangeOutcome::Refused { height: named + 1, code: token("A4") }));
        // Three of four are left, and they go on; the department's old home cannot help any more.
        office.world.crash(1);
        office.beat();
        office.world.start(homes[0]);
        office.world.start(1);
        office.agree();
        office.joined("it", &it);
        office.agree();
        // Whose change was refused is let in no more.
        office.world.start(homes[1]);
        office.world.run_for(10_000);
        assert!(office.world.height(homes[1]) < named && !office.world.are_connected(0, homes[1]));
        office.world.crash(homes[1]);
        office.world.check();
    });
}

/// Who sent a precommit for a block at `height`.
fn precommits(world: &World, height: Height) -> BTreeSet<u8> {
    let sent = world.sent.iter().filter_map(|message| match message {
        Message::Consensus(Vote::Vote(vote)) => Some(vote),
        _ => None,
    });
    let of_block = sent.filter(|vote| vote.kind == VoteKind::Precommit && vote.subject.height == height);
    of_block.filter(|vote| vote.subject.block.is_some()).map(|vote| vote.signer).collect()
}

#[test]
fn only_one_node_decides_the_last_height_of_a_set_while_the_others_have_precommitted_and_are_cut_off() {
    seeds("one decides", 4, |seed| {
        let mut office = Office::open(seed, 4);
        let (change, keys) = add("registration");
        let newcomer = office.world.add_node(keys.clone());
        office.world.start(newcomer);
        let named = office.height() + 8;
        office.carry("B-1", &change, named);
        office.ready("B-1", "registration", &keys);
        office.go_to(named - 2);
        office.agree();
        office.publish();
        // The last block of the old set. Its precommits reach node 0 alone.
        office.world.weather = Weather { delay_ms: (40, 60), ..crate::world::FAIR };
        office.world.sent.clear();
        let record = office.world.domicile(5_000);
        let request = office.world.submit(1, record, None);
        let last = named - 1;
        office.world.run_until(60_000, "precommits", |world| precommits(world, last).len() >= 3);
        for to in 1..5 {
            (0..5).filter(|from| *from != to).for_each(|from| office.world.cut_one_way(from, to));
        }
        office.world.run_until(30_000, "one decides", |world| world.height(0) == last);
        assert!((1..5).all(|node| office.world.height(node) == last - 1), "the cut came too late");
        let decided_at_ms = office.world.now_ms;
        // Nobody says any more that the head below is the head, two rounds later neither.
        office.world.run_for(40_000);
        for node in 0..5 {
            let published = office.world.nodes[node].running.as_ref().unwrap().published.clone().unwrap();
            assert!(published.view.head().height < last, "no quorum of the new set has seen it");
            assert!(
                published.freshness_ms <= decided_at_ms,
                "node {node} gives a fresh note of a head that was passed"
            );
        }
        // The others find each other again, without the one that decided: they decide the same.
        office.world.heal();
        office.world.part(&[0], &[1, 2, 3, 4]);
        office
            .world
            .run_until(RECORDED_WITHIN_MS, "the others decide", |world| (1..5).all(|node| world.height(node) >= last));
        office.world.run_until(RECORDED_WITHIN_MS, "recorded", |world| world.is_recorded(request));
        office.world.heal();
        office.beat();
        office.agree();
        office.joined("registration", &keys);
        office.agree();
        office.world.check();
    });
}

#[test]
fn handovers_of_a_running_chain_are_followed_and_forged_ones_are_refused() {
    let mut office = Office::open(1, 4);
    let pin = office.pin();
    for (ballot, leaving, department) in [("B-1", "it", "registration"), ("B-2", "land", "transport")] {
        let keys = node_keys(department);
        let node = office.world.add_node(keys.clone());
        let peers: Vec<_> = office.world.nodes.iter().map(|node| node.peer).collect();
        office.world.nodes[node].configured.extend(peers);
        office.world.start(node);
        office.bring_in(ballot, &replace(leaving, department, &keys), department, &keys);
        office.joined(department, &keys);
    }
    office.publish();
    let now_ms = office.world.now_ms;
    let handovers = office.view().handovers(pin.terms().from_height, usize::MAX).unwrap();
    let [first, second] = &handovers[..] else { panic!("{} handovers", handovers.len()) };
    let renew = |handovers: &[Handover]| pin.renew(handovers, now_ms, PIN_LIFETIME_MS);
    let refused = |handovers: &[Handover]| match renew(handovers) {
        Err(RenewError::Handover(number, error)) => (number, error),
        other => panic!("{other:?}"),
    };
    let renewed = renew(&handovers).unwrap();
    renewed.verify_head(&office.head(), now_ms).unwrap();
    // A gap.
    assert!(matches!(refused(std::slice::from_ref(second)), (0, HandoverError::DecidedBy { .. })));
    // A swapped cosigner key, alone and with a header that names it.
    let mut members: Vec<_> = first.next.iter().cloned().collect();
    members[0].cosigner = key_of("attacker").public();
    let swapped = ValidatorSet::new(members).unwrap();
    let forged = Handover { next: swapped.clone(), ..first.clone() };
    assert!(matches!(refused(&[forged]), (0, HandoverError::Next { .. })));
    let mut header = first.header.clone();
    header.next_validators_hash = swapped.hash();
    let forged = Handover { header, next: swapped, ..first.clone() };
    assert!(matches!(refused(&[forged]), (0, HandoverError::NotCommitted(_))));
    // The new set only: finance, minerals, registration and transport sign what finance, it, land and minerals decided.
    let (chain, subject) = (office.world.chain.id, first.certificate.subject);
    let signatures: Vec<_> = ["finance", "minerals", "registration", "transport"]
        .iter()
        .map(|department| {
            let key = node_keys(department).consensus().unwrap();
            key.sign(VoteKind::Precommit.domain(), &chain, &subject.sign_bytes())
        })
        .collect();
    let votes = signatures.iter().enumerate().map(|(place, signature)| (ValidatorIndex(place), signature));
    let certificate = Certificate::assemble(&second.next, VoteKind::Precommit, subject, votes).unwrap();
    certificate.verify(&second.next, &chain).unwrap();
    let forged = Handover { certificate, ..first.clone() };
    assert!(matches!(refused(&[forged]), (0, HandoverError::Certificate(_))));
    office.agree();
    office.world.check();
}

#[test]
fn the_set_changes_five_times_while_nodes_crash_and_messages_are_lost() {
    seeds("unsteady", 6, |seed| {
        let mut office = Office::open(seed, 4);
        let pin = office.pin();
        office.world.weather = FOUL;
        let (registration, it, works) = (node_keys("registration"), next_home("it"), node_keys("works"));
        let (add, _) = add("registration");
        let homes: Vec<_> = [&registration, &it, &works].map(|keys| office.world.add_node(keys.clone())).to_vec();
        // Operators know of one another's homes in time.
        let peers: Vec<_> = office.world.nodes.iter().map(|node| node.peer).collect();
        homes.iter().for_each(|home| office.world.nodes[*home].configured.extend(&peers));
        office.world.start_all();
        office.unsteady = vec![1, 2, 3];
        office.bring_in("B-1", &add, "registration", &registration);
        office.joined("registration", &registration);
        office.unsteady.push(homes[0]);
        office.bring_in("B-2", &replace("it", "it", &it), "it", &it);
        office.joined("it", &it);
        office.unsteady.push(homes[1]);
        office.carry("B-3", &ValidatorChange::Remove(token("minerals")), 0);
        while office.outcome("B-3").is_none() {
            office.beat();
        }
        office.bring_in("B-4", &replace("land", "works", &works), "works", &works);
        office.joined("works", &works);
        let again = NodeKeys { network: key_of("network minerals 2"), validator: Some(key_of("validator minerals 2")) };
        let home = office.world.add_node(again.clone());
        office.world.nodes[home].configured.extend(&peers);
        office.world.start(home);
        let back = ValidatorChange::Add(again.validator(token("minerals")).unwrap());
        office.bring_in("B-5", &back, "minerals", &again);
        office.joined("minerals", &again);
        assert_eq!(office.departments(), ["finance", "it", "minerals", "registration", "works"]);
        // Everybody who is still let in has the same chain, and a verifier of the first day follows.
        office.world.weather = crate::world::FAIR;
        office.unsteady.clear();
        office.world.run_for(15_000);
        office.beat();
        let height = office.height();
        let members = [0, homes[0], homes[1], homes[2], home];
        office.world.run_until(RECORDED_WITHIN_MS, "the members agree", |world| {
            members.iter().all(|node| world.height(*node) == height)
        });
        office.publish();
        let renewed = office.renewed(&pin);
        renewed.verify_head(&office.head(), office.world.now_ms).unwrap();
        // Those who left long ago are let in no more, and hold what they were given.
        for node in (0..office.world.nodes.len()).filter(|node| !members.contains(node)) {
            office.world.crash(node);
        }
        office.world.check();
    });
}
