//! A strict OpenID provider.
//!
//! - A code is good once (a second time ends what it brought), and for five minutes, with the PKCE verifier that fits (RFC 7636).
//! - A refresh brings a new refresh token, and the old one is spent. A spent refresh token that is presented ends its whole family:
//!   `invalid_grant`, and so for every token of it (RFC 9700 section 4.14.2). It is noted in `reused`.
//! - By its rules ([`Rules`]) it may instead keep one refresh token for ever, take a spent one for a while, or know one grant for each user.
//! - A script says what goes wrong with the next calls of the token endpoint, one after the other. In a world with faults they strike as well.
//! - A token request that names a target (`audience`, `resource` or `scope`) gets an access token for that alone, or a refusal by the rules.
//! - 429, 500 and 503 mean that it did nothing; 502, 504 and an answer that cannot be read say nothing of that.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::rc::Rc;
use std::time::Duration;

use edge_oauth_sessions::credential::ActorId;
use edge_oauth_sessions::runtime::HttpError;
use http::{Method, Request, Response};
use serde_json::{Value, json};
use time::OffsetDateTime;

use super::executor::{Executor, Process};
use super::faults::Faults;
use super::tally::Tally;

mod documents;
mod front;
mod presented;
mod token;

pub use documents::{client_jwt, logout_token};
pub use front::{Front, Login};

pub const ISSUER: &str = "https://op.example";
/// How long an access token lives.
pub const TOKEN_LIFE: Duration = Duration::from_secs(300);

type Answer = Result<Response<Vec<u8>>, HttpError>;
/// All tokens that came of one login; or of one user, by the rules.
pub type Family = u64;

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

/// How it grants tokens.
pub struct Rules {
    /// A refresh token is good once.
    pub rotates: Cell<bool>,
    /// How long a spent one is taken.
    pub leeway: Cell<Duration>,
    /// All tokens of a user are one family.
    pub one_grant: Cell<bool>,
    /// How long an access token lives.
    pub life: Cell<Duration>,
    /// It has an endpoint for UserInfo.
    pub user_info: Cell<bool>,
    /// A silent login gets no refresh token.
    pub strips_offline: Cell<bool>,
    /// The targets that it gives no access token for, and what it answers (RFC 8707 section 2).
    pub refuses: RefCell<BTreeMap<String, &'static str>>,
    /// How far a clock may be off that pauses are measured with.
    pub tolerance: Cell<Duration>,
}

/// A refresh token.
pub struct Token {
    pub subject: String,
    pub family: Family,
    pub spent_at: Option<OffsetDateTime>,
    presentations: Vec<presented::Presentation>,
}

/// An access token.
#[derive(Clone, Debug)]
pub struct Access {
    pub subject: String,
    pub family: Family,
    pub expires_at: OffsetDateTime,
    /// What it is for, where that is not the session's own use.
    pub target: Option<String>,
}

/// What is known of a family.
#[derive(Default)]
pub struct Grant {
    pub subject: String,
    pub sid: String,
    pub is_ended: bool,
    /// It was refused to somebody.
    pub was_refused: bool,
    /// Somebody cannot know what became of a call.
    pub is_in_doubt: bool,
    /// When it last brought tokens.
    pub granted_at: Option<OffsetDateTime>,
    /// When it last brought a token for a target.
    pub granted_for_at: BTreeMap<String, OffsetDateTime>,
    /// How many had presented its tokens by then.
    pub presenters_then: usize,
    /// Who presented its tokens, one after the other.
    pub presenters: Vec<ActorId>,
}

/// Who calls.
pub struct Caller {
    pub actor: Option<(ActorId, Process)>,
}

impl std::fmt::Display for Caller {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.actor {
            Some((actor, process)) => write!(f, "{}, process {process}", &actor.as_str()[..6]),
            None => f.write_str("a gateway"),
        }
    }
}

/// See the module.
pub struct Provider {
    executor: Executor,
    faults: Rc<Faults>,
    tally: Rc<Tally>,
    pub rules: Rules,
    codes: RefCell<BTreeMap<String, Login>>,
    /// What was granted with codes that are used up.
    redeemed: RefCell<BTreeMap<String, Family>>,
    pub tokens: RefCell<BTreeMap<String, Token>>,
    pub access: RefCell<BTreeMap<String, Access>>,
    pub grants: RefCell<BTreeMap<Family, Grant>>,
    /// Whose session of a browser's is over.
    over: RefCell<BTreeSet<String>>,
    pub script: RefCell<VecDeque<Fault>>,
    /// The refresh tokens that were presented, in their order.
    pub presented: RefCell<Vec<String>>,
    /// Those of them that were spent.
    pub reused: RefCell<Vec<String>>,
    /// Those that were revoked.
    pub revoked: RefCell<Vec<String>>,
    /// How many refreshes it did.
    pub refreshes: Cell<u32>,
    /// How many access tokens it gave for a target: by a refresh token, or in exchange for another (RFC 8693).
    pub granted_for: RefCell<BTreeMap<String, u32>>,
    /// When somebody last asked for a refresh of this user's, whatever the token's age.
    pub forced: RefCell<BTreeMap<String, OffsetDateTime>>,
    client_unknown_until: Cell<Option<OffsetDateTime>>,
    /// Its keys are not to be had.
    pub hides_keys: Cell<bool>,
    /// The refresh token for which a process was last answered.
    answered: RefCell<BTreeMap<Process, (String, OffsetDateTime)>>,
    /// The refresh tokens for which a process waits.
    in_flight: RefCell<Vec<(String, Process)>>,
    /// The processes that wait for a document: once for each.
    fetching: RefCell<Vec<Process>>,
    /// When a process last got one, or did not.
    fetched_at: RefCell<BTreeMap<Process, OffsetDateTime>>,
}

impl Provider {
    pub fn new(executor: &Executor, faults: &Rc<Faults>, tally: &Rc<Tally>) -> Self {
        Self {
            executor: executor.clone(),
            faults: Rc::clone(faults),
            tally: Rc::clone(tally),
            rules: Rules {
                rotates: Cell::new(true),
                leeway: Cell::default(),
                one_grant: Cell::default(),
                life: Cell::new(TOKEN_LIFE),
                user_info: Cell::default(),
                strips_offline: Cell::default(),
                refuses: RefCell::default(),
                tolerance: Cell::default(),
            },
            codes: RefCell::default(),
            redeemed: RefCell::default(),
            tokens: RefCell::default(),
            access: RefCell::default(),
            grants: RefCell::default(),
            over: RefCell::default(),
            script: RefCell::default(),
            presented: RefCell::default(),
            reused: RefCell::default(),
            revoked: RefCell::default(),
            granted_for: RefCell::default(),
            refreshes: Cell::default(),
            forced: RefCell::default(),
            client_unknown_until: Cell::default(),
            hides_keys: Cell::default(),
            answered: RefCell::default(),
            in_flight: RefCell::default(),
            fetching: RefCell::default(),
            fetched_at: RefCell::default(),
        }
    }

    fn now(&self) -> OffsetDateTime {
        self.executor.now()
    }

    /// Whether some refresh token of this user's is still good.
    pub fn has_grant(&self, subject: &str) -> bool {
        self.good_tokens().iter().any(|(_, known, _)| known == subject)
    }

    /// The refresh tokens that are still good, whose they are, and of which family.
    pub fn good_tokens(&self) -> Vec<(String, String, Family)> {
        let grants = self.grants.borrow();
        let tokens = self.tokens.borrow();
        let good = tokens
            .iter()
            .filter(|(_, token)| token.spent_at.is_none() && !grants.get(&token.family).is_some_and(|g| g.is_ended));
        good.map(|(text, token)| (text.clone(), token.subject.clone(), token.family)).collect()
    }

    /// The provider's session of a family is over: it was logged out there.
    pub fn end_session(&self, sid: &str) {
        self.over.borrow_mut().insert(sid.to_owned());
    }

    /// Ends a grant.
    pub fn end_grant(&self, family: Family) {
        if let Some(grant) = self.grants.borrow_mut().get_mut(&family) {
            grant.is_ended = true;
        }
    }

    pub async fn answer(&self, request: Request<Vec<u8>>, caller: &Caller) -> Answer {
        match (request.method(), request.uri().path()) {
            (&Method::GET, "/.well-known/openid-configuration") => {
                reply(200, &documents::discovery(self.rules.user_info.get()))
            }
            (&Method::GET, "/jwks") if self.hides_keys.get() => reply(500, &json!({})),
            (&Method::GET, "/jwks") => reply(200, &json!({ "keys": [documents::jwk()] })),
            (&Method::GET, "/userinfo") => self.user_info(&request),
            (&Method::POST, "/token") => self.token(request.body(), caller).await,
            (&Method::POST, "/revoke") => {
                let token = form(request.body()).remove("token").unwrap_or_default();
                let family = self.tokens.borrow().get(&token).map(|known| known.family);
                family.into_iter().for_each(|family| self.end_grant(family));
                self.tally.tell(|| format!("{token} is revoked by {caller}"));
                self.revoked.borrow_mut().push(token);
                reply(200, &json!({}))
            }
            (_, path) => panic!("nobody asks for {path}"),
        }
    }

    fn user_info(&self, request: &Request<Vec<u8>>) -> Answer {
        let token = request.headers().get("authorization").and_then(|value| value.to_str().ok()).unwrap_or_default();
        let token = token.strip_prefix("Bearer ").unwrap_or_default();
        match self.access.borrow().get(token) {
            Some(access) => reply(200, &json!({"sub": access.subject, "groups": ["all"]})),
            None => reply(401, &json!({})),
        }
    }
}

fn reply(status: u16, body: &Value) -> Answer {
    let answer = Response::builder().status(status).header("content-type", "application/json");
    Ok(answer.body(body.to_string().into_bytes()).unwrap())
}

fn form(body: &[u8]) -> BTreeMap<String, String> {
    url::form_urlencoded::parse(body).into_owned().collect()
}
