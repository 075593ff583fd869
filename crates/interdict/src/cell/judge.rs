//! What a screening means for money that is about to leave: let it go, have somebody look, or stop it.
//!
//! Each rule that speaks is a reason with its name; the gravest decides. Nothing found is said as that.

use model::Severity;
use screen::Answer;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::exposure::Screened;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// No rule spoke. Not found is not clean.
    Allow,
    /// Somebody should look before it is signed.
    Review,
    /// It must not be signed.
    Block,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = VerdictReason)]
pub struct Reason {
    /// `listed`, `formerly-listed`, `labelled`, `no-lists`, `not-covered`, or `risk:` and a rule's name.
    pub rule: String,
    pub verdict: Verdict,
    pub why: String,
}

/// Labels of these concepts are a reason to look, whatever the money's way.
const GRAVE: [&str; 8] = [
    "ransomware",
    "hacking",
    "service_hack",
    "terrorism_financing",
    "child_sexual_abuse",
    "mixing_service",
    "scam",
    "sanction",
];

/// Every reason, the gravest first, and what they come to.
pub fn judge(answer: &Answer, kept: Option<&Screened>) -> (Verdict, Vec<Reason>) {
    let mut reasons = Vec::new();
    let mut say = |rule: &str, verdict, why: String| {
        reasons.push(Reason { rule: rule.to_string(), verdict, why });
    };
    for hit in &answer.hits {
        let party = hit.party.as_deref().unwrap_or("a party it does not name");
        let why =
            format!("on {} of {} as {party}, written {}", hit.list, hit.list_date, hit.written);
        say("listed", Verdict::Block, why);
    }
    for former in &answer.former {
        let why = format!("was on {}, last in its version of {}", former.list, former.last_seen);
        say("formerly-listed", Verdict::Review, why);
    }
    for label in &answer.labels {
        let grave = label.concepts.iter().find(|concept| GRAVE.contains(&concept.as_str()));
        if let Some(concept) = grave {
            let why = format!("{} calls it {} ({concept})", label.source, label.name);
            say("labelled", Verdict::Review, why);
        }
    }
    if answer.searched.is_empty() {
        say("no-lists", Verdict::Review, "no list is kept, so nothing was looked through".into());
    } else if !answer.covered {
        say("not-covered", Verdict::Review, "not every list reaches back to that day".into());
    }
    for reason in kept.and_then(|kept| kept.risk.as_ref()).into_iter().flat_map(|r| &r.reasons) {
        if reason.severity >= Severity::Medium {
            say(&format!("risk:{}", reason.rule), Verdict::Review, reason.why.clone());
        }
    }
    reasons.sort_by_key(|reason| std::cmp::Reverse(reason.verdict));
    let verdict = reasons.first().map_or(Verdict::Allow, |gravest| gravest.verdict);
    (verdict, reasons)
}
