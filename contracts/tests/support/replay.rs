//! Playing a world's accepted calls once more, as a node that catches up would: block by block, records on their block's
//! overlay. The root that comes out must be the world's.

use dalil_contracts::{Closing, Context, Invocation, apply, close_block};
use dalil_ledger::crypto::{Hash, PublicKey};
use dalil_ledger::state::{Changes, Overlay, commitment};

use super::World;

/// What a world did, in order.
#[derive(Debug, Clone)]
pub enum Played {
    /// A call was accepted.
    Record {
        /// Height of its block.
        height: u64,
        /// Time of its block, UTC milliseconds.
        time_ms: u64,
        /// Its log index.
        record: u64,
        /// Who signed it.
        signer: PublicKey,
        /// The bytes of the call, as a record carries them.
        call: Vec<u8>,
    },
    /// A block was closed.
    Close {
        /// Its height.
        height: u64,
        /// Its time, UTC milliseconds.
        time_ms: u64,
    },
}

/// The root of a state, computed anew from all its values.
pub fn root(world: &World) -> Hash {
    let all: Changes = world.state.iter().map(|(key, value)| (key.clone(), Some(value.clone()))).collect();
    commitment::update(&std::collections::BTreeMap::new(), &all).unwrap().0
}

impl World {
    /// Begins a recording: the calls accepted from here on are played again by [`World::assert_replays_to`].
    pub fn start_recording(&mut self) -> Self {
        self.played.clear();
        self.clone()
    }

    /// Plays what `end` recorded on this, its state at the start of the recording, and checks that every call is
    /// accepted again and that the same root comes out.
    #[track_caller]
    pub fn assert_replays_to(&self, end: &Self) {
        let mut world = self.clone();
        for block in end.played.chunk_by(|a, b| a.height() == b.height()) {
            let mut overlay = Overlay::new(&world.state);
            for played in block {
                world.replay_one(&mut overlay, played);
            }
            let changes = overlay.into_changes();
            world.enter(changes);
        }
        assert_eq!(root(&world), root(end), "the accepted calls, played again, give another state");
    }

    fn replay_one(&self, block: &mut Overlay<'_>, played: &Played) {
        let mut overlay = Overlay::new(&*block);
        match played {
            Played::Record { height, time_ms, record, signer, call } => {
                let (height, time_ms, record, signer) = (*height, *time_ms, *record, *signer);
                let attachments = &self.attachments;
                let context = Context { chain: Self::chain(), height, time_ms, record, signer, attachments };
                let invocation = Invocation::decode(call).unwrap();
                apply(&mut overlay, &context, &invocation).expect("what was accepted is accepted again");
            }
            Played::Close { height, time_ms } => {
                let (height, time_ms, parent) = (*height, *time_ms, Self::block(height - 1));
                let closing =
                    Closing { height, time_ms, parent, parameters: &self.parameters, origin: &Self::origin() };
                close_block(&mut overlay, &closing).unwrap();
            }
        }
        let operations = overlay.operations();
        let changes = overlay.into_changes();
        block.merge(changes, operations);
    }
}

impl Played {
    fn height(&self) -> u64 {
        match self {
            Self::Record { height, .. } | Self::Close { height, .. } => *height,
        }
    }
}
