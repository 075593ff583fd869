//! Whose things somebody looks at. What a listing leaves out it leaves out in its question, so that a
//! page is full.

use crate::db::Value;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Seen {
    /// Of every team.
    #[default]
    All,
    /// What has no team, and what these have.
    Of(Vec<String>),
}

impl Seen {
    pub fn has(&self, team: Option<&str>) -> bool {
        match (self, team) {
            (Seen::All, _) | (_, None) => true,
            (Seen::Of(mine), Some(team)) => mine.iter().any(|name| name == team),
        }
    }

    /// The condition on a column that holds a team or nothing; none where everything is seen.
    pub(crate) fn narrow(&self, column: &str, values: &mut Vec<Value>) -> Option<String> {
        let Seen::Of(teams) = self else { return None };
        let mut names = vec!["''".to_string()];
        for team in teams {
            values.push(team.as_str().into());
            names.push(format!("${}", values.len()));
        }
        // Not written as the indexes of teams are: with one name a planner would walk a whole team for what
        // a better index finds at once.
        Some(format!("COALESCE({column}, '', '') IN ({})", names.join(", ")))
    }
}
