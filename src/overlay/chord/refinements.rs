//! What the papers leave to implementations: parameters that are off unless asked for.

use crate::sim::Duration;

/// What a ring does beyond the printed protocol. The default is nothing.
#[derive(Clone, PartialEq, Debug)]
pub struct Refinements {
    /// Whether the owner of a looked-up key is asked for a sign of life before it is the
    /// answer.
    pub confirm_owner: bool,
    /// Whether a node that does not answer a lookup is dropped from the tables of who asked
    /// it; otherwise only that lookup takes note of it.
    pub remember_failures: bool,
    /// How a lookup that has no answer begins again; never if `None`.
    pub retries: Option<Retries>,
    /// How many nodes the origin of an iterative lookup asks at a time, at least 1.
    pub parallel: usize,
    /// If given, time-outs follow measured round trips: they are never shorter than this, and
    /// never longer than [`request_timeout`](super::Chord::request_timeout).
    pub shortest_timeout: Option<Duration>,
    /// A finger is the nearest in the network of so many nodes that follow its start, at least
    /// 1.
    pub finger_choices: usize,
    /// Of so many nodes a lookup goes on to the nearest in the network, at least 1: the closest
    /// preceding finger, and those after it that precede the key. Above 1 a node keeps as many
    /// less one of the nodes that follow each finger.
    pub next_hop_choices: usize,
    /// Whether a node that gets a new predecessor tells the one before.
    pub tell_old_predecessor: bool,
}

/// How a lookup that has no answer begins again, at its origin.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Retries {
    /// How often.
    pub count: u32,
    /// After how long.
    pub after: Duration,
}

impl Default for Refinements {
    fn default() -> Refinements {
        Refinements {
            confirm_owner: false,
            remember_failures: true,
            retries: None,
            parallel: 1,
            shortest_timeout: None,
            finger_choices: 1,
            next_hop_choices: 1,
            tell_old_predecessor: false,
        }
    }
}
