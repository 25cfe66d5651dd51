//! Simulated time in whole nanoseconds, and durations as people write them.
//!
//! Integers, because a sum of floating-point delays depends on the order in
//! which it is made; nanoseconds, because 64 bits of them last 584 years.

use std::fmt;
use std::ops::{Add, AddAssign};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A moment: nanoseconds since the start of the simulation.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize,
)]
pub struct Time(u64);

/// A length of time in nanoseconds.
///
/// ```
/// # use dhtsim::sim::Duration;
/// assert_eq!("1.5s".parse::<Duration>().unwrap(), Duration::from_millis(1500));
/// assert_eq!("2h".parse::<Duration>().unwrap().to_string(), "2h");
/// assert!("50".parse::<Duration>().is_err()); // fifty what?
/// ```
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize,
)]
pub struct Duration(u64);

impl Time {
    /// The start of the simulation.
    pub const ZERO: Time = Time(0);
    /// Later than everything that happens.
    pub const MAX: Time = Time(u64::MAX);

    /// The moment this many nanoseconds after the start.
    pub const fn from_nanos(nanos: u64) -> Time {
        Time(nanos)
    }

    /// Nanoseconds since the start.
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// Time since an earlier moment; zero if it is not earlier.
    pub fn since(self, earlier: Time) -> Duration {
        Duration(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for Time {
    type Output = Time;

    /// Stops at [`Time::MAX`]: what would happen later than that never does.
    fn add(self, duration: Duration) -> Time {
        Time(self.0.saturating_add(duration.0))
    }
}

impl AddAssign<Duration> for Time {
    fn add_assign(&mut self, duration: Duration) {
        *self = *self + duration;
    }
}

impl Duration {
    /// No time at all.
    pub const ZERO: Duration = Duration(0);

    /// This many nanoseconds.
    pub const fn from_nanos(nanos: u64) -> Duration {
        Duration(nanos)
    }

    /// This many milliseconds.
    pub const fn from_millis(millis: u64) -> Duration {
        Duration(millis * 1_000_000)
    }

    /// This many seconds.
    pub const fn from_secs(secs: u64) -> Duration {
        Duration(secs * 1_000_000_000)
    }

    /// The nearest whole number of nanoseconds; negative ones become zero and
    /// too large ones the longest duration.
    pub fn from_nanos_f64(nanos: f64) -> Duration {
        // `as` saturates and takes a NaN for zero; adding a half rounds.
        Duration((nanos + 0.5) as u64)
    }

    /// Nanoseconds.
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// Milliseconds, as a number to show.
    pub fn as_millis_f64(self) -> f64 {
        self.0 as f64 / 1e6
    }

    /// Seconds, as a number to show.
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / 1e9
    }
}

impl Add for Duration {
    type Output = Duration;

    fn add(self, other: Duration) -> Duration {
        Duration(self.0.saturating_add(other.0))
    }
}

/// The units of a duration with their nanoseconds, longest first.
const UNITS: [(&str, u64); 8] = [
    ("d", 86_400_000_000_000),
    ("h", 3_600_000_000_000),
    ("min", 60_000_000_000),
    ("s", 1_000_000_000),
    ("ms", 1_000_000),
    ("us", 1_000),
    ("µs", 1_000),
    ("ns", 1),
];

impl fmt::Display for Duration {
    /// In the largest unit that gives a whole number: `90s`, `2h`, `1500us`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 {
            return write!(f, "0s");
        }
        let (unit, nanos) =
            UNITS.into_iter().find(|(_, nanos)| self.0.is_multiple_of(*nanos)).expect("1 divides");
        write!(f, "{}{unit}", self.0 / nanos)
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Duration(self.0).fmt(f)
    }
}

/// Why a text is not a duration.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum DurationError {
    /// It is no number with a unit.
    #[error(
        "{0:?} is not a duration; write a number and its unit, such as \"50ms\", \"1.5s\", \"10min\", \"2h\" (units: ns, us, ms, s, min, h, d)"
    )]
    Malformed(String),
    /// It does not fit 64 bits of nanoseconds.
    #[error("{0:?} is longer than 584 years; write a shorter duration")]
    TooLong(String),
    /// It is not a whole number of nanoseconds.
    #[error("{0:?} is finer than a nanosecond; write fewer decimals")]
    TooFine(String),
}

impl FromStr for Duration {
    type Err = DurationError;

    /// Reads a decimal number and a unit; a space may stand between them.
    fn from_str(text: &str) -> Result<Duration, DurationError> {
        parse(text).map_err(|error| error(text.chars().take(40).collect()))
    }
}

/// The variant of the error, to be filled with the text.
type Wrong = fn(String) -> DurationError;

fn parse(text: &str) -> Result<Duration, Wrong> {
    let malformed: Wrong = DurationError::Malformed;
    let too_long: Wrong = DurationError::TooLong;
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').ok_or(malformed)?;
    let (number, unit) = text.split_at(digits);
    let unit = unit.trim_start();
    let (_, nanos) = UNITS.into_iter().find(|(name, _)| *name == unit).ok_or(malformed)?;
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() || number.ends_with('.') || fraction.contains('.') {
        return Err(malformed);
    }
    let whole: u64 = whole.parse().map_err(|_| too_long)?;
    let mut total = whole.checked_mul(nanos).ok_or(too_long)?;
    let mut place = nanos;
    for digit in fraction.trim_end_matches('0').bytes() {
        if !place.is_multiple_of(10) {
            return Err(DurationError::TooFine);
        }
        place /= 10;
        total = total.checked_add(place * u64::from(digit - b'0')).ok_or(too_long)?;
    }
    Ok(Duration(total))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn durations_are_read_exactly() {
        let nanos = |text: &str| text.parse::<Duration>().map(Duration::as_nanos).ok();
        assert_eq!(nanos("50ms"), Some(50_000_000));
        assert_eq!(nanos("7.8 ms"), Some(7_800_000));
        assert_eq!(nanos("0.1us"), Some(100));
        assert_eq!(nanos("10min"), Some(600_000_000_000));
        assert_eq!(nanos("2µs"), Some(2_000));
        for wrong in [
            "",
            "5",
            "ms",
            "-1s",
            "1 parsec",
            "1..5s",
            "1.s",
            ".5s",
            "0.5ns",
            "1e3s",
            "999999d999",
            "300000000000s",
        ] {
            assert_eq!(nanos(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn refusals_say_why() {
        let error = |text: &str| text.parse::<Duration>().unwrap_err();
        assert!(matches!(error("50"), DurationError::Malformed(_)));
        assert!(matches!(error("1000000d"), DurationError::TooLong(_)));
        assert!(matches!(error("99999999999999999999s"), DurationError::TooLong(_)));
        assert!(matches!(error("0.5ns"), DurationError::TooFine(_)));
        assert!(matches!(error("0.0000000001s"), DurationError::TooFine(_)));
    }

    #[test]
    fn sums_stop_at_the_end_of_time() {
        assert_eq!(Time::MAX + Duration::from_secs(1), Time::MAX);
        assert_eq!(Time::ZERO.since(Time::MAX), Duration::ZERO);
        assert_eq!(Duration::from_nanos_f64(-1.0), Duration::ZERO);
        assert_eq!(Duration::from_nanos_f64(2.5), Duration::from_nanos(3));
        assert_eq!(Duration::from_nanos_f64(f64::INFINITY), Duration::from_nanos(u64::MAX));
    }

    proptest! {
        #![proptest_config(crate::property::config())]

        #[test]
        fn what_is_shown_is_read_back(nanos: u64) {
            let duration = Duration::from_nanos(nanos);
            prop_assert_eq!(duration.to_string().parse::<Duration>().unwrap(), duration);
        }
    }
}
