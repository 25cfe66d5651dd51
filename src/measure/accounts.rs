//! The counts of a run in two parts: what belongs to the warm-up, which is in no result, and
//! what comes after it.
//!
//! A request belongs to the moment at which it was asked, wherever it ends; what happens by
//! itself belongs to the moment at which it happens.

use super::Tally;
use super::tally::AfterFault;
use crate::sim::Time;

/// The counts before and after the end of the warm-up.
#[derive(Debug, Default)]
pub(super) struct Accounts {
    /// When the warm-up ended; the start of the run without one, or while it lasts.
    counted_from: Time,
    warm_up: Tally,
    counted: Tally,
}

impl Accounts {
    /// The warm-up ends: all that has been counted so far belongs to it.
    pub(super) fn end_warm_up(&mut self, now: Time) {
        self.counted_from = now;
        self.warm_up = std::mem::take(&mut self.counted);
    }

    /// Where something that happens now is counted.
    pub(super) fn now(&mut self) -> &mut Tally {
        &mut self.counted
    }

    /// Where that is counted which comes of a request that was asked at this moment.
    pub(super) fn of(&mut self, issued: Time) -> &mut Tally {
        if issued < self.counted_from { &mut self.warm_up } else { &mut self.counted }
    }

    /// What counts, so far.
    pub(super) fn counted(&self) -> &Tally {
        &self.counted
    }

    /// What has been counted since the start, warm-up included.
    pub(super) fn in_all(&self, get: impl Fn(&Tally) -> u64) -> u64 {
        get(&self.warm_up) + get(&self.counted)
    }

    /// What counts. Of what a fault has done nothing is cut off.
    pub(super) fn close(self) -> Tally {
        let (warm_up, counted) = (self.warm_up.after_fault, self.counted.after_fault);
        Tally {
            counted_from: self.counted_from,
            after_fault: AfterFault {
                issued: warm_up.issued + counted.issued,
                wrong: warm_up.wrong + counted.wrong,
                outage: warm_up.outage.max(counted.outage),
            },
            ..self.counted
        }
    }
}
