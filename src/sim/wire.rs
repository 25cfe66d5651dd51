//! Messages under way.
//!
//! The queue's entries stay small: they hold the number of a parcel here, where the
//! message itself lies until it is delivered. Only as many parcels exist as messages
//! are under way at once, and their places are used again, so after warm-up nothing
//! is allocated.

use std::num::NonZeroU32;

use smallvec::SmallVec;

use super::prefetch::prefetch;
use super::{Address, Message, Time};

/// A message under way, or one that its sender still waits for an answer to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Parcel<M> {
    pub(super) from: Address,
    pub(super) to: Address,
    pub(super) message: M,
    pub(super) expects: Expects,
    pub(super) answers: Answers,
    /// The incarnation of the sender, or of the receiver of an answer: a node that
    /// restarted does not wait any more.
    pub(super) incarnation: u32,
    /// The attached list; `None` for an empty one.
    pub(super) list: Option<ListNumber>,
}

/// Whether a parcel is the answer to a request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Answers {
    /// It is none.
    Nothing,
    /// It is one, in time if the asking node has not restarted.
    InTime,
    /// It is one that comes after the time-out.
    TooLate,
}

/// What the sender waits for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Expects {
    /// Nothing.
    Nothing,
    /// An answer until this time; [`IN_VAIN`] when the sender is told that none comes, but
    /// the receiver may answer all the same.
    Answer(Time),
    /// An acknowledgement until this time; [`IN_VAIN`] as above.
    Acknowledgement(Time),
    /// Nothing; but if the receiver is frozen, it misses the answer to the request with this
    /// number.
    Receipt(u32),
}

/// The deadline of who does not wait any more: the end of time, which never comes. (An
/// `Option` would make every message eight bytes longer.)
const IN_VAIN: Time = Time::MAX;

impl Expects {
    /// Until when the sender waits, if it does.
    #[inline]
    pub(super) fn deadline(self) -> Option<Time> {
        match self {
            Expects::Nothing | Expects::Receipt(_) => None,
            Expects::Answer(deadline) | Expects::Acknowledgement(deadline) => {
                (deadline != IN_VAIN).then_some(deadline)
            }
        }
    }

    /// The same when the sender does not wait any more.
    pub(super) fn in_vain(self) -> Expects {
        match self {
            Expects::Nothing | Expects::Receipt(_) => self,
            Expects::Answer(_) => Expects::Answer(IN_VAIN),
            Expects::Acknowledgement(_) => Expects::Acknowledgement(IN_VAIN),
        }
    }
}

/// Which of the attached lists it is, counted from one.
pub(super) type ListNumber = NonZeroU32;

/// An attached list. Most are short and stand in the table of lists itself.
pub(super) type AttachedList<M> = SmallVec<[<M as Message>::Item; 4]>;

/// Items of a list that is long.
const LONG_LIST: usize = 256;

/// All messages under way.
#[derive(Debug)]
pub(super) struct Wire<M: Message> {
    parcels: Vec<Parcel<M>>,
    free: Vec<u32>,
    lists: Vec<AttachedList<M>>,
    free_lists: Vec<ListNumber>,
}

impl<M: Message> Default for Wire<M> {
    fn default() -> Self {
        Wire { parcels: Vec::new(), free: Vec::new(), lists: Vec::new(), free_lists: Vec::new() }
    }
}

impl<M: Message> Wire<M> {
    /// Takes a parcel in and gives its number.
    #[inline]
    pub(super) fn post(&mut self, parcel: Parcel<M>) -> u32 {
        if let Some(number) = self.free.pop() {
            self.parcels[number as usize] = parcel;
            number
        } else {
            let number = u32::try_from(self.parcels.len()).expect("fewer than 2^32 messages");
            self.parcels.push(parcel);
            number
        }
    }

    /// Hands a parcel out; its number may be given to another from now on.
    #[inline]
    pub(super) fn collect(&mut self, number: u32) -> Parcel<M> {
        self.free.push(number);
        self.parcels[number as usize]
    }

    /// Looks at a parcel.
    #[inline]
    pub(super) fn parcel(&self, number: u32) -> &Parcel<M> {
        &self.parcels[number as usize]
    }

    /// Asks for the memory of a parcel's list ahead of its use.
    #[inline]
    pub(super) fn prefetch_list(&self, parcel: &Parcel<M>) {
        if let Some(number) = parcel.list {
            prefetch(&self.lists[number.get() as usize - 1]);
        }
    }

    /// Stores an attached list.
    #[inline]
    pub(super) fn attach(&mut self, list: &[M::Item]) -> Option<ListNumber> {
        (!list.is_empty()).then(|| self.store(list))
    }

    fn store(&mut self, list: &[M::Item]) -> ListNumber {
        let number = self.free_lists.pop().unwrap_or_else(|| {
            self.lists.push(AttachedList::<M>::new());
            u32::try_from(self.lists.len()).ok().and_then(NonZeroU32::new).expect("not as many")
        });
        self.list_mut(number).extend_from_slice(list);
        number
    }

    fn list_mut(&mut self, number: ListNumber) -> &mut AttachedList<M> {
        &mut self.lists[number.get() as usize - 1]
    }

    /// Takes an attached list out; [`Wire::put_back`] gives its memory back.
    #[inline]
    pub(super) fn take_list(&mut self, number: Option<ListNumber>) -> AttachedList<M> {
        number.map_or_else(AttachedList::<M>::new, |number| std::mem::take(self.list_mut(number)))
    }

    /// Gives back the memory of a list. A long one is an exception whose memory is not kept:
    /// otherwise every place would come to have room for the longest.
    #[inline]
    pub(super) fn put_back(&mut self, number: Option<ListNumber>, mut list: AttachedList<M>) {
        if let Some(number) = number {
            list.clear();
            if list.capacity() > LONG_LIST {
                list.shrink_to_fit();
            }
            *self.list_mut(number) = list;
            self.free_lists.push(number);
        }
    }
}
