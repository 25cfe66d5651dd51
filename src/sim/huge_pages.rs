//! Asking for huge pages.
//!
//! Events go to nodes at random, so with a million nodes nearly every one of them touches a page
//! that the processor has to look up first. With pages of 2 MiB in place of 4 KiB a hundred of
//! them hold everything, and it knows them all. (A tenth of the run at a million nodes, where
//! the system grants them.)

/// Asks the system to keep a large table in huge pages. Without effect on any result, and
/// without any effect at all where the system has no such pages or wants to be asked otherwise.
#[allow(unsafe_code)]
pub fn ask_for_huge_pages<T>(table: &[T]) {
    #[cfg(target_os = "linux")]
    {
        use std::ptr::NonNull;

        use nix::sys::mman::{MmapAdvise, madvise};

        const PAGE_BYTES: usize = 4096;
        const HUGE_PAGE_BYTES: usize = 2 << 20;
        let bytes = size_of_val(table);
        if bytes < 2 * HUGE_PAGE_BYTES {
            return;
        }
        let start: NonNull<T> = NonNull::from(table).cast();
        let to_next_page = start.cast::<u8>().align_offset(PAGE_BYTES);
        // SAFETY: the advice changes how the memory is kept and not what is in it, and it is
        // given for whole pages within a table that is borrowed here.
        unsafe {
            let first_page = start.cast::<u8>().add(to_next_page);
            // An error means that there are none to be had.
            let _ = madvise(first_page.cast(), bytes - to_next_page, MmapAdvise::MADV_HUGEPAGE);
        }
    }
    #[cfg(not(target_os = "linux"))]
    let _ = table;
}
