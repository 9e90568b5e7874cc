//! The network between the nodes: what it loses, delays, reorders, doubles and cuts.

use std::collections::BTreeSet;

use super::rng::Rng;

/// What the network does to messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Weather {
    /// The least and the most; messages overtake one another.
    pub delay_ms: (u64, u64),
    pub lost_per_mille: u64,
    pub twice_per_mille: u64,
}

/// A local network on a good day.
pub const FAIR: Weather = Weather { delay_ms: (1, 20), lost_per_mille: 0, twice_per_mille: 0 };
/// Loss, duplicates, and delays that reorder.
pub const FOUL: Weather = Weather { delay_ms: (1, 300), lost_per_mille: 100, twice_per_mille: 50 };

/// Which directions nothing gets through.
#[derive(Default)]
pub struct Cuts {
    passing: BTreeSet<(usize, usize)>,
    lasting: BTreeSet<(usize, usize)>,
}

impl Cuts {
    pub fn one_way(&mut self, from: usize, to: usize) {
        self.passing.insert((from, to));
    }

    /// Both directions between all of one group and all of another.
    pub fn part(&mut self, one: &[usize], other: &[usize]) {
        for (a, b) in one.iter().flat_map(|a| other.iter().map(move |b| (*a, *b))) {
            self.passing.extend([(a, b), (b, a)]);
        }
    }

    /// A pair that does not hear each other until [`Self::repair`].
    pub fn break_pair(&mut self, one: usize, other: usize) {
        self.lasting.extend([(one, other), (other, one)]);
    }

    pub fn mend_one_way(&mut self, from: usize, to: usize) {
        self.passing.remove(&(from, to));
    }

    pub fn heal(&mut self) {
        self.passing.clear();
    }

    pub fn repair(&mut self) {
        self.lasting.clear();
    }

    pub fn hold(&self, from: usize, to: usize) -> bool {
        self.passing.contains(&(from, to)) || self.lasting.contains(&(from, to))
    }
}

impl Weather {
    /// When the copies of one message arrive, in milliseconds from now; none for one that is lost.
    pub fn arrivals(&self, rng: &mut Rng) -> Vec<u64> {
        let copies = if rng.chance(self.twice_per_mille) { 2 } else { 1 };
        let arrives = |_| (!rng.chance(self.lost_per_mille)).then(|| rng.between(self.delay_ms.0, self.delay_ms.1));
        (0..copies).filter_map(arrives).collect()
    }
}
