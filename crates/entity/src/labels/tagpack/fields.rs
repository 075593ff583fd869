//! What a tag may say, in its own place or in the header.

use serde::de::MapAccess;

use super::super::context::Context;
use super::super::yaml::{Day, Text, Texts};

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fields {
    pub label: Option<Text>,
    pub source: Option<Text>,
    pub currency: Option<Text>,
    pub network: Option<Text>,
    pub address: Option<Text>,
    pub tx_hash: Option<Text>,
    pub confidence: Option<Text>,
    pub lastmod: Option<Day>,
    pub actor: Option<Text>,
    pub concepts: Option<Texts>,
    /// The older ways to say a concept.
    pub category: Option<Text>,
    pub abuse: Option<Text>,
    /// `tag_type`.
    pub kind: Option<Text>,
    pub is_cluster_definer: Option<bool>,
    pub context: Option<Context>,
}

impl Fields {
    /// Reads one field; false where there is none of that name.
    pub fn read<'de, M: MapAccess<'de>>(
        &mut self,
        key: &str,
        map: &mut M,
    ) -> Result<bool, M::Error> {
        match key {
            "label" => self.label = Some(map.next_value()?),
            "source" => self.source = Some(map.next_value()?),
            "currency" => self.currency = Some(map.next_value()?),
            "network" => self.network = Some(map.next_value()?),
            "address" => self.address = Some(map.next_value()?),
            "tx_hash" => self.tx_hash = Some(map.next_value()?),
            "confidence" => self.confidence = Some(map.next_value()?),
            "lastmod" => self.lastmod = Some(map.next_value()?),
            "actor" => self.actor = Some(map.next_value()?),
            "concepts" => self.concepts = Some(map.next_value()?),
            "category" => self.category = Some(map.next_value()?),
            "abuse" => self.abuse = Some(map.next_value()?),
            "is_cluster_definer" => self.is_cluster_definer = Some(map.next_value()?),
            "tag_type" => self.kind = Some(map.next_value()?),
            "context" => self.context = Some(map.next_value()?),
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// These, and the others' where these are silent.
    pub fn or(self, others: &Fields) -> Fields {
        let text = |own: Option<Text>, inherited: &Option<Text>| own.or_else(|| inherited.clone());
        Fields {
            label: text(self.label, &others.label),
            source: text(self.source, &others.source),
            currency: text(self.currency, &others.currency),
            network: text(self.network, &others.network),
            address: text(self.address, &others.address),
            tx_hash: text(self.tx_hash, &others.tx_hash),
            confidence: text(self.confidence, &others.confidence),
            lastmod: self.lastmod.or(others.lastmod),
            actor: text(self.actor, &others.actor),
            concepts: self.concepts.or_else(|| others.concepts.clone()),
            category: text(self.category, &others.category),
            abuse: text(self.abuse, &others.abuse),
            kind: text(self.kind, &others.kind),
            is_cluster_definer: self.is_cluster_definer.or(others.is_cluster_definer),
            context: self.context.or_else(|| others.context.clone()),
        }
    }

    /// The category first, then the concepts, then the abuse; each once. Always
    /// a fresh list: what one tag adds is no other tag's.
    pub fn concepts(&self) -> Vec<String> {
        let text = |field: &Option<Text>| field.clone().map(|text| text.0);
        let listed = self.concepts.clone().unwrap_or_default().0;
        let all = text(&self.category).into_iter().chain(listed).chain(text(&self.abuse));
        let mut concepts: Vec<String> = Vec::new();
        for concept in all.filter(|concept| !concept.is_empty()) {
            if !concepts.contains(&concept) {
                concepts.push(concept);
            }
        }
        concepts
    }
}
