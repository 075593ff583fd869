//! Disputes and corrections over labels: what was decided, applied in the order it was decided.
//!
//! The label of a source is never changed where it is kept. What people decided about it is a list
//! of events that only grows, and a label as it is used is the source's word with those applied.

use std::collections::BTreeMap;

use model::{Label, LabelEvent};

/// Applies all events to the labels they are about. Events come in the order they were kept.
///
/// An event names the claim as its source makes it, so that a corrected name is still found.
pub fn apply(labels: &mut [Label], events: &[LabelEvent]) {
    if events.is_empty() {
        return;
    }
    let mut by_label: BTreeMap<&str, Vec<&LabelEvent>> = BTreeMap::new();
    for event in events {
        by_label.entry(&event.label).or_default().push(event);
    }
    // Hashing every label would take longer than reading them: the subject rules most out.
    let subjects: std::collections::BTreeSet<&str> =
        events.iter().map(|event| event.subject.as_str()).collect();
    for label in labels {
        if !subjects.contains(label.subject.to_string().as_str()) {
            continue;
        }
        let Some(events) = by_label.get(label.id().as_str()) else { continue };
        events.iter().for_each(|event| event.change.apply(label));
    }
}
