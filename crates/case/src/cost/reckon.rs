//! The reckoning: parts of the cost, the level of risk, gaps.

use serde::Serialize;

use super::{Assumption, Assumptions, Business, Check, CostError, in_bounds};

/// What a year costs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Cost {
    pub business: Business,
    pub parts: Vec<Part>,
    pub without_usd: f64,
    pub with_usd: f64,
    /// Positive: Interdict costs less.
    pub saved_usd: f64,
    /// What is said of a small exchange, to compare with.
    pub small_exchange_usd: f64,
    pub risk: Risk,
    /// Every check, those that are not met first, the heaviest first.
    pub gaps: Vec<Gap>,
    pub assumptions: Vec<Assumption>,
    pub remarks: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Part {
    pub id: &'static str,
    pub title: &'static str,
    pub without_usd: f64,
    pub with_usd: f64,
    /// How it was reckoned, in words with numbers.
    pub how: String,
    /// Ids of the figures it rests on.
    pub rests_on: Vec<&'static str>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RiskLevel {
    Low,
    Medium,
    High,
    Severe,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Risk {
    pub level: RiskLevel,
    /// 0 to 100: gaps count 80, what is at stake 20.
    pub score: f64,
    pub why: Vec<String>,
    /// What is reckoned with to be lost in a year at this level, after what is recovered. In no sum.
    pub expected_loss_usd: f64,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Gap {
    #[serde(flatten)]
    pub check: Check,
    pub is_met: bool,
    /// A year's cost of closing it, where a figure says.
    pub cost_usd: Option<f64>,
}

/// What a year costs this business under these assumptions.
pub fn reckon(business: &Business, given: &Assumptions) -> Result<Cost, CostError> {
    check(business, given)?;
    let parts = vec![
        analytics(business, given)?,
        alerts(business, given)?,
        diligence(business, given)?,
        training(business, given)?,
        reporting(business, given)?,
        signing(given)?,
        operation(given)?,
    ];
    let (without_usd, with_usd) = (
        parts.iter().map(|part| part.without_usd).sum::<f64>(),
        parts.iter().map(|part| part.with_usd).sum::<f64>(),
    );
    Ok(Cost {
        business: business.clone(),
        without_usd,
        with_usd,
        saved_usd: without_usd - with_usd,
        small_exchange_usd: given.value("small_exchange_usd")?,
        risk: risk(business, given)?,
        gaps: gaps(business, given)?,
        assumptions: given.figures.clone(),
        parts,
        remarks: remarks(given),
    })
}

fn check(business: &Business, given: &Assumptions) -> Result<(), CostError> {
    in_bounds("volume_month_usd", business.volume_month_usd)?;
    in_bounds("custody_usd", business.custody_usd)?;
    for country in &business.jurisdictions {
        if country.len() != 2 || !country.bytes().all(|letter| letter.is_ascii_alphabetic()) {
            return Err(CostError::NoCountry(country.clone()));
        }
    }
    let is_known = |id: &&String| given.checks.iter().any(|check| check.id == **id);
    match business.in_place.iter().find(|id| !is_known(id)) {
        Some(unknown) => Err(CostError::NoCheck(unknown.clone())),
        None => Ok(()),
    }
}

fn analytics(business: &Business, given: &Assumptions) -> Result<Part, CostError> {
    let (licence, shared) = (given.value("licence_usd")?, given.value("analysts_per_licence")?);
    let needed = (f64::from(business.analysts) / shared.max(1.0)).ceil().max(1.0);
    let licences = business.licences.map_or(needed, f64::from);
    Ok(Part {
        id: "analytics",
        title: "Analytics",
        without_usd: licences * licence,
        with_usd: 0.0,
        how: format!("{licences} licences at {licence} USD; with Interdict none is needed"),
        rests_on: vec!["licence_usd", "analysts_per_licence"],
    })
}

/// Alerts in a year.
fn alerts_year(business: &Business, given: &Assumptions) -> Result<f64, CostError> {
    let transfers = business.transfers_month as f64 * 12.0;
    Ok(transfers / 1000.0 * given.value("alerts_per_1000")?)
}

fn alerts(business: &Business, given: &Assumptions) -> Result<Part, CostError> {
    let alerts = alerts_year(business, given)?;
    let hour = given.value("analyst_usd_hour")?;
    let (minutes, minutes_with) =
        (given.value("alert_minutes")?, given.value("alert_minutes_with")?);
    Ok(Part {
        id: "alerts",
        title: "Looking at alerts",
        without_usd: alerts * minutes / 60.0 * hour,
        with_usd: alerts * minutes_with / 60.0 * hour,
        how: format!(
            "{alerts:.0} alerts at {minutes} minutes, {minutes_with} with Interdict, {hour} USD an hour"
        ),
        rests_on: vec![
            "alerts_per_1000",
            "alert_minutes",
            "alert_minutes_with",
            "analyst_usd_hour",
        ],
    })
}

fn diligence(business: &Business, given: &Assumptions) -> Result<Part, CostError> {
    let (each, saved) = (given.value("diligence_usd")?, given.value("diligence_saved")?.min(1.0));
    let cases = business.diligence_cases;
    let without_usd = f64::from(cases) * each;
    Ok(Part {
        id: "diligence",
        title: "Enhanced due diligence",
        without_usd,
        with_usd: without_usd * (1.0 - saved),
        how: format!(
            "{cases} customers at {each} USD; {:.0} % of it is tracing that Interdict does",
            saved * 100.0
        ),
        rests_on: vec!["diligence_usd", "diligence_saved"],
    })
}

fn training(business: &Business, given: &Assumptions) -> Result<Part, CostError> {
    let (hours, hour) = (given.value("training_hours")?, given.value("employee_usd_hour")?);
    let (trainer, trainer_with) = (given.value("trainer_usd")?, given.value("trainer_usd_with")?);
    let people = f64::from(business.staff) * hours * hour * 4.0;
    Ok(Part {
        id: "training",
        title: "Training",
        without_usd: people + trainer * 4.0,
        with_usd: people + trainer_with * 4.0,
        how: format!(
            "{} people for {hours} hours a quarter at {hour} USD, and a trainer at {trainer} USD, {trainer_with} with Interdict",
            business.staff
        ),
        rests_on: vec!["training_hours", "employee_usd_hour", "trainer_usd", "trainer_usd_with"],
    })
}

fn reporting(business: &Business, given: &Assumptions) -> Result<Part, CostError> {
    let reports =
        alerts_year(business, given)? / 1000.0 * given.value("reports_per_1000_alerts")?;
    let (hours, hours_with) = (given.value("report_hours")?, given.value("report_hours_with")?);
    let hour = given.value("analyst_usd_hour")?;
    let each = given.value("jurisdiction_usd")?;
    let places = business.jurisdictions.len();
    let fixed = each * places as f64;
    Ok(Part {
        id: "reporting",
        title: "Reporting and regulators",
        without_usd: fixed + reports * hours * hour,
        with_usd: fixed + reports * hours_with * hour,
        how: format!(
            "{places} jurisdictions at {each} USD, and {reports:.0} reports at {hours} hours, {hours_with} with Interdict"
        ),
        rests_on: vec![
            "jurisdiction_usd",
            "reports_per_1000_alerts",
            "report_hours",
            "report_hours_with",
            "analyst_usd_hour",
        ],
    })
}

fn signing(given: &Assumptions) -> Result<Part, CostError> {
    let (signers, each) = (given.value("signers")?, given.value("signer_usd")?);
    let review = given.value("signing_review_usd")?;
    let usd = signers * each + review;
    Ok(Part {
        id: "signing",
        title: "Multi-signature security",
        without_usd: usd,
        with_usd: usd,
        how: format!(
            "{signers} signers at {each} USD, and a review at {review} USD; Interdict does not replace it"
        ),
        rests_on: vec!["signers", "signer_usd", "signing_review_usd"],
    })
}

fn operation(given: &Assumptions) -> Result<Part, CostError> {
    let (machine, share) = (given.value("machine_usd")?, given.value("operator_share")?);
    let (hours, hour) = (given.value("hours_year")?, given.value("analyst_usd_hour")?);
    Ok(Part {
        id: "operation",
        title: "Running Interdict",
        without_usd: 0.0,
        with_usd: machine + share * hours * hour,
        how: format!(
            "a machine at {machine} USD, and {:.0} % of a person: {:.0} hours at {hour} USD",
            share * 100.0,
            share * hours
        ),
        rests_on: vec!["machine_usd", "operator_share", "hours_year", "analyst_usd_hour"],
    })
}

fn risk(business: &Business, given: &Assumptions) -> Result<Risk, CostError> {
    let is_met = |check: &&Check| business.in_place.contains(&check.id);
    let all: f64 = given.checks.iter().map(|check| f64::from(check.weight)).sum();
    let open: f64 = given
        .checks
        .iter()
        .filter(|check| !is_met(check))
        .map(|check| f64::from(check.weight))
        .sum();
    let gaps = if all > 0.0 { open / all * 80.0 } else { 0.0 };
    // A million in custody counts nothing, ten milliards all.
    let stake = (business.custody_usd.max(1.0).log10() - 6.0).clamp(0.0, 4.0) * 5.0;
    let score = gaps + stake;
    let level = match score {
        score if score < 20.0 => RiskLevel::Low,
        score if score < 45.0 => RiskLevel::Medium,
        score if score < 70.0 => RiskLevel::High,
        _ => RiskLevel::Severe,
    };
    let mut why: Vec<String> = given
        .checks
        .iter()
        .filter(|check| !is_met(check))
        .map(|check| format!("not in place: {}", check.title))
        .collect();
    why.push(format!("{stake:.0} of 20 for {:.0} USD in custody", business.custody_usd));
    let (low, severe) = (given.value("theft_low")?, given.value("theft_severe")?);
    let chance = low + (severe - low) * score / 100.0;
    let lost = business.custody_usd * chance * (1.0 - given.value("recovered_share")?.min(1.0));
    Ok(Risk { level, score, why, expected_loss_usd: lost.max(0.0) })
}

fn gaps(business: &Business, given: &Assumptions) -> Result<Vec<Gap>, CostError> {
    let mut gaps = Vec::new();
    for check in &given.checks {
        let cost_usd = check.cost.as_deref().map(|id| given.value(id)).transpose()?;
        let is_met = business.in_place.contains(&check.id);
        gaps.push(Gap { check: check.clone(), is_met, cost_usd });
    }
    gaps.sort_by_key(|gap| (gap.is_met, std::cmp::Reverse(gap.check.weight)));
    Ok(gaps)
}

fn remarks(given: &Assumptions) -> Vec<String> {
    let rests_on_none =
        |one: &&super::Assumption| matches!(one.kind, super::Kind::Assumed | super::Kind::Stated);
    let assumed = given.figures.iter().filter(rests_on_none).count();
    vec![
        format!(
            "{assumed} of {} figures rest on no publication: replace them by your own before you decide by this",
            given.figures.len()
        ),
        "the loss that is reckoned with is in no sum: it says what is at stake".to_string(),
    ]
}
