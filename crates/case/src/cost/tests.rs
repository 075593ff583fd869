use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

fn all_checks() -> BTreeSet<String> {
    Assumptions::shipped().checks.into_iter().map(|check| check.id).collect()
}

fn cost(business: &Business) -> Cost {
    reckon(business, &Assumptions::shipped()).unwrap()
}

#[test]
fn what_is_shipped_reads_names_its_sources_and_every_figure_is_used() {
    let shipped = Assumptions::read(Assumptions::text()).unwrap();
    assert!(shipped.figures.iter().all(|one| !one.source.is_empty() && !one.unit.is_empty()));
    for figure in &shipped.figures {
        let mut without = shipped.clone();
        without.figures.retain(|one| one.id != figure.id);
        let said = reckon(&Business::default(), &without);
        assert_eq!(said, Err(CostError::Missing(figure.id.clone())), "{} is used", figure.id);
    }
}

#[test]
fn the_anchors_are_what_the_reckoning_starts_from() {
    let business = Business { analysts: 4, licences: Some(1), ..Business::default() };
    let cost = cost(&business);
    let part = |id: &str| cost.parts.iter().find(|part| part.id == id).unwrap();
    assert_eq!(part("analytics").without_usd, 45_000.0);
    assert_eq!(part("analytics").with_usd, 0.0);
    assert_eq!(part("diligence").without_usd, 300_000.0);
    assert_eq!(cost.small_exchange_usd, 1_200_000.0);
    // 30,000 a month at 8 in 1,000 are 2,880 alerts, of 20 minutes at 60 USD.
    assert_eq!(part("alerts").without_usd, 57_600.0);
}

#[test]
fn a_gap_that_is_closed_lowers_the_risk_and_all_closed_is_low() {
    let open = cost(&Business::default());
    assert_eq!(open.risk.level, RiskLevel::Severe);
    assert!(open.gaps.iter().all(|gap| !gap.is_met));
    let closed = cost(&Business { in_place: all_checks(), ..Business::default() });
    assert_eq!(closed.risk.level, RiskLevel::Low);
    assert!(closed.risk.expected_loss_usd < open.risk.expected_loss_usd);
    let heaviest = open.gaps.first().unwrap();
    assert_eq!(heaviest.check.id, "multisig");
}

#[test]
fn an_own_figure_is_marked_and_one_that_is_none_is_refused() {
    let own =
        |id: &str, value| Assumptions::shipped().with(&BTreeMap::from([(id.to_string(), value)]));
    let figures = own("licence_usd", 90_000.0).unwrap().figures;
    let licence = figures.iter().find(|one| one.id == "licence_usd").unwrap();
    assert_eq!((licence.value, licence.kind), (90_000.0, Kind::Own));
    assert_eq!(own("licence", 1.0), Err(CostError::Unknown("licence".into())));
    for value in [f64::NAN, f64::INFINITY, -1.0, 1e16] {
        assert!(matches!(own("licence_usd", value), Err(CostError::Absurd { .. })), "{value}");
    }
}

#[test]
fn a_business_that_cannot_be_is_refused() {
    let ask = |business: Business| reckon(&business, &Assumptions::shipped()).unwrap_err();
    let country = Business { jurisdictions: vec!["GBR".into()], ..Business::default() };
    assert_eq!(ask(country), CostError::NoCountry("GBR".into()));
    let check =
        Business { in_place: BTreeSet::from(["prayer".to_string()]), ..Business::default() };
    assert_eq!(ask(check), CostError::NoCheck("prayer".into()));
    let absurd = Business { custody_usd: f64::NAN, ..Business::default() };
    assert!(matches!(ask(absurd), CostError::Absurd { .. }));
}

proptest! {
    #[test]
    fn sums_are_the_sums_of_parts_and_more_work_never_costs_less(
        staff in 0_u32..10_000, analysts in 0_u32..1000, transfers in 0_u64..100_000_000,
        custody in 0.0..1e12_f64, cases in 0_u32..10_000, more in 1_u64..1_000_000,
    ) {
        let business = Business {
            staff, analysts, transfers_month: transfers, custody_usd: custody,
            diligence_cases: cases, ..Business::default()
        };
        let told = cost(&business);
        let sum: f64 = told.parts.iter().map(|part| part.without_usd).sum();
        prop_assert!((sum - told.without_usd).abs() <= 1e-6 * sum.max(1.0));
        prop_assert!(told.parts.iter().all(|part| part.without_usd >= 0.0 && part.with_usd >= 0.0));
        prop_assert!((0.0..=100.0).contains(&told.risk.score));
        let busier = cost(&Business { transfers_month: transfers + more, ..business });
        prop_assert!(busier.without_usd >= told.without_usd && busier.with_usd >= told.with_usd);
    }
}
