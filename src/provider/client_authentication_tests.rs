//! Tests of the client's authentication.

use std::collections::HashMap;
use std::rc::Rc;

use futures::FutureExt as _;
use futures::future::LocalBoxFuture;
use time::OffsetDateTime;

use super::*;
use crate::config::{Config, Credentials, ProviderSettings};
use crate::jose::jwt::{Form, payload};
use crate::jose::{Jwt, signing};
use crate::provider::link::Documents;
use crate::runtime::{Cache, Cached, Http, HttpError, Isolate};

struct Still {
    has_randomness: bool,
}

impl Isolate for Still {
    fn now(&self) -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp(1_000_000).unwrap()
    }

    fn random(&self, bytes: &mut [u8]) -> bool {
        bytes.fill(7);
        self.has_randomness
    }

    fn sleep(&self, _: std::time::Duration) -> LocalBoxFuture<'static, ()> {
        futures::future::pending().boxed_local()
    }

    fn spawn(&self, _: LocalBoxFuture<'static, ()>) {}
    fn log(&self, _: &str) {}
    fn error(&self, _: &str) {}
}

struct Nothing;

impl Http for Nothing {
    fn send(
        &self,
        _: ::http::Request<Vec<u8>>,
    ) -> LocalBoxFuture<'static, Result<::http::Response<Vec<u8>>, HttpError>> {
        futures::future::ready(Err(HttpError::Unreachable)).boxed_local()
    }
}

impl Cache for Nothing {
    fn get(&self, _: String) -> LocalBoxFuture<'static, Option<Cached>> {
        futures::future::ready(None).boxed_local()
    }

    fn put(&self, _: String, _: Cached, _: std::time::Duration) -> LocalBoxFuture<'static, ()> {
        futures::future::ready(()).boxed_local()
    }
}

fn link() -> Link {
    link_with(Still { has_randomness: true })
}

fn link_with(isolate: Still) -> Link {
    Link {
        isolate: Rc::new(isolate),
        http: Rc::new(Nothing),
        cache: Rc::new(Nothing),
        signatures: Rc::new(signing::Ed25519),
        documents: Documents::default(),
    }
}

fn key() -> Rc<ClientKey> {
    let jwk = signing::private_jwk("k1").to_string();
    let vars = HashMap::from([
        ("OIDC_ISSUER", "https://op.example"),
        ("OIDC_CLIENT_ID", "the gateway"),
        ("OIDC_TOKEN_AUTH", "private_key_jwt"),
        ("OIDC_CLIENT_SECRET", "hunter2hunter2"),
        ("OIDC_CLIENT_KEY", jwk.as_str()),
        ("UPSTREAM", "https://app.internal"),
    ]);
    match Config::read(|name| vars.get(name).map(|text| (*text).to_owned()))
        .unwrap()
        .providers
        .single()
        .unwrap()
        .settings
        .clone()
    {
        ProviderSettings::Oidc(oidc) => match oidc.credentials {
            Credentials::Key(key) => key,
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
}

fn asserted(audience: &str) -> ClientAuthentication {
    assertion(&key(), "the gateway", audience, &link()).now_or_never().unwrap().unwrap()
}

#[test]
fn an_assertion_names_the_client_twice_and_the_endpoint_and_ends_in_a_minute() {
    let ClientAuthentication::Assertion(jwt) = asserted("https://op.example/token") else { panic!("no assertion") };
    let claims = payload(&jwt).unwrap();
    let expected = json!({
        "iss": "the gateway", "sub": "the gateway", "aud": "https://op.example/token", "jti": "BwcHBwcHBwcHBwcHBwcHBw",
        "iat": 1_000_000, "exp": 1_000_060,
    });
    assert_eq!(Value::Object(claims), expected);
    let header = BASE64_URL_SAFE_NO_PAD.decode(jwt.split('.').next().unwrap()).unwrap();
    let header: Value = serde_json::from_slice(&header).unwrap();
    assert_eq!(header, json!({"alg": "EdDSA", "kid": "k1", "typ": "JWT"}));
    let published = signing::set(&[serde_json::from_str(&key().public).unwrap()]);
    let jwt = Jwt::parse(&jwt, Form { types: &["jwt"], max_bytes: 4096 }).unwrap();
    assert_eq!(signing::verify(&jwt, &published), Ok(()), "the published key checks it");
    assert!(!key().public.contains("\"d\""));
}

#[test]
fn with_a_key_no_request_has_a_secret() {
    let authentication = asserted("https://op.example/token");
    let (secret, _) = authentication.secret();
    assert!(secret.is_none());
    let params = vec![("token".to_owned(), "rt".to_owned())];
    let request = authentication.form("the gateway", &"https://op.example/revoke".parse().unwrap(), params).unwrap();
    assert!(request.headers().get("authorization").is_none());
    let body: HashMap<String, String> = form_urlencoded::parse(request.body()).into_owned().collect();
    let mut names: Vec<_> = body.keys().map(String::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, ["client_assertion", "client_assertion_type", "client_id", "token"]);
    assert_eq!(body["client_assertion_type"], "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
}

#[test]
fn a_secret_goes_into_the_header_or_the_body_and_a_public_client_has_none() {
    let form = |authentication: ClientAuthentication| {
        let request = authentication.form("a b", &"https://op.example/par".parse().unwrap(), Vec::new()).unwrap();
        let header = request.headers().get("authorization").map(|value| value.to_str().unwrap().to_owned());
        (header, String::from_utf8(request.body().clone()).unwrap())
    };
    let secret = || ClientSecret::new("s+s".to_owned());
    let basic = format!("Basic {}", BASE64_STANDARD.encode("a+b:s%2Bs"));
    assert_eq!(form(ClientAuthentication::Basic(secret())), (Some(basic), String::new()));
    assert_eq!(form(ClientAuthentication::Post(secret())), (None, "client_id=a+b&client_secret=s%2Bs".to_owned()));
    assert_eq!(form(ClientAuthentication::None), (None, "client_id=a+b".to_owned()));
}

#[test]
fn a_secret_goes_only_to_where_one_is_asked_for() {
    let of = |methods: &[&str], has_key: bool| {
        let offered: Vec<CoreClientAuthMethod> =
            methods.iter().map(|method| serde_json::from_value(json!(method)).unwrap()).collect();
        chosen(Some(&offered), has_key)
    };
    for has_key in [false, true] {
        assert_eq!(chosen(None, has_key).unwrap(), TokenAuth::Basic, "a list that is missing");
        assert_eq!(of(&["client_secret_post", "client_secret_basic"], has_key).unwrap(), TokenAuth::Basic);
        assert_eq!(of(&["private_key_jwt", "client_secret_post"], has_key).unwrap(), TokenAuth::Post);
        for none in
            [&["tls_client_auth"][..], &["client_secret_jwt"], &["none"], &[], &["none", "self_signed_tls_client_auth"]]
        {
            let Err(ProviderError::Rejected(why)) = of(none, has_key) else { panic!("{none:?}") };
            assert!(none.iter().all(|name| why.contains(name)) && why.contains("OIDC_TOKEN_AUTH"), "{why}");
        }
        assert!(of(&[], has_key).unwrap_err().to_string().contains("has nothing"));
    }
    assert_eq!(of(&["private_key_jwt"], true).unwrap(), TokenAuth::PrivateKey);
    assert!(of(&["private_key_jwt"], false).unwrap_err().to_string().contains("OIDC_CLIENT_KEY"));
    let odd = of(&["x<script>", "y\nz"], false).unwrap_err().to_string();
    assert!(!odd.contains('<') && !odd.contains('\n'), "{odd}");
}

#[test]
fn without_randomness_no_assertion_is_made_and_the_key_is_not_blamed() {
    let link = link_with(Still { has_randomness: false });
    let made = assertion(&key(), "the gateway", "https://op.example/token", &link).now_or_never().unwrap();
    let Err(ProviderError::Rejected(why)) = made else { panic!("an assertion") };
    assert!(why.contains("random") && !why.contains("OIDC_CLIENT_KEY"), "{why}");
}
