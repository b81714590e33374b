//! Administrators, and the provider where it ends sessions by itself (back-channel logout).

use serde_json::Value;

use super::super::gateway::Seen;
use super::super::provider::logout_token;
use super::Run;
use super::climate::ADMIN_TOKEN;
use super::request::Request;
use super::truth::Whose;

impl Run {
    async fn administer(&self, request: Request) -> Option<Seen> {
        self.tell(|| format!("an administrator asks {} {}", request.method, request.target));
        let seen =
            self.gateways.send(&request.clone().header("authorization", &format!("Bearer {ADMIN_TOKEN}"))).await?;
        self.tell(|| {
            format!(
                "the administrator gets {} for {} {}: {}",
                seen.what,
                request.method,
                request.target,
                seen.body.chars().take(200).collect::<String>()
            )
        });
        self.judge_calm(&request, &seen);
        Some(seen)
    }

    /// Some session of a list that is live.
    pub fn some_listed(&self, seen: &Seen) -> Option<String> {
        let listed = live_ids(seen);
        let at = self.world.executor.below(listed.len() as u64) as usize;
        listed.get(at).cloned()
    }

    pub async fn list(&self, user: &str) -> Option<Seen> {
        self.administer(Request::of("GET", &format!("/auth/admin/users/{user}/sessions"))).await
    }

    /// Looks at one session of a user's.
    pub async fn inspect(&self, user: &str) {
        let Some(seen) = self.list(user).await else { return };
        if let Some(id) = self.some_listed(&seen) {
            let _ = self.administer(Request::of("GET", &format!("/auth/admin/sessions/{id}"))).await;
        }
    }

    /// Renews one.
    pub async fn refresh(&self, user: &str) {
        let Some(seen) = self.list(user).await else { return };
        if let Some(id) = self.some_listed(&seen) {
            self.force(user);
            let _ = self.administer(Request::of("POST", &format!("/auth/admin/sessions/{id}/refresh"))).await;
        }
    }

    /// Somebody asks for a refresh of one of this user's sessions now.
    pub fn force(&self, user: &str) {
        self.world.provider.forced.borrow_mut().insert(user.to_owned(), self.world.executor.now());
    }

    /// Moves one.
    pub async fn migrate(&self, user: &str) {
        let Some(seen) = self.list(user).await else { return };
        if let Some(id) = self.some_listed(&seen) {
            let region = ["weur", "enam", "apac", "oc"][self.world.executor.below(4) as usize];
            let body = format!("{{\"region\":\"{region}\"}}");
            let request = Request::of("POST", &format!("/auth/admin/sessions/{id}/migrate"));
            let _ = self.administer(request.body("application/json", &body)).await;
        }
    }

    /// Ends one.
    pub async fn revoke(&self, user: &str) {
        let Some(seen) = self.list(user).await else { return };
        if let Some(id) = self.some_listed(&seen) {
            let act = self.truth.begin("revoked", Whose::Actor(id.clone()));
            let seen = self.administer(Request::of("DELETE", &format!("/auth/admin/sessions/{id}"))).await;
            if seen.is_some_and(|seen| seen.what == "204") {
                self.truth.answered(act);
            }
        }
    }

    /// Ends all of a user's: whether all of them are over.
    pub async fn revoke_all(&self, user: &str) -> bool {
        let act = self.truth.begin("revoked", Whose::User(user.to_owned()));
        let seen = self.administer(Request::of("DELETE", &format!("/auth/admin/users/{user}/sessions"))).await;
        let is_done = seen.is_some_and(|seen| seen.what == "200");
        if is_done {
            self.truth.answered(act);
        }
        is_done
    }

    /// The provider says that a user has logged out there: of one of its sessions, or of all.
    pub async fn log_out_at_provider(&self, user: &str, sid: Option<String>) {
        let names_user = self.world.executor.below(2) == 0 || sid.is_none();
        let subject = names_user.then_some(user);
        let whose = sid.clone().map_or_else(|| Whose::User(user.to_owned()), Whose::Sid);
        if let Some(sid) = &sid {
            self.world.provider.end_session(sid);
        }
        let act = self.truth.begin("backchannel", whose);
        let jti = self.world.executor.number();
        let token = logout_token(self.world.executor.now(), jti, subject, sid.as_deref());
        let request = Request::of("POST", "/auth/backchannel-logout")
            .body("application/x-www-form-urlencoded", &format!("logout_token={token}"));
        self.tell(|| format!("the provider says that {user} logged out: {sid:?}"));
        // A provider tries again what was not answered.
        for _ in 0..2 {
            let seen = self.gateways.send(&request).await;
            self.tell(|| format!("the provider gets {:?}", seen.as_ref().map(|seen| &seen.what)));
            if seen.is_some_and(|seen| seen.what == "200") {
                self.truth.answered(act);
                return;
            }
            self.world.wait(std::time::Duration::from_secs(2)).await;
        }
    }
}

/// The live sessions of a list.
pub fn live_ids(seen: &Seen) -> Vec<String> {
    let list: Value = serde_json::from_str(&seen.body).unwrap_or_default();
    let sessions = list.get("sessions").and_then(Value::as_array).cloned().unwrap_or_default();
    let live = sessions.into_iter().filter(|session| session["state"] == "active");
    live.filter_map(|session| session["id"].as_str().map(str::to_owned)).collect()
}
