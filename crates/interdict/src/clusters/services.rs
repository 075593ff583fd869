//! Which addresses of a chain pay for many, by the labels that are kept.

use entity::clusterer::{ServiceKind, Services};
use model::{Account, Book, Chain, Label, Role, Subject};

/// A label below this grade decides nothing, as in a trace.
const LEVEL_MIN: u8 = 20;

pub fn of(book: &Book, chain: Chain) -> Services {
    let mut services = Services::default();
    for label in book.all_labels().iter().filter(|label| label.confidence.level >= LEVEL_MIN) {
        let Some(kind) = kind(label) else { continue };
        match &label.subject {
            Subject::Account(account) if account.chain == chain => {
                services.add(&account.address, kind);
            }
            Subject::Identifier(identifier) if identifier.can_be(chain) => {
                if let Ok(account) = Account::parse(&identifier.text, chain) {
                    services.add(&account.address, kind);
                }
            }
            _ => {}
        }
    }
    services
}

fn kind(label: &Label) -> Option<ServiceKind> {
    let is_exchange = label.concepts.iter().any(|concept| concept == "exchange");
    match label.role() {
        Role::Other => None,
        _ if is_exchange => Some(ServiceKind::Exchange),
        _ => Some(ServiceKind::Other),
    }
}
