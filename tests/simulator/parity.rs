//! The models and what they stand for: `tests/parts/models.json` is run here against the models, and by `tests/models.test.mjs` against a Durable
//! Object on workerd, Postgres, and the certified `oidc-provider`.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use edge_oauth_sessions::runtime::{PgParameter, PgValue, Postgres as _, SqlValue, Storage as _};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use url::Url;

use super::provider::{Caller, ISSUER};
use super::storage::{Disk, Handle};
use super::world::World;

/// The steps of one script.
fn script(name: &str) -> Vec<Value> {
    let scripts: Value = serde_json::from_str(include_str!("../parts/models.json")).unwrap();
    scripts[name].as_array().unwrap().clone()
}

/// A statement of the product's, as `src/store/neon.rs` has it.
fn statement(name: &str) -> String {
    let source = include_str!("../../src/store/neon.rs");
    let (_, rest) = source.split_once(&format!("const {name}: &str = \"")).unwrap();
    let text = rest.split_once("\";").unwrap().0;
    text.split("\\\n").map(str::trim_start).collect()
}

#[test]
fn the_model_of_postgres_does_with_the_store_s_statements_what_postgres_does() {
    let world = World::new(&[]);
    world.clone().executor.run(async move {
        let connection = world.postgres.open().await.unwrap();
        let now = world.executor.now();
        let bytes = |value: &Value| value.as_str().map(|text| hex::decode(text).unwrap());
        for (at, step) in script("postgres").into_iter().enumerate() {
            let (actor, write) = if step["other"].is_object() { ("b", &step["other"]) } else { ("a", &step["write"]) };
            let (record, foreign) = (bytes(&write["record"]), bytes(&write["foreign"]["record"]));
            let kept_until = now + time::Duration::seconds(write["kept_for"].as_i64().unwrap_or(3_600));
            let upsert = [
                PgParameter::Text(actor),
                PgParameter::Number(write["generation"].as_i64()),
                PgParameter::Bytes(record.as_deref()),
                PgParameter::Text("active"),
                PgParameter::Text("i"),
                PgParameter::Text("s"),
                PgParameter::Text("oc"),
                PgParameter::Time(Some(now)),
                PgParameter::Time(Some(now)),
                PgParameter::Time(Some(kept_until)),
                PgParameter::Time(Some(kept_until)),
                PgParameter::Number(write["foreign"]["generation"].as_i64()),
                PgParameter::Bytes(foreign.as_deref()),
            ];
            let (name, parameters) = match () {
                () if write.is_object() => ("UPSERT", &upsert[..]),
                () if step["delete"] == true => ("DELETE", &upsert[..1]),
                () => ("SELECT", &upsert[..1]),
            };
            let text = statement(name);
            let run = connection.run("BEGIN; SET LOCAL statement_timeout = 2000", &text, parameters, "COMMIT");
            let rows = run.await.unwrap();
            match name {
                "UPSERT" => assert_eq!(Value::from(!rows.is_empty()), step["taken"], "step {at}"),
                "SELECT" => {
                    let found = rows.first().map(|row| match row.as_slice() {
                        [PgValue::Bytes(record), PgValue::Number(generation)] => {
                            json!({"generation": generation, "record": hex::encode(record)})
                        }
                        other => panic!("{other:?}"),
                    });
                    assert_eq!(found.unwrap_or_default(), step["read"], "step {at}");
                }
                _ => {}
            }
        }
    });
}

fn into(value: &Value) -> SqlValue {
    match value {
        Value::Number(number) => SqlValue::Integer(number.as_i64().unwrap()),
        Value::String(text) => SqlValue::Text(text.clone()),
        Value::Object(_) => SqlValue::Blob(hex::decode(value["hex"].as_str().unwrap()).unwrap()),
        _ => SqlValue::Null,
    }
}

fn out(value: SqlValue) -> Value {
    match value {
        SqlValue::Null => Value::Null,
        SqlValue::Integer(number) => number.into(),
        SqlValue::Text(text) => text.into(),
        SqlValue::Blob(bytes) => json!({"hex": hex::encode(bytes)}),
    }
}

#[test]
fn the_model_of_storage_does_what_a_durable_object_s_does_whether_what_was_not_durable_is_kept_or_lost() {
    for keeps in [true, false] {
        let world = World::new(&[]);
        world.clone().executor.run(async move {
            let disk = Disk::new(&world.executor, &world.faults);
            let fired = Rc::new(std::cell::RefCell::new(Vec::new()));
            let (seen, own) = (Rc::clone(&fired), Rc::downgrade(&disk));
            disk.at_alarm(move || {
                // As the platform does when the handler begins.
                let disk = own.upgrade().unwrap();
                disk.put_alarm(None);
                seen.borrow_mut().push(disk.alarm());
            });
            let handle = Handle { disk: Rc::clone(&disk), clock: world.clocks.first(), instance: Rc::default() };
            for (at, step) in script("storage").into_iter().enumerate() {
                let text = |name: &str| step[name].as_str().map(str::to_owned);
                let values = || step["with"].as_array().into_iter().flatten().map(into).collect::<Vec<_>>();
                if let Some(statements) = step["crash"].as_array() {
                    statements.iter().for_each(|text| handle.exec(text.as_str().unwrap(), Vec::new()).unwrap());
                    disk.restart(keeps);
                }
                if let Some(text) = text("exec") {
                    handle.exec(&text, values()).unwrap();
                }
                if let Some(text) = text("fails") {
                    assert!(handle.query(&text, Vec::new()).is_err(), "step {at}");
                }
                if let Some(milliseconds) = step["alarm"].as_u64() {
                    let span = Duration::from_millis(milliseconds);
                    handle.set_alarm(world.executor.now() + span).await.unwrap();
                    world.wait(span + Duration::from_secs(1)).await;
                    assert_eq!(json!(fired.borrow().len()), step["fired"], "step {at}");
                    assert_eq!(fired.borrow()[0], None, "step {at}");
                }
                if step["drop"] == true {
                    handle.delete_all().await.unwrap();
                }
                if let Some(text) = text("query") {
                    let rows = handle.query(&text, values()).unwrap();
                    let rows: Value = rows.into_iter().map(|row| row.into_iter().map(out).collect::<Value>()).collect();
                    let allowed = step["either"].as_array().cloned().unwrap_or_else(|| vec![step["rows"].clone()]);
                    assert!(allowed.contains(&rows), "step {at}: {rows}");
                }
                // An answer leaves.
                disk.confirm();
            }
        });
    }
}

#[test]
fn the_model_of_the_provider_does_with_codes_and_refresh_tokens_what_the_certified_one_does() {
    let world = World::new(&[]);
    world.clone().executor.run(async move {
        let provider = &world.provider;
        let verifier = "v".repeat(64);
        let mut named: BTreeMap<String, String> = BTreeMap::from([("never".to_owned(), "never".to_owned())]);
        for (at, step) in script("provider").into_iter().enumerate() {
            let text = |name: &str| step[name].as_str().map(str::to_owned);
            if let Some(name) = text("login") {
                let challenge = BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(&verifier));
                let url = format!(
                    "{ISSUER}/authorize?redirect_uri=https://app.example/auth/callback&state=s&nonce=n&code_challenge={challenge}"
                );
                let (back, _) = provider.authorize(&Url::parse(&url).unwrap(), None, "ada");
                let back = Url::parse(&back).unwrap();
                let code = back.query_pairs().find(|(name, _)| name == "code").unwrap().1.into_owned();
                named.insert(name, code);
                continue;
            }
            let given = |name: &str| text(name).map(|name| named[&name].clone());
            let (path, form) = match (given("redeem"), given("refresh"), given("revoke")) {
                (Some(code), ..) => {
                    let verifier = text("verifier").unwrap_or_else(|| verifier.clone());
                    ("token", format!("grant_type=authorization_code&code={code}&code_verifier={verifier}"))
                }
                (_, Some(token), _) => ("token", format!("grant_type=refresh_token&refresh_token={token}")),
                (_, _, token) => ("revoke", format!("token={}", token.unwrap())),
            };
            let request = http::Request::post(format!("{ISSUER}/{path}")).body(form.into_bytes()).unwrap();
            let answer = provider.answer(request, &Caller { actor: None }).await.unwrap();
            let body: Value = serde_json::from_slice(answer.body()).unwrap();
            assert_eq!(json!(answer.status().as_u16()), step["status"], "step {at}: {body}");
            assert_eq!(body["error"], step["error"], "step {at}");
            let new = body["refresh_token"].as_str().map(str::to_owned);
            if step["rotates"] == true {
                assert_ne!(new, given("refresh"), "step {at}");
            }
            if let (Some(name), Some(new)) = (text("as"), new) {
                named.insert(name, new);
            }
        }
    });
}
