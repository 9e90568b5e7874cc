//! One run: the storm of a plan, then calm, in which everybody must catch up and the chain go on.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};

use dalil_consensus::SignRecord;
use dalil_contracts::Call;
use dalil_contracts::certificate::CertificateCall;
use dalil_ledger::crypto::sha256;
use dalil_ledger::store::{Family, Kv as _};
use dalil_ledger::transaction::SignedTransaction;
use dalil_node::core::{RequestId, SyncSettings};

use super::clerk::{Clerk, Progress};
use super::plan::{Fault, Load, Plan};
use crate::simulator::chain::Chain;
use crate::simulator::disk::{WRITE_MS, Word};
use crate::simulator::node::Running;
use crate::simulator::oracle::{self, Witness};
use crate::simulator::trace::Trace;
use crate::simulator::world::{FAIR, Tally, World};
use crate::support::{SDO, domicile, key_of, results, signed_for, signed_otherwise};

/// Within this time after the storm all agree and a fresh record is final, in milliseconds.
const RECOVERY_MS: u64 = 60_000;
/// And within so many rounds of one height.
const RECOVERY_ROUNDS: u64 = 16;
/// Within this time after that everybody holds evidence against whoever was caught, in milliseconds.
const EVIDENCE_MS: u64 = 60_000;
/// How often officers hand in the next step of a change of the validator set, in milliseconds.
const CLERK_MS: u64 = 250;
/// Within this time after the storm such a change is through, in milliseconds.
const CHANGE_MS: u64 = 60_000;
/// Where snapshots are taken, a short chain is a long one.
const SMALL: SyncSettings = SyncSettings { snapshot_after: 4, snapshot_every: 2, snapshot_part_bytes: 3_000 };
/// How often that is looked at, in milliseconds.
const LOOK_MS: u64 = 100;
/// Numbers of the records with which the chain is tried afterwards.
const FRESH: u64 = 1_000_000;

/// Numbers of the records that carry a change of the validator set to its height.
const BEATS: u64 = 3_000_000;

/// What one run came to.
#[derive(Default)]
pub struct Outcome {
    pub witness: Witness,
    pub tally: Tally,
    pub faults: BTreeMap<&'static str, u64>,
    /// From the end of the storm until all was well.
    pub recovery_ms: u64,
    /// Keys against which everybody holds evidence.
    pub convicted: u64,
    /// Snapshots that became a node's ledger.
    pub restored: u64,
    pub simulated_ms: u64,
    pub violation: Option<String>,
    /// The last events, if they were asked for.
    pub trace: Vec<String>,
}

/// Whether a run is repeated to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    Nothing,
    /// The last so many events.
    Events(usize),
}

enum Happening {
    Begins(Fault),
    Ends(Fault),
    Asked(Load),
    /// Officers see to the change of the validator set.
    OfficeHours,
}

struct Run {
    world: World,
    /// What is still to come, by time and order.
    schedule: BTreeMap<(u64, usize), Happening>,
    /// Nodes that stay down until the chain was seen to go on.
    away: Vec<usize>,
    clerk: Option<Clerk>,
    faults: BTreeMap<&'static str, u64>,
    recovery_ms: u64,
    convicted: u64,
}

/// Runs a plan. A panic anywhere is a broken rule like any other.
pub fn run(plan: &Plan, keep: Keep) -> Outcome {
    let mut run = Run::new(plan, keep);
    let result = catch_unwind(AssertUnwindSafe(|| run.play(plan)));
    let violation = match result {
        Ok(Ok(())) => None,
        Ok(Err(broken)) => Some(broken),
        Err(panic) => {
            let text = panic.downcast_ref::<String>().cloned();
            let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
            Some(format!("panicked: {}", text.unwrap_or_default()))
        }
    };
    let trace = run.world.trace.as_ref().map(|trace| trace.lines().map(str::to_owned).collect());
    Outcome {
        witness: run.world.oracle.witness(),
        tally: run.world.tally,
        faults: run.faults,
        recovery_ms: run.recovery_ms,
        convicted: run.convicted,
        restored: run.world.restored.len() as u64,
        simulated_ms: run.world.now_ms - crate::support::START_MS,
        violation,
        trace: trace.unwrap_or_default(),
    }
}

impl Run {
    fn new(plan: &Plan, keep: Keep) -> Self {
        let chain = if plan.brisk { Chain::brisk(plan.n) } else { Chain::of(plan.n) };
        let mut world = World::on(plan.seed, &chain);
        world.keep_sent = false;
        if let Keep::Events(lines_max) = keep {
            world.trace = Some(Trace::keeping(lines_max));
        }
        if plan.observer {
            world.add_observer("press");
        }
        let clerk = plan.change.map(|(change, from_height)| Clerk::new(&mut world, plan.n, change, from_height));
        if plan.snapshots {
            world.nodes.iter_mut().for_each(|node| node.sync = SMALL);
        }
        let begins = plan.faults.iter().map(|(at_ms, fault)| (*at_ms, Happening::Begins(*fault)));
        let asked = plan.loads.iter().map(|(at_ms, load)| (*at_ms, Happening::Asked(*load)));
        let start_ms = world.now_ms;
        let numbered = begins.chain(asked).enumerate();
        let schedule = numbered.map(|(order, (at_ms, it))| ((start_ms + at_ms, order), it)).collect();
        let mut faults = BTreeMap::new();
        faults.extend(plan.change.map(|(change, _)| (change.name(), 1)));
        Self { world, schedule, away: Vec::new(), clerk, faults, recovery_ms: 0, convicted: 0 }
    }

    fn play(&mut self, plan: &Plan) -> Result<(), String> {
        let end_ms = self.world.now_ms + plan.storm_ms;
        // Who is faulty for ever is so before anybody speaks.
        self.pass(self.world.now_ms);
        self.start_those_here();
        if self.clerk.is_some() {
            self.schedule.insert((self.world.now_ms + CLERK_MS, usize::MAX), Happening::OfficeHours);
        }
        self.pass(end_ms);
        self.check()?;
        self.calm();
        let before = self.world.now_ms;
        let mut size = self.recover(FRESH)?;
        self.recovery_ms = self.world.now_ms - before;
        if self.finish_change()? {
            size = self.recover(FRESH + 2)?;
        }
        if !self.away.is_empty() {
            self.away.clear();
            self.world.cuts.repair();
            self.world.start_all();
            size = self.recover(FRESH + 1)?;
        }
        self.convict()?;
        self.world.check_disks(size);
        self.check()?;
        self.same_state()?;
        self.same_events()
    }

    fn check(&self) -> Result<(), String> {
        if let Some(violation) = self.world.oracle.violation() {
            return Err(violation.to_owned());
        }
        let halted = self.world.halts.iter().find(|(node, _)| self.world.nodes[*node].is_honest());
        match halted {
            Some((node, reason)) => Err(format!("node {node} kept the rules and halted: {reason}")),
            None => Ok(()),
        }
    }

    /// Lets time pass with everything that is planned until then.
    fn pass(&mut self, end_ms: u64) {
        while let Some(entry) = self.schedule.first_entry().filter(|entry| entry.key().0 <= end_ms) {
            let ((at_ms, order), happening) = entry.remove_entry();
            self.world.run_to(at_ms);
            match happening {
                Happening::Begins(fault) => self.begin(fault, order),
                Happening::Ends(fault) => self.end(fault),
                Happening::Asked(load) => self.ask(load),
                Happening::OfficeHours => {
                    if self.hold_office() == Progress::UnderWay {
                        self.schedule.insert((at_ms + CLERK_MS, order), Happening::OfficeHours);
                    }
                }
            }
        }
        self.world.run_to(end_ms);
    }

    fn begin(&mut self, fault: Fault, order: usize) {
        *self.faults.entry(fault.name()).or_default() += 1;
        let world = &mut self.world;
        world.note(|| format!("begins: {fault:?}"));
        let lasts_ms = match fault {
            Fault::Byzantine(node, strategy) => {
                world.corrupt(node, strategy);
                None
            }
            Fault::Twins(node) => {
                world.add_twin(node);
                None
            }
            Fault::Lasting { down, pair } => {
                self.away.push(down);
                world.cuts.break_pair(pair.0, pair.1);
                None
            }
            Fault::Weather { weather, for_ms } => {
                world.weather = weather;
                Some(for_ms)
            }
            Fault::CutOneWay { from, to, for_ms } => {
                world.cut_one_way(from, to);
                Some(for_ms)
            }
            Fault::Partition { side, for_ms } => {
                let (one, other): (Vec<_>, Vec<_>) = (0..world.nodes.len()).partition(|node| side >> node & 1 == 1);
                world.part(&one, &other);
                Some(for_ms)
            }
            Fault::Crash { node, after_effects, down_ms } => {
                world.nodes[node].down_ms = down_ms;
                world.nodes[node].crash_after_effects = Some(after_effects);
                None
            }
            Fault::CrashLate { node, down_ms } => {
                world.crash_late(node);
                self.start_in(node, down_ms);
                None
            }
            Fault::CrashAll { down_ms } => {
                for node in 0..world.nodes.len() {
                    self.world.crash_late(node);
                    self.start_in(node, down_ms);
                }
                None
            }
            Fault::Wipe { node, down_ms } => {
                world.crash_late(node);
                world.nodes[node].wipe();
                self.start_in(node, down_ms);
                None
            }
            Fault::Moved { node, down_ms } => {
                world.crash_late(node);
                let key = world.nodes[node].consensus;
                world.nodes[node].disk.sign_record =
                    key.map(|key| SignRecord::for_moved_key(world.chain.id, key).encode());
                self.start_in(node, down_ms);
                None
            }
            Fault::DiskFull { node, for_ms } => {
                world.nodes[node].disk.full = true;
                world.nodes[node].down_ms = for_ms;
                Some(for_ms)
            }
            Fault::SlowDisk { node, write_ms, for_ms } => {
                world.nodes[node].disk.write_ms = (write_ms / 2, write_ms);
                Some(for_ms)
            }
            Fault::Clock { node, ahead_ms, for_ms } => {
                world.nodes[node].clock_ahead_ms = ahead_ms;
                Some(for_ms)
            }
            Fault::LyingDisk(node) => {
                world.nodes[node].disk.word = Word::Broken;
                None
            }
        };
        if let Some(for_ms) = lasts_ms {
            let at_ms = self.world.now_ms + for_ms;
            self.schedule.insert((at_ms, order + self.schedule.len() + 1_000), Happening::Ends(fault));
        }
    }

    /// Whether a node is there to be started: neither gone for long nor a newcomer whom nobody knows yet.
    fn is_here(&self, node: usize) -> bool {
        !self.away.contains(&node) && self.clerk.as_ref().and_then(Clerk::uninvited) != Some(node)
    }

    fn start_those_here(&mut self) {
        for node in (0..self.world.nodes.len()).filter(|node| self.is_here(*node)).collect::<Vec<_>>() {
            self.world.start(node);
        }
    }

    fn start_in(&mut self, node: usize, ms: u64) {
        if self.is_here(node) {
            self.world.start_in(node, ms);
        }
    }

    fn end(&mut self, fault: Fault) {
        let world = &mut self.world;
        world.note(|| format!("ends: {fault:?}"));
        match fault {
            Fault::Weather { .. } => world.weather = FAIR,
            Fault::CutOneWay { from, to, .. } => world.cuts.mend_one_way(from, to),
            Fault::Partition { .. } => world.cuts.heal(),
            Fault::DiskFull { node, .. } => world.nodes[node].disk.full = false,
            Fault::SlowDisk { node, .. } => world.nodes[node].disk.write_ms = WRITE_MS,
            Fault::Clock { node, .. } => world.nodes[node].clock_ahead_ms = 0,
            _ => {}
        }
    }

    /// A signer goes by its own clock and by the time of the chain.
    fn signing_time(&self) -> u64 {
        let views = self.world.nodes.iter().filter_map(|node| node.running.as_ref());
        let heads = views.map(|running| running.core.standing().head_time_ms);
        heads.max().unwrap_or_default().max(self.world.now_ms)
    }

    fn record(&self, number: u64, salt: u64) -> SignedTransaction {
        let now_ms = self.signing_time();
        let mut invocation = domicile(number, now_ms);
        if let Call::Certificate(CertificateCall::Issue { certificate, .. }) = &mut invocation.call {
            certificate.digest = sha256(&[number.to_le_bytes(), salt.to_le_bytes()].concat());
        }
        signed_for(self.world.chain.id, SDO.1, &invocation, salt, now_ms)
    }

    fn ask(&mut self, load: Load) {
        match load {
            Load::Record { at, number } => drop(self.submit(at, self.record(number, number), None)),
            Load::Doubled { at, number } => {
                let record = self.record(number, number);
                for node in at {
                    self.submit(node, record.clone(), None);
                }
            }
            Load::Conflicting { at, number } => {
                for (node, salt) in at.into_iter().zip([number, number + FRESH]) {
                    self.submit(node, self.record(number, salt), None);
                }
            }
            Load::Resigned { at, number } => {
                let record = self.record(number, number);
                let other = signed_otherwise(&record, &key_of(SDO.1), number);
                self.submit(at[0], record, None);
                self.submit(at[1], other, None);
            }
            Load::Batch { at, number, count } => {
                let now_ms = self.signing_time();
                let (call, list) = results(number * 100, count, now_ms);
                let record = signed_for(self.world.chain.id, "education-board", &call, number, now_ms);
                self.submit(at, record, Some(list));
            }
        }
    }

    fn submit(
        &mut self,
        node: usize,
        record: SignedTransaction,
        list: Option<dalil_ledger::block::Attachment>,
    ) -> Option<RequestId> {
        self.world.is_up(node).then(|| self.world.submit(node, record, list))
    }

    /// The storm is over. Who is faulty for ever stays so.
    fn calm(&mut self) {
        self.schedule.clear();
        let world = &mut self.world;
        world.note(|| "the storm is over".to_owned());
        world.weather = FAIR;
        world.cuts.heal();
        for node in &mut world.nodes {
            node.disk.full = false;
            node.disk.write_ms = WRITE_MS;
            node.clock_ahead_ms = 0;
            node.crash_after_effects = None;
        }
        self.start_those_here();
    }

    /// Officers hand in the next step of the change at some node that is up.
    fn hold_office(&mut self) -> Progress {
        let up: Vec<_> = (0..self.world.nodes.len()).filter(|node| self.world.is_up(*node)).collect();
        let (Some(clerk), false) = (&mut self.clerk, up.is_empty()) else { return Progress::UnderWay };
        let desk = up[self.world.rng.below(up.len())];
        clerk.act(&mut self.world, desk)
    }

    /// A change that was begun comes into force, and its newcomer joins. Whether there was one.
    fn finish_change(&mut self) -> Result<bool, String> {
        let end_ms = self.world.now_ms + CHANGE_MS;
        let mut beats = 0;
        while self.clerk.is_some() && self.hold_office() == Progress::UnderWay {
            if self.world.now_ms >= end_ms {
                return Err(format!("the set has not changed {CHANGE_MS} ms later\n{}", self.world.standings()));
            }
            // Heights come with records.
            beats += 1;
            let desk = self.world.rng.below(self.world.nodes.len());
            self.submit(desk, self.record(BEATS + beats, BEATS + beats), None);
            self.world.run_to(self.world.now_ms + CLERK_MS);
            self.check()?;
        }
        Ok(self.clerk.is_some())
    }

    /// A record that is handed in now becomes final, and all honest nodes that are up come to a published head with all that
    /// was final by then. Returns how many entries that is.
    fn recover(&mut self, number: u64) -> Result<u64, String> {
        let end_ms = self.world.now_ms + RECOVERY_MS;
        let rounds = self.world.oracle.round();
        let kept = |node: &usize| self.world.nodes[*node].is_honest() && self.world.is_up(*node);
        let honest: Vec<_> = (0..self.world.nodes.len()).filter(kept).collect();
        let entry = honest[self.world.rng.below(honest.len())];
        let fresh = self.world.submit(entry, self.record(number, number), None);
        let mut final_size = None;
        loop {
            // A node that restored a snapshot meanwhile knows that the record stands, not in which block.
            if matches!(self.world.outcome(fresh).as_str(), "recorded" | "T_DUPLICATE") {
                let size = *final_size.get_or_insert_with(|| self.largest(&honest));
                if self.have_published(&honest, size) {
                    return Ok(size);
                }
            }
            if self.world.now_ms >= end_ms {
                let (fate, standings) = (self.world.outcome(fresh), self.world.standings());
                return Err(format!(
                    "not done {RECOVERY_MS} ms after the storm; the fresh record: {fate}\n{standings}"
                ));
            }
            if self.world.oracle.round() > rounds + RECOVERY_ROUNDS {
                return Err(format!("more than {RECOVERY_ROUNDS} rounds after the storm\n{}", self.world.standings()));
            }
            self.world.run_to(self.world.now_ms + LOOK_MS);
            self.check()?;
        }
    }

    /// Whoever is accused on one honest disk comes to be on all of them, and nobody who kept the rules ever is.
    fn convict(&mut self) -> Result<(), String> {
        let end_ms = self.world.now_ms + EVIDENCE_MS;
        loop {
            let honest = self.world.nodes.iter().filter(|node| node.is_honest());
            let accused: Vec<_> = honest.map(|node| oracle::accused(&node.disk.kv)).collect();
            let all: BTreeSet<_> = accused.iter().flatten().copied().collect();
            if let Some(wronged) = all.iter().find(|key| !self.world.oracle.byzantine.contains(key)) {
                return Err(format!("{wronged:?} kept the rules and stands accused"));
            }
            if accused.iter().all(|held| *held == all) {
                self.convicted = all.len() as u64;
                return Ok(());
            }
            if self.world.now_ms >= end_ms {
                return Err(format!("evidence has not reached everybody {EVIDENCE_MS} ms later: {accused:?}"));
            }
            self.world.run_to(self.world.now_ms + LOOK_MS);
            self.check()?;
        }
    }

    fn running(&self, nodes: &[usize]) -> impl Iterator<Item = &Running> {
        nodes.iter().filter_map(|node| self.world.nodes[*node].running.as_ref())
    }

    /// Entries of the longest log among these nodes.
    fn largest(&self, nodes: &[usize]) -> u64 {
        self.running(nodes).map(|running| running.core.standing().log_size).max().unwrap_or_default()
    }

    /// Whether each of these nodes has published a head of so many entries.
    fn have_published(&self, nodes: &[usize], size: u64) -> bool {
        self.running(nodes).all(|it| it.published.as_ref().is_some_and(|published| published.view.log_size() >= size))
    }

    /// What happened at each log index, from where both of two nodes with one head hold it.
    fn same_events(&self) -> Result<(), String> {
        let mut told = BTreeMap::new();
        for node in self.world.nodes.iter().filter(|node| node.is_honest()) {
            let view = node.view();
            let first = view.first_events();
            let mut events = view.events(first, usize::MAX).map_err(|error| error.to_string())?;
            let (since, other) = told.entry(view.head_id()).or_insert_with(|| (first, events.clone()));
            let both = first.max(*since);
            events.retain(|(index, _)| *index >= both);
            if !other.iter().filter(|(index, _)| *index >= both).eq(&events) {
                return Err("two nodes with one head tell different events".to_owned());
            }
        }
        Ok(())
    }

    /// The state itself, not its root alone.
    fn same_state(&self) -> Result<(), String> {
        let mut states = BTreeMap::new();
        for node in self.world.nodes.iter().filter(|node| node.is_honest()) {
            let disk = node.disk.kv.snapshot();
            let area = disk.get(Family::Meta, b"area").map_err(|error| error.to_string())?.unwrap_or_default();
            let state = disk.scan(Family::State, &area, &[], usize::MAX).map_err(|error| error.to_string())?;
            // What was restored lies in an area of another number.
            let state: Vec<_> = state.into_iter().map(|(key, value)| (key[area.len()..].to_vec(), value)).collect();
            if *states.entry(node.view().head_id()).or_insert_with(|| state.clone()) != state {
                return Err("two nodes with one head hold different states".to_owned());
            }
        }
        Ok(())
    }
}
