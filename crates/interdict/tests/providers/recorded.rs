//! Replies in the shape providers give them, and what is to be read out of them.

use std::path::Path;

use chain::history::{Api, Ask, Budget, History, Options, Provider};
use model::{Account, Address, Chain, Fact, Memory, Transfer};
use serde::Deserialize;
use serde_json::Value;

use crate::server::{Response, Server};
use crate::{NEVER, options, runtime};

#[derive(Deserialize)]
struct Story {
    of: String,
    chain: Chain,
    address: String,
    why: String,
    /// What is in the question, and the answer; the first that fits.
    replies: Vec<(String, Value)>,
    /// `from -> to: amount asset at position, height/place`, in their order as text.
    told: Vec<String>,
    odd: usize,
}

fn stories() -> Vec<Story> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/providers/replies.json");
    serde_json::from_slice(&std::fs::read(path).expect("a fixture")).expect("stories")
}

fn line(transfer: &Transfer) -> String {
    let end = |end: &Option<Address>| {
        end.as_ref().map_or("nobody".to_string(), |end| end.text(transfer.tx.chain))
    };
    let number = |n: Option<u64>| n.map_or("?".to_string(), |n| n.to_string());
    format!(
        "{} -> {}: {} {} at {}, {}/{}",
        end(&transfer.from),
        end(&transfer.to),
        transfer.amount,
        transfer.asset,
        transfer.position,
        number(transfer.height),
        number(transfer.tx_index.map(u64::from)),
    )
}

fn check(story: Story) {
    let api: Api = story.of.parse().expect("a provider's interface");
    let replies = story.replies;
    let server = Server::new(move |request| {
        let query: Vec<String> = request.query.iter().map(|(k, v)| format!("{k}={v}")).collect();
        let asked = format!("{}?{} {}", request.path, query.join("&"), request.body);
        let reply = replies.iter().find(|(part, _)| asked.contains(part.as_str()));
        match reply.unwrap_or_else(|| panic!("asked {asked}")) {
            (_, Value::String(text)) => Response::text(text.clone()),
            (_, reply) => Response::json(reply.clone()),
        }
    });
    let options: Options = options(&server, story.chain, &Budget::new(NEVER));
    let address = Address::parse(&story.address, story.chain).expect("an address");
    let account = Account { chain: story.chain, address: address.clone() };
    let told = runtime().block_on(async {
        let provider = Provider::new(api, &options)?;
        let until = provider.horizon().await?;
        let ask = Ask { account, after: None, until, rows_max: NEVER };
        chain::history::read(&provider, &ask).await
    });
    let told = told.unwrap_or_else(|error| panic!("{}: {}: {error}", story.of, story.why));
    let odd = told.facts.iter().filter(|fact| matches!(fact, Fact::Oddity(_))).count();
    assert_eq!(odd, story.odd, "{}: {}", story.of, story.why);
    let memory = Memory::from_facts(told.facts);
    let own = |t: &&Transfer| t.from.as_ref() == Some(&address) || t.to.as_ref() == Some(&address);
    let mut lines: Vec<String> = memory.transfers().iter().filter(own).map(line).collect();
    lines.sort();
    assert_eq!(lines, story.told, "{}: {}", story.of, story.why);
}

#[test]
fn replies_are_read_as_providers_write_them() {
    let stories = stories();
    for api in ["esplora", "etherscan", "blockscout", "trongrid"] {
        assert!(stories.iter().any(|story| story.of == api), "{api}");
    }
    stories.into_iter().for_each(check);
}
