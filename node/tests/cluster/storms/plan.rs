//! What goes wrong in a run, and when: drawn from the seed before the run, and data from then on.

use std::fmt;

use super::clerk::SetChange;
use crate::simulator::byzantine::{STRATEGIES, Strategy};
use crate::simulator::network::Weather;
use crate::simulator::rng::Rng;
use crate::support::DEPARTMENTS;

/// The first faults come after the first blocks, in milliseconds from the start.
const CALM_BEFORE_MS: u64 = 300;
/// How long a storm lasts at least and at most, in milliseconds.
const STORM_MS: (u64, u64) = (5_000, 12_000);
/// How far clocks run ahead or behind, in milliseconds.
/// In so many of a thousand runs the validator set changes.
const CHANGES_PER_MILLE: u64 = 250;
/// In so many of a thousand runs nodes catch up by snapshot where they can.
const SNAPSHOTS_PER_MILLE: u64 = 250;
const CLOCK_MS: [i64; 8] = [300, -300, 1_500, -1_500, 5_000, -5_000, 600_000, -600_000];

/// One thing that goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// From the start and for ever.
    Byzantine(usize, Strategy),
    /// A second node with the key of one, from the start and for ever.
    Twins(usize),
    /// One is down and two others do not hear each other, until after the chain has been seen to go on.
    Lasting {
        down: usize,
        pair: (usize, usize),
    },
    Weather {
        weather: Weather,
        for_ms: u64,
    },
    CutOneWay {
        from: usize,
        to: usize,
        for_ms: u64,
    },
    /// Bit i: node i is on the one side.
    Partition {
        side: u32,
        for_ms: u64,
    },
    /// After so many more effects of the node, between any two of them.
    Crash {
        node: usize,
        after_effects: u32,
        down_ms: u64,
    },
    /// Some of the writes under way are durable, unknown to the node.
    CrashLate {
        node: usize,
        down_ms: u64,
    },
    CrashAll {
        down_ms: u64,
    },
    /// The database is lost, the sign record is not.
    Wipe {
        node: usize,
        down_ms: u64,
    },
    /// Keys and database come to a new machine, the sign record does not.
    Moved {
        node: usize,
        down_ms: u64,
    },
    DiskFull {
        node: usize,
        for_ms: u64,
    },
    SlowDisk {
        node: usize,
        write_ms: u64,
        for_ms: u64,
    },
    Clock {
        node: usize,
        ahead_ms: i64,
        for_ms: u64,
    },
    /// Beyond what the nodes bear: the disk says that it has written what it has not. Never drawn.
    LyingDisk(usize),
}

/// One thing that is asked of the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Load {
    Record {
        at: usize,
        number: u64,
    },
    /// The same bytes at two nodes.
    Doubled {
        at: [usize; 2],
        number: u64,
    },
    /// Two records of which only the first to come applies.
    Conflicting {
        at: [usize; 2],
        number: u64,
    },
    /// One body under two valid signatures.
    Resigned {
        at: [usize; 2],
        number: u64,
    },
    /// A batch with its leaf list.
    Batch {
        at: usize,
        number: u64,
        count: u32,
    },
}

/// The plan of one run.
#[derive(Debug, Clone)]
pub struct Plan {
    pub seed: u64,
    /// Validators.
    pub n: usize,
    /// Short timeouts.
    pub brisk: bool,
    pub observer: bool,
    /// A short chain is a long one: nodes far behind restore a snapshot.
    pub snapshots: bool,
    /// A change of the validator set and the earliest height that the changed one decides.
    pub change: Option<(SetChange, u64)>,
    pub storm_ms: u64,
    /// Each with its time in milliseconds from the start.
    pub faults: Vec<(u64, Fault)>,
    pub loads: Vec<(u64, Load)>,
}

impl Plan {
    pub fn draw(seed: u64) -> Self {
        let mut rng = Rng::stream(seed, "plan");
        let n = [4, 4, 4, 4, 4, 5, 5, 6, 7, 7][rng.below(10)];
        let brisk = rng.chance(600);
        let observer = rng.chance(200);
        let storm_ms = rng.between(STORM_MS.0, STORM_MS.1);
        let snapshots = Rng::stream(seed, "snapshots").chance(SNAPSHOTS_PER_MILLE);
        let change = None;
        let mut plan =
            Self { seed, n, brisk, observer, snapshots, change, storm_ms, faults: Vec::new(), loads: Vec::new() };
        let wiped = plan.draw_faulty(&mut rng);
        for _ in 0..rng.between(2, 8) {
            let at_ms = rng.between(CALM_BEFORE_MS, storm_ms);
            let fault = plan.draw_fault(&mut rng, &wiped);
            plan.faults.push((at_ms, fault));
        }
        for number in 0..rng.between(4, 10) {
            let at_ms = rng.between(0, storm_ms);
            let load = plan.draw_load(&mut rng, number);
            plan.loads.push((at_ms, load));
        }
        plan.draw_change();
        plan
    }

    /// At most f validators are faulty: Byzantine, without their data, or gone for long. Returns those who may be wiped.
    fn draw_faulty(&mut self, rng: &mut Rng) -> Vec<usize> {
        let faulty = (self.n - 1) / 3;
        let first = rng.below(self.n);
        let places = (0..rng.between(1, faulty as u64) as usize).map(|next| (first + next) % self.n);
        match rng.below(10) {
            0..=4 => {
                for node in places {
                    let kind = rng.below(STRATEGIES.len() + 1);
                    let fault = STRATEGIES.get(kind).map_or(Fault::Twins(node), |it| Fault::Byzantine(node, *it));
                    self.faults.push((0, fault));
                }
                Vec::new()
            }
            5..=6 => places.collect(),
            7 => {
                let pair = ((first + 1) % self.n, (first + 2) % self.n);
                self.faults.push((0, Fault::Lasting { down: first, pair }));
                Vec::new()
            }
            _ => Vec::new(),
        }
    }

    /// One change, where what is left bears as many faulty as before. Not beside those who are gone for long: with a
    /// newcomer that is not there yet they would be more than f.
    fn draw_change(&mut self) {
        let mut rng = Rng::stream(self.seed, "change");
        let lasting = self.faults.iter().any(|(_, fault)| matches!(fault, Fault::Lasting { .. }));
        if lasting || !rng.chance(CHANGES_PER_MILLE) {
            return;
        }
        let seat = rng.below(self.n);
        let next = self.n < DEPARTMENTS.len();
        let change = match rng.below(4) {
            0 if next => SetChange::Add,
            1 if next => SetChange::Replace(seat),
            2 if matches!(self.n, 5 | 6) => SetChange::Remove(seat),
            _ => SetChange::Rotate(seat),
        };
        self.change = Some((change, rng.between(3, 10)));
    }

    fn draw_fault(&self, rng: &mut Rng, wiped: &[usize]) -> Fault {
        let node = rng.below(self.n);
        let for_ms = rng.between(500, 6_000);
        let down_ms = rng.between(5, 3_000);
        match rng.below(16) {
            0..=1 => {
                let delay_ms = (1, [30, 150, 400, 1_500][rng.below(4)]);
                let weather = Weather {
                    delay_ms,
                    lost_per_mille: [0, 30, 150, 400][rng.below(4)],
                    twice_per_mille: [0, 50, 300][rng.below(3)],
                };
                Fault::Weather { weather, for_ms }
            }
            2 => Fault::CutOneWay { from: node, to: (node + 1 + rng.below(self.n - 1)) % self.n, for_ms },
            3..=4 => Fault::Partition { side: rng.next() as u32, for_ms },
            5..=7 => Fault::Crash { node, after_effects: rng.between(0, 150) as u32, down_ms },
            8 => Fault::CrashLate { node, down_ms },
            9 => Fault::CrashAll { down_ms },
            10 if !wiped.is_empty() => Fault::Wipe { node: wiped[rng.below(wiped.len())], down_ms },
            11 if !wiped.is_empty() => Fault::Moved { node: wiped[rng.below(wiped.len())], down_ms },
            10 | 11 => Fault::DiskFull { node, for_ms },
            12..=13 => Fault::SlowDisk { node, write_ms: [100, 700, 3_000][rng.below(3)], for_ms },
            _ => Fault::Clock { node, ahead_ms: CLOCK_MS[rng.below(CLOCK_MS.len())], for_ms },
        }
    }

    fn draw_load(&self, rng: &mut Rng, number: u64) -> Load {
        let at = [rng.below(self.n), rng.below(self.n)];
        match rng.below(10) {
            0 => Load::Doubled { at, number },
            1 => Load::Conflicting { at, number },
            2 => Load::Resigned { at, number },
            3 => Load::Batch { at: at[0], number, count: rng.between(1, 8) as u32 },
            _ => Load::Record { at: at[0], number },
        }
    }

    /// Everything that can be left out of the plan, one at a time.
    pub fn parts(&self) -> usize {
        self.faults.len() + self.loads.len() + usize::from(self.change.is_some())
    }

    /// The plan without some of its parts, in order: faults, loads, the change of the set.
    pub fn without(&self, left_out: std::ops::Range<usize>) -> Self {
        let mut plan = self.clone();
        for part in left_out.rev() {
            let (faults, loads) = (plan.faults.len(), plan.loads.len());
            match part {
                _ if part < faults => drop(plan.faults.remove(part)),
                _ if part < faults + loads => drop(plan.loads.remove(part - faults)),
                _ => plan.change = None,
            }
        }
        plan
    }
}

impl Fault {
    /// What it is counted as.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Byzantine(_, strategy) => match strategy {
                Strategy::Equivocator => "equivocator",
                Strategy::Conflicter => "conflicting proposals",
                Strategy::Silent => "silent",
                Strategy::NilVoter => "nil voter",
                Strategy::Outdated => "outdated",
                Strategy::Withholder => "withholder",
                Strategy::WrongBlocks => "wrong blocks",
                Strategy::Liar => "liar",
            },
            Self::Twins(_) => "twins",
            Self::Lasting { .. } => "one down, one pair cut",
            Self::Weather { .. } => "foul weather",
            Self::CutOneWay { .. } => "one-way cut",
            Self::Partition { .. } => "partition",
            Self::Crash { .. } => "crash between effects",
            Self::CrashLate { .. } => "crash between writes",
            Self::CrashAll { .. } => "crash of all",
            Self::Wipe { .. } => "wiped database",
            Self::Moved { .. } => "moved keys",
            Self::DiskFull { .. } => "disk full",
            Self::SlowDisk { .. } => "slow disk",
            Self::Clock { ahead_ms, .. } if *ahead_ms > 0 => "clock ahead",
            Self::Clock { .. } => "clock behind",
            Self::LyingDisk(_) => "lying disk",
        }
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let observer = if self.observer { " and an observer" } else { "" };
        let brisk = if self.brisk { " with short timeouts" } else { "" };
        let snapshots = if self.snapshots { ", snapshots" } else { "" };
        writeln!(f, "{} validators{brisk}{observer}{snapshots}, a storm of {} ms", self.n, self.storm_ms)?;
        if let Some((change, from_height)) = &self.change {
            writeln!(f, "  {change:?} from height {from_height}")?;
        }
        for (at_ms, fault) in &self.faults {
            writeln!(f, "  at {at_ms:>5} ms {fault:?}")?;
        }
        for (at_ms, load) in &self.loads {
            writeln!(f, "  at {at_ms:>5} ms {load:?}")?;
        }
        Ok(())
    }
}
