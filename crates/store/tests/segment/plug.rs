//! Whatever the disk does, a file with a segment's name is that segment.

use std::path::Path;

use store::StoreError;
use store::disk::{Disk, Fault, FaultyDisk, RealDisk, Torn, write_segment};
use store::segment::Segment;

use crate::{read, small, written};

const NAME: &str = "eip155-1-7.seg";

fn write(disk: &dyn Disk) -> Result<u64, StoreError> {
    let folder = Path::new("segments");
    let (_, bytes) =
        write_segment(disk, folder, NAME, |sink| Segment::write(small().draft(), sink))?;
    let synced = disk.sync_folder(folder);
    synced.map(|()| bytes).map_err(|source| StoreError::Folder { doing: "sync".into(), source })
}

#[test]
fn whenever_the_plug_is_pulled_what_has_a_segments_name_is_whole() {
    let whole = written(&small());
    // Small writes, so that there are many moments to die in.
    let fault = |dies_at| Fault { dies_at, write_most: Some(700), room: None };
    let calm = FaultyDisk::new(fault(None));
    assert_eq!(write(&calm).expect("writes"), whole.len() as u64);
    let path = Path::new("segments").join(NAME);
    assert_eq!(calm.after_crash(Torn::Lost, 0)[&path], whole);
    for dies_at in 0..calm.calls() {
        let disk = FaultyDisk::new(fault(Some(dies_at)));
        assert!(write(&disk).is_err(), "call {dies_at}");
        let torn = (0..12).map(Torn::Cut).chain([Torn::Lost, Torn::Holes, Torn::Kept]);
        for torn in torn {
            for names in 0..=disk.unsynced_names() {
                let left = disk.after_crash(torn, names);
                if let Some(bytes) = left.get(&path) {
                    assert_eq!(*bytes, whole, "call {dies_at}, {torn:?}, {names} names");
                }
            }
        }
    }
}

#[test]
fn a_full_disk_is_an_error_and_leaves_nothing() {
    let whole = written(&small()).len() as u64;
    for room in [0, 1, 511, whole / 2, whole - 1] {
        let disk = FaultyDisk::new(Fault { room: Some(room), ..Fault::default() });
        assert!(write(&disk).is_err());
        assert!(disk.files().is_empty(), "{room} bytes of room");
    }
    let disk = FaultyDisk::new(Fault { room: Some(whole), ..Fault::default() });
    write(&disk).expect("it fits");
}

#[test]
fn a_segment_on_a_real_disk_is_mapped_and_answers() {
    let folder = tempfile::tempdir().expect("a folder");
    let (head, bytes) =
        write_segment(&RealDisk, folder.path(), NAME, |sink| Segment::write(small().draft(), sink))
            .expect("writes");
    RealDisk.sync_folder(folder.path()).expect("syncs");
    let segment = Segment::open(&folder.path().join(NAME)).expect("opens");
    assert_eq!(*segment.head(), head);
    assert_eq!(segment.bytes_len(), bytes);
    crate::answers::check(&small(), &segment);
    crate::answers::check(&small(), &read(written(&small())));
    let error = Segment::open(&folder.path().join("none.seg")).err().expect("there is none");
    assert!(error.to_string().contains("none.seg"), "{error}");
}
