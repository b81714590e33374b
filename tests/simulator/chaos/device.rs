//! A browser that knows devices: it takes offers to bind its session, and proves again and again that it has the key. What it does is what
//! Chromium does: a request waits while the proof is renewed, and goes out without one, and says so, where that fails.

use std::rc::Rc;
use std::time::Duration;

use edge_oauth_sessions::credential::ActorId;

use super::super::device::DeviceKey;
use super::super::gateway::Seen;
use super::Run;
use super::browser::Browser;
use super::request::Request;
use super::truth::Known;

/// How often a browser answers a challenge before it gives up.
const TRIES: u32 = 3;
/// Paths that need no proof.
const EXEMPT: [&str; 4] = ["/auth/device/", "/auth/login", "/auth/callback", "/auth/logout"];

/// The key of a session that is bound.
#[derive(Clone)]
pub struct Held {
    /// By which the browser and the gateway know it.
    pub id: String,
    pub key: DeviceKey,
    /// The session's.
    pub secret: String,
}

impl Run {
    /// Whether the browser has to renew its proof before this request.
    pub fn needs_proof(&self, browser: &Browser, request: &Request) -> bool {
        let path = request.target.strip_prefix(super::request::ORIGIN).unwrap_or(&request.target);
        browser.holds.borrow().is_some()
            && browser.session().is_some()
            && browser.proof(self.world.executor.now()).is_none()
            && !EXEMPT.iter().any(|exempt| path.starts_with(exempt))
    }

    /// Renews the proof. Where that fails: what the browser says of it.
    pub async fn renew_proof(&self, browser: &Rc<Browser>) -> Option<&'static str> {
        let held = browser.holds.borrow().clone()?;
        if self.world.executor.below(20) == 0 {
            return Some("quota_exceeded");
        }
        let mut answer = None;
        for _ in 0..TRIES {
            let seen = self.ask_for_proof(browser, &held.id, answer.as_deref(), &held.secret).await;
            let Some(seen) = seen else { return Some("unreachable") };
            match seen.what.as_str() {
                "403" => answer = challenge_of(&seen).map(|challenge| held.key.answers(&challenge)),
                "200" if seen.body.contains("\"continue\":false") => {
                    browser.lets_go_of(&held.id);
                    return None;
                }
                "200" => return None,
                status if status >= "500" => return Some("server_error"),
                _ => {
                    browser.lets_go_of(&held.id);
                    return None;
                }
            }
        }
        Some("server_error")
    }

    /// Asks for a challenge, or brings the answer to one. What comes proves the session of this secret.
    pub async fn ask_for_proof(
        &self,
        browser: &Rc<Browser>,
        id: &str,
        answer: Option<&str>,
        secret: &str,
    ) -> Option<Seen> {
        let mut request = Request::of("POST", "/auth/device/refresh").header("sec-secure-session-id", &quoted(id));
        if let Some(answer) = answer {
            request = request.header("secure-session-response", &quoted(answer));
        }
        Some(self.deliver(browser, request.proves(secret), false).await?.seen)
    }

    /// The answer to a request offers to bind the session.
    pub fn take_offer(&self, browser: &Rc<Browser>, seen: &Seen) {
        let offer = seen.headers.get("secure-session-registration").filter(|_| browser.knows_devices);
        let Some((path, challenge)) = offer.and_then(|offer| Some((value(offer, "path")?, value(offer, "challenge")?)))
        else {
            return;
        };
        // Two tabs may be offered the same at once.
        let tabs = if self.world.executor.below(5) == 0 { 2 } else { 1 };
        for _ in 0..tabs {
            let (run, browser) = (self.clone(), Rc::clone(browser));
            let (path, challenge) = (path.clone(), challenge.clone());
            self.begin(async move { run.register(browser, &path, &challenge).await });
        }
    }

    /// The session that a challenge is of.
    fn challenged(&self, challenge: &str) -> Option<Rc<Known>> {
        let actor: ActorId = challenge.split('.').next()?.parse().ok()?;
        let sessions = self.truth.sessions.borrow();
        sessions.values().find(|known| known.actors.borrow().contains(&actor)).cloned()
    }

    async fn register(&self, browser: Rc<Browser>, path: &str, challenge: &str) {
        let executor = &self.world.executor;
        executor.sleep(executor.up_to(Duration::from_millis(40))).await;
        let Some(known) = self.challenged(challenge) else { return };
        let key = DeviceKey::new(executor);
        let began = executor.now();
        known.device.may_be_bound.set(true);
        let mut request = Request::of("POST", path)
            .header("secure-session-response", &quoted(&key.registers(challenge)))
            .proves(&known.secret);
        // After a login that ended on another site none come along.
        request.comes_without_cookies = executor.below(4) == 0;
        let Some(delivered) = self.deliver(&browser, request, false).await else { return };
        let seen = delivered.seen;
        if seen.what != "200" {
            return;
        }
        let tally = &self.world.tally;
        let was_over = known.ended.get().is_some_and(|ended| ended < began);
        tally.must(!was_over, "a session is bound after its end was answered", || known.user.clone());
        let thumbprint = key.thumbprint();
        let before = known.device.bound_to.get();
        let is_first = before.is_none_or(|(known, _)| known == thumbprint);
        tally.must(is_first, "a session is bound to two keys", || format!("{before:?}, {thumbprint}"));
        known.device.bound_to.set(Some((thumbprint, executor.now())));
        if let Some(id) = json_text(&seen.body, "session_identifier") {
            self.tell(|| format!("{}'s {} is bound to {thumbprint}", browser.name, &id[..6]));
            browser.holds.replace(Some(Held { id, key, secret: known.secret.clone() }));
        }
    }

    /// The browser answers a challenge of another session's with its own key: that proves nothing.
    pub async fn answer_for_another(&self, browser: Rc<Browser>) {
        let others = self.browsers.iter().filter_map(|other| other.holds.borrow().clone());
        let own = browser.holds.borrow().clone();
        let Some(own) = own.filter(|own| browser.session().is_some_and(|cookie| cookie.ends_with(&own.secret))) else {
            return;
        };
        let Some(other) = others.into_iter().find(|other| other.id != own.id) else { return };
        let asked = self.ask_as_a_stranger(&other.id, None).await;
        let Some(challenge) = asked.and_then(|seen| challenge_of(&seen)) else { return };
        self.tell(|| format!("{} answers a challenge of {}", browser.name, &other.id[..6]));
        let answered = self.ask_as_a_stranger(&own.id, Some(&own.key.answers(&challenge))).await;
        let is_renewed = answered.is_some_and(|seen| gives_proof(&seen));
        self.world.tally.must(!is_renewed, "an answer to another session's challenge renews a proof", || own.id);
    }

    /// A question about a proof without any cookie.
    pub async fn ask_as_a_stranger(&self, id: &str, answer: Option<&str>) -> Option<Seen> {
        let mut request = Request::of("POST", "/auth/device/refresh").header("sec-secure-session-id", &quoted(id));
        if let Some(answer) = answer {
            request = request.header("secure-session-response", &quoted(answer));
        }
        self.gateways.send(&request).await
    }
}

/// The challenge that an answer brings.
pub fn challenge_of(seen: &Seen) -> Option<String> {
    let value = seen.headers.get("secure-session-challenge")?;
    Some(value.split('"').nth(1)?.to_owned())
}

/// Whether an answer sets the bound cookie.
pub fn gives_proof(seen: &Seen) -> bool {
    seen.cookies.iter().any(|line| line.starts_with(super::browser::BOUND) && !line.contains("Max-Age=0"))
}

fn quoted(text: &str) -> String {
    format!("\"{text}\"")
}

/// `name="value"` of a list of parameters.
fn value(header: &str, name: &str) -> Option<String> {
    let rest = header.split(&format!("{name}=\"")).nth(1)?;
    Some(rest.split('"').next()?.to_owned())
}

fn json_text(body: &str, name: &str) -> Option<String> {
    let body: serde_json::Value = serde_json::from_str(body).ok()?;
    Some(body.get(name)?.as_str()?.to_owned())
}
