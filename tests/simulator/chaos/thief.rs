//! Somebody has a copy of a browser's session cookie, and not the device's key.

use std::rc::Rc;

use super::super::device::DeviceKey;
use super::super::gateway::Seen;
use super::browser::{BOUND, Browser, PLACES, SESSION};
use super::device::{challenge_of, gives_proof};
use super::request::Request;
use super::truth::{Pending, actor_of, secret_of};
use super::{Run, THIEF, USERS};

impl Run {
    /// Uses the copy.
    pub async fn steal(&self, browser: Rc<Browser>) {
        let Some(cookie) = browser.session() else { return };
        match self.world.executor.below(4) {
            // A proof of another session's, or one from before.
            0 => {
                let proof = self.some_proof(&browser, &cookie);
                let _ = self.replay(&cookie, proof).await;
            }
            // A key of the thief's own.
            1 => {
                let Some(actor) = actor_of(&cookie) else { return };
                let known = self.truth.of_cookie(&cookie);
                let asked = self.ask_as_a_stranger(actor.as_str(), None).await;
                let Some(challenge) = asked.and_then(|seen| challenge_of(&seen)) else { return };
                let key = DeviceKey::new(&self.world.executor);
                for answer in [key.answers(&challenge), key.registers(&challenge)] {
                    let answered = self.ask_as_a_stranger(actor.as_str(), Some(&answer)).await;
                    let is_renewed = answered.is_some_and(|seen| gives_proof(&seen));
                    self.world.tally.must(!is_renewed, "another key renews the proof of a session", || {
                        format!("{}'s {actor}", known.as_ref().map_or("somebody", |known| known.user.as_str()))
                    });
                }
            }
            _ => drop(self.replay(&cookie, None).await),
        }
    }

    /// The copy is brought to another browser, where another user logs in: in the place of the session, unless that is bound.
    pub async fn log_in_over_stolen(&self, browser: Rc<Browser>) {
        let thief = Rc::clone(&self.browsers[THIEF]);
        let earlier = browser.former().pop().filter(|_| self.world.executor.below(3) == 0);
        let Some(cookie) = earlier.or_else(|| browser.session()).filter(|_| browser.number != THIEF) else { return };
        let Some(known) = self.truth.of_cookie(&cookie) else { return };
        browser.was_robbed.set(true);
        self.tell(|| format!("a thief brings the cookie of {} to {}", self.name_of(Some(&cookie)), thief.name));
        thief.take_stolen(&cookie);
        thief.front.take();
        thief.user.set(USERS.into_iter().find(|user| **user != known.user).unwrap_or(USERS[0]));
        let path = ["/auth/login", "/page", "/auth/login?prompt=login"][self.world.executor.below(3) as usize];
        drop(self.open(thief, path).await);
    }

    /// A proof that is not the browser's present one: of another session, or of the same one from before.
    fn some_proof(&self, browser: &Browser, cookie: &str) -> Option<String> {
        let (now, is_own) = (self.world.executor.now(), self.world.executor.below(2) == 0);
        let secret = secret_of(cookie).unwrap_or_default();
        let proofs = self.truth.proofs.borrow();
        let some: Vec<&String> =
            proofs.iter().filter(|(_, proof)| (proof.secret == secret) == is_own).map(|(proof, _)| proof).collect();
        let at = self.world.executor.below(some.len() as u64) as usize;
        some.get(at).map(|proof| (*proof).clone()).filter(|proof| browser.proof(now).as_ref() != Some(proof))
    }

    /// A request from elsewhere with the copy of a session's cookie, and perhaps with a proof.
    pub async fn replay(&self, cookie: &str, proof: Option<String>) -> Option<Seen> {
        let number = self.world.executor.number();
        let began = self.world.executor.now();
        let secret = secret_of(cookie).map(str::to_owned);
        let known = self.truth.of_cookie(cookie);
        if let Some(known) = &known
            && !self.truth.is_good_proof(known, proof.as_deref())
        {
            known.device.was_unproven.set(true);
        }
        // If it passes, it is a use.
        let asked_before = known.map(|known| {
            self.truth.became(&known).iter().for_each(|renewed| renewed.last_asked.set(began));
            known.last_asked.replace(began)
        });
        let pending = Pending { began, secret, asked_before, proof: proof.clone() };
        self.truth.pending.borrow_mut().insert(number, pending);
        let cookies = proof.map(|proof| format!("; {BOUND}={proof}")).unwrap_or_default();
        let mut request = Request::of("GET", "/api")
            .header("x-number", &number.to_string())
            .header("cookie", &format!("{SESSION}={cookie}{cookies}"))
            .header("user-agent", "a thief's");
        request.place = PLACES[self.world.executor.below(PLACES.len() as u64) as usize];
        self.tell(|| format!("a thief has the cookie of {}", self.name_of(Some(cookie))));
        let seen = self.gateways.send(&request).await;
        self.truth.pending.borrow_mut().remove(&number);
        self.tell(|| format!("the thief gets {:?}", seen.as_ref().map(|seen| (&seen.what, &seen.body))));
        seen
    }
}
