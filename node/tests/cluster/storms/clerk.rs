//! A change of the validator set in the middle of a storm: officers who hand in the next step until it is on record.

use dalil_contracts::authority::ballot::{Ballot, ballot_key};
use dalil_contracts::authority::membership::{
    ChangeOutcome, JoinedStatement, Membership, ReadyStatement, membership_key, outcome_key,
};
use dalil_contracts::authority::{AuthorityCall, Choice, Matter, ValidatorChange};
use dalil_contracts::{Call, Invocation};
use dalil_ledger::block::Height;
use dalil_ledger::store::LedgerView;
use dalil_node::core::executor;
use dalil_node::shell::home::NodeKeys;

use crate::simulator::world::World;
use crate::support::{DEPARTMENTS, START_MS, key_of, node_keys, signed_for, token};

/// The ballot of the one change of a run.
const BALLOT: &str = "storm";
/// The votes' time; what is bound to a height has none of its own.
const EFFECTIVE_FROM_MS: u64 = START_MS + 30 * 24 * 3_600_000;
/// Salts of the officers' records, apart from those of other records.
const SALTS: u64 = 2_000_000;

/// What is voted for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SetChange {
    /// The next department gets a validator.
    Add,
    Remove(usize),
    /// The next department takes a seat.
    Replace(usize),
    /// A validator moves to a new home with new keys.
    Rotate(usize),
}

impl SetChange {
    pub fn name(self) -> &'static str {
        match self {
            Self::Add => "validator added",
            Self::Remove(_) => "validator removed",
            Self::Replace(_) => "validator replaced",
            Self::Rotate(_) => "keys rotated",
        }
    }
}

/// How far the change has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    UnderWay,
    Done,
}

pub struct Clerk {
    change: ValidatorChange,
    from_height: Height,
    /// Keys and node of the member that comes in.
    incoming: Option<(NodeKeys, usize)>,
    pub invited: bool,
    records: u64,
}

impl Clerk {
    /// Sets up the newcomer's node, if there is one; it is down until the change is carried.
    pub fn new(world: &mut World, n: usize, change: SetChange, from_height: Height) -> Self {
        let next = || node_keys(DEPARTMENTS[n]);
        let rotated = |department: &str| NodeKeys {
            network: key_of(&format!("network {department} 2")),
            validator: Some(key_of(&format!("validator {department} 2"))),
        };
        let (department, keys) = match change {
            SetChange::Add | SetChange::Replace(_) => (DEPARTMENTS[n], Some(next())),
            SetChange::Remove(seat) => (DEPARTMENTS[seat], None),
            SetChange::Rotate(seat) => (DEPARTMENTS[seat], Some(rotated(DEPARTMENTS[seat]))),
        };
        let member = keys.as_ref().and_then(|keys| keys.validator(token(department)));
        let change = match (change, member) {
            (SetChange::Add, Some(member)) => ValidatorChange::Add(member),
            (SetChange::Replace(seat) | SetChange::Rotate(seat), Some(member)) => {
                ValidatorChange::Replace { leaving: token(DEPARTMENTS[seat]), member }
            }
            _ => ValidatorChange::Remove(token(department)),
        };
        let incoming = keys.map(|keys| (keys.clone(), world.add_node(keys)));
        Self { change, from_height, incoming, invited: false, records: 0 }
    }

    /// The newcomer's node, until it is invited.
    pub fn uninvited(&self) -> Option<usize> {
        self.incoming.as_ref().filter(|_| !self.invited).map(|(_, node)| *node)
    }

    /// Hands in the next step at `desk`, by what the longest chain of an honest node says.
    pub fn act(&mut self, world: &mut World, desk: usize) -> Progress {
        // Of the open ledgers: to open one anew reads all of genesis, four times a second.
        let honest = world.nodes.iter().filter(|node| node.is_honest()).filter_map(|node| node.running.as_ref());
        let Some(view) = honest.map(|running| running.ledger.view().unwrap()).max_by_key(LedgerView::log_size) else {
            return Progress::UnderWay;
        };
        let under_way: Membership = view.state_value(&membership_key()).unwrap().unwrap_or_default();
        let outcome: Option<ChangeOutcome> = view.state_value(&outcome_key(&token(BALLOT))).unwrap();
        match outcome {
            None => {
                let pending = under_way.pending.iter().find(|pending| pending.ballot == token(BALLOT));
                match pending.map(|pending| pending.ready_height) {
                    None => self.vote(world, desk, &view),
                    Some(ready) => {
                        self.invite(world);
                        if ready.is_none() {
                            self.ready(world, desk, &under_way);
                        }
                    }
                }
                Progress::UnderWay
            }
            Some(ChangeOutcome::InForce(_)) if self.is_absent(&under_way) => {
                self.joined(world, desk, &under_way);
                Progress::UnderWay
            }
            Some(_) => Progress::Done,
        }
    }

    fn is_absent(&self, under_way: &Membership) -> bool {
        let incoming = self.change.incoming();
        incoming.is_some_and(|member| under_way.absent.iter().any(|absent| absent.department == member.department))
    }

    fn invite(&mut self, world: &mut World) {
        if let (false, Some((_, node))) = (self.invited, &self.incoming) {
            world.start(*node);
        }
        self.invited = true;
    }

    fn vote(&mut self, world: &mut World, desk: usize, view: &LedgerView) {
        let ballot: Option<Ballot> = view.state_value(&ballot_key(&token(BALLOT))).unwrap();
        let voted = ballot.map(|ballot| ballot.votes).unwrap_or_default();
        for member in executor::next_validators(view).unwrap().iter() {
            if voted.iter().all(|vote| vote.department != member.department) {
                let matter = Matter::Validators { change: self.change.clone(), from_height: self.from_height };
                let call = AuthorityCall::Vote {
                    ballot: token(BALLOT),
                    matter,
                    effective_from_ms: EFFECTIVE_FROM_MS,
                    choice: Choice::Approve,
                };
                self.hand_in(world, desk, &format!("{}/voter", member.department), call);
            }
        }
    }

    fn ready(&mut self, world: &mut World, desk: usize, under_way: &Membership) {
        let (Some((keys, _)), Some(member), Some(head)) =
            (&self.incoming, self.change.incoming(), under_way.heads.last())
        else {
            return;
        };
        let statement = ReadyStatement { ballot: token(BALLOT), member: member.clone(), head: *head };
        let secret = [keys.consensus().unwrap(), keys.cosigner().unwrap(), keys.log().unwrap(), keys.network.clone()];
        let signatures = statement.sign(&world.chain.id, secret.each_ref());
        let posting = format!("{}/admin", member.department);
        let call = AuthorityCall::Ready { ballot: token(BALLOT), head: *head, signatures };
        self.hand_in(world, desk, &posting, call);
    }

    fn joined(&mut self, world: &mut World, desk: usize, under_way: &Membership) {
        let (Some((keys, _)), Some(member), Some(head)) =
            (&self.incoming, self.change.incoming(), under_way.heads.last())
        else {
            return;
        };
        let consensus = keys.consensus().unwrap();
        let department = member.department.clone();
        let posting = format!("{department}/admin");
        let statement = JoinedStatement { department, consensus: consensus.public(), head: *head };
        let call = AuthorityCall::Joined { head: *head, signature: statement.sign(&world.chain.id, &consensus) };
        self.hand_in(world, desk, &posting, call);
    }

    fn hand_in(&mut self, world: &mut World, desk: usize, posting: &str, call: AuthorityCall) {
        self.records += 1;
        let invocation = Invocation { posting: token(posting), call: Call::Authority(call) };
        let officer = posting.replace('/', "-");
        let record = signed_for(world.chain.id, &officer, &invocation, SALTS + self.records, world.now_ms);
        world.submit(desk, record, None);
    }
}
