//! A fingerprint of everything that a simulation processed.
//!
//! Two runs with the same digest processed the same events in the same order. It
//! is fed on every event, so it is a few multiplications and no more: good
//! against accidents, no good against an adversary.

use std::hash::Hasher;

/// A running fingerprint of a stream of values.
///
/// As a [`Hasher`] it takes whatever derives `Hash`. Every integer is widened to 64
/// bits first, `usize` and `isize` included, so that all platforms agree. Only arrays and
/// slices of integers are to be kept out of what is hashed: the standard library feeds
/// them as bytes in the platform's order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Digest(u64);

impl Default for Digest {
    fn default() -> Digest {
        Digest(0x243f_6a88_85a3_08d3) // the first digits of π
    }
}

impl Digest {
    /// Takes in one word. Multiplication to 128 bits, the halves folded together,
    /// spreads every bit of the word over the whole state.
    fn mix(&mut self, word: u64) {
        let product = u128::from(self.0 ^ word) * u128::from(0x9e37_79b9_7f4a_7c15_u64);
        // The odd addend keeps the state from resting at zero.
        self.0 = ((product as u64) ^ ((product >> 64) as u64)).wrapping_add(0x5851_f42d_4c95_7f2d);
    }
}

impl Hasher for Digest {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.mix(u64::from(byte));
        }
    }

    fn write_u8(&mut self, value: u8) {
        self.mix(u64::from(value));
    }

    fn write_u16(&mut self, value: u16) {
        self.mix(u64::from(value));
    }

    fn write_u32(&mut self, value: u32) {
        self.mix(u64::from(value));
    }

    fn write_u64(&mut self, value: u64) {
        self.mix(value);
    }

    fn write_usize(&mut self, value: usize) {
        self.mix(value as u64);
    }

    fn write_isize(&mut self, value: isize) {
        self.mix(value as u64);
    }
}

#[cfg(test)]
mod tests {
    use std::hash::Hash;

    use super::*;

    fn of(values: &[u64]) -> u64 {
        let mut digest = Digest::default();
        for value in values {
            digest.write_u64(*value);
        }
        digest.finish()
    }

    #[test]
    fn order_and_every_value_matter() {
        assert_ne!(of(&[1, 2]), of(&[2, 1]));
        assert_ne!(of(&[1, 2]), of(&[1, 3]));
        assert_ne!(of(&[]), of(&[0]));
        assert_ne!(of(&[0]), of(&[0, 0]));
    }

    #[test]
    fn a_cancelled_state_does_not_swallow_what_follows() {
        // A word equal to the state makes the product zero; the next must count.
        let state = Digest::default().finish();
        assert_ne!(of(&[state, 1]), of(&[state, 2]));
    }

    #[test]
    fn derived_hashes_are_taken() {
        let mut digest = Digest::default();
        (Some(3u32), "text", [1u8, 2]).hash(&mut digest);
        assert_ne!(digest, Digest::default());
    }
}
