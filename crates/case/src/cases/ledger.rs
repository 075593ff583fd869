//! Who claims what of the value that a case found, when several incidents' money is commingled.
//!
//! Shares are pro rata in whole base units. What rounding leaves goes, one unit each, to the claims
//! with the largest fraction cut off, the earlier claim first where fractions are equal. Nobody gets
//! more than they claim: what is found beyond all claims stays unclaimed.

use std::collections::{BTreeMap, BTreeSet};

use model::{Asset, Timestamp, U256, amount};
use serde_json::json;

use super::parts::of_case;
use super::{must_take, told};
use crate::act::{By, micros, moment};
use crate::check;
use crate::db::{Db, Row};
use crate::error::CaseError;
use crate::ids::{CaseId, ClaimId, HoldingId, IncidentId};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewClaim {
    pub incident: IncidentId,
    /// `person:7` where it is one whose data are kept apart, else an organisation's name.
    pub claimant: String,
    pub asset: Asset,
    pub decimals: Option<u8>,
    pub amount: U256,
}

/// One asset of the ledger; amounts are base units as text.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Line {
    pub asset: String,
    pub decimals: Option<i64>,
    pub claimed: String,
    pub found: String,
    /// Found beyond all claims.
    pub unclaimed: String,
    pub shares: Vec<Share>,
}

#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Share {
    pub claim: ClaimId,
    pub incident: IncidentId,
    pub claimant: String,
    pub claimed: String,
    pub share: String,
}

pub fn add_incident(
    db: &Db,
    by: &By,
    case: CaseId,
    title: &str,
    time: Timestamp,
) -> Result<IncidentId, CaseError> {
    check::said("title", title, 500)?;
    db.write(|tx| {
        must_take(tx, case)?;
        let id = IncidentId::next(tx)?;
        tx.run(
            "INSERT INTO case_incident (id, case_id, title, time) VALUES ($1, $2, $3, $4)",
            &[id.into(), case.into(), title.into(), micros(time).into()],
        )?;
        told(tx, by, case, "case.incident_added", &json!({ "incident": id, "title": title }))?;
        Ok(id)
    })
}

pub fn add_claim(db: &Db, by: &By, case: CaseId, new: &NewClaim) -> Result<ClaimId, CaseError> {
    check::said("claimant", &new.claimant, 300)?;
    db.write(|tx| {
        must_take(tx, case)?;
        let incident = tx.row(
            "SELECT id FROM case_incident WHERE id = $1 AND case_id = $2",
            &[new.incident.into(), case.into()],
        )?;
        if incident.is_none() {
            return Err(CaseError::missing("incident of this case", new.incident));
        }
        let id = ClaimId::next(tx)?;
        tx.run(
            "INSERT INTO case_claim (id, case_id, incident, claimant, asset, decimals, amount) \
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
            &[
                id.into(),
                case.into(),
                new.incident.into(),
                new.claimant.as_str().into(),
                new.asset.to_string().into(),
                new.decimals.map(i64::from).into(),
                new.amount.to_string().into(),
            ],
        )?;
        let payload = json!({
            "claim": id, "incident": new.incident, "asset": new.asset.to_string(),
            "amount": new.amount.to_string(),
        });
        told(tx, by, case, "case.claim_added", &payload)?;
        Ok(id)
    })
}

/// Value that rests somewhere or came back.
pub fn add_holding(
    db: &Db,
    by: &By,
    case: CaseId,
    place: &str,
    asset: &Asset,
    amount: U256,
) -> Result<HoldingId, CaseError> {
    check::said("place", place, 500)?;
    db.write(|tx| {
        must_take(tx, case)?;
        let id = HoldingId::next(tx)?;
        let (asset, amount) = (asset.to_string(), amount.to_string());
        tx.run(
            "INSERT INTO case_holding (id, case_id, place, asset, amount) VALUES ($1, $2, $3, $4, $5)",
            &[
                id.into(),
                case.into(),
                place.into(),
                asset.as_str().into(),
                amount.as_str().into(),
            ],
        )?;
        let payload = json!({ "holding": id, "place": place, "asset": asset, "amount": amount });
        told(tx, by, case, "case.holding_added", &payload)?;
        Ok(id)
    })
}

struct Claim {
    id: ClaimId,
    incident: IncidentId,
    claimant: String,
    asset: String,
    decimals: Option<i64>,
    amount: U256,
}

/// Something that was done to somebody, whose money is in the case.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Incident {
    pub id: IncidentId,
    pub title: String,
    pub time: Timestamp,
}

/// Value that rests somewhere or came back; base units as text.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Holding {
    pub id: HoldingId,
    pub place: String,
    pub asset: String,
    pub amount: String,
}

pub fn incidents(db: &Db, case: CaseId) -> Result<Vec<Incident>, CaseError> {
    of_case(db, case, "case_incident", "id, title, time", |row| {
        Ok(Incident {
            id: IncidentId(row.int(0)?),
            title: row.text(1)?.to_string(),
            time: moment(row.int(2)?)?,
        })
    })
}

pub fn holdings(db: &Db, case: CaseId) -> Result<Vec<Holding>, CaseError> {
    of_case(db, case, "case_holding", "id, place, asset, amount", |row| {
        Ok(Holding {
            id: HoldingId(row.int(0)?),
            place: row.text(1)?.to_string(),
            asset: row.text(2)?.to_string(),
            amount: row.text(3)?.to_string(),
        })
    })
}

/// All claims of a case and what each would get of what was found, by asset.
pub fn ledger(db: &Db, case: CaseId) -> Result<Vec<Line>, CaseError> {
    let columns = "id, incident, claimant, asset, decimals, amount";
    let claims = of_case(db, case, "case_claim", columns, claim)?;
    let mut found: BTreeMap<String, U256> = BTreeMap::new();
    for (asset, amount) in of_case(db, case, "case_holding", "asset, amount", holding)? {
        let sum = found.entry(asset).or_default();
        *sum = sum.saturating_add(amount);
    }
    let assets: BTreeSet<&String> =
        claims.iter().map(|claim| &claim.asset).chain(found.keys()).collect();
    Ok(assets
        .into_iter()
        .map(|asset| {
            let of_asset: Vec<&Claim> =
                claims.iter().filter(|claim| claim.asset == *asset).collect();
            line(asset, &of_asset, found.get(asset).copied().unwrap_or_default())
        })
        .collect())
}

fn line(asset: &str, claims: &[&Claim], found: U256) -> Line {
    let amounts: Vec<U256> = claims.iter().map(|claim| claim.amount).collect();
    let shared = share(found, &amounts);
    let total = amounts.iter().fold(U256::ZERO, |sum, amount| sum.saturating_add(*amount));
    let share = |(claim, share): (&&Claim, &U256)| Share {
        claim: claim.id,
        incident: claim.incident,
        claimant: claim.claimant.clone(),
        claimed: claim.amount.to_string(),
        share: share.to_string(),
    };
    Line {
        asset: asset.to_string(),
        decimals: claims.iter().find_map(|claim| claim.decimals),
        claimed: total.to_string(),
        found: found.to_string(),
        unclaimed: found.saturating_sub(total).to_string(),
        shares: claims.iter().zip(&shared).map(share).collect(),
    }
}

/// The shares of claims on a value, in their order. They sum to the value, or to all claims where
/// those are less. Claims whose sum is beyond 256 bits cannot be of one asset, and get nothing.
pub fn share(value: U256, claims: &[U256]) -> Vec<U256> {
    let total = claims.iter().try_fold(U256::ZERO, |sum, claim| sum.checked_add(*claim));
    let Some(total) = total.filter(|total| !total.is_zero()) else {
        return vec![U256::ZERO; claims.len()];
    };
    let value = value.min(total);
    let mut shares: Vec<U256> =
        claims.iter().map(|claim| amount::share(value, *claim, total)).collect();
    let given = shares.iter().fold(U256::ZERO, |sum, share| sum + *share);
    let mut by_fraction: Vec<usize> = (0..claims.len()).collect();
    by_fraction.sort_by_key(|at| (std::cmp::Reverse(value.mul_mod(claims[*at], total)), *at));
    // Each fraction is less than one unit, so fewer units are left than there are fractions.
    let left = usize::try_from(value - given).unwrap_or(claims.len());
    for at in by_fraction.into_iter().take(left) {
        shares[at] += U256::from(1);
    }
    shares
}

fn claim(row: &Row) -> Result<Claim, CaseError> {
    Ok(Claim {
        id: ClaimId(row.int(0)?),
        incident: IncidentId(row.int(1)?),
        claimant: row.text(2)?.to_string(),
        asset: row.text(3)?.to_string(),
        decimals: row.int_if(4)?,
        amount: base(row.text(5)?)?,
    })
}

fn holding(row: &Row) -> Result<(String, U256), CaseError> {
    Ok((row.text(0)?.to_string(), base(row.text(1)?)?))
}

fn base(text: &str) -> Result<U256, CaseError> {
    amount::parse_base(text).map_err(|error| CaseError::Damaged(error.to_string()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn shares_sum_to_the_value_and_none_is_more_than_its_claim(
            value in any::<u128>(),
            claims in proptest::collection::vec(any::<u64>(), 0..20),
        ) {
            let claims: Vec<U256> = claims.into_iter().map(U256::from).collect();
            let total = claims.iter().fold(U256::ZERO, |sum, claim| sum + *claim);
            for value in [U256::from(value), U256::from(value) % (total + U256::from(1))] {
                let shares = share(value, &claims);
                let sum = shares.iter().fold(U256::ZERO, |sum, share| sum + *share);
                prop_assert_eq!(sum, value.min(total));
                for (share, claim) in shares.iter().zip(&claims) {
                    prop_assert!(share <= claim);
                }
            }
        }
    }

    #[test]
    fn what_rounding_leaves_goes_to_the_largest_fraction_then_the_earlier_claim() {
        let claims = [1, 1, 1].map(U256::from);
        assert_eq!(share(U256::from(2), &claims), [1, 1, 0].map(U256::from));
        let claims = [10, 25, 15].map(U256::from);
        assert_eq!(share(U256::from(7), &claims), [1, 4, 2].map(U256::from));
    }
}
