//! What the typesetter may see: one template, one file of data, the fonts that come with us.

use std::sync::LazyLock;

use typst::diag::{FileError, FileResult};
use typst::foundations::{Bytes, Datetime, Duration};
use typst::syntax::{FileId, RootedPath, Source, VirtualPath, VirtualRoot};
use typst::text::{Font, FontBook};
use typst::utils::LazyHash;
use typst::{Library, LibraryExt};

use crate::fonts;

pub struct World {
    main: Source,
    data: (FileId, Bytes),
}

impl World {
    /// The template finds the data as `data.json`.
    pub fn new(template: &str, data: Vec<u8>) -> World {
        World {
            main: Source::new(id("main.typ"), template.to_string()),
            data: (id("data.json"), Bytes::new(data)),
        }
    }
}

fn id(name: &str) -> FileId {
    let path = VirtualPath::new(name).expect("a plain name is a path");
    RootedPath::new(VirtualRoot::Project, path).intern()
}

impl typst::World for World {
    fn library(&self) -> &LazyHash<Library> {
        static LIBRARY: LazyLock<LazyHash<Library>> =
            LazyLock::new(|| LazyHash::new(Library::builder().build()));
        &LIBRARY
    }

    fn book(&self) -> &LazyHash<FontBook> {
        &fonts::shipped().book
    }

    fn main(&self) -> FileId {
        self.main.id()
    }

    fn source(&self, id: FileId) -> FileResult<Source> {
        if id == self.main.id() { Ok(self.main.clone()) } else { Err(FileError::AccessDenied) }
    }

    fn file(&self, id: FileId) -> FileResult<Bytes> {
        let (data, bytes) = &self.data;
        if id == *data { Ok(bytes.clone()) } else { Err(FileError::AccessDenied) }
    }

    fn font(&self, index: usize) -> Option<Font> {
        fonts::shipped().all.get(index).cloned()
    }

    /// There is no clock: a document says only times that it was given.
    fn today(&self, _: Option<Duration>) -> Option<Datetime> {
        None
    }
}
