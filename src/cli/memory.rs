//! The memory of the process and of the machine.

use sysinfo::{MemoryRefreshKind, System};

/// The most memory that the process has had at a time, if the operating system tells.
///
/// What `getrusage` says of Linux will not do: it counts the program that started this one in,
/// such as `cargo run`.
#[cfg(target_os = "linux")]
pub(super) fn peak_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    peak_in(&status)
}

/// The same from the text of `/proc/self/status`.
#[cfg(target_os = "linux")]
fn peak_in(status: &str) -> Option<u64> {
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = peak.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

/// The most memory that the process has had at a time, if the operating system tells.
#[cfg(any(target_os = "macos", target_os = "freebsd"))]
pub(super) fn peak_bytes() -> Option<u64> {
    use nix::sys::resource::{UsageWho, getrusage};

    let unit = if cfg!(target_os = "macos") { 1 } else { 1024 };
    let usage = getrusage(UsageWho::RUSAGE_SELF).ok()?;
    u64::try_from(usage.max_rss()).ok().map(|peak| peak * unit)
}

/// The most memory that the process has had at a time, if the operating system tells.
#[cfg(not(any(target_os = "linux", target_os = "macos", target_os = "freebsd")))]
pub(super) fn peak_bytes() -> Option<u64> {
    None
}

/// The memory that the process can have without swapping, as far as the machine and the control
/// group allow. `None` if the operating system does not tell.
pub(super) fn available_bytes() -> Option<u64> {
    let mut system = System::new();
    system.refresh_memory_specifics(MemoryRefreshKind::nothing().with_ram());
    if system.total_memory() == 0 {
        return None;
    }
    let machine = system.available_memory();
    // What a control group holds of files can be thrown away: only what programs have counts.
    let group = system.cgroup_limits().map(|group| group.total_memory.saturating_sub(group.rss));
    Some(group.map_or(machine, |group| machine.min(group)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_operating_system_tells() {
        if cfg!(any(target_os = "linux", target_os = "macos")) {
            let (peak, available) = (peak_bytes().unwrap(), available_bytes().unwrap());
            assert!(peak > 500_000 && available > 1_000_000, "{peak} and {available} bytes");
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_peak_is_read_from_the_status() {
        assert_eq!(
            peak_in("Name:\tdhtsim\nVmHWM:\t    7328 kB\nVmRSS:\t 12 kB\n"),
            Some(7_503_872)
        );
        assert_eq!(peak_in("Name:\tdhtsim\n"), None);
    }
}
