//! Who holds the powers: what the contract itself answers.

use alloy_primitives::{Address, U256};

use crate::abi;
use crate::proxy::Layer;
use crate::sandbox::Sandbox;
use crate::state::StateError;

/// Functions without arguments that name somebody in charge.
const GETTERS: &[&str] = &[
    "owner()",
    "getOwner()",
    "admin()",
    "governance()",
    "minter()",
    "masterMinter()",
    "pauser()",
    "blacklister()",
    "rescuer()",
    "supplyController()",
    "assetProtectionRole()",
];

/// Somebody a contract names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Controller {
    /// The question: `owner()`, or for roles `getRoleMember(0x0…, 0)`.
    pub asked: String,
    pub address: Address,
    pub is_contract: bool,
}

/// What a contract says of who is in charge.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Control {
    pub controllers: Vec<Controller>,
    /// It has roles (`hasRole`), whose holders it does not list.
    pub has_unlisted_roles: bool,
}

impl Controller {
    /// Nobody can sign for these addresses.
    pub fn is_nobody(&self) -> bool {
        is_nobody(self.address)
    }
}

/// The zero address, or one of those people burn to.
pub fn is_nobody(address: Address) -> bool {
    const DEAD: Address = alloy_primitives::address!("000000000000000000000000000000000000dEaD");
    const ONE: Address = alloy_primitives::address!("0000000000000000000000000000000000000001");
    address.is_zero() || address == DEAD || address == ONE
}

impl Control {
    /// Somebody who can act holds it.
    pub fn in_charge(&self) -> impl Iterator<Item = &Controller> {
        self.controllers.iter().filter(|controller| !controller.is_nobody())
    }

    /// Owner is nobody, and nobody else is named.
    pub fn is_renounced(&self) -> bool {
        let names_owner = self.controllers.iter().any(|c| c.asked.to_lowercase().contains("owner"));
        names_owner && !self.has_unlisted_roles && self.in_charge().next().is_none()
    }
}

/// Asks the token, in the name of whichever layer has the function.
pub fn read(
    sandbox: &mut Sandbox<'_>,
    token: Address,
    layers: &[Layer],
) -> Result<Control, StateError> {
    let mut control = Control::default();
    // Where functions cannot be told, every question is worth asking.
    let is_open = layers.last().is_none_or(|layer| !layer.code.is_understood());
    let has = |signature: &str| layers.iter().any(|layer| layer.code.answers(signature).is_some());
    for getter in GETTERS.iter().filter(|getter| is_open || has(getter)) {
        let answer = sandbox.ask(token, getter, &[])?;
        if let Some(address) = answer.ok().and_then(|answer| abi::address(&answer)) {
            control.add(sandbox, getter.to_string(), address)?;
        }
    }
    if has("hasRole(bytes32,address)") {
        let listed = has("getRoleMember(bytes32,uint256)");
        control.has_unlisted_roles = !listed;
        if listed {
            control.roles(sandbox, token)?;
        }
    }
    Ok(control)
}

impl Control {
    /// The holders of the roles whose names are common; at most a few of each are read.
    fn roles(&mut self, sandbox: &mut Sandbox<'_>, token: Address) -> Result<(), StateError> {
        const MEMBERS_MAX: u64 = 5;
        let named = |name: &str| U256::from_be_bytes(alloy_primitives::keccak256(name).0);
        let roles = [
            ("DEFAULT_ADMIN_ROLE", U256::ZERO),
            ("MINTER_ROLE", named("MINTER_ROLE")),
            ("PAUSER_ROLE", named("PAUSER_ROLE")),
            ("BLACKLISTER_ROLE", named("BLACKLISTER_ROLE")),
            ("UPGRADER_ROLE", named("UPGRADER_ROLE")),
        ];
        for (name, role) in roles {
            let count = sandbox.ask_word(token, "getRoleMemberCount(bytes32)", &[role])?;
            let count = count.unwrap_or_default().min(U256::from(MEMBERS_MAX));
            for n in 0..count.to::<u64>() {
                let words = [role, U256::from(n)];
                let member = sandbox.ask_word(token, "getRoleMember(bytes32,uint256)", &words)?;
                if let Some(address) = member.and_then(abi::address_of) {
                    self.add(sandbox, name.to_string(), address)?;
                }
            }
        }
        Ok(())
    }

    fn add(
        &mut self,
        sandbox: &Sandbox<'_>,
        asked: String,
        address: Address,
    ) -> Result<(), StateError> {
        let is_contract = sandbox.has_code(address)?;
        self.controllers.push(Controller { asked, address, is_contract });
        Ok(())
    }

    /// Every account worth trying a power with, each once.
    pub fn accounts(&self, layers: &[Layer]) -> Vec<Address> {
        let admins = layers.iter().filter_map(|layer| layer.admin.map(|(admin, _)| admin));
        let mut accounts: Vec<Address> =
            self.in_charge().map(|c| c.address).chain(admins).collect();
        accounts.sort();
        accounts.dedup();
        accounts
    }
}
