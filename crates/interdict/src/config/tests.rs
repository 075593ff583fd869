use std::collections::BTreeMap;

use super::*;
use crate::follow::finality::FinalityText;

/// A folder with a configuration, and an environment of its own.
struct Case {
    folder: tempfile::TempDir,
    environment: BTreeMap<&'static str, &'static str>,
    flags: Flags,
}

impl Case {
    fn new(text: &str) -> Case {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join(NAME), text).expect("written");
        Case { folder, environment: BTreeMap::new(), flags: Flags::default() }
    }

    fn read(&self) -> Result<Config> {
        let look = |name: &str| self.environment.get(name).map(ToString::to_string);
        Config::read(self.folder.path(), &self.flags, &look)
    }

    #[track_caller]
    fn chain(&self) -> ChainConfig {
        let config = self.read().unwrap_or_else(|e| panic!("{e:#}"));
        config.chains.into_iter().next().expect("a chain")
    }

    #[track_caller]
    fn refuses(&self, said: &str) {
        let error = format!("{:#}", self.read().expect_err("is refused"));
        assert!(error.contains(said), "expected {said:?} in: {error}");
    }
}

const ONE: &str = r#"
    [[chain]]
    id = "ethereum"
    from = 7
    finality = 12
    rpc = ["http://127.0.0.1:8545"]
"#;

#[test]
fn a_flag_comes_before_the_environment_before_the_file_before_the_default() {
    let mut case = Case::new(ONE);
    let chain = case.chain();
    assert_eq!(chain.from, Set { value: Some(7), origin: Origin::File });
    assert_eq!(chain.undo, Set { value: 32, origin: Origin::Default });
    assert_eq!(chain.finality.value.to_string(), "12 confirmations");

    case.environment.insert("INTERDICT_ETHEREUM_FROM", "8");
    let origin = Origin::Environment("INTERDICT_ETHEREUM_FROM".into());
    assert_eq!(case.chain().from, Set { value: Some(8), origin });

    case.flags.from = Some(9);
    assert_eq!(case.chain().from, Set { value: Some(9), origin: Origin::Flag("--from") });

    case.flags.finality = Some("node".parse::<FinalityText>().expect("a word"));
    assert_eq!(case.chain().finality.origin, Origin::Flag("--finality"));
}

#[test]
fn without_a_file_flags_are_enough() {
    let case = Case {
        flags: Flags {
            chain: Some(Chain::Evm(31337)),
            rpc: vec!["http://127.0.0.1:8545".into(), "http://127.0.0.1:8546".into()],
            ..Flags::default()
        },
        ..Case::new("")
    };
    let chain = case.chain();
    assert_eq!((chain.chain, chain.nodes.len(), chain.from.value), (Chain::Evm(31337), 2, None));
    assert_eq!(chain.undo.value, 128, "a developer's chain is undone as they please");
}

#[test]
fn what_is_not_known_is_refused() {
    for (text, said) in [
        ("folow = 1", "folow"),
        ("[follow]\nat_onec = 3", "at_onec"),
        ("[follow]\nat_once = 0", "at_once: expected at least 1"),
        ("[[chain]]\nid = \"etherium\"", "etherium"),
        ("[[chain]]\nid = \"ethereum\"\nfinality = 0", "finality"),
        ("[[chain]]\nid = \"ethereum\"\nfinality = \"soon\"", "finality"),
        ("[[chain]]\nid = \"ethereum\"\n[[chain]]\nid = \"eip155:1\"", "twice"),
        ("[[chain]]\nid = \"ethereum\"\n[[chain.node]]\nzmq = \"tcp://n:1\"", "exactly one of url"),
        (
            "[[chain]]\nid = \"bitcoin\"\n[[chain.node]]\nurl = \"http://n\"\nlogin_file = \"no\"",
            "there is no",
        ),
    ] {
        Case::new(text).refuses(said);
    }
    let mut case = Case::new(ONE);
    case.environment.insert("INTERDICT_ETHEREUM_FROM", "seven");
    case.refuses("INTERDICT_ETHEREUM_FROM: \"seven\"");
    case.flags.config = Some("not-there.toml".into());
    case.refuses("no such file");
}

#[test]
fn a_secret_in_the_file_is_refused_and_not_shown() {
    for url in ["https://me:sesame@node.example", "https://node.example/?apikey=sesame"] {
        let case = Case::new(&format!("[[chain]]\nid = \"ethereum\"\nrpc = [\"{url}\"]"));
        let error = format!("{:#}", case.read().expect_err("is refused"));
        assert!(error.contains("url_file") && error.contains("node.example"), "{error}");
        assert!(!error.contains("sesame"), "{error}");
    }
}

#[test]
fn a_secret_comes_from_a_file_or_the_environment_and_is_not_shown() {
    let text = "[[chain]]\nid = \"ethereum\"\n[[chain.node]]\nurl_file = \"node.url\"\n\
                [[chain.node]]\nurl = \"http://b\"\nlogin_env = \"WORD\"";
    let mut case = Case::new(text);
    std::fs::write(case.folder.path().join("node.url"), "https://node.example/v3/sesame\n")
        .expect("written");
    case.refuses("WORD is not set");
    case.environment.insert("WORD", "me:sesame");
    let chain = case.chain();
    assert_eq!(chain.nodes[0].value.url.reveal(), "https://node.example/v3/sesame");
    assert_eq!(chain.nodes[1].value.login, Some(Login::Environment("WORD".into())));
    assert!(!format!("{chain:?}").contains("sesame"), "{chain:?}");
}

#[test]
fn a_tron_node_may_have_a_key_and_another_address_for_solidified_blocks() {
    let node = "[[chain]]\nid = \"tron\"\n[[chain.node]]\nurl = \"https://grid.example\"\n";
    let mut case = Case::new(&format!(
        "{node}key_file = \"grid.key\"\n[[chain.node]]\nurl = \"http://127.0.0.1:8090\"\n\
         solidity = \"http://127.0.0.1:8091\"\nkey_env = \"WORD\""
    ));
    case.refuses("grid.key");
    std::fs::write(case.folder.path().join("grid.key"), "sesame\n").expect("written");
    case.refuses("WORD is not set");
    case.environment.insert("WORD", "open");
    let chain = case.chain();
    let of = |at: usize| &chain.nodes[at].value;
    let key = |at: usize| of(at).key.as_ref().map(Secret::reveal);
    assert_eq!((key(0), key(1)), (Some("sesame"), Some("open")));
    assert_eq!(
        (of(0).solidity.as_deref(), of(1).solidity.as_deref()),
        (None, Some("http://127.0.0.1:8091"))
    );
    let shown = format!("{chain:?}");
    assert!(!shown.contains("sesame") && !shown.contains("open"), "{shown}");
    for (more, said) in [
        ("key_file = \"a\"\nkey_env = \"B\"", "key_file or key_env, not both"),
        ("solidity = \"https://a.example?key=sesame\"", "holds a password or a key"),
    ] {
        Case::new(&format!("{node}{more}")).refuses(said);
    }
}

#[test]
fn passkeys_and_a_provider_need_the_address_that_people_type() {
    Case::new("[serve]\npasskeys = true").refuses("expected `origin`");
    Case::new("[serve]\norigin = \"https://cell.example/desk\"").refuses("without a path");
    let oidc = "[oidc]\nissuer = \"https://a.example\"\nclient_id = \"cell\"\n";
    Case::new(&format!("{oidc}[oidc.roles]\ncell = \"analyst\"")).refuses("`origin` in [serve]");
    let origin = "[serve]\norigin = \"https://cell.example\"\n";
    Case::new(&format!("{origin}{oidc}roles = {{}}")).refuses("nobody gets in");
    Case::new(&format!("{origin}{oidc}[oidc.roles]\ncell = \"king\"")).refuses("king");
    let whole = Case::new(&format!("{origin}{oidc}[oidc.roles]\ncell = \"analyst\""));
    let oidc = whole.read().expect("read").oidc.expect("set up");
    assert_eq!(oidc.settings.role_claim, "groups");
    assert!(oidc.settings.client_secret.is_none() && !oidc.allow_private);
    assert!(Case::new("").read().expect("read").oidc.is_none());
}

#[test]
fn webhooks_go_to_public_addresses_unless_told_otherwise() {
    let mut case = Case::new("[webhooks]\ntimeout_s = 3");
    let webhooks = case.read().expect("read").webhooks;
    assert_eq!((webhooks.allow_private.value, webhooks.timeout_s.value), (false, 3));
    case.environment.insert("INTERDICT_WEBHOOKS_ALLOW_PRIVATE", "true");
    assert!(case.read().expect("read").webhooks.allow_private.value);
    Case::new("[webhooks]\nat_once = 0").refuses("above 0");
}

#[test]
fn people_are_kept_for_five_years_and_erased_by_nobody_unless_it_is_said() {
    let retention = Case::new("").read().expect("read").retention.setting();
    assert_eq!(retention, serve::Retention::default());
    assert!(!retention.erases && retention.kept.as_secs() >= 5 * 365 * 24 * 3600);
    let said = Case::new("[retention]\ndays = 3000\nerase = true").read().expect("read").retention;
    assert_eq!((said.days.value, said.setting().erases), (3000, true));
    Case::new("[retention]\ndays = 0").refuses("days from 1");
}
