//! The whole check, section by section. A section that cannot be read says so and the others go on.

mod market;
mod people;
mod told;

use alloy_primitives::Address as EvmAddress;
use model::{Account, Address, Asset, Book, Registry, View, ViewError};

use crate::abi;
use crate::code::Code;
use crate::control::{self, Control};
use crate::declared::Declared;
use crate::holders::Ledger;
use crate::identity::{self, Identity};
use crate::powers::{self, Power, Tried};
use crate::proxy::{self, Layer};
use crate::report::{
    BlockRow, Check, ControllerRow, Evidence, LayerRow, PowerRow, Topic, VERSION, Weight,
};
use crate::sandbox::Sandbox;
use crate::state::{State, StateError};

/// What a check rests on beside the state.
pub struct Inputs<'a> {
    /// The token.
    pub asset: Asset,
    pub registry: &'a Registry,
    pub book: &'a Book,
    /// What is stored of the chain, where anything is.
    pub view: Option<&'a dyn View>,
    pub declared: Option<&'a Declared>,
    pub age: Age,
    pub verified: Verified,
    /// Pools to look at beside those of known factories.
    pub pools: Vec<EvmAddress>,
}

/// When the contract came to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Age {
    /// The first block with its code, and how that was found.
    Block {
        height: u64,
        time: u64,
        how: String,
    },
    Unknown {
        why: String,
    },
}

/// Is its source published?
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verified {
    Yes { provider: String, name: Option<String> },
    No { provider: String },
    Unknown { why: String },
}

/// Checks a token over the state of one block.
///
/// # Errors
/// When what is stored cannot be read. What a node does not tell is a statement, not an error.
pub fn check(state: &dyn State, inputs: &Inputs<'_>) -> Result<Check, ViewError> {
    let Some(token) = crate::liquidity::evm_of(&inputs.asset) else {
        let mut check = without_state(inputs)?;
        check.unknown(Topic::Code, "only contracts of EVM chains are run here");
        return Ok(check);
    };
    let mut checking = Checking {
        inputs,
        token,
        sandbox: Sandbox::new(state),
        check: empty(inputs),
        layers: Vec::new(),
        control: Control::default(),
    };
    let at = state.block();
    checking.check.block =
        Some(BlockRow { height: at.number, hash: at.hash.to_string(), time: at.time });
    checking.run()
}

/// What can be said without a node.
pub fn without_state(inputs: &Inputs<'_>) -> Result<Check, ViewError> {
    let mut check = empty(inputs);
    let meta = match inputs.view {
        Some(view) => view.assets(std::slice::from_ref(&inputs.asset))?.into_iter().next(),
        None => None,
    };
    check.symbol = meta.as_ref().and_then(|meta| meta.symbol.clone());
    check.decimals = meta.as_ref().and_then(|meta| meta.decimals);
    say_identity(&mut check, inputs, "as the store has it");
    let no_node = "no node was asked: --rpc gives one";
    for topic in [Topic::Code, Topic::Control, Topic::Powers, Topic::Trade, Topic::Liquidity] {
        check.unknown(topic, no_node);
    }
    let ledger = people::ledgers(inputs, std::slice::from_ref(&inputs.asset))?;
    people::from_store(&mut check, inputs, ledger.first());
    told::say(&mut check, inputs, ledger.first());
    Ok(check)
}

fn empty(inputs: &Inputs<'_>) -> Check {
    Check {
        version: VERSION,
        asset: inputs.asset.to_string(),
        symbol: None,
        name: None,
        decimals: None,
        supply: None,
        block: None,
        statements: Vec::new(),
        layers: Vec::new(),
        controllers: Vec::new(),
        powers: Vec::new(),
        holders: Vec::new(),
        pools: Vec::new(),
        trade: None,
    }
}

struct Checking<'a> {
    inputs: &'a Inputs<'a>,
    token: EvmAddress,
    sandbox: Sandbox<'a>,
    check: Check,
    layers: Vec<Layer>,
    control: Control,
}

impl Checking<'_> {
    fn run(mut self) -> Result<Check, ViewError> {
        self.section(Topic::Identity, Checking::identity);
        self.section(Topic::Code, Checking::code);
        self.section(Topic::Control, Checking::control);
        self.section(Topic::Powers, Checking::powers);
        if self.layers.first().is_some_and(|layer| layer.code.bytes == 0) {
            told::say(&mut self.check, self.inputs, None);
            return Ok(self.check);
        }
        let pools = self.section(Topic::Liquidity, Checking::pools).unwrap_or_default();
        let mut assets = vec![self.inputs.asset.clone()];
        let of_pool = |pool: &crate::liquidity::Pool| {
            Asset::token(self.inputs.asset.chain, Address::Evm(pool.address.0.0))
        };
        assets.extend(pools.iter().map(of_pool));
        let ledgers = people::ledgers(self.inputs, &assets)?;
        self.section(Topic::Trade, |checking| checking.trade(&pools));
        self.section(Topic::Liquidity, |checking| checking.liquidity(pools, &ledgers));
        let own: Option<&Ledger> = ledgers.first();
        self.section(Topic::Holders, |checking| checking.holders(own));
        told::say(&mut self.check, self.inputs, own);
        Ok(self.check)
    }

    fn section<T>(
        &mut self,
        topic: Topic,
        work: impl FnOnce(&mut Self) -> Result<T, StateError>,
    ) -> Option<T> {
        match work(self) {
            Ok(found) => Some(found),
            Err(error) => {
                self.check.unknown(topic, format!("it could not be read: {error}"));
                None
            }
        }
    }

    fn text(&mut self, signature: &str) -> Result<Option<String>, StateError> {
        let answer = self.sandbox.ask(self.token, signature, &[])?;
        Ok(answer.ok().and_then(|answer| abi::text(&answer)))
    }

    fn identity(&mut self) -> Result<(), StateError> {
        self.check.symbol = self.text("symbol()")?;
        self.check.name = self.text("name()")?;
        let decimals = self.sandbox.ask_word(self.token, "decimals()", &[])?;
        self.check.decimals = decimals.and_then(|decimals| u8::try_from(decimals).ok());
        say_identity(&mut self.check, self.inputs, "as the contract says it");
        Ok(())
    }

    fn code(&mut self) -> Result<(), StateError> {
        self.layers = proxy::layers(&mut self.sandbox, self.token)?;
        for layer in self.layers.clone() {
            self.check.layers.push(LayerRow {
                address: layer.address.to_string(),
                code_hash: layer.code.hash.to_string(),
                code_bytes: layer.code.bytes,
                functions: layer.code.functions.len(),
                proxy: layer.next.as_ref().map(|hand| hand.kind),
                hands_on_to: layer.next.as_ref().map(|hand| hand.to.to_string()),
                admin: layer.admin.map(|(admin, _)| admin.to_string()),
            });
            self.say_layer(&layer);
        }
        Ok(())
    }

    fn say_layer(&mut self, layer: &Layer) {
        let code = code_evidence(layer);
        let address = layer.address;
        if layer.code.bytes == 0 {
            let (weight, text) = match address == self.token {
                true => (Weight::Danger, "there is no contract at this address at this block"),
                false => (Weight::Danger, "it hands on to an address that has no code"),
            };
            return self.check.say(Topic::Code, weight, text, vec![code]);
        }
        if let Some(hand) = &layer.next {
            let mut evidence = vec![code];
            evidence.extend(hand.slot.map(|slot| Evidence::Slot {
                account: address.to_string(),
                slot: format!("{slot:#066x}"),
                value: hand.beacon.unwrap_or(hand.to).to_string(),
            }));
            let how = match hand.kind.can_change() {
                true => "which can be replaced",
                false => "which cannot be replaced",
            };
            let text = format!("{address} is {} for {}, {how}", hand.kind.name(), hand.to);
            let weight = if hand.kind.can_change() { Weight::Caution } else { Weight::Fact };
            return self.check.say(Topic::Code, weight, text, evidence);
        }
        if let Some(at) = layer.code.delegates_at {
            let text = format!(
                "{address} runs code of others (byte {at}), and not by a slot that is known: what it \
                 runs may be more than is seen here"
            );
            self.check.say(Topic::Code, Weight::Unknown, text, vec![code.clone()]);
        }
        if let Some(at) = layer.code.destructs_at {
            let text = format!("{address} has an instruction to remove itself (byte {at})");
            self.check.say(Topic::Code, Weight::Caution, text, vec![code.clone()]);
        }
        match layer.code.is_understood() {
            true => {
                let text = format!("{address} answers to {} functions", layer.code.functions.len());
                self.check.say(Topic::Code, Weight::Fact, text, vec![code]);
            }
            false => {
                let text = format!("the functions of {address} cannot be told from its code");
                self.check.say(Topic::Code, Weight::Unknown, text, vec![code]);
            }
        }
    }

    fn control(&mut self) -> Result<(), StateError> {
        self.control = control::read(&mut self.sandbox, self.token, &self.layers)?;
        for controller in self.control.controllers.clone() {
            let labels = people::labels(self.inputs, controller.address);
            let who = people::named(controller.address, &labels);
            let text = match (controller.is_nobody(), controller.is_contract) {
                (true, _) => format!("{} is nobody: given up", controller.asked),
                (false, true) => format!("{} is the contract {who}", controller.asked),
                (false, false) => format!("{} is {who}, an account with a key", controller.asked),
            };
            let evidence = Evidence::Call {
                to: self.token.to_string(),
                call: controller.asked.clone(),
                answer: controller.address.to_string(),
            };
            self.check.say(Topic::Control, Weight::Fact, text, vec![evidence]);
            self.check.controllers.push(ControllerRow {
                asked: controller.asked.clone(),
                address: controller.address.to_string(),
                is_contract: controller.is_contract,
                is_nobody: controller.is_nobody(),
                labels,
            });
        }
        let admins: Vec<_> =
            self.layers.iter().filter_map(|l| Some((l.address, l.admin?))).collect();
        for (of, (admin, slot)) in admins {
            let labels = people::labels(self.inputs, admin);
            let text = format!("the admin of the proxy {of} is {}", people::named(admin, &labels));
            let evidence = Evidence::Slot {
                account: of.to_string(),
                slot: format!("{slot:#066x}"),
                value: admin.to_string(),
            };
            self.check.say(Topic::Control, Weight::Caution, text, vec![evidence]);
        }
        if self.control.has_unlisted_roles {
            let text = "it has roles whose holders it does not list: who may do what is not known";
            self.check.unknown(Topic::Control, text);
        }
        if self.control.controllers.is_empty() && !self.control.has_unlisted_roles {
            let text = "the contract names nobody in charge";
            self.check.unknown(Topic::Control, text);
        }
        Ok(())
    }

    fn powers(&mut self) -> Result<(), StateError> {
        let mut found = powers::find(&self.layers);
        let accounts = self.control.accounts(&self.layers);
        powers::exercise(&mut found, &self.sandbox, self.token, &accounts)?;
        for power in &found {
            self.say_power(power);
        }
        let is_understood = self.layers.last().is_some_and(|layer| layer.code.is_understood());
        if found.is_empty() && is_understood {
            let text = "no function is found that is known to give its issuer a power over holders; \
                        one by another name would not be";
            self.check.say(Topic::Powers, Weight::Fact, text, Vec::new());
        } else if !is_understood {
            self.check
                .unknown(Topic::Powers, "its functions cannot be told, so neither its powers");
        }
        Ok(())
    }

    fn say_power(&mut self, power: &Power) {
        let function = Evidence::Function {
            code_of: power.code_of.to_string(),
            signature: power.signature.to_string(),
            selector: format!(
                "0x{}",
                alloy_primitives::hex::encode(abi::selector(power.signature))
            ),
            offset: power.at,
        };
        let tried = |outcome: String| Evidence::Tried { what: power.signature.into(), outcome };
        let does = power.kind.does();
        // Who may replace the code may take any power back.
        let is_fixed =
            |layer: &Layer| layer.next.as_ref().is_none_or(|hand| !hand.kind.can_change());
        let is_given_up = self.control.is_renounced() && self.layers.iter().all(is_fixed);
        let (name, detail, weight, text, more) = match &power.tried {
            Tried::ByAnybody => (
                "by_anybody",
                String::new(),
                Weight::Danger,
                format!("anybody can {does}"),
                Some(tried("a stranger could, and it had its effect".into())),
            ),
            Tried::By(who) => (
                "by",
                who.to_string(),
                Weight::Caution,
                format!("{} can {does}", people::named(*who, &people::labels(self.inputs, *who))),
                Some(tried(format!("{who} could, a stranger could not"))),
            ),
            Tried::Refused(why) if is_given_up => (
                "refused",
                why.clone(),
                Weight::Fact,
                format!("it has a function to {does}, but its owner is nobody"),
                Some(tried(why.clone())),
            ),
            Tried::Refused(why) => (
                "refused",
                why.clone(),
                Weight::Caution,
                format!("it has a function to {does}; nobody who was tried could use it now"),
                Some(tried(why.clone())),
            ),
            Tried::NotTried(why) => {
                let whose = if is_given_up { "; its owner is nobody" } else { "" };
                let weight = if is_given_up { Weight::Fact } else { Weight::Caution };
                let text = format!("it has a function to {does}{whose}");
                ("not_tried", (*why).to_string(), weight, text, None)
            }
        };
        let evidence = std::iter::once(function).chain(more).collect();
        self.check.say(Topic::Powers, weight, text, evidence);
        self.check.powers.push(PowerRow {
            power: power.kind,
            function: power.signature.into(),
            code_of: power.code_of.to_string(),
            offset: power.at,
            tried: name,
            detail,
        });
    }
}

fn code_evidence(layer: &Layer) -> Evidence {
    let Code { bytes, hash, .. } = &layer.code;
    Evidence::Code { account: layer.address.to_string(), hash: hash.to_string(), bytes: *bytes }
}

fn say_identity(check: &mut Check, inputs: &Inputs<'_>, how: &str) {
    let (symbol, name) = (check.symbol.clone(), check.name.clone());
    let shown = symbol.clone().unwrap_or_else(|| "without a symbol".into());
    let found = identity::of(
        inputs.registry,
        &inputs.asset,
        symbol.as_deref().unwrap_or_default(),
        name.as_deref().unwrap_or_default(),
    );
    let registry = |asset: &Asset| vec![Evidence::Registry { asset: asset.to_string() }];
    match found {
        Identity::Genuine(meta) => {
            let symbol = meta.symbol.clone().unwrap_or_default();
            let text = format!("it is the genuine {symbol} of the registry");
            check.say(Topic::Identity, Weight::Fact, text, registry(&meta.asset));
        }
        Identity::ImitatesSymbol { of } => {
            let real = of.symbol.clone().unwrap_or_default();
            let text =
                format!("it bears the symbol {shown:?}, {how}, but {real} is another contract");
            check.say(Topic::Identity, Weight::Danger, text, registry(&of.asset));
        }
        Identity::ImitatesName { of } => {
            let real = of.symbol.clone().unwrap_or_default();
            let name = name.unwrap_or_default();
            let text = format!("its name {name:?}, {how}, is that of {real}, another contract");
            check.say(Topic::Identity, Weight::Danger, text, registry(&of.asset));
        }
        Identity::Unregistered if symbol.is_none() && name.is_none() => {
            check.unknown(Topic::Identity, "neither its symbol nor its name is known");
        }
        Identity::Unregistered => {
            let text = format!(
                "{shown:?}, {how}, is not in the registry of genuine assets, and looks like nothing in it"
            );
            check.unknown(Topic::Identity, text);
        }
    }
    if inputs.book.listings(&model::Key::of(&account(&inputs.asset))).next().is_some() {
        let lists: Vec<String> = inputs
            .book
            .listings(&model::Key::of(&account(&inputs.asset)))
            .map(|listing| format!("{} of {}", listing.version.list, listing.version.date))
            .collect();
        let evidence = lists.iter().map(|list| Evidence::Store { what: list.clone() }).collect();
        let text = format!("the contract is listed: {}", lists.join(", "));
        check.say(Topic::Identity, Weight::Danger, text, evidence);
    }
}

fn account(asset: &Asset) -> Account {
    let address = asset.contract().cloned().unwrap_or(Address::Evm([0; 20]));
    Account { chain: asset.chain, address }
}
