//! A disk that takes so many calls and then fails: for segments through [`Disk`], for the catalog through SQLite's
//! own layer for files.

use std::cell::RefCell;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use store::disk::{Disk, DiskFile, RealDisk};

/// Calls that change something, whoever makes them.
#[derive(Debug)]
pub struct Calls {
    made: AtomicU64,
    /// The first that fails.
    fails_at: u64,
    /// Do all later ones fail too?
    is_dead: bool,
}

impl Calls {
    /// From a call on, counted from 0, nothing works any more: the disk is full, or gone.
    pub fn dying(at: u64) -> Arc<Calls> {
        Arc::new(Calls { made: AtomicU64::new(0), fails_at: at, is_dead: true })
    }

    /// One call fails, those after it do not.
    pub fn failing_once(at: u64) -> Arc<Calls> {
        Arc::new(Calls { made: AtomicU64::new(0), fails_at: at, is_dead: false })
    }

    /// None fails; and none is synced, which is what takes time.
    pub fn endless() -> Arc<Calls> {
        Calls::dying(u64::MAX)
    }

    /// How many were made.
    pub fn made(&self) -> u64 {
        self.made.load(Ordering::SeqCst)
    }

    /// Was there one that failed?
    pub fn has_failed(&self) -> bool {
        self.made() > self.fails_at
    }

    fn works(&self) -> bool {
        let call = self.made.fetch_add(1, Ordering::SeqCst);
        call < self.fails_at || (call > self.fails_at && !self.is_dead)
    }

    fn call(&self) -> io::Result<()> {
        if self.works() { Ok(()) } else { Err(io::ErrorKind::StorageFull.into()) }
    }
}

/// Has `attempt` fail at its calls, and at none: from each on, and at each alone. Some thirty of them, evenly
/// spread, or every one where `EVERY_CALL` is set.
pub fn at_calls(mut attempt: impl FnMut(&Arc<Calls>)) {
    install();
    let endless = Calls::endless();
    let _quick = sqlite(&endless);
    attempt(&endless);
    let made = Calls::endless();
    attempt(&made);
    let count = made.made();
    assert!(count > 9, "it writes");
    let step = if std::env::var_os("EVERY_CALL").is_some() { 1 } else { (count / 30).max(1) };
    // Merges in the background do not make the same calls each time: so a few more.
    for (first, fails) in
        [(0, Calls::dying as fn(u64) -> Arc<Calls>), (step / 2, Calls::failing_once)]
    {
        let mut at = first;
        while at <= count + step {
            attempt(&fails(at));
            at += step;
        }
    }
}

/// The disk there is, as long as calls are left. Nothing is synced: no power fails here.
pub struct Full {
    pub calls: Arc<Calls>,
    /// A write takes at most so many bytes.
    pub write_most: usize,
}

impl Full {
    pub fn new(calls: &Arc<Calls>) -> Full {
        Full { calls: calls.clone(), write_most: usize::MAX }
    }
}

struct FullFile<'a> {
    disk: &'a Full,
    file: Box<dyn DiskFile + 'a>,
}

impl io::Write for FullFile<'_> {
    /// Torn: half of what does not fit is written all the same.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Err(error) = self.disk.calls.call() {
            let _ = self.file.write(&bytes[..bytes.len() / 2]);
            return Err(error);
        }
        self.file.write(&bytes[..bytes.len().min(self.disk.write_most)])
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl DiskFile for FullFile<'_> {
    fn sync(&mut self) -> io::Result<()> {
        self.disk.calls.call()
    }
}

impl Disk for Full {
    fn create<'a>(&'a self, path: &Path) -> io::Result<Box<dyn DiskFile + 'a>> {
        self.calls.call()?;
        Ok(Box::new(FullFile { disk: self, file: RealDisk.create(path)? }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.calls.call().and_then(|()| RealDisk.rename(from, to))
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.calls.call().and_then(|()| RealDisk.remove(path))
    }

    fn sync_folder(&self, _: &Path) -> io::Result<()> {
        self.calls.call()
    }

    fn sync_file(&self, _: &Path) -> io::Result<()> {
        self.calls.call()
    }

    /// Torn: half of the file is there, however far it came.
    fn copy(&self, from: &Path, to: &Path) -> io::Result<()> {
        if let Err(error) = self.calls.call() {
            let bytes = std::fs::read(from)?;
            std::fs::write(to, &bytes[..bytes.len() / 2])?;
            return Err(error);
        }
        std::fs::copy(from, to)?;
        self.calls.call()
    }

    fn make_folder(&self, path: &Path) -> io::Result<()> {
        self.calls.call().and_then(|()| RealDisk.make_folder(path))
    }

    fn remove_empty(&self, path: &Path) -> io::Result<()> {
        self.calls.call().and_then(|()| RealDisk.remove_empty(path))
    }

    /// Some of it is gone when it fails.
    fn remove_all(&self, path: &Path) -> io::Result<()> {
        if let Err(error) = self.calls.call() {
            let first = std::fs::read_dir(path)?.next();
            let file = first.and_then(Result::ok).filter(|entry| entry.path().is_file());
            file.map_or(Ok(()), |entry| std::fs::remove_file(entry.path()))?;
            return Err(error);
        }
        RealDisk.remove_all(path)
    }
}

thread_local! {
    static CALLS: RefCell<Option<Arc<Calls>>> = const { RefCell::new(None) };
}

/// What SQLite did before it does again when this is dropped.
pub struct Failing(Option<Arc<Calls>>);

impl Drop for Failing {
    fn drop(&mut self) {
        CALLS.with(|calls| *calls.borrow_mut() = self.0.take());
    }
}

/// What SQLite does in this thread counts among these calls, in files opened since [`install`].
pub fn sqlite(calls: &Arc<Calls>) -> Failing {
    Failing(CALLS.with(|known| known.borrow_mut().replace(calls.clone())))
}

/// None: SQLite does what it always does.
fn works() -> Option<bool> {
    CALLS.with(|calls| calls.borrow().as_ref().map(|calls| calls.works()))
}

pub use vfs::install;

/// SQLite's layer for files, with calls that fail. What it does is otherwise the layer below.
#[allow(unsafe_code, reason = "SQLite takes its layer for files as a table of C functions")]
#[allow(non_snake_case, reason = "the names are SQLite's")]
mod vfs {
    use std::ffi::{c_char, c_int, c_void};
    use std::ptr;
    use std::sync::OnceLock;

    use rusqlite::ffi;

    use super::works;

    /// What a file is told to do: the methods SQLite sees first, so that a pointer to them is one to this.
    #[repr(C)]
    struct Methods {
        seen: ffi::sqlite3_io_methods,
        below: *const ffi::sqlite3_io_methods,
    }

    struct Below(*mut ffi::sqlite3_vfs);

    // SAFETY: SQLite's own layer is never taken away, and may be called by any thread.
    unsafe impl Send for Below {}
    // SAFETY: as above.
    unsafe impl Sync for Below {}

    static BELOW: OnceLock<Below> = OnceLock::new();

    /// Every database this process opens from now on goes through here.
    pub fn install() {
        BELOW.get_or_init(|| {
            // SAFETY: the default layer is there once SQLite is initialised, which finding it does. The copy
            // is leaked, so that it stays as long as SQLite may use it.
            unsafe {
                let below = ffi::sqlite3_vfs_find(ptr::null());
                assert!(!below.is_null(), "SQLite has a default layer");
                let mut ours = *below;
                ours.pNext = ptr::null_mut();
                ours.zName = c"failing".as_ptr();
                ours.xOpen = Some(open);
                ours.xDelete = Some(delete);
                let registered = ffi::sqlite3_vfs_register(Box::leak(Box::new(ours)), 1);
                assert_eq!(registered, ffi::SQLITE_OK);
                Below(below)
            }
        });
    }

    fn below() -> *mut ffi::sqlite3_vfs {
        BELOW.get().map_or(ptr::null_mut(), |below| below.0)
    }

    unsafe extern "C" fn open(
        _: *mut ffi::sqlite3_vfs,
        name: ffi::sqlite3_filename,
        file: *mut ffi::sqlite3_file,
        flags: c_int,
        out: *mut c_int,
    ) -> c_int {
        // SAFETY: the arguments are SQLite's, handed on as they came; `szOsFile` is that of the layer below,
        // so that the file has room for it. Its methods are a table that is never freed.
        unsafe {
            let Some(open) = (*below()).xOpen else { return ffi::SQLITE_CANTOPEN };
            let opened = open(below(), name, file, flags, out);
            let methods = (*file).pMethods;
            if opened == ffi::SQLITE_OK && !methods.is_null() {
                let mut seen = *methods;
                seen.xWrite = Some(write);
                seen.xTruncate = Some(truncate);
                seen.xSync = Some(sync);
                let ours = Box::leak(Box::new(Methods { seen, below: methods }));
                (*file).pMethods = &raw const ours.seen;
            }
            opened
        }
    }

    unsafe extern "C" fn delete(
        _: *mut ffi::sqlite3_vfs,
        name: *const c_char,
        sync: c_int,
    ) -> c_int {
        let sync = match works() {
            Some(true) => 0,
            Some(false) => return ffi::SQLITE_IOERR_DELETE,
            None => sync,
        };
        // SAFETY: as SQLite calls it.
        unsafe { (*below()).xDelete.map_or(ffi::SQLITE_IOERR_DELETE, |d| d(below(), name, sync)) }
    }

    /// The methods of the layer below.
    ///
    /// # Safety
    /// The file was opened by [`open`].
    unsafe fn of(file: *mut ffi::sqlite3_file) -> ffi::sqlite3_io_methods {
        // SAFETY: `open` put a table there that begins a `Methods`, and kept the one below.
        unsafe { *(*(*file).pMethods.cast::<Methods>()).below }
    }

    /// Torn: half of what does not fit is written all the same.
    unsafe extern "C" fn write(
        file: *mut ffi::sqlite3_file,
        bytes: *const c_void,
        count: c_int,
        at: ffi::sqlite3_int64,
    ) -> c_int {
        // SAFETY: as SQLite calls it; half of the bytes are there when all are.
        unsafe {
            let Some(write) = of(file).xWrite else { return ffi::SQLITE_IOERR_WRITE };
            if works() == Some(false) {
                write(file, bytes, count / 2, at);
                return ffi::SQLITE_FULL;
            }
            write(file, bytes, count, at)
        }
    }

    unsafe extern "C" fn truncate(file: *mut ffi::sqlite3_file, size: ffi::sqlite3_int64) -> c_int {
        if works() == Some(false) {
            return ffi::SQLITE_IOERR_TRUNCATE;
        }
        // SAFETY: as SQLite calls it.
        unsafe { of(file).xTruncate.map_or(ffi::SQLITE_IOERR_TRUNCATE, |cut| cut(file, size)) }
    }

    unsafe extern "C" fn sync(file: *mut ffi::sqlite3_file, flags: c_int) -> c_int {
        match works() {
            Some(true) => return ffi::SQLITE_OK,
            Some(false) => return ffi::SQLITE_IOERR_FSYNC,
            None => {}
        }
        // SAFETY: as SQLite calls it.
        unsafe { of(file).xSync.map_or(ffi::SQLITE_IOERR_FSYNC, |sync| sync(file, flags)) }
    }
}
