//! What contracts moved on their own: internal transactions.
//!
//! A node lists them flat, in the order they began; `rejected` ones were undone.
//! Beside calls some nodes list what a contract did with its stake
//! (`vm.saveFeaturedInternalTx`): that has amounts too, and moves nothing.

use model::{U256, hex};

use super::contracts::{Coin, amount_of, token};
use super::replies::{Internal, address_of};

#[derive(Debug, Default, PartialEq, Eq)]
pub struct Told {
    pub moves: Vec<Move>,
    pub odd: Vec<String>,
}

#[derive(Debug, PartialEq, Eq)]
pub struct Move {
    pub path: Box<[u32]>,
    /// None: a reward, new to whoever gets it.
    pub from: Option<[u8; 20]>,
    pub to: [u8; 20],
    pub coin: Coin,
    pub amount: U256,
}

enum Note {
    Moves,
    Rewards,
    /// Freeze, unfreeze, delegate, vote: the amount stays its owner's.
    Stakes,
    Unknown,
}

pub fn read(all: &[Internal]) -> Result<Told, String> {
    let mut told = Told::default();
    for (n, internal) in (0u32..).zip(all) {
        if !internal.rejected {
            one(n, internal, &mut told)?;
        }
    }
    Ok(told)
}

fn one(n: u32, internal: &Internal, told: &mut Told) -> Result<(), String> {
    let note = note(&internal.note);
    for (m, value) in (0u32..).zip(&internal.values) {
        let coin = match value.token.as_deref() {
            None | Some("") => Coin::Trx,
            Some(id) => token(id.as_bytes()).ok_or_else(|| format!("a token numbered {id:?}"))?,
        };
        let amount = amount_of(coin, value.value)?;
        if amount.is_zero() {
            continue;
        }
        let from = ends(&internal.caller_address)?;
        let to = ends(&internal.to_address)?;
        let from = match note {
            Note::Moves => Some(from),
            Note::Rewards => None,
            Note::Stakes => continue,
            Note::Unknown => {
                let name = name_of(&internal.note);
                told.odd.push(format!("internal transaction {n}: {name:?} is not read"));
                continue;
            }
        };
        // Another's code run in the caller's place: it keeps what it gives.
        if from == Some(to) {
            continue;
        }
        let path = if m == 0 { Box::from([n]) } else { Box::from([n, m]) };
        told.moves.push(Move { path, from, to, coin, amount });
    }
    Ok(())
}

fn note(text: &str) -> Note {
    let name = name_of(text);
    match name.as_str() {
        "call" | "create" | "suicide" => Note::Moves,
        "withdrawReward" => Note::Rewards,
        // freezeForEnergy, freezeBalanceV2For…, unfreezeFor…, withdrawExpireUnfreezeWhile…,
        // cancelAllUnfreezeV2, delegateResourceOf…, unDelegateResourceOf…, voteWitness
        _ if [
            "freeze",
            "unfreeze",
            "withdrawExpire",
            "cancelAll",
            "delegate",
            "unDelegate",
            "vote",
        ]
        .iter()
        .any(|start| name.starts_with(start)) =>
        {
            Note::Stakes
        }
        _ => Note::Unknown,
    }
}

fn name_of(note: &str) -> String {
    let bytes = hex::decode(note).unwrap_or_default();
    String::from_utf8_lossy(&bytes).chars().filter(|c| !c.is_control()).take(40).collect()
}

fn ends(text: &str) -> Result<[u8; 20], String> {
    address_of(text).ok_or_else(|| "an internal transaction whose ends are no addresses".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn internal(note: &str, rejected: bool, values: serde_json::Value) -> Internal {
        serde_json::from_value(serde_json::json!({
            "caller_address": format!("41{}", "aa".repeat(20)),
            "transferTo_address": format!("41{}", "bb".repeat(20)),
            "callValueInfo": values,
            "note": hex::encode(note.as_bytes()),
            "rejected": rejected,
        }))
        .expect("an internal transaction")
    }

    fn check(note: &str, rejected: bool, values: serde_json::Value) -> Told {
        read(&[internal("call", false, serde_json::json!([{}])), internal(note, rejected, values)])
            .expect("readable")
    }

    #[test]
    fn a_call_moves_trx_and_tokens_and_a_rejected_one_nothing() {
        let values =
            serde_json::json!([{ "callValue": 5 }, { "callValue": 7, "tokenId": "1002000" }]);
        let told = check("call", false, values.clone());
        let paths: Vec<&[u32]> = told.moves.iter().map(|given| &*given.path).collect();
        assert_eq!(paths, [&[1][..], &[1, 1]]);
        let coins: Vec<Coin> = told.moves.iter().map(|given| given.coin).collect();
        assert_eq!(coins, [Coin::Trx, Coin::Trc10(1_002_000)]);
        assert_eq!(check("call", true, values), Told::default());
    }

    #[test]
    fn stake_stays_its_owners_and_a_reward_is_new() {
        let five = serde_json::json!([{ "callValue": 5 }]);
        for note in ["freezeForEnergy", "delegateResourceOfEnergy", "unfreezeBalanceV2ForBandwidth"]
        {
            assert_eq!(check(note, false, five.clone()), Told::default());
        }
        let told = check("withdrawReward", false, five.clone());
        assert_eq!(told.moves.iter().map(|given| given.from).collect::<Vec<_>>(), [None]);
        let told = check("somethingNew", false, five);
        assert!(told.moves.is_empty() && told.odd.len() == 1);
    }

    #[test]
    fn an_impossible_amount_is_an_error() {
        for value in [-1, i64::MAX] {
            let values = serde_json::json!([{ "callValue": value }]);
            assert!(read(&[internal("call", false, values)]).is_err());
        }
    }
}
