use std::sync::LazyLock;

use proptest::prelude::*;

use super::*;

fn rpc(url: &str, login: &Login) -> Result<Rpc, SourceError> {
    Rpc::new(url, login, Bounds::default())
}

static ANYBODY: LazyLock<Rpc> =
    LazyLock::new(|| rpc("http://127.0.0.1:1", &Login::Address).expect("an address"));

fn result(body: &str) -> Result<String, SourceError> {
    ANYBODY.result(body.to_string(), 7).map(|reply| reply.text().to_string())
}

fn kind(body: &str) -> Kind {
    result(body).expect_err(body).kind
}

#[test]
fn the_result_of_either_version_is_read() {
    for (body, expected) in [
        (r#"{"jsonrpc":"2.0","result":{"a":[1, 2]},"id":7}"#, r#"{"a":[1, 2]}"#),
        (r#"{"result":"x","error":null,"id":7}"#, r#""x""#),
        (r#"{"result":null,"error":null,"id":7}"#, "null"),
    ] {
        assert_eq!(result(body).expect(body), expected);
    }
}

#[test]
fn errors_say_what_to_do_about_them() {
    let said = |code: i64, message: &str| {
        kind(&json!({ "error": { "code": code, "message": message }, "id": 7 }).to_string())
    };
    assert!(
        matches!(said(-28, "Loading block index…"), Kind::Transient(what) if what.contains("starting"))
    );
    assert!(matches!(said(-8, "Block height out of range"), Kind::NotFound));
    assert!(matches!(said(-5, "Block not found"), Kind::NotFound));
    assert!(matches!(said(-32601, "Method not found"), Kind::NoMethod(_)));
    assert!(
        matches!(said(-1, "Block not available (pruned data)"), Kind::Refused(what) if what.contains("is pruned"))
    );
    assert!(matches!(said(-1, "Block not available (not fully downloaded)"), Kind::Transient(_)));
    assert!(matches!(said(-8, "Verbosity was boolean"), Kind::Refused(_)));
    let Kind::Refused(long) = said(-1, &"\u{1b}[31m".repeat(1000)) else { panic!("refused") };
    assert!(long.len() < 300 && !long.contains('\u{1b}'), "{long}");
}

#[test]
fn the_answer_to_another_question_is_a_lie() {
    for body in [
        r#"{"result":1,"id":8}"#,
        r#"{"result":1}"#,
        r#"{"result":1,"result":2,"id":7}"#,
        r#"{"result":{"a":"#,
        "[]",
        "",
        "<html>",
    ] {
        assert!(matches!(kind(body), Kind::Lie(_)), "{body}");
    }
}

#[test]
fn many_answers_come_in_the_order_of_the_questions() {
    let rpc = &*ANYBODY;
    let body = r#"[{"result":2,"id":8},{"error":{"code":-5,"message":"gone"},"id":9},{"result":1,"id":7}]"#;
    let answers = rpc.results(body, 7, 3).expect("three answers");
    let texts: Vec<_> = answers.iter().map(|a| a.as_ref().map(|text| text.get())).collect();
    assert_eq!(texts, [Ok("1"), Ok("2"), Err(&-5)]);
    for wrong in [
        r#"[{"result":2,"id":8}]"#,
        r#"[{"result":2,"id":7},{"result":2,"id":7},{"result":2,"id":8}]"#,
        r#"{"result":[],"id":7}"#,
    ] {
        assert!(rpc.results(wrong, 7, 3).is_err(), "{wrong}");
    }
    let busy = r#"{"error":{"code":-28,"message":"Rewinding"},"id":null}"#;
    assert!(rpc.results(busy, 7, 3).expect_err("starting").is_transient());
}

#[test]
fn a_login_comes_from_a_file_and_is_never_shown() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join(".cookie");
    let login = Login::File(path.clone());
    let missing = rpc("http://127.0.0.1:1", &login).err().expect("no cookie yet");
    assert!(
        missing.is_transient() && missing.to_string().contains("does the node run?"),
        "{missing}"
    );
    std::fs::write(&path, "secret").expect("written");
    let wrong = rpc("http://127.0.0.1:1", &login).err().expect("no user");
    assert!(!format!("{wrong:?}").contains("secret"), "{wrong:?}");
    std::fs::write(&path, "__cookie__:pass/w@rd:x\n").expect("written");
    let rpc = rpc("http://127.0.0.1:1", &login).expect("a login");
    assert_eq!(rpc.connection().secret.as_deref(), Some("__cookie__:pass/w@rd:x"));
    assert_eq!(rpc.connection().http.node(), "http://127.0.0.1:1");
    let unset = Login::Environment("INTERDICT_NO_SUCH_VARIABLE".into());
    let unset = self::rpc("http://127.0.0.1:1", &unset).err().expect("not set");
    assert!(unset.to_string().contains("INTERDICT_NO_SUCH_VARIABLE"), "{unset}");
}

proptest! {
    #[test]
    fn no_answer_panics(body in ".{0,80}") {
        let _ = result(&body);
        let _ = result(&format!(r#"{{"id":7,"result":{body}}}"#));
    }
}
