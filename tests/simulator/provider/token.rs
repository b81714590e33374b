//! The token endpoint.

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use edge_oauth_sessions::runtime::HttpError;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::super::faults::Kind;
use super::documents::sign;
use super::{Access, Answer, Caller, Family, Fault, ISSUER, Login, Provider, Token, form, reply};

/// How long a code is good.
const CODE_LIFE: Duration = Duration::from_secs(300);
/// How long the provider does not know the client.
const UNKNOWN_FOR: Duration = Duration::from_secs(20);

fn refused() -> Answer {
    reply(400, &json!({"error": "invalid_grant"}))
}

impl Provider {
    pub(super) async fn token(&self, body: &[u8], caller: &Caller) -> Answer {
        let form = form(body);
        let presented = form.get("refresh_token").cloned();
        self.tally
            .tell(|| format!("{} is presented to the provider by {caller}", presented.as_deref().unwrap_or("a code")));
        if let Some(token) = &presented {
            self.presented.borrow_mut().push(token.clone());
            self.note_presentation(token, caller);
        }
        let fault = self.script.borrow_mut().pop_front();
        match fault {
            Some(Fault::Status(status)) => return reply(status, &json!({"error": "temporarily_unavailable"})),
            Some(Fault::Slow(span)) => self.executor.sleep(span).await,
            Some(Fault::LoseAnswer) | None => {}
        }
        if let Some(answer) = self.turned_away(presented.as_deref()) {
            return answer;
        }
        let is_garbled = self.faults.strikes(Kind::ProviderMalformed);
        let is_behind = self.faults.strikes(Kind::ProviderBadGateway);
        if (is_garbled || is_behind) && self.executor.below(2) == 0 {
            self.doubt(presented.as_deref());
            return garbled(is_behind);
        }
        let answer = match form.get("grant_type").map(String::as_str) {
            Some("authorization_code") => self.redeem(&form, caller),
            Some("refresh_token") => self.refresh(&form["refresh_token"], target(&form)),
            Some("urn:ietf:params:oauth:grant-type:token-exchange") => self.exchange(&form),
            _ => refused(),
        };
        if is_garbled || is_behind {
            self.doubt(presented.as_deref());
            return garbled(is_behind);
        }
        if matches!(fault, Some(Fault::LoseAnswer)) { Err(HttpError::Unreachable) } else { answer }
    }

    /// What it answers without doing anything.
    fn turned_away(&self, presented: Option<&str>) -> Option<Answer> {
        if self.faults.strikes(Kind::ProviderClient) {
            self.client_unknown_until.set(Some(self.now() + UNKNOWN_FOR));
        }
        if self.client_unknown_until.get().is_some_and(|until| self.now() < until) {
            return Some(reply(401, &json!({"error": "invalid_client"})));
        }
        if !self.faults.strikes(Kind::ProviderNotNow) {
            return None;
        }
        let status = [429, 500, 503][self.executor.below(3) as usize];
        let mut answer = reply(status, &json!({"error": "temporarily_unavailable"}));
        if let (Ok(answer), 0) = (&mut answer, self.executor.below(3)) {
            let seconds = 1 + self.executor.below(20);
            answer.headers_mut().insert("retry-after", seconds.to_string().parse().unwrap());
            if let Some(token) = presented {
                self.ask_for_patience(token, Duration::from_secs(seconds));
            }
        }
        Some(answer)
    }

    fn redeem(&self, form: &BTreeMap<String, String>, caller: &Caller) -> Answer {
        let Some(login) = self.codes.borrow_mut().remove(&form["code"]) else {
            // RFC 6749 section 4.1.2: what was granted with it before is over.
            let granted = self.redeemed.borrow().get(&form["code"]).copied();
            granted.into_iter().for_each(|family| self.end_grant(family));
            return refused();
        };
        let verifier = form.get("code_verifier");
        let challenge = verifier.map(|verifier| BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(verifier)));
        let is_old = login.began_at.is_some_and(|at| self.now() > at + CODE_LIFE);
        if is_old || login.challenge.is_some() && login.challenge != challenge {
            return refused();
        }
        let family = if self.rules.one_grant.get() {
            let known =
                self.grants.borrow().iter().find(|(_, g)| g.subject == login.subject && !g.is_ended).map(|g| *g.0);
            known.unwrap_or_else(|| self.executor.number())
        } else {
            self.executor.number()
        };
        self.redeemed.borrow_mut().insert(form["code"].clone(), family);
        let mut grants = self.grants.borrow_mut();
        let grant = grants.entry(family).or_default();
        (grant.subject, grant.sid) = (login.subject.clone(), login.sid.clone());
        grant.presenters.extend(caller.actor.as_ref().map(|(actor, _)| actor.clone()));
        drop(grants);
        self.grant(&login.subject.clone(), family, Some(&login))
    }

    /// RFC 8693: an access token that is good for one for a target.
    fn exchange(&self, form: &BTreeMap<String, String>) -> Answer {
        let subject =
            self.access.borrow().get(&form["subject_token"]).filter(|known| self.now() < known.expires_at).cloned();
        let (Some(subject), Some(target)) = (subject, target(form)) else {
            return reply(400, &json!({"error": "invalid_request"}));
        };
        if let Some(error) = self.rules.refuses.borrow().get(target) {
            return reply(400, &json!({ "error": error }));
        }
        self.grant_for(&subject.subject, subject.family, target, None)
    }

    /// An access token for a target, and no ID token.
    fn grant_for(&self, subject: &str, family: Family, target: &str, refresh: Option<&str>) -> Answer {
        let life = self.rules.life.get();
        *self.granted_for.borrow_mut().entry(target.to_owned()).or_default() += 1;
        let text = format!("access-{subject}-{}-{}", self.executor.number(), target.replace(' ', "+"));
        let expires_at = self.now() + life;
        let access = Access { subject: subject.to_owned(), family, expires_at, target: Some(target.to_owned()) };
        self.access.borrow_mut().insert(text.clone(), access);
        let mut answer = json!({"access_token": text, "token_type": "Bearer", "expires_in": life.as_secs()});
        if let Some(refresh) = refresh {
            answer["refresh_token"] = refresh.into();
        }
        reply(200, &answer)
    }

    fn refresh(&self, presented: &str, target: Option<&str>) -> Answer {
        let mut tokens = self.tokens.borrow_mut();
        let Some(token) = tokens.get_mut(presented) else { return refused() };
        let (subject, family) = (token.subject.clone(), token.family);
        let now = self.now();
        let is_used_up = token.spent_at.is_some_and(|at| now >= at + self.rules.leeway.get());
        let mut grants = self.grants.borrow_mut();
        let grant = grants.entry(family).or_default();
        if is_used_up {
            self.reused.borrow_mut().push(presented.to_owned());
            self.tally.violate("a used refresh token was presented again", format!("{presented} of {subject}"));
            grant.is_ended = true;
        }
        if self.faults.strikes(Kind::ProviderEndsGrant) {
            grant.is_ended = true;
        }
        if grant.is_ended {
            grant.was_refused = true;
            return refused();
        }
        drop(grants);
        let refusal = target.and_then(|target| self.rules.refuses.borrow().get(target).copied());
        if let Some(error) = refusal {
            return reply(400, &json!({ "error": error }));
        }
        match target {
            None => self.check_single_flight(&subject, family),
            Some(target) => self.check_single_flight_for(target, &subject, family),
        }
        let keeps =
            !self.rules.rotates.get() || token.spent_at.is_none() && self.faults.strikes(Kind::ProviderSameToken);
        if keeps {
            // The tries that fail from now on are a new series.
            token.presentations.clear();
        } else {
            token.spent_at = token.spent_at.or(Some(now));
        }
        drop(tokens);
        if let Some(target) = target {
            let next = (!keeps).then(|| self.issue_refresh_token(&subject, family));
            return self.grant_for(&subject, family, target, next.as_deref());
        }
        self.refreshes.set(self.refreshes.get() + 1);
        if keeps { self.grant_access(&subject, family, None, None) } else { self.grant(&subject, family, None) }
    }

    fn grant(&self, subject: &str, family: Family, login: Option<&Login>) -> Answer {
        if login.is_some_and(|login| login.is_silent) && self.rules.strips_offline.get() {
            return self.grant_access(subject, family, login, None);
        }
        let refresh_token = self.issue_refresh_token(subject, family);
        self.grant_access(subject, family, login, Some(&refresh_token))
    }

    fn issue_refresh_token(&self, subject: &str, family: Family) -> String {
        let refresh_token = format!("refresh-{}", self.executor.number());
        let token = Token { subject: subject.to_owned(), family, spent_at: None, presentations: Vec::new() };
        self.tokens.borrow_mut().insert(refresh_token.clone(), token);
        refresh_token
    }

    fn grant_access(&self, subject: &str, family: Family, login: Option<&Login>, refresh: Option<&str>) -> Answer {
        let (now, life) = (self.now(), self.rules.life.get());
        self.tally.tell(|| format!("the provider grants {subject} {refresh:?}, family {family}"));
        let text = format!("access-{subject}-{}", self.executor.number());
        let access = Access { subject: subject.to_owned(), family, expires_at: now + life, target: None };
        self.access.borrow_mut().insert(text.clone(), access);
        let sid = self.grants.borrow_mut().get_mut(&family).map(|grant| {
            grant.granted_at = Some(now);
            grant.presenters_then = grant.presenters.len();
            grant.sid.clone()
        });
        let at = now.unix_timestamp();
        let mut claims = json!({"iss": ISSUER, "sub": subject, "aud": "client", "iat": at, "exp": at + 300});
        if let Some(login) = login {
            claims["nonce"] = login.nonce.as_str().into();
        }
        if let Some(sid) = sid.filter(|sid| !sid.is_empty()) {
            claims["sid"] = sid.into();
        }
        let mut answer = json!({
            "access_token": text, "token_type": "Bearer", "expires_in": life.as_secs(), "id_token": sign(&claims),
        });
        if let Some(refresh) = refresh {
            answer["refresh_token"] = refresh.into();
        }
        reply(200, &answer)
    }
}

/// What the access token is to be for, if not the session's own use.
fn target(form: &BTreeMap<String, String>) -> Option<&str> {
    ["audience", "resource", "scope"].into_iter().find_map(|name| form.get(name)).map(String::as_str)
}

fn garbled(is_behind: bool) -> Answer {
    let status = if is_behind { 502 } else { 200 };
    Ok(http::Response::builder().status(status).body(b"<html>".to_vec()).unwrap())
}
