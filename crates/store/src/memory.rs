//! Large memory in huge pages.
//!
//! Numbering accounts, taking files in and sweeping a chain touch arrays of hundreds of megabytes at
//! random. With pages of 4 KiB most of the wait is for the processor to find the page, not the memory:
//! its table of pages holds a few thousand. Linux gives pages of 2 MiB to whoever asks for them, also
//! where it does not by itself (`/sys/kernel/mm/transparent_hugepage/enabled` says `madvise`, as
//! Debian's kernels do). A program asks by [`HugePages`] as its allocator; what is smaller than 4 MiB,
//! and everything on other systems, comes from where it always came.

use std::alloc::{GlobalAlloc, Layout, System};

/// The system's allocator, but that large memory is mapped, and in huge pages where there are any.
///
/// ```
/// #[global_allocator]
/// static MEMORY: store::memory::HugePages = store::memory::HugePages;
/// # assert_eq!(vec![1u8; 40 << 20].iter().map(|byte| u64::from(*byte)).sum::<u64>(), 40 << 20);
/// ```
pub struct HugePages;

/// From here on memory is mapped: large enough that the calls do not matter, and that half a page too
/// much does not either.
const LARGE: usize = 4 << 20;

/// The allocator's own answer to what it does not map itself.
#[allow(unsafe_code, reason = "an allocator cannot be said safely; each call says why it is sound")]
// SAFETY: small layouts go to the system's allocator in every call, large ones to a mapping of their
// own; which of them is decided by the size alone, so that each is given back to where it came from.
unsafe impl GlobalAlloc for HugePages {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        match pages::is_mapped(layout) {
            true => pages::map(layout.size()),
            // SAFETY: the caller's promises are those the system's allocator asks for.
            false => unsafe { System.alloc(layout) },
        }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        match pages::is_mapped(layout) {
            // Fresh pages are zero.
            true => pages::map(layout.size()),
            // SAFETY: as above.
            false => unsafe { System.alloc_zeroed(layout) },
        }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        match pages::is_mapped(layout) {
            // SAFETY: memory of this layout was mapped by `alloc`, with this size.
            true => unsafe { pages::unmap(at, layout.size()) },
            // SAFETY: it was not, and came from the system's allocator.
            false => unsafe { System.dealloc(at, layout) },
        }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        let Ok(wanted) = Layout::from_size_align(size, layout.align()) else {
            return std::ptr::null_mut();
        };
        match (pages::is_mapped(layout), pages::is_mapped(wanted)) {
            // SAFETY: both are mappings of these sizes, as above.
            (true, true) => unsafe { pages::remap(at, layout.size(), size) },
            // SAFETY: both are the system's.
            (false, false) => unsafe { System.realloc(at, layout, size) },
            // SAFETY: `wanted` is not empty, as the caller promises of `size`; old and new memory are
            // apart, and the lesser of both sizes lies within both.
            _ => unsafe {
                let to = self.alloc(wanted);
                if !to.is_null() {
                    std::ptr::copy_nonoverlapping(at, to, layout.size().min(size));
                    self.dealloc(at, layout);
                }
                to
            },
        }
    }
}

#[cfg(target_os = "linux")]
#[allow(unsafe_code, reason = "memory is mapped by calls that cannot be said safely")]
mod pages {
    use std::alloc::Layout;
    use std::ptr::null_mut;

    use rustix::mm::{Advice, MapFlags, MremapFlags, ProtFlags};

    use super::LARGE;

    /// The size of a huge page. Lengths are whole ones, which is what lets the kernel start them at one.
    const HUGE: usize = 2 << 20;

    /// Mappings start at a page, so whatever wants no more than that may have one.
    pub fn is_mapped(layout: Layout) -> bool {
        layout.size() >= LARGE && layout.align() <= 4096
    }

    fn whole(size: usize) -> usize {
        // A layout is at most `isize::MAX`: this cannot overflow.
        size.div_ceil(HUGE) * HUGE
    }

    /// Null where there is no more.
    pub fn map(size: usize) -> *mut u8 {
        let (protect, flags) = (ProtFlags::READ | ProtFlags::WRITE, MapFlags::PRIVATE);
        // SAFETY: a new anonymous mapping at an address of the kernel's choice overlaps nothing.
        let mapped = unsafe { rustix::mm::mmap_anonymous(null_mut(), whole(size), protect, flags) };
        let Ok(at) = mapped else { return null_mut() };
        // SAFETY: the range is the mapping just made. Should the kernel know no huge pages, nothing is lost.
        let _ = unsafe { rustix::mm::madvise(at, whole(size), Advice::LinuxHugepage) };
        at.cast()
    }

    /// # Safety
    /// `at` and `size` are those of a [`map`] that nobody uses any more.
    pub unsafe fn unmap(at: *mut u8, size: usize) {
        // SAFETY: the caller's promise. It fails only for a range that was never mapped.
        let _ = unsafe { rustix::mm::munmap(at.cast(), whole(size)) };
    }

    /// Null where there is no more: then the old one stands.
    ///
    /// # Safety
    /// `at` and `size` are those of a [`map`], which is used only by the returned pointer from now on.
    pub unsafe fn remap(at: *mut u8, size: usize, wanted: usize) -> *mut u8 {
        if whole(size) == whole(wanted) {
            return at;
        }
        // SAFETY: the caller's promise; it may move, and takes its advice along.
        let moved = unsafe {
            rustix::mm::mremap(at.cast(), whole(size), whole(wanted), MremapFlags::MAYMOVE)
        };
        moved.map_or(null_mut(), <*mut _>::cast)
    }
}

/// Elsewhere nothing is mapped.
#[cfg(not(target_os = "linux"))]
#[allow(unsafe_code, reason = "it stands for calls that are unsafe")]
mod pages {
    use std::alloc::Layout;

    pub fn is_mapped(_: Layout) -> bool {
        false
    }

    pub fn map(_: usize) -> *mut u8 {
        std::ptr::null_mut()
    }

    /// # Safety
    /// It is never called.
    pub unsafe fn unmap(_: *mut u8, _: usize) {}

    /// # Safety
    /// It is never called.
    pub unsafe fn remap(_: *mut u8, _: usize, _: usize) -> *mut u8 {
        std::ptr::null_mut()
    }
}

#[cfg(test)]
#[allow(unsafe_code, reason = "an allocator is asked as only unsafe code can")]
mod tests {
    use super::*;

    /// Through every border: small to large, larger, smaller, small again. What was written stays.
    #[test]
    fn memory_keeps_what_was_written_however_it_grows_and_shrinks() {
        let sizes =
            [64, LARGE - 1, LARGE, LARGE + 1, 3 * LARGE + 5, LARGE + (1 << 20), LARGE - 8, 8];
        let layout = |size: usize| Layout::from_size_align(size, 8).expect("a small alignment");
        let mark = |at: usize| u8::try_from(at % 251).expect("less than 251");
        let mut size = sizes[0];
        // SAFETY: each layout is the one the memory was last given, and all reads lie within it.
        unsafe {
            let mut at = HugePages.alloc(layout(size));
            (0..size).for_each(|n| at.add(n).write(mark(n)));
            for wanted in sizes {
                at = HugePages.realloc(at, layout(size), wanted);
                let kept = size.min(wanted);
                assert!((0..kept).step_by(97).all(|n| at.add(n).read() == mark(n)), "{wanted}");
                (0..wanted).for_each(|n| at.add(n).write(mark(n)));
                size = wanted;
            }
            HugePages.dealloc(at, layout(size));
        }
    }

    #[test]
    fn what_is_to_be_zero_is_zero_at_any_size() {
        for size in [100, LARGE - 1, LARGE, 2 * LARGE + 3] {
            let layout = Layout::from_size_align(size, 64).expect("a small alignment");
            // SAFETY: the memory is read within its layout and given back with it.
            unsafe {
                let at = HugePages.alloc_zeroed(layout);
                assert!(!at.is_null() && at.addr().is_multiple_of(64));
                assert!((0..size).all(|n| at.add(n).read() == 0));
                HugePages.dealloc(at, layout);
            }
        }
    }
}
