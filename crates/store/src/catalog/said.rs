//! Did what people say change? A text that is the same as long as nothing did.

use crate::StoreError;
use crate::catalog::Catalog;
use crate::code::read;

impl Catalog {
    /// Names every list, pack of labels, decision and price that is kept. Cheap: their rows are not read.
    pub fn said(&self) -> Result<String, StoreError> {
        let parts = self.read_all(
            "SELECT 'list ' || id || ' ' || file_hash FROM list_version
             UNION ALL SELECT 'pack ' || id || ' ' || file_hash FROM collection
             UNION ALL SELECT 'decisions ' || coalesce(max(id), 0) FROM decision
             UNION ALL SELECT 'events ' || coalesce(max(rowid), 0) FROM label_event
             UNION ALL SELECT 'prices ' || count(*) FROM price",
            |row| read::<String>(row, 0),
        )?;
        Ok(parts.join("\n"))
    }
}
