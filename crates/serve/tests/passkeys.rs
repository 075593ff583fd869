//! Passkeys, with an authenticator written for it: what it says right, and what it says wrong.

#![allow(clippy::unwrap_used)]

mod common;

use axum::http::Method;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use common::{Answer, Desk, PASSWORD, desk_with, settings};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair};
use serde_json::{Value, json};
use serve::Settings;
use serve::access::passkeys::Site;
use sha2::{Digest, Sha256};

const ORIGIN: &str = "https://cell.example";

/// What a device does otherwise than it should.
type Lie = fn(&mut Device);

enum Pair {
    P256(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

/// A device with one passkey.
struct Device {
    pair: Pair,
    credential: Vec<u8>,
    counter: u32,
    origin: &'static str,
    rp_id: &'static str,
    is_verified: bool,
    kind: Option<&'static str>,
}

impl Device {
    fn new(is_ed25519: bool) -> Device {
        let random = SystemRandom::new();
        let pair = if is_ed25519 {
            let key = Ed25519KeyPair::generate_pkcs8(&random).unwrap();
            Pair::Ed25519(Ed25519KeyPair::from_pkcs8(key.as_ref()).unwrap())
        } else {
            let kind = &ECDSA_P256_SHA256_ASN1_SIGNING;
            let key = EcdsaKeyPair::generate_pkcs8(kind, &random).unwrap();
            Pair::P256(EcdsaKeyPair::from_pkcs8(kind, key.as_ref(), &random).unwrap())
        };
        let credential = (0..32).map(|n| n ^ u8::from(is_ed25519)).collect();
        let rp_id = "cell.example";
        Device {
            pair,
            credential,
            counter: 0,
            origin: ORIGIN,
            rp_id,
            is_verified: true,
            kind: None,
        }
    }

    fn cose(&self) -> Vec<u8> {
        match &self.pair {
            Pair::P256(pair) => {
                let point = pair.public_key().as_ref();
                [
                    &[0xa5, 1, 2, 3, 0x26, 0x20, 1, 0x21, 0x58, 32][..],
                    &point[1..33],
                    &[0x22, 0x58, 32],
                    &point[33..],
                ]
                .concat()
            }
            Pair::Ed25519(pair) => {
                let key = pair.public_key().as_ref();
                [&[0xa4, 1, 1, 3, 0x27, 0x20, 6, 0x21, 0x58, 32][..], key].concat()
            }
        }
    }

    fn data(&self, attested: bool) -> Vec<u8> {
        let flags = 1 | if self.is_verified { 4 } else { 0 } | if attested { 0x40 } else { 0 };
        let mut data = Sha256::digest(self.rp_id).to_vec();
        data.push(flags);
        data.extend(self.counter.to_be_bytes());
        if attested {
            data.extend([0; 16]);
            data.extend(u16::try_from(self.credential.len()).unwrap().to_be_bytes());
            data.extend(&self.credential);
            data.extend(self.cose());
        }
        data
    }

    fn client(&self, kind: &'static str, challenge: &str) -> Vec<u8> {
        let kind = self.kind.unwrap_or(kind);
        json!({ "type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": false })
            .to_string()
            .into_bytes()
    }

    /// As `credential.toJSON()` of a browser.
    fn make(&self, options: &Value) -> Value {
        let challenge = options["publicKey"]["challenge"].as_str().unwrap();
        let data = self.data(true);
        let length = u16::try_from(data.len()).unwrap().to_be_bytes();
        let object =
            [&[0xa3][..], b"\x63fmt\x64none\x67attStmt\xa0\x68authData\x59", &length, &data]
                .concat();
        json!({
            "id": base64(&self.credential), "rawId": base64(&self.credential), "type": "public-key",
            "response": {
                "clientDataJSON": base64(&self.client("webauthn.create", challenge)),
                "attestationObject": base64(&object), "transports": ["internal"],
            },
            "clientExtensionResults": {},
        })
    }

    fn sign(&self, options: &Value) -> Value {
        let challenge = options["publicKey"]["challenge"].as_str().unwrap();
        let (client, data) = (self.client("webauthn.get", challenge), self.data(false));
        let message = [&data[..], &Sha256::digest(&client)].concat();
        let signature = match &self.pair {
            Pair::P256(pair) => {
                pair.sign(&SystemRandom::new(), &message).unwrap().as_ref().to_vec()
            }
            Pair::Ed25519(pair) => pair.sign(&message).as_ref().to_vec(),
        };
        json!({
            "id": base64(&self.credential), "type": "public-key",
            "response": {
                "clientDataJSON": base64(&client), "authenticatorData": base64(&data),
                "signature": base64(&signature), "userHandle": "AAAAAAAAAAE",
            },
        })
    }
}

fn base64(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn desk() -> Desk {
    desk_with(Settings { passkeys: Site::of(ORIGIN), ..settings() })
}

async fn signed_in(desk: &Desk) -> [(&'static str, String); 2] {
    let (cookie, csrf) = desk.administrator().await;
    [("cookie", format!("interdict={cookie}")), ("x-csrf-token", csrf)]
}

async fn post(desk: &Desk, who: &[(&'static str, String); 2], path: &str, body: Value) -> Answer {
    let headers = [(who[0].0, who[0].1.as_str()), (who[1].0, who[1].1.as_str())];
    desk.post(path, &headers, body).await
}

async fn add(desk: &Desk, who: &[(&'static str, String); 2], device: &Device) -> Answer {
    let begun =
        post(desk, who, "/v1/session/passkeys/begin", json!({ "password": PASSWORD })).await;
    assert_eq!(begun.status, 200, "{}", begun.text);
    let options = begun.json();
    let body = json!({
        "ceremony": options["ceremony"], "name": "blue key", "credential": device.make(&options),
    });
    post(desk, who, "/v1/session/passkeys", body).await
}

async fn begin(desk: &Desk) -> Value {
    desk.send(Method::POST, "/v1/session/passkey/begin", &[], "").await.json()
}

async fn sign_in(desk: &Desk, device: &Device) -> Answer {
    let options = begin(desk).await;
    let body = json!({ "ceremony": options["ceremony"], "credential": device.sign(&options) });
    desk.post("/v1/session/passkey", &[], body).await
}

#[tokio::test]
async fn a_passkey_is_added_listed_signs_in_and_is_removed() {
    for is_ed25519 in [false, true] {
        let desk = desk();
        let who = signed_in(&desk).await;
        let mut device = Device::new(is_ed25519);
        let added = add(&desk, &who, &device).await;
        assert_eq!(added.status, 201, "{}", added.text);
        assert_eq!(add(&desk, &who, &device).await.status, 409, "there already");
        let headers = [("cookie", who[0].1.as_str())];
        let list = desk.get("/v1/session/passkeys", &headers).await.json();
        assert_eq!(
            (&list["items"][0]["name"], &list["items"][0]["used_at"]),
            (&"blue key".into(), &Value::Null)
        );
        device.counter = 1;
        let answer = sign_in(&desk, &device).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        let cookie = format!("interdict={}", answer.cookie());
        let me = desk.get("/v1/session", &[("cookie", &cookie)]).await.json();
        assert_eq!((&me["actor"], &me["has_passkey"]), (&"person:ada".into(), &true.into()));
        let all = [
            ("content-type", "application/json"),
            (who[0].0, who[0].1.as_str()),
            (who[1].0, who[1].1.as_str()),
        ];
        let body = json!({ "password": PASSWORD }).to_string();
        let gone = desk.send(Method::DELETE, "/v1/session/passkeys/1", &all, body).await;
        assert_eq!(gone.status, 204, "{}", gone.text);
        device.counter = 2;
        assert_eq!(sign_in(&desk, &device).await.status, 401);
        assert_eq!(add(&desk, &who, &device).await.status, 201, "it may come again");
    }
}

#[tokio::test]
async fn what_was_not_asked_for_adds_no_passkey() {
    let desk = desk();
    let who = signed_in(&desk).await;
    let wrong: [(&str, Lie); 3] = [
        ("origin", |device| device.origin = "https://evil.example"),
        ("server", |device| device.rp_id = "evil.example"),
        ("type", |device| device.kind = Some("webauthn.get")),
    ];
    for (said, change) in wrong {
        let mut device = Device::new(false);
        change(&mut device);
        let answer = add(&desk, &who, &device).await;
        assert_eq!(answer.status, 422, "{said}");
        assert!(answer.text.contains(said), "{said}: {}", answer.text);
    }
    // Without the password, and with a challenge of somebody's own.
    let begun =
        post(&desk, &who, "/v1/session/passkeys/begin", json!({ "password": "wrong wrong" })).await;
    assert_eq!(begun.status, 401);
    let device = Device::new(false);
    let made_up = json!({ "publicKey": { "challenge": base64(&[7; 32]) } });
    let begun =
        post(&desk, &who, "/v1/session/passkeys/begin", json!({ "password": PASSWORD })).await;
    let ceremony = begun.json()["ceremony"].clone();
    let body = |ceremony: &Value| json!({ "ceremony": ceremony, "name": "x", "credential": device.make(&made_up) });
    assert_eq!(post(&desk, &who, "/v1/session/passkeys", body(&ceremony)).await.status, 422);
    // Used up, though it failed; and one of signing in adds none.
    assert!(
        post(&desk, &who, "/v1/session/passkeys", body(&ceremony))
            .await
            .text
            .contains("begin anew")
    );
    let other = begin(&desk).await["ceremony"].clone();
    assert!(
        post(&desk, &who, "/v1/session/passkeys", body(&other)).await.text.contains("begin anew")
    );
}

#[tokio::test]
async fn a_device_that_lies_signs_nobody_in() {
    let desk = desk();
    let who = signed_in(&desk).await;
    let mut device = Device::new(false);
    assert_eq!(add(&desk, &who, &device).await.status, 201);
    let lies: [(&str, Lie); 4] = [
        ("origin", |device| device.origin = "https://evil.example"),
        ("server", |device| device.rp_id = "evil.example"),
        ("type", |device| device.kind = Some("webauthn.create")),
        ("PIN", |device| device.is_verified = false),
    ];
    for (said, lie) in lies {
        lie(&mut device);
        let answer = sign_in(&desk, &device).await;
        assert!(answer.status == 401 && answer.text.contains(said), "{said}: {}", answer.text);
        (device.origin, device.rp_id, device.kind, device.is_verified) =
            (ORIGIN, "cell.example", None, true);
    }
    // Another key under the same name.
    let own = std::mem::replace(&mut device.pair, Device::new(false).pair);
    assert!(sign_in(&desk, &device).await.text.contains("signature"));
    device.pair = own;
    // The same answer a second time, and one whose counter went back.
    device.counter = 9;
    let options = begin(&desk).await;
    let body = json!({ "ceremony": options["ceremony"], "credential": device.sign(&options) });
    assert_eq!(desk.post("/v1/session/passkey", &[], body.clone()).await.status, 200);
    assert_eq!(desk.post("/v1/session/passkey", &[], body).await.status, 422);
    device.counter = 9;
    assert!(sign_in(&desk, &device).await.text.contains("counter"));
    // One byte of the signature.
    device.counter = 10;
    let options = begin(&desk).await;
    let mut credential = device.sign(&options);
    let signature = credential["response"]["signature"].as_str().unwrap().to_string();
    let flipped = if signature.ends_with('A') { "B" } else { "A" };
    let at = signature.len() - 3;
    credential["response"]["signature"] =
        format!("{}{flipped}{}", &signature[..at], &signature[at + 1..]).into();
    let body = json!({ "ceremony": options["ceremony"], "credential": credential });
    assert_eq!(desk.post("/v1/session/passkey", &[], body).await.status, 401);
}

#[tokio::test]
async fn beside_a_password_a_passkey_is_asked_for_and_a_touch_is_enough() {
    let desk = desk();
    let who = signed_in(&desk).await;
    let mut device = Device::new(true);
    assert_eq!(add(&desk, &who, &device).await.status, 201);
    let alone = json!({ "name": "ada", "password": PASSWORD });
    assert_eq!(desk.post("/v1/session", &[], alone).await.kind(), "code-needed");
    let with = |options: &Value, device: &Device, password: &str| {
        json!({ "name": "ada", "password": password, "passkey": {
            "ceremony": options["ceremony"], "credential": device.sign(options) } })
    };
    device.is_verified = false;
    device.counter = 1;
    let options = begin(&desk).await;
    let body = with(&options, &device, "wrong wrong wrong");
    assert_eq!(desk.post("/v1/session", &[], body).await.status, 401);
    let body = with(&options, &device, PASSWORD);
    let answer = desk.post("/v1/session", &[], body).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    // Alone it is not, without PIN or finger.
    device.counter = 2;
    assert!(sign_in(&desk, &device).await.text.contains("PIN"));
    // After a reset neither it nor the password is worth anything.
    desk.app.access.reset(1, "test").unwrap();
    device.is_verified = true;
    assert_eq!(sign_in(&desk, &device).await.status, 401);
}

#[tokio::test]
async fn where_passkeys_are_not_set_up_there_are_none() {
    let desk = common::desk();
    let answer = desk.send(Method::POST, "/v1/session/passkey/begin", &[], "").await;
    assert_eq!(answer.status, 404);
    for wrong in
        ["http://cell.example", "https://", "cell.example", "https://192.0.2.1", "https://a/b"]
    {
        assert_eq!(Site::of(wrong), None, "{wrong}");
    }
    assert_eq!(Site::of("https://cell.example:8443").unwrap().rp_id, "cell.example");
    assert!(Site::of("http://localhost:8520").is_some());
}

/// What the fuzz target begins with must get as far as there is to get.
#[test]
fn the_seeds_of_the_fuzz_target_are_taken() {
    use serve::access::passkeys::{Expected, NewCredential, SignedCredential};
    let seeds = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds/passkey");
    let text = |name: &str| std::fs::read_to_string(seeds.join(name)).unwrap();
    let expected = Expected {
        challenge: &[7; 32],
        origin: ORIGIN,
        rp_id: "cell.example",
        is_user_verified: true,
    };
    let key = std::fs::read(seeds.join("key.cose")).unwrap();
    for (name, counter) in [("new.json", 9), ("new_p256.json", 0)] {
        let new: NewCredential = serde_json::from_str(&text(name)).unwrap();
        let made = new.check(expected).unwrap();
        assert_eq!((made.credential, made.counter), (vec![1, 2, 3, 4], counter), "{name}");
        assert_eq!(made.public_key == key, name == "new.json");
    }
    let signed: SignedCredential = serde_json::from_str(&text("signed.json")).unwrap();
    assert_eq!(signed.check(expected, &key, 2), Ok(3));
    assert!(signed.check(expected, &key, 3).is_err());
}
