//! What became of a theft, written down as it happens.

use std::collections::BTreeMap;

use model::{Asset, Chain, Timestamp, TransferId};

use super::Purse;
use crate::names::Names;
use crate::services::Service;
use crate::truth::{Hop, Other, Resting, Served, Step, Theft, transfer_id};

pub struct Record {
    number: u64,
    victim: u64,
    thief: u64,
    stolen: u128,
    time: Option<Timestamp>,
    hops: Vec<Hop>,
    fees: u128,
    /// By the service's rank.
    served: BTreeMap<usize, u128>,
    others: Vec<Other>,
}

/// One movement of stolen money.
pub struct Moved<'a> {
    pub step: Step,
    pub id: &'a TransferId,
    pub from: &'a [u64],
    pub to: u64,
    pub amount: u128,
    pub fee: u128,
    pub height: u64,
    pub time: Timestamp,
    /// Its rank and name.
    pub service: Option<(usize, String)>,
}

impl Record {
    pub fn new(number: u64, victim: u64) -> Record {
        Record {
            number,
            victim,
            thief: victim,
            stolen: 0,
            time: None,
            hops: Vec::new(),
            fees: 0,
            served: BTreeMap::new(),
            others: Vec::new(),
        }
    }

    pub fn moved(&mut self, moved: Moved<'_>, names: &Names, chain: Chain) {
        let text = |address: u64| names.address(address).text(chain);
        if moved.step == Step::Theft {
            self.thief = moved.to;
            self.stolen = moved.amount;
            self.time = Some(moved.time);
        }
        self.fees += moved.fee;
        if let Some((rank, _)) = &moved.service {
            *self.served.entry(*rank).or_default() += moved.amount;
        }
        self.hops.push(Hop {
            step: moved.step,
            transfer: transfer_id(moved.id),
            from: moved.from.iter().map(|address| text(*address)).collect(),
            to: text(moved.to),
            amount: moved.amount.to_string(),
            fee: moved.fee.to_string(),
            height: moved.height,
            time: moved.time,
            service: moved.service.map(|(_, name)| name),
        });
    }

    pub fn other(&mut self, what: &str, id: &TransferId, amount: u128) {
        self.others.push(Other {
            what: what.to_string(),
            transfer: transfer_id(id),
            amount: amount.to_string(),
        });
    }

    /// None while nothing is stolen yet.
    ///
    /// # Panics
    /// When the books do not balance: then the stream is wrong.
    pub fn theft(
        &self,
        purses: &[Purse],
        asset: &Asset,
        names: &Names,
        services: &[Service],
    ) -> Option<Theft> {
        let first = self.hops.first()?;
        let resting: u128 = purses.iter().map(|purse| purse.amount).sum();
        let served: u128 = self.served.values().sum();
        assert_eq!(self.stolen, resting + served + self.fees, "the books of a planted theft");
        let text = |address: u64| names.address(address).text(asset.chain);
        let mut rests: BTreeMap<u64, u128> = BTreeMap::new();
        for purse in purses {
            *rests.entry(purse.address).or_default() += purse.amount;
        }
        let served = self.served.iter().map(|(rank, amount)| Served {
            name: services[*rank].name.clone(),
            address: services[*rank].address.clone(),
            amount: amount.to_string(),
        });
        Some(Theft {
            name: format!("theft {}", self.number + 1),
            victim: text(self.victim),
            thief: text(self.thief),
            asset: asset.clone(),
            amount: self.stolen.to_string(),
            time: self.time,
            transfer: first.transfer.clone(),
            hops: self.hops.clone(),
            fees: self.fees.to_string(),
            rests: rests
                .into_iter()
                .map(|(address, amount)| Resting {
                    address: text(address),
                    amount: amount.to_string(),
                })
                .collect(),
            served: served.collect(),
            others: self.others.clone(),
        })
    }
}
