//! Keys placed on the ring.

use crate::id::{Id, IdSpace};
use crate::sim::Stream;

/// The identifiers of keys whose names are drawn: sixteen random hexadecimal digits,
/// hashed as any key's name is.
#[derive(Debug)]
pub struct Keys {
    space: IdSpace,
    left: u64,
    random: Stream,
}

impl Keys {
    /// This many keys.
    pub fn new(space: IdSpace, count: u64, random: Stream) -> Keys {
        Keys { space, left: count, random }
    }
}

impl Iterator for Keys {
    type Item = Id;

    fn next(&mut self) -> Option<Id> {
        self.left = self.left.checked_sub(1)?;
        Some(self.space.hash(format!("{:016x}", self.random.bits())))
    }
}
