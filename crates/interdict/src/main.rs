//! The binary: everything is in the library, so that tests reach it.

use std::process::ExitCode;

/// Arrays of hundreds of megabytes are touched at random.
#[global_allocator]
static MEMORY: store::memory::HugePages = store::memory::HugePages;

fn main() -> ExitCode {
    interdict::main()
}
