//! The provider as browsers see it: the authorization endpoint, and the end of a session there.
//!
//! - A browser that is logged in there gets a code at once. With `prompt=none` one that is not gets `login_required`; else its user logs in.
//! - A browser that is sent to the end-session endpoint is logged out there, and comes back.

use std::collections::BTreeMap;

use time::OffsetDateTime;
use url::Url;

use super::Provider;

/// A code, and what it is for.
#[derive(Clone, Debug, Default)]
pub struct Login {
    pub subject: String,
    pub nonce: String,
    pub challenge: Option<String>,
    pub sid: String,
    pub is_silent: bool,
    pub began_at: Option<OffsetDateTime>,
}

/// What a browser has there.
#[derive(Clone, Debug)]
pub struct Front {
    pub subject: String,
    pub sid: String,
}

impl Provider {
    /// What the browser of a user has who has logged in there.
    pub fn sign_in(&self, user: &str) -> Front {
        Front { subject: user.to_owned(), sid: format!("sid-{}", self.executor.number()) }
    }

    /// A user logs in: the code.
    pub fn log_in(&self, subject: &str, nonce: &str) -> String {
        let (subject, nonce) = (subject.to_owned(), nonce.to_owned());
        self.code(Login { subject, nonce, ..Login::default() })
    }

    fn code(&self, login: Login) -> String {
        let code = format!("code-{}", self.executor.number());
        let login = Login { began_at: Some(self.now()), ..login };
        self.codes.borrow_mut().insert(code.clone(), login);
        code
    }

    /// A browser is sent here. `user` logs in where somebody has to: where the browser goes on to, and what it has here then.
    pub fn authorize(&self, url: &Url, has: Option<Front>, user: &str) -> (String, Option<Front>) {
        let asked: BTreeMap<String, String> = url.query_pairs().into_owned().collect();
        let is_silent = asked.get("prompt").is_some_and(|prompt| prompt == "none");
        let live = has.filter(|front| !self.over.borrow().contains(&front.sid));
        let back = |more: &[(&str, &str)]| {
            let mut back = Url::parse(&asked["redirect_uri"]).unwrap();
            back.query_pairs_mut().append_pair("state", &asked["state"]).extend_pairs(more);
            String::from(back)
        };
        let front = match live {
            Some(front) => front,
            None if is_silent => return (back(&[("error", "login_required")]), None),
            None => self.sign_in(user),
        };
        let code = self.code(Login {
            subject: front.subject.clone(),
            nonce: asked.get("nonce").cloned().unwrap_or_default(),
            challenge: asked.get("code_challenge").cloned(),
            sid: front.sid.clone(),
            is_silent,
            began_at: None,
        });
        (back(&[("code", &code)]), Some(front))
    }

    /// Who logged in for a code.
    pub fn login_of(&self, code: &str) -> Option<Login> {
        self.codes.borrow().get(code).cloned()
    }
}
