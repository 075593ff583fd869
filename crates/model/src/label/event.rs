//! What this cell decided about labels of others and of its own: only ever added to.

use crate::{Confidence, Label, Standing, Timestamp};

/// Somebody objected to a label, took the objection back, or put it right.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct LabelEvent {
    /// The claim: [`Label::id`].
    pub label: String,
    /// Of whom and what it was said, so that an event reads alone when its pack is gone.
    pub subject: String,
    pub name: String,
    pub at: Timestamp,
    /// Who decided.
    pub by: String,
    pub why: String,
    pub change: LabelChange,
}

#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LabelChange {
    Dispute {
        /// Does it go on ending walks meanwhile?
        stops_walks: bool,
    },
    /// The dispute is over, and the label stands.
    Lift,
    Correct(Correction),
}

/// What takes the place of what the source said; nothing stays as it was.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Correction {
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub concepts: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub actor: Option<String>,
    /// A grade of [`Confidence::SCALE`].
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub confidence: Option<String>,
}

impl LabelChange {
    /// Makes a label what it is from then on.
    pub fn apply(&self, label: &mut Label) {
        match self {
            LabelChange::Dispute { stops_walks } => {
                label.tag.standing = Standing::Disputed { stops_walks: *stops_walks };
            }
            LabelChange::Lift => label.tag.standing = Standing::Undisputed,
            LabelChange::Correct(correction) => correction.apply(label),
        }
    }
}

impl Correction {
    pub fn is_empty(&self) -> bool {
        *self == Correction::default()
    }

    fn apply(&self, label: &mut Label) {
        if let Some(name) = &self.name {
            label.name.clone_from(name);
        }
        if let Some(concepts) = &self.concepts {
            label.concepts.clone_from(concepts);
        }
        if let Some(actor) = &self.actor {
            label.actor = Some(actor.clone()).filter(|actor| !actor.is_empty());
        }
        if let Some(confidence) = self.confidence.as_deref().and_then(Confidence::named) {
            label.confidence = confidence;
        }
    }
}
