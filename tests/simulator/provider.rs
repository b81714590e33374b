//! A strict OpenID provider.
//!
//! - A code is good once. A refresh brings a new refresh token, and the old one is spent.
//! - A spent refresh token that is presented ends its whole family: `invalid_grant`, and so for every token of it. It is noted in `reused`.
//! - A script says what goes wrong with the next calls of the token endpoint, one after the other.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use ed25519_dalek::{Signer as _, SigningKey};
use edge_oauth_sessions::runtime::HttpError;
use http::{Method, Request, Response};
use serde_json::{Value, json};

use super::executor::Executor;

pub const ISSUER: &str = "https://op.example";
/// How long an access token lives.
pub const TOKEN_LIFE: Duration = Duration::from_secs(300);

type Answer = Result<Response<Vec<u8>>, HttpError>;

/// What goes wrong with a call of the token endpoint.
#[derive(Clone, Copy, Debug)]
pub enum Fault {
    /// It answers after so long.
    Slow(Duration),
    /// It does what it is asked, and the answer is lost.
    LoseAnswer,
    /// It does nothing, and answers with this status.
    Status(u16),
}

struct Login {
    subject: String,
    nonce: String,
}

struct Token {
    subject: String,
    family: u64,
    is_spent: bool,
}

/// See the module.
pub struct Provider {
    executor: Executor,
    codes: RefCell<BTreeMap<String, Login>>,
    tokens: RefCell<BTreeMap<String, Token>>,
    ended: RefCell<Vec<u64>>,
    pub script: RefCell<VecDeque<Fault>>,
    /// The refresh tokens that were presented, in their order.
    pub presented: RefCell<Vec<String>>,
    /// Those of them that were spent.
    pub reused: RefCell<Vec<String>>,
    /// Those that were revoked.
    pub revoked: RefCell<Vec<String>>,
    /// How many refreshes it did.
    pub refreshes: Cell<u32>,
}

impl Provider {
    pub fn new(executor: &Executor) -> Self {
        Self {
            executor: executor.clone(),
            codes: RefCell::default(),
            tokens: RefCell::default(),
            ended: RefCell::default(),
            script: RefCell::default(),
            presented: RefCell::default(),
            reused: RefCell::default(),
            revoked: RefCell::default(),
            refreshes: Cell::default(),
        }
    }

    /// A user logs in: the code.
    pub fn log_in(&self, subject: &str, nonce: &str) -> String {
        let code = format!("code-{}", self.executor.number());
        self.codes.borrow_mut().insert(code.clone(), Login { subject: subject.to_owned(), nonce: nonce.to_owned() });
        code
    }

    /// Whether some refresh token of this user's is still good.
    pub fn has_grant(&self, subject: &str) -> bool {
        let ended = self.ended.borrow();
        self.tokens
            .borrow()
            .values()
            .any(|token| token.subject == subject && !token.is_spent && !ended.contains(&token.family))
    }

    pub async fn answer(&self, request: Request<Vec<u8>>) -> Answer {
        match (request.method(), request.uri().path()) {
            (&Method::GET, "/.well-known/openid-configuration") => reply(200, &discovery()),
            (&Method::GET, "/jwks") => reply(200, &json!({ "keys": [jwk()] })),
            (&Method::POST, "/token") => self.token(request.body()).await,
            (&Method::POST, "/revoke") => {
                let token = form(request.body()).remove("token").unwrap_or_default();
                if let Some(known) = self.tokens.borrow().get(&token) {
                    self.ended.borrow_mut().push(known.family);
                }
                self.revoked.borrow_mut().push(token);
                reply(200, &json!({}))
            }
            (_, path) => panic!("nobody asks for {path}"),
        }
    }

    async fn token(&self, body: &[u8]) -> Answer {
        let form = form(body);
        if let Some(token) = form.get("refresh_token") {
            self.presented.borrow_mut().push(token.clone());
        }
        let fault = self.script.borrow_mut().pop_front();
        match fault {
            Some(Fault::Status(status)) => return reply(status, &json!({"error": "temporarily_unavailable"})),
            Some(Fault::Slow(span)) => self.executor.sleep(span).await,
            Some(Fault::LoseAnswer) | None => {}
        }
        let answer = match form.get("grant_type").map(String::as_str) {
            Some("authorization_code") => {
                let login = self.codes.borrow_mut().remove(&form["code"]);
                match login {
                    Some(login) => self.grant(&login.subject, self.executor.number(), Some(&login.nonce)),
                    None => refused(),
                }
            }
            Some("refresh_token") => self.refresh(&form["refresh_token"]),
            _ => refused(),
        };
        if matches!(fault, Some(Fault::LoseAnswer)) { Err(HttpError::Unreachable) } else { answer }
    }

    fn refresh(&self, presented: &str) -> Answer {
        let mut tokens = self.tokens.borrow_mut();
        let Some(token) = tokens.get_mut(presented) else { return refused() };
        if token.is_spent {
            self.reused.borrow_mut().push(presented.to_owned());
            self.ended.borrow_mut().push(token.family);
        }
        if self.ended.borrow().contains(&token.family) {
            return refused();
        }
        token.is_spent = true;
        let (subject, family) = (token.subject.clone(), token.family);
        drop(tokens);
        self.refreshes.set(self.refreshes.get() + 1);
        self.grant(&subject, family, None)
    }

    fn grant(&self, subject: &str, family: u64, nonce: Option<&str>) -> Answer {
        let number = self.executor.number();
        let refresh_token = format!("refresh-{number}");
        let token = Token { subject: subject.to_owned(), family, is_spent: false };
        self.tokens.borrow_mut().insert(refresh_token.clone(), token);
        let now = self.executor.now().unix_timestamp();
        let mut claims = json!({"iss": ISSUER, "sub": subject, "aud": "client", "iat": now, "exp": now + 300});
        if let Some(nonce) = nonce {
            claims["nonce"] = nonce.into();
        }
        reply(
            200,
            &json!({
                "access_token": format!("access-{subject}-{number}"), "token_type": "Bearer", "expires_in": TOKEN_LIFE.as_secs(),
                "refresh_token": refresh_token, "id_token": sign(&claims),
            }),
        )
    }
}

fn reply(status: u16, body: &Value) -> Answer {
    let answer = Response::builder().status(status).header("content-type", "application/json");
    Ok(answer.body(body.to_string().into_bytes()).unwrap())
}

fn refused() -> Answer {
    reply(400, &json!({"error": "invalid_grant"}))
}

fn form(body: &[u8]) -> BTreeMap<String, String> {
    url::form_urlencoded::parse(body).into_owned().collect()
}

fn discovery() -> Value {
    let at = |path: &str| format!("{ISSUER}/{path}");
    json!({
        "issuer": ISSUER, "authorization_endpoint": at("authorize"), "token_endpoint": at("token"), "jwks_uri": at("jwks"),
        "revocation_endpoint": at("revoke"), "response_types_supported": ["code"], "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["EdDSA"],
    })
}

fn key() -> SigningKey {
    SigningKey::from_bytes(&[7; 32])
}

fn jwk() -> Value {
    let x = BASE64_URL_SAFE_NO_PAD.encode(key().verifying_key().as_bytes());
    json!({"kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "kid": "k", "x": x})
}

fn sign(claims: &Value) -> String {
    let part = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(&json!({"alg": "EdDSA", "kid": "k"})), part(claims));
    let signature = BASE64_URL_SAFE_NO_PAD.encode(key().sign(signed.as_bytes()).to_bytes());
    format!("{signed}.{signature}")
}
