//! Single trackers and clients driven by hand, then whole systems.

use super::*;

/// Trackers without a swarm.
pub(super) fn tracker(trackers: usize) -> Tracker {
    Tracker {
        trackers,
        numwant: 50,
        announce_interval: Duration::from_secs(30 * 60),
        expiry: Duration::from_secs(45 * 60),
        exchange: Duration::from_secs(60),
        request_timeout: Duration::from_secs(15),
        swarm: None,
    }
}
