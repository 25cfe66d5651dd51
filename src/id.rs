//! Identifiers of *m* bits on the ring modulo 2^*m*, 1 ≤ *m* ≤ 160.
//!
//! An [`Id`] keeps its *m* bits at the top of a 192-bit word and zeros below.
//! Addition and subtraction then wrap at 2^*m* by themselves, and order is the
//! order of the numbers, so that arithmetic on the ring needs to know *m* only
//! where a person reads or writes an identifier. [`IdSpace`] holds *m* and does
//! that.
//!
//! Must not know: nodes, overlays, simulations.

use std::fmt;
use std::hash::{Hash, Hasher};

use sha1::{Digest, Sha1};

/// Number of bits that an [`Id`] is kept in; its *m* bits stand at the top.
const WORD_BITS: u32 = 192;

/// A point on the ring, or a clockwise distance between two points.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Id([u64; 3]);

impl Hash for Id {
    /// Word by word: the derived way would feed the bytes in the order of the platform,
    /// and digests of simulations would differ.
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.iter().for_each(|word| state.write_u64(*word));
    }
}

impl Id {
    /// Zero: the first point of the ring, and the distance from a point to itself.
    pub const ZERO: Id = Id([0; 3]);

    /// The first 64 bits. Monotonic in the identifier: good for indexing.
    pub fn prefix(self) -> u64 {
        self.0[0]
    }

    /// The clockwise distance from `self` to `to`, zero if they are equal.
    ///
    /// ```
    /// # use dhtsim::id::IdSpace;
    /// let ring = IdSpace::new(3).unwrap();
    /// assert_eq!(ring.id(1).distance_to(ring.id(3)), ring.id(2));
    /// assert_eq!(ring.id(3).distance_to(ring.id(1)), ring.id(6)); // past zero
    /// ```
    pub fn distance_to(self, to: Id) -> Id {
        let (low, borrow) = to.0[2].overflowing_sub(self.0[2]);
        let (mid, borrow_a) = to.0[1].overflowing_sub(self.0[1]);
        let (mid, borrow_b) = mid.overflowing_sub(u64::from(borrow));
        let high = to.0[0].wrapping_sub(self.0[0]).wrapping_sub(u64::from(borrow_a || borrow_b));
        Id([high, mid, low])
    }

    /// The point that lies `distance` clockwise from `self`.
    pub fn plus(self, distance: Id) -> Id {
        let (low, carry) = self.0[2].overflowing_add(distance.0[2]);
        let (mid, carry_a) = self.0[1].overflowing_add(distance.0[1]);
        let (mid, carry_b) = mid.overflowing_add(u64::from(carry));
        let high =
            self.0[0].wrapping_add(distance.0[0]).wrapping_add(u64::from(carry_a || carry_b));
        Id([high, mid, low])
    }

    /// Whether `self` lies in the ring interval (`after`, `before`), both ends
    /// left out. With equal ends the interval is the whole ring but that point.
    ///
    /// ```
    /// # use dhtsim::id::IdSpace;
    /// let ring = IdSpace::new(3).unwrap();
    /// let id = |n| ring.id(n);
    /// assert!(id(2).is_between(id(1), id(3)));
    /// assert!(!id(1).is_between(id(1), id(3)) && !id(3).is_between(id(1), id(3)));
    /// // The interval (6, 2) wraps past zero.
    /// assert!(id(7).is_between(id(6), id(2)) && id(0).is_between(id(6), id(2)));
    /// assert!(!id(2).is_between(id(6), id(2)) && !id(4).is_between(id(6), id(2)));
    /// // (n, n) is the whole ring but n: a node alone is between itself and itself.
    /// assert!(id(5).is_between(id(4), id(4)) && !id(4).is_between(id(4), id(4)));
    /// // Neighbours have nothing between them.
    /// assert!((0..8).all(|n| !id(n).is_between(id(3), id(4))));
    /// ```
    pub fn is_between(self, after: Id, before: Id) -> bool {
        let reach = after.distance_to(before);
        let here = after.distance_to(self);
        here != Id::ZERO && (reach == Id::ZERO || here < reach)
    }

    /// Whether `self` lies in the ring interval (`after`, `last`], its end taken
    /// in: what a node `last` owns when `after` is its predecessor. With equal
    /// ends the interval is the whole ring.
    ///
    /// ```
    /// # use dhtsim::id::IdSpace;
    /// let ring = IdSpace::new(3).unwrap();
    /// let id = |n| ring.id(n);
    /// assert!(id(3).is_owned_between(id(1), id(3)));
    /// assert!(!id(1).is_owned_between(id(1), id(3)));
    /// assert!(id(0).is_owned_between(id(6), id(0)) && id(7).is_owned_between(id(6), id(0)));
    /// // One node owns everything, itself included.
    /// assert!((0..8).all(|n| id(n).is_owned_between(id(4), id(4))));
    /// ```
    pub fn is_owned_between(self, after: Id, last: Id) -> bool {
        let reach = after.distance_to(last);
        let here = after.distance_to(self);
        reach == Id::ZERO || (here != Id::ZERO && here <= reach)
    }

    /// Number of zero bits above the highest one bit; 192 for zero.
    fn leading_zeros(self) -> u32 {
        let [high, mid, low] = self.0;
        if high != 0 {
            high.leading_zeros()
        } else if mid != 0 {
            64 + mid.leading_zeros()
        } else {
            128 + low.leading_zeros()
        }
    }

    /// Whether `self` is at most half of `other`, as whole numbers.
    ///
    /// ```
    /// # use dhtsim::id::IdSpace;
    /// let ring = IdSpace::new(4).unwrap();
    /// assert!(ring.id(3).is_at_most_half_of(ring.id(6)));
    /// assert!(ring.id(3).is_at_most_half_of(ring.id(7)));
    /// assert!(!ring.id(4).is_at_most_half_of(ring.id(7)));
    /// ```
    pub fn is_at_most_half_of(self, other: Id) -> bool {
        // self + self ≤ other, without the carry that could leave the word.
        self <= other && self <= self.distance_to(other)
    }

    /// The share of the ring that this distance is, from 0 to (almost) 1.
    pub fn as_share_of_ring(self) -> f64 {
        // 2^64 is exact in f64.
        self.0[0] as f64 / 18_446_744_073_709_551_616.0
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [high, mid, low] = self.0;
        write!(f, "Id({high:016x}{mid:016x}{low:016x})")
    }
}

impl Id {
    /// An identifier from what stands between the brackets of its `Debug` text.
    pub(crate) fn from_debug(digits: &str) -> Option<Id> {
        let part = |range| u64::from_str_radix(digits.get(range)?, 16).ok();
        let parts = [part(0..16)?, part(16..32)?, part(32..48)?];
        (digits.len() == 48).then_some(Id(parts))
    }
}

/// The identifiers of *m* bits: makes them from names and numbers, reads and
/// writes them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct IdSpace {
    bits: u32,
}

/// Why a text or number is not an identifier.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum IdError {
    /// *m* out of range.
    #[error("{0} is not a number of bits; SHA-1 gives 1 to 160")]
    Bits(u32),
    /// Not a hexadecimal number.
    #[error("{0:?} is not a hexadecimal number")]
    NotHexadecimal(String),
    /// 2^*m* or more.
    #[error("{text} does not fit {bits} bits")]
    TooLarge {
        /// What was read.
        text: String,
        /// The *m* that it does not fit.
        bits: u32,
    },
}

impl IdSpace {
    /// The identifiers of `bits` bits.
    ///
    /// # Errors
    /// [`IdError::Bits`] unless 1 ≤ `bits` ≤ 160.
    pub fn new(bits: u32) -> Result<IdSpace, IdError> {
        if (1..=160).contains(&bits) { Ok(IdSpace { bits }) } else { Err(IdError::Bits(bits)) }
    }

    /// *m*.
    pub fn bits(self) -> u32 {
        self.bits
    }

    /// Number of different identifiers, or `None` when it leaves 64 bits.
    pub fn size(self) -> Option<u64> {
        1u64.checked_shl(self.bits)
    }

    /// The identifier that is this number.
    ///
    /// # Panics
    /// When the number does not fit; [`IdSpace::checked_id`] asks instead.
    pub fn id(self, number: u64) -> Id {
        self.checked_id(number).expect("the number fits the identifier space")
    }

    /// The identifier that is this number.
    ///
    /// # Errors
    /// [`IdError::TooLarge`] for 2^*m* and above.
    pub fn checked_id(self, number: u64) -> Result<Id, IdError> {
        if self.size().is_some_and(|size| number >= size) {
            return Err(IdError::TooLarge { text: number.to_string(), bits: self.bits });
        }
        Ok(self.lift(Id([0, 0, number])))
    }

    /// The identifier of a name: the top *m* bits of its SHA-1 digest.
    ///
    /// ```
    /// # use dhtsim::id::IdSpace;
    /// // SHA-1("abc") = a9993e36…
    /// assert_eq!(IdSpace::new(8).unwrap().hash("abc"), IdSpace::new(8).unwrap().id(0xa9));
    /// ```
    pub fn hash(self, name: impl AsRef<[u8]>) -> Id {
        let digest = Sha1::digest(name);
        let mut bytes = [0; 24];
        bytes[..20].copy_from_slice(&digest);
        self.truncate(bytes)
    }

    /// The identifier whose *m* bits are the first of 192 random ones.
    pub fn from_random(self, words: [u64; 3]) -> Id {
        let mut bytes = [0; 24];
        for (eight, word) in bytes.chunks_exact_mut(8).zip(words) {
            eight.copy_from_slice(&word.to_be_bytes());
        }
        self.truncate(bytes)
    }

    /// Keeps the top *m* bits.
    fn truncate(self, bytes: [u8; 24]) -> Id {
        let word = |i: usize| u64::from_be_bytes(std::array::from_fn(|b| bytes[8 * i + b]));
        let mut words = [word(0), word(1), word(2)];
        for (position, word) in words.iter_mut().enumerate() {
            let kept = self.bits.saturating_sub(64 * position as u32).min(64);
            *word &= u64::MAX.checked_shl(64 - kept).unwrap_or(0);
        }
        Id(words)
    }

    /// 2^`exponent`, the distance at which finger `exponent` (counted from zero)
    /// starts.
    ///
    /// # Panics
    /// Unless `exponent` < *m*.
    pub fn power_of_two(self, exponent: u32) -> Id {
        assert!(
            exponent < self.bits,
            "2^{exponent} is no distance on a ring of {} bits",
            self.bits
        );
        let position = WORD_BITS - self.bits + exponent;
        let mut words = [0; 3];
        words[2 - (position / 64) as usize] = 1 << (position % 64);
        Id(words)
    }

    /// The largest exponent with 2^exponent ≤ `distance`; `None` for zero.
    ///
    /// ```
    /// # use dhtsim::id::{Id, IdSpace};
    /// let ring = IdSpace::new(6).unwrap();
    /// assert_eq!(ring.floor_log2(ring.id(33)), Some(5));
    /// assert_eq!(ring.floor_log2(ring.id(1)), Some(0));
    /// assert_eq!(ring.floor_log2(Id::ZERO), None);
    /// ```
    pub fn floor_log2(self, distance: Id) -> Option<u32> {
        (self.bits - 1).checked_sub(distance.leading_zeros())
    }

    /// Reads a hexadecimal number, with or without `0x` in front.
    ///
    /// ```
    /// # use dhtsim::id::IdSpace;
    /// let ring = IdSpace::new(6).unwrap();
    /// assert_eq!(ring.parse_hex("2a").unwrap(), ring.id(42));
    /// assert_eq!(ring.parse_hex("0x2a").unwrap(), ring.id(42));
    /// assert!(ring.parse_hex("40").is_err()); // 64 does not fit
    /// assert!(ring.parse_hex("").is_err() && ring.parse_hex("+1").is_err());
    /// ```
    ///
    /// # Errors
    /// [`IdError::NotHexadecimal`] or [`IdError::TooLarge`].
    pub fn parse_hex(self, text: &str) -> Result<Id, IdError> {
        let digits = text.strip_prefix("0x").unwrap_or(text);
        if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(IdError::NotHexadecimal(text.chars().take(64).collect()));
        }
        let too_large =
            || IdError::TooLarge { text: text.chars().take(64).collect(), bits: self.bits };
        let digits = digits.trim_start_matches('0');
        if digits.len() > 40 {
            return Err(too_large());
        }
        let padded = format!("{digits:0>48}");
        let word = |i: usize| {
            u64::from_str_radix(&padded[16 * i..16 * (i + 1)], 16).expect("hexadecimal digits")
        };
        let number = Id([word(0), word(1), word(2)]);
        if number.leading_zeros() < WORD_BITS - self.bits {
            return Err(too_large());
        }
        Ok(self.lift(number))
    }

    /// Writes an identifier in lower-case hexadecimal, ⌈*m*/4⌉ digits.
    ///
    /// ```
    /// # use dhtsim::id::IdSpace;
    /// assert_eq!(IdSpace::new(6).unwrap().hex(IdSpace::new(6).unwrap().id(56)), "38");
    /// assert_eq!(IdSpace::new(3).unwrap().hex(IdSpace::new(3).unwrap().id(5)), "5");
    /// ```
    pub fn hex(self, id: Id) -> String {
        let [high, mid, low] = self.lower(id).0;
        let all = format!("{high:016x}{mid:016x}{low:016x}");
        all[48 - self.bits.div_ceil(4) as usize..].to_owned()
    }

    /// What is left of an identifier, as the number that it is, when it is divided.
    ///
    /// ```
    /// # use dhtsim::id::IdSpace;
    /// let ring = IdSpace::new(6).unwrap();
    /// assert_eq!(ring.remainder(ring.id(56), 10), 6);
    /// ```
    ///
    /// # Panics
    /// When the divisor is zero.
    pub fn remainder(self, id: Id, divisor: u64) -> u64 {
        self.lower(id).0.into_iter().fold(0, |rest, word| {
            let number = u128::from(rest) << 64 | u128::from(word);
            (number % u128::from(divisor)) as u64
        })
    }

    /// Shifts a number to the top of the word.
    fn lift(self, number: Id) -> Id {
        let mut id = number;
        let mut shift = WORD_BITS - self.bits;
        while shift > 0 {
            let step = shift.min(63);
            let [high, mid, low] = id.0;
            id = Id([
                high << step | mid >> (64 - step),
                mid << step | low >> (64 - step),
                low << step,
            ]);
            shift -= step;
        }
        id
    }

    /// Shifts an identifier down to the number that it is.
    fn lower(self, id: Id) -> Id {
        let mut number = id;
        let mut shift = WORD_BITS - self.bits;
        while shift > 0 {
            let step = shift.min(63);
            let [high, mid, low] = number.0;
            number = Id([
                high >> step,
                mid >> step | high << (64 - step),
                low >> step | mid << (64 - step),
            ]);
            shift -= step;
        }
        number
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_id(space: IdSpace) -> impl Strategy<Value = Id> {
        any::<[u64; 3]>().prop_map(move |words| space.from_random(words))
    }

    fn space_and_ids() -> impl Strategy<Value = (IdSpace, Id, Id, Id)> {
        (1u32..=160).prop_flat_map(|bits| {
            let space = IdSpace::new(bits).unwrap();
            (Just(space), any_id(space), any_id(space), any_id(space))
        })
    }

    #[test]
    fn number_of_bits_is_checked() {
        assert_eq!(IdSpace::new(0), Err(IdError::Bits(0)));
        assert_eq!(IdSpace::new(161), Err(IdError::Bits(161)));
        assert_eq!(IdSpace::new(160).unwrap().size(), None);
        assert_eq!(IdSpace::new(63).unwrap().size(), Some(1 << 63));
    }

    #[test]
    fn hash_is_the_top_bits_of_sha1() {
        // FIPS 180-1, appendix A.
        let space = IdSpace::new(160).unwrap();
        assert_eq!(space.hex(space.hash("abc")), "a9993e364706816aba3e25717850c26c9cd0d89d");
        let space = IdSpace::new(5).unwrap();
        assert_eq!(space.hash("abc"), space.id(0xa9 >> 3));
    }

    proptest! {
        #![proptest_config(crate::property::config())]

        #[test]
        fn small_rings_agree_with_modular_arithmetic(bits in 1u32..=16, a: u64, b: u64, c: u64) {
            let space = IdSpace::new(bits).unwrap();
            let size = 1u64 << bits;
            let (a, b, c) = (a % size, b % size, c % size);
            let (x, y, z) = (space.id(a), space.id(b), space.id(c));
            prop_assert_eq!(x.distance_to(y), space.id((b + size - a) % size));
            prop_assert_eq!(x.plus(y), space.id((a + b) % size));
            prop_assert_eq!(x < y, a < b);
            // The naive twin: walk clockwise from a and look.
            let mut walk = (1..=size).map(|step| (a + step) % size).take_while(|&at| at != b);
            prop_assert_eq!(z.is_between(x, y), walk.any(|at| at == c));
            prop_assert_eq!(z.is_owned_between(x, y), a == b || z == y && z != x || z.is_between(x, y));
            prop_assert_eq!(x.is_at_most_half_of(y), 2 * a <= b);
            prop_assert_eq!(space.floor_log2(x), a.checked_ilog2());
            prop_assert_eq!(space.remainder(x, c + 1), a % (c + 1));
        }

        #[test]
        fn distances_add_up((_, a, b, c) in space_and_ids()) {
            prop_assert_eq!(a.plus(a.distance_to(b)), b);
            prop_assert_eq!(a.distance_to(b).plus(b.distance_to(c)), a.distance_to(c));
            prop_assert_eq!(a.distance_to(a), Id::ZERO);
        }

        #[test]
        fn remainders_are_those_of_long_division((space, a, _, _) in space_and_ids(), divisor in 1u64..) {
            let digits = space.hex(a);
            let naive = digits.chars().fold(0u128, |rest, digit| {
                (16 * rest + u128::from(digit.to_digit(16).unwrap())) % u128::from(divisor)
            });
            prop_assert_eq!(u128::from(space.remainder(a, divisor)), naive);
        }

        #[test]
        fn hexadecimal_round_trips((space, a, _, _) in space_and_ids()) {
            let text = space.hex(a);
            prop_assert_eq!(text.len() as u32, space.bits().div_ceil(4));
            prop_assert_eq!(space.parse_hex(&text).unwrap(), a);
            prop_assert_eq!(space.parse_hex(&text.to_uppercase()).unwrap(), a);
        }

        #[test]
        fn any_text_is_read_or_refused(bits in 1u32..=160, text in ".{0,60}") {
            let space = IdSpace::new(bits).unwrap();
            if let Ok(id) = space.parse_hex(&text) {
                prop_assert_eq!(space.parse_hex(&space.hex(id)).unwrap(), id);
            }
        }

        #[test]
        fn powers_of_two_are_their_own_logarithm(bits in 1u32..=160, exponent in 0u32..160) {
            prop_assume!(exponent < bits);
            let space = IdSpace::new(bits).unwrap();
            prop_assert_eq!(space.floor_log2(space.power_of_two(exponent)), Some(exponent));
        }
    }
}
