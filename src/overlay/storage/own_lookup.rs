//! The lookups that the layer makes for itself, by their numbers: they run beside those of the
//! workload, which count from zero.

use crate::sim::{LookupId, RequestId, Served};

/// Lookups with this bit are the layer's own.
const OWN: u32 = 1 << 31;
/// Own lookups with this bit are for repairs; the others are for the request with this
/// number and the copy in the last four bits.
const REPAIR: u32 = 1 << 30;
const COPY_BITS: u32 = 4;

/// How many numbers there are for repairs.
pub(super) const REPAIRS: u32 = REPAIR;

/// The lookup of a copy of an item for a put or a get.
pub(super) fn for_request(request: RequestId, copy: u8) -> LookupId {
    LookupId(OWN | (request.0 << COPY_BITS) | u32::from(copy))
}

/// The lookup of a repair of this number.
pub(super) fn for_repair(number: u32) -> LookupId {
    LookupId(OWN | REPAIR | number)
}

/// Whether a lookup is one of this layer, not of the workload.
pub(super) fn is_own(lookup: LookupId) -> bool {
    lookup.0 & OWN != 0
}

/// What of the workload a lookup is made for; a repair is for nothing of it.
pub(super) fn served(lookup: LookupId) -> Option<Served> {
    if !is_own(lookup) {
        return Some(Served::Lookup(lookup));
    }
    let number = lookup.0 & !OWN;
    (number & REPAIR == 0).then_some(Served::Request(RequestId(number >> COPY_BITS)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lookups_know_what_they_are_for() {
        let workload = LookupId(7);
        assert_eq!((is_own(workload), served(workload)), (false, Some(Served::Lookup(workload))));
        for request in [0, 1, 65_535].map(RequestId) {
            for copy in [0, 15] {
                let own = for_request(request, copy);
                assert_eq!((is_own(own), served(own)), (true, Some(Served::Request(request))));
            }
        }
        for number in [0, REPAIRS - 1] {
            let own = for_repair(number);
            assert_eq!((is_own(own), served(own)), (true, None));
        }
    }
}
