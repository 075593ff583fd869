//! Own labels as a table or YAML, by the first byte; what is read is written and read back the same.

#![no_main]

use entity::labels::Origin;
use entity::labels::own::{read_csv, read_yaml, to_csv};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Some((&choice, text)) = bytes.split_first() else { return };
    let origin = Origin { name: "ours".to_string(), ..Origin::default() };
    if choice % 2 == 1 {
        let _ = read_yaml(text, "ours", &origin);
        return;
    }
    let Ok(read) = read_csv(text, "ours", &origin) else { return };
    let again = read_csv(to_csv(&read.labels).as_bytes(), "ours", &origin).expect("our own table");
    assert_eq!(again.labels, read.labels);
});
