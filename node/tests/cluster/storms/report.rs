//! What many runs came to.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use super::run::Outcome;

/// Sums over runs.
#[derive(Default)]
pub struct Report {
    pub seeds: u64,
    pub heights: u64,
    pub round_max: u64,
    pub late_rounds: u64,
    pub reproposals: u64,
    pub relocks: u64,
    pub past_rounds: u64,
    pub checkpoints: u64,
    pub acknowledged: u64,
    pub synced_blocks: u64,
    pub lost_writes: u64,
    pub torn_records: u64,
    pub evidence: u64,
    pub convicted: u64,
    pub restored: u64,
    pub delivered: u64,
    pub altered: u64,
    /// The longest, and its seed.
    pub recovery_max: (u64, u64),
    pub simulated_ms: u64,
    faults: BTreeMap<&'static str, u64>,
    /// The first failing seeds.
    pub violations: Vec<(u64, String)>,
    pub took: Duration,
}

impl Report {
    pub fn add(&mut self, seed: u64, outcome: Outcome) {
        let (witness, tally) = (outcome.witness, outcome.tally);
        self.seeds += 1;
        self.heights += witness.heights;
        self.round_max = self.round_max.max(witness.round_max);
        self.late_rounds += witness.late_rounds;
        self.reproposals += witness.reproposals;
        self.relocks += witness.relocks;
        self.past_rounds += witness.past_rounds;
        self.checkpoints += witness.checkpoints;
        self.acknowledged += witness.acknowledged;
        self.synced_blocks += tally.synced_blocks;
        self.lost_writes += tally.lost_writes;
        self.torn_records += tally.torn_records;
        self.evidence += tally.evidence;
        self.convicted += outcome.convicted;
        self.restored += outcome.restored;
        self.delivered += tally.delivered;
        self.altered += tally.altered;
        self.recovery_max = self.recovery_max.max((outcome.recovery_ms, seed));
        self.simulated_ms += outcome.simulated_ms;
        let counted = [
            ("message lost", tally.lost),
            ("message doubled", tally.doubled),
            ("message cut off", tally.cut_off),
            ("crash", tally.crashes),
            ("write without room", tally.full_disks),
        ];
        for (name, count) in counted.into_iter().chain(outcome.faults) {
            *self.faults.entry(name).or_default() += count;
        }
        self.violations.extend(outcome.violation.map(|violation| (seed, violation)));
    }

    pub fn merge(&mut self, other: Self) {
        self.seeds += other.seeds;
        self.heights += other.heights;
        self.round_max = self.round_max.max(other.round_max);
        self.late_rounds += other.late_rounds;
        self.reproposals += other.reproposals;
        self.relocks += other.relocks;
        self.past_rounds += other.past_rounds;
        self.checkpoints += other.checkpoints;
        self.acknowledged += other.acknowledged;
        self.synced_blocks += other.synced_blocks;
        self.lost_writes += other.lost_writes;
        self.torn_records += other.torn_records;
        self.evidence += other.evidence;
        self.convicted += other.convicted;
        self.restored += other.restored;
        self.delivered += other.delivered;
        self.altered += other.altered;
        self.recovery_max = self.recovery_max.max(other.recovery_max);
        self.simulated_ms += other.simulated_ms;
        for (name, count) in other.faults {
            *self.faults.entry(name).or_default() += count;
        }
        self.violations.extend(other.violations);
        self.violations.sort();
    }

    /// What a run of many seeds must have reached, or it proves little: the names of what it has not.
    pub fn unreached(&self) -> Vec<&'static str> {
        let reached = [
            ("rounds after the first", self.late_rounds),
            ("re-proposals", self.reproposals),
            ("relocks", self.relocks),
            ("decisions in a past round", self.past_rounds),
            ("synced blocks", self.synced_blocks),
            ("restarts with lost writes", self.lost_writes),
            ("torn sign records", self.torn_records),
            ("evidence", self.evidence),
            ("restored snapshots", self.restored),
        ];
        reached.into_iter().filter(|(_, count)| *count == 0).map(|(name, _)| name).collect()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "seeds {} · heights {} · rounds max {}, heights after round 0 {} · acknowledged {} · checkpoints {} · messages {}",
            self.seeds,
            self.heights,
            self.round_max,
            self.late_rounds,
            self.acknowledged,
            self.checkpoints,
            self.delivered
        )?;
        writeln!(
            f,
            "reached: re-proposals {}, relocks {}, decisions in a past round {}, synced blocks {}, restored snapshots {}, \
             restarts with lost writes {}, torn sign records {}, evidence {} (keys held guilty by all: {}), altered messages {}",
            self.reproposals,
            self.relocks,
            self.past_rounds,
            self.synced_blocks,
            self.restored,
            self.lost_writes,
            self.torn_records,
            self.evidence,
            self.convicted,
            self.altered
        )?;
        let faults: Vec<_> = self.faults.iter().map(|(name, count)| format!("{name} {count}")).collect();
        writeln!(f, "faults: {}", faults.join(", "))?;
        let (simulated, took) = (self.simulated_ms / 1_000, self.took.as_millis());
        let each = took / u128::from(self.seeds.max(1));
        write!(
            f,
            "violations {} · slowest recovery {} ms (seed {}) · simulated {simulated} s in {}.{:03} s, {each} ms a seed",
            self.violations.len(),
            self.recovery_max.0,
            self.recovery_max.1,
            took / 1_000,
            took % 1_000
        )
    }
}
